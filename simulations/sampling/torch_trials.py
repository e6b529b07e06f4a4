"""Recovery trials on a torch device: a GPU, or a CPU to test the same code.

Rows come from the closed law (`torch_rows`) or from every gradient (`torch_direct`); the verdict is
that of `simulations.sampling.trials`. Only the order of the sums and the random numbers differ, so
trials from here agree with the others in distribution and not in bits. Everything of a batch stays
on the device, and the host waits for it once, for the batch's counts.

Bartlett's numbers, matrix products, thresholds on squares and groupings are all in double
precision: a cosine at the margin is not decided by rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from simulations.generators.checks import check_whole
from simulations.generators.planted import PlantedTasks
from simulations.sampling.tally import Tally
from simulations.sampling.torch_grouping import PlantedGroups, recovered
from simulations.sampling.torch_noise import DOUBLE, TorchStream
from simulations.sampling.torch_rows import RowSampler, batch_trials, on
from simulations.sampling.trials import lower_pairs

__all__ = ["TorchTrials"]


class TorchTrials:
    """Exact recovery trials on a device, as many at a time as asked.

    What a trial finds depends on its place in the stream alone: taking 300 trials and then 700
    counts what taking 1,000 does.

    Parameters
    ----------
    sampler : RowSampler
        Of `planted`'s means, in the order of its tasks.
    planted : PlantedTasks
        K >= 2.
    most : int
        Trials that will be asked for in all; sizes the batches, so part of the meaning of a seed.
    stream : TorchStream

    Raises
    ------
    InvalidInputError
        When `most` is out of range.

    Source
    ------
    SON-GOKU, eq. 17-19 and section B.5.

    Examples
    --------
    >>> import numpy as np
    >>> from simulations.generators import plant_multipartite
    >>> from simulations.generators.noise import GaussianNoise
    >>> from simulations.sampling import ema_gram_law
    >>> from simulations.sampling.torch_rows import law_rows
    >>> tasks = plant_multipartite([2, 2], dim=8, tau=0.2, gamma=0.3)
    >>> law = ema_gram_law(GaussianNoise(0.01), tasks.means, [1.0], dim=1000)
    >>> stream = TorchStream(torch.device("cpu"), np.random.default_rng(0))
    >>> sampler = law_rows(law, stream.device)
    >>> TorchTrials(sampler, tasks, 500, stream).take(500).graph_exact
    500
    """

    def __init__(
        self,
        sampler: RowSampler,
        planted: PlantedTasks,
        most: int,
        stream: TorchStream,
    ) -> None:
        check_whole("most", most)
        device, tasks = stream.device, planted.num_tasks
        self._draw = sampler.draw
        # And half a dozen K x K matrices while graphs are compared and grouped.
        self.lanes = batch_trials(sampler.numbers + 6 * tasks**2, most, device)
        self._stream = stream
        first, second = lower_pairs(tasks)
        self._first, self._second = on(device, first), on(device, second)
        self._truth = on(device, planted.graph.adjacency[first, second])
        self._cosines = on(device, planted.cosines[first, second])
        self._groups = PlantedGroups.of(planted, device)
        self._squared_tau = planted.tau * planted.tau
        self._tasks = tasks
        self._verdicts: Tensor | None = None
        self._used = 0

    def batch(self) -> Tensor:
        """Draw and judge one batch; nothing in here waits for the device.

        Returns
        -------
        Tensor, shape (6, lanes)
            For each trial: whether its batch is complete, graph right, grouping right, false edges,
            missed edges, largest error of a cosine.
        """
        self._stream.start_batch()
        rows, energy = self._draw(self.lanes, self._stream)
        return self.judge(torch.bmm(rows, rows.transpose(1, 2)), energy)

    def judge(self, grams: Tensor, energy: Tensor | None = None) -> Tensor:
        """Judge Gram matrices, shape (N, K, K), less `energy`, shape (N, K), on the diagonal."""
        squares = grams.diagonal(dim1=1, dim2=2)
        if energy is not None:
            squares = squares - energy
        squares = squares.clamp_min(0.0)
        directed = squares > 0.0
        inverse = torch.where(directed, squares, 1.0).rsqrt() * directed
        # One triangle is read: the two may round differently.
        pairs = grams[:, self._first, self._second]
        ours, theirs = squares[:, self._first], squares[:, self._second]
        edges = (pairs < 0.0) & (pairs * pairs > self._squared_tau * (ours * theirs))
        edges &= directed[:, self._first] & directed[:, self._second]
        error = pairs * inverse[:, self._first] * inverse[:, self._second] - self._cosines
        false = (edges & ~self._truth).sum(dim=1)
        missed = (~edges & self._truth).sum(dim=1)
        graphs = torch.zeros(
            (len(grams), self._tasks, self._tasks), dtype=torch.bool, device=grams.device
        )
        graphs[:, self._first, self._second] = edges
        graphs[:, self._second, self._first] = edges
        return torch.stack(
            [
                self._stream.complete.to(DOUBLE).expand(len(grams)),
                ((false == 0) & (missed == 0)).to(DOUBLE),
                recovered(graphs, self._groups).to(DOUBLE),
                false.to(DOUBLE),
                missed.to(DOUBLE),
                error.abs().amax(dim=1),
            ]
        )

    def take(self, trials: int) -> Tally:
        """Run the next trials and count.

        Parameters
        ----------
        trials : int
            >= 1.

        Returns
        -------
        Tally

        Raises
        ------
        InvalidInputError
            When `trials` is out of range.
        """
        check_whole("trials", trials)
        count = Tally()
        while count.trials < trials:
            if self._verdicts is None or self._used == self.lanes:
                self._verdicts, self._used = self.batch(), 0
            part = self._verdicts[:, self._used : self._used + trials - count.trials]
            # Whole numbers below 2**53 are exact in a double. The only wait for the device:
            complete, *sums, error = part.sum(dim=1).tolist()
            size = part.shape[1]
            if complete != size:  # too few accepted proposals: see `torch_noise`
                self._verdicts = None
                continue
            self._used += size
            graphs, groupings, false, missed = (int(number) for number in sums)
            count += Tally(size, graphs, groupings, false, missed, error)
        return count
