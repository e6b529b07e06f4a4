"""Direct simulation on a torch device: every gradient, one step of the window at a time.

What `simulations.generators.ema_trials` does. A batch holds its running averages and one step's
noise, whatever R is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from simulations.generators.noise import (
    Ar1Noise,
    BoundedNoise,
    ColouredNoise,
    GaussianNoise,
    NoiseLaw,
    StudentTNoise,
)
from simulations.generators.noise.base import check_weights
from simulations.sampling.torch_noise import DOUBLE, TorchStream
from simulations.sampling.torch_rows import RowSampler, on
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_gradients

__all__ = ["direct_rows", "noise_steps"]

Step = Callable[[tuple[int, int, int], TorchStream, Tensor | None], Tensor]
"""((trials, K, d), stream, noise of the step before) to the noise of a step."""


def noise_steps(noise: NoiseLaw, dim: int, device: torch.device) -> Step:
    """Return what draws one step's noise as ``noise.sample`` does.

    Parameters
    ----------
    noise : NoiseLaw
    dim : int
        d.
    device : torch.device

    Returns
    -------
    callable ((trials, K, d), stream, after) -> Tensor
        `after` is the noise of the step before, or None for the first.

    Raises
    ------
    InvalidInputError
        When it is none of the five laws.
    """
    sigma = noise.sigma
    match noise:
        case GaussianNoise():
            return lambda size, stream, after: stream.normals(*size).mul_(sigma)
        case ColouredNoise():
            scales = on(device, sigma * noise.spectrum(dim) ** 0.5)
            return lambda size, stream, after: stream.normals(*size).mul_(scales)
        case Ar1Noise():
            return _remembering(sigma, noise.phi)
        case BoundedNoise():
            return _bounded(sigma, noise.shape)
        case StudentTNoise():
            return _heavy(sigma, noise.dof)
        case _:
            raise InvalidInputError(
                f"{noise.name} noise can't be simulated on a device; use device = 'cpu'."
            )


def _remembering(sigma: float, phi: float) -> Step:
    fresh = math.sqrt(1.0 - phi**2)

    def step(size: tuple[int, int, int], stream: TorchStream, after: Tensor | None) -> Tensor:
        drawn = stream.normals(*size).mul_(sigma)
        return drawn if after is None else drawn.mul_(fresh).add_(after, alpha=phi)

    return step


def _bounded(sigma: float, shape: str) -> Step:
    def step(size: tuple[int, int, int], stream: TorchStream, after: Tensor | None) -> Tensor:
        uniform = stream.uniforms(*size).sub_(0.5)
        if shape == "uniform":
            return uniform.mul_(2.0 * math.sqrt(3.0) * sigma)
        return (uniform < 0.0).to(DOUBLE).mul_(2.0 * sigma).sub_(sigma)

    return step


def _heavy(sigma: float, dof: float) -> Step:
    def step(size: tuple[int, int, int], stream: TorchStream, after: Tensor | None) -> Tensor:
        trials, tasks, _ = size
        chi = stream.chi([dof], trials * tasks).reshape(trials, tasks, 1)
        return stream.normals(*size).mul_(sigma * math.sqrt(dof - 2.0) / chi)

    return step


def direct_rows(
    noise: NoiseLaw, means: ArrayLike, weights: ArrayLike, device: torch.device, debiased: bool
) -> RowSampler:
    """Return what simulates every gradient and averages them.

    Parameters
    ----------
    noise : NoiseLaw
    means : array_like, shape (K, d)
        mu_i of eq. 17.
    weights : array_like, shape (R,)
        Of the EMA, oldest first; summing to one if `debiased`.
    device : torch.device
    debiased : bool
        Estimate the noise energy of each average from the spread within its window.

    Returns
    -------
    RowSampler

    Raises
    ------
    InvalidInputError
        When an argument is out of range, or there is no such noise on a device.

    Source
    ------
    SON-GOKU, eq. 17 and 18; `songoku_theory.ema.mean_noise_energy` for the debiased cosine.
    """
    host = check_gradients(means).astype("float64", copy=False)
    values = check_weights(weights)
    tasks, dim = host.shape
    step = noise_steps(noise, dim, device)
    centre = on(device, host * values.sum())
    share = float(values @ values)
    known = debiased and share < 1.0 - 1e-9  # one gradient alone has no spread

    def draw(lanes: int, stream: TorchStream) -> tuple[Tensor, Tensor | None]:
        size = (lanes, tasks, dim)
        average = torch.zeros(size, dtype=DOUBLE, device=device)
        squares = torch.zeros((lanes, tasks), dtype=DOUBLE, device=device)
        drawn: Tensor | None = None
        for weight in values.tolist():
            drawn = step(size, stream, drawn)
            average.add_(drawn, alpha=weight)
            if known:
                squares.add_((drawn * drawn).sum(dim=2), alpha=weight)
        energy = None
        if known:
            spread = (squares - (average * average).sum(dim=2)).clamp_min(0.0)
            energy = spread * (share / (1.0 - share))
        return average.add_(centre), energy

    # The averages, a step's noise and the one before it, and its square.
    return RowSampler(draw, 4 * tasks * dim)
