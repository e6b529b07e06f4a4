"""Everything that the scheduler's next decision depends on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory.conflict import ConflictGraph
from songoku_theory.schedule import Schedule
from songoku_theory.scheduler.config import SchedulerConfig, policy_of

__all__ = ["SchedulerState", "effective_samples", "init"]


@dataclass(frozen=True, slots=True, eq=False)
class SchedulerState:
    """Everything that the next decision depends on.

    Attributes
    ----------
    step : int
        t, the number of steps observed so far.
    round : int
        r, the number of refreshes so far.
    round_start : int
        t_r, first step of the current window.
    pointer : int
        The slot after the last one that ran.
    tau : float
        Threshold of the current graph.
    schedule : Schedule
    colors : ndarray of int, shape (K,), or None
        Of the last refresh; None before the first one.
    graph : ConflictGraph or None
    unmet_coverage : tuple of int
        Tasks whose minimum coverage no compatible slot could give.
    averages : ndarray, shape (K, d), or None
        The raw recursion of eq. 8; None until the first gradient shows d.
    weight_sum, weight_square_sum : ndarray, shape (K,)
        Of the weights that each task's gradients have in `averages`.
    last_updated : ndarray of int, shape (K,)
        Last step at which each task ran and had a sample; -1 if it never did.
    last_turn : ndarray of int, shape (K,)
        Last step at which each task was picked, with or without a sample; -1 if it never was.
    mean_squares : ndarray, shape (K,)
        The recursion of eq. 8 on the gradients' squared norms; kept for the debiased cosine only.
    """

    step: int
    round: int
    round_start: int
    pointer: int
    tau: float
    schedule: Schedule
    colors: NDArray[np.int64] | None
    graph: ConflictGraph | None
    unmet_coverage: tuple[int, ...]
    averages: NDArray[np.float64] | None
    weight_sum: NDArray[np.float64]
    weight_square_sum: NDArray[np.float64]
    last_updated: NDArray[np.int64]
    last_turn: NDArray[np.int64]
    mean_squares: NDArray[np.float64]


def init(config: SchedulerConfig) -> SchedulerState:
    """Return the state before the first step: all tasks in one class (Algorithm 1, lines 2-3).

    Parameters
    ----------
    config : SchedulerConfig

    Returns
    -------
    SchedulerState

    Examples
    --------
    >>> from songoku_theory.scheduler import active
    >>> active(config := SchedulerConfig(num_tasks=3), init(config))
    (0, 1, 2)
    """
    return SchedulerState(
        step=0,
        round=0,
        round_start=0,
        pointer=0,
        tau=1.0,
        schedule=policy_of(config).first_schedule(config.num_tasks),
        colors=None,
        graph=None,
        unmet_coverage=(),
        averages=None,
        weight_sum=np.zeros(config.num_tasks),
        weight_square_sum=np.zeros(config.num_tasks),
        last_updated=np.full(config.num_tasks, -1, dtype=np.int64),
        last_turn=np.full(config.num_tasks, -1, dtype=np.int64),
        mean_squares=np.zeros(config.num_tasks),
    )


def effective_samples(state: SchedulerState) -> NDArray[np.float64]:
    """Return the effective sample size behind each task's average.

    Counts the gradients that the task itself contributed, so it differs from eq. 19 when only
    active tasks are observed.

    Parameters
    ----------
    state : SchedulerState

    Returns
    -------
    ndarray, shape (K,)
        0 for a task without gradients.

    Examples
    --------
    >>> from songoku_theory.scheduler import observe
    >>> config = SchedulerConfig(num_tasks=1, beta=0.5)
    >>> state = observe(config, init(config), {0: [1.0]})
    >>> effective_samples(observe(config, state, {0: [1.0]})).tolist()
    [1.8]
    """
    squares = np.where(state.weight_square_sum > 0, state.weight_square_sum, 1.0)
    return np.asarray(state.weight_sum**2 / squares, dtype=np.float64)
