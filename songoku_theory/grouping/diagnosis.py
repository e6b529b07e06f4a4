"""Which constraints of a grouping problem can't be met together."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory.grouping.problem import GroupingProblem, components, slack

__all__ = ["obvious_conflict", "why_infeasible"]

_FILTERED_TASKS = 12  # the search for a least conflict solves the problem a few times


def why_infeasible(problem: GroupingProblem) -> str:
    """Say in a sentence which constraints of an infeasible problem conflict.

    First the conflicts that can be read off. Then, for few tasks, a least set of kinds of
    constraints that can't be met together: each kind is dropped if the rest is still infeasible.

    Parameters
    ----------
    problem : GroupingProblem
        Infeasible.

    Returns
    -------
    str

    Examples
    --------
    >>> gains = np.ones((4, 4))
    >>> print(why_infeasible(GroupingProblem(gains, num_groups=3, min_size=2)))
    3 groups of at least 2 tasks need 6 tasks; there are 4 and none may be in two groups
    >>> pairs = [(0, 1), (1, 2), (0, 2)]
    >>> print(why_infeasible(GroupingProblem(gains, num_groups=2, cannot_link=pairs)))
    these can't be met together: the number of groups (2), the cannot-links
    """
    found = obvious_conflict(problem)
    if found:
        return found
    if problem.num_tasks > _FILTERED_TASKS:
        return "the constraints can't be met together; no single one of them is to blame"
    kept = _least_conflict(problem)
    return f"these can't be met together: {', '.join(kept)}"


def obvious_conflict(problem: GroupingProblem) -> str:
    """Return a conflict that can be read off the problem, or nothing; never wrong, not complete."""
    for find in (_of_counts, _of_links, _of_tasks, _of_budgets):
        found = find(problem)
        if found:
            return found
    return ""


def _per_group(problem: GroupingProblem, row: NDArray[Any]) -> NDArray[Any]:
    """Return one entry a group: the entry of each, or the common one repeated."""
    return row if row.size > 1 else np.repeat(row, problem.num_groups or 1)


def _of_counts(problem: GroupingProblem) -> str:
    n, m = problem.num_tasks, problem.num_groups
    wrong = np.flatnonzero(problem.smallest > problem.largest)
    if wrong.size:
        j = int(wrong[0])
        return f"the minimum size {problem.smallest[j]} is above the maximum {problem.largest[j]}"
    if (problem.smallest > n).any():
        return f"a group of at least {problem.smallest.max()} tasks needs more than the {n} tasks"
    if m is None:
        return ""
    room = int(np.minimum(_per_group(problem, problem.largest), n).sum())
    if room < n:
        return f"{m} groups of the maximum sizes hold {room} tasks; there are {n}"
    need = int(_per_group(problem, problem.smallest).sum())
    if not problem.overlap and need > n:
        sizes = set(problem.smallest.tolist())
        each = str(sizes.pop()) if len(sizes) == 1 else "their minimum size in"
        return (
            f"{m} groups of at least {each} tasks need {need} tasks; there are {n} and none may be "
            f"in two groups"
        )
    if problem.overlap and problem.distinct and n < 60 and m > 2**n - 1:
        return f"{n} tasks have {2**n - 1} different groups; {m} distinct ones are asked for"
    return ""


def _of_links(problem: GroupingProblem) -> str:
    for tied in components(problem):
        for a, b in problem.cannot_link:
            if a in tied and b in tied:
                return f"tasks {a} and {b} can't be linked, and must-links tie them together"
        if len(tied) > problem.largest.max():
            return (
                f"must-links tie tasks {tied} together; the maximum size is {problem.largest.max()}"
            )
    return ""


def _of_tasks(problem: GroupingProblem) -> str:
    for tied in components(problem):
        costs = problem.cost[list(tied)].sum(axis=0)
        allowed = np.array([limit + slack(limit) for limit in problem.limit])
        if (costs > allowed).all():
            who = f"task {tied[0]}" if len(tied) == 1 else f"the must-linked tasks {tied}"
            return (
                f"the budget of every group is too small for {who}: cost at least "
                f"{costs.min():g}, largest limit {problem.limit.max():g}"
            )
    return ""


def _of_budgets(problem: GroupingProblem) -> str:
    if problem.num_groups is None:
        return ""
    total = float(_per_group(problem, problem.limit).sum())
    need = float(problem.cost.min(axis=1).sum())
    if need > total + problem.num_groups * slack(total):
        return f"all tasks cost at least {need:g}; the budgets add up to {total:g}"
    return ""


def _least_conflict(problem: GroupingProblem) -> list[str]:
    """Drop each kind of constraint for good if the rest still can't be met."""
    from songoku_theory.grouping.subset_dp import best_masks  # which asks here why

    none = np.zeros((problem.num_tasks, problem.num_tasks))
    current = replace(problem, gains=none, value=None)
    kinds: list[tuple[str, bool, dict[str, Any]]] = [
        ("the budgets", problem.costs is not None, {"costs": None, "limits": None}),
        ("the minimum size", bool((problem.smallest > 1).any()), {"min_size": 1}),
        ("the maximum size", bool((problem.largest < problem.num_tasks).any()), {"max_size": None}),
        ("the must-links", bool(problem.must_link), {"must_link": ()}),
        ("the cannot-links", bool(problem.cannot_link), {"cannot_link": ()}),
        ("distinct groups", problem.overlap and problem.distinct, {"distinct": False}),
        ("no overlap", not problem.overlap and problem.num_groups is not None, {"overlap": True}),
    ]
    kept: list[str] = []
    for name, present, change in kinds:
        if not present:
            continue
        without = replace(current, **change)
        if np.isfinite(best_masks(without, inf)[0]):
            kept.append(name)
        else:
            current = without
    if problem.num_groups is not None:
        kept.insert(0, f"the number of groups ({problem.num_groups})")
    return kept
