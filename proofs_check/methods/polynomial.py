"""Polynomials in one variable with rational coefficients, and their real roots by Sturm.

Small on purpose, and independent of the computer algebra system that the symbolic checks use.
A polynomial is a tuple of coefficients, constant first; the zero polynomial is ``()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

__all__ = [
    "Polynomial",
    "add",
    "count_roots",
    "derivative",
    "evaluate",
    "is_positive_between",
    "monomial",
    "multiply",
    "scale",
    "subtract",
]

Polynomial = tuple[Fraction, ...]


def _trim(coefficients: Sequence[Fraction]) -> Polynomial:
    values = list(coefficients)
    while values and values[-1] == 0:
        values.pop()
    return tuple(values)


def monomial(degree: int, coefficient: int | Fraction = 1) -> Polynomial:
    """Return ``coefficient * x**degree``.

    Examples
    --------
    >>> [int(c) for c in monomial(2, 5)]
    [0, 0, 5]
    """
    return _trim((*(Fraction(0),) * degree, Fraction(coefficient)))


def add(left: Polynomial, right: Polynomial) -> Polynomial:
    """Return the sum."""
    size = max(len(left), len(right))
    padded = [(*p, *(Fraction(0),) * (size - len(p))) for p in (left, right)]
    return _trim([a + b for a, b in zip(*padded, strict=True)])


def scale(polynomial: Polynomial, factor: int | Fraction) -> Polynomial:
    """Return the polynomial times a number."""
    return _trim([coefficient * factor for coefficient in polynomial])


def subtract(left: Polynomial, right: Polynomial) -> Polynomial:
    """Return the difference."""
    return add(left, scale(right, -1))


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    """Return the product."""
    if not left or not right:
        return ()
    result = [Fraction(0)] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            result[i + j] += a * b
    return _trim(result)


def derivative(polynomial: Polynomial) -> Polynomial:
    """Return the derivative."""
    return _trim([index * value for index, value in enumerate(polynomial)][1:])


def evaluate(polynomial: Polynomial, x: int | Fraction) -> Fraction:
    """Return the value at `x`, exactly."""
    value = Fraction(0)
    for coefficient in reversed(polynomial):
        value = value * x + coefficient
    return value


def _divide(left: Polynomial, right: Polynomial) -> tuple[Polynomial, Polynomial]:
    """Return quotient and remainder; `right` is not zero."""
    rest = list(left)
    quotient = [Fraction(0)] * max(len(left) - len(right) + 1, 0)
    while len(rest) >= len(right):
        factor = rest[-1] / right[-1]
        shift = len(rest) - len(right)
        quotient[shift] = factor
        for index, coefficient in enumerate(right):
            rest[index + shift] -= factor * coefficient
        rest.pop()
    return _trim(quotient), _trim(rest)


def _square_free(polynomial: Polynomial) -> Polynomial:
    """Return the polynomial with each root taken once."""
    left, right = polynomial, derivative(polynomial)
    while right:
        left, right = right, _divide(left, right)[1]
    return _divide(polynomial, left)[0]


def _sign_changes(chain: Sequence[Polynomial], x: Fraction) -> int:
    signs = [value > 0 for value in (evaluate(p, x) for p in chain) if value != 0]
    return sum(a != b for a, b in pairwise(signs))


def count_roots(polynomial: Polynomial, low: int | Fraction, high: int | Fraction) -> int:
    """Count the distinct real roots in the half-open interval ``(low, high]``.

    Parameters
    ----------
    polynomial : Polynomial
        Not zero.
    low, high : number
        Ends of the interval.

    Returns
    -------
    int

    Source
    ------
    Sturm's theorem.

    Examples
    --------
    >>> square_minus_two = subtract(monomial(2), monomial(0, 2))
    >>> count_roots(square_minus_two, 0, 2), count_roots(square_minus_two, -2, 2)
    (1, 2)
    >>> count_roots(multiply(square_minus_two, square_minus_two), 0, 2)
    1
    """
    # Without repeated factors the chain's zeros at the interval's ends do no harm.
    once = _square_free(polynomial)
    chain = [once, derivative(once)]
    while chain[-1]:
        chain.append(scale(_divide(chain[-2], chain[-1])[1], -1))
    chain.pop()
    return _sign_changes(chain, Fraction(low)) - _sign_changes(chain, Fraction(high))


def is_positive_between(polynomial: Polynomial, low: int | Fraction, high: int | Fraction) -> bool:
    """Decide whether the polynomial is > 0 everywhere in the open interval ``(low, high)``.

    Examples
    --------
    >>> x_squared_minus_x_plus_one = (Fraction(1), Fraction(-1), Fraction(1))
    >>> is_positive_between(x_squared_minus_x_plus_one, 0, 1)
    True
    >>> is_positive_between(monomial(1), -1, 1)
    False
    """
    if not polynomial:
        return False
    low, high = Fraction(low), Fraction(high)
    inner = count_roots(polynomial, low, high) - (evaluate(polynomial, high) == 0)
    return inner == 0 and evaluate(polynomial, (low + high) / 2) > 0
