"""How long tasks wait: gaps of every policy on static and changing graphs (appendix G, 5.5)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from simulations.sampling import clopper_pearson
from simulations.staleness import (
    MODELS,
    SEQUENCES,
    GapTally,
    GraphModel,
    graph_source,
    play,
    tally_gaps,
)
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule import Phase
from songoku_theory.schedule.policies import Policy, RandomGroups, available_policies, get_policy

__all__ = ["EXPERIMENT"]

_EMPTY: Row = {
    "gap": None,
    "at_bound": None,
    "over_bound": None,
    "over_delta": None,
    "bound": None,
    "always": None,
    "starved_tasks": None,
    "starved_runs": None,
    "starved_runs_lo": None,
    "starved_runs_hi": None,
    "over_delta_runs": None,
    "over_delta_runs_lo": None,
    "over_delta_runs_hi": None,
    "longest_wait": None,
    "misses": None,
    "chances": None,
    "classes_mean": None,
    "classes_max": None,
    "max_degree": None,
}


@dataclass(slots=True)
class _Total:
    """What the runs of a cell add up to."""

    runs: int = 0
    gaps: Counter[tuple[str, int]] = field(default_factory=Counter)
    at_bound: Counter[tuple[str, int]] = field(default_factory=Counter)
    over_bound: Counter[tuple[str, int]] = field(default_factory=Counter)
    over_delta: Counter[tuple[str, int]] = field(default_factory=Counter)
    bound: float = 0.0
    starved_tasks: int = 0
    starved_runs: int = 0
    over_delta_runs: int = 0
    longest_wait: int = 0
    misses: int = 0
    chances: int = 0
    classes: list[int] = field(default_factory=list)
    max_degree: int = 0

    def add(self, one: GapTally) -> None:
        self.runs += 1
        self.gaps += one.gaps
        self.at_bound += one.at_bound
        self.over_bound += one.over_bound
        self.over_delta += one.over_delta
        self.bound = max(self.bound, one.bound)
        self.starved_tasks += len(one.starved)
        self.starved_runs += bool(one.starved)
        self.over_delta_runs += bool(one.over_delta)
        self.longest_wait = max(self.longest_wait, one.longest_wait)
        self.misses += one.misses
        self.chances += one.chances


def _policy(params: Mapping[str, Scalar], seed: int) -> Policy:
    name = str(params["policy"])
    return RandomGroups(seed=seed) if name == "random_groups" else get_policy(name)


def _model(params: Mapping[str, Scalar]) -> GraphModel:
    return GraphModel(
        str(params["model"]),
        int(params["num_tasks"]),
        float(params["density"]),
        int(params["num_groups"]),
    )


def _always(params: Mapping[str, Scalar], policy: Policy) -> float:
    """Return the policy's bound for any run with these settings."""
    tasks, extend = int(params["num_tasks"]), params["short_window"] == "extend"
    return policy.gap_always(tasks, max(int(params["refresh_period"]), tasks if extend else 1))


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: `runs` runs of the policy, each with graphs of its own.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row for each kind and length of gap that occurred, and one for the runs.
    """
    model, always = _model(params), _always(params, _policy(params, 0))
    total = _Total()
    for child in seed.spawn(int(params["runs"])):
        rng = np.random.default_rng(child)
        policy = _policy(params, int(rng.integers(1 << 31)))
        history = play(
            policy,
            graph_source(str(params["sequence"]), model, float(params["churn"]), policy, rng),
            num_tasks=model.num_tasks,
            refresh_period=int(params["refresh_period"]),
            rounds=int(params["rounds"]),
            phase=cast(Phase, params["phase"]),
            extend=params["short_window"] == "extend",
        )
        total.add(tally_gaps(history, policy, always))
        later = history.windows[1:] or history.windows
        total.classes += [window.num_classes for window in later]
        total.max_degree = max(total.max_degree, *(window.max_degree for window in later))
    return [*_gap_rows(total), _runs_row(total, always)]


def _gap_rows(total: _Total) -> list[Row]:
    return [
        {
            **_EMPTY,
            "kind": kind,
            "gap": gap,
            "count": count,
            "at_bound": total.at_bound[kind, gap],
            "over_bound": total.over_bound[kind, gap],
            "over_delta": total.over_delta[kind, gap],
        }
        for (kind, gap), count in sorted(total.gaps.items())
    ]


def _runs_row(total: _Total, always: float) -> Row:
    row: Row = {
        **_EMPTY,
        "kind": "runs",
        "count": total.runs,
        "over_bound": total.over_bound.total(),
        "over_delta": total.over_delta.total(),
        "at_bound": total.at_bound.total(),
        "bound": total.bound if math.isfinite(total.bound) else None,
        "always": always if math.isfinite(always) else None,
        "starved_tasks": total.starved_tasks,
        "longest_wait": total.longest_wait,
        "misses": total.misses,
        "chances": total.chances,
        "classes_mean": float(np.mean(total.classes)),
        "classes_max": max(total.classes),
        "max_degree": total.max_degree,
    }
    for name in ("starved_runs", "over_delta_runs"):
        successes = int(getattr(total, name))
        low, high = clopper_pearson(successes, total.runs)
        row |= {name: successes, f"{name}_lo": low, f"{name}_hi": high}
    return row


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist.

    Raises
    ------
    InvalidInputError
        When the groups do not divide the tasks, or an option has no meaning for the policy.
    """
    _model(params)
    policy = _policy(params, 0)
    for name, default in (("phase", "global"), ("short_window", "truncate")):
        if params[name] != default and name not in policy.options:
            raise InvalidInputError(
                f"{name}={params[name]!r} has no meaning for policy {policy.name!r}; leave it at "
                f"{default!r}."
            )


