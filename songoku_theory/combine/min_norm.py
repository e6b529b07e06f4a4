r"""The point of smallest norm in the hull of some vectors, over many problems at once.

MGDA asks for it, and CAGrad's dual reduces to it. With ``v_i = n_i e_i`` (e_i of unit length, C
their cosines) and ``a_i = min_j n_j / n_i``, writing ``w_i`` proportional to ``a_i y_i`` turns

    ``min_w 1/2 || sum_i w_i v_i ||^2``  over the simplex

into ``min_y 1/2 y' (C + a a') y - a' y`` over ``y >= 0``: always bounded, with a unit-sized
diagonal whatever the norms are, and no equality constraint. It is solved exactly by exchanging
whole sets of indices between the support and its complement (block principal pivoting), or one
index at a time (Lawson and Hanson) where that goes round in circles. Duplicate or dependent vectors
make ``C + a a'`` singular; a small proximal term keeps every system regular, and repeating the
solve from its own answer takes the term's effect out again.
"""

from __future__ import annotations

import numpy as np

from songoku_theory.combine.arrays import Namespace
from songoku_theory.combine.result import Array

__all__ = ["hull_weights", "nonnegative_qp", "shortfall"]

_PROXIMAL = 1e-9
_LEAST_PROXIMAL = 1e-13
_MAX_PROXIMAL_STEPS = 60
_SIGN_TOLERANCE = 1e-12
_PATIENCE = 3


def nonnegative_qp(
    xp: Namespace, hessian: Array, linear: Array, tolerance: float = 1e-13
) -> tuple[Array, int]:
    """Minimise ``1/2 y' H y - f' y`` over ``y >= 0``.

    Parameters
    ----------
    xp : Namespace
    hessian : array, shape (N, K, K)
        Positive semidefinite, with a diagonal of order one; bounded below on the orthant together
        with `linear`.
    linear : array, shape (N, K)
        f.
    tolerance : float
        On the violation of the optimality conditions, relative to the size of y.

    Returns
    -------
    solution : array, shape (N, K)
    iterations : int
        Linear systems solved.

    Source
    ------
    Portugal, Judice and Vicente (1994), block principal pivoting; Lawson and Hanson (1974);
    Rockafellar (1976), proximal point iteration.
    """
    lib = xp.lib
    zero = xp.full((), 0.0)
    eye = xp.eye(int(hessian.shape[1]))
    y = zero * linear
    support = linear > 0
    iterations = 0
    for step in range(_MAX_PROXIMAL_STEPS):
        weight = max(_PROXIMAL * 0.1**step, _LEAST_PROXIMAL)
        regular, right = hessian + weight * eye, linear + weight * y
        y, support, solved, settled = _pivot(xp, regular, right, support)
        iterations += solved
        if not settled:
            y, support, solved = _descend(xp, regular, right, y)
            iterations += solved
        slack = xp.apply(hessian, y) - linear
        wrong = lib.maximum(-slack, lib.where(y > 0, lib.abs(slack), zero))
        size = 1.0 + lib.sum(y, axis=-1)
        if bool(lib.all(lib.amax(wrong, axis=-1) <= tolerance * size)):
            break
    return y, iterations


def _restricted(xp: Namespace, hessian: Array, linear: Array, support: Array) -> Array:
    """Solve ``H y = f`` on the support, with y = 0 elsewhere."""
    lib = xp.lib
    zero = xp.full((), 0.0)
    both = support[:, :, None] & support[:, None, :]
    eye = xp.eye(int(linear.shape[1]))
    system = lib.where(both, hessian, zero) + eye * (~support)[:, :, None]
    return xp.solve(system, lib.where(support, linear, zero))


