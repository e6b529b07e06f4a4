"""What a solver answers, and the check that every answer has to pass."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import SongokuError
from songoku_theory.grouping.problem import GroupingProblem, group_value, slack

__all__ = ["Grouping", "Status", "faults", "objective"]

Status = Literal["optimal", "feasible", "infeasible", "timeout"]
Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """An answer to a :class:`GroupingProblem`.

    Attributes
    ----------
    status : {"optimal", "feasible", "infeasible", "timeout"}
        ``"feasible"``: the groups meet every constraint and nothing proves them best.
        ``"timeout"``: nothing was found and nothing was proved.
    groups : tuple of tuple of int
        Group j is ``groups[j]`` where the groups differ in what they may hold; otherwise sorted.
        Empty without an answer.
    objective : float
        Sum of the groups' values; -inf without an answer.
    bound : float
        No grouping that meets the constraints is worth more; inf where nothing is known, -inf when
        infeasible. For ``"optimal"`` the two agree, exactly or (integer programming) to 1e-6.
    seconds : float
    solver : str
    reason : str
        Which constraints can't be met, when infeasible.
    regret : float or None
        By how much the objective is below the optimum, where that is known.
    """

    status: Status
    groups: Groups
    objective: float
    bound: float
    seconds: float
    solver: str
    reason: str = ""
    regret: float | None = None

    @property
    def gap(self) -> float:
        """``bound - objective``: at most so much is lost; inf without an answer."""
        if self.status == "infeasible":
            return 0.0
        return max(0.0, self.bound - self.objective) if self.groups else math.inf

    def matrix(self, num_tasks: int) -> NDArray[np.int64]:
        """Return X of eq. 8, shape (n, m): whether task i is in group j."""
        found = np.zeros((num_tasks, len(self.groups)), dtype=np.int64)
        for j, group in enumerate(self.groups):
            found[list(group), j] = 1
        return found


def objective(problem: GroupingProblem, groups: Iterable[tuple[int, ...]]) -> float:
    """Return the sum of the groups' values (eq. 8)."""
    return math.fsum(group_value(problem, group) for group in groups)


def faults(problem: GroupingProblem, groups: Groups) -> tuple[str, ...]:
    """Name every constraint that a grouping breaks; shares no code with the solvers.

    Parameters
    ----------
    problem : GroupingProblem
    groups : tuple of tuple of int

    Returns
    -------
    tuple of str
        Empty when all are met.

    Examples
    --------
    >>> problem = GroupingProblem([[1, 0], [0, 1]], num_groups=2)
    >>> faults(problem, ((0,), (0,)))
    ('task 0 is in 2 groups', 'task 1 is in no group')
    """
    found: list[str] = []
    if problem.num_groups is not None and len(groups) != problem.num_groups:
        found.append(f"{len(groups)} groups instead of {problem.num_groups}")
    for task in range(problem.num_tasks):
        times = sum(task in group for group in groups)
        if times == 0:
            found.append(f"task {task} is in no group")
        elif times > 1 and not problem.overlap:
            found.append(f"task {task} is in {times} groups")
    if problem.overlap and problem.distinct and len(set(groups)) < len(groups):
        found.append("two groups are equal")
    for j, group in enumerate(groups):
        c = min(j, problem.limit.size - 1)
        if not problem.smallest[c] <= len(group) <= problem.largest[c]:
            found.append(f"group {j} has {len(group)} tasks")
        spent = sum(float(problem.cost[task, c]) for task in group)
        if spent > problem.limit[c] + 2 * slack(problem.limit[c]):
            found.append(f"group {j} costs {spent:g}, limit {problem.limit[c]:g}")
        found += [
            f"group {j} holds one of {pair}"
            for pair in problem.must_link
            if (pair[0] in group) != (pair[1] in group)
        ]
        found += [
            f"group {j} holds both of {pair}"
            for pair in problem.cannot_link
            if pair[0] in group and pair[1] in group
        ]
    return tuple(found)


def answer(
    problem: GroupingProblem,
    groups: Iterable[tuple[int, ...]],
    bound: float,
    seconds: float,
    solver: str,
    proved: bool,
) -> Grouping:
    """Build the answer of a solver that found groups, after checking them.

    Raises
    ------
    SongokuError
        When a constraint is broken: a fault of the solver, never an answer.
    """
    found = tuple(tuple(sorted(int(i) for i in group)) for group in groups)
    if not problem.identities:
        found = tuple(sorted(found))
    broken = faults(problem, found)
    if broken:
        raise SongokuError(f"{solver} returned groups that break a constraint: {broken}.")
    worth = objective(problem, found)
    # A bound and an objective are sums in different orders: a bound below is rounding.
    return Grouping(
        status="optimal" if proved else "feasible",
        groups=found,
        objective=worth,
        bound=worth if proved else max(bound, worth),
        seconds=seconds,
        solver=solver,
    )


def combined(first: Grouping, second: Grouping, seconds: float) -> Grouping:
    """Return the better groups of two answers to one problem with the lower of their bounds."""
    if second.status in ("optimal", "infeasible"):
        return replace(second, seconds=seconds)
    better, other = (first, second) if first.objective >= second.objective else (second, first)
    bound = max(min(better.bound, other.bound), better.objective)
    return replace(better, bound=bound, seconds=seconds)
