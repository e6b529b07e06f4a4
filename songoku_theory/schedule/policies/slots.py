"""What every policy that cycles through slots has in common."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from songoku_theory.schedule.periodic import slot_index
from songoku_theory.schedule.policies.base import Groups, Policy, Situation, gap_of_slots

__all__ = ["SlotPolicy"]


class SlotPolicy(Policy):
    """Runs one slot of the window's schedule a step, in order."""

    __slots__ = ()

    options: ClassVar[frozenset[str]] = frozenset({"phase", "short_window"})

    def groups(self, situation: Situation) -> Groups:
        """Return the slot whose turn it is (eq. 11)."""
        index = slot_index(
            situation.phase,
            situation.step,
            situation.round_start,
            situation.pointer,
            situation.schedule.period,
        )
        return (situation.schedule.slots[index],)

    def gap_within(self, situation: Situation) -> NDArray[np.float64]:
        """Return m for a task that stands in one slot; less where it is duplicated."""
        return gap_of_slots(situation.schedule)

    def gap_across(self, old: Situation, new: Situation) -> NDArray[np.float64]:
        """Return ``gap_old + gap_new - 1``, at most ``m_old + m_new - 1``.

        The last turn before the refresh is at most ``gap_old - 1`` steps before the window's last
        step, the first after it at most ``gap_new - 1`` steps after its first. Both need a window
        that reaches every slot; otherwise nothing is promised.
        """
        if old.window < old.schedule.period or new.window < new.schedule.period:
            return np.full(old.num_tasks, np.inf)
        return self.gap_within(old) + self.gap_within(new) - 1.0

    def gap_always(self, num_tasks: int, window: int) -> float:
        """Return ``2 K - 1`` if every window reaches K slots, which is as many as can be."""
        return 2.0 * num_tasks - 1.0 if window >= num_tasks else float("inf")
