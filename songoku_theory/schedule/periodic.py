"""Colour classes as a periodic schedule (eq. 11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from songoku_theory.coloring.adjacency import color_classes
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_num_tasks, check_period

__all__ = [
    "Phase",
    "Schedule",
    "activation_matrix",
    "activation_of_run",
    "active_set",
    "check_phase",
    "periodic_schedule",
    "slot_index",
]

Phase = Literal["global", "restart", "carried"]


def check_phase(phase: str) -> None:
    """Check the name of a phase rule.

    Raises
    ------
    UnknownNameError
        When it is none of ``"global"``, ``"restart"``, ``"carried"``.
    """
    if phase not in get_args(Phase):
        raise unknown_name("phase", str(phase), get_args(Phase))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cycle of slots; slot s lists the tasks that are updated in a step that runs it.

    Attributes
    ----------
    slots : tuple of tuple of int
        At least one; tasks in increasing order. A task may stand in several slots (minimum
        coverage) or in none (left out until the next refresh).
    num_tasks : int
        K.

    Raises
    ------
    InvalidInputError
        When there is no slot, a slot is empty, or a task is out of range or repeated in a slot.
    """

    slots: tuple[tuple[int, ...], ...]
    num_tasks: int

    def __post_init__(self) -> None:
        check_num_tasks(self.num_tasks)
        slots = tuple(tuple(sorted(int(k) for k in slot)) for slot in self.slots)
        if not slots:
            raise InvalidInputError("a schedule should have at least one slot; found none.")
        for index, slot in enumerate(slots):
            if not slot:
                raise InvalidInputError(f"slot {index} of the schedule has no task.")
            if len(set(slot)) != len(slot):
                raise InvalidInputError(f"slot {index} of the schedule repeats a task: {slot}.")
            if slot[0] < 0 or slot[-1] >= self.num_tasks:
                raise InvalidInputError(
                    f"slot {index} of the schedule names a task outside 0..{self.num_tasks - 1}: "
                    f"{slot}."
                )
        object.__setattr__(self, "slots", slots)

    @property
    def period(self) -> int:
        """m, the number of slots in a cycle, in steps."""
        return len(self.slots)

    def frequencies(self) -> NDArray[np.float64]:
        """Return f_i, the share of the cycle's slots that hold task i, shape (K,)."""
        counts = np.zeros(self.num_tasks)
        for slot in self.slots:
            counts[list(slot)] += 1.0
        return counts / self.period


def periodic_schedule(colors: Sequence[int] | NDArray[np.int64]) -> Schedule:
    """Return the schedule that runs colour class c in slot c.

    Parameters
    ----------
    colors : sequence of int, length K
        Colours 0..m-1, all used.

    Returns
    -------
    Schedule

    Raises
    ------
    InvalidInputError
        When the colours have gaps.

    Source
    ------
    SON-GOKU, section 4.4 eq. 11.

    Examples
    --------
    >>> periodic_schedule([0, 1, 0]).slots
    ((0, 2), (1,))
    """
    return Schedule(color_classes(colors), len(colors))


def active_set(schedule: Schedule, t: int, offset: int = 0) -> tuple[int, ...]:
    """Return S_t, the tasks of slot ``(t + offset) mod m``.

    Examples
    --------
    >>> active_set(periodic_schedule([0, 1, 0]), t=3)
    (1,)
    """
    return schedule.slots[(t + offset) % schedule.period]


def slot_index(phase: Phase, step: int, round_start: int, pointer: int, period: int) -> int:
    """Return the slot that a step runs, under each reading of the cycle's phase.

    The paper leaves open what happens to the cycle at a refresh:

    ``"global"``
        ``t mod m`` with the global step t: eq. 11 and Algorithm 1 line 6 to the letter. While m
        does not change the cycle goes on across refreshes; when it does, the cycle jumps.
    ``"restart"``
        ``(t - t_r) mod m``: every window begins with the first class. With ``R < m`` and an
        unchanged graph the last classes are never reached.
    ``"carried"``
        The next slot after the last one that ran, modulo the new m: like ``"global"`` while m
        does not change, and without its jump.

    Parameters
    ----------
    phase : {"global", "restart", "carried"}
    step : int
        t, the global step, from 0.
    round_start : int
        t_r, the first step of the current window.
    pointer : int
        The slot after the last one that ran; used by ``"carried"`` only.
    period : int
        m of the current schedule.

    Returns
    -------
    int
        In 0..period-1.

    Raises
    ------
    UnknownNameError
        When `phase` is none of the three.

    Examples
    --------
    >>> [slot_index(p, step=7, round_start=5, pointer=1, period=3)
    ...  for p in ("global", "restart", "carried")]
    [1, 2, 1]
    """
    check_phase(phase)
    if phase == "global":
        return step % period
    if phase == "restart":
        return (step - round_start) % period
    return pointer % period


def activation_matrix(
    schedule: Schedule, steps: int, start: int = 0, offset: int = 0
) -> NDArray[np.bool_]:
    """Return which tasks a schedule updates at each step.

    Parameters
    ----------
    schedule : Schedule
    steps : int
        T >= 1.
    start : int, default 0
        Global step of the first row.
    offset : int, default 0
        Added to the global step.

    Returns
    -------
    ndarray of bool, shape (T, K)

    Raises
    ------
    InvalidInputError
        When `steps` is below 1.

    Examples
    --------
    >>> activation_matrix(periodic_schedule([0, 1]), steps=3).tolist()
    [[True, False], [False, True], [True, False]]
    """
    check_period(steps, "steps")
    slots = np.zeros((schedule.period, schedule.num_tasks), dtype=np.bool_)
    for index, slot in enumerate(schedule.slots):
        slots[index, list(slot)] = True
    return slots[(start + offset + np.arange(steps)) % schedule.period]


def activation_of_run(
    schedules: Iterable[Schedule], refresh_period: int, phase: Phase = "global"
) -> NDArray[np.bool_]:
    """Return which tasks are updated over several windows of R steps, one schedule a window.

    Parameters
    ----------
    schedules : iterable of Schedule
        All over the same tasks.
    refresh_period : int
        R >= 1, in steps.
    phase : {"global", "restart", "carried"}
        See :func:`slot_index`.

    Returns
    -------
    ndarray of bool, shape (R * number of schedules, K)

    Raises
    ------
    InvalidInputError
        When there is no schedule, R is below 1, or the schedules differ in K.

    Examples
    --------
    >>> three = periodic_schedule([0, 1, 2])
    >>> activation_of_run([three, three], refresh_period=2, phase="restart").any(axis=0).tolist()
    [True, True, False]
    """
    check_period(refresh_period)
    check_phase(phase)
    windows = tuple(schedules)
    if not windows or len({s.num_tasks for s in windows}) != 1:
        raise InvalidInputError(
            "expected at least one schedule, all over the same tasks; found "
            f"{[s.num_tasks for s in windows]} tasks."
        )
    active = np.zeros((refresh_period * len(windows), windows[0].num_tasks), dtype=np.bool_)
    pointer = 0
    for t in range(active.shape[0]):
        schedule = windows[t // refresh_period]
        start = t - t % refresh_period
        slot = slot_index(phase, t, start, pointer, schedule.period)
        active[t, list(schedule.slots[slot])] = True
        pointer = (slot + 1) % schedule.period
    return active
