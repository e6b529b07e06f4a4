"""All groups one after the other in each batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from songoku_theory.schedule.policies.base import Groups, Policy, Situation, gap_of_slots

__all__ = ["Sequential"]


@dataclass(frozen=True, slots=True)
class Sequential(Policy):
    """Every colour class at each step, one update after the other: m updates a batch.

    A step is a batch. The gradient of a later class is taken at the parameters that the earlier
    ones left.

    Gaps: 1 batch, for every task that stands in a class.

    Source
    ------
    The "scheduled sequence of per-group steps" of SON-GOKU, section 5.3, on one batch; selective
    task group updates (Jeong and Yoon, 2025).
    """

    name: ClassVar[str] = "sequential"
    promise: ClassVar[str] = "gap = 1 batch; m updates a batch"

    def groups(self, situation: Situation) -> Groups:
        """Return all classes, in the order of the colours."""
        return situation.schedule.slots

    def gap_within(self, situation: Situation) -> NDArray[np.float64]:
        """Return 1 for every task that stands in a class."""
        return np.where(np.isfinite(gap_of_slots(situation.schedule)), 1.0, np.inf)

    def gap_across(self, old: Situation, new: Situation) -> NDArray[np.float64]:
        """Return 1 for every task that stands in a class before and after."""
        return np.maximum(self.gap_within(old), self.gap_within(new))

    def gap_always(self, num_tasks: int, window: int) -> float:
        """Return 1."""
        return 1.0
