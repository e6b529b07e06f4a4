"""A step and a refresh of few tasks on a CPU, written out for numba.

With 40 tasks and 1,024 parameters a call into torch takes longer than the work. Each function
answers what plain tensor code elsewhere answers, named there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import compiled

__all__ = ["conflict_codes", "replay", "sum_and_average", "triangle_graph"]

Single = NDArray[np.float32]
_TALL, _WIDE = 64, 256  # of a tile of the triangle


# Sums may be reordered, but NaN and infinity keep their meaning.
_compiled = compiled("reassoc", "contract", "nsz", "arcp")


@_compiled
def sum_and_average(
    rows: Single, averages: Single, tasks: NDArray[np.int64], weight: float
) -> tuple[Single, bool]:
    """Sum of the chosen rows (d,), and ``average += weight (row - average)`` for them.

    Says False, and moves nothing, when the sum is not finite: then a row isn't either, or the sum
    overflowed.
    """
    length = rows.shape[1]
    share = np.float32(weight)
    total = rows[tasks[0]].copy()
    for position in range(1, tasks.size):
        row = rows[tasks[position]]
        for k in range(length):
            total[k] += row[k]
    check = np.float32(0.0)
    for k in range(length):
        check += total[k] * np.float32(0.0)  # NaN as soon as one entry is not finite
    if check != np.float32(0.0):
        return total, False
    for position in range(tasks.size):
        row, average = rows[tasks[position]], averages[tasks[position]]
        for k in range(length):
            average[k] += share * (row[k] - average[k])
    return total, True


@compiled()  # to the last bit as numpy does, so nothing may be fused
def replay(
    ran: NDArray[np.int64],
    flat: NDArray[np.int64],
    starts: NDArray[np.int64],
    step: int,
    factors: tuple[float, float, float, float],
    weight_sum: NDArray[np.float64],
    weight_square_sum: NDArray[np.float64],
    last_turn: NDArray[np.int64],
    last_updated: NDArray[np.int64],
) -> None:
    """Enter steps that ran these slots; as ``songoku_theory.scheduler.run_slots``.

    Slot s holds the tasks ``flat[starts[s] : starts[s + 1]]``; `factors` are beta, 1 - beta and
    their squares.
    """
    beta, rest, beta_square, rest_square = factors
    for offset in range(ran.size):
        slot = ran[offset]
        for place in range(starts[slot], starts[slot + 1]):
            task = flat[place]
            weight_sum[task] = beta * weight_sum[task] + rest
            weight_square_sum[task] = beta_square * weight_square_sum[task] + rest_square
            last_turn[task] = step + offset
            last_updated[task] = step + offset


@_compiled
def conflict_codes(
    products: NDArray[np.float64],
    tau: float,
    norm_floor: float,
    scale: NDArray[np.float64],
    rounding: float,
    extreme: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """1 for an edge, 2 for a pair to decide again; on the diagonal for tasks that have a direction.

    As the tensor code of ``graph.measure_graph``.
    """
    count = products.shape[0]
    code = np.zeros((count, count), dtype=np.uint8)
    norms = np.empty(count)
    kept = np.empty(count, dtype=np.bool_)
    for i in range(count):
        norms[i] = np.sqrt(max(products[i, i], 0.0))
        included = norms[i] > 0.0 and norms[i] * scale[i] >= norm_floor and scale[i] > 0.0
        unsure = extreme[i] and scale[i] > 0.0
        code[i, i] = np.uint8(included) + np.uint8(2) * np.uint8(unsure)
        kept[i] = included or unsure
        if not included:
            norms[i] = 1.0
    if tau >= 1.0:
        return code
    for i in range(count):
        if not kept[i]:
            continue
        for j in range(i):
            if not kept[j]:
                continue
            rho = -products[i, j] / norms[i] / norms[j]
            # `not (far)`, so that a NaN counts as close.
            close = not (abs(rho - tau) > rounding) or code[i, i] >= 2 or code[j, j] >= 2
            answer = np.uint8(rho > tau) + np.uint8(2) * np.uint8(close)
            code[i, j] = answer
            code[j, i] = answer
    return code


@_compiled
def triangle_graph(
    lower: Single | NDArray[np.float64],
    tau: float,
    norm_floor: float,
    scale: NDArray[np.float64],
    rounding: float,
    smallest: float,
) -> tuple[bool, NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Edges, who has a direction, and the pairs to decide again, from a lower triangle of products.

    As ``graph.measure_graph`` for many tasks without extreme rows; False for any that is. Tile by
    tile, so that an edge and its mirror image are written while both are in the cache.
    """
    count = lower.shape[0]
    adjacency = np.zeros((count, count), dtype=np.bool_)
    included = np.zeros(count, dtype=np.bool_)
    inverse = np.zeros(count)
    pairs = np.empty((256, 2), dtype=np.int64)
    found = 0
    for i in range(count):
        square = np.float64(lower[i, i])
        norm = np.sqrt(max(square, 0.0))
        if scale[i] > 0.0 and not (square < np.inf and square >= smallest):
            return False, adjacency, included, pairs[:0]
        included[i] = scale[i] > 0.0 and norm > 0.0 and norm * scale[i] >= norm_floor
        if included[i]:
            inverse[i] = 1.0 / norm
    if tau >= 1.0:
        return True, adjacency, included, pairs[:0]
    for top in range(0, count, _TALL):
        bottom = min(count, top + _TALL)
        for left in range(0, bottom, _WIDE):
            for i in range(top, bottom):
                right = min(left + _WIDE, i)
                if not included[i] or right <= left:
                    continue
                # Slices from 0 on, so that the compiler sees that no index is negative.
                row, out = lower[i, left:right], adjacency[i, left:right]
                others, mine = inverse[left:right], -inverse[i]
                close = 0
                for k in range(right - left):
                    rho = np.float64(row[k]) * (mine * others[k])
                    out[k] = rho > tau  # never of a task that is left out: that is 0 or NaN
                    # `not (far)`, so that a NaN counts as close.
                    close |= int(not abs(rho - tau) > rounding)
                if not close:
                    continue
                for k in range(right - left):
                    rho = np.float64(row[k]) * (mine * others[k])
                    if included[left + k] and not abs(rho - tau) > rounding:
                        if found == pairs.shape[0]:
                            more = np.empty((2 * found, 2), dtype=np.int64)
                            more[:found] = pairs
                            pairs = more
                        pairs[found, 0], pairs[found, 1] = left + k, i
                        found += 1
            height = bottom - top
            block = adjacency[top:bottom, left : left + _WIDE]
            for k in range(min(_WIDE, bottom - left)):
                image = adjacency[left + k, top:bottom]
                for r in range(max(0, left + k + 1 - top), height):
                    image[r] = block[r, k]
    return True, adjacency, included, pairs[:found]
