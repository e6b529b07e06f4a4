"""What the Gram-space methods share: checking, solving one or many, reporting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import accelerated
from songoku_theory.combine.accelerate import FastProblem, fast_problem, fast_slice
from songoku_theory.combine.arrays import is_tensor, namespace
from songoku_theory.combine.problem import Problem, batch_problem, one_problem, part_of
from songoku_theory.combine.result import (
    Active,
    Array,
    Combined,
    CombinedBatch,
    NoState,
    Status,
)
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_num_tasks

__all__ = ["GramRule", "Solution", "StatelessGramRule", "as_matrix", "judge", "like"]

_STATUSES = tuple(Status)
_CODE = {status: code for code, status in enumerate(_STATUSES)}
_HOPELESS = 1e-4
"""A residual above this is no answer; between the tolerance and this it is an inaccurate one."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Answers to N problems: weights (N, K), residuals (N,), codes of ``Status`` (N,)."""

    weights: Array
    residual: Array
    code: Array
    iterations: int = 0


def judge(
    problem: Problem,
    weights: Array,
    residual: Array,
    tolerance: float,
    stationary: Array | None = None,
    degenerate: Array | None = None,
    iterations: int = 0,
) -> Solution:
    """Turn weights and residuals into a solution with honest statuses.

    Parameters
    ----------
    problem : Problem
    weights : array, shape (N, K)
        Already 0 for tasks that are not active.
    residual : array, shape (N,)
    tolerance : float
    stationary, degenerate : bool array, shape (N,), optional
    iterations : int

    Returns
    -------
    Solution
    """
    xp, lib = problem.xp, problem.xp.lib
    code = xp.indices(np.zeros(int(residual.shape[0])))

    def where(condition: Array, status: Status, codes: Array) -> Array:
        return lib.where(condition, _CODE[status], codes)

    code = where(~(residual <= tolerance), Status.INACCURATE, code)
    failed = ~(residual <= _HOPELESS)
    if degenerate is not None:
        code = where(degenerate, Status.DEGENERATE, code)
    if stationary is not None:
        code = where(stationary, Status.STATIONARY, code)
        failed = failed & ~stationary
    failed = failed | ~lib.all(lib.isfinite(weights), axis=-1)
    code = where(failed, Status.FAILED, code)
    nothing = lib.where(problem.active, xp.full((), np.nan), xp.full((), 0.0))
    return Solution(lib.where(failed[:, None], nothing, weights), residual, code, iterations)


class GramRule:
    """Base of the Gram-space methods: a subclass says how to solve, this class does the rest."""

    __slots__ = ()

    def _solve(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        """Solve N problems."""
        raise TypeError(f"{type(self).__name__} should define _solve.")

    def _solve_fast(
        self, fast: FastProblem, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.float64], float, int] | None:
        """Solve one clean problem with compiled code; None leaves it to :meth:`_solve`.

        Only a converged answer may be returned, so every doubtful case is decided in one place.
        """
        return None

    def _weights(
        self, gram: Array, active: Active, rng: np.random.Generator | None
    ) -> tuple[Array, Status, float, int]:
        """Weights (K,) for one matrix, in its own library, type and device."""
        fast = fast_problem(gram, active)
        answer = None if fast is None else self._solve_fast(fast, rng)
        if fast is not None and answer is not None:
            found, residual, iterations = answer
            tasks, status = fast.tasks, Status.CONVERGED
        else:
            problem, tasks = one_problem(gram, active)
            solution = self._solve(problem, rng)
            found, residual = solution.weights[0], float(solution.residual[0])
            status, iterations = _STATUSES[int(solution.code[0])], solution.iterations
        weights = np.zeros(gram.shape[0])
        weights[tasks] = found
        return like(weights, gram), status, residual, iterations

    def _solve_each(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        """Solve N problems: one by one where compiled code can, the others together."""
        if problem.xp.device is not None or not accelerated():
            return self._solve(problem, rng)
        count, size = problem.active.shape
        weights, residual = np.zeros((count, size)), np.zeros(count)
        code = np.full(count, _CODE[Status.CONVERGED])
        left: list[int] = []
        most = 0
        for n in range(count):
            fast = fast_slice(problem, n)
            answer = None if fast is None else self._solve_fast(fast, rng)
            if fast is None or answer is None:
                left.append(n)
                continue
            weights[n, fast.tasks], residual[n] = answer[0], answer[1]
            most = max(most, answer[2])
        if left:
            rest = self._solve(part_of(problem, left), rng)
            weights[left], residual[left], code[left] = rest.weights, rest.residual, rest.code
            most = max(most, rest.iterations)
        return Solution(weights, residual, code, most)

    def combine_batch(
        self, grams: Array, active: Array = None, *, rng: np.random.Generator | None = None
    ) -> CombinedBatch:
        """Return weights for many problems at once, each as if from a fresh state.

        Parameters
        ----------
        grams : ndarray or tensor, shape (N, K, K)
            A tensor is solved on its own device, in float64; the number of iterations is decided
            on the host, so every iteration synchronises.
        active : None, sequence of int, or bool array of shape (N, K) or (K,), optional
            The same tasks for every problem, or a mask.
        rng : numpy.random.Generator, optional
            For randomised methods.

        Returns
        -------
        CombinedBatch

        Raises
        ------
        InvalidInputError
            As in ``combine``; the message names the first problem that is wrong.
        """
        grams = as_matrix(grams)
        problem = batch_problem(grams, active)
        solution = self._solve_each(problem, rng)
        codes = problem.xp.host(solution.code)
        return CombinedBatch(
            like(solution.weights, grams),
            tuple(_STATUSES[int(code)] for code in codes),
            like(solution.residual, grams),
        )


class StatelessGramRule(GramRule):
    """A Gram-space method that remembers nothing."""

    __slots__ = ()

    def init(self, num_tasks: int) -> NoState:
        """Return the (empty) state before the first step."""
        check_num_tasks(num_tasks)
        return NoState()

    def combine(
        self,
        gram: Array,
        state: NoState,
        active: Active = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Combined[NoState]:
        """Return weights for the active tasks.

        Parameters
        ----------
        gram : ndarray or tensor, shape (K, K)
            Inner products of the gradients; only rows and columns of active tasks are read.
        state : NoState
        active : sequence of int, optional
            Task indices; all by default.
        rng : numpy.random.Generator, optional
            Read by randomised methods alone.

        Returns
        -------
        Combined

        Raises
        ------
        InvalidInputError
            When the active part of `gram` is not finite or no Gram matrix, or `active` is wrong.
        """
        weights, status, residual, iterations = self._weights(as_matrix(gram), active, rng)
        return Combined(weights, state, status, residual, iterations)


def as_matrix(gram: Array) -> Array:
    """Return a tensor as it is and anything else as an array."""
    if is_tensor(gram):
        return gram
    try:
        return np.asarray(gram)
    except ValueError as error:
        raise InvalidInputError(f"a Gram matrix should be rectangular: {error}.") from error


def like(values: Array, reference: Array) -> Array:
    """Return `values` in the library, floating type and device of `reference`."""
    if not is_tensor(reference):
        kind = np.asarray(reference).dtype
        wanted = kind if kind.kind == "f" else np.dtype(np.float64)
        return np.asarray(values, dtype=wanted)
    lib = namespace(reference).lib
    wanted = reference.dtype if reference.is_floating_point() else lib.float64
    return lib.as_tensor(values, dtype=wanted, device=reference.device)
