"""The paper's closed forms, for any kind of number: fractions, symbols, solver terms.

``beta`` is the EMA's parameter and ``power`` stands for ``beta**R``. A claim's checks take the
formula as an argument, so that a test can hand them a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Formula", "LimitFormula", "Number", "n_eff", "n_eff_limit", "sum_of_squares"]

Number = Any
"""Fraction, sympy expression or z3 term: whatever has the four operations."""

Formula = Callable[[Number, Number], Number]
LimitFormula = Callable[[Number], Number]


def sum_of_squares(beta: Number, power: Number) -> Number:
    """Eq. 19's right-hand side as printed, with ``beta**(2 R)`` as ``power**2``."""
    return ((1 - beta) * (1 - beta) * (1 - power * power)) / (
        (1 - power) * (1 - power) * (1 - beta * beta)
    )


def n_eff(beta: Number, power: Number) -> Number:
    """Eq. 19 solved for n_eff and shortened."""
    return ((1 + beta) * (1 - power)) / ((1 - beta) * (1 + power))


def n_eff_limit(beta: Number) -> Number:
    """The limit in Assumption 2 and Corollary 2."""
    return (1 + beta) / (1 - beta)
