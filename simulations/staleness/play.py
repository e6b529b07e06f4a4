"""One run of a policy, step by step, with a new conflict graph at each refresh.

No gradient is simulated: a graph is handed over at each refresh, as if the estimate were it. The
policies are the shipped ones, asked for their groups at every step, and tests hold these runs to
those of ``songoku_theory.scheduler``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songoku_theory.coloring import color
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule import Phase, periodic_schedule, slot_index
from songoku_theory.schedule.policies import Policy, Situation, SlotPolicy

__all__ = ["Graph", "History", "NextGraph", "Window", "first_turn", "open_window", "play"]

Graph = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The steps under one schedule.

    Attributes
    ----------
    start, stop : int
        First step, and the one after the last.
    situation : Situation
        As its first step found it.
    """

    start: int
    stop: int
    situation: Situation

    @property
    def num_classes(self) -> int:
        """m."""
        return self.situation.schedule.period

    @property
    def max_degree(self) -> int:
        """Delta of the graph; 0 while there is none."""
        return int(self.situation.neighbours().sum(axis=1).max())


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """A run: who had a turn at each step, shape (T, K), and the windows, the warm-up first."""

    active: NDArray[np.bool_]
    windows: tuple[Window, ...]


NextGraph = Callable[[Situation, Callable[[Graph], Situation]], Graph]
"""Chooses the graph of a refresh, from where the run stands and what each graph would lead to."""


def open_window(policy: Policy, before: Situation, graph: Graph, round_: int) -> Situation:
    """Return the situation of a window's first step.

    Parameters
    ----------
    policy : Policy
    before : Situation
        Of the step at which the refresh takes place, still with the old schedule.
    graph : ndarray of bool, shape (K, K)
    round_ : int
        r, from 1.
    """
    colored = periodic_schedule(color(graph, "welsh_powell")) if policy.needs_graph else None
    schedule = policy.schedule(colored, before.num_tasks, round_)
    return replace(
        before,
        round_start=before.step,
        pointer=before.pointer % schedule.period,
        schedule=schedule,
        adjacency=graph if policy.needs_graph else None,
    )


def _advanced(policy: Policy, now: Situation) -> tuple[tuple[int, ...], Situation]:
    """Return who runs at a step, and the situation after it."""
    groups = policy.groups(now)
    ran = groups[0] if len(groups) == 1 else tuple(k for group in groups for k in group)
    turns = now.last_turn.copy()
    turns[list(ran)] = now.step
    slot = slot_index(now.phase, now.step, now.round_start, now.pointer, now.schedule.period)
    # Not `replace`, which is slower than everything else here together.
    return ran, Situation(
        now.step + 1,
        now.round_start,
        (slot + 1) % now.schedule.period,
        now.phase,
        now.schedule,
        now.adjacency,
        now.runnable,
        turns,
        now.window,
    )


def first_turn(policy: Policy, opened: Situation, task: int, limit: int) -> int:
    """Return how many steps of a window pass before a task's first turn; `limit` if all do.

    Examples
    --------
    >>> from songoku_theory.schedule.policies import get_policy
    >>> three = periodic_schedule([0, 1, 2])
    >>> everyone, turns = np.ones(3, dtype=bool), np.zeros(3, dtype=np.int64)
    >>> start = Situation(3, 3, 0, "global", three, None, everyone, turns, 8)
    >>> first_turn(get_policy("cycle"), start, task=2, limit=8)
    2
    """
    if isinstance(policy, SlotPolicy):
        period = opened.schedule.period
        first = slot_index(opened.phase, opened.step, opened.round_start, opened.pointer, period)
        waits = [
            (slot - first) % period
            for slot, tasks in enumerate(opened.schedule.slots)
            if task in tasks
        ]
        return min([*waits, limit])
    now = opened
    for waited in range(limit):
        ran, now = _advanced(policy, now)
        if task in ran:
            return waited
    return limit


def play(
    policy: Policy,
    next_graph: NextGraph,
    *,
    num_tasks: int,
    refresh_period: int,
    rounds: int,
    phase: Phase = "global",
    extend: bool = False,
) -> History:
    """Run a policy from the warm-up on, through `rounds` refreshes.

    Parameters
    ----------
    policy : Policy
    next_graph : callable
        Asked at each refresh for the new conflict graph.
    num_tasks, refresh_period : int
        K and R.
    rounds : int
        Windows after the warm-up, >= 1. A policy that refreshes once or never runs as many steps
        in one window.
    phase : {"global", "restart", "carried"}
    extend : bool
        A window lasts until every slot has run (``short_window="extend"``).

    Returns
    -------
    History

    Raises
    ------
    InvalidInputError
        When a number is out of range.
    """
    if rounds < 1 or refresh_period < 1:
        raise InvalidInputError(
            f"rounds and refresh_period should be at least 1; found {rounds}, {refresh_period}."
        )
    policy.check(num_tasks, refresh_period)
    now = _first(policy, num_tasks, refresh_period, phase)
    rows: list[tuple[int, ...]] = []
    windows: list[Window] = []
    left = rounds + 1
    round_ = 0
    while left > 0:
        fixed = policy.refreshes == "never" or (policy.refreshes == "once" and round_ > 0)
        length = refresh_period
        if extend and not fixed:
            length = max(refresh_period, now.schedule.period)
        if fixed:
            length, left = refresh_period * left, 1
        opened = replace(now, window=max(refresh_period, now.schedule.period if extend else 1))
        now = opened
        for _ in range(length):
            ran, now = _advanced(policy, now)
            rows.append(ran)
        windows.append(Window(opened.step, now.step, opened))
        left -= 1
        if left > 0:
            round_ += 1
            now = _refreshed(policy, next_graph, now, round_)
    active = np.zeros((len(rows), num_tasks), dtype=np.bool_)
    for step, ran in enumerate(rows):
        active[step, list(ran)] = True
    return History(active, tuple(windows))


def _first(policy: Policy, num_tasks: int, refresh_period: int, phase: Phase) -> Situation:
    return Situation(
        step=0,
        round_start=0,
        pointer=0,
        phase=phase if "phase" in policy.options else "global",
        schedule=policy.first_schedule(num_tasks),
        adjacency=None,
        runnable=np.ones(num_tasks, dtype=np.bool_),
        last_turn=np.full(num_tasks, -1, dtype=np.int64),
        window=refresh_period,
    )


def _refreshed(policy: Policy, next_graph: NextGraph, before: Situation, round_: int) -> Situation:
    def opens(graph: Graph) -> Situation:
        return open_window(policy, before, graph, round_)

    return opens(next_graph(before, opens))
