"""Exact grouping of up to 20 tasks by dynamic programming over subsets."""

from __future__ import annotations

from math import inf
from time import perf_counter

import numpy as np

from songoku_theory.errors import InvalidInputError
from songoku_theory.grouping.cover_dp import best_cover
from songoku_theory.grouping.diagnosis import why_infeasible
from songoku_theory.grouping.levels import OutOfTimeError
from songoku_theory.grouping.partition_dp import best_partition
from songoku_theory.grouping.problem import GroupingProblem
from songoku_theory.grouping.result import Grouping, answer
from songoku_theory.grouping.tables import allowed_values, members

__all__ = ["MAX_DP_TASKS", "best_masks", "subset_dp"]

MAX_DP_TASKS = 20


def subset_dp(problem: GroupingProblem, time_limit: float = inf) -> Grouping:
    """Find an optimum of formulation 8 and prove it.

    Work, with n tasks and m groups: ``3^(n-1) / 2`` for any number of groups, m - 2 times as much
    for a given number, ``3^n (m - 2)`` where the groups differ or overlap. Memory: ``8 m 2^n``
    bytes.

    Parameters
    ----------
    problem : GroupingProblem
        At most 20 tasks. A user's set function is called once a group, 2^n - 1 times.
    time_limit : float
        Seconds; looked at between pieces of the work. Overlapping alike groups of 20 tasks have
        pieces of some ten seconds.

    Returns
    -------
    Grouping
        ``"optimal"``, ``"infeasible"`` with the reason, or ``"timeout"``.

    Raises
    ------
    InvalidInputError
        When there are more than 20 tasks.

    Source
    ------
    PTG, eq. 8, without its linearisation (eq. 9): the sum over groups of any set function is a
    longest path through the sets of tasks that are grouped already.

    Examples
    --------
    >>> gains = [[1, 3, 0], [3, 1, 0], [0, 0, 1]]
    >>> found = subset_dp(GroupingProblem(gains, num_groups=2))
    >>> found.status, found.groups, found.objective
    ('optimal', ((0, 1), (2,)), 5.0)
    """
    if problem.num_tasks > MAX_DP_TASKS:
        raise InvalidInputError(
            f"subset_dp should have at most {MAX_DP_TASKS} tasks; found {problem.num_tasks}. Use "
            f"milp or greedy."
        )
    start = perf_counter()
    try:
        value, masks = best_masks(problem, start + time_limit)
    except OutOfTimeError:
        return Grouping("timeout", (), -inf, inf, perf_counter() - start, "subset_dp")
    if not np.isfinite(value):
        reason = why_infeasible(problem)
        return Grouping("infeasible", (), -inf, -inf, perf_counter() - start, "subset_dp", reason)
    groups = [members(mask) for mask in masks]
    return answer(problem, groups, value, perf_counter() - start, "subset_dp", proved=True)


def best_masks(problem: GroupingProblem, deadline: float) -> tuple[float, list[int]]:
    """Return the best sum of values and the groups as bit masks; -inf and none where infeasible.

    Raises
    ------
    OutOfTimeError
        When the deadline (``time.perf_counter``) passes first.
    """
    if problem.num_groups is not None and (
        problem.num_groups > (1 << problem.num_tasks) - 1
        and (problem.distinct or not problem.overlap)
    ):
        return -inf, []
    tables = allowed_values(problem)
    if problem.overlap:
        assert problem.num_groups is not None
        return best_cover(tables, problem.num_groups, problem.distinct, deadline)
    if problem.num_groups is not None and problem.num_groups > problem.num_tasks:
        return -inf, []
    return best_partition(tables, problem.num_groups, deadline)
