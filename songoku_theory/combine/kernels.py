"""The solvers for one small problem, written out for numba.

Each follows the array code of the same method step by step (named at each function) and says
``fine = False`` at the first sign of trouble, so that the array code, which handles every case,
takes over. Loops are written out: at the sizes of a task set, calls into LAPACK cost more than the
work. Without numba these are plain (slow) Python functions, and nothing calls them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import compiled

__all__ = ["ball", "fair", "prepare", "project", "smallest"]

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]


# Sums may be reordered, but NaN and infinity keep their meaning.
_compiled = compiled("reassoc", "contract", "nsz", "arcp")


@_compiled
def prepare(
    matrix: Vector, tasks: NDArray[np.int64], eps: float, tiny: float
) -> tuple[bool, Vector, Vector]:
    """Cosines and norms of the chosen tasks; see ``problem._normalised``."""
    size = tasks.size
    cosines = np.empty((size, size))
    norms = np.empty(size)
    for i in range(size):
        square = matrix[tasks[i], tasks[i]]
        if not 4.0 * tiny < square < np.inf:
            return False, cosines, norms
        norms[i] = np.sqrt(square)
    lopsided, above = max(1e-5, 16.0 * eps), 1.0 + max(1e-6, 1024.0 * eps)
    for i in range(size):
        cosines[i, i] = 1.0
        for j in range(i):
            both = norms[i] * norms[j]  # neither under- nor overflows, as their squares don't
            one, other = matrix[tasks[i], tasks[j]] / both, matrix[tasks[j], tasks[i]] / both
            if not (abs(one - other) <= lopsided and abs(one) <= above and abs(other) <= above):
                return False, cosines, norms
            value = min(1.0, max(-1.0, 0.5 * (one + other)))
            cosines[i, j] = value
            cosines[j, i] = value
    return True, cosines, norms


@_compiled
def _factor(matrix: Vector, size: int) -> bool:
    """Cholesky's upper factor, in place, from the upper triangle.

    Four earlier rows are taken off a row at a time: at these sizes that beats LAPACK twice over.
    """
    row = np.empty(size)
    for i in range(size):
        for j in range(i, size):
            row[j] = matrix[i, j]
        k = 0
        while k + 3 < i:
            a, b = matrix[k, i], matrix[k + 1, i]
            c, d = matrix[k + 2, i], matrix[k + 3, i]
            for j in range(i, size):
                taken = a * matrix[k, j] + b * matrix[k + 1, j]
                row[j] -= taken + c * matrix[k + 2, j] + d * matrix[k + 3, j]
            k += 4
        while k < i:
            a = matrix[k, i]
            for j in range(i, size):
                row[j] -= a * matrix[k, j]
            k += 1
        if not row[i] > 0.0:
            return False
        scale = 1.0 / np.sqrt(row[i])
        for j in range(i, size):
            matrix[i, j] = row[j] * scale
    return True


@_compiled
def _substitute(factor: Vector, size: int, vector: Vector) -> None:
    """Solve with an upper Cholesky factor, in place."""
    for i in range(size):
        value = vector[i] / factor[i, i]
        vector[i] = value
        for k in range(i + 1, size):
            vector[k] -= factor[i, k] * value
    for i in range(size - 1, -1, -1):
        total = vector[i]
        for k in range(i + 1, size):
            total -= factor[i, k] * vector[k]
        vector[i] = total / factor[i, i]


@_compiled
def _times(matrix: Vector, vector: Vector, out: Vector) -> None:
    for i in range(vector.size):
        total = 0.0
        for j in range(vector.size):
            total += matrix[i, j] * vector[j]
        out[i] = total


@_compiled
def project(cosines: Vector, norms: Vector, orders: NDArray[np.int64]) -> Vector:
    """PCGrad's weights; see ``PCGrad._project``."""
    size = norms.size
    weights = np.zeros(size)
    along = np.empty(size)
    for i in range(size):
        for k in range(size):
            along[k] = cosines[i, k]
        weights[i] += 1.0
        for position in range(size):
            j = orders[i, position]
            dot = along[j]
            if j == i or dot >= 0.0:
                continue
            for k in range(size):
                along[k] -= dot * cosines[j, k]
            weights[j] -= dot * norms[i] / norms[j]
    return weights


