"""Graphs in DIMACS' format for colouring, which nearly every colouring program reads."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from songoku_theory.coloring import check_adjacency
from songoku_theory.errors import InvalidInputError
from songoku_theory.testing.graphs import Adjacency, from_edges

__all__ = ["from_dimacs", "to_dimacs"]


def to_dimacs(adjacency: ArrayLike, comments: Iterable[str] = ()) -> str:
    """Write a graph as DIMACS edges; nodes count from 1, as the format has it.

    Parameters
    ----------
    adjacency : array_like, shape (n, n)
    comments : iterable of str
        One line each.

    Returns
    -------
    str

    Examples
    --------
    >>> print(to_dimacs([[0, 1], [1, 0]], ["an edge"]), end="")
    c an edge
    p edge 2 1
    e 1 2
    """
    matrix = check_adjacency(adjacency)
    edges = np.argwhere(np.triu(matrix, 1))
    lines = [f"c {' '.join(comment.split())}" for comment in comments]
    lines.append(f"p edge {len(matrix)} {len(edges)}")
    lines += [f"e {i + 1} {j + 1}" for i, j in edges]
    return "\n".join(lines) + "\n"


def from_dimacs(text: str) -> Adjacency:
    """Read a graph in DIMACS' format.

    Parameters
    ----------
    text : str

    Returns
    -------
    ndarray of bool, shape (n, n)

    Raises
    ------
    InvalidInputError
        When a line is not of the format; names the line.

    Examples
    --------
    >>> from_dimacs("p edge 2 1\\ne 1 2").astype(int).tolist()
    [[0, 1], [1, 0]]
    """
    size, edges = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0] == "c":
            continue
        try:
            if words[0] == "p" and words[1] in ("edge", "col", "edges"):
                size, _ = int(words[2]), int(words[3])
                continue
            if words[0] != "e":
                raise ValueError(words[0])
            i, j = int(words[1]) - 1, int(words[2]) - 1
        except (ValueError, IndexError) as error:
            raise InvalidInputError(
                f"line {number} is not DIMACS: {line!r}. Expected 'p edge N M' or 'e I J'."
            ) from error
        if not (0 <= i < size and 0 <= j < size and i != j):
            raise InvalidInputError(
                f"line {number} names an edge outside 1..{size} or a loop: {line!r}."
            )
        edges.append((i, j))
    if size < 1:
        raise InvalidInputError("there is no line 'p edge N M' with N >= 1.")
    return from_edges(size, edges)
