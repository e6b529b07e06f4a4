"""One task a step, in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from songoku_theory.schedule.periodic import Schedule
from songoku_theory.schedule.policies.base import Refreshes
from songoku_theory.schedule.policies.slots import SlotPolicy

__all__ = ["RoundRobin"]


@dataclass(frozen=True, slots=True)
class RoundRobin(SlotPolicy):
    """One task a step, in turn: what a complete conflict graph would give.

    Gaps: exactly K.
    """

    name: ClassVar[str] = "round_robin"
    promise: ClassVar[str] = "gap = K"
    refreshes: ClassVar[Refreshes] = "never"
    options: ClassVar[frozenset[str]] = frozenset()

    @property
    def needs_graph(self) -> bool:
        """No."""
        return False

    def first_schedule(self, num_tasks: int) -> Schedule:
        """Return one slot a task."""
        return Schedule(tuple((k,) for k in range(num_tasks)), num_tasks)

    def gap_always(self, num_tasks: int, window: int) -> float:
        """Return K."""
        return float(num_tasks)
