"""PCGrad: each gradient projected away from those that it conflicts with, in Gram space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory._numba import accelerated
from songoku_theory.combine.accelerate import compiled_kernels, fast_problem
from songoku_theory.combine.gram_space import GramRule, Solution, as_matrix, judge, like
from songoku_theory.combine.problem import Problem, active_indices, one_problem
from songoku_theory.combine.registry import combiner
from songoku_theory.combine.result import Active, Array, Combined, NoState, Status
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_num_tasks

__all__ = ["PCGrad", "Reduction"]

Reduction = Literal["sum", "mean"]


@combiner("pcgrad", "gram", ("scale-equivariant", "stateless"))
@dataclass(frozen=True, slots=True)
class PCGrad(GramRule):
    r"""Project conflicting gradients onto each other's normal planes (PCGrad).

    For each active task i, starting from ``h_i = g_i`` and going through the other active tasks j
    in a random order: where ``<h_i, g_j> < 0``, ``h_i <- h_i - <h_i, g_j> / ||g_j||^2 g_j``. The
    update is ``d = sum_i h_i`` (d,). Every projection is onto the *original* g_j, so each h_i is a
    combination of the g's and d is found from the Gram matrix (m, m) alone: O(m^3) whatever the
    number of parameters.

    Residual
        0: a finite procedure, nothing is optimised.
    Zero gradients
        Nothing is projected onto them, and they keep the weight 1 that the sum gives them.

    Attributes
    ----------
    reduction : {"sum", "mean"}
        ``d`` as above, or divided by m.

    Source
    ------
    Yu et al. (2020), "Gradient Surgery for Multi-Task Learning", Algorithm 1.

    Differs from
    ------------
    The official TensorFlow code shuffles the losses and drops the result, so every task meets the
    others in the order in which they were listed; it also projects h_i onto its own g_i, which the
    paper excludes, and a zero gradient makes it NaN. PyTorch ports shuffle by the process's global
    generator, and some average instead of adding. Here the order comes from the Generator that is
    passed in, or is given; without either it refuses to run.

    Examples
    --------
    Two tasks leave no choice of order:

    >>> rule = PCGrad()
    >>> gram = [[1.0, -0.5], [-0.5, 1.0]]
    >>> rule.combine(gram, rule.init(2), rng=np.random.default_rng(0)).weights
    array([1.5, 1.5])
    >>> rule.combine(gram, rule.init(2), active=(1,), rng=np.random.default_rng(0)).weights
    array([0., 1.])
    """

    reduction: Reduction = "sum"

    def __post_init__(self) -> None:
        if self.reduction not in get_args(Reduction):
            raise unknown_name("reduction", str(self.reduction), get_args(Reduction))

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
        permutations: ArrayLike | None = None,
    ) -> Combined[NoState]:
        """Return weights for the active tasks.

        Parameters
        ----------
        gram : ndarray or tensor, shape (K, K)
            Only rows and columns of active tasks are read.
        state : NoState
        active : sequence of int, optional
            m task indices; all by default.
        rng : numpy.random.Generator
            Draws the orders: ``rng.permuted(tile(sorted active tasks, (m, 1)), axis=1)``.
        permutations : array_like of int, shape (m, m), optional
            Instead of `rng`: row r is the order in which the r-th active task (in increasing order)
            meets the active tasks; its meeting with itself is skipped.

        Returns
        -------
        Combined

        Raises
        ------
        InvalidInputError
            When there is neither `rng` nor `permutations`, or both; or as ``GramCombiner.combine``.
        """
        matrix = as_matrix(gram)
        tasks = active_indices(active, matrix.shape[0] if matrix.ndim == 2 else 0)
        orders = _orders(tasks, rng, permutations)
        fast = fast_problem(matrix, tasks)
        if fast is not None:
            found = fast.kernels.project(fast.cosines, fast.norms, orders)
            if self.reduction == "mean":
                found = found / tasks.size
        else:
            problem, _ = one_problem(matrix, tasks)
            solution = self._project(problem, orders[None])
            found = solution.weights[0]
        status = Status.CONVERGED if bool(np.isfinite(found).all()) else Status.FAILED
        weights = np.zeros(matrix.shape[0])
        weights[tasks] = found if status is Status.CONVERGED else np.nan
        residual = 0.0 if status is Status.CONVERGED else np.inf
        return Combined(like(weights, matrix), state, status, residual)

    def _solve(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        """Draw each problem's orders as :meth:`combine` would; the inactive come last, unheard."""
        masks = problem.xp.host(problem.active)
        orders = np.tile(np.arange(masks.shape[1]), (masks.shape[0], masks.shape[1], 1))
        for n, mask in enumerate(masks):
            tasks = np.flatnonzero(mask)
            drawn = tasks[_orders(tasks, rng, None)]
            rest = np.tile(np.flatnonzero(~mask), (tasks.size, 1))
            orders[n, tasks] = np.concatenate([drawn, rest], axis=1)
        return self._project(problem, orders)

    def _solve_each(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        """All problems in order, whether compiled or not, so that they draw the same orders."""
        return self._solve(problem, rng)

    def _project(self, problem: Problem, orders: NDArray[np.int64]) -> Solution:
        """Run all rows of all problems through their orders side by side.

        `along[n, i, j]` is ``<h_i, e_j>`` in units of ``||g_i||``, `mix` the combination of unit
        vectors that h_i is. Tasks that are not kept are orthogonal to all, so they never conflict.
        """
        xp, lib = problem.xp, problem.xp.lib
        if xp.device is None and accelerated():
            run = compiled_kernels().project
            triples = zip(problem.cosines, problem.norms, orders, strict=True)
            return self._finish(problem, np.stack([run(*triple) for triple in triples]))
        size = int(problem.norms.shape[1])
        zero = xp.full((), 0.0)
        columns = xp.indices(np.arange(size))
        own = columns[:, None]
        order = xp.indices(orders)
        along = problem.cosines
        mix = xp.eye(size) + zero * problem.cosines
        for position in range(size):
            partner = order[:, :, position : position + 1]
            dot = xp.take(along, partner, 2)
            dot = lib.where((dot < 0) & (partner != own), dot, zero)
            along = along - dot * xp.take(problem.cosines, partner, 1)
            mix = mix - lib.where(partner == columns, dot, zero)
        mixed = lib.sum(problem.norms[:, :, None] * mix, axis=1) / problem.norms
        return self._finish(problem, mixed)

    def _finish(self, problem: Problem, mixed: Array) -> Solution:
        """Give active tasks without a gradient weight 1, inactive ones 0; add up or average."""
        xp, lib = problem.xp, problem.xp.lib
        zero, one = xp.full((), 0.0), xp.full((), 1.0)
        weights = lib.where(problem.active, lib.where(problem.kept, mixed, one), zero)
        if self.reduction == "mean":
            weights = weights / lib.sum(lib.where(problem.active, one, zero), axis=-1)[:, None]
        return judge(problem, weights, zero * weights[:, 0], 0.0)


def _orders(
    tasks: NDArray[np.int64], rng: np.random.Generator | None, permutations: ArrayLike | None
) -> NDArray[np.int64]:
    """Orders as positions within the active tasks, shape (m, m)."""
    size = tasks.size
    if (rng is None) == (permutations is None):
        raise InvalidInputError(
            "PCGrad meets the tasks in a random order: pass rng=numpy.random.default_rng(seed), or "
            "the order itself as permutations, not both."
        )
    if rng is not None:
        return rng.permuted(np.tile(np.arange(size), (size, 1)), axis=1)
    given = np.asarray(permutations)
    expected = np.tile(tasks, (size, 1))
    if given.shape != (size, size) or not np.array_equal(np.sort(given, axis=1), expected):
        raise InvalidInputError(
            f"permutations should have shape {(size, size)}, each row an order of the active tasks "
            f"{tasks.tolist()}; found shape {given.shape}."
        )
    return np.searchsorted(tasks, given).astype(np.int64)
