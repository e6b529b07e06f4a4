"""GradNorm: gradient norms pulled towards a common training rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.loss_space import (
    TaskAdam,
    adam_step,
    check_rate,
    new_adam,
    read_per_task,
    scatter,
    update_rows,
)
from songoku_theory.combine.registry import combiner
from songoku_theory.combine.result import Active, Array, Combined, Status
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_num_tasks

__all__ = ["GradNorm", "GradNormState"]


@dataclass(frozen=True, slots=True, eq=False)
class GradNormState:
    """What GradNorm keeps for each task.

    Attributes
    ----------
    weights : ndarray, shape (K,)
        To be used at the task's next step; they sum to K.
    first_losses : ndarray, shape (K,)
        The task's first positive loss; NaN before it.
    adam : TaskAdam
    """

    weights: NDArray[np.float64]
    first_losses: NDArray[np.float64]
    adam: TaskAdam


@combiner("gradnorm", "loss", ("nonnegative", "permutation-equivariant", "deterministic"))
@dataclass(frozen=True, slots=True)
class GradNorm:
    r"""Balance the tasks' gradient norms against their training rates (GradNorm).

    With n_k the norm of the active task k's unweighted gradient in the last shared layer,
    ``G_k = w_k n_k``, ``r_k = (l_k / l_k(0)) / mean_j (l_j / l_j(0))`` and the target
    ``T_k = mean_j G_j * r_k^alpha`` held constant, w takes one Adam step on
    ``sum_k |G_k - T_k|``, whose gradient is ``sign(G_k - T_k) n_k``; then w is scaled back to the
    sum that the active tasks had before. The weights returned are those before the step, as the
    losses that they weigh are those before the step too.

    Sums and means run over the active tasks. Scaling to their own earlier sum is what keeps the
    inactive weights as they are while the total stays K.

    Residual
        ``max_k |G_k - T_k| / mean_j G_j``; 0 at the rule's fixed point. Status ``STEPPED``.
    ``DEGENERATE``
        A task whose losses so far were all zero has rate 1; if all active gradients are zero,
        nothing moves.

    Attributes
    ----------
    alpha : float
        How strongly slow tasks are favoured; >= 0.
    learning_rate : float
        Of the weights; > 0.
    min_weight : float
        Weights are kept at or above it; > 0.

    Source
    ------
    Chen et al. (2018), "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep
    Multitask Networks", eq. 1 and 2, Algorithm 1. SON-GOKU warms up with it for 3 epochs
    (section 6.3): ``GradNormWarmStart``.

    Differs from
    ------------
    Public code differentiates through the network to get the gradient that is written out above,
    and lets weights turn negative, which `min_weight` prevents. The gradient is divided by the mean
    norm, so that Adam's epsilon means the same at every gradient scale.

    Examples
    --------
    >>> rule = GradNorm(alpha=0.0)
    >>> step = rule.combine([1.0, 1.0], rule.init(2), gradient_norms=[3.0, 1.0])
    >>> step.weights, step.residual
    (array([1., 1.]), 0.5)
    >>> step.state.weights.round(3)
    array([0.975, 1.025])
    """

    alpha: float = 1.5
    learning_rate: float = 0.025
    min_weight: float = 1e-3

    def __post_init__(self) -> None:
        if not (np.isfinite(self.alpha) and self.alpha >= 0):
            raise InvalidInputError(f"alpha should be a finite number >= 0; found {self.alpha!r}.")
        check_rate("learning_rate", self.learning_rate)
        check_rate("min_weight", self.min_weight)
        if self.min_weight >= 1:
            raise InvalidInputError(
                f"min_weight should be below 1, the mean weight; found {self.min_weight!r}."
            )

    @property
    def needs_gradient_norms(self) -> bool:
        """True."""
        return True

    @property
    def needs_losses_after(self) -> bool:
        """False."""
        return False

    def init(self, num_tasks: int) -> GradNormState:
        """Return the state before the first step: all weights 1."""
        check_num_tasks(num_tasks)
        return GradNormState(np.ones(num_tasks), np.full(num_tasks, np.nan), new_adam(num_tasks))

    def combine(
        self,
        losses: Array,
        state: GradNormState,
        active: Active = None,
        *,
        gradient_norms: Array | None = None,
    ) -> Combined[GradNormState]:
        """Return weights for the active tasks' losses; see ``LossCombiner.combine``.

        Parameters
        ----------
        losses : array_like or tensor, shape (K,)
            >= 0 where active.
        state : GradNormState
        active : sequence of int, optional
        gradient_norms : array_like or tensor, shape (K,)
            Norms of the active tasks' unweighted gradients in the (last) shared layer.

        Raises
        ------
        InvalidInputError
            When the norms are missing, or an active entry is negative or not finite.
        """
        if gradient_norms is None:
            raise InvalidInputError(
                "GradNorm needs gradient_norms: the norm of each active task's unweighted gradient "
                "in the last shared layer, shape (K,)."
            )
        size = state.weights.size
        tasks, chosen = read_per_task(losses, "losses", size, active)
        _, norms = read_per_task(gradient_norms, "gradient_norms", size, tasks)
        for name, values in (("losses", chosen), ("gradient_norms", norms)):
            if (values < 0).any():
                at = int(np.argmin(values))
                raise InvalidInputError(
                    f"{name} should not be negative; found {values[at]} for task {int(tasks[at])}."
                )
        weights = state.weights[tasks]
        first = np.where(np.isnan(state.first_losses[tasks]) & (chosen > 0), chosen, np.nan)
        first = np.where(np.isnan(first), state.first_losses[tasks], first)
        known = ~np.isnan(first)
        ratios = np.where(known, chosen / np.where(known, first, 1.0), 1.0)
        mean_ratio = float(ratios.mean())
        rates = ratios / mean_ratio if mean_ratio > 0 else np.ones_like(ratios)
        pulls = weights * norms
        mean_pull = float(pulls.mean())
        started = update_rows(state.first_losses, tasks, first)
        answer = scatter(weights, tasks, losses, size)
        if mean_pull == 0.0:
            still = GradNormState(state.weights, started, state.adam)
            return Combined(answer, still, Status.DEGENERATE, 0.0)
        miss = pulls - mean_pull * rates**self.alpha
        residual = float(np.abs(miss).max() / mean_pull)
        gradient = np.sign(miss) * norms / norms.mean()
        adam, change = adam_step(state.adam, tasks, gradient, self.learning_rate)
        moved = np.maximum(weights + change, self.min_weight)
        moved = moved * (weights.sum() / moved.sum())
        return Combined(
            answer,
            GradNormState(update_rows(state.weights, tasks, moved), started, adam),
            Status.STEPPED if bool(known.all()) else Status.DEGENERATE,
            residual,
        )

    def observe(
        self, losses_after: Array, state: GradNormState, active: Active = None
    ) -> GradNormState:
        """Return the state unchanged: GradNorm needs no losses after the step."""
        return state