def _pivot(
    xp: Namespace, hessian: Array, linear: Array, support: Array
) -> tuple[Array, Array, int, bool]:
    """Block principal pivoting from a guess of the support; says whether all problems ended."""
    lib = xp.lib
    count, size = int(linear.shape[0]), int(linear.shape[1])
    fewest = xp.indices(np.full(count, size + 1))
    patience = xp.indices(np.full(count, _PATIENCE))
    iterations = 0
    while True:
        iterations += 1
        y = _restricted(xp, hessian, linear, support)
        slack = xp.apply(hessian, y) - linear
        limit = _SIGN_TOLERANCE * (1.0 + lib.amax(lib.abs(y), axis=-1))[:, None]
        wrong = (support & (y < -limit)) | (~support & (slack < -limit))
        number = lib.sum(wrong, axis=-1)
        progress = number < fewest
        fewest = lib.where(progress, number, fewest)
        patience = lib.where(progress | (number == 0), _PATIENCE, patience - 1)
        settled = not bool(lib.any(wrong))
        if settled or bool(lib.any(patience < 0)):
            return lib.where(y > 0, y, xp.full((), 0.0)), support, iterations, settled
        support = support ^ wrong


def _descend(xp: Namespace, hessian: Array, linear: Array, y: Array) -> tuple[Array, Array, int]:
    """Lawson and Hanson's method from a feasible y: one index in or out at a time, never uphill."""
    lib = xp.lib
    size = int(linear.shape[1])
    zero, least, infinite = xp.full((), 0.0), xp.full((), 1e-300), xp.full((), np.inf)
    order = xp.indices(np.arange(size))
    support = y > 0
    iterations = 0
    while iterations < 30 * size + 100:
        iterations += 1
        full = _restricted(xp, hessian, linear, support)
        blocked = support & (full <= 0)
        ratio = lib.where(blocked, y / lib.maximum(y - full, least), infinite)
        step = lib.minimum(lib.amin(ratio, axis=-1), xp.full((), 1.0))
        y = lib.where(support, y + step[:, None] * (full - y), zero)
        leaving = blocked & (ratio <= step[:, None])
        y = lib.where(leaving, zero, y)
        support = support & ~leaving
        # Only a problem that took its whole step is at a minimum on its support.
        slack = lib.where(support, zero, xp.apply(hessian, y) - linear)
        limit = _SIGN_TOLERANCE * (1.0 + lib.amax(y, axis=-1))
        steepest = lib.argmin(slack, axis=-1)
        enters = (lib.amin(slack, axis=-1) < -limit) & ~lib.any(blocked, axis=-1)
        if not bool(lib.any(enters | lib.any(blocked, axis=-1))):
            break
        support = support | (enters[:, None] & (order == steepest[:, None]))
    return y, support, iterations


def hull_weights(xp: Namespace, cosines: Array, norms: Array, kept: Array) -> tuple[Array, int]:
    """Return the simplex weights of the smallest vector in the hull of the kept ones.

    Parameters
    ----------
    xp : Namespace
    cosines : array, shape (N, K, K)
    norms : array, shape (N, K)
        > 0 where kept.
    kept : bool array, shape (N, K)

    Returns
    -------
    weights : array, shape (N, K)
        Of the unit vectors, as multiples of the smallest norm: ``sum_i weights_i e_i`` is the
        point in units of that norm, and the simplex weights are ``weights * a``.
    iterations : int
    """
    lib = xp.lib
    zero = xp.full((), 0.0)
    smallest = lib.amin(lib.where(kept, norms, xp.full((), np.inf)), axis=-1)
    a = lib.where(kept, smallest[:, None] / norms, zero)
    hessian = cosines + a[:, :, None] * a[:, None, :]
    y, iterations = nonnegative_qp(xp, hessian, lib.where(kept, a, xp.full((), -1.0)))
    y = lib.where(kept, y, zero)
    total = lib.sum(a * y, axis=-1)
    return y / lib.where(total > 0, total, xp.full((), 1.0))[:, None], iterations


def shortfall(xp: Namespace, cosines: Array, norms: Array, kept: Array, weights: Array) -> Array:
    """Return the scale-free duality gap of weights from :func:`hull_weights`.

    Optimality says ``<v_i, x> >= ||x||^2`` for the point x; this is the largest amount by which a
    vector misses it, in units of its own norm times the smallest norm.

    Returns
    -------
    array, shape (N,)
    """
    lib = xp.lib
    smallest = lib.amin(lib.where(kept, norms, xp.full((), np.inf)), axis=-1)
    aligned = xp.apply(cosines, weights)
    square = lib.sum(weights * aligned, axis=-1)
    missing = (smallest[:, None] / norms) * square[:, None] - aligned
    return lib.amax(lib.where(kept, missing, xp.full((), 0.0)), axis=-1)
