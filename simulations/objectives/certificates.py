"""Constants proved with rational arithmetic, and eigenvalues rounded to the safe side."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SINE_SQUARE_PL",
    "extreme_eigenvalues",
    "sine_square_is_pl",
    "sine_square_ratio",
]

SINE_SQUARE_PL = Fraction(1755309, 10**7)
"""A PL constant of phi(z) = z^2 + 3 sin^2 z; 1755310 / 10^7 is none (`sine_square_is_pl`)."""


def _sine_cosine(u: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """Taylor sums of sin u and cos u for 0 <= u <= 8, and a bound on the error of either."""
    sums = [Fraction(0), Fraction(0)]
    term = Fraction(1)
    order = 0
    # Past order 8 >= u the terms shrink and alternate, so the first one left out bounds the rest.
    while order <= 9 or term > Fraction(1, 10**10):
        sums[order % 2] += -term if order % 4 >= 2 else term
        order += 1
        term = term * u / order
    return sums[1], sums[0], term


def sine_square_ratio(z: Fraction) -> tuple[Fraction, Fraction]:
    """Enclose ``phi'(z)^2 / (2 phi(z))`` for phi(z) = z^2 + 3 sin^2 z.

    Parameters
    ----------
    z : Fraction
        In (0, 4].

    Returns
    -------
    tuple of Fraction
        The exact ratio lies between them.

    Examples
    --------
    >>> low, high = sine_square_ratio(Fraction(22017, 10000))
    >>> low < high, round(float(low), 8), round(float(high), 8)
    (True, 0.17553099, 0.17553099)
    """
    sine, cosine, error = _sine_cosine(2 * z)
    slope = 2 * z + 3 * sine
    value = z * z + Fraction(3, 2) * (1 - cosine)
    steep, flat = abs(slope) + 3 * error, max(Fraction(0), abs(slope) - 3 * error)
    wide = Fraction(3, 2) * error
    return flat**2 / (2 * (value + wide)), steep**2 / (2 * (value - wide))


def sine_square_is_pl(mu: Fraction) -> bool | None:
    """Decide whether ``phi'(z)^2 >= 2 mu phi(z)`` for every real z; phi(z) = z^2 + 3 sin^2 z.

    Parameters
    ----------
    mu : Fraction
        In (0, 1/4].

    Returns
    -------
    bool or None
        True is a proof, False a counterexample found; None: too close to the best constant to
        tell in a million pieces.

    Source
    ------
    Ours; all in rationals. phi is even, phi(0) = 0. (1) 0 < z <= 1/2: sin is concave on [0, 1], so
    ``sin 2z >= 2z sin 1 >= 8z/5``, ``phi' >= 2z + 24z/5 >= 6z``, ``phi <= 4 z^2``: the ratio is at
    least 9/2. (2) z >= 4: ``phi' >= 2z - 3 > 0``, ``phi <= z^2 + 3``, and ``(2z-3)^2/(2(z^2+3))``
    grows, from 25/38 > 1/2 at z = 4. (3) In between, with ``h = phi'^2 - 2 mu phi``, halve [1/2, 4]
    until ``h(c) - |h'(c)| w - 198 w^2 >= 0`` on each piece of half width w around its middle c. For
    ``h' = 2 phi' (phi'' - mu)`` and, since ``|phi'| <= 11``, ``|phi''| <= 8`` and the third
    derivative is at most 12 there, ``|h''| <= 2 * 8 * (8 + mu) + 2 * 11 * 12 <= 2 * 198``.

    Differs from
    ------------
    The constant 1/32 that is usually quoted for this function (Karimi et al. 2016) holds but is
    5.6 times smaller than the best.

    Examples
    --------
    >>> sine_square_is_pl(Fraction(1, 32)), sine_square_is_pl(Fraction(1, 5))
    (True, False)
    """
    pieces = [(Fraction(1, 2), Fraction(4))]
    for _ in range(10**6):
        if not pieces:
            return True
        left, right = pieces.pop()
        middle, half = (left + right) / 2, (right - left) / 2
        sine, cosine, error = _sine_cosine(2 * middle)
        slope = 2 * middle + 3 * sine
        bend = 2 + 6 * cosine
        excess = slope**2 - 2 * mu * (middle**2 + Fraction(3, 2) * (1 - cosine))
        tilt = 2 * abs(slope * (bend - mu))
        # What the error of the sines may change: |slope| <= 11, |bend| <= 8, the error < 1e-9.
        rounding = 70 * error + 400 * error * half
        if excess - rounding >= (tilt + 198 * half) * half:
            continue
        if sine_square_ratio(middle)[1] < mu:
            return False
        pieces += [(left, middle), (middle, right)]
    return None


def extreme_eigenvalues(matrix: NDArray[np.float64]) -> tuple[float, float]:
    """Return a lower bound of the least and an upper bound of the largest eigenvalue.

    LAPACK's symmetric eigenvalues are off by a modest multiple of ``eps |A|``; ``4 n eps |A|`` is
    taken off and added, n the size.

    Examples
    --------
    >>> low, high = extreme_eigenvalues(np.diag([1.0, 2.0]))
    >>> low < 1.0 and high > 2.0 and high - low < 1.0 + 1e-13
    True
    """
    values = np.linalg.eigvalsh(matrix)
    slack = 4.0 * len(values) * float(np.finfo(np.float64).eps) * float(np.abs(values).max())
    return float(values[0]) - slack, float(values[-1]) + slack
