"""Smallest-last: peel off a task of least degree again and again, colour in reverse."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import check_adjacency
from songoku_theory.coloring.greedy import first_fit
from songoku_theory.coloring.registry import coloring

__all__ = ["smallest_last"]


@coloring("smallest_last", promises=("proper", "deterministic", "delta+1", "exact-on-multipartite"))
def smallest_last(adjacency: ArrayLike) -> NDArray[np.int64]:
    """Colour in smallest-last order: at most degeneracy + 1 colours.

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
    Matula and Beck (1983). Ties by task index.

    Examples
    --------
    >>> smallest_last([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]).tolist()
    [1, 0, 0, 0]
    """
    matrix = check_adjacency(adjacency)
    size = matrix.shape[0]
    degrees = matrix.sum(axis=1).astype(np.int64)
    peeled = np.full(size, False)
    removal: list[int] = []
    for _ in range(size):
        task = int(np.argmin(np.where(peeled, size + 1, degrees)))
        removal.append(task)
        peeled[task] = True
        degrees -= matrix[task]
    return first_fit(matrix, removal[::-1])
