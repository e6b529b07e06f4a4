"""DWA: weights from how fast each loss fell over the last two epochs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.loss_space import (
    check_rate,
    read_per_task,
    scatter,
    softmax,
    update_rows,
)
from songoku_theory.combine.registry import combiner
from songoku_theory.combine.result import Active, Array, Combined, Status
from songoku_theory.validation import check_num_tasks

__all__ = ["DWA", "DWAState"]


@dataclass(frozen=True, slots=True, eq=False)
class DWAState:
    """What DWA keeps for each task.

    Attributes
    ----------
    total : ndarray, shape (K,)
        Sum of the task's losses in the epoch under way.
    count : ndarray of int, shape (K,)
        How many they are.
    last, before_last : ndarray, shape (K,)
        Mean losses of the last two epochs in which the task ran; NaN before them.
    """

    total: NDArray[np.float64]
    count: NDArray[np.int64]
    last: NDArray[np.float64]
    before_last: NDArray[np.float64]


@combiner("dwa", "loss", ("nonnegative", "permutation-equivariant", "deterministic"))
@dataclass(frozen=True, slots=True)
class DWA:
    r"""Weigh tasks by their rates of descent over epochs (dynamic weight averaging).

    With ``r_k = L_k(t-1) / L_k(t-2)``, L_k(t) the mean loss of epoch t, the weights of the m active
    tasks are ``m softmax(r / T)``: slower tasks weigh more, and the weights sum to m. Call
    :meth:`end_epoch` at the end of each epoch; a task's own epochs are those in which it ran.
    Before it has two, its rate is 1.

    Residual
        0: a formula.
    ``DEGENERATE``
        An active task's earlier mean loss is 0, so that it has no rate; 1 is used.

    Attributes
    ----------
    temperature : float
        T; > 0. Larger makes weights more even.

    Source
    ------
    Liu, Johns and Davison (2019), "End-to-End Multi-Task Learning with Attention", eq. 7.

    Differs from
    ------------
    The official code normalises over all tasks and counts epochs for all of them together; here
    both run over the active tasks and their own epochs.

    Examples
    --------
    >>> rule = DWA()
    >>> state = rule.init(2)
    >>> for losses in ([1.0, 1.0], [0.5, 1.0]):
    ...     state = rule.end_epoch(rule.combine(losses, state).state)
    >>> rule.combine([0.25, 1.0], state).weights.round(4)
    array([0.8756, 1.1244])
    """

    temperature: float = 2.0

    def __post_init__(self) -> None:
        check_rate("temperature", self.temperature)

    @property
    def needs_gradient_norms(self) -> bool:
        """False."""
        return False

    @property
    def needs_losses_after(self) -> bool:
        """False."""
        return False

    def init(self, num_tasks: int) -> DWAState:
        """Return the state before the first epoch."""
        check_num_tasks(num_tasks)
        return DWAState(
            np.zeros(num_tasks),
            np.zeros(num_tasks, dtype=np.int64),
            np.full(num_tasks, np.nan),
            np.full(num_tasks, np.nan),
        )

    def combine(
        self,
        losses: Array,
        state: DWAState,
        active: Active = None,
        *,
        gradient_norms: Array | None = None,
    ) -> Combined[DWAState]:
        """Return weights for the active tasks' losses, and add the losses to their epoch.

        Raises
        ------
        InvalidInputError
            When an active loss is not finite.
        """
        size = state.total.size
        tasks, chosen = read_per_task(losses, "losses", size, active)
        last, before = state.last[tasks], state.before_last[tasks]
        no_rate = ~np.isnan(before) & (before == 0)
        known = ~np.isnan(before) & ~no_rate
        rates = np.where(known, last / np.where(known, before, 1.0), 1.0)
        weights = tasks.size * softmax(rates / self.temperature)
        moved = replace(
            state,
            total=update_rows(state.total, tasks, state.total[tasks] + chosen),
            count=update_rows(state.count, tasks, state.count[tasks] + 1),
        )
        status = Status.DEGENERATE if bool(no_rate.any()) else Status.CONVERGED
        return Combined(scatter(weights, tasks, losses, size), moved, status, 0.0)

    def observe(self, losses_after: Array, state: DWAState, active: Active = None) -> DWAState:
        """Return the state unchanged: no losses after the step are needed."""
        return state

    def end_epoch(self, state: DWAState) -> DWAState:
        """Close the epoch for the tasks that ran in it; the others' state does not move."""
        ran = np.flatnonzero(state.count > 0)
        means = state.total[ran] / state.count[ran]
        return DWAState(
            update_rows(state.total, ran, 0.0),
            update_rows(state.count, ran, 0),
            update_rows(state.last, ran, means),
            update_rows(state.before_last, ran, state.last[ran]),
        )
