"""What every combiner returns: weights, state, how the solve ended, how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import SongokuError

__all__ = [
    "Active",
    "Array",
    "CombineError",
    "Combined",
    "CombinedBatch",
    "GramCombiner",
    "LossCombiner",
    "NoState",
    "Status",
]

S = TypeVar("S")
Active: TypeAlias = Sequence[int] | NDArray[np.integer] | None

Array: TypeAlias = Any
"""A numpy array or a torch tensor; torch is never imported for its own sake."""


class CombineError(SongokuError, ArithmeticError):
    """A combiner could not solve its problem and was asked to say so loudly."""


class Status(StrEnum):
    """How a combination ended, best first. Only ``FAILED`` comes with weights that are NaN."""

    CONVERGED = "converged"
    """The residual is within the tolerance (or the rule is a formula without one)."""
    INACCURATE = "inaccurate"
    """Usable, but the residual is above the tolerance: the Gram matrix carries no more digits."""
    DEGENERATE = "degenerate"
    """Some active task has no say here (a zero gradient, a loss without history); the method's
    documented convention put it aside and the rest was solved."""
    STATIONARY = "stationary"
    """Some convex combination of the active gradients vanishes (to the precision of the Gram
    matrix), so no direction improves all of them; each method documents what it does then."""
    REUSED = "reused"
    """Weights of an earlier step, as the options ask; the residual is that of this step."""
    STEPPED = "stepped"
    """One step of an online rule; the residual is its distance from the rule's fixed point."""
    UNVERIFIED = "unverified"
    """Another library's answer, finite, with no residual to judge it by (residual is NaN)."""
    FAILED = "failed"
    """No answer: weights of the active tasks are NaN and the state did not move."""


@dataclass(frozen=True, slots=True)
class NoState:
    """The state of a method that remembers nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Combined(Generic[S]):
    """One combination.

    Attributes
    ----------
    weights : ndarray or tensor, shape (K,)
        ``sum_k weights[k] g_k`` is the update; 0 for inactive tasks.
    state : S
        To be passed in at the next step. Every array in it has one row a task, and the rows of
        inactive tasks are bitwise those that were passed in.
    status : Status
    residual : float
        The method's own optimality residual, scale-free; its docstring says of what.
    iterations : int
        Of the solver; 0 for a formula.
    """

    weights: Array
    state: S
    status: Status
    residual: float
    iterations: int = 0

    @property
    def usable(self) -> bool:
        """Whether the weights may be used: everything but ``FAILED``."""
        return self.status is not Status.FAILED

    def raise_if_failed(self) -> Self:
        """Return self, or raise when the solve failed.

        Raises
        ------
        CombineError
            When the status is ``FAILED``.
        """
        if not self.usable:
            raise CombineError(
                f"the combiner found no weights (residual {self.residual:.3g} after "
                f"{self.iterations} iterations). Skip this step, or fall back on the sum; the "
                f"combiner's state did not move."
            )
        return self


@dataclass(frozen=True, slots=True, eq=False)
class CombinedBatch:
    """Many independent combinations, each as if from a fresh state.

    Attributes
    ----------
    weights : ndarray or tensor, shape (N, K)
    status : tuple of Status, length N
    residual : ndarray or tensor, shape (N,)
    """

    weights: Array
    status: tuple[Status, ...]
    residual: Array


class GramCombiner(Protocol[S]):
    """A rule that needs only the inner products of the gradients."""

    def init(self, num_tasks: int) -> S:
        """Return the state before the first step."""
        ...

    def combine(
        self,
        gram: Array,
        state: S,
        active: Active = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Combined[S]:
        """Return weights for the active tasks of one (K, K) Gram matrix.

        Only the rows and columns of active tasks are read. `rng` is read by randomised rules
        alone, which refuse to run without it.
        """
        ...

    def combine_batch(
        self, grams: Array, active: Array = None, *, rng: np.random.Generator | None = None
    ) -> CombinedBatch:
        """Return weights for many problems at once: (N, K, K) -> (N, K), on the input's device."""
        ...


class LossCombiner(Protocol[S]):
    """A rule that weighs tasks by their losses, and by gradient norms where it needs them."""

    @property
    def needs_gradient_norms(self) -> bool:
        """Whether `combine` must be given the norm of each active task's unweighted gradient."""
        ...

    @property
    def needs_losses_after(self) -> bool:
        """Whether `observe` must be called with the losses after the step, on the same batch."""
        ...

    def init(self, num_tasks: int) -> S:
        """Return the state before the first step."""
        ...

    def combine(
        self,
        losses: Array,
        state: S,
        active: Active = None,
        *,
        gradient_norms: Array | None = None,
    ) -> Combined[S]:
        """Return weights for the active tasks from their current losses, both of shape (K,)."""
        ...

    def observe(self, losses_after: Array, state: S, active: Active = None) -> S:
        """Take the losses after the step; returns the state unchanged if the rule needs none."""
        ...
