"""Exact samplers: what a simulation wants to know, drawn without simulating the steps before it."""

from __future__ import annotations

from simulations.sampling.gram_law import (
    GramLaw,
    SpectralGramLaw,
    ema_gram_law,
    gram_trials,
    has_gram_law,
)
from simulations.sampling.intervals import clopper_pearson
from simulations.sampling.tally import Tally, tally

__all__ = [
    "GramLaw",
    "SpectralGramLaw",
    "Tally",
    "clopper_pearson",
    "ema_gram_law",
    "gram_trials",
    "has_gram_law",
    "tally",
]
