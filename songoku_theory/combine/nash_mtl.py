"""Nash-MTL: the bargaining solution, by Newton's method."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.accelerate import FastProblem
from songoku_theory.combine.arrays import namespace
from songoku_theory.combine.fairgrad import check_solver_options, solve_fair, solve_fair_fast
from songoku_theory.combine.gram_space import GramRule, Solution, as_matrix, like
from songoku_theory.combine.problem import Problem, active_indices, batch_problem, one_problem
from songoku_theory.combine.registry import combiner
from songoku_theory.combine.result import Active, Array, Combined, CombinedBatch, Status
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_num_tasks, check_period

__all__ = ["NashMTL", "NashState"]


@dataclass(frozen=True, slots=True, eq=False)
class NashState:
    """What Nash-MTL keeps for each task.

    Attributes
    ----------
    weights : ndarray, shape (K,)
        Of the last solve that the task took part in, before any clipping; 0 before the first.
    age : ndarray of int, shape (K,)
        Updates of the task since that solve, itself included; 0 before the first.
    """

    weights: NDArray[np.float64]
    age: NDArray[np.int64]


@combiner(
    "nash_mtl",
    "gram",
    (
        "descent",
        "average-descent",
        "nonnegative",
        "scale-equivariant",
        "task-scale-invariant",
        "permutation-equivariant",
        "deterministic",
        "stateless",
    ),
)
@dataclass(frozen=True, slots=True)
class NashMTL(GramRule):
    r"""Let the tasks bargain over the update (Nash-MTL).

    Weights a (m,) > 0 of the m active tasks with

        ``a_k (G a)_k = 1``  for every k,

    the minimiser of the self-concordant ``1/2 a' G a - sum_k log a_k`` and the Nash bargaining
    solution ``max_d sum_k log <g_k, d>`` up to length. The update ``d = sum_k a_k g_k`` has
    ``<g_k, d> = 1 / a_k > 0`` and ``||d||^2 = m``, and does not change when any one gradient is
    multiplied by a positive number.

    Residual
        ``max_k |a_k (G a)_k - 1|``; for reused weights, at the best common factor of them.
    ``STATIONARY``, ``DEGENERATE``
        As in :class:`~songoku_theory.combine.FairGrad`: weights 0, and weight 0 for zero gradients.

    Attributes
    ----------
    update_every : int
        Solve anew only when a task of the active set has run this often since its last solve, or
        never took part in one; otherwise its stored weights are used again (status ``REUSED``).
        1, the default, solves at every step and makes the method stateless.
    max_norm : float or None
        Longest update allowed; a longer one is shortened to it. None, the default, allows all.
    tolerance : float
        On the residual; > 0.
    max_iterations : int
        Of Newton's method.

    Source
    ------
    Navon et al. (2022), "Multi-Task Learning as a Bargaining Game", Claim 3.1 and Algorithm 1.

    Differs from
    ------------
    The official code linearises the concave part and runs up to 20 convex programs (ECOS), stops at
    a residual of 1e-3, divides G by its Frobenius norm (so its weights carry that factor), keeps
    the previous weights when the solver fails, and by default shortens updates to norm 1. This
    solves the equation itself to 1e-9, in the units of G, says when it fails, and stores weights
    task by task, so that a task that did not run keeps its own.

    Examples
    --------
    >>> rule = NashMTL()
    >>> answer = rule.combine([[4.0, 0.0], [0.0, 0.25]], rule.init(2))
    >>> answer.weights.round(9).tolist()
    [0.5, 2.0]
    """

    update_every: int = 1
    max_norm: float | None = None
    tolerance: float = 1e-9
    max_iterations: int = 100

    def __post_init__(self) -> None:
        check_period(self.update_every, "update_every")
        if self.max_norm is not None and not (math.isfinite(self.max_norm) and self.max_norm > 0):
            raise InvalidInputError(f"max_norm should be > 0 or None; found {self.max_norm!r}.")
        check_solver_options(self.tolerance, self.max_iterations)

    def init(self, num_tasks: int) -> NashState:
        """Return the state before the first step: nobody has weights."""
        check_num_tasks(num_tasks)
        return NashState(np.zeros(num_tasks), np.zeros(num_tasks, dtype=np.int64))

    def combine(
        self,
        gram: Array,
        state: NashState,
        active: Active = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Combined[NashState]:
        """Return weights for the active tasks; see the class and ``GramCombiner.combine``.

        Raises
        ------
        InvalidInputError
            When `gram`, `active` or the state's size is wrong.
        """
        matrix = as_matrix(gram)
        if matrix.ndim != 2 or state.weights.shape != (matrix.shape[0],):
            raise InvalidInputError(
                f"the state is of {state.weights.shape[0]} tasks; the Gram matrix has shape "
                f"{tuple(matrix.shape)}. Make a state with init(num_tasks)."
            )
        tasks = active_indices(active, state.weights.shape[0])
        ages = state.age[tasks]
        if self.update_every > 1 and bool(((ages >= 1) & (ages < self.update_every)).all()):
            return self._reuse(matrix, state, tasks)
        weights, status, residual, iterations = self._weights(matrix, active, rng)
        if status is Status.FAILED:
            return Combined(weights, state, status, residual, iterations)
        solved = namespace(weights).host(weights)
        stored, age = state.weights.copy(), state.age.copy()
        stored[tasks] = solved[tasks]
        # Weights of zero are no bargain worth keeping: solve again at the next step.
        age[tasks] = 0 if status is Status.STATIONARY else 1
        if self.max_norm is not None:
            weights = weights * self._factor(matrix, solved, tasks)
        return Combined(weights, NashState(stored, age), status, residual, iterations)

    def combine_batch(
        self, grams: Array, active: Array = None, *, rng: np.random.Generator | None = None
    ) -> CombinedBatch:
        """Return weights for many problems at once; see ``GramRule.combine_batch``."""
        batch = GramRule.combine_batch(self, grams, active, rng=rng)
        if self.max_norm is None:
            return batch
        problem = batch_problem(grams, active)
        xp, lib = problem.xp, problem.xp.lib
        scaled = xp.asarray(batch.weights) * problem.norms
        squares = lib.sum(scaled * xp.apply(problem.cosines, scaled), axis=-1)
        factor = self.max_norm / lib.sqrt(lib.maximum(squares, xp.full((), self.max_norm**2)))
        return CombinedBatch(
            like(xp.asarray(batch.weights) * factor[:, None], batch.weights),
            batch.status,
            batch.residual,
        )

    def _solve(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        return solve_fair(problem, 1.0, self.tolerance, self.max_iterations)

    def _solve_fast(
        self, fast: FastProblem, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.float64], float, int] | None:
        return solve_fair_fast(fast, 1.0, self.tolerance, self.max_iterations)

    def _reuse(
        self, gram: Array, state: NashState, tasks: NDArray[np.int64]
    ) -> Combined[NashState]:
        """Use stored weights once more, and measure how well they still fit."""
        problem, _ = one_problem(gram, tasks)
        chosen = np.zeros_like(state.weights)
        chosen[tasks] = state.weights[tasks]
        scaled = chosen[tasks] * problem.norms[0]
        shares = scaled * (problem.cosines[0] @ scaled)
        mean = float(shares.mean())
        residual = float(np.abs(shares / mean - 1.0).max()) if mean > 0 else math.inf
        age = state.age.copy()
        age[tasks] += 1
        factor = 1.0 if self.max_norm is None else self._factor(gram, chosen, tasks)
        weights = like(chosen * factor, gram)
        return Combined(weights, NashState(state.weights, age), Status.REUSED, residual)

    def _factor(self, gram: Array, weights: NDArray[np.float64], tasks: NDArray[np.int64]) -> float:
        """By how much to shorten the update so that it is no longer than `max_norm`."""
        problem, _ = one_problem(gram, tasks)
        scaled = weights[tasks] * problem.norms[0]
        norm = math.sqrt(max(0.0, float(scaled @ problem.cosines[0] @ scaled)))
        limit = math.inf if self.max_norm is None else self.max_norm
        return limit / norm if norm > limit else 1.0
