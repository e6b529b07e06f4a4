"""Colour classes in time: slots, minimum coverage, gaps."""

from songoku_theory.schedule.coverage import Coverage, Eligible, with_minimum_coverage
from songoku_theory.schedule.periodic import (
    Phase,
    Schedule,
    activation_matrix,
    activation_of_run,
    active_set,
    check_phase,
    periodic_schedule,
    slot_index,
)
from songoku_theory.schedule.staleness import (
    GapReport,
    gap_across,
    update_gaps,
    worst_gap_across,
    worst_gap_within,
)

__all__ = [
    "Coverage",
    "Eligible",
    "GapReport",
    "Phase",
    "Schedule",
    "activation_matrix",
    "activation_of_run",
    "active_set",
    "check_phase",
    "gap_across",
    "periodic_schedule",
    "slot_index",
    "update_gaps",
    "with_minimum_coverage",
    "worst_gap_across",
    "worst_gap_within",
]
