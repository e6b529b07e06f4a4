"""Best partition of the tasks into groups, by dynamic programming over subsets."""

from __future__ import annotations

import numpy as np

from songoku_theory.grouping.levels import any_level, free_level, lowest_level, submasks
from songoku_theory.grouping.tables import Table

__all__ = ["best_partition"]

Found = tuple[float, list[int]]


def best_partition(tables: list[Table], num_groups: int | None, deadline: float) -> Found:
    """Return the greatest sum of the values of groups that partition the tasks, and the groups.

    Parameters
    ----------
    tables : list of ndarray, each of shape (2^n,)
        The value of every group, -inf where it is not allowed; one table where all groups are
        alike, otherwise one a group.
    num_groups : int or None
        None: any number.
    deadline : float
        On the clock of ``time.perf_counter``.

    Returns
    -------
    value : float
        -inf where there is no such partition.
    groups : list of int
        Bit masks; in the order of the tables.

    Raises
    ------
    OutOfTimeError
        When the deadline passes first.
    """
    if len(tables) > 1:
        return _one_table_a_group(tables, deadline)
    if num_groups is None:
        return _any_number(tables[0], deadline)
    return _alike(tables[0], num_groups, deadline)


def _alike(worth: Table, num_groups: int, deadline: float) -> Found:
    """Groups in the order of their lowest task: each takes the lowest task that is left."""
    full = worth.size - 1
    levels = [worth]  # levels[k][U]: the best k + 1 groups that partition U
    for _ in range(num_groups - 2):
        levels.append(lowest_level(worth, levels[-1], deadline, inner=True))
    groups, left = [], full
    total = -np.inf
    for before in reversed(levels[: num_groups - 1]):
        rest = left & (left - 1)
        others = submasks(rest)
        found = worth[others | (left ^ rest)] + before[others[::-1]]
        best = int(found.argmax())
        if left == full:
            total = float(found[best])
        groups.append(int(others[best]) | (left ^ rest))
        left ^= groups[-1]
    if num_groups == 1:
        total = float(worth[full])
    return (total, [*groups, left]) if np.isfinite(total) else (-np.inf, [])


def _any_number(worth: Table, deadline: float) -> Found:
    full = worth.size - 1
    best = free_level(worth, deadline)
    groups, left, total = [], full, -np.inf
    while left:
        rest = left & (left - 1)
        others = submasks(rest)
        found = worth[others | (left ^ rest)] + best[others[::-1]]
        at = int(found.argmax())
        if left == full:
            total = float(found[at])
            if not np.isfinite(total):
                return -np.inf, []
        groups.append(int(others[at]) | (left ^ rest))
        left ^= groups[-1]
    return total, groups


def _one_table_a_group(tables: list[Table], deadline: float) -> Found:
    levels = [tables[0]]  # levels[j][U]: the best for groups 0 to j that partition U
    for table in tables[1:-1]:
        levels.append(any_level(table, levels[-1], deadline))
    return unwind(tables, levels)


def unwind(tables: list[Table], levels: list[Table]) -> Found:
    """Find the parts of all tasks, from the last table to the first."""
    left = tables[0].size - 1
    groups: list[int] = []
    total = -np.inf
    for table, before in zip(reversed(tables[1:]), reversed(levels), strict=True):
        parts = submasks(left)
        found = table[parts] + before[parts[::-1]]
        best = int(found.argmax())
        if not groups:
            total = float(found[best])
            if not np.isfinite(total):
                return -np.inf, []
        groups.append(int(parts[best]))
        left ^= groups[-1]
    return total, [*groups, left][::-1]
