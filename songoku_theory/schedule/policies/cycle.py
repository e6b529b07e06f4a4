"""The paper's policy: the colour classes in a fixed cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from songoku_theory.schedule.policies.slots import SlotPolicy

__all__ = ["Cycle"]


@dataclass(frozen=True, slots=True)
class Cycle(SlotPolicy):
    """One colour class a step, in the order of the colours.

    Gaps: at most m <= Delta + 1 inside a window (Proposition 8); at most m_old + m_new - 1 over a
    refresh if R >= m in both windows. With R < m and ``short_window="truncate"`` nothing is
    promised: late classes may starve.

    Source
    ------
    SON-GOKU, section 4.4 eq. 11, Algorithm 1; Proposition 8.
    """

    name: ClassVar[str] = "cycle"
    promise: ClassVar[str] = (
        "gap <= m inside a window, <= m_old + m_new - 1 over a refresh, if R >= m"
    )
    options: ClassVar[frozenset[str]] = frozenset({"phase", "short_window", "min_coverage"})
