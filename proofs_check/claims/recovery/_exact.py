"""Exact tools of this family: enclosures of roots and exponentials, discrete noise, exact laws.

Probabilities of Gaussian noise are no rationals; those of noise with finitely many values are. A
bound on probabilities that is false is therefore refuted with discrete noise, in integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb, isqrt

from proofs_check.claims.ema.objects import Vector, dot

__all__ = [
    "SIGNS",
    "Enclosure",
    "Law",
    "cosine",
    "exp_minus",
    "is_sub_gaussian",
    "logarithm_is_below",
    "outcomes",
    "rare_probability",
    "root",
    "sign_sum_at_least",
    "smallest_combination",
    "three_points",
]

DIGITS = 10**24

Law = tuple[tuple[Fraction, Fraction], ...]
"""A random number with finitely many values: pairs (value, probability)."""

SIGNS: Law = ((Fraction(-1), Fraction(1, 2)), (Fraction(1), Fraction(1, 2)))


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A real number between two rationals."""

    low: Fraction
    high: Fraction

    def minus(self, other: Enclosure) -> Enclosure:
        """Enclose the difference."""
        return Enclosure(self.low - other.high, self.high - other.low)

    def largest_size(self) -> Fraction:
        """Return an upper bound of the absolute value."""
        return max(abs(self.low), abs(self.high))

    def smallest_size(self) -> Fraction:
        """Return a lower bound of the absolute value."""
        return Fraction(0) if self.low <= 0 <= self.high else min(abs(self.low), abs(self.high))


def root(value: Fraction) -> Enclosure:
    """Enclose the square root of a rational >= 0 to 24 digits; a rational root is exact.

    Examples
    --------
    >>> root(Fraction(9, 4))
    Enclosure(low=Fraction(3, 2), high=Fraction(3, 2))
    >>> two = root(Fraction(2))
    >>> two.low**2 < 2 < two.high**2
    True
    """
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Enclosure(Fraction(top, bottom), Fraction(top, bottom))
    floor = isqrt(value.numerator * DIGITS**2 // value.denominator)
    return Enclosure(Fraction(floor, DIGITS), Fraction(floor + 1, DIGITS))


def cosine(u: Vector, v: Vector) -> Enclosure:
    """Enclose the cosine of two vectors that are not zero.

    Examples
    --------
    >>> three = (Fraction(3), Fraction(4))
    >>> cosine(three, (Fraction(1), Fraction(0))).low
    Fraction(3, 5)
    """
    product_of_norms = root(dot(u, u) * dot(v, v))
    inner = dot(u, v)
    ends = (inner / product_of_norms.low, inner / product_of_norms.high)
    return Enclosure(min(ends), max(ends))


def exp_minus(exponent: Fraction, terms: int = 60) -> Enclosure:
    """Enclose ``exp(-exponent)`` for an exponent >= 0.

    Halved until it is at most 1; there ``exp`` lies between a partial sum and that sum plus twice
    its next term; then squared back.

    Examples
    --------
    >>> found = exp_minus(Fraction(3))
    >>> round(float(found.low), 9) == round(float(found.high), 9) == 0.049787068
    True
    """
    halvings = 0
    small = exponent
    while small > 1:
        small /= 2
        halvings += 1
    term, total = Fraction(1), Fraction(1)
    for k in range(1, terms):
        term = term * small / k
        total += term
    low, high = 1 / (total + 2 * term), 1 / total
    for _ in range(halvings):
        # Rounded outwards, or the fractions double in length at each squaring.
        low = Fraction(low**2 * DIGITS**4 // 1, DIGITS**4)
        high = Fraction(high**2 * DIGITS**4 // 1 + 1, DIGITS**4)
    return Enclosure(low, high)


def logarithm_is_below(argument: Fraction, bound: Fraction) -> bool:
    """Decide whether ``log(argument) <= bound`` is certain, for arguments >= 1.

    Examples
    --------
    >>> logarithm_is_below(Fraction(16), Fraction(3)), logarithm_is_below(Fraction(16), Fraction(2))
    (True, False)
    """
    return bound >= 0 and argument * exp_minus(bound).high <= 1


def is_sub_gaussian(law: Law, proxy: Fraction) -> bool:
    """Decide that a symmetric law has ``E exp(t x) <= exp(t^2 proxy/2)`` for all t.

    Compared power by power: ``E x^(2k) <= proxy^k (2k-1)!!`` for every k suffices. With ``a`` the
    largest value, ``E x^(2k+2) <= a^2 E x^(2k)``, so from ``(2k+1) proxy >= a^2`` on each case
    follows from the one before: finitely many are left to look at.

    Examples
    --------
    >>> is_sub_gaussian(SIGNS, Fraction(1)), is_sub_gaussian(SIGNS, Fraction(99, 100))
    (True, False)
    """
    if sum((p for _, p in law), Fraction(0)) != 1 or any(p < 0 for _, p in law):
        return False
    weight = dict(law)
    if len(weight) != len(law) or any(weight.get(-value) != p for value, p in law):
        return False
    largest = max(value * value for value, _ in law)
    power, allowed = 0, Fraction(1)
    while True:
        if sum((p * value ** (2 * power) for value, p in law), Fraction(0)) > allowed:
            return False
        if power > 0 and (2 * power + 1) * proxy >= largest:
            return True
        allowed *= (2 * power + 1) * proxy
        power += 1


def rare_probability(squared_size: Fraction) -> Fraction:
    """Return the largest p for which ``+-a`` with p/2 each, else 0, passes the comparison.

    With proxy 1 and ``a^2 = squared_size >= 1``: ``p = min over k of (2k-1)!!/a^(2k)``, about
    ``sqrt(2) exp(-a^2/2)``.

    Examples
    --------
    >>> str(rare_probability(Fraction(9)))
    '35/2187'
    """
    best = value = 1 / squared_size
    power = 1
    while 2 * power + 1 < squared_size:
        value = value * (2 * power + 1) / squared_size
        power += 1
        best = min(best, value)
    return best


def three_points(size: Fraction, probability: Fraction) -> Law:
    """Return ``+-size`` with half the probability each, else 0."""
    half = probability / 2
    return ((-size, half), (Fraction(0), 1 - probability), (size, half))


def outcomes(laws: Iterable[Law]) -> Iterator[tuple[tuple[Fraction, ...], Fraction]]:
    """Go through all joint values of independent numbers, with their probabilities.

    Examples
    --------
    >>> sum(p for values, p in outcomes([SIGNS] * 3) if sum(values) == 1)
    Fraction(3, 8)
    """
    for chosen in product(*laws):
        probability = Fraction(1)
        for _, p in chosen:
            probability *= p
        yield tuple(value for value, _ in chosen), probability


def sign_sum_at_least(count: int, bound: int | Fraction) -> Fraction:
    """Return P(sum of `count` independent signs >= bound), exactly.

    Examples
    --------
    >>> sign_sum_at_least(4, 0), sign_sum_at_least(3, Fraction(1, 2))
    (Fraction(11, 16), Fraction(1, 2))
    """
    ways = sum(comb(count, plus) for plus in range(count + 1) if 2 * plus - count >= bound)
    return Fraction(ways, 2**count)


def smallest_combination(weights: Sequence[Fraction]) -> Fraction:
    """Return the smallest ``|sum of +-w_t|`` over all signs.

    Examples
    --------
    >>> str(smallest_combination([Fraction(1, 3), Fraction(2, 3)]))
    '1/3'
    """
    return min(
        abs(sum((s * w for s, w in zip(signs, weights, strict=True)), Fraction(0)))
        for signs in product((1, -1), repeat=len(weights))
    )
