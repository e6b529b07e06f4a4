"""How often the estimated conflict graph is the population graph, against n_eff (appendix B)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulations.generators import PlantedTasks, ema_trials, plant_component, plant_multipartite
from simulations.generators.noise import NOISE_LAWS, NoiseLaw, noise_law
from simulations.sampling import Tally, clopper_pearson, ema_gram_law, gram_trials, tally
from simulations.sampling.gram_law import row_grams
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory.ema import ema_weights, n_eff
from songoku_theory.errors import InvalidInputError

__all__ = ["EXPERIMENT"]


@dataclass(frozen=True, slots=True)
class _Geometry:
    """What decides the cosines, apart from the dimension."""

    plant: Callable[..., PlantedTasks]
    sizes: tuple[int, ...]
    tau: float
    gamma: float

    def planted(self, dim: int, rng: np.random.Generator | None = None) -> PlantedTasks:
        return self.plant(self.sizes, dim, self.tau, self.gamma, rng=rng)


def _law(params: Mapping[str, Scalar]) -> NoiseLaw:
    return noise_law(str(params["noise"]), float(params["sigma"]))


def _num_tasks(params: Mapping[str, Scalar]) -> int:
    return int(params["num_groups"]) * int(params["group_size"])


def _geometry(params: Mapping[str, Scalar]) -> _Geometry:
    return _Geometry(
        plant_component if params["model"] == "component" else plant_multipartite,
        (int(params["group_size"]),) * int(params["num_groups"]),
        float(params["tau"]),
        float(params["gamma"]),
    )


@cache
def _check_geometry(geometry: _Geometry, room: int) -> None:
    """Thousands of cells of a sweep share a few geometries; each is tried once."""
    geometry.planted(room)


def _room(params: Mapping[str, Scalar]) -> int:
    """Coordinates that decide which cosines are possible: K is always enough."""
    return min(int(params["dim"]), _num_tasks(params))


def _grams(
    params: Mapping[str, Scalar], planted: PlantedTasks, law: NoiseLaw, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    weights = ema_weights(int(params["window"]), float(params["beta"]))
    trials = int(params["trials"])
    if params["method"] == "direct":
        for averages in ema_trials(law, planted.means, weights, trials, rng):
            yield row_grams(averages)
    else:
        dim = int(params["dim"])
        yield from gram_trials(ema_gram_law(law, planted.means, weights, dim), trials, rng)


def _is_isotropic(law: NoiseLaw) -> bool:
    return bool((law.spectrum(2) == 1.0).all())


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: plant tasks, estimate their conflict graph `trials` times, count.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row.

    Raises
    ------
    InvalidInputError
        When such tasks can't exist, or the noise has no closed law.
    """
    placement, order, noise = (np.random.default_rng(child) for child in seed.spawn(3))
    law = _law(params)
    # Isotropic noise looks the same from everywhere, so its law needs no position in d dimensions.
    by_law = params["method"] == "law" and _is_isotropic(law)
    dim = _room(params) if by_law else int(params["dim"])
    planted = _geometry(params).planted(dim, placement)
    # Welsh-Powell breaks ties by task index, which must not know the groups.
    planted = planted.relabelled(order.permutation(planted.num_tasks))
    count = Tally()
    for grams in _grams(params, planted, law, noise):
        count += tally(grams, planted)
    effective = float(n_eff(int(params["window"]), float(params["beta"])))
    graph_lo, graph_hi = clopper_pearson(count.graph_exact, count.trials)
    partition_lo, partition_hi = clopper_pearson(count.partition_exact, count.trials)
    return [
        {
            "n_eff": effective,
            "num_tasks": planted.num_tasks,
            "noise_scale": law.sigma / math.sqrt(effective),
            "graph_exact": count.graph_exact,
            "graph_lo": graph_lo,
            "graph_hi": graph_hi,
            "partition_exact": count.partition_exact,
            "partition_lo": partition_lo,
            "partition_hi": partition_hi,
            "false_edges": count.false_edges / count.trials,
            "missed_edges": count.missed_edges / count.trials,
            "max_cosine_error_mean": count.cosine_error / count.trials,
            "margin": planted.margin,
        }
    ]


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When there are fewer than two tasks, no vectors with the wanted cosines, or no closed law.
    """
    if _num_tasks(params) < 2:
        raise InvalidInputError(
            "recovery needs at least two tasks: num_groups x group_size >= 2; found 1."
        )
    _check_geometry(_geometry(params), _room(params))
    if params["method"] == "law":
        ema_gram_law(_law(params), np.ones((1, 1)), [1.0])


# Seconds on one core, measured: a Gram matrix by its law with its verdict, and one random number of
# direct simulation. They only feed the estimate of a sweep's time.
_SECONDS_PER_PAIR = 4e-8
_SECONDS_PER_NUMBER = {"gaussian": 1.2e-8, "bounded": 0.6e-8, "coloured": 1.3e-8}
_SECONDS_PER_OTHER_NUMBER = 1.6e-8


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {"num_groups": 3, "group_size": 4, "dim": 64, "window": 32, "trials": 1000}
    >>> by_law = cost({**base, "noise": "gaussian", "sigma": 1.0, "method": "law"})
    >>> by_law < cost({**base, "noise": "gaussian", "sigma": 1.0, "method": "direct"})
    True
    """
    tasks, dim, trials = _num_tasks(params), int(params["dim"]), int(params["trials"])
    number = _SECONDS_PER_NUMBER.get(str(params["noise"]), _SECONDS_PER_OTHER_NUMBER)
    seconds = 2e-3 + _SECONDS_PER_PAIR * trials * tasks**2
    if params["method"] == "direct":
        seconds += number * trials * tasks * dim * int(params["window"])
    elif not _is_isotropic(_law(params)):
        seconds += number * trials * tasks * dim
    return seconds


