"""Search over small rationals, and shrink counterexamples, without rounding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from simulations.adversary.statement import Statement, judge_exactly, judge_floats

__all__ = ["complexity", "rationalise", "search_small_rationals", "shrink"]

Point = tuple[Fraction, ...]

LADDER: tuple[Fraction, ...] = tuple(
    Fraction(text)
    for text in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3", "4", "-4", "1/4", "-1/4")
)
"""Coordinates that are tried, simplest first."""

DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 40, 60, 100, 1000, 10**6, 10**9)
CHUNK = 50_000
NEAR = 1e-9
"""Only points whose slack in floats is below this are judged in rationals."""


def complexity(point: Sequence[Fraction]) -> tuple[int, int]:
    """Return how large a point is: digits of its coordinates first, then their sum.

    Examples
    --------
    >>> complexity([Fraction(0), Fraction(1)]) < complexity([Fraction(1), Fraction(1, 2)])
    True
    """
    sizes = [abs(value.numerator) + value.denominator - 1 for value in point]
    return sum(size.bit_length() for size in sizes), sum(sizes)


def search_small_rationals(
    statement: Statement, rng: np.random.Generator, *, budget: int = 200_000
) -> tuple[Point | None, Fraction | None, int]:
    """Try small rationals, smallest first, until one breaks the statement.

    Every point with coordinates among the first k of `LADDER` is tried, for growing k while the
    budget lasts; what is left of it is spent on random points from the whole ladder.

    Parameters
    ----------
    statement : Statement
    rng : numpy.random.Generator
    budget : int, default 200_000
        Points.

    Returns
    -------
    point : tuple of Fraction or None
        The smallest counterexample of the first batch that has one.
    least : Fraction or None
        The smallest slack judged exactly (only points within `NEAR` of breaking are).
    tried : int

    Examples
    --------
    >>> import numpy as np
    >>> square = Statement(
    ...     name="square",
    ...     doc="x^2 >= x",
    ...     variables=("x",),
    ...     slack=lambda x: x[:, 0] ** 2 - x[:, 0],
    ... )
    >>> search_small_rationals(square, np.random.default_rng(0))[:2]
    ((Fraction(1, 2),), Fraction(-1, 4))
    """
    tried, least = 0, None
    for batch in _batches(statement.size, budget, rng):
        tried += len(batch)
        slack, missing = judge_floats(statement, _LADDER_FLOATS[batch])
        near = np.flatnonzero((slack < NEAR) & (missing <= NEAR))
        broken: list[Point] = []
        # The deepest first: a chunk may hold thousands, and one is enough.
        for row in near[np.argsort(slack[near], kind="stable")][:64]:
            point = tuple(LADDER[index] for index in batch[row])
            judged = judge_exactly(statement, point)
            if judged.slack is None:
                continue
            least = judged.slack if least is None else min(least, judged.slack)
            if judged.broken:
                broken.append(point)
        if broken:
            return min(broken, key=complexity), least, tried
    return None, least, tried


_LADDER_FLOATS = np.array([float(value) for value in LADDER])


def _batches(size: int, budget: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    used, done = 0, 0
    for count in range(2, len(LADDER) + 1):
        if used + count**size > budget:
            break
        for start in range(0, count**size, CHUNK):
            codes = np.arange(start, min(start + CHUNK, count**size))
            digits = codes[:, None] // count ** np.arange(size) % count
            yield digits[(digits >= done).any(axis=1)]
        used, done = used + count**size, count
    while used < budget:
        some = min(CHUNK, budget - used)
        # Small coordinates more often: a geometric law on the ladder.
        yield np.minimum(rng.geometric(0.25, (some, size)) - 1, len(LADDER) - 1)
        used += some


def rationalise(statement: Statement, point: Iterable[float]) -> Point | None:
    """Round a float counterexample to the coarsest rationals that still break the statement.

    Parameters
    ----------
    statement : Statement
    point : iterable of float

    Returns
    -------
    tuple of Fraction or None
        None where rounding always repairs it.
    """
    values = [float(value) for value in point]
    for denominator in DENOMINATORS:
        rounded = tuple(Fraction(round(value * denominator), denominator) for value in values)
        if judge_exactly(statement, rounded).broken:
            return rounded
    return None


def shrink(statement: Statement, point: Sequence[Fraction]) -> Point:
    """Make a counterexample smaller while it stays one.

    Parameters
    ----------
    statement : Statement
    point : sequence of Fraction
        A counterexample.

    Returns
    -------
    tuple of Fraction
        Also a counterexample; no single coordinate, and no common factor, can be simplified by
        the moves tried (to a value of `LADDER`, or to a nearby rational of smaller denominator).

    Examples
    --------
    >>> square = Statement(
    ...     name="square",
    ...     doc="x^2 >= x",
    ...     variables=("x",),
    ...     slack=lambda x: x[:, 0] ** 2 - x[:, 0],
    ... )
    >>> shrink(square, [Fraction(137, 1000)])
    (Fraction(1, 2),)
    """
    best = tuple(Fraction(value) for value in point)
    improved = True
    while improved:
        improved = False
        for candidate in _simpler(best):
            if (
                complexity(candidate) < complexity(best)
                and judge_exactly(statement, candidate).broken
            ):
                best, improved = candidate, True
                break
    return best


def _simpler(point: Point) -> Iterator[Point]:
    for index, value in enumerate(point):
        options = {*LADDER, -value, value / 2, Fraction(round(value))}
        options |= {value.limit_denominator(q) for q in (1, 2, 3, 4, 5, 8, 10, 100)}
        options |= {Fraction(value.numerator // 2, value.denominator)}
        for option in sorted(options, key=lambda x: complexity([x])):
            yield (*point[:index], option, *point[index + 1 :])
    whole = np.lcm.reduce([value.denominator for value in point]).item()
    yield tuple(value * whole for value in point)
    largest = max((abs(value) for value in point), default=Fraction(0))
    if largest > 0:
        yield tuple(value / largest for value in point)
    yield tuple(value / 2 for value in point)
    for i in range(len(point)):  # two at once: equal, or opposite
        for j in range(i):
            for other in (point[i], -point[i]):
                yield (*point[:j], other, *point[j + 1 :])
    for i in range(len(point)):
        for j in range(i):
            for first in LADDER[:7]:
                for second in LADDER[:7]:
                    yield (
                        *point[:j],
                        first,
                        *point[j + 1 : i],
                        second,
                        *point[i + 1 :],
                    )
