"""The loops behind a grid on common random numbers: one draw, every noise scale.

For a pair of tasks ``G_ij(s) = A_ij + s C_ij + s**2 W_ij``; a point s of the grid is right when
every pair is on its side of the threshold. Most of that work can be saved:

*Certificate.* Below the first root of a quadratic a pair is surely right. For an edge, by the
inequality of the two means, ``-G_ij > tau (k G_ii + G_jj / k) / 2`` suffices, any k > 0. For a pair
without one, ``G_ij > -tau (g_i . u_i)(g_j . u_j)`` does, u_i the direction of task i's mean, while
both factors are positive. All points below the smallest root of all pairs are right. tau is moved
by 1e-9 to the safe side, far beyond rounding, so the certificate agrees with the plain test.

*Culprit.* Above it, one pair that is wrong settles a point, and it is usually the pair that was
wrong at the point before. Only a point where it is right needs the other pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulations.sampling import trial_kernels
from simulations.sampling.linked import linked
from simulations.sampling.trial_kernels import row_product
from songoku_theory._numba import compiled

__all__ = ["count_right", "count_right_numpy", "kept_numpy", "quadratics", "quadratics_numpy"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Counts = NDArray[np.int64]

SAFE = 1e-9


@compiled()
def _weighted(weights: Floats, rows: Floats, terms: int, out: Floats) -> None:
    """``sum_k weights[k] rows[k]`` in each lane; four terms at a time."""
    whole = terms - terms % 4
    for t in range(out.size):
        out[t] = 0.0
    for k in range(0, whole, 4):
        a0, a1, a2, a3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        b0, b1, b2, b3 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        for t in range(out.size):
            out[t] += (a0 * b0[t] + a1 * b1[t]) + (a2 * b2[t] + a3 * b3[t])
    for k in range(whole, terms):
        a0, b0 = weights[k], rows[k]
        for t in range(out.size):
            out[t] += a0 * b0[t]


@linked(trial_kernels)
def quadratics(
    mean_factor: Floats, rows: Floats, rank: int, linear: Floats, square: Floats, spare: Floats
) -> None:
    """Coefficients of s and s**2, shape (K (K + 1) / 2, lanes): the diagonal first, then pairs.

    `mean_factor` is lower trapezoidal. `rows` holds P and L side by side.
    """
    tasks, width, lanes = rows.shape
    columns = width - rank
    for i in range(tasks):
        row_product(rows[i], rows[i], rank + min(i + 1, columns), square[i])
        _weighted(mean_factor[i], rows[i], min(i + 1, rank), spare)
        out = linear[i]
        for t in range(lanes):
            out[t] = spare[t] + spare[t]
    place = tasks
    for i in range(1, tasks):
        for j in range(i):
            row_product(rows[i], rows[j], rank + min(j + 1, columns), square[place])
            out = linear[place]
            _weighted(mean_factor[i], rows[j], min(i + 1, rank), out)
            _weighted(mean_factor[j], rows[i], min(j + 1, rank), spare)
            for t in range(lanes):
                out[t] += spare[t]
            place += 1


def quadratics_numpy(
    mean_factor: Floats, rows: Floats, rank: int, linear: Floats, square: Floats
) -> None:
    """As `quadratics`, bit for bit."""
    tasks, width, _ = rows.shape
    columns = width - rank

    def summed(terms: Floats) -> Floats:
        out = np.zeros(terms.shape[1])
        whole = len(terms) - len(terms) % 4
        for k in range(0, whole, 4):
            out += (terms[k] + terms[k + 1]) + (terms[k + 2] + terms[k + 3])
        for k in range(whole, len(terms)):
            out += terms[k]
        return out

    def crossed(i: int, j: int) -> Floats:
        terms = min(i + 1, rank)
        return summed(mean_factor[i, :terms, None] * rows[j, :terms])

    def product(i: int, j: int) -> Floats:
        terms = rank + min(j + 1, columns)
        return summed(rows[i, :terms] * rows[j, :terms])

    for i in range(tasks):
        half = crossed(i, i)
        linear[i], square[i] = half + half, product(i, i)
    place = tasks
    for i in range(1, tasks):
        for j in range(i):
            linear[place] = crossed(i, j) + crossed(j, i)
            square[place] = product(i, j)
            place += 1


@compiled()
def _first_root(q0: float, q1: float, q2: float) -> float:
    """Smallest s > 0 with ``q0 + q1 s + q2 s**2 = 0``; 0 if q0 <= 0, infinite if there is none."""
    inside = q1 * q1 - 4.0 * q2 * q0
    below = np.sqrt(np.maximum(inside, 0.0)) - q1
    root = 2.0 * q0 / below if (inside >= 0.0) & (below > 0.0) else np.inf
    return root if q0 > 0.0 else 0.0


@compiled()
def _certificates(
    constant: Floats,
    linear: Floats,
    square: Floats,
    tasks: int,
    tau: float,
    truth: Bytes,
    debiased: bool,
    sure: Floats,
    culprit: Counts,
) -> None:
    """The s below which all pairs are surely right, and the pair that sets it, in each lane."""
    lanes = sure.size
    roots = np.empty(lanes)
    for t in range(lanes):
        sure[t] = np.inf
        culprit[t] = 0
    for i in range(tasks):
        size, slope, bend = constant[i], linear[i], square[i]
        if debiased:  # squared norms must not have fallen to zero
            for t in range(lanes):
                sure[t] = min(sure[t], _first_root(size * (1.0 - SAFE), slope[t], bend[t]))
        else:  # nor the lengths along the means
            for t in range(lanes):
                end = -2.0 * size / slope[t] if slope[t] < 0.0 else np.inf
                sure[t] = min(sure[t], end)
    place = tasks
    for i in range(1, tasks):
        for j in range(i):
            value, slope, bend = constant[place], linear[place], square[place]
            si, sj, bi, bj = linear[i], linear[j], square[i], square[j]
            length_i, length_j = np.sqrt(constant[i]), np.sqrt(constant[j])
            if truth[place - tasks]:
                up, down = length_j / length_i, length_i / length_j
                half = 0.5 * (tau + SAFE)
                start = -value - (tau + SAFE) * length_i * length_j
                for t in range(lanes):
                    q1 = -slope[t] - half * (up * si[t] + down * sj[t])
                    q2 = -bend[t] - half * (up * bi[t] + down * bj[t])
                    roots[t] = _first_root(start, q1, q2)
            else:
                bound = 0.0 if debiased else tau - SAFE
                start = value + bound * length_i * length_j
                by_i, by_j = 0.5 * bound * length_i / length_j, 0.5 * bound * length_j / length_i
                both = 0.25 * bound / (length_i * length_j)
                for t in range(lanes):
                    q1 = slope[t] + (by_i * sj[t] + by_j * si[t])
                    q2 = bend[t] + both * (si[t] * sj[t])
                    roots[t] = _first_root(start, q1, q2)
            # Apart from the loops above: with more arrays the compiler does not vectorise those.
            for t in range(lanes):
                culprit[t] = place if roots[t] < sure[t] else culprit[t]
                sure[t] = min(sure[t], roots[t])
            place += 1
    for t in range(lanes):
        culprit[t] = max(culprit[t], tasks)


@compiled()
def _is_edge(g: float, ni: float, nj: float, squared: float) -> bool:
    return (g < 0.0) & (ni > 0.0) & (nj > 0.0) & (g * g > squared * (ni * nj))


@compiled()
def count_right(
    constant: Floats,
    linear: Floats,
    square: Floats,
    firsts: Counts,
    seconds: Counts,
    tasks: int,
    tau: float,
    truth: Bytes,
    debiased: bool,
    scales: Floats,
    kept: int,
    edge: int,
    right: Counts,
    edges_kept: Counts,
) -> None:
    """Add up, for each scale (ascending), the lanes below `kept` whose graph is right.

    And those in which pair `edge` is an edge, unless `edge` is negative.
    """
    lanes = linear.shape[1]
    sure, culprit = np.empty(lanes), np.empty(lanes, dtype=np.int64)
    _certificates(constant, linear, square, tasks, tau, truth, debiased, sure, culprit)
    squared = tau * tau
    last = firsts.size
    below = np.zeros(scales.size + 1, dtype=np.int64)
    for t in range(kept):
        low, high = 0, scales.size  # the first scale that is not certified
        while low < high:
            middle = (low + high) // 2
            if scales[middle] < sure[t]:
                low = middle + 1
            else:
                high = middle
        below[low] += 1
        place = culprit[t]
        point = low
        while point < scales.size:
            i, j = firsts[place], seconds[place]
            a, b, c = constant[place], linear[place, t], square[place, t]
            ai, bi, ci = constant[i], linear[i, t], square[i, t]
            aj, bj, cj = constant[j], linear[j, t], square[j, t]
            expected = truth[place - tasks] != 0
            while point < scales.size:  # as long as the culprit is wrong
                s = scales[point]
                g = (c * s + b) * s + a
                ni, nj = (ci * s + bi) * s + ai, (cj * s + bj) * s + aj
                if _is_edge(g, ni, nj, squared) == expected:
                    break
                point += 1
            if point == scales.size:
                break
            s = scales[point]
            found = -1
            for other in range(tasks, last):
                g = (square[other, t] * s + linear[other, t]) * s + constant[other]
                i, j = firsts[other], seconds[other]
                ni = (square[i, t] * s + linear[i, t]) * s + constant[i]
                nj = (square[j, t] * s + linear[j, t]) * s + constant[j]
                if _is_edge(g, ni, nj, squared) != (truth[other - tasks] != 0):
                    found = other
                    break
            if found < 0:
                right[point] += 1
            else:
                place = found
            point += 1
    total = 0
    for p in range(scales.size, -1, -1):
        if p < scales.size:
            right[p] += total
        total += below[p]
    if edge >= 0:
        i, j = firsts[edge], seconds[edge]
        a, b, c = constant[edge], linear[edge], square[edge]
        ai, bi, ci = constant[i], linear[i], square[i]
        aj, bj, cj = constant[j], linear[j], square[j]
        for p in range(scales.size):
            s = scales[p]
            count = 0
            for t in range(kept):
                g = (c[t] * s + b[t]) * s + a
                ni, nj = (ci[t] * s + bi[t]) * s + ai, (cj[t] * s + bj[t]) * s + aj
                count += _is_edge(g, ni, nj, squared)
            edges_kept[p] += count


def kept_numpy(
    constant: Floats, linear: Floats, square: Floats, places: tuple[int, int, int], s: float,
    tau: float,
) -> NDArray[np.bool_]:  # fmt: skip
    """Say in which lanes a pair is an edge at scale s; (pair, first task, second task)."""
    g, ni, nj = ((square[k] * s + linear[k]) * s + constant[k] for k in places)
    found = (g < 0.0) & (ni > 0.0) & (nj > 0.0) & (g * g > (tau * tau) * (ni * nj))
    return np.asarray(found, dtype=np.bool_)


def count_right_numpy(
    constant: Floats,
    linear: Floats,
    square: Floats,
    firsts: Counts,
    seconds: Counts,
    tasks: int,
    tau: float,
    truth: Bytes,
    debiased: bool,
    scales: Floats,
    kept: int,
    edge: int,
    right: Counts,
    edges_kept: Counts,
) -> None:
    """As `count_right`: every pair at every scale, without certificates."""
    for p, s in enumerate(scales.tolist()):
        good = np.ones(kept, dtype=np.bool_)
        for place in range(tasks, firsts.size):
            pair = (place, int(firsts[place]), int(seconds[place]))
            found = kept_numpy(constant, linear, square, pair, s, tau)[:kept]
            good &= found == bool(truth[place - tasks])
            if place == edge:
                edges_kept[p] += int(found.sum())
        right[p] += int(good.sum())
