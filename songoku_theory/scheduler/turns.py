"""Who runs at a step, who is observed, and how long a task can wait (lines 5 and 6)."""

from __future__ import annotations

import numpy as np

from songoku_theory.schedule.policies import Groups, Situation
from songoku_theory.scheduler.config import SchedulerConfig, policy_of
from songoku_theory.scheduler.state import SchedulerState

__all__ = [
    "active",
    "groups",
    "guaranteed_gap",
    "needs_averages",
    "needs_gradients",
    "observed_tasks",
    "situation",
]


def active(config: SchedulerConfig, state: SchedulerState) -> tuple[int, ...]:
    """Return S_t, the tasks to update at this step (Algorithm 1 line 6, eq. 11).

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    tuple of int
        In increasing order, never empty. All groups together where the policy runs several.
    """
    ran = groups(config, state)
    return ran[0] if len(ran) == 1 else tuple(sorted(k for group in ran for k in group))


def groups(config: SchedulerConfig, state: SchedulerState) -> Groups:
    """Return the groups to update at this step, one after the other; nearly always just one.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    tuple of tuple of int

    Examples
    --------
    >>> from songoku_theory.scheduler import init
    >>> groups(config := SchedulerConfig(num_tasks=3), init(config))
    ((0, 1, 2),)
    """
    return policy_of(config).groups(situation(config, state))


def situation(config: SchedulerConfig, state: SchedulerState) -> Situation:
    """Return what the policy may look at.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    Situation
    """
    adjacency = None if state.graph is None else state.graph.adjacency
    runnable = np.ones(config.num_tasks, dtype=np.bool_)
    if state.graph is not None and not state.graph.included.all():
        included = state.graph.included
        if config.excluded == "skip":
            runnable = included
        elif config.excluded == "own_class":
            # Tasks without a direction run together, and with nobody else.
            adjacency = state.graph.adjacency | (included[:, None] != included[None, :])
    extend = config.short_window == "extend"
    return Situation(
        step=state.step,
        round_start=state.round_start,
        pointer=state.pointer,
        phase=config.phase,
        schedule=state.schedule,
        adjacency=adjacency,
        runnable=runnable,
        last_turn=state.last_turn,
        window=max(config.refresh_period, state.schedule.period if extend else 1),
    )


def guaranteed_gap(config: SchedulerConfig) -> float:
    """Return a bound on every gap of every run with these settings, in steps.

    Parameters
    ----------
    config : SchedulerConfig

    Returns
    -------
    float
        ``inf`` where the settings promise nothing, so that a task may starve.

    Examples
    --------
    >>> guaranteed_gap(SchedulerConfig(num_tasks=5, refresh_period=32))
    9.0
    >>> guaranteed_gap(SchedulerConfig(num_tasks=5, refresh_period=4))
    inf
    >>> guaranteed_gap(SchedulerConfig(num_tasks=5, refresh_period=4, policy="oldest_first"))
    5.0
    """
    policy = policy_of(config)
    if config.excluded == "skip" and policy.needs_graph:
        return float("inf")
    reaches_all = config.short_window in ("extend", "error")
    window = max(config.refresh_period, config.num_tasks if reaches_all else 1)
    return policy.gap_always(config.num_tasks, window)


def needs_gradients(config: SchedulerConfig, state: SchedulerState) -> bool:
    """Say whether gradients observed from now on can still change a decision.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    bool
        False where only probes are observed, for a policy without a graph, and once a policy that
        colours once has done so.
    """
    return config.observe_tasks != "none" and needs_averages(config, state)


def needs_averages(config: SchedulerConfig, state: SchedulerState) -> bool:
    """Say whether a refresh to come reads the averages.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    bool
        False for a policy without a graph, and once a policy that colours once has done so.
    """
    policy = policy_of(config)
    return policy.needs_graph and not (policy.refreshes == "once" and state.round > 0)


def observed_tasks(config: SchedulerConfig, state: SchedulerState) -> tuple[int, ...]:
    """Return the tasks whose gradients :func:`observe` expects at this step.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    tuple of int
        In increasing order; empty where no gradient is needed.
    """
    if not needs_gradients(config, state):
        return ()
    if config.observe_tasks == "all":
        return tuple(range(config.num_tasks))
    return active(config, state)
