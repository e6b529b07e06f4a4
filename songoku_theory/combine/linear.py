"""Sum and mean: the update that every other method is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.accelerate import FastProblem
from songoku_theory.combine.gram_space import Solution, StatelessGramRule, judge
from songoku_theory.combine.problem import Problem
from songoku_theory.combine.registry import combiner

__all__ = ["Mean", "Sum"]


def _constant(problem: Problem, per_task: bool) -> Solution:
    xp, lib = problem.xp, problem.xp.lib
    zero, one = xp.full((), 0.0), xp.full((), 1.0)
    weights = lib.where(problem.active, one, zero)
    if per_task:
        weights = weights / lib.sum(weights, axis=-1)[:, None]
    return judge(problem, weights, zero * weights[:, 0], 0.0)


@combiner(
    "sum",
    "gram",
    (
        "average-descent",
        "nonnegative",
        "scale-equivariant",
        "permutation-equivariant",
        "deterministic",
        "stateless",
    ),
)
@dataclass(frozen=True, slots=True)
class Sum(StatelessGramRule):
    """Add the active gradients: weight 1 each; what SON-GOKU does by itself.

    ``d = sum_{k in S} g_k`` (d,). The residual is always 0. Zero gradients keep their weight.

    Source
    ------
    SON-GOKU, eq. 6 (the shared update of one class).

    Examples
    --------
    >>> rule = Sum()
    >>> rule.combine(np.eye(3), rule.init(3), active=(0, 2)).weights
    array([1., 0., 1.])
    """

    def _solve(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        return _constant(problem, per_task=False)

    def _solve_fast(
        self, fast: FastProblem, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.float64], float, int] | None:
        return np.ones(fast.tasks.size), 0.0, 0


@combiner(
    "mean",
    "gram",
    (
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
class Mean(StatelessGramRule):
    """Average the active gradients: weight 1/|S| each.

    ``d = 1/|S| sum_{k in S} g_k`` (d,), so that the step's length does not grow with the class.
    The residual is always 0.

    Examples
    --------
    >>> rule = Mean()
    >>> rule.combine(np.eye(3), rule.init(3), active=(0, 2)).weights
    array([0.5, 0. , 0.5])
    """

    def _solve(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        return _constant(problem, per_task=True)

    def _solve_fast(
        self, fast: FastProblem, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.float64], float, int] | None:
        return np.full(fast.tasks.size, 1.0 / fast.tasks.size), 0.0, 0