@_compiled
def _scaled_solve(
    cosines: Vector, b: Vector, diagonal: Vector, right: Vector, work: Vector, out: Vector
) -> bool:
    """See ``fair_solver._solve_scaled``."""
    size = b.size
    root, part = np.empty(size), np.empty(size)
    for i in range(size):
        root[i] = np.sqrt(diagonal[i] + b[i] * b[i])
        part[i] = b[i] / root[i]
        out[i] = right[i] / root[i]
    for i in range(size):
        for j in range(i + 1, size):
            work[i, j] = part[i] * cosines[i, j] * part[j]
        work[i, i] = 1.0
    if not _factor(work, size):
        return False
    _substitute(work, size, out)
    for i in range(size):
        out[i] /= root[i]
    return True


@_compiled
def fair(
    cosines: Vector,
    norms: Vector,
    power: float,
    floor: float,
    tolerance: float,
    max_iterations: int,
) -> tuple[Vector, float, int, bool]:
    """Weights with ``(G a)_i = a_i^{-power}``; see ``fair_solver._newton``."""
    size = norms.size
    centred = np.log(norms)
    scale = centred.mean()
    centred -= scale
    log_q = (power - 1.0) * centred
    b = np.exp(log_q / (1.0 + power))
    z, u, p = np.empty(size), np.empty(size), np.empty(size)
    product, trial, other = np.empty(size), np.empty(size), np.empty(size)
    excess, log_b = np.empty(size), np.empty(size)
    work = np.empty((size, size))

    _times(cosines, b, z)
    total = max((b * z).sum(), 1e-3 * b.sum() ** 2)
    ratio = (np.exp(log_q) * b ** (1.0 - power)).sum() / total
    b *= ratio ** (1.0 / (1.0 + power))

    _times(cosines, b, z)
    known = False  # log_b and excess are those of b
    iteration = 0
    while True:
        # The logarithms of the equations: log((C b)_i b_i^power / q_i), 0 at the solution.
        energy, low, high = 0.0, np.inf, -np.inf
        positive = True
        for i in range(size):
            product[i] = b[i] * z[i]
            energy += product[i]
            positive = positive and z[i] > 0.0
        if not known:
            for i in range(size):
                log_b[i] = np.log(b[i])
                excess[i] = np.log(z[i]) + power * log_b[i] - log_q[i] if z[i] > 0.0 else -np.inf
        residual = 0.0
        for i in range(size):
            low, high = min(low, excess[i]), max(high, excess[i])
            if not abs(excess[i]) <= residual:
                residual = abs(excess[i])
        if residual < np.inf:
            residual = max(np.expm1(high), -np.expm1(low))
        elif not positive and energy < np.inf:
            residual = 1.0  # an equation has the wrong sign; how wrong does not matter
        if residual <= tolerance:
            break
        if not (residual < np.inf and energy > floor * b.sum() ** 2):
            return b, residual, iteration, False
        if iteration >= max_iterations or iteration >= 60:
            return b, residual, iteration, False
        iteration += 1

        known = False
        if positive:
            merit = 0.0
            for i in range(size):
                merit += excess[i] * excess[i]
                other[i] = -product[i] * excess[i]
                trial[i] = product[i] * power
            if not _scaled_solve(cosines, b, trial, other, work, u):
                return b, residual, iteration, False
            t = min(1.0, 30.0 / max(np.abs(u).max(), 1e-300))
            for _ in range(2):
                for i in range(size):
                    trial[i] = b[i] * np.exp(t * u[i])
                _times(cosines, trial, z)
                there = 0.0
                for i in range(size):
                    if not z[i] > 0.0:
                        there = np.inf
                        break
                    other[i] = np.log(z[i]) + power * (log_b[i] + t * u[i]) - log_q[i]
                    there += other[i] * other[i]
                if there < (1.0 - 0.1 * t) * merit:
                    known = True
                    break
                t *= 0.25
        if known:
            for i in range(size):
                b[i] = trial[i]
                log_b[i] += t * u[i]
                excess[i] = other[i]
            continue
        for i in range(size):
            p[i] = np.exp(log_q[i] + (1.0 - power) * log_b[i])
            other[i] = p[i] - product[i]
            trial[i] = p[i] * power
        if not _scaled_solve(cosines, b, trial, other, work, u):
            return b, residual, iteration, False
        slope, down = 0.0, 1e-300
        for i in range(size):
            slope += (product[i] - p[i]) * u[i]
            down = max(down, -u[i])
        t = min(1.0, 0.9 / down)
        for _ in range(40):
            for i in range(size):
                trial[i] = b[i] * (1.0 + t * u[i])
            _times(cosines, trial, z)
            there = 0.0
            for i in range(size):
                gradient = z[i] - np.exp(log_q[i] - power * np.log(trial[i]))
                there += gradient * b[i] * u[i]
            if not there > 0.5 * abs(slope):
                break
            t *= 0.5
        for i in range(size):
            b[i] = b[i] * (1.0 + t * u[i])
        _times(cosines, b, z)

    weights = np.exp(-2.0 * scale / (1.0 + power)) * b / np.exp(centred)
    return weights, residual, iteration, True


