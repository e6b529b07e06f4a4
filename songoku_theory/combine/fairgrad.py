"""FairGrad: alpha-fair shares of the update."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.accelerate import FastProblem
from songoku_theory.combine.fair_solver import fair_newton
from songoku_theory.combine.gram_space import Solution, StatelessGramRule, judge
from songoku_theory.combine.linear import Mean
from songoku_theory.combine.problem import Problem
from songoku_theory.combine.registry import combiner
from songoku_theory.errors import InvalidInputError

__all__ = ["FairGrad", "solve_fair", "solve_fair_fast"]


def solve_fair(problem: Problem, alpha: float, tolerance: float, max_iterations: int) -> Solution:
    """Solve ``(G a)_i = a_i^{-1/alpha}``; tasks without a gradient get weight 0."""
    xp, lib = problem.xp, problem.xp.lib
    zero = xp.full((), 0.0)
    found = fair_newton(problem, alpha, tolerance, max_iterations)
    idle = lib.any(problem.active & ~problem.kept, axis=-1)
    alone = ~lib.any(problem.kept, axis=-1)
    stationary = found.stationary | alone
    silent = (~problem.kept) | stationary[:, None]
    weights = lib.where(silent, zero, found.weights)
    return judge(problem, weights, found.residual, tolerance, stationary, idle, found.iterations)


def solve_fair_fast(
    fast: FastProblem, alpha: float, tolerance: float, max_iterations: int
) -> tuple[NDArray[np.float64], float, int] | None:
    """Solve one clean problem with compiled code, or say None."""
    weights, residual, iterations, fine = fast.kernels.fair(
        fast.cosines, fast.norms, 1.0 / alpha, fast.floor, tolerance, max_iterations
    )
    return (weights, residual, iterations) if fine and residual <= tolerance else None


@combiner(
    "fairgrad",
    "gram",
    (
        "descent",
        "average-descent",
        "nonnegative",
        "scale-equivariant",
        "permutation-equivariant",
        "deterministic",
        "stateless",
    ),
)
@dataclass(frozen=True, slots=True)
class FairGrad(StatelessGramRule):
    r"""Share the update alpha-fairly (FairGrad).

    Weights a (m,) > 0 of the m active tasks with

        ``G a = a^{-1/alpha}``  (element by element),

    so that each task's gain is ``<g_k, d> = a_k^{-1/alpha} > 0`` for ``d = sum_k a_k g_k``. That is
    the maximiser of ``sum_k <g_k, d>^{1 - alpha} / (1 - alpha) - ||d||^2 / 2``: ``alpha = 1`` is
    Nash-MTL, ``alpha -> inf`` the max-min share, and ``alpha = 0`` the plain mean.

    Residual
        ``max_k |(G a)_k a_k^{1/alpha} - 1|``: the equation above, relative to its right-hand side.
    ``STATIONARY``
        No solution exists, because some combination of the active gradients with weights >= 0
        vanishes: to 1e-7 of what it adds up for a float64 Gram matrix, or to 1e-5 where the matrix
        no longer determines four digits of the solution. All weights are 0.
    ``DEGENERATE``
        A task with a zero gradient has weight 0; the equation is solved by the others.

    Attributes
    ----------
    alpha : float
        >= 0. Above 10 or below 0.2, together with norms that differ by many orders of magnitude,
        the solution itself leaves the range of float64; the status then says so.
    tolerance : float
        On the residual; > 0.
    max_iterations : int
        Of Newton's method.

    Source
    ------
    Ban and Ji (2024), "Fair Resource Allocation in Multi-Task Learning", eq. 4 and Algorithm 1.

    Differs from
    ------------
    The official code minimises ``||G a - a^{-1/alpha}||^2`` by bounded least squares from uniform
    weights and takes whatever it returns; that residual is not scale-free, and at a stationary
    point the weights solve nothing. It then multiplies the update by m and shortens it to norm 1.
    This solves the equation by Newton's method, and the update is as printed.

    Examples
    --------
    >>> rule = FairGrad(alpha=2.0)
    >>> answer = rule.combine([[4.0, 1.0], [1.0, 1.0]], rule.init(2))
    >>> answer.status.value, answer.residual < 1e-9
    ('converged', True)
    """

    alpha: float = 2.0
    tolerance: float = 1e-9
    max_iterations: int = 100

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and self.alpha >= 0):
            raise InvalidInputError(
                f"alpha should be a finite number >= 0; found {self.alpha!r}. 0 is the mean, 1 is "
                f"Nash-MTL, larger is closer to max-min."
            )
        check_solver_options(self.tolerance, self.max_iterations)

    def _solve(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        if self.alpha == 0:
            return Mean()._solve(problem, rng)
        return solve_fair(problem, self.alpha, self.tolerance, self.max_iterations)

    def _solve_fast(
        self, fast: FastProblem, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.float64], float, int] | None:
        if self.alpha == 0:
            return None
        return solve_fair_fast(fast, self.alpha, self.tolerance, self.max_iterations)


def check_solver_options(tolerance: float, max_iterations: int) -> None:
    """Check the options that iterative methods share.

    Raises
    ------
    InvalidInputError
        When the tolerance is not in (0, 1) or there are no iterations.
    """
    if not 0 < tolerance < 1:
        raise InvalidInputError(f"tolerance should lie in (0, 1); found {tolerance!r}.")
    if isinstance(max_iterations, bool) or not max_iterations >= 1:
        raise InvalidInputError(f"max_iterations should be at least 1; found {max_iterations!r}.")
