r"""The Newton solver that Nash-MTL and FairGrad share, over many problems at once.

Both look for positive weights with ``(G a)_i = a_i^{-1/alpha}``; Nash-MTL is ``alpha = 1``. With
``G_ij = n_i n_j C_ij`` and ``a_i = lambda b_i / (n_i / n)``, n the geometric mean of the norms and
``lambda = n^{-2 / (1 + 1/alpha)}``, that is

    ``b_i (C b)_i = p_i``,  ``p_i = q_i b_i^{1 - 1/alpha}``,  ``q_i = (n_i / n)^{1/alpha - 1}``,

the optimality condition of the convex function ``1/2 b' C b - sum_i q_i phi(b_i)`` with
``phi'(b) = b^{-1/alpha}``. Newton's step is taken in relative changes u = db / b, where the
system is ``(D_b C D_b + diag(p / alpha)) u = p - b * C b``, positive definite whatever C is. Where
it helps, the step is instead Newton's on the logarithms of the equations. No solution exists
exactly when the gradients are Pareto-stationary; b then grows without bound along a vanishing
combination, and that combination is the certificate on which the solver stops.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songoku_theory.combine.problem import Problem
from songoku_theory.combine.result import Array

__all__ = ["FairSolution", "fair_newton"]

_MAX_BACKTRACKS = 40
_MAX_LOG_BACKTRACKS = 2
_STALLED = 5
_UNSOLVED = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class FairSolution:
    """Weights of the gradients, and how good they are.

    Attributes
    ----------
    weights : array, shape (N, K)
        To be masked by `kept`.
    residual : array, shape (N,)
        ``max_i |(G a)_i a_i^{1/alpha} - 1|`` over the kept tasks.
    stationary : bool array, shape (N,)
    iterations : int
        Newton systems solved.
    """

    weights: Array
    residual: Array
    stationary: Array
    iterations: int


@dataclass(slots=True, eq=False)
class _Best:
    """The best point so far of each problem; `b` is in units in which the norms' mean is 1."""

    b: Array
    residual: Array
    stationary: Array


def fair_newton(
    problem: Problem, alpha: float, tolerance: float, max_iterations: int
) -> FairSolution:
    """Solve ``(G a)_i = a_i^{-1/alpha}`` over the kept tasks.

    Newton from the solution for orthogonal gradients; where that fails, and alpha is not 1, along
    the path of solutions from alpha = 1, whose function is self-concordant.

    Parameters
    ----------
    problem : Problem
    alpha : float
        > 0.
    tolerance : float
        On the residual.
    max_iterations : int
        Of each of the two.

    Returns
    -------
    FairSolution
    """
    xp, lib = problem.xp, problem.xp.lib
    kept, zero, one = problem.kept, xp.full((), 0.0), xp.full((), 1.0)
    target = 1.0 / alpha
    with np.errstate(all="ignore"):
        log_norms = lib.where(kept, lib.log(problem.norms), zero)
        count = lib.sum(lib.where(kept, one, zero), axis=-1)
        scale = lib.sum(log_norms, axis=-1) / lib.maximum(count, one)
        centred = lib.where(kept, log_norms - scale[:, None], zero)

        start = _orthogonal_start(problem, centred, target)
        found, iterations = _newton(problem, centred, target, start, tolerance, max_iterations)
        if alpha != 1.0 and not bool(lib.all((found.residual <= tolerance) | found.stationary)):
            path, more = _follow_path(problem, centred, target, tolerance, max_iterations)
            iterations += more
            better = path.stationary | (path.residual < found.residual)
            found = _Best(
                lib.where(better[:, None], path.b, found.b),
                lib.where(better, path.residual, found.residual),
                found.stationary | path.stationary,
            )
        # Closer to stationary than four digits of the solution need: the Gram matrix, not the
        # solver, is at its end, and the best point is a combination that vanishes to 1e-5.
        energy = lib.sum(
            lib.where(kept, found.b * xp.apply(problem.cosines, found.b), zero), axis=-1
        )
        nearly = (
            energy <= 1e4 * problem.floor * lib.sum(lib.where(kept, found.b, zero), axis=-1) ** 2
        )
        stationary = found.stationary | (nearly & (found.residual > _UNSOLVED))
        factor = lib.exp(-2.0 * scale / (1.0 + target))
        weights = factor[:, None] * found.b / lib.exp(centred)
    return FairSolution(weights, found.residual, stationary, iterations)


