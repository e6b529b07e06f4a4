"""How far a class's step descends: for the class, its members and F (Propositions 6 and 7)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulations.comparison.classes import ClassSteps, class_steps
from simulations.comparison.gradients import (
    adversarial_gradients,
    planted_gradients,
    random_gradients,
)
from simulations.generators import plant_multipartite
from simulations.sampling import clopper_pearson
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory.errors import InvalidInputError

__all__ = ["EXPERIMENT"]

GUARANTEES = ("worst_case", "norm_aware", "data_driven", "ordering", "eigenvalue", "degree")
QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


def _draw(
    params: Mapping[str, Scalar], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the gradients of the step and those that the graph is drawn from."""
    trials, tasks, dim = int(params["trials"]), int(params["num_tasks"]), int(params["dim"])
    tau, spread = float(params["tau"]), float(params["spread"])
    if params["law"] == "random":
        step = random_gradients(trials, tasks, dim, spread, rng)
    elif params["law"] == "adversarial":
        step = adversarial_gradients(trials, tasks, dim, tau, rng)
    else:
        sigma = float(params["sigma"])
        groups, gamma = int(params["num_groups"]), float(params["gamma"])
        step, means = planted_gradients(trials, groups, tasks, dim, tau, gamma, sigma, spread, rng)
        if params["seen"] == "average":
            noise = rng.standard_normal(means.shape)
            return step, means + sigma / math.sqrt(float(params["n_eff"])) * noise
    return step, step


