"""Uncertainty weighting: one learned noise level a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

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
from songoku_theory.errors import unknown_name
from songoku_theory.validation import check_num_tasks

__all__ = ["Likelihood", "UncertaintyState", "UncertaintyWeighting"]

Likelihood = Literal["gaussian", "softmax"]


@dataclass(frozen=True, slots=True, eq=False)
class UncertaintyState:
    """What uncertainty weighting keeps for each task.

    Attributes
    ----------
    log_variances : ndarray, shape (K,)
        ``s_k = log sigma_k^2``.
    adam : TaskAdam
    """

    log_variances: NDArray[np.float64]
    adam: TaskAdam


@combiner("uncertainty", "loss", ("nonnegative", "permutation-equivariant", "deterministic"))
@dataclass(frozen=True, slots=True)
class UncertaintyWeighting:
    r"""Weigh each loss by a learned precision (uncertainty weighting).

    The total loss of the active tasks is ``sum_k f exp(-s_k) l_k + s_k / 2`` with
    ``f = 1/2`` for a Gaussian likelihood and 1 for a softmax one. The weights returned are
    ``f exp(-s_k)``; s takes one Adam step on ``1/2 - f exp(-s_k) l_k``, its own gradient.

    Residual
        ``max_k |2 f exp(-s_k) l_k - 1|`` over the active tasks; 0 where each s_k is optimal for its
        current loss. Status ``STEPPED``.

    Attributes
    ----------
    learning_rate : float
        Of s; > 0.
    likelihood : {"gaussian", "softmax"}

    Source
    ------
    Kendall, Gal and Cipolla (2018), "Multi-Task Learning Using Uncertainty to Weigh Losses for
    Scene Geometry and Semantics", eq. 7 and 10.

    Differs from
    ------------
    The paper trains s with the network's own optimiser; here s has its own Adam, so that a task
    that did not run has no step taken for it.

    Examples
    --------
    >>> rule = UncertaintyWeighting()
    >>> step = rule.combine([1.0, 9.0, 0.0], rule.init(3), active=(0, 1))
    >>> step.weights, step.residual
    (array([0.5, 0.5, 0. ]), 8.0)
    >>> step.state.log_variances.round(6)
    array([0.  , 0.01, 0.  ])
    """

    learning_rate: float = 0.01
    likelihood: Likelihood = "gaussian"

    def __post_init__(self) -> None:
        check_rate("learning_rate", self.learning_rate)
        if self.likelihood not in get_args(Likelihood):
            raise unknown_name("likelihood", str(self.likelihood), get_args(Likelihood))

    @property
    def needs_gradient_norms(self) -> bool:
        """False."""
        return False

    @property
    def needs_losses_after(self) -> bool:
        """False."""
        return False

    def init(self, num_tasks: int) -> UncertaintyState:
        """Return the state before the first step: all variances 1."""
        check_num_tasks(num_tasks)
        return UncertaintyState(np.zeros(num_tasks), new_adam(num_tasks))

    def combine(
        self,
        losses: Array,
        state: UncertaintyState,
        active: Active = None,
        *,
        gradient_norms: Array | None = None,
    ) -> Combined[UncertaintyState]:
        """Return weights for the active tasks' losses; see ``LossCombiner.combine``.

        Raises
        ------
        InvalidInputError
            When an active loss is not finite.
        """
        size = state.log_variances.size
        tasks, chosen = read_per_task(losses, "losses", size, active)
        factor = 0.5 if self.likelihood == "gaussian" else 1.0
        weights = factor * np.exp(-state.log_variances[tasks])
        gradient = 0.5 - weights * chosen
        adam, change = adam_step(state.adam, tasks, gradient, self.learning_rate)
        moved = update_rows(state.log_variances, tasks, state.log_variances[tasks] + change)
        return Combined(
            scatter(weights, tasks, losses, size),
            UncertaintyState(moved, adam),
            Status.STEPPED,
            float(np.abs(2.0 * gradient).max()),
        )

    def observe(
        self, losses_after: Array, state: UncertaintyState, active: Active = None
    ) -> UncertaintyState:
        """Return the state unchanged: no losses after the step are needed."""
        return state
