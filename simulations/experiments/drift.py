"""What an average tracks while the mean gradients move: Assumption 3 put to the test."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulations.experiments.phase import planted_tasks
from simulations.generators import PlantedTasks, plant_multipartite
from simulations.generators.drift import DRIFT_KINDS, MeanPath
from simulations.sampling import clopper_pearson
from simulations.sampling.gram_law import row_grams
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory.bounds.drift import memory_of_a_jump, tracking_error
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.ema import n_eff
from songoku_theory.errors import InvalidInputError

__all__ = ["EXPERIMENT"]

Array = NDArray[np.float64]


def _placed(params: Mapping[str, Scalar], rng: np.random.Generator) -> PlantedTasks:
    sizes = (int(params["group_size"]),) * int(params["num_groups"])
    dim, tau, gamma = int(params["dim"]), float(params["tau"]), float(params["gamma"])
    return plant_multipartite(sizes, dim, tau, gamma, rng=rng)


def _jump_at(params: Mapping[str, Scalar]) -> int:
    """The first step of the window in the middle."""
    if params["kind"] != "jump":
        return 0
    return int(params["window"]) * (int(params["windows"]) // 2)


def _predicted(params: Mapping[str, Scalar], steps: int, jump: Array | None) -> float | None:
    """The exact mean squared error of an average over so many steps, where it is known."""
    energy, kind = float(params["sigma"]) ** 2 * int(params["dim"]), str(params["kind"])
    beta, drift = float(params["beta"]), float(params["step"])
    if kind == "linear" or kind == "walk":
        return tracking_error(steps, beta, energy, drift, "linear" if kind == "linear" else "walk")
    if kind == "turn":
        return None
    found = tracking_error(steps, beta, energy, 0.0)
    return found if jump is None else found + float(jump.mean())


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: simulate every gradient, look at both averages at each refresh.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        Two rows a refresh: the average that is reset and the one that is carried over.

    Raises
    ------
    InvalidInputError
        When such tasks can't exist.
    """
    placement, motion, noise = (np.random.default_rng(child) for child in seed.spawn(3))
    dim, window, beta = int(params["dim"]), int(params["window"]), float(params["beta"])
    trials, sigma, tau = int(params["trials"]), float(params["sigma"]), float(params["tau"])
    planted = _placed(params, placement)
    jump_at = _jump_at(params)
    kind = next(known for known in DRIFT_KINDS if known == params["kind"])
    # A walk differs from trial to trial; every other path is one path, met by new noise.
    paths = trials if kind == "walk" else 1
    start = np.tile(planted.means, (paths, 1))
    path = MeanPath(start, kind, float(params["step"]), jump_at, rng=motion)
    shape = (trials, planted.num_tasks, dim)
    averages = {"reset": np.zeros(shape), "carried": np.zeros(shape)}
    rows: list[Row] = []
    for refresh in range(1, int(params["windows"]) + 1):
        averages["reset"][:] = 0.0
        for _ in range(window):
            means = path.advance().reshape(paths, planted.num_tasks, dim)
            gradients = noise.standard_normal(shape)
            gradients *= sigma
            gradients += means
            gradients *= 1.0 - beta
            for name in averages:
                averages[name] *= beta
                averages[name] += gradients
        jump = (np.roll(planted.means, -1, axis=0) - planted.means) if jump_at else None
        for name, average in averages.items():
            steps = window if name == "reset" else window * refresh
            rows.append(_row(params, name, refresh, steps, average, means, jump, tau))
    return rows


