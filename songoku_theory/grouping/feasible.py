"""Any grouping that meets the constraints, as a program without an objective."""

from __future__ import annotations

from math import inf

from songoku_theory.grouping.linear_model import LinearModel, Solved
from songoku_theory.grouping.problem import GroupingProblem, slack
from songoku_theory.grouping.units import Units

__all__ = ["place_units"]


def place_units(problem: GroupingProblem, units: Units, time_limit: float) -> Solved:
    """Place must-linked units into groups.

    Parameters
    ----------
    problem : GroupingProblem
    units : Units
        Of the problem.
    time_limit : float
        Seconds.

    Returns
    -------
    Solved
        ``x[u * m + j]`` says whether unit u is in group j, with m = n where any number of groups is
        allowed. Whether groups are distinct is left open; ``"infeasible"`` is a proof all the same.
    """
    m = problem.num_groups or problem.num_tasks
    model = LinearModel()
    for _ in range(len(units.tasks) * m):
        model.variable(whole=True)
    there = [model.variable(whole=True) for _ in range(m)]
    for v in there:
        model.row([(v, 1.0)], 0.0 if problem.num_groups is None else 1.0, 1.0)
    for u in range(len(units.tasks)):
        places = [(u * m + j, 1.0) for j in range(m)]
        model.row(places, 1.0, inf if problem.overlap else 1.0)
    for j in range(m):
        column = min(j, problem.limit.size - 1)
        inside = [(u * m + j, float(size)) for u, size in enumerate(units.sizes)]
        model.row([*inside, (there[j], -float(problem.smallest[column]))], 0.0, inf)
        model.row([*inside, (there[j], -float(problem.largest[column]))], -inf, 0.0)
        limit = float(problem.limit[column])
        if limit < inf:
            costs = [(u * m + j, float(cost)) for u, cost in enumerate(units.costs[:, column])]
            model.row(costs, -inf, limit + slack(limit))
        for u in range(len(units.tasks)):
            for v in range(u):
                if units.apart[u, v]:
                    model.row([(u * m + j, 1.0), (v * m + j, 1.0)], -inf, 1.0)
            if units.apart[u, u]:
                model.row([(u * m + j, 1.0)], 0.0, 0.0)
    return model.solve(time_limit)
