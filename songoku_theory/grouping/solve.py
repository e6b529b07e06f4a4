"""One entry to all solvers."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite
from time import perf_counter

from songoku_theory.errors import unknown_name
from songoku_theory.grouping.branch_and_bound import branch_and_bound
from songoku_theory.grouping.greedy import greedy
from songoku_theory.grouping.milp import ENUMERATED_GROUPS, solve_milp
from songoku_theory.grouping.milp_enumerated import count_groups
from songoku_theory.grouping.problem import GroupingProblem
from songoku_theory.grouping.result import Grouping, combined
from songoku_theory.grouping.subset_dp import MAX_DP_TASKS, subset_dp

__all__ = ["SOLVERS", "solve"]

_MILP_TASKS = 40  # beyond, the compact model seldom proves anything in minutes
_COVER_TASKS = 17  # overlapping groups take six times as long as disjoint ones

SOLVERS: dict[str, Callable[[GroupingProblem, float], Grouping]] = {
    "subset_dp": subset_dp,
    "milp": solve_milp,
    "branch_and_bound": branch_and_bound,
    "greedy": greedy,
}


def solve(problem: GroupingProblem, time_limit: float = 60.0, method: str = "auto") -> Grouping:
    """Group the tasks.

    Parameters
    ----------
    problem : GroupingProblem
    time_limit : float
        Seconds.
    method : {"auto", "subset_dp", "milp", "branch_and_bound", "greedy"}
        ``"auto"``: subset_dp to 20 tasks; beyond, greedy first, and milp with the time that is left
        where it has a chance; the better groups with the lower bound are returned.

    Returns
    -------
    Grouping

    Raises
    ------
    UnknownNameError
        When the method is another one.

    Examples
    --------
    >>> gains = [[1, 3, 0], [3, 1, 0], [0, 0, 1]]
    >>> found = solve(GroupingProblem(gains, num_groups=2, max_size=1))
    >>> found.status, found.reason
    ('infeasible', '2 groups of the maximum sizes hold 2 tasks; there are 3')
    """
    if method != "auto":
        if method not in SOLVERS:
            raise unknown_name("method", method, ["auto", *SOLVERS])
        return SOLVERS[method](problem, time_limit)
    start = perf_counter()
    exact = _COVER_TASKS if problem.overlap or problem.identities else MAX_DP_TASKS
    if problem.num_tasks <= exact:
        found = subset_dp(problem, time_limit)
        if found.status != "timeout":
            return found
    few = count_groups(problem) <= ENUMERATED_GROUPS
    chance = few or (problem.num_tasks <= _MILP_TASKS and problem.symmetric_gains is not None)
    left = time_limit - (perf_counter() - start)
    first = greedy(problem, left / 3.0 if chance and isfinite(left) else left)
    left = time_limit - (perf_counter() - start)
    if first.status in ("optimal", "infeasible") or not chance or left <= 0:
        return first
    second = solve_milp(problem, left if isfinite(time_limit) else inf)
    return combined(first, second, perf_counter() - start)
