"""MGDA: the smallest vector in the hull of the gradients, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.accelerate import FastProblem
from songoku_theory.combine.gram_space import Solution, StatelessGramRule, judge
from songoku_theory.combine.min_norm import hull_weights, shortfall
from songoku_theory.combine.problem import Problem
from songoku_theory.combine.registry import combiner

__all__ = ["MGDA"]

_TOLERANCE = 1e-9


@combiner(
    "mgda",
    "gram",
    (
        "descent",
        "average-descent",
        "simplex",
        "nonnegative",
        "scale-equivariant",
        "permutation-equivariant",
        "deterministic",
        "stateless",
    ),
)
@dataclass(frozen=True, slots=True)
class MGDA(StatelessGramRule):
    r"""Take the shortest convex combination of the gradients (MGDA).

    ``min_w w' G w`` over the simplex, G (m, m) the Gram matrix of the m active tasks. The update
    ``d = sum_k w_k g_k`` satisfies ``<g_k, d> >= ||d||^2`` for every active task.

    Residual
        The duality gap ``max_k (||d||^2 - <g_k, d>)``, each task's share in units of
        ``||g_k|| min_j ||g_j||``.
    ``STATIONARY``
        ``||d|| <= floor * sum_k w_k ||g_k||``; the weights are the vanishing combination, so the
        update is zero to rounding. A task with a zero gradient is such a combination by itself.

    Source
    ------
    Desideri (2012); Sener and Koltun (2018), "Multi-Task Learning as Multi-Objective
    Optimization", eq. 3.

    Differs from
    ------------
    The official code projects gradients for at most 250 steps, to a step of 1e-5, returns nothing
    when it does not get there, and keeps the weights of two tasks within [0.001, 0.999]. It can
    normalise gradients by their norms or losses first, and then applies the weights to the losses
    as they were. TorchJD runs at most 100 Frank-Wolfe steps, down to a step of 1e-3. This solves
    the problem as printed, by active sets, to rounding.

    Examples
    --------
    >>> rule = MGDA()
    >>> answer = rule.combine([[1.0, 0.0], [0.0, 4.0]], rule.init(2))
    >>> answer.weights.round(12).tolist(), answer.status.value
    ([0.8, 0.2], 'converged')
    >>> rule.combine([[1.0, -2.0], [-2.0, 4.0]], rule.init(2)).status.value
    'stationary'
    """

    def _solve(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        xp, lib = problem.xp, problem.xp.lib
        zero, one = xp.full((), 0.0), xp.full((), 1.0)
        with np.errstate(all="ignore"):
            y, iterations = hull_weights(xp, problem.cosines, problem.norms, problem.kept)
            gap = shortfall(xp, problem.cosines, problem.norms, problem.kept, y)
            square = lib.sum(y * xp.apply(problem.cosines, y), axis=-1)
            stationary = square <= problem.floor * lib.sum(y, axis=-1) ** 2
            raw = lib.where(problem.kept, y / problem.norms, zero)
            # Tasks without a gradient are the vanishing combination.
            idle = problem.active & ~problem.kept
            some = lib.any(idle, axis=-1)
            raw = lib.where(some[:, None], lib.where(idle, one, zero), raw)
            weights = raw / lib.sum(raw, axis=-1)[:, None]
            gap = lib.where(some, zero, gap)
        return judge(
            problem, weights, gap, _TOLERANCE, stationary=stationary | some, iterations=iterations
        )

    def _solve_fast(
        self, fast: FastProblem, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.float64], float, int] | None:
        weights, gap, iterations, fine = fast.kernels.smallest(fast.cosines, fast.norms, fast.floor)
        return (weights, gap, iterations) if fine and gap <= _TOLERANCE else None
