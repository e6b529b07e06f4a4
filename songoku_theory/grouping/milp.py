"""Grouping by integer programming."""

from __future__ import annotations

from math import inf
from time import perf_counter

from songoku_theory.errors import SongokuError
from songoku_theory.grouping.diagnosis import obvious_conflict, why_infeasible
from songoku_theory.grouping.feasible import place_units
from songoku_theory.grouping.milp_compact import assign_tasks
from songoku_theory.grouping.milp_enumerated import choose_groups, count_groups
from songoku_theory.grouping.problem import GroupingProblem
from songoku_theory.grouping.result import Grouping, answer
from songoku_theory.grouping.units import merged

__all__ = ["solve_milp"]

ENUMERATED_GROUPS = 5_000


def solve_milp(
    problem: GroupingProblem, time_limit: float = inf, *, enumerated: bool | None = None
) -> Grouping:
    """Solve formulation 8 by HiGHS (``scipy.optimize.milp``).

    Set partitioning over all allowed groups where these are at most 5,000, otherwise the compact
    linear model of :func:`songoku_theory.grouping.milp_compact.assign_tasks`.

    Parameters
    ----------
    problem : GroupingProblem
    time_limit : float
        Seconds, for HiGHS; building the model comes on top.
    enumerated : bool, optional
        Choose the model.

    Returns
    -------
    Grouping
        Proved to HiGHS's tolerances (1e-6 on constraints, 1e-9 on the relative gap).

    Raises
    ------
    InvalidInputError
        When the compact model is needed and the objective is a user's set function.

    Source
    ------
    PTG, appendix B, where Gurobi solves eq. 9.

    Examples
    --------
    >>> gains = [[1, 3, 0], [3, 1, 0], [0, 0, 1]]
    >>> solve_milp(GroupingProblem(gains, num_groups=2)).groups
    ((0, 1), (2,))
    """
    start = perf_counter()
    reason = obvious_conflict(problem)
    if reason:
        return Grouping("infeasible", (), -inf, -inf, perf_counter() - start, "milp", reason)
    if enumerated is None:
        enumerated = count_groups(problem) <= ENUMERATED_GROUPS
    solved, groups = (choose_groups if enumerated else assign_tasks)(problem, time_limit)
    seconds = perf_counter() - start
    if solved.status == "infeasible":
        _confirm(problem, enumerated, start + time_limit)
        return Grouping("infeasible", (), -inf, -inf, seconds, "milp", why_infeasible(problem))
    if not groups:
        return Grouping("timeout", (), -inf, solved.bound, seconds, "milp")
    return answer(problem, groups, solved.bound, seconds, "milp", solved.status == "optimal")


def _confirm(problem: GroupingProblem, enumerated: bool, deadline: float) -> None:
    """Ask a program without shares: those of the compact model are thirds and the like, rounded.

    Raises
    ------
    SongokuError
        When it places the tasks. Distinctness, which it leaves open, can't be confirmed so.
    """
    if enumerated or (problem.overlap and problem.distinct) or perf_counter() > deadline:
        return
    if place_units(problem, merged(problem), deadline - perf_counter()).x is not None:
        raise SongokuError(
            "HiGHS called the compact model infeasible, but there is a grouping that meets all "
            "constraints. Use subset_dp, greedy or solve_milp(..., enumerated=True)."
        )
