"""Checks on adjacency matrices and colourings, and what can be read off them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError

__all__ = [
    "adjacency_bitsets",
    "check_adjacency",
    "check_coloring_result",
    "color_classes",
    "is_proper",
]


def check_adjacency(adjacency: ArrayLike) -> NDArray[np.bool_]:
    """Check the adjacency matrix of a simple graph.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)
        bool, or numbers that are all 0 or 1.

    Returns
    -------
    ndarray of bool, shape (K, K)

    Raises
    ------
    InvalidInputError
        When it is empty, not square, not 0/1, not symmetric, or has a self-loop.

    Examples
    --------
    >>> check_adjacency([[0, 1], [0, 0]])
    Traceback (most recent call last):
    ...
    songoku_theory.errors.InvalidInputError: an adjacency matrix should be symmetric; ...
    """
    matrix = np.asarray(adjacency)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] < 1:
        raise InvalidInputError(
            f"an adjacency matrix should have shape (K, K) with K >= 1; found {matrix.shape}."
        )
    if matrix.dtype != np.bool_:
        if matrix.dtype.kind not in "iuf" or not np.isin(matrix, (0, 1)).all():
            raise InvalidInputError(
                "an adjacency matrix should hold only 0 and 1 (or booleans); found other values. "
                "Threshold the cosines first: songoku_theory.conflict.conflict_graph."
            )
        matrix = matrix.astype(np.bool_)
    loops = np.flatnonzero(np.diag(matrix))
    if loops.size:
        raise InvalidInputError(
            f"an adjacency matrix should have no self-loops; found one at task {int(loops[0])}. "
            f"Clear the diagonal: a task does not conflict with itself."
        )
    mirror = np.argwhere(matrix != matrix.T)
    if mirror.size:
        i, j = (int(x) for x in mirror[0])
        raise InvalidInputError(
            f"an adjacency matrix should be symmetric; found [{i}, {j}] = {bool(matrix[i, j])} "
            f"but [{j}, {i}] = {bool(matrix[j, i])}."
        )
    return matrix


def adjacency_bitsets(adjacency: NDArray[np.bool_]) -> list[int]:
    """Return each task's neighbours as the bits of one integer: bit j of entry i is edge (i, j)."""
    packed = np.packbits(adjacency, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def is_proper(adjacency: ArrayLike, colors: Sequence[int] | NDArray[np.int64]) -> bool:
    """Say whether no edge joins two tasks of the same colour.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)
    colors : sequence of int, length K

    Returns
    -------
    bool

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid or the lengths differ.

    Examples
    --------
    >>> is_proper([[0, 1], [1, 0]], [0, 1]), is_proper([[0, 1], [1, 0]], [0, 0])
    (True, False)
    """
    matrix = check_adjacency(adjacency)
    values = np.asarray(colors)
    if values.shape != (matrix.shape[0],):
        raise InvalidInputError(
            f"expected one colour for each of {matrix.shape[0]} tasks; found shape {values.shape}."
        )
    return not bool((matrix & (values[:, None] == values[None, :])).any())


def check_coloring_result(
    adjacency: NDArray[np.bool_], colors: object, heuristic: str
) -> NDArray[np.int64]:
    """Check what a heuristic returned: K whole colours, 0..m-1 all used, proper.

    Raises
    ------
    InvalidInputError
        When it is anything else; names the heuristic and the first fault.
    """
    try:
        values = np.asarray(colors)
    except ValueError as error:
        raise InvalidInputError(
            f"coloring {heuristic!r} should return a flat sequence: {error}."
        ) from error
    size = adjacency.shape[0]
    if values.shape != (size,):
        raise InvalidInputError(
            f"coloring {heuristic!r} should return one colour for each of {size} tasks; found "
            f"shape {values.shape}."
        )
    if values.dtype.kind not in "iu":
        raise InvalidInputError(
            f"coloring {heuristic!r} should return whole numbers; found dtype {values.dtype}."
        )
    values = values.astype(np.int64)
    used = np.unique(values)
    if not np.array_equal(used, np.arange(used.size)):
        raise InvalidInputError(
            f"coloring {heuristic!r} should use the colours 0..m-1 without gaps; found "
            f"{used.tolist()}."
        )
    clash = np.argwhere(np.triu(adjacency, 1) & (values[:, None] == values[None, :]))
    if clash.size:
        i, j = (int(x) for x in clash[0])
        raise InvalidInputError(
            f"coloring {heuristic!r} is not proper: tasks {i} and {j} conflict and both have "
            f"colour {int(values[i])}."
        )
    return values


def color_classes(colors: Sequence[int] | NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Return the tasks of each colour: class c holds the tasks with colour c, in order.

    Parameters
    ----------
    colors : sequence of int, length K
        Colours 0..m-1, all used.

    Returns
    -------
    tuple of tuple of int

    Raises
    ------
    InvalidInputError
        When the colours are not 0..m-1 without gaps.

    Examples
    --------
    >>> color_classes([0, 1, 0])
    ((0, 2), (1,))
    """
    values = np.asarray(colors)
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "iu":
        raise InvalidInputError(
            f"colours should be a non-empty sequence of whole numbers; found {colors!r}."
        )
    used = np.unique(values)
    if not np.array_equal(used, np.arange(used.size)):
        raise InvalidInputError(f"colours should be 0..m-1 without gaps; found {used.tolist()}.")
    return tuple(tuple(int(k) for k in np.flatnonzero(values == c)) for c in used)
