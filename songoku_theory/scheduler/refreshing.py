"""When to refresh, and the refresh itself (lines 20 to 26)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.annealing import tau_at
from songoku_theory.conflict import ConflictGraph, conflict_graph, conflict_graph_from_gram
from songoku_theory.ema import mean_noise_energy
from songoku_theory.errors import InvalidInputError
from songoku_theory.linalg import gram
from songoku_theory.scheduler.adoption import adopt_graph, adopt_schedule
from songoku_theory.scheduler.config import SchedulerConfig, policy_of
from songoku_theory.scheduler.observation import (
    clear_averages,
    move_averages,
    observe,
    smoothed_gradients,
)
from songoku_theory.scheduler.state import SchedulerState
from songoku_theory.validation import check_gradients

__all__ = ["debiased_squares", "needs_probe", "needs_refresh", "refresh", "step", "threshold"]


def needs_refresh(config: SchedulerConfig, state: SchedulerState) -> bool:
    """Say whether a refresh is due before the next step (line 20).

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    bool
    """
    return _due(config, state.step, state.round_start, state.schedule.period)


def needs_probe(config: SchedulerConfig, state: SchedulerState) -> bool:
    """Say whether the step about to run ends with a refresh that takes a probe (line 21).

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    bool
    """
    return config.probe == "required" and _due(
        config, state.step + 1, state.round_start, state.schedule.period
    )


def _due(config: SchedulerConfig, completed: int, round_start: int, period: int) -> bool:
    """Is a refresh due once `completed` steps have run?"""
    refreshes = policy_of(config).refreshes
    if refreshes == "never" or (refreshes == "once" and round_start > 0):
        return False
    if refreshes == "once" and config.anneal is not None:
        settled = tau_at(max(completed - 1, 0), config.anneal) == config.anneal.tau_target
        if not settled:  # the warm-up's empty graph is not the one to keep
            return False
    if config.short_window == "extend":
        return completed - round_start >= max(config.refresh_period, period)
    return completed > round_start and completed % config.refresh_period == 0


def refresh(
    config: SchedulerConfig, state: SchedulerState, probe: ArrayLike | None = None
) -> SchedulerState:
    """Rebuild the conflict graph, the colouring and the schedule (lines 20-26).

    A policy without a graph only makes its next schedule.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    probe : array_like, shape (K, d), optional
        One fresh gradient of every task; required or refused by ``config.probe``.

    Returns
    -------
    SchedulerState
        With the buffers cleared if ``config.ema_at_refresh == "reset"``.

    Raises
    ------
    InvalidInputError
        When the probe is missing, unwanted or not finite; when every task is left out and
        ``excluded="skip"``; or when R < m and ``short_window="error"``.

    Notes
    -----
    A task without a gradient so far has an average of zero, so no direction: it is left out of the
    graph, and ``config.excluded`` says when it runs. So it is with all tasks when no gradient was
    ever observed (no batch had a sample, say): the refresh finds no conflict, and goes on.
    """
    if not policy_of(config).needs_graph:
        return adopt_schedule(config, _take_probe(config, state, probe))
    probed = _take_probe(config, state, probe)
    adopted = adopt_graph(config, probed, _measure_graph(config, probed))
    return clear_averages(adopted) if config.ema_at_refresh == "reset" else adopted


def threshold(config: SchedulerConfig, state: SchedulerState) -> float:
    """Return the tau that a refresh before the next step uses.

    Line 5 sets tau at the last step that ran; line 22 uses it.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    float
    """
    return config.tau if config.anneal is None else tau_at(max(state.step - 1, 0), config.anneal)


def _measure_graph(config: SchedulerConfig, state: SchedulerState) -> ConflictGraph:
    """Lines 22-23, from the averages in the state."""
    tau = threshold(config, state)
    if state.averages is None:
        tasks = config.num_tasks
        nobody = np.zeros(tasks, dtype=np.bool_)
        return ConflictGraph(np.zeros((tasks, tasks), dtype=np.bool_), nobody, tau)
    smoothed = smoothed_gradients(config, state)
    if config.cosine == "plain":
        return conflict_graph(smoothed, tau, config.norm_floor)
    products = gram(smoothed)
    np.fill_diagonal(products, debiased_squares(config, state, np.diag(products)))
    return conflict_graph_from_gram(products, tau, config.norm_floor)


def debiased_squares(
    config: SchedulerConfig, state: SchedulerState, squares: ArrayLike
) -> NDArray[np.float64]:
    """Return the squared norms of the smoothed gradients without the noise that they keep.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
        Whose weights and mean squares are used.
    squares : array_like, shape (K,)
        Squared norms of the smoothed gradients, in the configured convention.

    Returns
    -------
    ndarray, shape (K,)
        Not below 0.
    """
    measured = np.asarray(squares, dtype=np.float64)
    total = np.where(state.weight_sum > 0, state.weight_sum, 1.0)
    scale = total**2 if config.ema == "carried" else np.ones(config.num_tasks)
    noise = mean_noise_energy(
        state.mean_squares / total,
        measured / scale,
        np.where(state.weight_sum > 0, state.weight_square_sum / total**2, 1.0),
    )
    return np.maximum(measured - scale * noise, 0.0)


def _take_probe(
    config: SchedulerConfig, state: SchedulerState, probe: ArrayLike | None
) -> SchedulerState:
    if probe is None:
        if config.probe == "required":
            raise InvalidInputError(
                "probe='required' but refresh got no probe; pass one gradient of every task, "
                "shape (K, d), or set probe='none'."
            )
        return state
    if config.probe == "none":
        raise InvalidInputError(
            "probe='none' but refresh got a probe; set probe='required' to use it."
        )
    matrix = check_gradients(probe, state.step)
    expected = None if state.averages is None else state.averages.shape
    if matrix.shape[0] != config.num_tasks or (expected and matrix.shape != expected):
        raise InvalidInputError(
            f"the probe should have shape {expected or (config.num_tasks, 'd')}; found "
            f"{matrix.shape}."
        )
    return move_averages(config, state, dict(enumerate(matrix)))


def step(
    config: SchedulerConfig,
    state: SchedulerState,
    gradients: Mapping[int, ArrayLike],
    probe: ArrayLike | None = None,
) -> SchedulerState:
    """Observe one step's gradients, then refresh if one is due.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    gradients : mapping from task to array_like, shape (d,)
        As in :func:`observe`.
    probe : array_like, shape (K, d), optional
        Given exactly when :func:`needs_probe` said so before the step.

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        As in :func:`observe` and :func:`refresh`.

    Examples
    --------
    Two tasks pull apart, a third stands aside; after R = 2 steps the pair is separated:

    >>> from songoku_theory.scheduler import active, init
    >>> config = SchedulerConfig(num_tasks=3, tau=0.5, beta=0.5, refresh_period=2)
    >>> state = init(config)
    >>> pull = {0: [1.0, 0.0], 1: [-1.0, 0.1], 2: [0.0, 1.0]}
    >>> for _ in range(4):
    ...     run = active(config, state)
    ...     state = step(config, state, {k: pull[k] for k in run})
    ...     print(run)
    (0, 1, 2)
    (0, 1, 2)
    (0, 2)
    (1,)
    """
    observed = observe(config, state, gradients)
    if needs_refresh(config, observed):
        return refresh(config, observed, probe)
    if probe is not None:
        raise InvalidInputError(
            f"step {state.step} does not end with a refresh, so it takes no probe; ask "
            f"songoku_theory.scheduler.needs_probe(config, state) first."
        )
    return observed
