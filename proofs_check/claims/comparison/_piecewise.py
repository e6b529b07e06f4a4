"""Is the PL inequality met everywhere? Decided exactly for losses with piecewise linear slopes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from proofs_check.claims.comparison._families import Curve
from proofs_check.methods.polynomial import (
    Polynomial,
    is_positive_between,
    multiply,
    scale,
    subtract,
)

__all__ = ["satisfies_pl"]


def satisfies_pl(curves: Sequence[Curve], mu: Fraction, minimiser: Fraction) -> bool:
    """Decide whether ``F'^2 >= 2 mu (F - F*)`` on the whole line, and F* is the minimum.

    Parameters
    ----------
    curves : sequence of Curve
        The groups; F is the sum of their potentials.
    mu : Fraction
        The PL constant.
    minimiser : Fraction
        Outside the knots, where F'' is constant and positive.

    Returns
    -------
    bool
        False also where the criterion used here does not decide.

    Examples
    --------
    >>> flat = Curve(Fraction(-1), [Fraction(0)], [Fraction(1)])
    >>> [satisfies_pl([flat], Fraction(mu), Fraction(1)) for mu in (1, 2)]
    [True, False]
    """
    knots = sorted({knot for curve in curves for knot in curve.knots})
    slope = {k: sum((c.slope(k) for c in curves), Fraction(0)) for k in knots}
    gradient = {k: sum((c.value(k) for c in curves), Fraction(0)) for k in knots}
    value = {k: sum((c.potential(k) for c in curves), Fraction(0)) for k in knots}
    minimum = sum((c.potential(minimiser) for c in curves), Fraction(0))
    if minimiser < knots[-1] or slope[knots[-1]] <= 0:
        return False
    if sum((c.value(minimiser) for c in curves), Fraction(0)) != 0:
        return False
    for left, right in pairwise(knots):
        bend = (slope[right] - slope[left]) / (right - left)
        first = (gradient[left], slope[left], bend / 2)
        above = (value[left] - minimum, gradient[left], slope[left] / 2, bend / 6)
        width = right - left
        # F falls all the way to the minimiser, and PL holds with room
        if not is_positive_between(scale(first, -1), 0, width):
            return False
        if not is_positive_between(_room(first, above, mu), 0, width):
            return False
    low, high = knots[0], knots[-1]
    # to the left of all knots, outwards: every coefficient is >= 0
    outwards = (-gradient[low], slope[low])
    height = (value[low] - minimum, -gradient[low], slope[low] / 2)
    room = _room(outwards, height, mu)
    if outwards[0] <= 0 or slope[low] < 0 or min(room, default=Fraction(0)) < 0:
        return False
    # to the right F is a parabola around its minimum: F'^2 = 2 F'' (F - F*)
    return gradient[high] <= 0 and mu <= slope[high]


def _room(first: Sequence[Fraction], above: Sequence[Fraction], mu: Fraction) -> Polynomial:
    """``F'^2 - 2 mu (F - F*)`` as a polynomial in the distance from the knot."""
    gradient = scale(tuple(first), 1)
    return subtract(multiply(gradient, gradient), scale(tuple(above), 2 * mu))
