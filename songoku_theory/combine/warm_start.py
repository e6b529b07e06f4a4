"""SON-GOKU's second combination: GradNorm for the first epochs, then the scheduler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from songoku_theory.combine.gradnorm import GradNorm, GradNormState
from songoku_theory.combine.loss_space import read_per_task, scatter
from songoku_theory.combine.result import Active, Array, Combined, Status
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["GradNormWarmStart", "WarmStartState"]

Afterwards = Literal["ones", "last"]


@dataclass(frozen=True, slots=True, eq=False)
class WarmStartState:
    """Steps combined so far (of the run, not of a task), and GradNorm's own state."""

    step: int
    gradnorm: GradNormState


@dataclass(frozen=True, slots=True)
class GradNormWarmStart:
    """Run GradNorm on all tasks for some steps, then leave the weights to the scheduler.

    While it warms up, :meth:`active` says that every task runs, whatever the schedule says, and the
    weights are GradNorm's; afterwards the schedule decides and the weights are constant. The
    residual is GradNorm's while it warms up, 0 after.

    Attributes
    ----------
    steps : int
        Length of the warm-up, in steps; the paper's 3 epochs are ``3 * steps_per_epoch``.
    afterwards : {"ones", "last"}
        Weights after the warm-up: 1 each, or GradNorm's last ones. The paper does not say.
    gradnorm : GradNorm

    Source
    ------
    SON-GOKU, section 6.3, combination 2.

    Examples
    --------
    >>> rule = GradNormWarmStart(steps=1)
    >>> state = rule.init(3)
    >>> rule.active(state, scheduled=(0, 2))
    (0, 1, 2)
    >>> step = rule.combine([1.0, 2.0, 3.0], state, gradient_norms=[1.0, 5.0, 2.0])
    >>> rule.active(step.state, scheduled=(0, 2))
    (0, 2)
    >>> rule.combine([1.0, 2.0, 3.0], step.state, active=(0, 2)).weights
    array([1., 0., 1.])
    """

    steps: int
    afterwards: Afterwards = "ones"
    gradnorm: GradNorm = field(default_factory=GradNorm)

    def __post_init__(self) -> None:
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 0:
            raise InvalidInputError(
                f"steps should be a whole number >= 0; found {self.steps!r}. For 3 epochs give "
                f"3 * steps_per_epoch."
            )
        if self.afterwards not in get_args(Afterwards):
            raise unknown_name("afterwards", str(self.afterwards), get_args(Afterwards))

    @property
    def needs_gradient_norms(self) -> bool:
        """True, while :meth:`warming`."""
        return True

    @property
    def needs_losses_after(self) -> bool:
        """False."""
        return False

    def init(self, num_tasks: int) -> WarmStartState:
        """Return the state before the first step."""
        return WarmStartState(0, self.gradnorm.init(num_tasks))

    def warming(self, state: WarmStartState) -> bool:
        """Say whether the next step still belongs to the warm-up."""
        return state.step < self.steps

    def active(self, state: WarmStartState, scheduled: Active) -> tuple[int, ...]:
        """Return the tasks to run: all while warming up, the scheduled ones after."""
        size = state.gradnorm.weights.size
        if self.warming(state) or scheduled is None:
            return tuple(range(size))
        return tuple(int(k) for k in scheduled)

    def combine(
        self,
        losses: Array,
        state: WarmStartState,
        active: Active = None,
        *,
        gradient_norms: Array | None = None,
    ) -> Combined[WarmStartState]:
        """Return weights for the active tasks' losses; see ``GradNorm.combine``.

        Raises
        ------
        InvalidInputError
            As GradNorm while warming up; after it, when an active loss is not finite.
        """
        if self.warming(state):
            warm = self.gradnorm.combine(
                losses, state.gradnorm, active, gradient_norms=gradient_norms
            )
            moved = WarmStartState(state.step + 1, warm.state)
            return Combined(warm.weights, moved, warm.status, warm.residual)
        size = state.gradnorm.weights.size
        tasks, _ = read_per_task(losses, "losses", size, active)
        ones = np.ones(tasks.size)
        weights = state.gradnorm.weights[tasks] if self.afterwards == "last" else ones
        moved = WarmStartState(state.step + 1, state.gradnorm)
        return Combined(scatter(weights, tasks, losses, size), moved, Status.CONVERGED, 0.0)

    def observe(
        self, losses_after: Array, state: WarmStartState, active: Active = None
    ) -> WarmStartState:
        """Return the state unchanged: no losses after the step are needed."""
        return state
