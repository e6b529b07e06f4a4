"""How long tasks wait: what the policy guarantees beside what was observed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory.schedule.policies import Policy, Situation

__all__ = ["GapTracker", "StalenessReport", "TaskStaleness"]


@dataclass(frozen=True, slots=True)
class TaskStaleness:
    """One task's gaps, in steps; a gap of 1 is a turn at every step.

    Attributes
    ----------
    task : str
    turns : int
        Steps at which the policy picked the task.
    without_update : int
        Turns at which it had no sample or no finite gradient.
    longest_gap : int
        Between two turns; 0 while there were fewer than two.
    first_wait : int
        Steps before its first turn; those so far if it had none.
    waiting : int
        Steps since its last turn, 0 if it ran in the last step.
    guaranteed_now : float
        Bound on gaps inside the current window.
    guaranteed_so_far : float
        Bound on the gaps of the run so far: the largest of those of its windows and refreshes.
    guaranteed_always : float
        Bound on every gap, whatever is still to come; ``inf`` for none.
    """

    task: str
    turns: int
    without_update: int
    longest_gap: int
    first_wait: int
    waiting: int
    guaranteed_now: float
    guaranteed_so_far: float
    guaranteed_always: float

    @property
    def holds(self) -> bool:
        """Whether no observed gap is longer than what was guaranteed."""
        bound = min(self.guaranteed_so_far, self.guaranteed_always)
        return max(self.longest_gap, self.waiting if self.turns else 0) <= bound


@dataclass(frozen=True, slots=True)
class StalenessReport:
    """Gaps of all tasks. ``str()`` of it is a table.

    Attributes
    ----------
    policy : str
    promise : str
        The policy's guarantee, in words.
    steps : int
        Steps so far.
    tasks : tuple of TaskStaleness
    """

    policy: str
    promise: str
    steps: int
    tasks: tuple[TaskStaleness, ...]

    @property
    def holds(self) -> bool:
        """Whether every observed gap is within its guarantee."""
        return all(task.holds for task in self.tasks)

    def __str__(self) -> str:
        width = max([4, *(len(t.task) for t in self.tasks)])
        lines = [
            f"policy {self.policy}: {self.promise}",
            f"{'task':<{width}}  turns  longest gap  waiting  guaranteed now / so far / always",
        ]
        for t in self.tasks:
            bounds = " / ".join(
                _number(b) for b in (t.guaranteed_now, t.guaranteed_so_far, t.guaranteed_always)
            )
            note = "" if t.holds else "  EXCEEDED"
            lines.append(
                f"{t.task:<{width}}  {t.turns:>5}  {t.longest_gap:>11}  {t.waiting:>7}  "
                f"{bounds}{note}"
            )
        return "\n".join(lines)


def _number(bound: float) -> str:
    return "none" if math.isinf(bound) else f"{bound:.0f}"


_TRACKED = ("turns", "updates", "longest", "first", "guaranteed")


class GapTracker:
    """Follows the turns of a run. Its arrays are its whole state.

    Parameters
    ----------
    num_tasks : int
    """

    def __init__(self, num_tasks: int) -> None:
        self.turns: NDArray[np.int64] = np.zeros(num_tasks, dtype=np.int64)
        self.updates: NDArray[np.int64] = np.zeros(num_tasks, dtype=np.int64)
        self.longest: NDArray[np.int64] = np.zeros(num_tasks, dtype=np.int64)
        self.first: NDArray[np.int64] = np.full(num_tasks, -1, dtype=np.int64)
        self.guaranteed: NDArray[np.float64] = np.zeros(num_tasks)

    def begin(self, policy: Policy, situation: Situation) -> None:
        """Note the first window."""
        self.guaranteed = np.maximum(self.guaranteed, policy.gap_within(situation))

    def ran(self, tasks: tuple[int, ...], last_turn: NDArray[np.int64], step: int) -> None:
        """Note who has a turn at a step, before the turn is entered in `last_turn`."""
        chosen = np.asarray(tasks, dtype=np.int64)
        earlier = last_turn[chosen]
        gaps = np.where(earlier >= 0, step - earlier, 0)
        self.longest[chosen] = np.maximum(self.longest[chosen], gaps)
        self.first[chosen] = np.where(self.first[chosen] < 0, step, self.first[chosen])
        self.turns[chosen] += 1

    def refreshed(self, policy: Policy, old: Situation, new: Situation) -> None:
        """Note the next window."""
        self.guaranteed = np.maximum.reduce(
            [self.guaranteed, policy.gap_across(old, new), policy.gap_within(new)]
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state, by name."""
        return {name: getattr(self, name) for name in _TRACKED}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what :meth:`arrays` gave."""
        for name in _TRACKED:
            setattr(self, name, np.array(arrays[name]))

    def report(
        self, names: tuple[str, ...], policy: Policy, now: Situation, always: float
    ) -> StalenessReport:
        """Return the report."""
        within = policy.gap_within(now)
        waiting = now.step - 1 - now.last_turn
        return StalenessReport(
            policy.name,
            policy.promise,
            now.step,
            tuple(
                TaskStaleness(
                    name,
                    int(self.turns[k]),
                    int(self.turns[k] - self.updates[k]),
                    int(self.longest[k]),
                    int(self.first[k]) if self.first[k] >= 0 else now.step,
                    int(waiting[k]),
                    float(within[k]),
                    float(self.guaranteed[k]),
                    always,
                )
                for k, name in enumerate(names)
            ),
        )
