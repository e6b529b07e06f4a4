"""Rational bounds on the exponential function, so that Θ(ε⁻² log K) can be compared exactly."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["exp_above", "exp_below", "smallest_size"]

_TERMS = 60


def exp_below(x: Fraction) -> Fraction:
    """Return a rational number at most e^x, for x >= 0, near it for x up to 20.

    Examples
    --------
    >>> float(exp_below(Fraction(1)))
    2.718281828459045
    """
    total = term = Fraction(1)
    for j in range(1, _TERMS):
        term = term * x / j
        total += term
    return total


def exp_above(x: Fraction) -> Fraction:
    """Return a rational number at least e^x, for 0 <= x <= 30.

    The terms left out fall at least by half each time, so they add up to less than the last
    one kept.
    """
    term = Fraction(1)
    for j in range(1, _TERMS):
        term = term * x / j
    return exp_below(x) + term


def smallest_size(epsilon: Fraction, tasks: int) -> int:
    """Return the smallest whole r with r >= ln(K) / epsilon².

    Examples
    --------
    >>> smallest_size(Fraction(3, 20), 40)
    164
    """
    size = 1
    while exp_below(size * epsilon**2) < tasks:
        size += 1
    return size
