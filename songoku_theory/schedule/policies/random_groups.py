"""Groups drawn at random: does the graph matter, or only the size of the groups?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule.periodic import Schedule
from songoku_theory.schedule.policies.slots import SlotPolicy

__all__ = ["RandomGroups"]


@dataclass(frozen=True, slots=True)
class RandomGroups(SlotPolicy):
    """Random groups in a cycle, drawn anew at each refresh.

    The draw depends on the seed and the round alone, so every process draws the same.

    Gaps: at most m inside a window; at most m_old + m_new - 1 over a refresh if R >= m.

    Attributes
    ----------
    num_groups : int or None
        How many groups, of equal size to one task. None: as many groups, and of the same sizes,
        as the colour classes of the conflict graph at that refresh, so that only their members
        differ from the paper's; until the first refresh all tasks run.
    seed : int
        >= 0.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    """

    num_groups: int | None = None
    seed: int = 0

    name: ClassVar[str] = "random_groups"
    promise: ClassVar[str] = (
        "gap <= m inside a window, <= m_old + m_new - 1 over a refresh, if R >= m"
    )

    def __post_init__(self) -> None:
        if self.num_groups is not None and self.num_groups < 1:
            raise InvalidInputError(f"num_groups should be at least 1; found {self.num_groups}.")
        if self.seed < 0:
            raise InvalidInputError(f"seed should be at least 0; found {self.seed}.")

    @property
    def needs_graph(self) -> bool:
        """Only for the sizes of the colour classes."""
        return self.num_groups is None

    def check(self, num_tasks: int, refresh_period: int) -> None:
        """Refuse more groups than tasks."""
        if self.num_groups is not None and self.num_groups > num_tasks:
            raise InvalidInputError(
                f"num_groups should be at most the number of tasks ({num_tasks}); found "
                f"{self.num_groups}."
            )

    def first_schedule(self, num_tasks: int) -> Schedule:
        """Return the first draw; all tasks in one slot where the sizes come from a graph."""
        if self.num_groups is None:
            return SlotPolicy.first_schedule(self, num_tasks)
        return self.schedule(None, num_tasks, 0)

    def schedule(self, colored: Schedule | None, num_tasks: int, round: int) -> Schedule:
        """Return the draw of a round."""
        order = np.random.default_rng([self.seed, round]).permutation(num_tasks)
        if self.num_groups is not None:
            parts = np.array_split(order, self.num_groups)
            return Schedule(tuple(tuple(part.tolist()) for part in parts), num_tasks)
        slots = SlotPolicy.schedule(self, colored, num_tasks, round).slots
        # Only tasks that stand in a slot change places; one that is left out stays out.
        placed = sorted({task for slot in slots for task in slot})
        rank = np.random.default_rng([self.seed, round]).permutation(len(placed))
        moved = {task: placed[int(rank[i])] for i, task in enumerate(placed)}
        return Schedule(tuple(tuple(moved[k] for k in slot) for slot in slots), num_tasks)

    def gap_always(self, num_tasks: int, window: int) -> float:
        """Return ``2 m - 1`` for a fixed number m of groups that every window reaches."""
        groups = num_tasks if self.num_groups is None else self.num_groups
        return 2.0 * groups - 1.0 if window >= groups else float("inf")
