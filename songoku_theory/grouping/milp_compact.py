"""The fractional objective of formulation 8 as a linear one: exact, and with fewer weak rows."""

from __future__ import annotations

import itertools
from math import inf

from songoku_theory.errors import InvalidInputError
from songoku_theory.grouping.linear_model import LinearModel, Solved
from songoku_theory.grouping.problem import GroupingProblem, slack

__all__ = ["assign_tasks"]

Groups = list[tuple[int, ...]]

# Rows that only tighten: where rounding of 1/3 makes them contradict the rest by one bit, HiGHS's
# presolve answers "infeasible".
_LOOSE = 1e-7


def assign_tasks(problem: GroupingProblem, time_limit: float) -> tuple[Solved, Groups]:
    r"""Solve with the variables ``X[i, j]`` and ``W[i, k, j] = X[i, j] X[k, j] / |G_j|``.

    ``V[i, j] = W[i, i, j]`` is the share 1 / |G_j| of a member. The rows ``sum_k W[i, k, j] =
    X[i, j]``, ``sum_i V[i, j] = 1`` and ``W[i, k, j] <= V[i, j], V[k, j]`` leave only these values
    where X is 0 or 1: the row of a member sums to 1 and none of its entries is above V[i, j], so
    V[i, j] >= 1 / |G_j|, and the V of a group sum to 1.

    Groups that are alike and don't overlap are named by their lowest task, so that every partition
    has one name: j runs over the tasks and ``X[j, j]`` says whether group j is there. Other alike
    groups are put in order of their sizes.

    Parameters
    ----------
    problem : GroupingProblem
        With gains.
    time_limit : float
        Seconds.

    Returns
    -------
    Solved
    list of tuple of int
        Empty without a feasible point.

    Raises
    ------
    InvalidInputError
        When the objective is a user's set function.

    Source
    ------
    PTG, appendix B, eq. 9; the rows on W are those of the exact 0-1 model of k-means (Peng and Wei,
    2007), with which the objective agrees.

    Differs from
    ------------
    Eq. 9 has the products ``y_j Z[i, k, j]``, a non-convex quadratic program for Gurobi; made
    linear product by product it bounds little before X is whole. Its groups are interchangeable.
    """
    if problem.symmetric_gains is None:
        raise InvalidInputError(
            "a user's set function can only be solved by enumerating the groups; lower max_size or "
            "the number of tasks, or use greedy."
        )
    n = problem.num_tasks
    named = not problem.identities and not problem.overlap
    m = n if named or problem.num_groups is None else problem.num_groups
    model = LinearModel()
    x: dict[tuple[int, int], int] = {}
    for j in range(m):
        _one_group(problem, model, x, j, named)
    for i in range(n):
        terms = [(x[i, j], 1.0) for j in range(m) if (i, j) in x]
        model.row(terms, 1.0, inf if problem.overlap else 1.0)
    if named and problem.num_groups is not None:
        count = float(problem.num_groups)
        model.row([(x[j, j], 1.0) for j in range(m)], count, count)
    if problem.overlap:
        _order_and_difference(problem, model, x, m)
    # HiGHS's presolve calls about one in a thousand of these infeasible that is not.
    solved = model.solve(time_limit, presolve=False)
    if solved.x is None:
        return solved, []
    groups = [
        tuple(i for i in range(n) if (i, j) in x and solved.x[x[i, j]] > 0.5) for j in range(m)
    ]
    return solved, [group for group in groups if group]


def _one_group(
    problem: GroupingProblem, model: LinearModel, x: dict[tuple[int, int], int], j: int, named: bool
) -> None:
    gains = problem.symmetric_gains
    assert gains is not None
    column = min(j, problem.limit.size - 1)
    low, high = int(problem.smallest[column]), min(int(problem.largest[column]), problem.num_tasks)
    limit = float(problem.limit[column])
    tasks = range(j if named else 0, problem.num_tasks)
    for i in tasks:
        x[i, j] = model.variable(whole=True)
    there = [(x[j, j], -1.0)] if named else []  # to be subtracted: 1 where the group is there
    one = 0.0 if named else 1.0

    def scaled(by: float) -> list[tuple[int, float]]:
        return [(v, c * by) for v, c in there]

    share = {i: model.variable(float(gains[i, i]), 1.0 / low + _LOOSE) for i in tasks}
    both = {
        (i, k): model.variable(2.0 * float(gains[i, k]), 1.0 / max(low, 2) + _LOOSE)
        for i, k in itertools.combinations(tasks, 2)
    }
    model.row([*((share[i], 1.0) for i in tasks), *there], one, one)
    members = [(x[i, j], 1.0) for i in tasks]
    model.row([*members, *scaled(low)], one * low, inf)
    model.row([*members, *scaled(high)], -inf, one * high)
    for i in tasks:
        others = [(both[min(i, k), max(i, k)], 1.0) for k in tasks if k != i]
        model.row([(share[i], 1.0), *others, (x[i, j], -1.0)], 0.0, 0.0)
        model.row([(share[i], 1.0), (x[i, j], -1.0 / low)], -inf, _LOOSE)
        model.row([(share[i], 1.0), (x[i, j], -1.0 / high)], -_LOOSE, inf)
        if named and i > j:
            model.row([(x[i, j], 1.0), (x[j, j], -1.0)], -inf, 0.0)
    for (i, k), v in both.items():
        model.row([(v, 1.0), (share[i], -1.0)], -inf, 0.0)
        model.row([(v, 1.0), (share[k], -1.0)], -inf, 0.0)
    if limit < inf:
        costs = [(x[i, j], float(problem.cost[i, column])) for i in tasks]
        model.row([*costs, *scaled(limit)], -inf, one * limit + slack(limit))
    for a, b in problem.must_link:
        ends = [(x[i, j], sign) for i, sign in ((a, 1.0), (b, -1.0)) if i in tasks]
        if ends:
            model.row(ends, 0.0, 0.0)
    for a, b in problem.cannot_link:
        if a in tasks and b in tasks:
            model.row([(x[a, j], 1.0), (x[b, j], 1.0), *there], -inf, one)


def _order_and_difference(
    problem: GroupingProblem, model: LinearModel, x: dict[tuple[int, int], int], m: int
) -> None:
    tasks = range(problem.num_tasks)
    if not problem.identities:
        for j in range(m - 1):
            terms = [(x[i, j + at], sign) for i in tasks for at, sign in ((0, 1.0), (1, -1.0))]
            model.row(terms, 0.0, inf)
    if not problem.distinct:
        return
    for a, b in itertools.combinations(range(m), 2):
        differs = [model.variable() for _ in tasks]
        for i, d in zip(tasks, differs, strict=True):
            model.row([(d, 1.0), (x[i, a], -1.0), (x[i, b], -1.0)], -inf, 0.0)
            model.row([(d, 1.0), (x[i, a], 1.0), (x[i, b], 1.0)], -inf, 2.0)
        model.row([(d, 1.0) for d in differs], 1.0, inf)
