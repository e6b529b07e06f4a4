"""The worked example of PTG's appendix D, as printed: Table 7, eq. 10, 11 and 12."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["CAPACITY", "GAINS", "MEMORY", "SOLUTION"]

MEMORY: tuple[int, ...] = (4, 3, 5, 2, 6, 3)
"""GB a task (Table 7); eq. 10 repeats each number for the three nodes."""

CAPACITY: tuple[int, ...] = (10, 10, 8)
"""GB a node (Table 7)."""

GAINS: tuple[tuple[Fraction, ...], ...] = tuple(
    tuple(Fraction(x, 10) for x in row)
    for row in (
        (5, 3, 1, 2, 1, 2),
        (3, 6, 2, 1, 0, 3),
        (1, 2, 7, 4, 5, 1),
        (2, 1, 4, 5, 3, 2),
        (1, 0, 5, 3, 8, 1),
        (2, 3, 1, 2, 1, 4),
    )
)
"""Eq. 11."""

SOLUTION: tuple[tuple[int, ...], ...] = ((0, 1, 3), (2, 5), (4,))
"""Eq. 12 as groups, tasks counted from 0."""