def _orthogonal_start(problem: Problem, centred: Array, power: float) -> Array:
    """The solution for orthogonal gradients, scaled to satisfy the sum of the equations."""
    xp, lib = problem.xp, problem.xp.lib
    kept, zero, one = problem.kept, xp.full((), 0.0), xp.full((), 1.0)
    log_q = (power - 1.0) * centred
    b = lib.exp(log_q / (1.0 + power))
    total = lib.sum(lib.where(kept, b * xp.apply(problem.cosines, b), zero), axis=-1)
    square = lib.sum(lib.where(kept, b, zero), axis=-1) ** 2
    wanted = lib.sum(lib.where(kept, lib.exp(log_q) * b ** (1.0 - power), zero), axis=-1)
    ratio = wanted / lib.maximum(total, 1e-3 * square)
    ratio = lib.where(lib.isfinite(ratio) & (ratio > 0), ratio, one)
    return lib.where(kept, b * (ratio ** (1.0 / (1.0 + power)))[:, None], one)


def _follow_path(
    problem: Problem, centred: Array, target: float, tolerance: float, max_iterations: int
) -> tuple[_Best, int]:
    start = _orthogonal_start(problem, centred, 1.0)
    found, iterations = _newton(problem, centred, 1.0, start, tolerance, max_iterations)
    steps = max(1, int(np.ceil(2.0 * abs(np.log2(target)))))
    for power in np.geomspace(1.0, target, steps + 1)[1:].tolist():
        found.residual = problem.xp.full((int(found.b.shape[0]),), np.inf)
        found, more = _newton(problem, centred, power, found.b, tolerance, max_iterations, found)
        iterations += more
    return found, iterations


def _newton(
    problem: Problem,
    centred: Array,
    power: float,
    b: Array,
    tolerance: float,
    max_iterations: int,
    known: _Best | None = None,
) -> tuple[_Best, int]:
    """Newton from `b`; problems that `known` says are stationary are left alone."""
    xp, lib = problem.xp, problem.xp.lib
    kept, zero = problem.kept, xp.full((), 0.0)
    log_q = (power - 1.0) * centred
    best = _Best(b, xp.full((int(b.shape[0]),), np.inf), lib.sum(b, axis=-1) < 0)
    if known is not None:
        best.stationary = known.stationary
    iteration = stalled = 0
    while True:
        p = lib.exp(log_q + (1.0 - power) * lib.log(b))
        product = b * xp.apply(problem.cosines, b)
        residual = lib.amax(lib.where(kept, lib.abs(product / p - 1.0), zero), axis=-1)
        residual = lib.where(lib.isnan(residual), xp.full((), np.inf), residual)
        energy = lib.sum(lib.where(kept, product, zero), axis=-1)
        vanished = energy <= problem.floor * lib.sum(lib.where(kept, b, zero), axis=-1) ** 2
        best.stationary = best.stationary | (vanished & (residual > tolerance))
        better = residual < best.residual
        # Far from the solution the residual may rise before it falls; near it, rounding stops it.
        gained = (better & (residual < 0.5 * best.residual)) | (residual > 1e-4)
        best.b = lib.where(better[:, None], b, best.b)
        best.residual = lib.where(better, residual, best.residual)
        done = (best.residual <= tolerance) | best.stationary
        stalled = 0 if bool(lib.any(gained & ~done)) else stalled + 1
        if bool(lib.all(done)) or iteration >= max_iterations or stalled >= _STALLED:
            return best, iteration
        iteration += 1
        b = lib.where(done[:, None], b, _step(problem, b, product, p, power))


