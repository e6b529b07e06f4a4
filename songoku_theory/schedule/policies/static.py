"""The first ablation: one colouring, then frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from songoku_theory.schedule.policies.base import Refreshes
from songoku_theory.schedule.policies.slots import SlotPolicy

__all__ = ["Static"]


@dataclass(frozen=True, slots=True)
class Static(SlotPolicy):
    """The colour classes of the first refresh, in a cycle, for good.

    With annealing it is the first refresh at the target threshold: an earlier one would freeze a
    graph that the warm-up keeps empty on purpose. After it no gradient is observed any more.

    Gaps: at most m <= Delta + 1 of that one graph, from the first step on.

    Source
    ------
    SON-GOKU, section 6.4.1 ("Static One-Shot").
    """

    name: ClassVar[str] = "static"
    promise: ClassVar[str] = "gap <= m of the one colouring, from the first step on"
    refreshes: ClassVar[Refreshes] = "once"
    options: ClassVar[frozenset[str]] = frozenset({"phase", "short_window", "min_coverage"})

    def gap_always(self, num_tasks: int, window: int) -> float:
        """Return K: there are at most K slots, and the one refresh follows windows of gap 1."""
        return float(num_tasks)
