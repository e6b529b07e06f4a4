"""Make a failing graph as small as it gets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from songoku_theory.testing.graphs.case import Adjacency

__all__ = ["shrink_graph"]

Fails = Callable[[Sequence[Adjacency]], Iterator[bool]]
"""For several graphs at once, lazily: does each still fail?"""


def shrink_graph(
    matrix: Adjacency, fails: Fails, max_tries: int = 1500, max_seconds: float = 8.0
) -> Adjacency:
    """Remove tasks, then edges, as long as the graph still fails.

    Parameters
    ----------
    matrix : ndarray of bool, shape (n, n)
        A graph that fails.
    fails : callable
        Graphs -> whether each fails, one after the other; it is not asked on when one did.
    max_tries : int
    max_seconds : float

    Returns
    -------
    ndarray of bool
        A failing graph of which no single task can be left out, nor any single edge, unless the
        limits were reached first.

    Examples
    --------
    >>> from songoku_theory.testing.graphs import multipartite
    >>> has_triangle = lambda graphs: (np.trace(g.astype(int) @ g @ g) > 0 for g in graphs)
    >>> shrink_graph(multipartite(2, 3, 4), has_triangle).astype(int).tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    deadline = time.monotonic() + max_seconds
    left = max_tries
    size_of_chunk = max(1, len(matrix) // 2)
    while left > 0 and time.monotonic() < deadline:
        smaller, used = _first_failing(_without_tasks(matrix, size_of_chunk), fails, left, deadline)
        left -= used
        if smaller is None and size_of_chunk == 1:
            smaller, used = _first_failing(_without_edge(matrix), fails, left, deadline)
            left -= used
            if smaller is None:
                break
        elif smaller is None:
            size_of_chunk = max(1, size_of_chunk // 2)
            continue
        matrix = smaller
        size_of_chunk = max(1, min(size_of_chunk, len(matrix) // 2))
    return matrix


def _first_failing(
    candidates: Iterator[Adjacency], fails: Fails, left: int, deadline: float
) -> tuple[Adjacency | None, int]:
    """The first candidate that fails, and how many were tried; a few at a time, for memory."""
    tried = 0
    while tried < left and time.monotonic() < deadline:
        batch: list[Adjacency] = []
        for candidate in islice(candidates, min(32, left - tried)):
            batch.append(candidate)
            if sum(one.size for one in batch) > 2_000_000:
                break
        if not batch:
            break
        for candidate, failed in zip(batch, fails(batch), strict=False):
            tried += 1
            if failed:
                return candidate, tried
    return None, max(1, tried)


def _without_tasks(matrix: Adjacency, count: int) -> Iterator[Adjacency]:
    size = len(matrix)
    if size <= 1:
        return
    for start in range(0, size, count):
        kept = np.r_[0:start, min(size, start + count) : size]
        if kept.size:
            yield np.ascontiguousarray(matrix[np.ix_(kept, kept)])


def _without_edge(matrix: Adjacency) -> Iterator[Adjacency]:
    for i, j in np.argwhere(np.triu(matrix, 1)):
        smaller = matrix.copy()
        smaller[i, j] = smaller[j, i] = False
        yield smaller