@_compiled
def _orthant(
    hessian: Vector, linear: Vector, support: Flags, y: Vector, work: Vector
) -> tuple[bool, int]:
    """Minimise over the non-negative orthant; see ``min_norm.nonnegative_qp``."""
    size = linear.size
    chosen = np.empty(size, np.int64)
    part, right, slack = np.empty(size), np.empty(size), np.empty(size)
    for i in range(size):
        y[i] = 0.0
    solved = 0
    weight = 1e-9
    for _ in range(12):
        for i in range(size):
            right[i] = linear[i] + weight * y[i]
        fewest, patience = size + 1, 3
        while True:
            count = 0
            for i in range(size):
                if support[i]:
                    chosen[count] = i
                    count += 1
            for r in range(count):
                i = chosen[r]
                for s in range(r):
                    work[s, r] = hessian[i, chosen[s]]
                work[r, r] = hessian[i, i] + weight
                part[r] = right[i]
            if not _factor(work, count):
                return False, solved
            _substitute(work, count, part)
            solved += 1
            largest = 0.0
            for i in range(size):
                y[i] = 0.0
            for r in range(count):
                y[chosen[r]] = part[r]
                largest = max(largest, abs(part[r]))
            limit = 1e-12 * (1.0 + largest)
            number = 0
            _times(hessian, y, slack)
            for i in range(size):
                if support[i]:
                    if y[i] < -limit:
                        support[i] = False
                        number += 1
                elif slack[i] - right[i] < -limit:
                    support[i] = True
                    number += 1
            if number == 0:
                break
            if number < fewest:
                fewest, patience = number, 3
            else:
                patience -= 1
                if patience < 0:
                    return False, solved
        wrong, total = 0.0, 1.0
        for i in range(size):
            y[i] = max(y[i], 0.0)
        _times(hessian, y, slack)
        for i in range(size):
            total += y[i]
            miss = slack[i] - linear[i]
            wrong = max(wrong, abs(miss) if y[i] > 0.0 else -miss)
        if wrong <= 1e-13 * total:
            return True, solved
        weight = max(0.1 * weight, 1e-13)
    return False, solved


@_compiled
def _hull(
    cosines: Vector, norms: Vector, support: Flags, hessian: Vector, y: Vector, work: Vector
) -> tuple[bool, int]:
    """See ``min_norm.hull_weights``; `support` is a guess on the way in."""
    size = norms.size
    a = norms.min() / norms
    for i in range(size):
        for j in range(size):
            hessian[i, j] = cosines[i, j] + a[i] * a[j]
    fine, solved = _orthant(hessian, a, support, y, work)
    if not fine:
        return False, solved
    total = (a * y).sum()
    for i in range(size):
        y[i] /= total
    return True, solved


