"""Inner products of some pairs of long rows, written out for numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import compiled

__all__ = ["pair_products"]

Rows = NDArray[np.float32] | NDArray[np.float64]


# Sums may be reordered, but NaN and infinity keep their meaning.
@compiled("reassoc", "contract", "nsz", "arcp")
def pair_products(
    rows: Rows, pairs: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Inner products, those of the absolute values (P,), and both norms (P, 2), in float64.

    As ``graph._pair_products``: products of float32 numbers are exact, the sums round once a term.
    """
    count, length = len(pairs), rows.shape[1]
    dots, sizes, norms = np.zeros(count), np.zeros(count), np.zeros((count, 2))
    known = np.full(rows.shape[0], -1.0)
    for p in range(count):
        i, j = pairs[p, 0], pairs[p, 1]
        dot = size = 0.0
        for k in range(length):
            product = np.float64(rows[i, k]) * np.float64(rows[j, k])
            dot += product
            size += abs(product)
        dots[p], sizes[p] = dot, size
        for side in range(2):
            row = pairs[p, side]
            if known[row] < 0.0:
                square = 0.0
                for k in range(length):
                    square += np.float64(rows[row, k]) * np.float64(rows[row, k])
                known[row] = np.sqrt(square)
            norms[p, side] = known[row]
    return dots, sizes, norms
