"""How often the estimated conflict graph is the population graph, against n_eff (appendix B)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulations.experiments._on_device import on_gpu, torch_runner
from simulations.experiments._recovery_declared import COLUMNS, PARAMS, STATISTICS
from simulations.generators import (
    PlantedTasks,
    ema_trials,
    ema_trials_with_energy,
    plant_component,
    plant_multipartite,
)
from simulations.generators.noise import NoiseLaw, noise_law
from simulations.sampling import (
    GramLaw,
    Tally,
    clopper_pearson,
    ema_gram_law,
    gram_trials,
    law_tally,
    noise_energy_law,
    tally,
)
from simulations.sampling.batched_coloring import MAX_BATCHED_TASKS
from simulations.sampling.gram_law import row_grams
from simulations.sampling.stopping import Stopped, run_until_narrow
from simulations.sampling.tally import debiased_grams
from simulations.sampling.words import WordStream
from simulations.sweep.experiment import Experiment, Row, Scalar
from songoku_theory._numba import accelerated
from songoku_theory.bounds import dimension_aware_failure, probe_failure
from songoku_theory.ema import ema_weights, mean_noise_energy, n_eff
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
    params: Mapping[str, Scalar],
    planted: PlantedTasks,
    law: NoiseLaw,
    trials: int,
    rng: np.random.Generator,
) -> Iterator[NDArray[np.float64]]:
    """Gram matrices by simulating every gradient, or of noise without isotropy by its law."""
    weights = ema_weights(int(params["window"]), float(params["beta"]))
    if params["method"] == "law":
        dim = int(params["dim"])
        yield from gram_trials(ema_gram_law(law, planted.means, weights, dim), trials, rng)
    elif params["cosine"] == "plain":
        for averages in ema_trials(law, planted.means, weights, trials, rng):
            yield row_grams(averages)
    else:
        share = float(weights @ weights)
        noisy = ema_trials_with_energy(law, planted.means, weights, trials, rng)
        for averages, spreads in noisy:
            energies = mean_noise_energy(spreads, 0.0, share)
            yield debiased_grams(row_grams(averages), energies)


def _runner(
    params: Mapping[str, Scalar], planted: PlantedTasks, law: NoiseLaw, rng: np.random.Generator
) -> Callable[[int], Tally]:
    """Return what runs so many new trials."""
    weights = ema_weights(int(params["window"]), float(params["beta"]))
    if on_gpu(params):
        return torch_runner(params, planted, law, weights, rng)
    if params["method"] == "law" and _is_isotropic(law):
        dim = int(params["dim"])
        exact = ema_gram_law(law, planted.means, weights, dim)
        assert isinstance(exact, GramLaw)
        debias = noise_energy_law(weights, dim) if params["cosine"] == "debiased" else None
        stream = WordStream(rng)
        return lambda trials: law_tally(exact, planted, trials, stream, debias)

    def run_new(trials: int) -> Tally:
        count = Tally()
        for grams in _grams(params, planted, law, trials, rng):
            count += tally(grams, planted)
        return count

    return run_new


def _measure(params: Mapping[str, Scalar], run_new: Callable[[int], Tally]) -> tuple[str, Stopped]:
    """Run all trials, or until the intervals are as narrow as asked; says which intervals."""
    most, width = int(params["trials"]), float(params["stop_width"])
    if width > 0:
        return "anytime", run_until_narrow(run_new, width, most)
    count = run_new(most)
    return "clopper-pearson", Stopped(
        count,
        clopper_pearson(count.graph_exact, count.trials),
        clopper_pearson(count.partition_exact, count.trials),
        True,
    )


def _bounds(params: Mapping[str, Scalar], planted: PlantedTasks, law: NoiseLaw) -> Row:
    """Failure probabilities that the paper (at C = 1) and the dimension-aware bound promise."""
    window, beta = int(params["window"]), float(params["beta"])
    norm, margin, tasks = planted.min_norm, planted.margin, planted.num_tasks
    effective = float(n_eff(window, beta))
    paper = float(probe_failure(effective, law.sigma, norm, margin, tasks))
    sharper: float | None = None
    if law.is_gaussian and params["cosine"] == "plain":
        dim = int(params["dim"])
        # The noisiest direction's variance, and the effective rank of the spectrum.
        ratio = math.sqrt(law.ema_variance(ema_weights(window, beta))) / norm
        rank = float(dim) if _is_isotropic(law) else float(law.spectrum(dim).sum())
        sharper = dimension_aware_failure(ratio, max(rank, 1.0), planted.tau, margin, tasks)
    return {"paper_failure": paper, "sharper_failure": sharper}


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
    interval, found = _measure(params, _runner(params, planted, law, noise))
    count = found.tally
    effective = float(n_eff(int(params["window"]), float(params["beta"])))
    return [
        {
            "n_eff": effective,
            "num_tasks": planted.num_tasks,
            "noise_scale": law.sigma / math.sqrt(effective),
            "trials_run": count.trials,
            "interval": interval,
            "narrow": found.narrow,
            "graph_exact": count.graph_exact,
            "graph_lo": found.graph[0],
            "graph_hi": found.graph[1],
            "partition_exact": count.partition_exact,
            "partition_lo": found.partition[0],
            "partition_hi": found.partition[1],
            "false_edges": count.false_edges / count.trials,
            "missed_edges": count.missed_edges / count.trials,
            "max_cosine_error_mean": count.cosine_error / count.trials,
            "margin": planted.margin,
            **_bounds(params, planted, law),
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
        law = _law(params)
        ema_gram_law(law, np.ones((1, 1)), [1.0])
        if params["cosine"] == "debiased" and law.name != "gaussian":
            raise InvalidInputError(
                f"the debiased cosine has no closed law under {law.name} noise; use method = "
                "'direct', or gaussian noise."
            )


# Seconds on one core, measured: a pair of tasks by the compiled law and by numpy, a random number
# of direct simulation and of the debiasing term. They only feed the estimate of a sweep's time.
_SECONDS_PER_PAIR = {True: 7e-9, False: 4e-7}
_SECONDS_PER_OTHER_PAIR = 4e-8
_SECONDS_PER_NUMBER = {"gaussian": 1.2e-8, "bounded": 0.6e-8, "coloured": 1.3e-8}
_SECONDS_PER_OTHER_NUMBER = 1.6e-8


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {"num_groups": 3, "group_size": 4, "dim": 64, "window": 32, "trials": 1000}
    >>> base.update({"noise": "gaussian", "sigma": 1.0, "cosine": "plain"})
    >>> cost({**base, "method": "law"}) < cost({**base, "method": "direct"})
    True
    """
    tasks, dim, trials = _num_tasks(params), int(params["dim"]), int(params["trials"])
    number = _SECONDS_PER_NUMBER.get(str(params["noise"]), _SECONDS_PER_OTHER_NUMBER)
    if params["method"] == "law" and _is_isotropic(_law(params)) and tasks <= MAX_BATCHED_TASKS:
        seconds = 2e-3 + _SECONDS_PER_PAIR[accelerated()] * trials * tasks**2
        if params["cosine"] == "debiased":
            seconds += 2e-8 * trials * tasks * int(params["window"])
        return seconds
    seconds = 2e-3 + _SECONDS_PER_OTHER_PAIR * trials * tasks**2
    if tasks > MAX_BATCHED_TASKS:  # coloured one graph at a time
        seconds *= 3.0
    if params["method"] == "law" and _is_isotropic(_law(params)):
        return seconds
    steps = int(params["window"]) if params["method"] == "direct" else 1
    return seconds + number * trials * tasks * dim * steps


EXPERIMENT = Experiment(
    name="recovery",
    version=3,
    doc=(
        "Plant K tasks in equal groups with unit mean gradients and the cosines of Assumption 1 at "
        "margin gamma, add noise, average over a window, threshold, group, and count how often the "
        "estimated conflict graph is the population graph and the grouping the planted one "
        "(SON-GOKU, appendix B: Corollary 1, Theorems 3 and 4). With device = cuda trials are "
        "drawn and judged in batches on a GPU, by either method."
    ),
    params=PARAMS,
    columns=COLUMNS,
    run=run,
    statistics=STATISTICS,
    cost=cost,
    check=check,
)
