"""Best groups that hold every task and may overlap, by dynamic programming over subsets."""

from __future__ import annotations

import heapq
import itertools
from time import perf_counter

import numpy as np

from songoku_theory.grouping.levels import (
    OutOfTimeError,
    any_level,
    lowest_level,
    reaching_level,
    submasks,
)
from songoku_theory.grouping.partition_dp import unwind
from songoku_theory.grouping.tables import Table, superset_max

__all__ = ["best_cover"]

Found = tuple[float, list[int]]


def best_cover(tables: list[Table], num_groups: int, distinct: bool, deadline: float) -> Found:
    """Return the greatest sum of the values of groups that hold every task, and the groups.

    Parameters
    ----------
    tables : list of ndarray, each of shape (2^n,)
        As for :func:`best_partition`.
    num_groups : int
    distinct : bool
        Whether no two groups may be equal.
    deadline : float
        On the clock of ``time.perf_counter``.

    Returns
    -------
    value : float
        -inf where there are no such groups.
    groups : list of int
        Bit masks; in the order of the tables.

    Raises
    ------
    OutOfTimeError
        When the deadline passes first.
    """
    if len(tables) > 1:
        return _one_table_a_group(tables, distinct, deadline)
    if distinct:
        return _alike_distinct(tables[0], num_groups, deadline)
    return _alike(tables[0], num_groups, deadline)


def _alike(worth: Table, num_groups: int, deadline: float) -> Found:
    """Equal groups allowed: a partition into parts, each worth the best group that holds it."""
    best, which = superset_max(worth)
    full = worth.size - 1
    nothing = np.full_like(worth, -np.inf)
    nothing[0] = 0.0
    levels = [nothing]
    for k in range(1, num_groups + 1):
        level = lowest_level(best, levels[-1], deadline)
        level[0] = k * best[0]  # groups that need not hold anything in particular
        levels.append(level)
    total = float(levels[-1][full])
    if not np.isfinite(total):
        return -np.inf, []
    groups, left = [], full
    for before in reversed(levels[:-1]):
        if left == 0:
            groups.append(int(which[0]))
            continue
        rest = left & (left - 1)
        others = submasks(rest)
        at = int((best[others | (left ^ rest)] + before[others[::-1]]).argmax())
        groups.append(int(which[int(others[at]) | (left ^ rest)]))
        left = int(others[::-1][at])
    return total, groups


def _alike_distinct(worth: Table, num_groups: int, deadline: float) -> Found:
    """Distinct groups: the s best of all, then groups that each hold the lowest uncovered task.

    Take an optimum and the largest s such that the s most valuable groups are in it. A group of the
    rest that holds no task of its own could be exchanged for the most valuable group outside, at no
    loss, which raises s. So each of the rest has a task of its own, and in the right order each
    holds the lowest task that those before it leave uncovered. Any such family is distinct.
    """
    full = worth.size - 1
    top = np.argsort(-worth, kind="stable")[:num_groups]
    top = top[np.isfinite(worth[top])]
    covered = [0, *np.bitwise_or.accumulate(top).tolist()]
    gained = [0.0, *np.cumsum(worth[top]).tolist()]
    # levels[k][U]: the best k groups that cover U, each with the lowest uncovered task.
    nothing = np.full_like(worth, -np.inf)
    nothing[0] = 0.0
    levels = [nothing, superset_max(worth)[0]]
    levels[1][0] = -np.inf
    for _ in range(num_groups - 2):
        levels.append(reaching_level(worth, levels[-1], deadline))
    total, start = -np.inf, -1
    for s in range(len(top) + 1):
        left, count = full & ~covered[s], num_groups - s
        if count and left:
            rest = _reach(worth, levels[count - 1], left)[0]
        elif count or left:
            continue  # tasks without groups; or groups without tasks, which a larger s beats
        else:
            rest = 0.0
        if gained[s] + rest > total:
            total, start = gained[s] + rest, s
    if start < 0:
        return -np.inf, []
    groups, left = [int(g) for g in top[:start]], full & ~covered[start]
    for k in range(num_groups - start, 0, -1):
        groups.append(_reach(worth, levels[k - 1], left)[1])
        left &= ~groups[-1]
    return total, groups


def _reach(worth: Table, before: Table, left: int) -> tuple[float, int]:
    """Return the best ``worth[G] + before[left - G]`` over the G with the lowest task of `left`."""
    low = left & -left
    masks = np.arange(worth.size)
    masks = masks[(masks & low) != 0]
    found = worth[masks] + before[left & ~masks]
    best = int(found.argmax())
    return float(found[best]), int(masks[best])


def _one_table_a_group(tables: list[Table], distinct: bool, deadline: float) -> Found:
    """Relax "distinct", then forbid an equal pair's group to one or to the other, best first."""
    count = itertools.count()

    def relaxed(forbidden: frozenset[tuple[int, int]]) -> Found:
        bests, names = [], []
        for j, table in enumerate(tables):
            banned = [group for column, group in forbidden if column == j]
            worth = table
            if banned:
                worth = table.copy()
                worth[banned] = -np.inf
            best, which = superset_max(worth)
            bests.append(best)
            names.append(which)
        levels = [bests[0]]
        for best in bests[1:-1]:
            levels.append(any_level(best, levels[-1], deadline))
        value, parts = unwind(bests, levels)
        return value, [int(which[part]) for which, part in zip(names, parts, strict=False)]

    root = relaxed(frozenset())
    heap = [(-root[0], next(count), root[1], frozenset[tuple[int, int]]())]
    seen: set[frozenset[tuple[int, int]]] = set()
    while heap:
        if perf_counter() > deadline:
            raise OutOfTimeError
        negative, _, groups, forbidden = heapq.heappop(heap)
        if not groups:
            return -np.inf, []
        pair = _equal_pair(groups) if distinct else None
        if pair is None:
            return -negative, groups
        for column in pair:
            child = forbidden | {(column, groups[column])}
            if child not in seen:
                seen.add(child)
                value, found = relaxed(child)
                heapq.heappush(heap, (-value, next(count), found, child))
    return -np.inf, []


def _equal_pair(groups: list[int]) -> tuple[int, int] | None:
    for i, j in itertools.combinations(range(len(groups)), 2):
        if groups[i] == groups[j]:
            return i, j
    return None
