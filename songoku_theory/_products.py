"""Inner products of a few short rows, written out for numba.

At K = 40 and d = 1024 a call into BLAS takes more time than the work: here only a triangle is
computed, four rows against four at a time, so that each number that is loaded is used four times.
The combiners add up in float64; the scheduler's refresh in float32 over chunks of columns, as its
tensor code does. Both stand in one file, because numba's cache only watches the caller's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import compiled

__all__ = ["inner_products", "row_products32"]

Rows = NDArray[np.float32] | NDArray[np.float64]
Single = NDArray[np.float32]
_AT_ONCE = 14 * 1024  # entries: they stay in the cache, and malloc need not ask for pages
_AT_ONCE_32 = 24 * 1024  # the same of float32
_NO_COPY = 2048  # columns: the sums in float32 may be as long as elsewhere


# Sums may be reordered, but NaN and infinity keep their meaning.
_compiled = compiled("reassoc", "contract", "nsz", "arcp")


@_compiled
def _add_triangle(part: Rows, total: NDArray[np.float64]) -> None:
    """Add the products of all pairs i <= j of rows; the number of rows is a multiple of 4.

    One call's sums are kept in the rows' own precision.
    """
    count, length = part.shape
    zero = part.dtype.type(0)
    for i in range(0, count, 4):
        for j in range(i, count, 4):
            s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = zero
            s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = zero
            for k in range(length):
                a0, a1, a2, a3 = part[i, k], part[i + 1, k], part[i + 2, k], part[i + 3, k]
                b0, b1, b2, b3 = part[j, k], part[j + 1, k], part[j + 2, k], part[j + 3, k]
                s00 += a0 * b0
                s01 += a0 * b1
                s02 += a0 * b2
                s03 += a0 * b3
                s10 += a1 * b0
                s11 += a1 * b1
                s12 += a1 * b2
                s13 += a1 * b3
                s20 += a2 * b0
                s21 += a2 * b1
                s22 += a2 * b2
                s23 += a2 * b3
                s30 += a3 * b0
                s31 += a3 * b1
                s32 += a3 * b2
                s33 += a3 * b3
            total[i + 0, j + 0] += s00
            total[i + 0, j + 1] += s01
            total[i + 0, j + 2] += s02
            total[i + 0, j + 3] += s03
            total[i + 1, j + 0] += s10
            total[i + 1, j + 1] += s11
            total[i + 1, j + 2] += s12
            total[i + 1, j + 3] += s13
            total[i + 2, j + 0] += s20
            total[i + 2, j + 1] += s21
            total[i + 2, j + 2] += s22
            total[i + 2, j + 3] += s23
            total[i + 3, j + 0] += s30
            total[i + 3, j + 1] += s31
            total[i + 3, j + 2] += s32
            total[i + 3, j + 3] += s33


@_compiled
def inner_products(rows: Rows) -> NDArray[np.float64]:
    """Return the products of all pairs of rows (K, d), added up in float64, shape (K, K)."""
    count, length = rows.shape
    padded = (count + 3) // 4 * 4
    total = np.zeros((padded, padded))
    columns = max(64, _AT_ONCE // padded)
    part = np.zeros((padded, min(columns, length)))
    for first in range(0, length, columns):
        wide = min(columns, length - first)
        if wide < part.shape[1]:
            part = np.zeros((padded, wide))
        for i in range(count):
            # Slices from 0 on, so that the compiler sees that no index is negative.
            source, target = rows[i, first : first + wide], part[i]
            for k in range(wide):
                target[k] = source[k]
        _add_triangle(part, total)
    for i in range(count):
        for j in range(i):
            total[i, j] = total[j, i]
    return total[:count, :count].copy()


@_compiled
def row_products32(rows: Single) -> NDArray[np.float64]:
    """Products of all pairs of rows: chunks of columns in float32, added up in float64.

    As ``torch_scheduler.gram._batches``.
    """
    count, length = rows.shape
    padded = (count + 3) // 4 * 4
    total = np.zeros((padded, padded))
    columns = max(64, _AT_ONCE_32 // padded)
    if padded == count and length <= _NO_COPY:
        _add_triangle(rows, total)
        columns, length = 1, 0
    for first in range(0, length, columns):
        wide = min(columns, length - first)
        part = np.empty((padded, wide), dtype=np.float32)
        part[count:] = np.float32(0.0)
        for i in range(count):
            source, target = rows[i, first : first + wide], part[i]
            for k in range(wide):
                target[k] = source[k]
        _add_triangle(part, total)
    found = np.empty((count, count))
    for i in range(count):
        for j in range(i, count):
            found[i, j] = total[i, j]
            found[j, i] = total[i, j]
    return found
