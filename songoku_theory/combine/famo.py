"""FAMO: equal rates of relative improvement, from losses alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.loss_space import (
    TaskAdam,
    adam_step,
    check_rate,
    new_adam,
    read_per_task,
    scatter,
    softmax,
    update_rows,
)
from songoku_theory.combine.registry import combiner
from songoku_theory.combine.result import Active, Array, Combined, Status
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_num_tasks

__all__ = ["FAMO", "FAMOState"]


@dataclass(frozen=True, slots=True, eq=False)
class FAMOState:
    """What FAMO keeps for each task.

    Attributes
    ----------
    logits : ndarray, shape (K,)
        w of the paper.
    before : ndarray, shape (K,)
        Loss at the task's last `combine` that `observe` has not answered yet; NaN if there is none.
    decrease : ndarray, shape (K,)
        ``log l_before - log l_after`` at the task's last `observe`.
    adam : TaskAdam
    """

    logits: NDArray[np.float64]
    before: NDArray[np.float64]
    decrease: NDArray[np.float64]
    adam: TaskAdam


@combiner("famo", "loss", ("nonnegative", "simplex", "permutation-equivariant", "deterministic"))
@dataclass(frozen=True, slots=True)
class FAMO:
    r"""Let every active loss fall at the same relative rate (FAMO).

    With logits w (m,) of the active tasks and ``z = softmax(w)``, the step follows
    ``sum_k z_k grad log l_k`` scaled to a convex combination: weights
    ``c z_k / l_k`` with ``c = 1 / sum_j z_j / l_j``. After the step, `observe` takes the losses on
    the same batch, and w moves one Adam step along the gradient of ``sum_k z_k delta_k``, where
    ``delta_k = log l_k(before) - log l_k(after)``: tasks that fell faster lose weight.

    Two calls a step: `combine` before it, `observe` after it. The softmax runs over the active
    tasks; the logits, moments and losses of the others stay as they are.

    Residual
        ``max_k |delta_k - sum_j z_j delta_j|`` over the active tasks at their last observations: 0
        where all fall at the same rate. Status ``STEPPED``.

    Attributes
    ----------
    learning_rate : float
        Of the logits; > 0.
    weight_decay : float
        gamma of the paper, added to the logits' gradient; >= 0.
    lower_bound : float
        What losses cannot fall below; it is subtracted first.
    epsilon : float
        Added to the losses; >= 0. With losses near it, set it lower: it breaks scale invariance.

    Source
    ------
    Liu et al. (2023), "FAMO: Fast Adaptive Multitask Optimization", Algorithm 1 and 2.

    Differs from
    ------------
    The official code clips the shared gradient to norm 1, which is the optimiser's business here,
    and its softmax runs over all tasks. Its files use 0.01 and 1e-5 for the weight decay; the paper
    and this use 1e-3. Adam's bias correction counts each task's own steps.

    Examples
    --------
    >>> rule = FAMO()
    >>> state = rule.init(3)
    >>> step = rule.combine([1.0, 4.0, np.nan], state, active=(0, 1))
    >>> step.weights
    array([0.8, 0.2, 0. ])
    >>> state = rule.observe([0.5, 4.0, np.nan], step.state, active=(0, 1))
    >>> (state.logits[0] < state.logits[1]).item(), state.logits[2].item()
    (True, 0.0)
    """

    learning_rate: float = 0.025
    weight_decay: float = 1e-3
    lower_bound: float = 0.0
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_rate("learning_rate", self.learning_rate)
        for name, value in (("weight_decay", self.weight_decay), ("epsilon", self.epsilon)):
            if not (np.isfinite(value) and value >= 0):
                raise InvalidInputError(f"{name} should be a finite number >= 0; found {value!r}.")
        if not np.isfinite(self.lower_bound):
            raise InvalidInputError(f"lower_bound should be finite; found {self.lower_bound!r}.")

    @property
    def needs_gradient_norms(self) -> bool:
        """False."""
        return False

    @property
    def needs_losses_after(self) -> bool:
        """True: call :meth:`observe` after each step."""
        return True

    def init(self, num_tasks: int) -> FAMOState:
        """Return the state before the first step: all logits 0."""
        check_num_tasks(num_tasks)
        return FAMOState(
            np.zeros(num_tasks),
            np.full(num_tasks, np.nan),
            np.zeros(num_tasks),
            new_adam(num_tasks),
        )

    def combine(
        self,
        losses: Array,
        state: FAMOState,
        active: Active = None,
        *,
        gradient_norms: Array | None = None,
    ) -> Combined[FAMOState]:
        """Return weights for the active tasks' losses; see ``LossCombiner.combine``.

        Raises
        ------
        InvalidInputError
            When an active loss is not finite or not above `lower_bound`.
        """
        size = state.logits.size
        tasks, chosen = read_per_task(losses, "losses", size, active)
        height = self._height(chosen, tasks, "losses")
        shares = softmax(state.logits[tasks])
        # Relative to the smallest, so that no quotient overflows.
        raw = shares * (height.min() / height)
        decrease = state.decrease[tasks]
        residual = float(np.abs(decrease - shares @ decrease).max())
        return Combined(
            scatter(raw / raw.sum(), tasks, losses, size),
            replace(state, before=update_rows(state.before, tasks, chosen)),
            Status.STEPPED,
            residual,
        )

    def observe(self, losses_after: Array, state: FAMOState, active: Active = None) -> FAMOState:
        """Take the losses after the step, on the same batch, and move the active logits.

        Raises
        ------
        InvalidInputError
            When a loss is not finite or not above `lower_bound`, or `combine` was not called first
            for an active task.
        """
        tasks, chosen = read_per_task(losses_after, "losses_after", state.logits.size, active)
        before = state.before[tasks]
        if np.isnan(before).any():
            task = int(tasks[np.argmax(np.isnan(before))])
            raise InvalidInputError(
                f"task {task} has no loss from before the step; call combine with the same active "
                f"tasks first, then observe once."
            )
        height = self._height(chosen, tasks, "losses_after")
        decrease = np.log(self._height(before, tasks, "losses")) - np.log(height)
        shares = softmax(state.logits[tasks])
        gradient = shares * (decrease - shares @ decrease)
        gradient = gradient + self.weight_decay * state.logits[tasks]
        adam, change = adam_step(state.adam, tasks, gradient, self.learning_rate)
        return FAMOState(
            update_rows(state.logits, tasks, state.logits[tasks] + change),
            update_rows(state.before, tasks, np.nan),
            update_rows(state.decrease, tasks, decrease),
            adam,
        )

    def _height(
        self, losses: NDArray[np.float64], tasks: NDArray[np.int64], what: str
    ) -> NDArray[np.float64]:
        height = losses - self.lower_bound + self.epsilon
        if not (height > 0).all():
            at = int(np.argmin(height))
            raise InvalidInputError(
                f"FAMO takes logarithms, so every entry of {what} should exceed lower_bound = "
                f"{self.lower_bound}; found {losses[at]} for task {int(tasks[at])}. Set "
                f"lower_bound below the smallest loss that can occur."
            )
        return np.asarray(height, dtype=np.float64)
