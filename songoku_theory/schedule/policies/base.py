"""What a schedule policy is: who runs at a step, and how long a task can then wait.

A policy is a frozen value without state. It looks at a :class:`Situation` and answers; the state
that its answers depend on (the step, the last turns, the graph) is the scheduler's. So a policy is
pure, and one run of it can be replayed from its situations alone.

A *turn* of a task is a step at which the policy picks it. Guarantees count turns: a task that is
picked when its batch has no sample has had its turn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule.periodic import Phase, Schedule
from songoku_theory.schedule.staleness import worst_gap_within

__all__ = ["Groups", "Policy", "Refreshes", "Situation", "gap_of_slots"]

Groups = tuple[tuple[int, ...], ...]
Refreshes = Literal["periodic", "once", "never"]


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """All that a policy may look at.

    Attributes
    ----------
    step : int
        t.
    round_start : int
        t_r, the first step of the current window.
    pointer : int
        The slot after the last one that ran.
    phase : {"global", "restart", "carried"}
        The configured reading of the cycle's phase.
    schedule : Schedule
        The slots of the current window.
    adjacency : ndarray of bool, shape (K, K), or None
        Who may not run together; None while there is no graph.
    runnable : ndarray of bool, shape (K,)
        False for a task that is left out until a later refresh.
    last_turn : ndarray of int, shape (K,)
        Last step at which each task was picked; -1 if it never was.
    window : int
        The number of steps that this window has at least.
    """

    step: int
    round_start: int
    pointer: int
    phase: Phase
    schedule: Schedule
    adjacency: NDArray[np.bool_] | None
    runnable: NDArray[np.bool_]
    last_turn: NDArray[np.int64]
    window: int

    @property
    def num_tasks(self) -> int:
        """K."""
        return self.schedule.num_tasks

    def neighbours(self) -> NDArray[np.bool_]:
        """Return the conflicts as a matrix, with no conflict at all while there is no graph."""
        if self.adjacency is None:
            return np.zeros((self.num_tasks, self.num_tasks), dtype=np.bool_)
        return self.adjacency


class Policy(ABC):
    """A rule for who runs at each step. Subclasses are frozen dataclasses.

    Attributes
    ----------
    name : str
        What a configuration calls it.
    promise : str
        Its staleness guarantee in words; the ``gap_...`` methods give it in numbers.
    refreshes : {"periodic", "once", "never"}
        Whether the schedule is made anew every R steps, once, or never.
    options : frozenset of str
        The configuration's options among ``phase``, ``short_window`` and ``min_coverage`` that
        have a meaning for this policy. The others are refused rather than ignored.
    """

    __slots__ = ()

    name: ClassVar[str]
    promise: ClassVar[str]
    refreshes: ClassVar[Refreshes] = "periodic"
    options: ClassVar[frozenset[str]] = frozenset()

    @property
    def needs_graph(self) -> bool:
        """Whether gradients are observed and compared at all."""
        return True

    def check(self, num_tasks: int, refresh_period: int) -> None:  # noqa: B027 - most need none
        """Refuse a number of tasks or a refresh period that the policy can't work with.

        Parameters
        ----------
        num_tasks : int
        refresh_period : int

        Raises
        ------
        InvalidInputError
            When it can't.
        """

    def beta(self, configured: float) -> float:
        """Return the EMA parameter that the policy uses."""
        return configured

    def first_schedule(self, num_tasks: int) -> Schedule:
        """Return the slots before the first refresh: all tasks in one (Algorithm 1, line 3)."""
        return Schedule((tuple(range(num_tasks)),), num_tasks)

    def schedule(self, colored: Schedule | None, num_tasks: int, round: int) -> Schedule:
        """Return the slots of a new window.

        Parameters
        ----------
        colored : Schedule or None
            The colour classes of the new graph; None where the policy needs no graph.
        num_tasks : int
        round : int
            r of the window that begins, from 1.

        Returns
        -------
        Schedule
        """
        if colored is None:
            raise InvalidInputError(f"policy {self.name!r} needs the classes of a conflict graph.")
        return colored

    @abstractmethod
    def groups(self, situation: Situation) -> Groups:
        """Return who runs at this step: groups to update one after the other, usually one.

        Parameters
        ----------
        situation : Situation

        Returns
        -------
        tuple of tuple of int
            Not empty, nor any group empty; tasks in increasing order, each in one group at most.
        """

    @abstractmethod
    def gap_within(self, situation: Situation) -> NDArray[np.float64]:
        """Return a bound on each task's gap while the window lasts, shape (K,), in steps.

        ``inf`` where nothing is promised.
        """

    @abstractmethod
    def gap_across(self, old: Situation, new: Situation) -> NDArray[np.float64]:
        """Return a bound on each task's gap over the refresh between two windows, shape (K,)."""

    @abstractmethod
    def gap_always(self, num_tasks: int, window: int) -> float:
        """Return a bound on every gap, whatever graphs are to come; ``inf`` if there is none.

        Parameters
        ----------
        num_tasks : int
        window : int
            The number of steps that every window has at least.

        Returns
        -------
        float
        """


def gap_of_slots(schedule: Schedule) -> NDArray[np.float64]:
    """Return each task's largest gap while slots cycle; ``inf`` for a task in none of them.

    Examples
    --------
    >>> gap_of_slots(Schedule(((0, 1), (1,)), 3))
    array([ 2.,  1., inf])
    """
    present = schedule.frequencies() > 0
    gaps = np.full(schedule.num_tasks, np.inf)
    if present.all():
        return worst_gap_within(schedule).astype(np.float64)
    # The tasks that stand in no slot take a place of their own, only to satisfy the check.
    kept = np.flatnonzero(present)
    rank = {int(task): position for position, task in enumerate(kept)}
    slots = tuple(tuple(rank[k] for k in slot) for slot in schedule.slots)
    gaps[kept] = worst_gap_within(Schedule(slots, len(kept)))
    return gaps
