"""The loops of a recovery trial: Gram matrix, conflict graph, verdict, for a batch at a time.

Everything is written for one pair of tasks and all trials of a batch, trials innermost. The
compiled loop and the numpy code do the same operations in the same order, none of them fused, so
they find the same bits; a test holds them to that.

The rule is `songoku_theory.conflict`'s without its square roots: an edge where ``G_ij < 0`` and
``G_ij**2 > tau**2 G_ii G_jj``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import accelerated, compiled

__all__ = ["NO_DIRECTION", "group_words", "judge_batch", "judge_loop", "row_product"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Counts = NDArray[np.int64]

NO_DIRECTION = 0.0
"""A squared norm at or below this (after debiasing) means that the task has no direction."""


@compiled()
def row_product(first: Floats, second: Floats, terms: int, out: Floats) -> None:
    """Inner products of two tasks' rows, in each lane; four terms at a time."""
    whole = terms - terms % 4
    for t in range(out.size):
        out[t] = 0.0
    for k in range(0, whole, 4):
        a0, a1, a2, a3 = first[k], first[k + 1], first[k + 2], first[k + 3]
        b0, b1, b2, b3 = second[k], second[k + 1], second[k + 2], second[k + 3]
        for t in range(out.size):
            out[t] += (a0[t] * b0[t] + a1[t] * b1[t]) + (a2[t] * b2[t] + a3[t] * b3[t])
    for k in range(whole, terms):
        a0, b0 = first[k], second[k]
        for t in range(out.size):
            out[t] += a0[t] * b0[t]


@compiled()
def judge_loop(
    rows: Floats,
    rank: int,
    energy: Floats,
    tau: float,
    truth: Bytes,
    cosines: Floats,
    edges: Bytes,
    false: Counts,
    missed: Counts,
    error: Floats,
) -> None:
    tasks, width, lanes = rows.shape
    columns = width - rank
    squares = np.empty((tasks, lanes))
    inverse = np.empty((tasks, lanes))
    for i in range(tasks):
        square, inv, noise = squares[i], inverse[i], energy[i]
        row_product(rows[i], rows[i], rank + min(i + 1, columns), square)
        for t in range(lanes):
            square[t] = np.maximum(square[t] - noise[t], 0.0)
            inv[t] = 1.0 / np.sqrt(square[t]) if square[t] > 0.0 else 0.0
    for t in range(lanes):
        false[t] = 0
        missed[t] = 0
        error[t] = 0.0
    product = np.empty(lanes)
    pair = 0
    squared = tau * tau
    for i in range(1, tasks):
        for j in range(i):
            row_product(rows[i], rows[j], rank + min(j + 1, columns), product)
            here, there, a, b = squares[i], squares[j], inverse[i], inverse[j]
            edge, wanted = edges[pair], cosines[pair]
            expected = truth[pair]
            for t in range(lanes):
                g = product[t]
                found = (g < 0.0) & (g * g > squared * (here[t] * there[t]))
                found = found & (here[t] > 0.0) & (there[t] > 0.0)
                edge[t] = found
            # A loop of its own: fewer arrays whose overlap the compiler has to rule out.
            for t in range(lanes):
                error[t] = np.maximum(error[t], abs((product[t] * a[t]) * b[t] - wanted))
            if expected:
                for t in range(lanes):
                    missed[t] += 1 - edge[t]
            else:
                for t in range(lanes):
                    false[t] += edge[t]
            pair += 1


