"""How long a task waits: gaps within a window and across a refresh.

A *gap* is the number of steps from one update of a task to its next, so a task that is updated at
every step has gap 1. The paper's "delay" or "staleness" counts the steps in between: gap - 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule.periodic import Phase, Schedule, check_phase

__all__ = ["GapReport", "gap_across", "update_gaps", "worst_gap_across", "worst_gap_within"]


@dataclass(frozen=True, slots=True, eq=False)
class GapReport:
    """Observed gaps of a run of T steps, in steps.

    Attributes
    ----------
    gaps : tuple of tuple of int
        For each task, the gaps between consecutive updates, in order.
    counts : ndarray of int, shape (K,)
        Number of updates.
    first_wait : ndarray of int, shape (K,)
        Steps before the first update; T for a task that is never updated.
    last_wait : ndarray of int, shape (K,)
        Steps after the last update; T for a task that is never updated.
    max_gap : ndarray of int, shape (K,)
        Largest gap; 0 for a task with fewer than two updates.
    longest_wait : ndarray of int, shape (K,)
        The longest run of steps without an update, the run's two ends included.
    """

    gaps: tuple[tuple[int, ...], ...]
    counts: NDArray[np.int64]
    first_wait: NDArray[np.int64]
    last_wait: NDArray[np.int64]
    max_gap: NDArray[np.int64]
    longest_wait: NDArray[np.int64]

    @property
    def starved(self) -> tuple[int, ...]:
        """Tasks that were never updated."""
        return tuple(int(k) for k in np.flatnonzero(self.counts == 0))


def update_gaps(active: ArrayLike) -> GapReport:
    """Measure the gaps of a run.

    Parameters
    ----------
    active : array_like of bool, shape (T, K)
        Row t says which tasks are updated at step t.

    Returns
    -------
    GapReport

    Raises
    ------
    InvalidInputError
        When the shape is wrong, there is no step or no task, or an entry is not boolean.

    Examples
    --------
    >>> report = update_gaps([[1, 0], [0, 1], [0, 0], [1, 0]])
    >>> report.gaps, report.longest_wait.tolist(), report.starved
    (((3,), ()), [2, 2], ())
    """
    matrix = np.asarray(active)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InvalidInputError(
            f"active should have shape (T, K) with T, K >= 1; found {matrix.shape}."
        )
    if matrix.dtype != np.bool_:
        if matrix.dtype.kind not in "iu" or not np.isin(matrix, (0, 1)).all():
            raise InvalidInputError("active should hold booleans (or 0 and 1) only.")
        matrix = matrix.astype(np.bool_)
    steps, num_tasks = matrix.shape
    gaps: list[tuple[int, ...]] = []
    first, last, largest, longest = (np.zeros(num_tasks, dtype=np.int64) for _ in range(4))
    for task in range(num_tasks):
        times = np.flatnonzero(matrix[:, task])
        between = np.diff(times)
        gaps.append(tuple(int(g) for g in between))
        first[task] = times[0] if times.size else steps
        last[task] = steps - 1 - times[-1] if times.size else steps
        largest[task] = between.max() if between.size else 0
        longest[task] = max(int(first[task]), int(last[task]), int(largest[task]) - 1)
    counts = matrix.sum(axis=0).astype(np.int64)
    return GapReport(tuple(gaps), counts, first, last, largest, longest)


def _occurrences(schedule: Schedule) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(schedule.num_tasks)]
    for index, slot in enumerate(schedule.slots):
        for task in slot:
            found[task].append(index)
    return found


def _check_all_scheduled(schedule: Schedule, which: str) -> list[list[int]]:
    found = _occurrences(schedule)
    missing = [k for k, slots in enumerate(found) if not slots]
    if missing:
        raise InvalidInputError(
            f"task {missing[0]} stands in no slot of {which}, so its gap has no bound."
        )
    return found


def worst_gap_within(schedule: Schedule) -> NDArray[np.int64]:
    """Return the largest gap of each task while one schedule cycles unchanged.

    Parameters
    ----------
    schedule : Schedule
        Every task stands in at least one slot.

    Returns
    -------
    ndarray of int, shape (K,)
        In steps; m for a task that stands in one slot.

    Raises
    ------
    InvalidInputError
        When a task stands in no slot.

    Source
    ------
    SON-GOKU, Proposition 8 (its delay is this minus 1).

    Examples
    --------
    >>> worst_gap_within(Schedule(((0, 1), (1,), (2,)), 3)).tolist()
    [3, 2, 3]
    """
    period = schedule.period
    return np.asarray(
        [
            max(
                (after - before - 1) % period + 1
                for before, after in zip(s, s[1:] + s[:1], strict=True)
            )
            for s in _check_all_scheduled(schedule, "the schedule")
        ],
        dtype=np.int64,
    )


def gap_across(old: Schedule, new: Schedule, last_slot: int, first_slot: int) -> NDArray[np.int64]:
    """Return the gap of each task over one refresh.

    Parameters
    ----------
    old, new : Schedule
        Before and after the refresh, over the same tasks. Both windows are taken to be long
        enough that the task is reached (R >= m in each).
    last_slot : int
        Slot of `old` that ran in the last step before the refresh.
    first_slot : int
        Slot of `new` that runs in the first step after it.

    Returns
    -------
    ndarray of int, shape (K,)
        Steps from the last update before the refresh to the first one after it; at most
        ``m_old + m_new - 1``.

    Raises
    ------
    InvalidInputError
        When the schedules differ in K, a slot is out of range, or a task stands in no slot.

    Examples
    --------
    >>> old, new = Schedule(((0,), (1,)), 2), Schedule(((1,), (0,)), 2)
    >>> gap_across(old, new, last_slot=1, first_slot=0).tolist()
    [3, 1]
    """
    if old.num_tasks != new.num_tasks:
        raise InvalidInputError(
            f"the schedules should be over the same tasks; found {old.num_tasks} and "
            f"{new.num_tasks}."
        )
    for name, slot, period in (
        ("last_slot", last_slot, old.period),
        ("first_slot", first_slot, new.period),
    ):
        if not 0 <= slot < period:
            raise InvalidInputError(f"{name} should lie in 0..{period - 1}; found {slot}.")
    before = _check_all_scheduled(old, "the old schedule")
    after = _check_all_scheduled(new, "the new schedule")
    return np.asarray(
        [
            min((last_slot - s) % old.period for s in before[k])
            + 1
            + min((s - first_slot) % new.period for s in after[k])
            for k in range(old.num_tasks)
        ],
        dtype=np.int64,
    )


def worst_gap_across(old: Schedule, new: Schedule, phase: Phase = "global") -> NDArray[np.int64]:
    """Return the largest gap of each task over one refresh, whatever slot ran last.

    Parameters
    ----------
    old, new : Schedule
        As in :func:`gap_across`.
    phase : {"global", "restart", "carried"}
        Where the new cycle begins: at slot 0 (``"restart"``), after the slot that ran last
        (``"carried"``), or anywhere (``"global"``: it depends on the step).

    Returns
    -------
    ndarray of int, shape (K,)
        At most ``m_old + m_new - 1``.

    Raises
    ------
    InvalidInputError
        As in :func:`gap_across`.

    Examples
    --------
    >>> same = Schedule(((0,), (1,), (2,)), 3)
    >>> worst_gap_across(same, same, phase="carried").tolist()
    [3, 3, 3]
    >>> worst_gap_across(same, same, phase="restart").tolist()
    [3, 4, 5]
    """
    check_phase(phase)
    worst = np.zeros(old.num_tasks, dtype=np.int64)
    for last in range(old.period):
        if phase == "restart":
            starts = [0]
        elif phase == "carried":
            starts = [(last + 1) % old.period % new.period]
        else:
            starts = list(range(new.period))
        for first in starts:
            worst = np.maximum(worst, gap_across(old, new, last, first))
    return worst
