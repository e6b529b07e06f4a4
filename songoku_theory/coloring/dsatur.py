"""DSATUR: always colour the task whose neighbours already show the most colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import adjacency_bitsets, check_adjacency
from songoku_theory.coloring.registry import coloring

__all__ = ["dsatur"]


@coloring(
    "dsatur",
    promises=(
        "proper",
        "deterministic",
        "delta+1",
        "exact-on-multipartite",
        "exact-on-bipartite",
    ),
)
def dsatur(adjacency: ArrayLike) -> NDArray[np.int64]:
    """Colour by saturation, then degree among the uncoloured, then task index.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)

    Returns
    -------
    ndarray of int, shape (K,)

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid.

    Source
    ------
    Brelaz (1979); exact on bipartite graphs.

    Examples
    --------
    >>> path = [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]
    >>> int(dsatur(path).max()) + 1
    2
    """
    matrix = check_adjacency(adjacency)
    size = matrix.shape[0]
    neighbours = adjacency_bitsets(matrix)
    colors = np.full(size, -1, dtype=np.int64)
    classes: list[int] = []
    seen = [0] * size  # the colours among a task's neighbours, as a bitset
    uncolored = (1 << size) - 1
    for _ in range(size):
        task = max(
            (k for k in range(size) if uncolored >> k & 1),
            key=lambda k: (seen[k].bit_count(), (neighbours[k] & uncolored).bit_count(), -k),
        )
        free = ~seen[task]
        chosen = (free & -free).bit_length() - 1  # the lowest colour not seen
        if chosen == len(classes):
            classes.append(0)
        classes[chosen] |= 1 << task
        colors[task] = chosen
        uncolored &= ~(1 << task)
        rest = neighbours[task] & uncolored
        while rest:
            lowest = rest & -rest
            seen[lowest.bit_length() - 1] |= 1 << chosen
            rest ^= lowest
    return colors
