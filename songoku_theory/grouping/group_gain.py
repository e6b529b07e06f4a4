"""From gains between pairs to the value of a group: what formulation 8 maximises."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.grouping.problem import SetFunction

__all__ = ["PairRule", "group_gain", "higher_order_approximation", "tabulated", "task_gain"]

_TABLE_TASKS = 16  # 65,536 groups

PairRule = Literal["paper", "others", "sum"]


def task_gain(gains: ArrayLike, group: tuple[int, ...], task: int, rule: PairRule) -> float:
    """Return the gain that a group gives one of its tasks, from the gains between pairs.

    Parameters
    ----------
    gains : array_like, shape (n, n)
        ``S[i, j]`` from i to j.
    group : tuple of int
        Ascending; holds `task`.
    task : int
    rule : {"paper", "others", "sum"}
        ``"paper"``: the average over all of the group, the task itself included, as the quadratic
        form of eq. 8 has it. ``"others"``: the average over the other tasks (eq. 7 with A = G - j;
        TAG's rule); alone, the gain from itself. ``"sum"``: the sum over the other tasks.

    Returns
    -------
    float

    Raises
    ------
    UnknownNameError
        When the rule is another one.

    Source
    ------
    PTG, eq. 7 and 8; Proposition 1.

    Differs from
    ------------
    Proposition 1 is about the average. Under the summed update that its proof uses, the group's
    gain is to first order in the learning rate the *sum* of the pairwise gains.

    Examples
    --------
    >>> gains = [[0.0, 0.3, 0.0], [0.0, 0.0, 0.0], [0.0, 0.1, 0.0]]
    >>> [round(task_gain(gains, (0, 1, 2), 1, rule), 3) for rule in ("paper", "others", "sum")]
    [0.133, 0.2, 0.4]
    """
    if rule not in get_args(PairRule):
        raise unknown_name("rule", rule, get_args(PairRule))
    column = np.asarray(gains, dtype=np.float64)[:, task]
    if rule == "paper":
        return float(column[list(group)].mean())
    others = [i for i in group if i != task]
    if rule == "sum":
        return float(column[others].sum())
    return float(column[others].mean() if others else column[task])


def group_gain(gains: ArrayLike, rule: PairRule = "sum") -> SetFunction:
    """Return the set function ``G -> sum_{j in G} gain of G to j``.

    Parameters
    ----------
    gains : array_like, shape (n, n)
    rule : {"paper", "others", "sum"}
        See :func:`task_gain`. ``"paper"`` is what ``GroupingProblem(gains)`` maximises, faster.

    Returns
    -------
    callable

    Raises
    ------
    InvalidInputError
        When the gains are not a finite square matrix.

    Examples
    --------
    >>> round(group_gain([[0.0, 0.3], [0.1, 0.0]])((0, 1)), 3)
    0.4
    """
    matrix = np.array(gains, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise InvalidInputError("gains should be a finite matrix (n, n).")
    if rule not in get_args(PairRule):
        raise unknown_name("rule", rule, get_args(PairRule))

    def value(group: tuple[int, ...]) -> float:
        return sum(task_gain(matrix, group, task, rule) for task in group)

    return value


def tabulated(gains: ArrayLike, rule: PairRule = "sum") -> SetFunction:
    """Return what `group_gain` returns, computed for all groups at once where tasks are few.

    For solvers that ask for every group; the values differ by rounding only.

    Parameters
    ----------
    gains : array_like, shape (n, n)
    rule : {"paper", "others", "sum"}

    Returns
    -------
    callable

    Raises
    ------
    InvalidInputError
        When the gains are not a finite square matrix.
    UnknownNameError
        When the rule is another one.

    Examples
    --------
    >>> round(tabulated([[0.0, 0.3], [0.1, 0.0]])((0, 1)), 3)
    0.4
    """
    plain = group_gain(gains, rule)
    matrix = np.array(gains, dtype=np.float64)
    n = len(matrix)
    if n > _TABLE_TASKS:
        return plain
    inside = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.float64)
    sizes = inside.sum(axis=1)
    own = inside @ np.diag(matrix)
    whole = ((inside @ matrix) * inside).sum(axis=1)
    if rule == "paper":
        worth = whole / np.maximum(sizes, 1.0)
    elif rule == "sum":
        worth = whole - own
    else:
        worth = np.where(sizes > 1, (whole - own) / np.maximum(sizes - 1.0, 1.0), own)
    table = worth.tolist()

    def value(group: tuple[int, ...]) -> float:
        return float(table[sum(1 << i for i in group)])

    return value


def higher_order_approximation(pair_losses: ArrayLike, single_losses: ArrayLike) -> SetFunction:
    """Return the predicted loss reduction of a group from trained pairs and single tasks (HOA).

    The loss of task j in a group is predicted as the average of its losses in all pairs with the
    other tasks of the group; the value is the sum of the reductions against single tasks.

    Parameters
    ----------
    pair_losses : array_like, shape (n, n)
        ``[i, j]``: the loss of j, trained with i to the end. The diagonal is not read.
    single_losses : array_like, shape (n,)

    Returns
    -------
    callable

    Source
    ------
    Standley et al. (2020), "Which Tasks Should Be Learned Together in Multi-task Learning?".

    Examples
    --------
    >>> value = higher_order_approximation([[0, 2], [1, 0]], [4, 4])
    >>> value((0,)), value((0, 1))
    (0.0, 5.0)
    """
    pairs, single = np.array(pair_losses, dtype=float), np.array(single_losses, dtype=float)
    if pairs.shape != (single.size, single.size):
        raise InvalidInputError(
            f"pair_losses should have shape (n, n) for {single.size} single losses; found "
            f"{pairs.shape}."
        )
    reduction = single[None, :] - pairs
    np.fill_diagonal(reduction, 0.0)
    return tabulated(reduction, "others")