def _judge_numpy(
    rows: Floats,
    rank: int,
    energy: Floats,
    tau: float,
    truth: Bytes,
    cosines: Floats,
    edges: Bytes,
    false: Counts,
    missed: Counts,
    error: Floats,
) -> None:
    tasks, width, lanes = rows.shape
    columns = width - rank

    def product(i: int, j: int) -> Floats:
        terms = rank + min(j + 1, columns)
        first, second = rows[i, :terms], rows[j, :terms]
        terms_of = first * second
        out = np.zeros(lanes)
        whole = terms - terms % 4
        for k in range(0, whole, 4):
            out += (terms_of[k] + terms_of[k + 1]) + (terms_of[k + 2] + terms_of[k + 3])
        for k in range(whole, terms):
            out += terms_of[k]
        return out

    squares = np.stack([np.maximum(product(i, i) - energy[i], 0.0) for i in range(tasks)])
    directed = squares > NO_DIRECTION
    inverse = np.where(directed, 1.0 / np.sqrt(np.where(directed, squares, 1.0)), 0.0)
    error[:] = 0.0
    pair = 0
    for i in range(1, tasks):
        for j in range(i):
            g = product(i, j)
            found = (g < 0.0) & (g * g > (tau * tau) * (squares[i] * squares[j]))
            edges[pair] = found & directed[i] & directed[j]
            np.maximum(error, np.abs((g * inverse[i]) * inverse[j] - cosines[pair]), out=error)
            pair += 1
    wanted = truth[:, None] != 0
    false[:] = (~wanted & (edges != 0)).sum(axis=0)
    missed[:] = (wanted & (edges == 0)).sum(axis=0)


def judge_batch(
    rows: Floats, rank: int, energy: Floats, tau: float, truth: Bytes, cosines: Floats
) -> tuple[Bytes, Counts, Counts, Floats]:
    """Find the conflict graph of each trial and compare it with the population's.

    Parameters
    ----------
    rows : ndarray, shape (K, r + c, lanes)
        Factors of the Gram matrices; columns r.. are lower trapezoidal.
    rank : int
        r.
    energy : ndarray, shape (K, lanes)
        What to subtract from each squared norm before dividing; zeros for the plain cosine.
    tau : float
    truth : ndarray of uint8, shape (K (K - 1) / 2,)
        Pairs (1, 0), (2, 0), (2, 1), (3, 0) ...
    cosines : ndarray, shape (K (K - 1) / 2,)

    Returns
    -------
    edges : ndarray of uint8, shape (K (K - 1) / 2, lanes)
    false, missed : ndarray of int, shape (lanes,)
        Edges too many and too few.
    error : ndarray, shape (lanes,)
        Largest error of a cosine.
    """
    lanes = rows.shape[2]
    edges = np.empty((truth.size, lanes), dtype=np.uint8)
    false, missed = np.empty(lanes, dtype=np.int64), np.empty(lanes, dtype=np.int64)
    error = np.empty(lanes)
    judge = judge_loop if accelerated() else _judge_numpy
    judge(rows, rank, energy, tau, truth, cosines, edges, false, missed, error)
    return edges, false, missed, error


@compiled()
def _neighbour_words(
    edges: Bytes, tasks: int, neighbours: NDArray[np.uint64], degrees: NDArray[np.uint64]
) -> None:
    """Each task's neighbours as bits, and their number, in each lane."""
    lanes = edges.shape[1]
    neighbours[:] = np.uint64(0)
    degrees[:] = np.uint64(0)
    pair = 0
    for i in range(1, tasks):
        for j in range(i):
            edge, ours, theirs = edges[pair], neighbours[i], neighbours[j]
            mine, its = degrees[i], degrees[j]
            # Few arrays a loop: with more than eight possible overlaps to rule out, the compiler
            # does not vectorise.
            for t in range(lanes):
                ours[t] |= np.uint64(edge[t]) << np.uint64(j)
                theirs[t] |= np.uint64(edge[t]) << np.uint64(i)
            for t in range(lanes):
                mine[t] += np.uint64(edge[t])
                its[t] += np.uint64(edge[t])
            pair += 1


