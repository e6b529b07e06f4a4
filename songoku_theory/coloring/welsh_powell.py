"""Welsh-Powell: first-fit in order of non-increasing degree."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import check_adjacency, check_adjacency_bits, kernels
from songoku_theory.coloring.greedy import first_fit
from songoku_theory.coloring.registry import coloring

__all__ = ["welsh_powell", "welsh_powell_bound"]


@coloring(
    "welsh_powell",
    promises=(
        "proper",
        "deterministic",
        "delta+1",
        "welsh-powell-bound",
        "exact-on-multipartite",
    ),
)
def welsh_powell(adjacency: ArrayLike) -> NDArray[np.int64]:
    """Colour largest degree first; ties by task index.

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
    SON-GOKU, section 4.3 and footnote 1; Welsh and Powell (1967).

    Differs from
    ------------
    The paper leaves ties open. Here the lower index goes first, so the result is deterministic.

    Examples
    --------
    >>> welsh_powell([[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]).tolist()
    [0, 1, 1, 0]
    """
    matrix, bits = check_adjacency_bits(adjacency)
    if bits is not None:
        compiled = kernels()
        found: NDArray[np.int64] = compiled.first_fit_bits(bits, compiled.by_degree(bits))
        return found
    order = np.argsort(-matrix.sum(axis=1), kind="stable")
    return first_fit(matrix, order)


def welsh_powell_bound(adjacency: ArrayLike) -> int:
    """Return Welsh and Powell's own bound, ``max_i min(d_i + 1, i)`` with degrees descending.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)

    Returns
    -------
    int
        At most Delta + 1, and often less.

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid.

    Source
    ------
    Welsh and Powell (1967), theorem 1.

    Examples
    --------
    >>> welsh_powell_bound([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]])
    2
    """
    degrees = np.sort(check_adjacency(adjacency).sum(axis=1))[::-1]
    return int(np.minimum(degrees + 1, np.arange(1, degrees.size + 1)).max())
