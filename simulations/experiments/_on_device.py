"""Which sampler a cell's device gets: the compiled loops on a CPU, torch on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulations.generators import PlantedTasks
from simulations.generators.noise import NoiseLaw
from simulations.sampling import (
    GramLaw,
    GridCounts,
    NoiseEnergyLaw,
    Tally,
    ema_gram_law,
    law_grid,
    noise_energy_law,
)
from simulations.sampling.words import WordStream
from simulations.sweep.device import CPU, DEVICE, torch_device
from simulations.sweep.experiment import Scalar

__all__ = ["CountGrid", "grid_counter", "on_gpu", "torch_runner"]

CountGrid: TypeAlias = Callable[
    [
        GramLaw,
        PlantedTasks,
        "Sequence[float] | NDArray[np.float64]",
        Sequence[float],
        int,
        NoiseEnergyLaw | None,
    ],
    GridCounts,
]
"""(law, planted, scales, taus, trials, debias) to counts; goes on where its stream stands."""


def on_gpu(params: Mapping[str, Scalar]) -> bool:
    """Whether a cell asks for a GPU."""
    return params.get(DEVICE, CPU) != CPU


def grid_counter(params: Mapping[str, Scalar], rng: np.random.Generator) -> CountGrid:
    """Return what counts a grid on the device that a cell asks for.

    Raises
    ------
    InvalidInputError
        When a GPU is asked for and there is none.
    """
    if on_gpu(params):
        from simulations.sampling.torch_grid import torch_law_grid
        from simulations.sampling.torch_noise import TorchStream

        stream = TorchStream(torch_device(params), rng)
        return lambda law, planted, scales, taus, trials, debias: torch_law_grid(
            law, planted, scales, taus, trials, stream, debias
        )
    words = WordStream(rng)
    return lambda law, planted, scales, taus, trials, debias: law_grid(
        law, planted, scales, taus, trials, words, debias
    )


def torch_runner(
    params: Mapping[str, Scalar],
    planted: PlantedTasks,
    noise: NoiseLaw,
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> Callable[[int], Tally]:
    """Return what runs so many new trials of a cell of `recovery` on the device that it asks for.

    Raises
    ------
    InvalidInputError
        When a GPU is asked for and there is none.
    """
    from simulations.sampling.torch_direct import direct_rows
    from simulations.sampling.torch_noise import TorchStream
    from simulations.sampling.torch_rows import law_rows
    from simulations.sampling.torch_trials import TorchTrials

    stream = TorchStream(torch_device(params), rng)
    dim, debiased = int(params["dim"]), params["cosine"] == "debiased"
    if params["method"] == "direct":
        sampler = direct_rows(noise, planted.means, weights, stream.device, debiased)
    else:
        law = ema_gram_law(noise, planted.means, weights, dim)
        debias = noise_energy_law(weights, dim) if debiased else None
        sampler = law_rows(law, stream.device, debias)
    return TorchTrials(sampler, planted, int(params["trials"]), stream).take
