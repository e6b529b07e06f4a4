"""Tables over all groups of few tasks; a group is a bit mask, bit i for task i."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory.grouping.problem import GroupingProblem, group_value, slack

__all__ = ["Table", "allowed_values", "members", "sizes", "subset_sums", "superset_max", "values"]

Table = NDArray[np.float64]


def members(mask: int) -> tuple[int, ...]:
    """Return the tasks of a group, ascending.

    Examples
    --------
    >>> members(0b1011)
    (0, 1, 3)
    """
    return tuple(i for i in range(int(mask).bit_length()) if int(mask) >> i & 1)


def subset_sums(weights: NDArray[np.float64]) -> Table:
    """Return the sum of the weights of each group, shape (2^n,).

    Examples
    --------
    >>> subset_sums(np.array([1.0, 10.0]))
    array([ 0.,  1., 10., 11.])
    """
    sums = np.zeros(1)
    for weight in weights:
        sums = np.concatenate([sums, sums + weight])
    return sums


def sizes(num_tasks: int) -> NDArray[np.int64]:
    """Return how many tasks each group has, shape (2^n,)."""
    return np.bitwise_count(np.arange(1 << num_tasks, dtype=np.uint64)).astype(np.int64)


def values(problem: GroupingProblem) -> Table:
    """Return the value of every group, shape (2^n,); that of the empty one is -inf."""
    num_tasks = problem.num_tasks
    if problem.symmetric_gains is None:
        found = [-np.inf, *(group_value(problem, members(g)) for g in range(1, 1 << num_tasks))]
        return np.array(found)
    pairs = np.zeros(1)
    for i in range(num_tasks):
        row = 2.0 * subset_sums(problem.symmetric_gains[i, :i])
        pairs = np.concatenate([pairs, pairs + row + problem.symmetric_gains[i, i]])
    counts = sizes(num_tasks)
    counts[0] = 1
    pairs /= counts
    pairs[0] = -np.inf
    return pairs


def allowed_values(problem: GroupingProblem) -> list[Table]:
    """Return, for each kind of group, the value of every group, -inf where it is not allowed.

    Returns
    -------
    list of ndarray, each of shape (2^n,)
        One table where all groups are alike, otherwise one a group.
    """
    worth, counts = values(problem), sizes(problem.num_tasks)
    masks = np.arange(worth.size)
    for a, b in problem.must_link:
        worth[(masks >> a & 1) != (masks >> b & 1)] = -np.inf
    for a, b in problem.cannot_link:
        worth[(masks >> a & masks >> b & 1) == 1] = -np.inf
    found = []
    for c, limit in enumerate(problem.limit):
        table = worth.copy() if problem.identities else worth
        table[(counts < problem.smallest[c]) | (counts > problem.largest[c])] = -np.inf
        if np.isfinite(limit):
            table[subset_sums(problem.cost[:, c]) > limit + slack(limit)] = -np.inf
        elif limit < 0:
            table[:] = -np.inf
        found.append(table)
    return found


def superset_max(table: Table) -> tuple[Table, NDArray[np.int64]]:
    """Return the best value among the groups that hold a group, and which one has it.

    Examples
    --------
    >>> superset_max(np.array([-np.inf, 1.0, 5.0, 2.0]))
    (array([5., 2., 5., 2.]), array([2, 3, 2, 3]))
    """
    best, which = table.copy(), np.arange(table.size)
    step = 1
    while step < table.size:
        pairs, names = best.reshape(-1, 2, step), which.reshape(-1, 2, step)
        better = pairs[:, 1] > pairs[:, 0]
        pairs[:, 0][better] = pairs[:, 1][better]
        names[:, 0][better] = names[:, 1][better]
        step *= 2
    return best, which
