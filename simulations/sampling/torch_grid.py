"""A whole grid of noise scales and thresholds on common random numbers, on a torch device.

What `simulations.sampling.grid` counts, by the plain test at every point: on a GPU its certificates
would save less than their branches cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.generators.checks import check_whole
from simulations.generators.planted import PlantedTasks
from simulations.sampling.gram_law import GramLaw
from simulations.sampling.grid import GridCounts, GridProblem, check_grid, grid_problem
from simulations.sampling.noise_energy import NoiseEnergyLaw
from simulations.sampling.torch_noise import TorchStream
from simulations.sampling.torch_rows import BartlettRows, batch_trials, on, sample_energy

__all__ = ["TorchGrid", "torch_law_grid"]


class TorchGrid:
    """One problem on a device.

    Parameters
    ----------
    law : GramLaw
        Its noise scale is not looked at.
    problem : GridProblem
    scales, taus : ndarray
        Points of the grid.
    most : int
        Trials that will be asked for in all; sizes the batches.
    stream : TorchStream
    debias : NoiseEnergyLaw, optional
    """

    def __init__(
        self,
        law: GramLaw,
        problem: GridProblem,
        scales: NDArray[np.float64],
        taus: NDArray[np.float64],
        most: int,
        stream: TorchStream,
        debias: NoiseEnergyLaw | None = None,
    ) -> None:
        device, tasks = stream.device, law.mean_factor.shape[0]
        self._noise, self._stream, self._debias = BartlettRows(law, device), stream, debias
        self._tasks, self._rank = problem.mean_factor.shape
        self._means = on(device, problem.mean_factor)
        self._constant = on(device, problem.constant)
        self._firsts, self._seconds = on(device, problem.firsts), on(device, problem.seconds)
        self._truths = on(device, problem.truths != 0)
        self._edges = problem.edges.tolist()
        self._scales, self._taus = scales.tolist(), taus.tolist()
        self.lanes = batch_trials(law.numbers_per_trial + 8 * tasks**2, most, device)

    def batch(self, kept: int) -> Tensor:
        """Draw a batch and judge its first trials at every point; nothing waits for the device.

        Returns
        -------
        Tensor of int64, shape (1 + 2 * taus * scales,)
            Whether there were numbers enough; then for each threshold and scale the trials with the
            right graph, and those in which the threshold's edge is found.
        """
        self._stream.start_batch()
        rows = self._noise(self.lanes, self._stream)
        subtracted = None
        if self._debias is not None:
            subtracted = sample_energy(self._debias, (rows * rows).sum(dim=2), self._stream)
            subtracted = subtracted[:kept]
        linear, square = self.quadratics(rows[:kept])
        if subtracted is not None:
            square[:, : self._tasks] -= subtracted
        complete = self._stream.complete.to(torch.int64).reshape(1)
        return torch.cat([complete, *self.counts(linear, square)])

    def quadratics(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Coefficients of s and s**2, shape (N, K (K + 1) / 2): the diagonal first, then pairs."""
        square = torch.bmm(rows, rows.transpose(1, 2))[:, self._firsts, self._seconds]
        crossed = self._means @ rows[:, :, : self._rank].transpose(1, 2)
        linear = crossed[:, self._firsts, self._seconds] + crossed[:, self._seconds, self._firsts]
        return linear, square

    def counts(self, linear: Tensor, square: Tensor) -> list[Tensor]:
        """Judge every point; two counts, each of shape (1,), for each threshold and scale."""
        tasks = self._tasks
        first, second = self._firsts[tasks:], self._seconds[tasks:]
        right: list[list[Tensor]] = [[] for _ in self._taus]
        for scale in self._scales:
            entries = self._constant + scale * (linear + scale * square)
            norms, pairs = entries[:, :tasks], entries[:, tasks:]
            ours, theirs = norms[:, first], norms[:, second]
            # A task without a direction has no edge: its squared norm is not above zero.
            against = (pairs < 0.0) & (ours > 0.0) & (theirs > 0.0)
            lengths, products = ours * theirs, pairs * pairs
            for level, tau in enumerate(self._taus):
                found = against & (products > tau * tau * lengths)
                exact = (found == self._truths[level]).all(dim=1).sum().reshape(1)
                place = self._edges[level] - tasks
                edge = found[:, place].sum().reshape(1) if place >= 0 else torch.zeros_like(exact)
                right[level] += [exact, edge]
        return [count for level in right for count in level]


def torch_law_grid(
    law: GramLaw,
    planted: PlantedTasks,
    scales: Sequence[float] | NDArray[np.float64],
    taus: Sequence[float] | NDArray[np.float64],
    trials: int,
    stream: TorchStream,
    debias: NoiseEnergyLaw | None = None,
) -> GridCounts:
    """Count exact recoveries at every point of a grid, each draw serving all of them.

    Parameters
    ----------
    law, planted, scales, taus, trials, debias
        As for `simulations.sampling.law_grid`.
    stream : TorchStream
        Its device is where everything happens; goes on where it stands.

    Returns
    -------
    GridCounts
        Equal in law to those of `law_grid`, not in bits.

    Raises
    ------
    InvalidInputError
        When an argument is out of range, or a threshold has no margin.

    Source
    ------
    Ours; see `simulations.sampling.grid`.

    Examples
    --------
    >>> import numpy as np
    >>> from simulations.generators import plant_multipartite
    >>> tasks = plant_multipartite([2, 2], dim=4, tau=0.2, gamma=0.3)
    >>> law = GramLaw(np.linalg.cholesky(tasks.cosines), 1.0, remainder_dim=96)
    >>> stream = TorchStream(torch.device("cpu"), np.random.default_rng(0))
    >>> torch_law_grid(law, tasks, [0.001, 10.0], [0.2], 400, stream).graph_exact.tolist()
    [[400, 0]]
    """
    check_whole("trials", trials)
    wanted, levels = check_grid(planted, scales, taus)
    problem = grid_problem(law, planted, levels)
    grid = TorchGrid(law, problem, wanted, levels, trials, stream, debias)
    total = np.zeros((levels.size, wanted.size, 2), dtype=np.int64)
    done = 0
    while done < trials:
        kept = min(grid.lanes, trials - done)
        complete, *counts = grid.batch(kept).tolist()  # the only wait for the device
        if not complete:  # too few accepted proposals: see `torch_noise`
            continue
        total += np.asarray(counts, dtype=np.int64).reshape(total.shape)
        done += kept
    return GridCounts(int(trials), total[:, :, 0], total[:, :, 1])
