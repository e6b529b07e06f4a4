"""Closed forms of the theory, as functions that can say when they say nothing."""

from songoku_theory.bounds.drift import best_beta, lag_energy, memory_of_a_jump, tracking_error
from songoku_theory.bounds.probe_budget import (
    probe_budget_without_tasks,
    probe_failure,
    probe_weight_limit,
    suggested_beta,
)
from songoku_theory.bounds.recovery import (
    critical_noise_ratio,
    dimension_aware_budget,
    dimension_aware_deviation,
    dimension_aware_failure,
    is_vacuous,
    probe_budget,
)
from songoku_theory.bounds.recovery_margin import debiased_deviation, edge_score

__all__ = [
    "best_beta",
    "critical_noise_ratio",
    "debiased_deviation",
    "dimension_aware_budget",
    "dimension_aware_deviation",
    "dimension_aware_failure",
    "edge_score",
    "is_vacuous",
    "lag_energy",
    "memory_of_a_jump",
    "probe_budget",
    "probe_budget_without_tasks",
    "probe_failure",
    "probe_weight_limit",
    "suggested_beta",
    "tracking_error",
]
