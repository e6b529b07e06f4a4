"""The hypotheses that several EMA claims share, as predicates where they can be."""

from __future__ import annotations

from fractions import Fraction

from proofs_check.model import Assumption

__all__ = ["BETA", "BETA_POSITIVE", "SAME_MEAN", "UNCORRELATED", "WINDOW", "ZERO_BUFFER"]


def _beta_in_range(beta: Fraction) -> bool:
    return 0 <= beta < 1


def _beta_positive(beta: Fraction) -> bool:
    return 0 < beta < 1


def _window_in_range(window: int) -> bool:
    return window >= 1


def _is_zero(*entries: Fraction) -> bool:
    return not any(entries)


BETA = Assumption("β range", "0 ≤ β < 1 (eq. 8, 18), with 0⁰ = 1", _beta_in_range)
BETA_POSITIVE = Assumption("β positive", "0 < β < 1", _beta_positive)
WINDOW = Assumption("window", "R ≥ 1 is a whole number", _window_in_range)
ZERO_BUFFER = Assumption(
    "zero buffer", "the buffer is zero before the first update (Algorithm 1, Require)", _is_zero
)
SAME_MEAN = Assumption(
    "constant mean", "g_t = μ + ξ_t with E ξ_t = 0 and one μ for the whole window (eq. 17)"
)
UNCORRELATED = Assumption(
    "uncorrelated noise",
    "E⟨ξ_s, ξ_t⟩ = 0 for s ≠ t and E‖ξ_t‖² = v for all t; independent noise and martingale "
    "differences are, φ-mixing noise need not be",
)
