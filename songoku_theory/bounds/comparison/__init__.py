"""One refresh of scheduled class steps against one aggregated step (appendix C).

The classes are given in the order in which they run. Shapes: ``(..., d)`` for a gradient,
``(..., m, d)`` for the gradients of the m classes; all leading axes are stacks.
"""

from songoku_theory.bounds.comparison.conditions import (
    condition_57,
    condition_58,
    condition_59,
    margins,
)
from songoku_theory.bounds.comparison.contraction import (
    contraction_factor,
    contraction_is_vacuous,
    scheduled_contraction,
)
from songoku_theory.bounds.comparison.drift import (
    corrected_drift_penalty,
    corrected_norms,
    drift_norms,
    drift_penalty,
)
from songoku_theory.bounds.comparison.gap import gap_bound, gap_envelope, interactions, start_gap
from songoku_theory.bounds.comparison.order import order_criterion, random_order_criterion
from songoku_theory.bounds.comparison.smooth import (
    aggregated_bound,
    mean_hessian_product,
    scheduled_bound,
    start_bound,
    telescoped_bound,
)

__all__ = [
    "aggregated_bound",
    "condition_57",
    "condition_58",
    "condition_59",
    "contraction_factor",
    "contraction_is_vacuous",
    "corrected_drift_penalty",
    "corrected_norms",
    "drift_norms",
    "drift_penalty",
    "gap_bound",
    "gap_envelope",
    "interactions",
    "margins",
    "mean_hessian_product",
    "order_criterion",
    "random_order_criterion",
    "scheduled_bound",
    "scheduled_contraction",
    "start_bound",
    "start_gap",
    "telescoped_bound",
]
