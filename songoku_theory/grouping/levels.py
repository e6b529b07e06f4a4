"""One level of a dynamic program over subsets: one more group, for every set of tasks to cover.

Each has a plain form in NumPy, used for few tasks or without numba, and a compiled one.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from time import perf_counter
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import accelerated, numba_loaded
from songoku_theory.grouping.tables import Table, sizes

__all__ = ["OutOfTimeError", "any_level", "lowest_level", "reaching_level", "submasks"]

_PLAIN_TASKS = 10  # below, the plain form takes milliseconds, less than loading numba
_LISTED_TASKS = 12  # 3^12 pairs of a set and a part of it: a few megabytes
_CHUNK = 4096


class OutOfTimeError(Exception):
    """The time limit was reached before the table was full."""


def lowest_level(worth: Table, before: Table, deadline: float, *, inner: bool = False) -> Table:
    """Return ``max worth[P] + before[U - P]`` over the P in U that hold U's lowest task, for all U.

    Parameters
    ----------
    worth, before : ndarray, shape (2^n,)
    deadline : float
        On the clock of ``time.perf_counter``.
    inner : bool
        Leave out the sets that hold task 0 (they get -inf): they are only met at the last level,
        because each group takes the lowest task that is left.

    Returns
    -------
    ndarray, shape (2^n,)
        ``before`` for the empty set.

    Raises
    ------
    OutOfTimeError
        When the deadline has passed.
    """
    after = np.full_like(worth, -np.inf)
    after[0] = before[0]
    return _lowest(worth, before, after, deadline, inner)


def free_level(worth: Table, deadline: float) -> Table:
    """Return the best sum of any number of parts, for all U without task 0, and for all tasks."""
    after = np.full_like(worth, -np.inf)
    after[0] = 0.0
    _lowest(worth, after, after, deadline, inner=True)
    return after


def _lowest(worth: Table, before: Table, after: Table, deadline: float, inner: bool) -> Table:
    step = 2 if inner else 1
    if _compiled(worth):
        for start in range(0, worth.size, _CHUNK):
            _check(deadline)
            kernels().lowest_part(
                worth, before, after, start, min(start + _CHUNK, worth.size), step
            )
        return after
    if worth.size <= 1 << _LISTED_TASKS:
        for wholes, parts, rests, starts in _pairs(_num_tasks(worth), True):
            after[wholes] = np.maximum.reduceat(worth[parts] + before[rests], starts)
        if inner:
            after[1::2] = -np.inf
        return after
    for whole in range(step, worth.size, step):
        _check(deadline)
        rest = whole & (whole - 1)
        others = submasks(rest)
        after[whole] = (worth[others | (whole ^ rest)] + before[others[::-1]]).max()
    return after


def any_level(worth: Table, before: Table, deadline: float) -> Table:
    """Return ``max worth[P] + before[U - P]`` over all P in U, for all U.

    Raises
    ------
    OutOfTimeError
        When the deadline has passed.
    """
    after = np.full_like(worth, -np.inf)
    if _compiled(worth):
        for start in range(0, worth.size, _CHUNK):
            _check(deadline)
            kernels().any_part(worth, before, after, start, min(start + _CHUNK, worth.size))
        return after
    if worth.size <= 1 << _LISTED_TASKS:
        for wholes, parts, rests, starts in _pairs(_num_tasks(worth), False):
            after[wholes] = np.maximum.reduceat(worth[parts] + before[rests], starts)
        return after
    for whole in range(worth.size):
        _check(deadline)
        parts = submasks(whole)
        after[whole] = (worth[parts] + before[parts[::-1]]).max()
    return after


def reaching_level(worth: Table, before: Table, deadline: float) -> Table:
    """Return ``max worth[G] + before[U - G]`` over all G that hold U's lowest task, for all U.

    G may hold tasks outside U. The clock is looked at once, before.

    Raises
    ------
    OutOfTimeError
        When the deadline has passed.
    """
    _check(deadline)
    after = np.full_like(worth, -np.inf)
    num_tasks = _num_tasks(worth)
    if _compiled(worth):
        kernels().reaching_part(worth, before, after, num_tasks)
        return after

    def visit(whole: int, best: Table, leave: int) -> None:
        # best[P]: the best worth of a group that meets `whole` in exactly P.
        if whole:
            others = submasks(whole & (whole - 1))
            after[whole] = (best[1::2] + before[others[::-1]]).max()
        for task in range(leave, num_tasks):
            below = 1 << (whole & ((1 << task) - 1)).bit_count()
            halves = best.reshape(-1, 2, below)
            visit(whole ^ (1 << task), halves.max(axis=1).ravel(), task + 1)

    visit(worth.size - 1, worth, 0)
    return after


def submasks(mask: int) -> NDArray[np.int64]:
    """Return all subsets of a set, ascending; reversed, the complements of each.

    Examples
    --------
    >>> submasks(0b101)
    array([0, 1, 4, 5])
    """
    found = np.zeros(1, dtype=np.int64)
    while mask:
        low = mask & -mask
        found = np.concatenate([found, found | low])
        mask ^= low
    return found


def _num_tasks(table: Table) -> int:
    return table.size.bit_length() - 1


def _compiled(table: Table) -> bool:
    wanted = numba_loaded() or table.size > 1 << _PLAIN_TASKS
    return wanted and accelerated()


@cache
def kernels() -> ModuleType:
    """Load the compiled loops, and numba with them, when they are first used."""
    return import_module("songoku_theory.grouping.kernels")


def _check(deadline: float) -> None:
    if perf_counter() > deadline:
        raise OutOfTimeError


Layer = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]


@lru_cache(maxsize=4)
def _pairs(num_tasks: int, lowest: bool) -> list[Layer]:
    """All sets with their parts, by the size of the set: a set needs only smaller ones."""
    wholes, parts = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for i in range(num_tasks):
        with_task = wholes | 1 << i
        wholes = np.concatenate([wholes, with_task, with_task])
        parts = np.concatenate([parts, parts, parts | 1 << i])
    if lowest:
        kept = (wholes & -wholes & parts) != 0
        wholes, parts = wholes[kept], parts[kept]
    order = np.lexsort((wholes, sizes(num_tasks)[wholes]))
    wholes, parts = wholes[order], parts[order]
    counts = sizes(num_tasks)[wholes]
    found: list[Layer] = []
    for count in range(num_tasks + 1):
        chosen = counts == count
        if chosen.any():
            sets, starts = np.unique(wholes[chosen], return_index=True)
            of_set = parts[chosen]
            found.append((sets, of_set, wholes[chosen] ^ of_set, starts))
    return found
