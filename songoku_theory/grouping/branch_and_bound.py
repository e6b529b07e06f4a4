"""Branch and bound over enumerated groups: the baseline that the papers compare with."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import InvalidInputError
from songoku_theory.grouping.diagnosis import why_infeasible
from songoku_theory.grouping.levels import OutOfTimeError
from songoku_theory.grouping.problem import GroupingProblem
from songoku_theory.grouping.result import Grouping, answer
from songoku_theory.grouping.tables import Table, allowed_values, members

__all__ = ["branch_and_bound"]

_MOST_TASKS = 16


def branch_and_bound(problem: GroupingProblem, time_limit: float = inf) -> Grouping:
    """Solve formulation 8 by depth-first search over lists of groups.

    Groups are tried by falling value. What is left is bounded by the best share of each task that
    is not grouped yet (partitions) or by the value of the next groups in the list (with overlap).

    Parameters
    ----------
    problem : GroupingProblem
        At most 16 tasks.
    time_limit : float
        Seconds.

    Returns
    -------
    Grouping
        ``"feasible"`` with the bound of the root where time ran out.

    Raises
    ------
    InvalidInputError
        When there are more than 16 tasks.

    Source
    ------
    Standley et al. (2020) and TAG enumerate groups and prune; PTG, appendix C.7, Table 6, "BB".

    Differs from
    ------------
    The papers' code lets each task choose its best group and has no constraints; this one maximises
    eq. 8 under the constraints of the problem. It is here to be compared with.

    Examples
    --------
    >>> gains = [[1, 3, 0], [3, 1, 0], [0, 0, 1]]
    >>> branch_and_bound(GroupingProblem(gains, num_groups=2)).groups
    ((0, 1), (2,))
    """
    if problem.num_tasks > _MOST_TASKS:
        raise InvalidInputError(
            f"branch_and_bound should have at most {_MOST_TASKS} tasks; found "
            f"{problem.num_tasks}. Use subset_dp, milp or greedy."
        )
    start = perf_counter()
    search = _Search(problem, allowed_values(problem), start + time_limit)
    done = True
    try:
        if problem.overlap:
            search.cover([], 0, 0.0, 0)
        else:
            search.split([], (1 << problem.num_tasks) - 1, 0.0)
    except OutOfTimeError:
        done = False
    seconds = perf_counter() - start
    if search.best_groups:
        groups = [members(mask) for mask in search.best_groups]
        return answer(problem, groups, search.root, seconds, "branch_and_bound", done)
    if done:
        reason = why_infeasible(problem)
        return Grouping("infeasible", (), -inf, -inf, seconds, "branch_and_bound", reason)
    return Grouping("timeout", (), -inf, search.root, seconds, "branch_and_bound")


@dataclass(slots=True)
class _Search:
    problem: GroupingProblem
    tables: list[Table]
    deadline: float
    best: float = -inf
    best_groups: list[int] = field(default_factory=list)
    root: float = inf
    order: list[NDArray[np.int64]] = field(init=False)
    share: list[float] = field(init=False)
    top: list[float] = field(init=False)

    def __post_init__(self) -> None:
        n = self.problem.num_tasks
        self.order = []
        shares = np.full(n, -np.inf)
        masks = np.arange(1 << n)
        for table in self.tables:
            falling = np.argsort(-table, kind="stable")
            self.order.append(falling[np.isfinite(table[falling])])
            each = table / np.maximum(np.bitwise_count(masks.astype(np.uint64)), 1)
            for i in range(n):
                shares[i] = max(shares[i], each[(masks >> i & 1) == 1].max())
        self.share = shares.tolist()
        best = [float(table.max()) for table in self.tables]
        m = self.problem.num_groups
        self.top = best if len(best) > 1 else best * (m or 1)
        self.root = sum(self.top) if self.problem.overlap else sum(self.share)

    def split(self, chosen: list[int], left: int, total: float) -> None:
        """Go on with a partition: group the tasks in `left`."""
        if perf_counter() > self.deadline:
            raise OutOfTimeError
        m = self.problem.num_groups
        if not left:
            if (m is None or len(chosen) == m) and total > self.best:
                self.best, self.best_groups = total, list(chosen)
            return
        if m is not None and not 1 <= m - len(chosen) <= left.bit_count():
            return
        which = len(chosen) if len(self.tables) > 1 else 0
        table, order = self.tables[which], self.order[which]
        inside = (order & ~left) == 0
        if len(self.tables) == 1:  # alike: the next group is that of the lowest task
            inside &= (order & (left & -left)) != 0
        for mask in order[inside].tolist():
            rest = left & ~mask
            bound = total + table[mask] + sum(s for i, s in enumerate(self.share) if rest >> i & 1)
            if bound > self.best:
                self.split([*chosen, mask], rest, total + float(table[mask]))

    def cover(self, chosen: list[int], covered: int, total: float, start: int) -> None:
        """Go on with groups that may overlap; alike ones in the order of the list."""
        if perf_counter() > self.deadline:
            raise OutOfTimeError
        m = len(self.top)
        if len(chosen) == m:
            if covered == (1 << self.problem.num_tasks) - 1 and total > self.best:
                self.best, self.best_groups = total, list(chosen)
            return
        alike = len(self.tables) == 1
        which = 0 if alike else len(chosen)
        table, order = self.tables[which], self.order[which]
        later = 0.0 if alike else sum(self.top[which + 1 :])
        left = m - len(chosen)
        for place in range(start if alike else 0, len(order)):
            mask = int(order[place])
            worth = float(table[mask])
            bound = total + (left * worth if alike else worth + later)
            if not (isfinite(bound) and bound > self.best):
                break
            if not alike and self.problem.distinct and mask in chosen:
                continue
            following = place + 1 if self.problem.distinct else place
            self.cover([*chosen, mask], covered | mask, total + worth, following)
