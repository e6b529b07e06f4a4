"""Geometric rounding: gradients that pull apart are a vector colouring; cut it with random planes.

The gradients of tasks in conflict have cosine below -tau, so their directions are a vector
(1 + 1/tau)-colouring of their own conflict graph in the sense of Karger, Motwani and Sudan. Tasks
that a random direction points to most are mostly not in conflict with each other: take them in
that order, skip what conflicts with what is taken, and a class is found. Repeat on the rest.

Only inner products matter: the shadows of the tasks on a Gaussian direction are jointly normal with
the cosines as covariance. Of several directions the one with the largest class wins. Between the
directions the cosines are *sharpened*: a power of the matrix keeps its long axes, along which
tasks divide, and drops the short ones.

Two doors. :func:`geometric_rounding` takes the gradients' cosines beside the graph.
:func:`geometric` takes the graph alone, as every heuristic does, and uses the cosines that any
graph can be given: ``I - A / lambda_max(A)``, which gradients can realise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import adjacency_bitsets, check_adjacency
from songoku_theory.coloring.registry import coloring
from songoku_theory.errors import InvalidInputError

__all__ = ["canonical_cosines", "geometric", "geometric_rounding"]

SHARPNESS = (1, 4, 16, 64)
DIRECTIONS = 8


def canonical_cosines(adjacency: ArrayLike) -> NDArray[np.float64]:
    """Return the cosines of gradients whose conflict graph is the given one.

    ``I - A / lambda_max(A)``: -1 / lambda_max on every edge, 0 elsewhere, positive semidefinite.
    For any tau below 1 / lambda_max gradients with these cosines have exactly this graph.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)

    Returns
    -------
    ndarray, shape (K, K)

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid.

    Examples
    --------
    >>> canonical_cosines([[0, 1, 1], [1, 0, 1], [1, 1, 0]]).round(6)
    array([[ 1. , -0.5, -0.5],
           [-0.5,  1. , -0.5],
           [-0.5, -0.5,  1. ]])
    """
    matrix = check_adjacency(adjacency).astype(np.float64)
    largest = float(np.linalg.eigvalsh(matrix)[-1])
    cosines = np.eye(len(matrix))
    return cosines if largest <= 0.5 else cosines - matrix / largest


def geometric_rounding(
    adjacency: ArrayLike,
    cosines: ArrayLike,
    rng: np.random.Generator,
    directions: int = DIRECTIONS,
    sharpness: Sequence[int] = SHARPNESS,
) -> NDArray[np.int64]:
    """Colour by random directions through the gradients.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)
        The conflict graph, which decides what may stand together.
    cosines : array_like, shape (K, K)
        Of the gradients; positive semidefinite up to rounding. They only guide.
    rng : numpy.random.Generator
        The same state gives the same colours.
    directions : int, default 8
        Random directions for each class and each sharpness, >= 1.
    sharpness : sequence of int
        Powers of the cosine matrix, each >= 1.

    Returns
    -------
    ndarray of int, shape (K,)
        At most Delta + 1 colours: a class can't be enlarged, so every later task has a neighbour in
        it. As few as possible on complete multipartite graphs.

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid, or another argument does not fit.

    Source
    ------
    Ours; after Karger, Motwani and Sudan (1998), section 7, and the spectral colouring of Alon and
    Kahale (1997). That gradients are a vector colouring: SON-GOKU's eq. 5 read as theirs.

    Examples
    --------
    >>> square = np.asarray([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])
    >>> geometric_rounding(square, np.eye(4) - square / 2, np.random.default_rng(0)).tolist()
    [0, 1, 0, 1]
    """
    matrix = check_adjacency(adjacency)
    size = matrix.shape[0]
    gram = np.asarray(cosines, dtype=np.float64)
    if gram.shape != matrix.shape or not np.isfinite(gram).all():
        raise InvalidInputError(
            f"cosines should be finite with the graph's shape {matrix.shape}; found shape "
            f"{gram.shape}."
        )
    if directions < 1 or not sharpness or min(sharpness) < 1:
        raise InvalidInputError(
            f"directions and every sharpness should be at least 1; found {directions!r} and "
            f"{tuple(sharpness)!r}."
        )
    values, axes = np.linalg.eigh((gram + gram.T) / 2.0)
    lengths = np.clip(values / max(float(values[-1]), np.finfo(np.float64).tiny), 0.0, None)
    # The symmetric root: it does not depend on which axes a degenerate eigenvalue was given.
    roots = [(axes * lengths ** (power / 2.0)) @ axes.T for power in sharpness]
    neighbours = adjacency_bitsets(matrix)
    colors = np.full(size, -1, dtype=np.int64)
    left = (1 << size) - 1
    used = 0
    while left:
        draws = rng.standard_normal((len(roots), size, directions))
        shadows = np.concatenate([r @ z for r, z in zip(roots, draws, strict=True)], axis=1)
        members = _largest_class(shadows, neighbours, left)
        for task in range(size):
            if members >> task & 1:
                colors[task] = used
        left &= ~members
        used += 1
    return _by_first_task(colors, used)


def _largest_class(shadows: NDArray[np.float64], neighbours: list[int], left: int) -> int:
    """Return the largest class over the directions (ties: the most edges to the rest)."""
    best, best_rank = 0, (0, 0)
    # Sharpened shadows may be equal but for rounding, which must not decide.
    shadows = np.round(shadows / np.maximum(np.abs(shadows).max(axis=0), 1e-300), 9)
    for order in np.argsort(-shadows, axis=0, kind="stable").T.tolist():
        members, free, covered = 0, left, 0
        for task in order:
            if free >> task & 1:
                members |= 1 << task
                covered += (neighbours[task] & left).bit_count()
                free &= ~(neighbours[task] | 1 << task)
                if not free:
                    break
        rank = (members.bit_count(), covered)
        if rank > best_rank:
            best, best_rank = members, rank
    return best


def _by_first_task(colors: NDArray[np.int64], used: int) -> NDArray[np.int64]:
    """Name classes in order of their first task, so that equal groupings look equal."""
    first = [int(np.argmax(colors == c)) for c in range(used)]
    names = np.empty(used, dtype=np.int64)
    names[np.argsort(first, kind="stable")] = np.arange(used)
    return names[colors]


@coloring("geometric", promises=("proper", "deterministic", "delta+1", "exact-on-multipartite"))
def geometric(adjacency: ArrayLike) -> NDArray[np.int64]:
    """Colour by random directions through gradients that would have this conflict graph.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)

    Returns
    -------
    ndarray of int, shape (K,)
        The same for the same graph: the directions come from a generator with a fixed seed.

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid.

    Source
    ------
    :func:`geometric_rounding` on :func:`canonical_cosines`.

    Examples
    --------
    >>> crown = np.kron(1 - np.eye(6, dtype=int), [[0, 1], [1, 0]])
    >>> int(geometric(crown).max()) + 1
    2
    """
    matrix = check_adjacency(adjacency)
    return geometric_rounding(matrix, canonical_cosines(matrix), np.random.default_rng(0))