@_compiled
def smallest(cosines: Vector, norms: Vector, floor: float) -> tuple[Vector, float, int, bool]:
    """MGDA's weights; see ``MGDA._solve``."""
    size = norms.size
    support = np.ones(size, np.bool_)
    hessian, work = np.empty((size, size)), np.empty((size, size))
    y, aligned = np.empty(size), np.empty(size)
    fine, solved = _hull(cosines, norms, support, hessian, y, work)
    if not fine:
        return y, np.inf, solved, False
    _times(cosines, y, aligned)
    square = (y * aligned).sum()
    if not square > floor * y.sum() ** 2:
        return y, np.inf, solved, False
    gap = 0.0
    least = norms.min()
    for i in range(size):
        gap = max(gap, least / norms[i] * square - aligned[i])
    weights = y / norms
    return weights / weights.sum(), gap, solved, True


@_compiled
def ball(
    cosines: Vector, norms: Vector, c: float, floor: float, tolerance: float
) -> tuple[Vector, float, int, bool]:
    """CAGrad's weights; see ``cagrad_solver.solve_ball``."""
    size = norms.size
    heads = np.empty(size)
    share = norms / size
    _times(cosines, share, heads)
    square = (share * heads).sum()
    best = np.full(size, 1.0 / size)
    if not square > floor * share.sum() ** 2:
        return best, np.inf, 0, False
    length = np.sqrt(square)
    heads /= length
    n = norms / length

    support = np.ones(size, np.bool_)
    shifted, hessian = np.empty((size, size)), np.empty((size, size))
    work = np.empty((size, size))
    y, product, unit = np.empty(size), np.empty(size), np.empty(size)
    p, r = np.empty(size), np.empty(size)
    chosen = np.empty(size, np.int64)
    s, low, high = 1.0 / c, 0.0, np.inf
    solved = 0
    for _ in range(40):
        shift = s / n
        factor = np.sqrt(np.maximum(1.0 + 2.0 * shift * heads + shift * shift, 1e-30))
        for i in range(size):
            for j in range(i):
                value = cosines[i, j] + shift[i] * heads[j] + heads[i] * shift[j]
                value = (value + shift[i] * shift[j]) / factor[i] / factor[j]
                value = min(1.0, max(-1.0, value))
                shifted[i, j] = value
                shifted[j, i] = value
            shifted[i, i] = 1.0
        fine, more = _hull(shifted, n * factor, support, hessian, y, work)
        solved += more
        if not fine:
            return best, np.inf, solved, False
        for i in range(size):
            unit[i] = y[i] / (n[i] * factor[i])
        unit *= n / unit.sum()
        _times(cosines, unit, product)
        square = (unit * product).sum()
        if not square > floor * unit.sum() ** 2:
            return best, np.inf, solved, False
        length = np.sqrt(square)
        value = 0.0
        for i in range(size):
            value += unit[i] * (heads[i] + c / length * product[i])
        gap = 0.0
        for i in range(size):
            reach = heads[i] + c / length * product[i]
            gap = max(gap, (value / n[i] - reach) / (1.0 + c))
        if gap <= tolerance * 1e-3:
            return best + c / length * unit / n, gap, solved, True
        if length / c > s:
            low = s
        else:
            high = s

        count = 0
        for i in range(size):
            if y[i] > 0.0:
                chosen[count] = i
                p[count] = 1.0 / n[i]
                r[count] = heads[i]
                count += 1
        for i in range(count):
            for j in range(i):
                work[j, i] = cosines[chosen[i], chosen[j]]
            work[i, i] = 1.0 + 1e-13
        exact = np.nan
        if _factor(work, count):
            solved += 1
            _substitute(work, count, p)
            _substitute(work, count, r)
            first, second, third = 0.0, 0.0, -c * c
            for i in range(count):
                first += p[i] / n[chosen[i]]
                second += r[i] / n[chosen[i]]
                third += heads[chosen[i]] * r[i]
            exact = 1.0 / np.sqrt(second * second - first * third)
        if low < exact < high and exact < np.inf:
            step = exact
        elif low > 0.0 and high < np.inf:
            step = np.sqrt(low) * np.sqrt(high)
        else:
            step = 0.125 * high if high < np.inf else 8.0 * low
        if step == s:
            return best, np.inf, solved, False
        s = step
    return best, np.inf, solved, False
