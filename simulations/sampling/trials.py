"""Recovery trials by the exact law, about a million a second on one core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.generators.checks import check_whole
from simulations.generators.planted import PlantedTasks
from simulations.sampling.bartlett import (
    NoiseBatch,
    batch_lanes,
    degrees_of_freedom,
    draw_noise,
)
from simulations.sampling.batched_coloring import MAX_BATCHED_TASKS
from simulations.sampling.fused import run_trials
from simulations.sampling.gram_law import GramLaw
from simulations.sampling.noise_energy import NoiseEnergyLaw
from simulations.sampling.tally import Tally, recovered_partitions
from simulations.sampling.trial_kernels import group_words, judge_batch
from simulations.sampling.words import WordStream
from songoku_theory._numba import accelerated

__all__ = ["PairTruth", "law_tally", "lower_pairs", "pair_truth"]

RIGHT, OPEN, WRONG = 1, 0, 2


def lower_pairs(tasks: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs (1, 0), (2, 0), (2, 1), (3, 0), ... in the order of the kernels."""
    first, second = np.tril_indices(tasks, -1)
    return first, second


@dataclass(frozen=True, slots=True)
class PairTruth:
    """What is true of each pair of tasks, in the order of the kernels.

    Attributes
    ----------
    edge : ndarray of uint8, shape (K (K - 1) / 2,)
    cosine : ndarray, shape (K (K - 1) / 2,)
    fatal : ndarray of bool, shape (K (K - 1) / 2,)
        Pairs on which an edge rules the planted grouping out.
    same : ndarray of uint64, shape (K,)
        The tasks of each task's group, as bits; zeros for more than 64 tasks.
    grouping_follows : bool
        Whether the right graph gives the planted grouping.
    """

    edge: NDArray[np.uint8]
    cosine: NDArray[np.float64]
    fatal: NDArray[np.bool_]
    same: NDArray[np.uint64]
    grouping_follows: bool


def pair_truth(planted: PlantedTasks) -> PairTruth:
    """Return the truth that trials are compared with."""
    first, second = lower_pairs(planted.num_tasks)
    together = planted.labels[:, None] == planted.labels[None, :]
    fatal = together if planted.model == "multipartite" else ~together
    same = np.zeros(planted.num_tasks, dtype=np.uint64)
    if planted.num_tasks <= MAX_BATCHED_TASKS:
        bits = np.uint64(1) << np.arange(planted.num_tasks, dtype=np.uint64)
        same = np.asarray((together * bits).sum(axis=1), dtype=np.uint64)
    return PairTruth(
        edge=planted.graph.adjacency[first, second].astype(np.uint8),
        cosine=np.ascontiguousarray(planted.cosines[first, second]),
        fatal=fatal[first, second],
        same=same,
        grouping_follows=bool(recovered_partitions(planted.graph.adjacency[None], planted).all()),
    )


def _count_groupings(
    edges: NDArray[np.uint8], wrong: NDArray[np.bool_], truth: PairTruth, planted: PlantedTasks
) -> int:
    state = np.where(edges[truth.fatal].any(axis=0), WRONG, OPEN).astype(np.uint8)
    if truth.grouping_follows:
        state[~wrong] = RIGHT
    tasks = planted.num_tasks
    if accelerated() and tasks <= MAX_BATCHED_TASKS:
        return int(group_words(edges, tasks, planted.model == "multipartite", truth.same, state))
    chosen = np.flatnonzero(state == OPEN)
    first, second = lower_pairs(tasks)
    graphs = np.zeros((chosen.size, tasks, tasks), dtype=np.bool_)
    graphs[:, first, second] = edges[:, chosen].T != 0
    graphs |= graphs.transpose(0, 2, 1)
    return int((state == RIGHT).sum() + recovered_partitions(graphs, planted).sum())