def _row(
    params: Mapping[str, Scalar],
    name: str,
    refresh: int,
    steps: int,
    average: Array,
    means: Array,
    jump: Array | None,
    tau: float,
) -> Row:
    """Measure the average at a refresh against the means of the last step."""
    trials, beta = int(params["trials"]), float(params["beta"])
    mean_of_it = average / -math.expm1(steps * math.log(beta)) if beta > 0 else average
    errors = ((mean_of_it - means) ** 2).sum(axis=2).mean(axis=1)
    grams = row_grams(np.ascontiguousarray(mean_of_it))
    pairs = np.triu_indices(means.shape[1], 1)
    found = conflict_adjacency_batch(grams, tau)[:, pairs[0], pairs[1]]
    wanted = conflict_adjacency_batch(row_grams(np.ascontiguousarray(means)), tau)
    exact = int((found == wanted[:, pairs[0], pairs[1]]).all(axis=1).sum())
    low, high = clopper_pearson(exact, trials)
    since = refresh * int(params["window"]) - _jump_at(params) if jump is not None else 0
    memory, lost = 0.0, None
    if jump is not None and since > 0 and name == "carried":
        memory = memory_of_a_jump(since, beta, _jump_at(params))
        lost = memory**2 * (jump**2).sum(axis=1)
    spread = float(errors.std(ddof=1)) / math.sqrt(trials)
    return {
        "ema": name,
        "refresh": refresh,
        "steps_since_jump": max(since, 0),
        "n_eff": float(n_eff(steps, beta)),
        "noise_energy": float(params["sigma"]) ** 2 * int(params["dim"]),
        "error": float(errors.mean()),
        "error_se": spread,
        "predicted": _predicted(params, steps, lost),
        "old_share": memory,
        "graph_exact": exact,
        "graph_lo": low,
        "graph_hi": high,
    }


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When no vectors have the wanted cosines, or the drift does not fit its kind.
    """
    sizes = int(params["num_groups"]) * int(params["group_size"])
    if sizes < 2:
        raise InvalidInputError("drift needs at least two tasks: num_groups x group_size >= 2.")
    planted = planted_tasks({**params, "model": "multipartite"})
    kind, step = str(params["kind"]), float(params["step"])
    if (step > 0) != (kind in ("linear", "walk", "turn")):
        raise InvalidInputError(
            f"kind = {kind!r} with step = {step:g}: linear, walk and turn need step > 0, the "
            "others step = 0."
        )
    if kind == "jump" and int(params["windows"]) < 2:
        raise InvalidInputError("a jump needs windows >= 2: one before it and one after.")
    if kind == "turn" and step > 2.0 * planted.min_norm:
        raise InvalidInputError(f"a turn can't move a unit mean by {step:g} > 2 in one step.")


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {"num_groups": 2, "group_size": 1, "dim": 8, "trials": 9, "windows": 2}
    >>> base["kind"] = "walk"
    >>> cost({**base, "window": 64}) > cost({**base, "window": 32})
    True
    """
    tasks = int(params["num_groups"]) * int(params["group_size"])
    steps = int(params["window"]) * int(params["windows"])
    per_number = 6e-8 if params["kind"] == "walk" else 3e-8
    return 2e-3 + per_number * int(params["trials"]) * tasks * int(params["dim"]) * steps


EXPERIMENT = Experiment(
    name="drift",
    version=1,
    doc=(
        "Means that move within and between windows: every gradient is simulated and two averages "
        "of the same gradients are kept, one reset at each refresh (appendix B), one carried over "
        "(Algorithm 1). At each refresh: the squared distance of the average (divided by its "
        "weights) from the mean of the last step, its exact expectation where it is known, and how "
        "often the conflict graph is that of the current means."
    ),
    params={
        "kind": Param(
            type=str,
            default="linear",
            choices=DRIFT_KINDS,
            doc=(
                "linear: along a line; walk: independent Gaussian steps; turn: at a fixed rate in "
                "a plane; jump: every task takes over the next one's mean, once, at the first step "
                "of the middle window; none: still"
            ),
        ),
        "step": Param(
            type=float,
            default=0.0,
            low=0,
            doc="D, how far a mean moves in one step; means have length 1 at the start",
        ),
        "num_groups": Param(type=int, default=2, low=1, doc="m, groups"),
        "group_size": Param(type=int, default=1, low=1, doc="tasks in each group"),
        "dim": Param(type=int, default=32, low=2, doc="d, shared parameters"),
        "tau": Param(type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold"),
        "gamma": Param(
            type=float, default=0.15, low=0, low_open=True, high=1, high_open=True, doc="margin"
        ),
        "sigma": Param(
            type=float,
            default=0.25,
            low=0,
            low_open=True,
            doc="standard deviation of a coordinate of one gradient's Gaussian noise",
        ),
        "window": Param(type=int, default=256, low=1, doc="R, steps from refresh to refresh"),
        "windows": Param(type=int, default=1, low=1, doc="refreshes that are looked at"),
        "beta": Param(type=float, default=0.9, low=0, high=1, high_open=True, doc="EMA parameter"),
        "trials": Param(type=int, default=200, low=2, doc="independent repetitions in a cell"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "ema": str,
        "refresh": int,
        "steps_since_jump": int,
        "n_eff": float,
        "noise_energy": float,
        "error": float,
        "error_se": float,
        "predicted": float,
        "old_share": float,
        "graph_exact": int,
        "graph_lo": float,
        "graph_hi": float,
    },
    run=run,
    statistics=(
        "n = trials independent repetitions a cell. error is their mean (over tasks, then trials) "
        "and error_se its standard error: error +- 1.96 error_se is a 95% interval by the central "
        "limit theorem (alpha = 0.05). graph_exact is a count; [graph_lo, graph_hi] is its exact "
        "binomial (Clopper-Pearson) 95% interval. Common random numbers: cells that differ in beta "
        "or window only see the same gradients, and the reset and the carried average of a cell "
        "always do; their differences are less noisy than the intervals say. predicted is exact, "
        "not fitted; it is missing for turns."
    ),
    cost=cost,
    seed_axes=(
        "kind", "step", "num_groups", "group_size", "dim", "tau", "gamma", "sigma", "windows",
        "trials", "replicate",
    ),
    check=check,
)  # fmt: skip
