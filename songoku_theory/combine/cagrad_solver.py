r"""CAGrad's dual, over many problems at once.

In units of ``||g_0||``, with ``n_i`` the norms and ``h_i`` the cosine of g_i with g_0, the dual
``min_w <g_w, g_0> + c ||g_w||`` is ``min_s min_w 1/2 ||g_w + s g_0||^2`` up to terms in s alone,
where the outer variable must satisfy ``s = ||g_w|| / c``. For a given s the inner problem is the
smallest vector in the hull of the shifted gradients ``g_i + s g_0``, solved exactly; in s the
outer function is convex, so the sign of ``||g_w|| / c - s`` brackets its root. On one support the
root is that of a quadratic, and trying that first ends the search in a step or two. When some
combination of the gradients vanishes the root is s = 0 and the primal solution is its limit: g_0
plus the smallest combination in their cone that leaves no task worse off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songoku_theory.combine.min_norm import hull_weights, nonnegative_qp
from songoku_theory.combine.problem import Problem
from songoku_theory.combine.result import Array

__all__ = ["BallSolution", "solve_ball"]

_MAX_STEPS = 80
_REGULAR = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class BallSolution:
    """Weights (N, K), scale-free duality gaps (N,), which are stationary (N,), systems solved."""

    weights: Array
    residual: Array
    stationary: Array
    iterations: int


def solve_ball(problem: Problem, c: float, tolerance: float) -> BallSolution:
    """Solve ``max_d min_k <g_k, d>`` over the ball of radius ``c ||g_0||`` around g_0.

    Parameters
    ----------
    problem : Problem
    c : float
        >= 0.
    tolerance : float
        On the residual.

    Returns
    -------
    BallSolution
    """
    xp, lib = problem.xp, problem.xp.lib
    kept, cosines = problem.kept, problem.cosines
    zero, one = xp.full((), 0.0), xp.full((), 1.0)
    with np.errstate(all="ignore"):
        mean = lib.where(problem.active, one, zero)
        mean = mean / lib.sum(mean, axis=-1)[:, None]
        share = lib.where(kept, mean * problem.norms, zero)
        aligned = xp.apply(cosines, share)
        square = lib.sum(share * aligned, axis=-1)
        centred = square <= problem.floor * lib.sum(share, axis=-1) ** 2
        length = lib.sqrt(lib.where(centred, one, square))
        nothing = zero * square
        if c == 0 or bool(lib.all(centred)):
            return BallSolution(mean, nothing, centred, 0)

        norms = lib.where(kept, problem.norms / length[:, None], one)
        heads = lib.where(kept & ~centred[:, None], aligned / length[:, None], zero)
        dual = _search(problem, norms, heads, c, tolerance, centred)
        weights = mean + lib.where(kept, dual.mix / norms, zero)
        residual = dual.residual
        iterations = dual.iterations
        vanished = dual.vanished & ~centred
        if bool(lib.any(vanished)):
            cone, gap, more = _cone(problem, heads, c)
            weights = lib.where(
                vanished[:, None], mean + lib.where(kept, cone / norms, zero), weights
            )
            residual = lib.where(vanished, gap, residual)
            iterations += more
        weights = lib.where(centred[:, None], mean, weights)
        residual = lib.where(centred, nothing, residual)
    return BallSolution(weights, residual, centred | vanished, iterations)


@dataclass(frozen=True, slots=True, eq=False)
class _Dual:
    """``mix`` (N, K): what to add to g_0, as a combination of unit vectors in units of ||g_0||."""

    mix: Array
    residual: Array
    vanished: Array
    iterations: int


def _search(
    problem: Problem, norms: Array, heads: Array, c: float, tolerance: float, skip: Array
) -> _Dual:
    """Find the root in s, keeping for each problem the mixture with the smallest gap."""
    xp, lib = problem.xp, problem.xp.lib
    kept, cosines = problem.kept, problem.cosines
    zero, one, infinite = xp.full((), 0.0), xp.full((), 1.0), xp.full((), np.inf)
    count = int(norms.shape[0])
    s = xp.full((count,), 1.0 / c)
    low, high = xp.full((count,), 0.0), xp.full((count,), np.inf)
    best = zero * norms
    best_gap = xp.full((count,), np.inf)
    vanished = skip
    iterations = 0
    for _ in range(_MAX_STEPS):
        shift = lib.where(kept, s[:, None] / norms, zero)
        shifted = (
            cosines + shift[:, :, None] * heads[:, None, :] + heads[:, :, None] * shift[:, None, :]
        )
        shifted = shifted + shift[:, :, None] * shift[:, None, :]
        factor = lib.sqrt(
            lib.maximum(1.0 + 2.0 * shift * heads + shift * shift, xp.full((), 1e-30))
        )
        factor = lib.where(kept, factor, one)
        shifted = lib.clip(shifted / factor[:, :, None] / factor[:, None, :], -1.0, 1.0)
        y, solved = hull_weights(xp, shifted, norms * factor, kept)
        iterations += solved
        simplex = lib.where(kept, y / (norms * factor), zero)
        unit = simplex / lib.sum(simplex, axis=-1)[:, None] * norms
        product = xp.apply(cosines, unit)
        square = lib.sum(unit * product, axis=-1)
        vanished = vanished | (square <= problem.floor * lib.sum(unit, axis=-1) ** 2)
        size = lib.sqrt(lib.where(square > 0, square, one))
        mix = c * unit / size[:, None]
        gap = _gap(problem, norms, heads, mix, unit, c)
        better = gap < best_gap
        best = lib.where(better[:, None], mix, best)
        best_gap = lib.where(better, gap, best_gap)
        done = vanished | (best_gap <= tolerance * 1e-3)
        if bool(lib.all(done)):
            break
        rising = size / c > s
        low = lib.where(rising, s, low)
        high = lib.where(rising, high, s)
        exact = _root_on_support(problem, norms, heads, simplex > 0, c)
        inside = lib.isfinite(exact) & (exact > low) & (exact < high)
        outward = lib.where(high < infinite, 0.125 * high, 8.0 * low)
        middle = lib.where((low > 0) & (high < infinite), lib.sqrt(low) * lib.sqrt(high), outward)
        step = lib.where(inside, exact, middle)
        if bool(lib.all(done | (step == s))):
            break
        s = lib.where(done, s, step)
    return _Dual(best, best_gap, vanished, iterations)


def _root_on_support(
    problem: Problem, norms: Array, heads: Array, support: Array, c: float
) -> Array:
    """The s at which ``||g_w|| = c s`` if the support stays as it is.

    There ``v = w / s`` solves ``C v = mu / n - h`` with ``||v|| = c``: a quadratic in mu.
    """
    xp, lib = problem.xp, problem.xp.lib
    zero = xp.full((), 0.0)
    both = support[:, :, None] & support[:, None, :]
    eye = xp.eye(int(norms.shape[1]))
    system = lib.where(both, problem.cosines, zero) + eye * (~support)[:, :, None] + _REGULAR * eye
    iota = lib.where(support, 1.0 / norms, zero)
    head = lib.where(support, heads, zero)
    p, r = xp.solve(system, iota), xp.solve(system, head)
    a, b = lib.sum(iota * p, axis=-1), lib.sum(iota * r, axis=-1)
    return 1.0 / lib.sqrt(b * b - a * (lib.sum(head * r, axis=-1) - c * c))


def _gap(problem: Problem, norms: Array, heads: Array, mix: Array, unit: Array, c: float) -> Array:
    """How far the worst task falls short of the dual value of the simplex weights in `unit`."""
    xp, lib = problem.xp, problem.xp.lib
    reach = heads + xp.apply(problem.cosines, mix)
    value = lib.sum(unit * reach, axis=-1)
    missing = (value[:, None] / norms - reach) / (1.0 + c)
    gap = lib.amax(lib.where(problem.kept, missing, xp.full((), 0.0)), axis=-1)
    return lib.where(lib.isnan(gap), xp.full((), np.inf), gap)


def _cone(problem: Problem, heads: Array, c: float) -> tuple[Array, Array, int]:
    """The limit s -> 0: the smallest ``g_0 + sum_i v_i e_i`` with ``v >= 0``, within the ball."""
    xp, lib = problem.xp, problem.xp.lib
    zero = xp.full((), 0.0)
    linear = lib.where(problem.kept, -heads, xp.full((), -1.0))
    v, iterations = nonnegative_qp(xp, problem.cosines, linear)
    v = lib.where(problem.kept, v, zero)
    length = lib.sqrt(lib.maximum(lib.sum(v * xp.apply(problem.cosines, v), axis=-1), zero))
    v = v * (c / lib.maximum(length, xp.full((), c)))[:, None]
    harm = -(heads + xp.apply(problem.cosines, v)) / (1.0 + c)
    gap = lib.amax(lib.where(problem.kept, harm, zero), axis=-1)
    return v, gap, iterations