_SECONDS_PER_STEP = 1.4e-5
_SECONDS_PER_GRAPH = 1e-4


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {"runs": 10, "rounds": 5, "refresh_period": 8, "num_tasks": 12}
    >>> cost({**base, "sequence": "static"}) < cost({**base, "sequence": "adversarial"})
    True
    """
    refreshes = int(params["runs"]) * (int(params["rounds"]) + 1)
    steps = refreshes * int(params["refresh_period"])
    tries = int(params["num_tasks"]) + 1 if params["sequence"] == "adversarial" else 1
    return 1e-3 + _SECONDS_PER_STEP * steps + _SECONDS_PER_GRAPH * refreshes * tries


EXPERIMENT = Experiment(
    name="staleness",
    version=1,
    doc=(
        "Run a schedule policy over a sequence of conflict graphs (static, redrawn, drifting, or "
        "chosen by an adversary at each refresh) and count every gap between two turns of a task, "
        "within a window and across refreshes, beside the bound that is proved of it and beside "
        "Delta + 1 (SON-GOKU, 5.5 and Proposition 8; the bounds across refreshes are ours). No "
        "gradient is simulated: the graphs are handed over."
    ),
    params={
        "policy": Param(
            type=str, default="cycle", choices=available_policies(), doc="who runs at a step"
        ),
        "sequence": Param(
            type=str,
            default="redrawn",
            choices=SEQUENCES,
            doc=(
                "graph of each refresh; adversarial: relabelled so that the task that has waited "
                "longest waits longest still"
            ),
        ),
        "model": Param(
            type=str,
            default="random",
            choices=MODELS,
            doc="random: each pair with probability density; multipartite: num_groups classes",
        ),
        "num_tasks": Param(type=int, default=12, low=1, doc="K"),
        "density": Param(type=float, default=0.3, low=0, high=1, doc="of model random"),
        "num_groups": Param(type=int, default=3, low=1, doc="m of model multipartite; divides K"),
        "churn": Param(
            type=float,
            default=0.1,
            low=0,
            high=1,
            doc="of drifting: share of pairs (random) or tasks (multipartite) redrawn",
        ),
        "refresh_period": Param(type=int, default=16, low=1, doc="R, steps between refreshes"),
        "rounds": Param(type=int, default=20, low=1, doc="windows after the warm-up"),
        "phase": Param(
            type=str,
            default="global",
            choices=("global", "restart", "carried"),
            doc="where the cycle stands after a refresh; global: eq. 11, t mod m",
        ),
        "short_window": Param(
            type=str,
            default="truncate",
            choices=("truncate", "extend"),
            doc="where R < m; extend: a window lasts until every class has run",
        ),
        "runs": Param(type=int, default=40, low=1, doc="independent runs in a cell"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "kind": str,
        "gap": int,
        "count": int,
        "at_bound": int,
        "over_bound": int,
        "over_delta": int,
        "bound": float,
        "always": float,
        "starved_tasks": int,
        "starved_runs": int,
        "starved_runs_lo": float,
        "starved_runs_hi": float,
        "over_delta_runs": int,
        "over_delta_runs_lo": float,
        "over_delta_runs_hi": float,
        "longest_wait": int,
        "misses": int,
        "chances": int,
        "classes_mean": float,
        "classes_max": int,
        "max_degree": int,
    },
    run=run,
    statistics=(
        "n = runs independent runs a cell. Rows 'within' and 'across' (a refresh between the two "
        "turns) count gaps; gaps of one run depend on each other, so these counts describe and "
        "carry no interval. over_bound counts gaps above the bound proved for them and is 0 unless "
        "a proof or the code is wrong. Row 'runs': starved_runs (some task without a turn after "
        "the first refresh) and over_delta_runs (some gap above Delta + 1) are counts of runs with "
        "exact (Clopper-Pearson) intervals, each with coverage >= 95% (alpha = 0.05) for its own "
        "cell, not adjusted for the number of cells. "
        "Cells that differ in policy, rounds, phase or short_window only share their random "
        "numbers: compare them run by run, and do not add their runs up."
    ),
    cost=cost,
    check=check,
    seed_axes=(
        "sequence",
        "model",
        "num_tasks",
        "density",
        "num_groups",
        "churn",
        "refresh_period",
        "replicate",
    ),
)
