"""Appendix D in multiply-adds: what a refresh takes, what a sketch takes, and when it takes less.

A multiply-add is one product of two numbers that is added to a sum. Each inner product of two rows
is counted once (a Gram matrix is symmetric), so the exact Gram matrix takes ``K (K + 1) / 2 d``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_num_tasks, check_period

__all__ = [
    "RefreshCost",
    "amortised_operations",
    "frequent_directions_break_even",
    "frequent_directions_operations",
    "gram_operations",
    "negligible_dim",
    "projection_break_even",
    "projection_operations",
    "refresh_cost",
]


@dataclass(frozen=True, slots=True)
class RefreshCost:
    """Operations of one refresh, by stage.

    Attributes
    ----------
    averages : int
        ``2 K d``: one multiply-add and one multiplication on each coordinate (eq. 65). The paper
        counts it at the refresh; Algorithm 1 does it at every step, for the active tasks.
    products : int
        ``K (K + 1) / 2 d``, the norms among them (eq. 66).
    threshold : int
        ``K (K - 1) / 2`` comparisons.
    coloring : int
        ``K^2`` at most.
    """

    averages: int
    products: int
    threshold: int
    coloring: int

    @property
    def total(self) -> int:
        """Their sum."""
        return self.averages + self.products + self.threshold + self.coloring


def gram_operations(num_tasks: int, dim: int) -> int:
    """Return the multiply-adds of an exact Gram matrix.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Examples
    --------
    >>> gram_operations(40, 1024)
    839680
    """
    check_num_tasks(num_tasks)
    check_period(dim, "dim")
    return num_tasks * (num_tasks + 1) // 2 * dim


def refresh_cost(num_tasks: int, dim: int) -> RefreshCost:
    """Return what one refresh takes.

    Parameters
    ----------
    num_tasks : int
        K.
    dim : int
        d.

    Returns
    -------
    RefreshCost

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    SON-GOKU, Proposition 5, eq. 67.

    Examples
    --------
    >>> cost = refresh_cost(40, 1024)
    >>> cost.total, round(cost.products / cost.total, 2)
    (923980, 0.91)
    """
    return RefreshCost(
        averages=2 * num_tasks * dim,
        products=gram_operations(num_tasks, dim),
        threshold=num_tasks * (num_tasks - 1) // 2,
        coloring=num_tasks**2,
    )


def amortised_operations(num_tasks: int, dim: int, refresh_period: int, active: float) -> float:
    """Return the scheduler's operations a step: averages of the active tasks, and a share of R.

    Parameters
    ----------
    num_tasks : int
        K.
    dim : int
        d.
    refresh_period : int
        R, in steps.
    active : float
        Tasks that run at a step on average, in (0, K].

    Returns
    -------
    float
        ``2 active d + (products + threshold + coloring) / R``. For ``R -> inf`` it does not go to
        0: the averages are taken at each step.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    SON-GOKU, eq. 69-70, with the averages where Algorithm 1 has them (lines 16-19).

    Examples
    --------
    >>> round(amortised_operations(40, 1024, refresh_period=32, active=8))
    42698
    """
    check_period(refresh_period)
    if not 0 < active <= num_tasks:
        raise InvalidInputError(f"active should lie in (0, {num_tasks}]; found {active!r}.")
    cost = refresh_cost(num_tasks, dim)
    return 2.0 * active * dim + (cost.total - cost.averages) / refresh_period


def projection_operations(num_tasks: int, dim: int, size: int, sparse: bool = False) -> int:
    """Return the multiply-adds of a Gram matrix by random projection.

    Parameters
    ----------
    num_tasks, dim : int
        K and d.
    size : int
        r.
    sparse : bool, default False
        One sign a coordinate (``K d``) in place of a dense matrix (``K d r``).

    Returns
    -------
    int

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    SON-GOKU, appendix D.5.1: ``O(K d r + K^2 r)``.

    Examples
    --------
    >>> projection_operations(40, 1024, 64) > gram_operations(40, 1024)
    True
    >>> projection_operations(40, 1024, 64, sparse=True) < gram_operations(40, 1024)
    True
    """
    check_period(size, "size")
    rows = num_tasks * dim if sparse else num_tasks * dim * size
    return rows + gram_operations(num_tasks, size)


def projection_break_even(num_tasks: int, dim: int) -> int:
    """Return the largest r at which a dense projection takes less than the exact Gram matrix.

    ``K d r + K (K+1) r / 2 < K (K+1) d / 2`` means ``r < (K+1) d / (2 d + K + 1)``, which is below
    ``(K + 1) / 2`` whatever d is. Johnson and Lindenstrauss's r grows like ``log K / epsilon^2``.

    Parameters
    ----------
    num_tasks, dim : int
        K and d.

    Returns
    -------
    int
        0 if there is none.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Examples
    --------
    >>> [projection_break_even(k, 10**6) for k in (3, 16, 40, 1000)]
    [1, 8, 20, 500]
    """
    check_num_tasks(num_tasks)
    check_period(dim, "dim")
    bound = (num_tasks + 1) * dim / (2 * dim + num_tasks + 1)
    return max(0, math.ceil(bound) - 1)


def frequent_directions_operations(num_tasks: int, dim: int, size: int) -> int:
    """Return the multiply-adds of a Gram matrix by Frequent Directions on the rows.

    A shrinking of n rows takes ``n (n + 1) / 2 d`` for their products and ``l n d`` for the new
    rows; it leaves l - 1 rows, and there is one each time that 2 l rows are held, and one at the
    end. Then the K rows are projected on l - 1 directions: about ``5 K d l`` in all.

    Parameters
    ----------
    num_tasks, dim : int
        K and d.
    size : int
        l; from K on nothing is sketched.

    Returns
    -------
    int

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    Ours, with the constants of `songoku_theory.sketch.gram_from_rows`, for the paper's
    ``O(K d l + K^2 l)`` (appendix D.5.2).

    Examples
    --------
    >>> frequent_directions_operations(40, 1024, 4) < gram_operations(40, 1024)
    True
    >>> frequent_directions_operations(40, 1024, 8) < gram_operations(40, 1024)
    False
    """
    check_period(size, "size")
    if size >= num_tasks:
        return gram_operations(num_tasks, dim)
    rows, held, left = 0, 0, num_tasks
    while left:
        taken = min(left, 2 * size - held)
        held, left = held + taken, left - taken
        if held == 2 * size or (not left and held > size):
            rows += held * (held + 1) // 2 + size * held
            held = size - 1
    rank = min(held, size)
    return (rows + num_tasks * rank) * dim + num_tasks * (num_tasks + 1) // 2 * rank


def frequent_directions_break_even(num_tasks: int, dim: int = 10**6) -> int:
    """Return the largest l at which sketching the rows takes less than the exact Gram matrix.

    Parameters
    ----------
    num_tasks : int
        K.
    dim : int, default 1,000,000
        d; it hardly matters.

    Returns
    -------
    int
        0 if there is none; about K / 10.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Examples
    --------
    >>> [frequent_directions_break_even(k) for k in (3, 16, 40, 1000)]
    [0, 2, 5, 107]
    """
    check_num_tasks(num_tasks)
    exact = gram_operations(num_tasks, dim)
    found = 0
    for size in range(1, num_tasks):
        if frequent_directions_operations(num_tasks, dim, size) < exact:
            found = size
    return found


def negligible_dim(num_tasks: int, backward_cost: float, share: float, ratio: float = 1.0) -> float:
    """Return the largest d at which the scheduler is negligible beside the probe gradients.

    Parameters
    ----------
    num_tasks : int
        K.
    backward_cost : float
        G > 0, one task's backward pass, in the units that ``ratio`` is in.
    share : float
        epsilon in (0, 1).
    ratio : float, default 1
        b / a > 0, the paper's platform constants.

    Returns
    -------
    float
        ``(b / a) epsilon G / K``.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    SON-GOKU, eq. 71-73.

    Differs from
    ------------
    The paper takes G as given; it is at least the size of its own output, d numbers, so with
    ``G = g d`` the condition says ``K <= (b / a) epsilon g``: d drops out.

    Examples
    --------
    >>> negligible_dim(40, backward_cost=4e6, share=0.01)
    1000.0
    """
    check_num_tasks(num_tasks)
    for name, value in (("backward_cost", backward_cost), ("ratio", ratio)):
        if not (math.isfinite(value) and value > 0):
            raise InvalidInputError(f"{name} should be a finite number > 0; found {value!r}.")
    if not 0 < share < 1:
        raise InvalidInputError(f"share should lie in (0, 1); found {share!r}.")
    return ratio * share * backward_cost / num_tasks
