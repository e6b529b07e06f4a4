"""Checks on adjacency matrices and colourings, and what can be read off them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory._numba import accelerated, numba_loaded
from songoku_theory.errors import InvalidInputError

__all__ = [
    "adjacency_bitsets",
    "check_adjacency",
    "check_adjacency_bits",
    "check_coloring_result",
    "color_classes",
    "is_proper",
    "kernels",
]

Bits = NDArray[np.uint64]
COMPILED_FROM = 128  # tasks; below, importing numba takes more time than it saves
_STRIP = 64


@cache
def kernels() -> Any:  # noqa: ANN401
    """Return ``songoku_theory.coloring.kernels``, importing numba with it."""
    return importlib.import_module("songoku_theory.coloring.kernels")


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
    return check_adjacency_bits(adjacency)[0]


def check_adjacency_bits(adjacency: ArrayLike) -> tuple[NDArray[np.bool_], Bits | None]:
    """Check as :func:`check_adjacency`; return the packed rows too when compiled code is to run.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)

    Returns
    -------
    tuple of (ndarray of bool, shape (K, K); ndarray of uint64, shape (K, ceil(K / 64)), or None)
        The rows for :func:`kernels`; None for small graphs, without numba, or switched off.

    Raises
    ------
    InvalidInputError
        As :func:`check_adjacency`.
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
    bits: Bits | None = None
    if (matrix.shape[0] >= COMPILED_FROM or numba_loaded()) and accelerated():
        entries = np.ascontiguousarray(matrix).reshape(-1).view(np.uint8)
        bits = kernels().packed(entries, matrix.shape[0])
        simple = bool(kernels().is_simple(bits))
    else:
        simple = _is_simple(matrix)
    if not simple:
        _refuse(matrix)
    return matrix, bits


def _is_simple(matrix: NDArray[np.bool_]) -> bool:
    """Strip by strip: a transposed copy of the whole would not stay in the cache."""
    if matrix.diagonal().any():
        return False
    strips = range(0, matrix.shape[0], _STRIP)
    return all(
        np.array_equal(matrix[k : k + _STRIP, k:], matrix[k:, k : k + _STRIP].T) for k in strips
    )


def _refuse(matrix: NDArray[np.bool_]) -> None:
    """Name the first fault of a graph that is not simple."""
    loops = np.flatnonzero(np.diag(matrix))
    if loops.size:
        raise InvalidInputError(
            f"an adjacency matrix should have no self-loops; found one at task {int(loops[0])}. "
            f"Clear the diagonal: a task does not conflict with itself."
        )
    i, j = (int(x) for x in np.argwhere(matrix != matrix.T)[0])
    raise InvalidInputError(
        f"an adjacency matrix should be symmetric; found [{i}, {j}] = {bool(matrix[i, j])} "
        f"but [{j}, {i}] = {bool(matrix[j, i])}."
    )


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
    adjacency: NDArray[np.bool_], colors: object, heuristic: str, bits: Bits | None = None
) -> NDArray[np.int64]:
    """Check what a heuristic returned: K whole colours, 0..m-1 all used, proper.

    `bits` are the packed rows, from :func:`check_adjacency_bits`, where there are any.

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
    if bits is not None and kernels().is_proper_bits(bits, values, used.size):
        return values
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
    classes: dict[int, list[int]] = {}
    for task, colour in enumerate(values.tolist()):
        classes.setdefault(colour, []).append(task)
    used = sorted(classes)
    if used != list(range(len(used))):
        raise InvalidInputError(f"colours should be 0..m-1 without gaps; found {used}.")
    return tuple(tuple(classes[c]) for c in used)
