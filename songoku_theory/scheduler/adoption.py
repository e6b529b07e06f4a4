"""From a conflict graph to the next round's schedule (lines 24 to 26)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from songoku_theory.coloring import color
from songoku_theory.conflict import ConflictGraph
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule import Schedule, periodic_schedule, with_minimum_coverage
from songoku_theory.scheduler.config import SchedulerConfig, policy_of
from songoku_theory.scheduler.state import SchedulerState

__all__ = ["adopt_graph", "adopt_schedule"]


def adopt_graph(
    config: SchedulerConfig, state: SchedulerState, graph: ConflictGraph
) -> SchedulerState:
    """Colour a graph and start a new round with its schedule (lines 24-26).

    Split from :func:`refresh` so that a graph measured elsewhere, on a GPU say, leads to the same
    decisions.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    graph : ConflictGraph
        Over the same tasks.

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        When the graph has another number of tasks, every task is excluded and skipped, or R < m
        and ``short_window="error"``.
    """
    if graph.num_tasks != config.num_tasks:
        raise InvalidInputError(
            f"the graph has {graph.num_tasks} tasks, the scheduler {config.num_tasks}."
        )
    colors, colored = _schedule_of(config, graph)
    schedule = policy_of(config).schedule(colored, config.num_tasks, state.round + 1)
    unmet: tuple[int, ...] = ()
    if config.min_coverage > 0:
        coverage = with_minimum_coverage(
            schedule, graph.adjacency, config.min_coverage, config.coverage_eligible
        )
        schedule, unmet = coverage.schedule, coverage.unmet
    if config.short_window == "error" and schedule.period > config.refresh_period:
        raise InvalidInputError(
            f"the schedule has {schedule.period} slots but refresh_period is "
            f"{config.refresh_period}, so some tasks would not be updated in this window "
            f"(short_window='error'). Raise refresh_period or choose short_window='extend'."
        )
    return replace(
        _open_round(state, schedule),
        tau=graph.tau,
        colors=colors,
        graph=graph,
        unmet_coverage=unmet,
    )


def adopt_schedule(config: SchedulerConfig, state: SchedulerState) -> SchedulerState:
    """Start a new round with the next schedule of a policy that needs no graph.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        When the policy does need a graph.
    """
    schedule = policy_of(config).schedule(None, config.num_tasks, state.round + 1)
    return _open_round(state, schedule)


def _open_round(state: SchedulerState, schedule: Schedule) -> SchedulerState:
    """Line 26, with the slots of the new window."""
    return replace(
        state,
        round=state.round + 1,
        round_start=state.step,
        pointer=state.pointer % schedule.period,
        schedule=schedule,
    )


def _schedule_of(
    config: SchedulerConfig, graph: ConflictGraph
) -> tuple[NDArray[np.int64], Schedule]:
    """Colours and slots of a graph, with the excluded tasks where the option puts them."""
    left_out = np.flatnonzero(~graph.included)
    if left_out.size == 0 or config.excluded == "first_class":
        colors = color(graph.adjacency, config.heuristic)
        return colors, periodic_schedule(colors)
    kept = np.flatnonzero(graph.included)
    colors = np.full(graph.num_tasks, -1, dtype=np.int64)
    if kept.size:
        colors[kept] = color(graph.adjacency[np.ix_(kept, kept)], config.heuristic)
    if config.excluded == "own_class":
        colors[left_out] = colors.max() + 1
        return colors, periodic_schedule(colors)
    if not kept.size:
        raise InvalidInputError(
            f"all {graph.num_tasks} tasks have a smoothed norm of zero or below norm_floor = "
            f"{config.norm_floor}, and excluded='skip' leaves none to run. Lower norm_floor or "
            f"choose excluded='first_class'."
        )
    slots = tuple(
        tuple(int(k) for k in np.flatnonzero(colors == c)) for c in range(int(colors.max()) + 1)
    )
    return colors, Schedule(slots, graph.num_tasks)
