"""One step's gradients enter the averages (lines 16 to 19)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule import slot_index
from songoku_theory.scheduler.config import SchedulerConfig
from songoku_theory.scheduler.state import SchedulerState
from songoku_theory.scheduler.turns import active, needs_gradients
from songoku_theory.validation import check_gradient

__all__ = [
    "advance",
    "clear_averages",
    "count_gradients",
    "move_averages",
    "observe",
    "run_slots",
    "smoothed_gradients",
]


def observe(
    config: SchedulerConfig,
    state: SchedulerState,
    gradients: Mapping[int, ArrayLike],
    missing: Iterable[int] = (),
    ran: Iterable[int] | None = None,
) -> SchedulerState:
    """Add this step's gradients to the averages and move on one step (lines 16-19).

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    gradients : mapping from task to array_like, shape (d,)
        Of the shared parameters: for the active tasks, for all with ``observe_tasks="all"``, for
        none with ``"none"``. May be empty where the policy needs none (:func:`needs_gradients`).
    missing : iterable of int, optional
        Tasks that should have a gradient but had no sample in this step's batch. Their averages
        do not move.
    ran : iterable of int, optional
        Who ran, where something else than the schedule decided it: all tasks in a warm start,
        say. By default the active tasks.

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        When a gradient is missing without being named, is one too many, has another length, or is
        not finite. The state that was passed in is unchanged, so the step can be repeated.
    """
    turns = set(active(config, state) if ran is None else ran)
    everyone = set(range(config.num_tasks))
    expected = {"active": turns, "all": everyone, "none": set()}[config.observe_tasks]
    absent = set(missing)
    optional = not gradients and not needs_gradients(config, state)
    if not optional and (set(gradients) != expected - absent or not absent <= (expected | turns)):
        raise InvalidInputError(
            f"step {state.step} expects the gradients of tasks {sorted(expected)} "
            f"(observe_tasks={config.observe_tasks!r}); found {sorted(gradients)}"
            + (f" with {sorted(absent)} named as missing" if absent else "")
            + ". Ask songoku_theory.scheduler.active(config, state) which tasks to run; name "
            "tasks without samples in `missing`."
        )
    dim = None if state.averages is None else int(state.averages.shape[1])
    checked: dict[int, NDArray[np.floating]] = {}
    for task in sorted(gradients):
        checked[task] = check_gradient(gradients[task], task, state.step, dim)
        dim = checked[task].shape[0]
    return advance(config, move_averages(config, state, checked), absent, turns)


def advance(
    config: SchedulerConfig,
    state: SchedulerState,
    missing: Iterable[int] = (),
    ran: Iterable[int] | None = None,
) -> SchedulerState:
    """Move on one step: note who had a turn, and who an update. No average moves.

    Split from :func:`observe` for averages that are kept elsewhere, on a GPU say.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    missing : iterable of int, optional
        Tasks that ran and were not updated.
    ran : iterable of int, optional
        As in :func:`observe`.

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        When `ran` names a task that does not exist.
    """
    picked = sorted(set(active(config, state) if ran is None else ran))
    if picked and not 0 <= picked[0] <= picked[-1] < config.num_tasks:
        raise InvalidInputError(
            f"ran should name tasks of 0..{config.num_tasks - 1}; found {picked}."
        )
    absent = set(missing)
    turns, last = state.last_turn.copy(), state.last_updated.copy()
    turns[picked] = state.step
    last[[k for k in picked if k not in absent]] = state.step
    slot = slot_index(
        config.phase, state.step, state.round_start, state.pointer, state.schedule.period
    )
    return replace(
        state,
        step=state.step + 1,
        pointer=(slot + 1) % state.schedule.period,
        last_updated=last,
        last_turn=turns,
    )


def count_gradients(
    config: SchedulerConfig, state: SchedulerState, tasks: Iterable[int]
) -> SchedulerState:
    """Note that one more gradient of each of the tasks has entered its average.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    tasks : iterable of int

    Returns
    -------
    SchedulerState
        With the sums of weights moved on; no average moves.
    """
    chosen = list(tasks)
    weight_sum, square_sum = state.weight_sum.copy(), state.weight_square_sum.copy()
    weight_sum[chosen] = config.beta * weight_sum[chosen] + (1.0 - config.beta)
    square_sum[chosen] = config.beta**2 * square_sum[chosen] + (1.0 - config.beta) ** 2
    return replace(state, weight_sum=weight_sum, weight_square_sum=square_sum)


def move_averages(
    config: SchedulerConfig, state: SchedulerState, gradients: Mapping[int, NDArray[np.floating]]
) -> SchedulerState:
    """Eq. 8 for the given tasks, with the sums of their weights beside it."""
    if not gradients:
        return state
    dim = next(iter(gradients.values())).shape[0]
    averages = (
        np.zeros((config.num_tasks, dim)) if state.averages is None else state.averages.copy()
    )
    squares = state.mean_squares.copy()
    for task, gradient in gradients.items():
        averages[task] = config.beta * averages[task] + (1.0 - config.beta) * gradient
        if config.cosine == "debiased":
            energy = float(np.square(gradient, dtype=np.float64).sum())
            squares[task] = config.beta * squares[task] + (1.0 - config.beta) * energy
    counted = count_gradients(config, state, gradients)
    return replace(counted, averages=averages, mean_squares=squares)


def smoothed_gradients(config: SchedulerConfig, state: SchedulerState) -> NDArray[np.float64]:
    """Return the averages in the configured convention; a task without gradients has zeros.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    ndarray, shape (K, d)

    Raises
    ------
    InvalidInputError
        When no gradient was observed yet.

    Source
    ------
    SON-GOKU, eq. 8 (``ema="carried"``) and eq. 18 (``ema="windowed"``).
    """
    if state.averages is None:
        raise InvalidInputError(
            "there is no gradient to average yet; call observe at least once, or refresh with a "
            "probe."
        )
    if config.ema == "carried":
        return state.averages.copy()
    total = np.where(state.weight_sum > 0, state.weight_sum, 1.0)
    return np.asarray(state.averages / total[:, None], dtype=np.float64)


def clear_averages(state: SchedulerState) -> SchedulerState:
    """Start the averages from nothing, as ``ema_at_refresh="reset"`` does after a refresh.

    Parameters
    ----------
    state : SchedulerState

    Returns
    -------
    SchedulerState
    """
    zeros = np.zeros(state.weight_sum.shape)
    return replace(
        state,
        averages=None if state.averages is None else np.zeros_like(state.averages),
        weight_sum=zeros,
        weight_square_sum=zeros.copy(),
        mean_squares=zeros.copy(),
    )


def run_slots(
    config: SchedulerConfig, state: SchedulerState, slots: Sequence[int]
) -> SchedulerState:
    """Move on several steps at once, each of which ran one slot and had every gradient of it.

    The same as :func:`count_gradients` and :func:`advance` after each step, to the last bit, for
    averages that are kept elsewhere.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    slots : sequence of int
        Of the current schedule, in the order in which they ran.

    Returns
    -------
    SchedulerState
    """
    if not slots:
        return state
    turns, counts = state.last_turn.copy(), np.zeros(config.num_tasks, dtype=np.int64)
    for offset, slot in enumerate(slots):
        ran = list(state.schedule.slots[slot])
        turns[ran] = state.step + offset
        counts[ran] += 1
    moved = state
    for done in range(int(counts.max())):
        moved = count_gradients(config, moved, np.flatnonzero(counts > done).tolist())
    return replace(
        moved,
        step=state.step + len(slots),
        pointer=(slots[-1] + 1) % state.schedule.period,
        last_turn=turns,
        last_updated=np.where(counts > 0, turns, state.last_updated),
    )
