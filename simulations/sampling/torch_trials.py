"""Recovery trials by the exact law on a torch device: a GPU, or a CPU to test the same code.

The law is that of `simulations.sampling.gram_law`, the verdict that of
`simulations.sampling.trials`; only the order of the sums and the random numbers differ, so rows
from here agree with the others in distribution and not in bits. Everything of a batch stays on the
device, and the host waits for it once, for the batch's counts.

Bartlett's numbers, matrix products, thresholds on squares and groupings are all in double
precision: a cosine at the margin is not decided by rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.generators.checks import check_whole
from simulations.generators.planted import PlantedTasks
from simulations.sampling.bartlett import degrees_of_freedom
from simulations.sampling.gram_law import GramLaw, SpectralGramLaw
from simulations.sampling.noise_energy import NoiseEnergyLaw
from simulations.sampling.tally import Tally
from simulations.sampling.torch_grouping import PlantedGroups, recovered
from simulations.sampling.torch_noise import DOUBLE, TorchStream
from simulations.sampling.trials import lower_pairs
from songoku_theory.errors import InvalidInputError

__all__ = ["BartlettRows", "TorchTrials", "batch_trials", "on", "sample_energy", "spectral_rows"]

_BATCH_NUMBERS = {"cpu": 2**19, "cuda": 2**25}
"""Numbers held at once (float64: 4 MiB in a core's cache, 256 MiB of a GPU's memory). Part of the
meaning of a seed: never a function of how much memory happens to be free."""


def on(device: torch.device, values: NDArray[np.generic]) -> Tensor:
    """Copy an array to a device."""
    return torch.from_numpy(np.ascontiguousarray(values)).clone().to(device)


def batch_trials(numbers_per_trial: int, most: int, device: torch.device) -> int:
    """Return how many trials make a batch.

    Parameters
    ----------
    numbers_per_trial : int
        How many numbers one trial holds.
    most : int
        Trials that will be asked for in all; more are not drawn.
    device : torch.device

    Examples
    --------
    >>> batch_trials(1024, 10**6, torch.device("cpu")), batch_trials(1024, 3, torch.device("cpu"))
    (512, 3)
    """
    return max(1, min(_BATCH_NUMBERS[device.type] // max(1, numbers_per_trial), most))


class BartlettRows:
    """Draws the standardised noise [P | L] of `simulations.sampling.bartlett`, trials first.

    Parameters
    ----------
    law : GramLaw
        Its noise scale is not looked at.
    device : torch.device
    """

    def __init__(self, law: GramLaw, device: torch.device) -> None:
        self.tasks, self.rank = law.mean_factor.shape
        self.dofs = degrees_of_freedom(law).tolist()
        columns = len(self.dofs)
        self.width = self.rank + columns
        below, left = np.tril_indices(self.tasks, -1, columns)
        self._below, self._left = on(device, below), on(device, self.rank + left)
        self._diagonal = torch.arange(columns, device=device)

    def __call__(self, lanes: int, stream: TorchStream) -> Tensor:
        """Return rows, shape (lanes, K, r + c)."""
        rows = torch.zeros(
            (lanes, self.tasks, self.width), dtype=DOUBLE, device=self._diagonal.device
        )
        rows[:, :, : self.rank] = stream.normals(lanes, self.tasks, self.rank)
        rows[:, self._below, self._left] = stream.normals(lanes, self._below.numel())
        chi = stream.chi(self.dofs, lanes)
        rows[:, self._diagonal, self.rank + self._diagonal] = chi.T
        return rows


def sample_energy(law: NoiseEnergyLaw, energy: Tensor, stream: TorchStream) -> Tensor:
    """Draw what debiasing subtracts, in units of s**2, as `NoiseEnergyLaw.sample` does.

    Parameters
    ----------
    law : NoiseEnergyLaw
    energy : Tensor
        |z|**2, any shape.
    stream : TorchStream

    Returns
    -------
    Tensor
        The shape of `energy`.
    """
    if law.scale == 0.0:
        return torch.zeros_like(energy)
    found = law.own * energy
    root = torch.sqrt(energy)
    for value, coupling in zip(law.across.tolist(), law.couplings.tolist(), strict=True):
        along = stream.normals(*energy.shape)
        square = along * along
        if law.dim > 1:
            rest = stream.chi([law.dim - 1], energy.numel()).reshape(energy.shape)
            square = square + rest * rest
        found = found + (value * square + 2.0 * coupling * (root * along))
    return law.scale * found.clamp_min(0.0)


_Draw = Callable[[int, TorchStream], tuple[Tensor, Tensor | None]]
"""(trials, stream) to factors of Gram matrices (N, K, p) and what to subtract from squares."""


def _isotropic_rows(law: GramLaw, device: torch.device, debias: NoiseEnergyLaw | None) -> _Draw:
    noise = BartlettRows(law, device)
    means = on(device, law.mean_factor)
    scale, rank = law.noise_scale, law.mean_factor.shape[1]

    def draw(lanes: int, stream: TorchStream) -> tuple[Tensor, Tensor | None]:
        rows = noise(lanes, stream)
        energy = None
        if debias is not None:
            energy = scale**2 * sample_energy(debias, (rows * rows).sum(dim=2), stream)
        rows *= scale
        rows[:, :, :rank] += means
        return rows, energy

    return draw


def spectral_rows(law: SpectralGramLaw, device: torch.device) -> _Draw:
    """Return what draws the averages themselves, for noise with a spectrum."""
    means, scales = on(device, law.means), on(device, law.scales)

    def draw(lanes: int, stream: TorchStream) -> tuple[Tensor, Tensor | None]:
        return stream.normals(lanes, *means.shape).mul_(scales).add_(means), None

    return draw


class TorchTrials:
    """Exact recovery trials on a device, as many at a time as asked.

    What a trial finds depends on its place in the stream alone: taking 300 trials and then 700
    counts what taking 1,000 does.

    Parameters
    ----------
    law : GramLaw or SpectralGramLaw
        Of `planted`'s means, in the order of its tasks.
    planted : PlantedTasks
        K >= 2.
    most : int
        Trials that will be asked for in all; sizes the batches, so part of the meaning of a seed.
    stream : TorchStream
    debias : NoiseEnergyLaw, optional
        Subtract the estimated noise from each squared norm: the debiased cosine. Isotropic only.

    Raises
    ------
    InvalidInputError
        When `most` is out of range, or there is no law of the debiased cosine.

    Source
    ------
    SON-GOKU, eq. 17-19 and section B.5.

    Examples
    --------
    >>> import numpy as np
    >>> from simulations.generators import plant_multipartite
    >>> from simulations.generators.noise import GaussianNoise
    >>> from simulations.sampling import ema_gram_law
    >>> tasks = plant_multipartite([2, 2], dim=8, tau=0.2, gamma=0.3)
    >>> law = ema_gram_law(GaussianNoise(0.01), tasks.means, [1.0], dim=1000)
    >>> stream = TorchStream(torch.device("cpu"), np.random.default_rng(0))
    >>> TorchTrials(law, tasks, 500, stream).take(500).graph_exact
    500
    """

    def __init__(
        self,
        law: GramLaw | SpectralGramLaw,
        planted: PlantedTasks,
        most: int,
        stream: TorchStream,
        debias: NoiseEnergyLaw | None = None,
    ) -> None:
        check_whole("most", most)
        device, tasks = stream.device, planted.num_tasks
        self._draw: _Draw
        if isinstance(law, GramLaw):
            self._draw = _isotropic_rows(law, device, debias)
        elif debias is not None:
            raise InvalidInputError(
                "the debiased cosine has no closed law under noise with a spectrum; use isotropic "
                "Gaussian noise, or simulate every gradient."
            )
        else:
            self._draw = spectral_rows(law, device)
        # Rows, and half a dozen K x K matrices while graphs are compared and grouped.
        self.lanes = batch_trials(2 * law.numbers_per_trial + 6 * tasks**2, most, device)
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
