"""The second ablation: conflicts estimated from the latest gradient alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from songoku_theory.schedule.policies.cycle import Cycle

__all__ = ["SingleStep"]


@dataclass(frozen=True, slots=True)
class SingleStep(Cycle):
    """The paper's cycle with history H = 1: the average is the latest gradient (beta = 0).

    Gaps: as the paper's cycle.

    Source
    ------
    SON-GOKU, section 6.4.2 ("Single-Step").
    """

    name: ClassVar[str] = "single_step"

    def beta(self, configured: float) -> float:
        """Return 0, whatever is configured."""
        return 0.0
