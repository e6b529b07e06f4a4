"""How much a grouping can be worth at most, without solving for it."""

from __future__ import annotations

from math import inf, isfinite
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from songoku_theory.grouping.problem import GroupingProblem

__all__ = ["best_average_bound", "partition_bound", "upper_bound"]

Array = NDArray[np.float64]
_ROUNDING = 1e-12  # of the largest term of a bound


def upper_bound(
    problem: GroupingProblem, target: float = -inf, steps: int = 300, deadline: float = inf
) -> float:
    """Return a number that no grouping of the problem exceeds.

    Parameters
    ----------
    problem : GroupingProblem
    target : float
        The objective of a known grouping; sets the length of the steps, never the validity.
    steps : int
        Of :func:`partition_bound`.
    deadline : float
        On the clock of ``time.perf_counter``.

    Returns
    -------
    float
        inf for a user's set function, of which nothing is known. With overlap, m times the largest
        possible value of one group; otherwise the smaller of :func:`best_average_bound` and
        :func:`partition_bound`. Budgets, links and minimum sizes only enter where these say so.
    """
    gains = problem.symmetric_gains
    if gains is None:
        return inf
    largest = _largest_size(problem)
    if problem.overlap:
        assert problem.num_groups is not None
        top = float(eigh(gains, eigvals_only=True, subset_by_index=[len(gains) - 1] * 2)[0])
        rows = _row_sums(gains)[:, :largest].max(axis=1)
        one = min(top, float(rows.max()))
        return problem.num_groups * one + _ROUNDING * problem.num_groups * _scale(gains)
    simple = best_average_bound(problem)
    return min(simple, partition_bound(problem, target, steps, deadline))


def best_average_bound(problem: GroupingProblem) -> float:
    """Return the sum over tasks of the best share that a task can have in a partition.

    The objective is ``sum_i (1 / |G|) sum_{k in G} S_ik``, G the group of i; a group of s tasks
    gives task i at most ``(S_ii + the s - 1 largest of its other gains) / s``.

    Examples
    --------
    >>> round(best_average_bound(GroupingProblem([[1, 3, 0], [3, 1, 0], [0, 0, 1]])), 9)
    5.0
    """
    gains = problem.symmetric_gains
    if gains is None:
        return inf
    n, low = len(gains), int(problem.smallest.min())
    shares = _row_sums(gains) / np.arange(1, n + 1)
    allowed = shares[:, low - 1 : _largest_size(problem)]
    if not allowed.shape[1]:
        return inf  # infeasible, which others find out
    return float(allowed.max(axis=1).sum()) + _ROUNDING * _scale(gains)


def partition_bound(
    problem: GroupingProblem, target: float = -inf, steps: int = 300, deadline: float = inf
) -> float:
    r"""Return the dual bound of the semidefinite relaxation, approached from above.

    The objective is ``<S, W>``, ``W[i, k] = 1 / |G|`` for i, k in one group G. W has ``W 1 = 1``,
    eigenvalues in [0, 1], trace m, no negative entry, and a diagonal between ``1 / max_size`` and
    ``1 / min_size``. So for any ``N >= 0`` off the diagonal and any d on it, the objective is at
    most ``1^T A 1 / n + (sum of the m - 1 largest eigenvalues of A on the complement of 1) -
    sum_i min(d_i W_ii)``, A = S + N + diag(d); for any number of groups the eigenvalues that are
    positive. A cannot-linked pair has W = 0, so its N may have any sign.

    Every (N, d) gives a valid bound; subgradient steps of Polyak's length lower it.

    Parameters
    ----------
    problem : GroupingProblem
        With gains, without overlap.
    target, steps, deadline
        As for :func:`upper_bound`.

    Returns
    -------
    float

    Source
    ------
    Zha et al. (2001) for N = 0, d = 0 (spectral relaxation of k-means); Peng and Wei (2007) for the
    semidefinite program whose dual this is. Not in the PTG paper.
    """
    gains = problem.symmetric_gains
    if gains is None:
        return inf
    n, m = len(gains), problem.num_groups
    if n == 1 or (m is not None and m > n):
        return inf if m is not None and m > n else float(gains[0, 0])
    small, large = 1.0 / _largest_size(problem), 1.0 / int(problem.smallest.min())
    free = np.zeros((n, n), dtype=bool)
    for a, b in problem.cannot_link:
        free[a, b] = free[b, a] = True
    centred = np.eye(n) - 1.0 / n
    extra = np.zeros((n, n))
    best, scale = inf, _scale(gains)
    for step in range(max(1, steps)):
        matrix = gains + extra
        diagonal = np.diag(extra)
        projected = centred @ matrix @ centred
        # The vector of ones has eigenvalue 0; move it away from those that are chosen.
        shift = 1.0 + 2.0 * float(np.abs(projected).sum(axis=1).max())
        values, vectors = eigh(projected - shift / n)
        chosen = values > 0.0 if m is None else np.arange(n) >= n - (m - 1)
        vectors = vectors[:, chosen]
        lower = np.where(diagonal > 0, small, large)
        bound = matrix.sum() / n + values[chosen].sum() - float(diagonal @ lower)
        best = min(best, float(bound) + _ROUNDING * (scale + float(np.abs(extra).sum())))
        if step == steps - 1 or perf_counter() > deadline or not isfinite(target):
            break
        slope = vectors @ vectors.T + 1.0 / n
        np.fill_diagonal(slope, np.diag(slope) - lower)
        # Where N is 0 already and the slope would lower it, nothing moves.
        slope[(extra <= 0) & (slope > 0) & ~free & ~np.eye(n, dtype=bool)] = 0.0
        length = float((slope**2).sum())
        if length <= 1e-18 or bound <= target:
            break
        extra = extra - (bound - target) / length * slope
        off = ~free & ~np.eye(n, dtype=bool)
        extra[off] = np.maximum(extra[off], 0.0)
    return best


def _row_sums(gains: Array) -> Array:
    """Return S_ii plus the s - 1 largest other gains of each task, for s = 1 to n."""
    n = len(gains)
    others = gains[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    falling = -np.sort(-others, axis=1)
    return np.cumsum(np.hstack([np.diag(gains)[:, None], falling]), axis=1)


def _largest_size(problem: GroupingProblem) -> int:
    """Return the most tasks that a group can have."""
    most = min(int(problem.largest.max()), problem.num_tasks)
    if problem.num_groups is not None and not problem.overlap:
        others = (problem.num_groups - 1) * int(problem.smallest.min())
        most = min(most, problem.num_tasks - others)
    return max(1, most)


def _scale(gains: Array) -> float:
    return float(np.abs(gains).sum())
