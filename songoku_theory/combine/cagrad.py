"""CAGrad: the best worst-case improvement within a ball around the mean gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.accelerate import FastProblem
from songoku_theory.combine.cagrad_solver import solve_ball
from songoku_theory.combine.gram_space import Solution, StatelessGramRule, judge
from songoku_theory.combine.problem import Problem
from songoku_theory.combine.registry import combiner
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["CAGrad", "Rescale"]

Rescale = Literal["none", "linear", "quadratic"]
_TOLERANCE = 1e-9


@combiner(
    "cagrad",
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
class CAGrad(StatelessGramRule):
    r"""Maximise the worst task's improvement near the mean gradient (CAGrad).

    With ``g_0`` the mean of the m active gradients,

        ``max_d min_k <g_k, d>``  subject to  ``||d - g_0|| <= c ||g_0||``.

    Its dual is ``min_w <g_w, g_0> + c ||g_0|| ||g_w||`` over the simplex, ``g_w = sum_k w_k g_k``,
    and ``d = g_0 + c ||g_0|| g_w / ||g_w||``; all of it needs the Gram matrix (m, m) alone. For
    ``c < 1``, ``<g_0, d> >= (1 - c) ||g_0||^2``.

    Residual
        The largest amount by which a task's ``<g_k, d>`` falls short of the dual value, in units of
        ``||g_k|| (1 + c) ||g_0||``: the duality gap, task by task.
    ``STATIONARY``
        The dual solution is a combination that vanishes, so no direction of the ball improves every
        task. If g_0 itself vanishes the weights are those of the mean, and the update is zero to
        rounding. Otherwise the update is still the exact maximiser nearest to g_0: g_0 without the
        parts that hurt a task, and it goes on to lower the mean loss.
    ``DEGENERATE``
        A task with a zero gradient cannot be improved; it counts in the mean and is left out of the
        minimum.

    Attributes
    ----------
    c : float
        Radius of the ball relative to ``||g_0||``; >= 0. 0 gives the mean.
    rescale : {"none", "linear", "quadratic"}
        Divide the update by 1, by ``1 + c``, or by ``1 + c^2``.

    Source
    ------
    Liu et al. (2021), "Conflict-Averse Gradient Descent for Multi-task Learning", eq. 3 and 4.

    Differs from
    ------------
    The official code minimises the dual with scipy's SLSQP, adds 1e-8 under the root and to the
    norm (which decides the direction once gradients are that small), divides by ``1 + c^2`` by
    default, and multiplies the update by m. TorchJD solves a cone program and returns zero weights
    near stationary points. This solves the dual exactly by active sets and a one-dimensional
    search.

    Examples
    --------
    >>> rule = CAGrad(c=0.5)
    >>> answer = rule.combine([[1.0, 0.0], [0.0, 1.0]], rule.init(2))
    >>> answer.weights.round(12).tolist()
    [0.75, 0.75]
    """

    c: float = 0.4
    rescale: Rescale = "none"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.c) and self.c >= 0):
            raise InvalidInputError(f"c should be a finite number >= 0; found {self.c!r}.")
        if self.rescale not in get_args(Rescale):
            raise unknown_name("rescale", str(self.rescale), get_args(Rescale))

    @property
    def _divisor(self) -> float:
        return {"none": 1.0, "linear": 1.0 + self.c, "quadratic": 1.0 + self.c**2}[self.rescale]

    def _solve(self, problem: Problem, rng: np.random.Generator | None) -> Solution:
        lib = problem.xp.lib
        found = solve_ball(problem, self.c, _TOLERANCE)
        idle = lib.any(problem.active & ~problem.kept, axis=-1)
        return judge(
            problem,
            found.weights / self._divisor,
            found.residual,
            _TOLERANCE,
            found.stationary,
            idle,
            found.iterations,
        )

    def _solve_fast(
        self, fast: FastProblem, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.float64], float, int] | None:
        if self.c == 0:
            return None
        weights, residual, iterations, fine = fast.kernels.ball(
            fast.cosines, fast.norms, self.c, fast.floor, _TOLERANCE
        )
        if not fine or residual > _TOLERANCE:
            return None
        return weights / self._divisor, residual, iterations