def noisy_rows(law: GramLaw, noise: NoiseBatch) -> NDArray[np.float64]:
    """Return factors of the Gram matrices, shape (K, r + c, lanes)."""
    rows = noise.factor()
    rows *= law.noise_scale
    rank = law.mean_factor.shape[1]
    rows[:, :rank] += law.mean_factor[:, :, None]
    return rows


def law_tally(
    law: GramLaw,
    planted: PlantedTasks,
    trials: int,
    rng: np.random.Generator | WordStream,
    debias: NoiseEnergyLaw | None = None,
) -> Tally:
    """Draw trials from the exact law and judge them.

    Parameters
    ----------
    law : GramLaw
        Of `planted`'s means, in the order of its tasks.
    planted : PlantedTasks
        K >= 2.
    trials : int
        >= 1.
    rng : numpy.random.Generator or WordStream
        A generator gives the state of a stream of words; a stream goes on where it stands.
    debias : NoiseEnergyLaw, optional
        Subtract the estimated noise from each squared norm: the debiased cosine.

    Returns
    -------
    Tally
        The same bits with and without compiled code.

    Raises
    ------
    InvalidInputError
        When `trials` is out of range.

    Source
    ------
    SON-GOKU, eq. 17-19 and section B.5; `simulations.sampling.gram_law` for the law.

    Examples
    --------
    >>> import numpy as np
    >>> from simulations.generators import plant_multipartite
    >>> from simulations.generators.noise import GaussianNoise
    >>> from simulations.sampling import ema_gram_law
    >>> tasks = plant_multipartite([2, 2], dim=8, tau=0.2, gamma=0.3)
    >>> law = ema_gram_law(GaussianNoise(0.01), tasks.means, [1.0], dim=1000)
    >>> law_tally(law, tasks, 500, np.random.default_rng(0)).graph_exact
    500
    """
    check_whole("trials", trials)
    stream = rng if isinstance(rng, WordStream) else WordStream(rng)
    truth = pair_truth(planted)
    if debias is None and accelerated() and planted.num_tasks <= MAX_BATCHED_TASKS:
        return _fused_tally(law, planted, truth, trials, stream)
    rank = law.mean_factor.shape[1]
    lanes = batch_lanes(law)
    energy = np.zeros((planted.num_tasks, lanes))
    count = Tally()
    for start in range(0, trials, lanes):
        noise = draw_noise(law, lanes, stream)
        if debias is not None:
            energy = law.noise_scale**2 * debias.sample(noise.energies(), stream)
        rows = noisy_rows(law, noise)
        edges, false, missed, error = judge_batch(
            rows, rank, energy, planted.tau, truth.edge, truth.cosine
        )
        kept = min(lanes, trials - start)
        if kept < lanes:
            edges, false = np.ascontiguousarray(edges[:, :kept]), false[:kept]
            missed, error = missed[:kept], error[:kept]
        wrong = (false != 0) | (missed != 0)
        found = Tally(
            trials=kept,
            graph_exact=int(kept - wrong.sum()),
            partition_exact=_count_groupings(edges, wrong, truth, planted),
            false_edges=int(false.sum()),
            missed_edges=int(missed.sum()),
            cosine_error=_sum_in_order(error),
        )
        count += found
    return count


def _sum_in_order(values: NDArray[np.float64]) -> float:
    """One after the other, as a compiled loop adds."""
    return float(np.add.accumulate(values)[-1])


def _fused_tally(
    law: GramLaw, planted: PlantedTasks, truth: PairTruth, trials: int, stream: WordStream
) -> Tally:
    return Tally(
        trials,
        *run_trials(
            stream.state,
            law.mean_factor,
            law.noise_scale,
            degrees_of_freedom(law).astype(np.float64),
            batch_lanes(law),
            trials,
            planted.tau,
            truth.edge,
            truth.cosine,
            truth.fatal,
            planted.model == "multipartite",
            truth.same,
            truth.grouping_follows,
        ),
    )