def _row(steps: ClassSteps, size: int) -> Row:
    mine = steps.size == size
    picked = mine & steps.picked
    count = int(picked.sum())
    row: Row = {
        "size": size,
        "classes": int(mine.sum()),
        "picked": count,
        "worst_case_bound": float(steps.worst_case[mine][0]),
        "ratio_min": float(steps.ratio[mine].min()),
        "excess_min": float((steps.ratio - steps.worst_case)[mine].min()),
        "tau_eff_max": float(1.0 - steps.data_driven[mine].min()),
        "worst_case_failed": int((mine & (steps.ratio < steps.worst_case - 1e-9)).sum()),
        "member_wrong": int((mine & steps.member_wrong).sum()),
        "objective_wrong": int((mine & steps.objective_wrong).sum()),
    }
    for which in GUARANTEES:
        row[f"{which}_violated"] = int((mine & steps.violated(which)).sum())
    for name, values in (("ratio", steps.ratio), ("data_driven", steps.data_driven)):
        for label, level in QUANTILES.items():
            found = float(np.quantile(values[picked], level)) if count else None
            row[f"{name}_{label}"] = found
    shares = {
        "incompatible": ~steps.compatible,
        "data_driven_vacuous": steps.vacuous("data_driven"),
        "member_up": steps.member_up,
        "member_safe": steps.member_safe,
        "objective_up": steps.objective_up,
        "objective_safe": steps.objective_safe,
    }
    for name, flags in shares.items():
        found_count = int((picked & flags).sum())
        low, high = clopper_pearson(found_count, count) if count else (0.0, 1.0)
        row[name], row[f"{name}_lo"], row[f"{name}_hi"] = found_count, low, high
    return row


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: draw gradients, colour, step every class.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row a class size that occurred, smallest first.

    Raises
    ------
    InvalidInputError
        When such gradients can't exist.
    """
    draw, pick = (np.random.default_rng(child) for child in seed.spawn(2))
    step, seen = _draw(params, draw)
    steps = class_steps(step, seen, float(params["tau"]), pick)
    return [_row(steps, int(size)) for size in np.unique(steps.size)]


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When the planted cosines are impossible or the dimension is too small.
    """
    tasks, dim = int(params["num_tasks"]), int(params["dim"])
    if params["law"] == "adversarial" and (dim < tasks or tasks < 2):
        raise InvalidInputError(
            f"the adversarial law needs num_tasks >= 2 and dim >= num_tasks; found num_tasks = "
            f"{tasks}, dim = {dim}."
        )
    if params["law"] == "planted":
        groups = int(params["num_groups"])
        if groups > tasks:
            raise InvalidInputError(
                f"num_groups should be at most num_tasks; found {groups} groups of {tasks} tasks."
            )
        plant_multipartite(
            [1] * groups, min(dim, tasks), float(params["tau"]), float(params["gamma"])
        )
    elif params["seen"] != "step":
        raise InvalidInputError(
            "seen = 'average' needs noise around a mean, which only law = 'planted' has."
        )


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> cost({"trials": 1000, "num_tasks": 8, "dim": 8}) < cost(
    ...     {"trials": 1000, "num_tasks": 16, "dim": 8}
    ... )
    True
    """
    trials, tasks, dim = int(params["trials"]), int(params["num_tasks"]), int(params["dim"])
    return 2e-3 + trials * tasks * (4e-8 * dim + 1e-7 * tasks + 3e-7)


_INT_COLUMNS = (
    "size",
    "classes",
    "picked",
    "worst_case_failed",
    "member_wrong",
    "objective_wrong",
    *(f"{which}_violated" for which in GUARANTEES),
)
_FLOAT_COLUMNS = (
    "worst_case_bound",
    "ratio_min",
    "excess_min",
    "tau_eff_max",
    *(f"{name}_{label}" for name in ("ratio", "data_driven") for label in QUANTILES),
)
_SHARES = (
    "incompatible",
    "data_driven_vacuous",
    "member_up",
    "member_safe",
    "objective_up",
    "objective_safe",
)

EXPERIMENT = Experiment(
    name="descent",
    version=1,
    doc=(
        "Draw K gradients, colour their conflict graph, take the step of each colour class, and "
        "compare ||sum g||^2 / sum ||g||^2 with the bounds of Propositions 6 and 7 (SON-GOKU, "
        "section 5.1, appendix E); and tell, to first order, whether a member's own loss or the "
        "full objective rises in that step, which neither proposition excludes. One row a class "
        "size."
    ),
    params={
        "law": Param(
            type=str,
            default="random",
            choices=("adversarial", "planted", "random"),
            doc=(
                "random: uniform directions; planted: multipartite groups at the margin, with "
                "noise; adversarial: near the worst for the class, a member and F"
            ),
        ),
        "num_tasks": Param(type=int, default=8, low=1, doc="K"),
        "dim": Param(type=int, default=8, low=1, doc="d, shared parameters"),
        "tau": Param(type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold"),
        "spread": Param(
            type=float,
            default=0.5,
            low=0,
            high=5,
            doc="standard deviation of log ||g_k||; not adversarial",
        ),
        "num_groups": Param(type=int, default=2, low=1, doc="planted: groups"),
        "gamma": Param(
            type=float, default=0.1, low=0, low_open=True, high=1, doc="planted: cosine margin"
        ),
        "sigma": Param(
            type=float,
            default=0.1,
            low=0,
            doc="planted: noise of a coordinate of the step's gradients; median mean norm is 1",
        ),
        "seen": Param(
            type=str,
            default="step",
            choices=("average", "step"),
            doc=(
                "what the graph is drawn from; step: the step's own gradients, the premise of "
                "eq. 76; average: an EMA of n_eff other draws, as the scheduler does"
            ),
        ),
        "n_eff": Param(type=float, default=19.0, low=1, doc="with seen = average: its n_eff"),
        "trials": Param(type=int, default=2000, low=1, doc="independent draws in a cell"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        **dict.fromkeys(_INT_COLUMNS, int),
        **dict.fromkeys(_FLOAT_COLUMNS, float),
        **{
            column: kind
            for name in _SHARES
            for column, kind in ((name, int), (f"{name}_lo", float), (f"{name}_hi", float))
        },
    },
    run=run,
    statistics=(
        "n = trials independent draws a cell; each gives one or more classes. Of each draw one "
        "class is picked uniformly: member_*, objective_*, data_driven_vacuous and incompatible "
        "(the step's own gradients break eq. 76) are counts among the `picked` classes of this "
        "size, which are independent, with exact binomial (Clopper-Pearson) intervals [_lo, _hi] "
        "of coverage >= 95% (alpha = 0.05) each, not adjusted for the number of rows; quantiles "
        "are over the picked classes. *_violated, *_wrong, *_min and *_max are over all `classes`: "
        "a guarantee that is true is violated 0 times, up to 1e-9. worst_case_failed counts "
        "ratios below Proposition 6's bound whether or not the step's own gradients are "
        "tau-compatible."
    ),
    cost=cost,
    check=check,
)
