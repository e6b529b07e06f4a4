"""A whole grid of noise scales and thresholds on common random numbers.

The Gram matrix is quadratic in s = sigma / sqrt(n_eff), so one draw of the standardised noise gives
it for every (R, beta, sigma), and every tau. Differences between points of the grid then lose most
of their noise; the points themselves are dependent, which whoever reads the rows must be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.generators.checks import check_whole
from simulations.generators.planted import PlantedTasks
from simulations.sampling.bartlett import batch_lanes, degrees_of_freedom, draw_noise
from simulations.sampling.fused import run_grid
from simulations.sampling.gram_law import GramLaw
from simulations.sampling.grid_kernels import (
    count_right,
    count_right_numpy,
    quadratics,
    quadratics_numpy,
)
from simulations.sampling.noise_energy import NoiseEnergyLaw
from simulations.sampling.trials import lower_pairs
from simulations.sampling.words import WordStream
from songoku_theory._numba import accelerated
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_tau

__all__ = ["GridCounts", "GridProblem", "check_grid", "grid_problem", "law_grid"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GridCounts:
    """Counts at each threshold and noise scale, all over the same draws.

    Attributes
    ----------
    trials : int
    graph_exact : ndarray of int, shape (taus, scales)
        Trials whose conflict graph is the population's at that threshold.
    edge_kept : ndarray of int, shape (taus, scales)
        Trials in which one fixed edge (the weakest of the population's graph, the first of them) is
        found; 0 where there is no edge.
    """

    trials: int
    graph_exact: Counts
    edge_kept: Counts


@dataclass(frozen=True, slots=True)
class GridProblem:
    """Constants of a grid, tasks first and then pairs, as the kernels index them."""

    mean_factor: Floats
    constant: Floats
    firsts: Counts
    seconds: Counts
    truths: NDArray[np.uint8]
    edges: Counts


def grid_problem(law: GramLaw, planted: PlantedTasks, taus: Floats) -> GridProblem:
    """Return what stays the same over all draws of a grid."""
    tasks, rank = law.mean_factor.shape
    # A turn of the span changes no law; lower trapezoidal factors halve a sum.
    lower = np.linalg.qr(law.mean_factor.T).R.T
    factor = np.zeros((tasks, rank))
    factor[:, : lower.shape[1]] = np.tril(lower)
    first, second = lower_pairs(tasks)
    firsts = np.concatenate([np.arange(tasks), first])
    seconds = np.concatenate([np.arange(tasks), second])
    # The diagonal from the wanted norms and cosines: exact where the factor is rounded.
    wanted = planted.cosines * planted.norms[:, None] * planted.norms[None, :]
    cosine = planted.cosines[first, second]
    truths = np.stack([cosine < -tau for tau in taus])
    weakest = [int(np.argmax(np.where(truth, cosine, -np.inf))) for truth in truths]
    return GridProblem(
        np.ascontiguousarray(factor),
        np.ascontiguousarray(wanted[firsts, seconds]),
        firsts.astype(np.int64),
        seconds.astype(np.int64),
        truths.astype(np.uint8),
        np.array(
            [tasks + k if truth.any() else -1 for k, truth in zip(weakest, truths, strict=True)],
            dtype=np.int64,
        ),
    )


def check_grid(
    planted: PlantedTasks, scales: Sequence[float] | Floats, taus: Sequence[float] | Floats
) -> tuple[Floats, Floats]:
    """Check the points of a grid; return scales and thresholds as arrays.

    Raises
    ------
    InvalidInputError
        When one is out of range, or a threshold has no margin.
    """
    wanted = np.asarray(scales, dtype=np.float64)
    levels = np.atleast_1d(np.asarray(taus, dtype=np.float64))
    if wanted.ndim != 1 or wanted.size == 0 or not (np.isfinite(wanted) & (wanted > 0)).all():
        raise InvalidInputError(f"scales should be finite numbers > 0; found {scales!r}.")
    cosine = planted.cosines[lower_pairs(planted.num_tasks)]
    for tau in levels.tolist():
        check_tau(tau)
        if float(np.abs(cosine + tau).min()) < 1e-9:
            raise InvalidInputError(
                f"a pair of tasks has cosine -tau = {-tau:g} exactly: the population's graph has "
                "no margin there and no estimate finds it reliably. Choose another tau."
            )
    return wanted, levels


def law_grid(
    law: GramLaw,
    planted: PlantedTasks,
    scales: Sequence[float] | Floats,
    taus: Sequence[float] | Floats,
    trials: int,
    rng: np.random.Generator | WordStream,
    debias: NoiseEnergyLaw | None = None,
) -> GridCounts:
    """Count exact recoveries at every point of a grid, each draw serving all of them.

    Parameters
    ----------
    law : GramLaw
        Of `planted`'s means; its own noise scale is not looked at.
    planted : PlantedTasks
        K >= 2.
    scales : sequence of float
        s > 0 of each point, in any order.
    taus : sequence of float
        Thresholds; the population's graph is taken at each.
    trials : int
        Draws; >= 1.
    rng : numpy.random.Generator or WordStream
    debias : NoiseEnergyLaw, optional
        Judge the debiased cosine. Its window is one window: the scales are then those of sigma.

    Returns
    -------
    GridCounts
        The same with and without compiled code.

    Raises
    ------
    InvalidInputError
        When an argument is out of range, or a threshold has no margin.

    Source
    ------
    Ours; see the module's docstring and `simulations.sampling.grid_kernels`.

    Examples
    --------
    >>> import numpy as np
    >>> from simulations.generators import plant_multipartite
    >>> tasks = plant_multipartite([2, 2], dim=4, tau=0.2, gamma=0.3)
    >>> law = GramLaw(np.linalg.cholesky(tasks.cosines), 1.0, remainder_dim=96)
    >>> found = law_grid(law, tasks, [0.001, 10.0], [0.2], 400, np.random.default_rng(0))
    >>> found.graph_exact.tolist()
    [[400, 0]]
    """
    check_whole("trials", trials)
    wanted, levels = check_grid(planted, scales, taus)
    stream = rng if isinstance(rng, WordStream) else WordStream(rng)
    order = np.argsort(wanted, kind="stable")
    problem = grid_problem(law, planted, levels)
    shape = (levels.size, wanted.size)
    right, kept = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    count = _compiled_grid if accelerated() and debias is None else _stepwise_grid
    count(law, problem, wanted[order], levels, trials, stream, debias, right, kept)
    back = np.argsort(order, kind="stable")
    return GridCounts(int(trials), right[:, back], kept[:, back])


def _compiled_grid(
    law: GramLaw,
    problem: GridProblem,
    scales: Floats,
    taus: Floats,
    trials: int,
    stream: WordStream,
    debias: NoiseEnergyLaw | None,
    right: Counts,
    kept: Counts,
) -> None:
    run_grid(
        stream.state,
        problem.mean_factor,
        degrees_of_freedom(law).astype(np.float64),
        batch_lanes(law),
        trials,
        problem.constant,
        problem.firsts,
        problem.seconds,
        taus,
        problem.truths,
        scales,
        problem.edges,
        right,
        kept,
    )


def _stepwise_grid(
    law: GramLaw,
    problem: GridProblem,
    scales: Floats,
    taus: Floats,
    trials: int,
    stream: WordStream,
    debias: NoiseEnergyLaw | None,
    right: Counts,
    kept: Counts,
) -> None:
    tasks, rank = problem.mean_factor.shape
    lanes = batch_lanes(law)
    linear, square = (np.empty((problem.firsts.size, lanes)) for _ in range(2))
    for start in range(0, trials, lanes):
        noise = draw_noise(law, lanes, stream)
        rows = noise.factor()
        if accelerated():
            quadratics(problem.mean_factor, rows, rank, linear, square, np.empty(lanes))
        else:
            quadratics_numpy(problem.mean_factor, rows, rank, linear, square)
        if debias is not None:
            square[:tasks] -= debias.sample(noise.energies(), stream)
        judge = count_right if accelerated() else count_right_numpy
        for level, tau in enumerate(taus.tolist()):
            judge(
                problem.constant, linear, square, problem.firsts, problem.seconds, tasks, tau,
                problem.truths[level], debias is not None, scales, min(lanes, trials - start),
                int(problem.edges[level]), right[level], kept[level],
            )  # fmt: skip
