"""Exact samplers: what a simulation wants to know, drawn without simulating the steps before it."""

from __future__ import annotations

from simulations.sampling.gram_law import (
    GramLaw,
    SpectralGramLaw,
    ema_gram_law,
    gram_trials,
    has_gram_law,
)
from simulations.sampling.grid import GridCounts, law_grid
from simulations.sampling.intervals import clopper_pearson
from simulations.sampling.noise_energy import NoiseEnergyLaw, noise_energy_law
from simulations.sampling.tally import Tally, tally
from simulations.sampling.trials import law_tally

__all__ = [
    "GramLaw",
    "GridCounts",
    "NoiseEnergyLaw",
    "SpectralGramLaw",
    "Tally",
    "clopper_pearson",
    "ema_gram_law",
    "gram_trials",
    "has_gram_law",
    "law_grid",
    "law_tally",
    "noise_energy_law",
    "tally",
]
