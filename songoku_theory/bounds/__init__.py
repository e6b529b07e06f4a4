"""Closed forms of the theory, as functions that can say when they say nothing."""

from songoku_theory.bounds.recovery import (
    critical_noise_ratio,
    dimension_aware_deviation,
    dimension_aware_failure,
    probe_budget,
)

__all__ = [
    "critical_noise_ratio",
    "dimension_aware_deviation",
    "dimension_aware_failure",
    "probe_budget",
]
