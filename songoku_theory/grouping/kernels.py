"""Loops of the dynamic programs over subsets, written out for numba.

A set of tasks is a bit mask; a table has an entry a mask. Each function answers exactly what the
plain code of its caller in ``levels.py`` answers; without numba nothing calls these.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import compiled

__all__ = ["any_part", "lowest_part", "reaching_part"]

Table = NDArray[np.float64]


@compiled()
def lowest_part(
    worth: Table, before: Table, after: Table, start: int, stop: int, step: int
) -> None:
    """Fill ``after[U] = max worth[P] + before[U - P]`` over P in U that hold U's lowest task."""
    for whole in range(start, stop, step):
        if whole == 0:
            continue
        low = whole & -whole
        rest = whole ^ low
        part = rest
        best = -np.inf
        while True:
            found = worth[part | low] + before[rest ^ part]
            if found > best:
                best = found
            if part == 0:
                break
            part = (part - 1) & rest
        after[whole] = best


@compiled()
def any_part(worth: Table, before: Table, after: Table, start: int, stop: int) -> None:
    """Fill ``after[U] = max worth[P] + before[U - P]`` over all P in U."""
    for whole in range(start, stop):
        part = whole
        best = -np.inf
        while True:
            found = worth[part] + before[whole ^ part]
            if found > best:
                best = found
            if part == 0:
                break
            part = (part - 1) & whole
        after[whole] = best


@compiled()
def reaching_part(worth: Table, before: Table, after: Table, num_tasks: int) -> None:
    """Fill ``after[U] = max worth[G] + before[U - G]`` over all G that hold U's lowest task.

    G may reach outside U. Walks all U by leaving out tasks one by one in rising order; on the way,
    ``best[P]`` of each P in U is the best worth of a G that meets U in exactly P.
    """
    size = 1 << num_tasks
    best = np.empty(2 * size)  # the tables of the current path, each half of the one before
    first = np.zeros(num_tasks + 2, dtype=np.int64)
    for depth in range(num_tasks + 1):
        first[depth + 1] = first[depth] + (size >> depth)
    best[:size] = worth
    whole = np.zeros(num_tasks + 1, dtype=np.int64)
    leave = np.zeros(num_tasks + 1, dtype=np.int64)  # the next task to leave out
    whole[0] = size - 1
    depth, arrived = 0, True
    while depth >= 0:
        if arrived:
            current, base = whole[depth], first[depth]
            if current:
                rest = current & (current - 1)
                other, place, top = rest, base + 1, -np.inf
                while True:
                    found = best[place] + before[other]
                    if found > top:
                        top = found
                    if other == 0:
                        break
                    other = (other - 1) & rest
                    place += 2
                after[current] = top
            arrived = False
        task = leave[depth]
        if task == num_tasks:
            depth -= 1
            continue
        leave[depth] += 1
        below = 0  # tasks of the current set below the one that leaves
        for i in range(task):
            below += (whole[depth] >> i) & 1
        source, target = first[depth], first[depth + 1]
        mask = (1 << below) - 1
        for q in range(size >> (depth + 1)):
            at = source + (((q & ~mask) << 1) | (q & mask))
            one, other_one = best[at], best[at + mask + 1]
            best[target + q] = one if one > other_one else other_one
        whole[depth + 1] = whole[depth] ^ (1 << task)
        leave[depth + 1] = task + 1
        depth += 1
        arrived = True
