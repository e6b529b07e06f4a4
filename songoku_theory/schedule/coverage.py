"""Minimum update frequency by duplication into compatible slots (section 4.4.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import check_adjacency
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.schedule.periodic import Schedule

__all__ = ["Coverage", "Eligible", "with_minimum_coverage"]

Eligible = Literal["all", "singletons"]


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """A schedule after duplication, and what could not be reached.

    Attributes
    ----------
    schedule : Schedule
        Still without a conflict inside any slot.
    frequencies : ndarray, shape (K,)
        f_i after duplication, share of the cycle's slots.
    unmet : tuple of int
        Eligible tasks whose f_i is still below f_min: no compatible slot is left for them.
    """

    schedule: Schedule
    frequencies: NDArray[np.float64]
    unmet: tuple[int, ...]


def with_minimum_coverage(
    schedule: Schedule, adjacency: ArrayLike, f_min: float, eligible: Eligible = "all"
) -> Coverage:
    """Duplicate rarely updated tasks into slots where they conflict with nobody.

    Rarest task first (ties by index); each copy goes into the compatible slot that is farthest,
    around the cycle, from the slots that the task already has.

    Parameters
    ----------
    schedule : Schedule
    adjacency : array_like, shape (K, K)
        The conflict graph.
    f_min : float
        Wanted share of the slots, in [0, 1]; 0 changes nothing.
    eligible : {"all", "singletons"}
        ``"all"`` as Algorithm 1 line 25 ("enforce f_i >= f_min"); ``"singletons"`` as section
        4.4.1 ("a singleton class for a rarely updated task"). Under any first-fit colouring,
        Welsh-Powell's too, a task alone in its class conflicts with every other class, so
        ``"singletons"`` changes nothing there (claim COL-4.4.1a).

    Returns
    -------
    Coverage

    Raises
    ------
    InvalidInputError
        When `f_min` is outside [0, 1], the graph has another size, or a slot of the given schedule
        already holds a conflict.
    UnknownNameError
        When `eligible` is neither of the two.

    Source
    ------
    SON-GOKU, section 4.4.1 and Algorithm 1 line 25.

    Differs from
    ------------
    The text asks only that "the active color has no conflict edge to that task". Two tasks copied
    into one slot may conflict with each other; here a copy must also be compatible with the copies
    that are already there.

    Examples
    --------
    >>> from songoku_theory.schedule import periodic_schedule
    >>> star = [[0, 1, 1], [1, 0, 0], [1, 0, 0]]
    >>> three_slots = Schedule(((0,), (1,), (2,)), 3)
    >>> with_minimum_coverage(three_slots, star, f_min=0.5).schedule.slots
    ((0,), (1, 2), (1, 2))
    """
    matrix = check_adjacency(adjacency)
    if not (math.isfinite(f_min) and 0 <= f_min <= 1):
        raise InvalidInputError(
            f"f_min should lie in [0, 1] (a share of the cycle's slots); found {f_min!r}."
        )
    if eligible not in get_args(Eligible):
        raise unknown_name("eligible", str(eligible), get_args(Eligible))
    if matrix.shape[0] != schedule.num_tasks:
        raise InvalidInputError(
            f"the graph has {matrix.shape[0]} tasks, the schedule {schedule.num_tasks}."
        )
    slots = [list(slot) for slot in schedule.slots]
    for index, slot in enumerate(slots):
        if matrix[np.ix_(slot, slot)].any():
            raise InvalidInputError(f"slot {index} of the schedule holds a conflict: {slot}.")

    period = schedule.period
    wanted = math.ceil(f_min * period - 1e-12)  # 0.1 * 30 is 3.0000000000000004
    counts = np.asarray([sum(k in slot for slot in slots) for k in range(schedule.num_tasks)])
    candidates = [
        k
        for k in range(schedule.num_tasks)
        if counts[k] > 0 and (eligible == "all" or (k,) in schedule.slots)
    ]
    unmet: list[int] = []
    for task in sorted(candidates, key=lambda k: (counts[k], k)):
        while counts[task] < wanted:
            held = [s for s in range(period) if task in slots[s]]
            free = [s for s in range(period) if s not in held and not matrix[task, slots[s]].any()]
            if not free:
                unmet.append(task)
                break
            best = max(
                free, key=lambda s: (min(min((s - h) % period, (h - s) % period) for h in held), -s)
            )
            slots[best].append(task)
            counts[task] += 1
    result = Schedule(tuple(tuple(slot) for slot in slots), schedule.num_tasks)
    return Coverage(result, result.frequencies(), tuple(sorted(unmet)))
