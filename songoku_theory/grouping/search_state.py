"""The state of a local search for groups, and what each small change of it would be worth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from songoku_theory.grouping.problem import GroupingProblem, group_value, slack
from songoku_theory.grouping.units import Units

__all__ = ["SearchState", "penalty_weight"]

Array = NDArray[np.float64]


def penalty_weight(problem: GroupingProblem, units: Units) -> float:
    """Return what one unit of a broken constraint costs: more than any gain."""
    if units.gains is not None:
        return 1.0 + 10.0 * float(np.abs(units.gains).sum(axis=1).max())
    alone = [group_value(problem, unit) for unit in units.tasks]
    together = group_value(problem, tuple(range(problem.num_tasks)))
    return 1.0 + 100.0 * max(abs(v) for v in (*alone, together))


@dataclass(slots=True)
class SearchState:
    """Units in groups, with the score of each group as it is, with a unit more, with one less.

    The score of a group is its value minus `weight` times how far it is from what is allowed.

    Attributes
    ----------
    problem, units : the problem and its must-linked units
    weight : float
    inside : ndarray of bool, shape (u, m)
    base : ndarray, shape (m,)
        Scores.
    more, less : ndarray, shape (u, m)
        Scores after adding or removing a unit; -inf where it is in the group, or is not.
    """

    problem: GroupingProblem
    units: Units
    weight: float
    inside: NDArray[np.bool_]
    base: Array = field(init=False)
    more: Array = field(init=False)
    less: Array = field(init=False)
    _values: dict[tuple[int, ...], float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Score every group."""
        self.base = np.zeros(self.inside.shape[1])
        self.more = np.full(self.inside.shape, -np.inf)
        self.less = np.full(self.inside.shape, -np.inf)
        for j in range(self.inside.shape[1]):
            self.refresh(j)

    def put(self, unit: int, group: int, present: bool) -> None:
        """Add or remove a unit; :meth:`refresh` brings the scores up to date."""
        self.inside[unit, group] = present

    def refresh(self, j: int) -> None:
        """Score group j and its neighbours."""
        member = self.inside[:, j]
        units, column = self.units, min(j, units_columns(self.problem) - 1)
        sign = np.where(member, -1.0, 1.0)
        size = float(units.sizes[member].sum())
        cost = float(units.costs[member, column].sum())
        near = units.apart @ member
        pairs = float(near[member].sum()) / 2.0
        sizes = np.append(size + sign * units.sizes, size)
        costs = np.append(cost + sign * units.costs[:, column], cost)
        conflicts = np.append(pairs + sign * near, pairs)
        scores = self._worth(j, member, sign, sizes) - self.weight * self._broken(
            column, sizes, costs, conflicts
        )
        self.base[j] = scores[-1]
        self.more[:, j] = np.where(member, -np.inf, scores[:-1])
        self.less[:, j] = np.where(member, scores[:-1], -np.inf)

    def _worth(self, j: int, member: NDArray[np.bool_], sign: Array, sizes: Array) -> Array:
        gains = self.units.gains
        if gains is not None:
            rows = gains @ member
            own = np.diag(gains)
            total = float(rows[member].sum())
            # Removing: total - 2 rows + own, as rows counts the unit itself.
            sums = np.append(total + sign * 2.0 * rows + own, total)
            worth: Array = np.divide(sums, sizes, out=np.zeros_like(sums), where=sizes > 0)
            return worth
        worth = np.empty(len(member) + 1)
        for u in range(len(member)):
            changed = member.copy()
            changed[u] = not changed[u]
            worth[u] = self._value(changed)
        worth[-1] = self._value(member)
        return worth

    def _value(self, member: NDArray[np.bool_]) -> float:
        group = tasks_of(self.units, member)
        if not group:
            return 0.0
        if group not in self._values:
            self._values[group] = group_value(self.problem, group)
        return self._values[group]

    def _broken(self, column: int, sizes: Array, costs: Array, conflicts: Array) -> Array:
        problem = self.problem
        low, high = float(problem.smallest[column]), float(problem.largest[column])
        broken: Array = np.maximum(low - sizes, 0.0) + np.maximum(sizes - high, 0.0) + conflicts
        if problem.num_groups is None:
            broken[sizes == 0] = 0.0
        limit = float(problem.limit[column])
        if np.isfinite(limit):
            over = costs - limit - slack(limit)
            unit = max(float(self.units.costs[:, column].mean()), 1e-300)
            broken += np.where(over > 0, 0.01 + over / unit, 0.0)
        return np.asarray(broken, dtype=np.float64)


def units_columns(problem: GroupingProblem) -> int:
    """Return how many kinds of groups there are."""
    return int(problem.limit.size)


def tasks_of(units: Units, member: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the tasks of the given units, ascending."""
    return tuple(sorted(task for u in np.flatnonzero(member) for task in units.tasks[u]))
