"""The baseline: every task at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from songoku_theory.schedule.policies.base import Groups, Policy, Refreshes, Situation

__all__ = ["AllTasks"]


@dataclass(frozen=True, slots=True)
class AllTasks(Policy):
    """Every task at every step: the usual summed update, without gradients of single tasks.

    Gaps: 1.
    """

    name: ClassVar[str] = "all_tasks"
    promise: ClassVar[str] = "gap = 1"
    refreshes: ClassVar[Refreshes] = "never"

    @property
    def needs_graph(self) -> bool:
        """No."""
        return False

    def groups(self, situation: Situation) -> Groups:
        """Return all tasks as one group."""
        return (tuple(range(situation.num_tasks)),)

    def gap_within(self, situation: Situation) -> NDArray[np.float64]:
        """Return 1 for every task."""
        return np.ones(situation.num_tasks)

    def gap_across(self, old: Situation, new: Situation) -> NDArray[np.float64]:
        """Return 1 for every task."""
        return np.ones(old.num_tasks)

    def gap_always(self, num_tasks: int, window: int) -> float:
        """Return 1."""
        return 1.0
