"""First-fit greedy colouring on bitsets, in any given order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import adjacency_bitsets, check_adjacency_bits, kernels
from songoku_theory.errors import InvalidInputError

__all__ = ["first_fit"]


def first_fit(adjacency: ArrayLike, order: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each task, in the given order, the smallest colour that no neighbour has yet.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)
    order : sequence of int
        A permutation of 0..K-1.

    Returns
    -------
    ndarray of int, shape (K,)
        At most Delta + 1 colours, whatever the order.

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid or `order` is not a permutation.

    Source
    ------
    SON-GOKU, Proposition 9 ("greedy (first-fit)").

    Examples
    --------
    >>> path = [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]
    >>> first_fit(path, [0, 1, 2, 3]).tolist(), first_fit(path, [0, 3, 1, 2]).tolist()
    ([0, 1, 0, 1], [0, 1, 2, 0])
    """
    matrix, bits = check_adjacency_bits(adjacency)
    sequence = np.asarray(order)
    if sequence.dtype.kind not in "iu" or not np.array_equal(
        np.sort(sequence), np.arange(matrix.shape[0])
    ):
        raise InvalidInputError(
            f"order should be a permutation of 0..{matrix.shape[0] - 1}; found {order!r}."
        )
    if bits is not None:
        found: NDArray[np.int64] = kernels().first_fit_bits(bits, sequence.astype(np.int64))
        return found
    return _first_fit_plain(adjacency_bitsets(matrix), sequence.tolist())


def _first_fit_plain(neighbours: Sequence[int], order: Sequence[int]) -> NDArray[np.int64]:
    colors = np.zeros(len(neighbours), dtype=np.int64)
    classes: list[int] = []  # class c as a bitset of its tasks
    for task in order:
        for c, members in enumerate(classes):
            if not members & neighbours[task]:
                classes[c] = members | (1 << task)
                colors[task] = c
                break
        else:
            colors[task] = len(classes)
            classes.append(1 << task)
    return colors