EXPERIMENT = Experiment(
    name="recovery",
    version=1,
    doc=(
        "Plant K tasks in equal groups with unit mean gradients and the cosines of Assumption 1 at "
        "margin gamma, add noise, average over a window, threshold, group, and count how often the "
        "estimated conflict graph is the population graph and the grouping the planted one "
        "(SON-GOKU, appendix B: Corollary 1, Theorems 3 and 4)."
    ),
    params={
        "model": Param(
            type=str,
            default="multipartite",
            choices=("multipartite", "component"),
            doc="model of Definition B.2; component: two conflicting camps in each group",
        ),
        "num_groups": Param(type=int, default=3, low=1, doc="m, groups"),
        "group_size": Param(type=int, default=4, low=1, doc="tasks in each group"),
        "dim": Param(type=int, default=256, low=1, doc="d, shared parameters"),
        "tau": Param(type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold"),
        "gamma": Param(
            type=float,
            default=0.15,
            low=0,
            low_open=True,
            high=1,
            high_open=True,
            doc="margin; conflicting cosines are -(tau + gamma)",
        ),
        "sigma": Param(
            type=float,
            default=0.25,
            low=0,
            low_open=True,
            doc="standard deviation of a coordinate of one gradient's noise; mean norm m_0 is 1",
        ),
        "noise": Param(
            type=str,
            default="gaussian",
            choices=tuple(NOISE_LAWS),
            doc=(
                "noise law; bounded: Rademacher; coloured: variances k^-0.5; ar1: correlation "
                "0.5 from step to step; student_t: 3 degrees of freedom"
            ),
        ),
        "window": Param(type=int, default=32, low=1, doc="R, gradients averaged, in steps"),
        "beta": Param(
            type=float, default=0.9, low=0, high=1, high_open=True, doc="EMA parameter, windowed"
        ),
        "method": Param(
            type=str,
            default="law",
            choices=("direct", "law"),
            doc="direct: simulate every gradient; law: draw from the EMA's closed law (Gaussian)",
        ),
        "trials": Param(type=int, default=1000, low=1, doc="independent repetitions in a cell"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "n_eff": float,
        "num_tasks": int,
        "noise_scale": float,
        "graph_exact": int,
        "graph_lo": float,
        "graph_hi": float,
        "partition_exact": int,
        "partition_lo": float,
        "partition_hi": float,
        "false_edges": float,
        "missed_edges": float,
        "max_cosine_error_mean": float,
        "margin": float,
    },
    run=run,
    statistics=(
        "n = trials independent repetitions a cell. graph_exact and partition_exact are counts; "
        "[graph_lo, graph_hi] and [partition_lo, partition_hi] are exact binomial "
        "(Clopper-Pearson) intervals, each with coverage >= 95% (alpha = 0.05) for its own cell; "
        "they are not adjusted for the number of cells. false_edges, missed_edges and "
        "max_cosine_error_mean are means over the trials. n_eff is eq. 19 and noise_scale is "
        "sigma / sqrt(n_eff), also for noise that remembers (ar1), whose EMA is noisier."
    ),
    cost=cost,
    check=check,
)
