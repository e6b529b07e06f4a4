"""Set partitioning or covering over all allowed groups, as an integer program."""

from __future__ import annotations

import itertools
from math import comb, inf

from songoku_theory.grouping.linear_model import LinearModel, Solved
from songoku_theory.grouping.problem import GroupingProblem, fits, group_value

__all__ = ["choose_groups", "count_groups"]

Groups = list[tuple[int, ...]]


def count_groups(problem: GroupingProblem) -> int:
    """Return how many variables the program has at most: groups by size, times kinds of groups."""
    n = problem.num_tasks
    return sum(
        comb(n, size)
        for low, high in zip(problem.smallest.tolist(), problem.largest.tolist(), strict=True)
        for size in range(low, min(high, n) + 1)
    )


def choose_groups(problem: GroupingProblem, time_limit: float) -> tuple[Solved, Groups]:
    """Solve with one variable an allowed group; equal groups are told apart by no variable.

    Parameters
    ----------
    problem : GroupingProblem
        With few enough groups, see :func:`count_groups`.
    time_limit : float
        Seconds.

    Returns
    -------
    Solved
    list of tuple of int
        Empty without a feasible point.
    """
    model = LinearModel()
    m = problem.num_groups
    repeats = float(m) if problem.overlap and not problem.distinct and m else 1.0
    variables: list[tuple[int, tuple[int, ...]]] = []
    of_group: dict[tuple[int, ...], list[int]] = {}
    for column in range(problem.limit.size):
        low, high = int(problem.smallest[column]), int(problem.largest[column])
        for size in range(low, min(high, problem.num_tasks) + 1):
            for group in itertools.combinations(range(problem.num_tasks), size):
                if fits(problem, group, column):
                    upper = 1.0 if problem.identities else repeats
                    v = model.variable(group_value(problem, group), upper, whole=True)
                    variables.append((column, group))
                    of_group.setdefault(group, []).append(v)
    holding: list[list[tuple[int, float]]] = [[] for _ in range(problem.num_tasks)]
    for v, (_, group) in enumerate(variables):
        for task in group:
            holding[task].append((v, 1.0))
    if not all(holding):
        return Solved("infeasible", None, -inf), []
    for terms in holding:
        model.row(terms, 1.0, inf if problem.overlap else 1.0)
    if problem.identities:
        for column in range(problem.limit.size):
            chosen = [(v, 1.0) for v, (c, _) in enumerate(variables) if c == column]
            model.row(chosen, 1.0, 1.0)
        if problem.overlap and problem.distinct:
            for same in of_group.values():
                model.row([(v, 1.0) for v in same], 0.0, 1.0)
    elif m is not None:
        model.row([(v, 1.0) for v in range(len(variables))], float(m), float(m))
    solved = model.solve(time_limit)
    if solved.x is None:
        return solved, []
    picked = [
        (column, group)
        for (column, group), times in zip(variables, solved.x, strict=True)
        for _ in range(round(times))
    ]
    return solved, [group for _, group in sorted(picked)]
