"""What a recovery trial draws on a torch device: factors of Gram matrices, by the law.

The laws are those of `simulations.sampling.gram_law` and `noise_energy`, with trials first, as
batched matrix products want them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.sampling.bartlett import degrees_of_freedom
from simulations.sampling.gram_law import GramLaw, SpectralGramLaw
from simulations.sampling.noise_energy import NoiseEnergyLaw
from simulations.sampling.torch_noise import DOUBLE, TorchStream
from songoku_theory.errors import InvalidInputError

__all__ = ["BartlettRows", "RowSampler", "batch_trials", "law_rows", "on", "sample_energy"]

_BATCH_NUMBERS_CPU, _BATCH_NUMBERS = 2**19, 2**25
"""Numbers held at once (float64: 4 MiB, near a core; 256 MiB of a GPU's memory). Part of the
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
    room = _BATCH_NUMBERS_CPU if device.type == "cpu" else _BATCH_NUMBERS
    return max(1, min(room // max(1, numbers_per_trial), most))


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


@dataclass(frozen=True, slots=True)
class RowSampler:
    """Something that draws factors of Gram matrices on a device.

    Attributes
    ----------
    draw : callable (trials, stream) -> (rows, energy)
        Rows, shape (N, K, p), whose products are the Gram matrices; and what to subtract from their
        diagonals, shape (N, K), or None for the plain cosine. Waits for nothing.
    numbers : int
        How many numbers a trial holds while it is drawn.
    """

    draw: Callable[[int, TorchStream], tuple[Tensor, Tensor | None]]
    numbers: int


def law_rows(
    law: GramLaw | SpectralGramLaw, device: torch.device, debias: NoiseEnergyLaw | None = None
) -> RowSampler:
    """Return what draws from the closed law.

    Parameters
    ----------
    law : GramLaw or SpectralGramLaw
    device : torch.device
    debias : NoiseEnergyLaw, optional
        Subtract the estimated noise from each squared norm: the debiased cosine. Isotropic only.

    Returns
    -------
    RowSampler

    Raises
    ------
    InvalidInputError
        When there is no law of the debiased cosine.

    Examples
    --------
    >>> sampler = law_rows(GramLaw(np.eye(2), 0.1, 98), torch.device("cpu"))
    >>> stream = TorchStream(torch.device("cpu"), np.random.default_rng(0))
    >>> rows, energy = sampler.draw(4000, stream)
    >>> grams = torch.bmm(rows, rows.transpose(1, 2)).mean(dim=0)  # M M^T + s^2 d I
    >>> [round(value, 1) for value in grams.flatten().tolist()]
    [2.0, 0.0, 0.0, 2.0]
    """
    if isinstance(law, GramLaw):
        return RowSampler(_isotropic(law, device, debias), 2 * law.numbers_per_trial)
    if debias is not None:
        raise InvalidInputError(
            "the debiased cosine has no closed law under noise with a spectrum; use isotropic "
            "Gaussian noise, or simulate every gradient."
        )
    means, scales = on(device, law.means), on(device, law.scales)

    def draw(lanes: int, stream: TorchStream) -> tuple[Tensor, Tensor | None]:
        return stream.normals(lanes, *means.shape).mul_(scales).add_(means), None

    return RowSampler(draw, 2 * law.numbers_per_trial)


def _isotropic(
    law: GramLaw, device: torch.device, debias: NoiseEnergyLaw | None
) -> Callable[[int, TorchStream], tuple[Tensor, Tensor | None]]:
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