def _step(problem: Problem, b: Array, product: Array, p: Array, power: float) -> Array:
    """Take a logarithmic Newton step where it lowers the residual, a convex one elsewhere."""
    lib = problem.xp.lib
    kept, one = problem.kept, problem.xp.full((), 1.0)
    positive = lib.all((product > 0) | ~kept, axis=-1)
    moved, improved = _logarithmic_step(problem, b, lib.where(kept, product, one), p, power)
    settled = positive & improved
    if bool(lib.all(settled)):
        return moved
    convex = _convex_step(problem, b, product, p, power)
    return lib.where(settled[:, None], moved, lib.where(kept, convex, b))


def _logarithmic_step(
    problem: Problem, b: Array, product: Array, p: Array, power: float
) -> tuple[Array, Array]:
    """Newton on ``log((C b)_i b_i^{1/alpha} / q_i) = 0`` in ``log b``, and whether it helped."""
    xp, lib = problem.xp, problem.xp.lib
    kept, zero = problem.kept, xp.full((), 0.0)
    log_q = lib.log(p) - (1.0 - power) * lib.log(b)
    excess = lib.where(kept, lib.log(product / p), zero)
    u = -_solve_scaled(problem, b, product * power, product * excess)
    merit = lib.sum(excess * excess, axis=-1)
    largest = lib.maximum(lib.amax(lib.abs(u), axis=-1), xp.full((), 1e-300))
    t = lib.minimum(xp.full((), 1.0), 30.0 / largest)
    moved, improved = b, merit < 0
    for _ in range(_MAX_LOG_BACKTRACKS):
        trial = b * lib.exp(t[:, None] * u)
        there = lib.log(xp.apply(problem.cosines, trial)) + power * lib.log(trial) - log_q
        there = lib.where(kept, there, zero)
        accepted = (lib.sum(there * there, axis=-1) < (1.0 - 0.1 * t) * merit) & ~improved
        moved = lib.where(accepted[:, None], trial, moved)
        improved = improved | accepted
        if bool(lib.all(improved)):
            break
        t = 0.25 * t
    return moved, improved


def _solve_scaled(problem: Problem, b: Array, diagonal: Array, right: Array) -> Array:
    """Solve ``(D_b C D_b + diag(diagonal)) u = right``, scaled to a unit diagonal."""
    xp, lib = problem.xp, problem.xp.lib
    root = lib.sqrt(diagonal + b * b)
    scaled = b / root
    eye = xp.eye(int(b.shape[1]))
    system = scaled[:, :, None] * problem.cosines * scaled[:, None, :]
    system = system * (1.0 - eye) + eye
    # A problem that broke down must not take the others' linear algebra with it.
    fine = lib.isfinite(lib.sum(system, axis=(-1, -2)))[:, None]
    solved = xp.solve(
        lib.where(fine[:, :, None], system, eye),
        lib.where(fine, right / root, xp.full((), 0.0)),
    )
    return solved / root


def _convex_step(problem: Problem, b: Array, product: Array, p: Array, power: float) -> Array:
    """Newton on the convex function: ``b (1 + t u)``, t halved until its slope is not uphill.

    Slopes, not values: near the solution a difference of values is all rounding.
    """
    xp, lib = problem.xp, problem.xp.lib
    zero, one = xp.full((), 0.0), xp.full((), 1.0)
    log_q = lib.log(p) - (1.0 - power) * lib.log(b)
    u = lib.where(problem.kept, _solve_scaled(problem, b, p * power, p - product), zero)
    slope = lib.sum((product - p) * u, axis=-1)
    t = lib.minimum(one, 0.9 / lib.maximum(lib.amax(-u, axis=-1), xp.full((), 1e-300)))
    for _ in range(_MAX_BACKTRACKS):
        trial = b * (1.0 + t[:, None] * u)
        gradient = xp.apply(problem.cosines, trial) - lib.exp(log_q - power * lib.log(trial))
        uphill = lib.sum(gradient * b * u, axis=-1) > 0.5 * lib.abs(slope)
        if not bool(lib.any(uphill)):
            break
        t = lib.where(uphill, 0.5 * t, t)
    return b * (1.0 + t[:, None] * u)
