"""How far two ways to group the same tasks agree."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np

from songoku_theory.errors import InvalidInputError

__all__ = ["adjusted_rand"]


def adjusted_rand(first: Sequence[int], second: Sequence[int]) -> float:
    """Return the adjusted Rand index of two labellings of the same tasks.

    1: the same groups, whatever their numbers; 0 on average for random groups of these sizes; it
    can be negative.

    Parameters
    ----------
    first, second : sequence of int
        The group of each task; equal lengths, at least one.

    Returns
    -------
    float
        1 where both have one group, or both one a task.

    Raises
    ------
    InvalidInputError
        When the lengths differ, or there is no task.

    Source
    ------
    Hubert and Arabie (1985), "Comparing partitions", eq. 5.

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], [1, 1, 0, 0]), adjusted_rand([0, 0, 1, 1], [0, 1, 0, 1])
    (1.0, -0.5)
    """
    if len(first) != len(second) or not len(first):
        raise InvalidInputError(
            f"two labellings of the same tasks should be as long; found {len(first)} and "
            f"{len(second)} labels."
        )
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (first, second))
    table = np.zeros((rows.max() + 1, columns.max() + 1), dtype=np.int64)
    np.add.at(table, (rows, columns), 1)
    both = sum(comb(int(c), 2) for c in table.ravel())
    one = sum(comb(int(c), 2) for c in table.sum(axis=1))
    other = sum(comb(int(c), 2) for c in table.sum(axis=0))
    pairs = comb(len(first), 2)
    # Hubert and Arabie's quotient, both parts times 2 pairs: whole numbers, so 1 is exactly 1.
    above = 2 * (both * pairs - one * other)
    below = (one + other) * pairs - 2 * one * other
    return above / below if below else 1.0