@compiled()
def _earlier_words(degrees: NDArray[np.uint64], tasks: int, earlier: NDArray[np.uint64]) -> None:
    """For each task the tasks that Welsh-Powell takes before it: larger degree, ties by index."""
    one, lanes = np.uint64(1), degrees.shape[1]
    earlier[:] = np.uint64(0)
    for i in range(1, tasks):
        for j in range(i):
            ours, theirs, mine, its = earlier[i], earlier[j], degrees[i], degrees[j]
            for t in range(lanes):
                second = np.uint64(mine[t] > its[t])  # only then is i before j
                ours[t] |= (one - second) << np.uint64(j)
                theirs[t] |= second << np.uint64(i)


@compiled()
def _colored_right(
    neighbours: NDArray[np.uint64],
    earlier: NDArray[np.uint64],
    same: NDArray[np.uint64],
    good: NDArray[np.uint64],
) -> None:
    """Say in which lanes Welsh-Powell finds the planted groups, none having an edge inside.

    Without building colours: the class of the earliest task takes its whole group, and is that
    group if and only if every task of the groups after it is a neighbour of a member taken before
    that task; then the same for what is left. So of two groups, the one with the earlier first task
    must stop every task of the other.
    """
    tasks, lanes = neighbours.shape
    one, none = np.uint64(1), np.uint64(0)
    precedes = np.empty(lanes, dtype=np.uint64)
    good[:] = one
    for g in range(tasks):
        group = same[g]
        if group & ((one << np.uint64(g)) - one):
            continue  # seen with an earlier member
        for h in range(tasks):
            other = same[h]
            if other == group or other & ((one << np.uint64(h)) - one):
                continue
            precedes[:] = none
            for i in range(tasks):
                if (group >> np.uint64(i)) & one:
                    before = earlier[i]
                    for t in range(lanes):
                        precedes[t] |= np.uint64((before[t] & other) == none)
            for i in range(tasks):
                if (other >> np.uint64(i)) & one:
                    before, near = earlier[i], neighbours[i]
                    for t in range(lanes):
                        free = np.uint64((near[t] & group & before[t]) == none)
                        good[t] &= one - (precedes[t] & free)


@compiled()
def _connected_right(
    neighbours: NDArray[np.uint64], same: NDArray[np.uint64], exact: Bytes, good: NDArray[np.uint64]
) -> None:
    """Say in which undecided lanes the connected components are the planted groups."""
    tasks = same.size
    one, none = np.uint64(1), np.uint64(0)
    for t in range(exact.size):
        right = exact[t] == 0
        for first in range(tasks):
            if not right or same[first] & ((one << np.uint64(first)) - one):
                continue
            members, before = one << np.uint64(first), none
            while members != before:
                before = members
                for k in range(tasks):
                    if (before >> np.uint64(k)) & one:
                        members |= neighbours[k, t]
            right = members == same[first]
        good[t] = np.uint64(right)


@compiled()
def group_words(
    edges: Bytes, tasks: int, by_color: bool, same: NDArray[np.uint64], exact: Bytes
) -> int:
    """Count the trials whose grouping is the planted one; at most 64 tasks, a word a task.

    ``same[i]`` holds the tasks of i's planted group as bits. ``exact[t]`` is 1 where the graph is
    known to be right (and its grouping with it), 2 where a wrong edge rules the grouping out: one
    inside a group (by colour), or one between two groups (by components).
    """
    recovered = undecided = 0
    for t in range(exact.size):
        recovered += exact[t] == 1
        undecided += exact[t] == 0
    if undecided == 0:
        return recovered
    size = (tasks, edges.shape[1])
    neighbours = np.empty(size, dtype=np.uint64)
    degrees = np.empty(size, dtype=np.uint64)
    _neighbour_words(edges, tasks, neighbours, degrees)
    good = np.empty(size[1], dtype=np.uint64)
    if by_color:
        earlier = np.empty(size, dtype=np.uint64)
        _earlier_words(degrees, tasks, earlier)
        _colored_right(neighbours, earlier, same, good)
    else:
        _connected_right(neighbours, same, exact, good)
    for t in range(exact.size):
        recovered += exact[t] == 0 and good[t] != np.uint64(0)
    return recovered
