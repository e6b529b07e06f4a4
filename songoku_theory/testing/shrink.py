"""Make a failing graph as small as it gets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
    search = _Search(fails, max_tries, time.monotonic() + max_seconds)
    while True:
        smaller = search.reduce(
            search.reduce(matrix, _count_tasks, _without_tasks), _count_edges, _without_edges
        )
        if smaller is matrix or search.is_over:
            return smaller
        matrix = smaller


@dataclass(slots=True)
class _Search:
    """What is left of the limits, and how a graph is made smaller within them."""

    fails: Fails
    left: int
    deadline: float

    @property
    def is_over(self) -> bool:
        return self.left <= 0 or time.monotonic() >= self.deadline

    def reduce(
        self,
        matrix: Adjacency,
        count: Callable[[Adjacency], int],
        without: Callable[[Adjacency, int, int], Adjacency],
    ) -> Adjacency:
        """Leave parts out, half of them first, then ever smaller shares, at last one by one."""
        chunk, start = max(1, count(matrix) // 2), 0
        while not self.is_over:
            size = count(matrix)
            if size == 0:
                break
            starts = [(start + k) % size for k in range(0, size, chunk)]
            found = self._first_failing(matrix, starts, chunk, without)
            if found is not None:
                # What comes before has just been tried in vain, so go on from here.
                start, matrix = found
                start = start % max(1, count(matrix))
                chunk = max(1, min(chunk, count(matrix) // 2))
            elif chunk == 1:
                break
            else:
                chunk = max(1, chunk // 2)
        return matrix

    def _first_failing(
        self,
        matrix: Adjacency,
        starts: Sequence[int],
        chunk: int,
        without: Callable[[Adjacency, int, int], Adjacency],
    ) -> tuple[int, Adjacency] | None:
        """The first smaller graph that fails; a few are made at a time, for memory's sake."""
        at_once = max(1, min(32, 2_000_000 // matrix.size))
        for first in range(0, len(starts), at_once):
            if self.is_over:
                return None
            some = starts[first : first + at_once]
            graphs = [without(matrix, start, chunk) for start in some]
            fine = [(start, graph) for start, graph in zip(some, graphs, strict=True) if len(graph)]
            verdicts = self.fails([graph for _, graph in fine])
            for (start, graph), failed in zip(fine, verdicts, strict=False):
                self.left -= 1
                if failed:
                    return start, graph
        return None


def _count_tasks(matrix: Adjacency) -> int:
    return len(matrix)


def _count_edges(matrix: Adjacency) -> int:
    return int(np.count_nonzero(matrix)) // 2


def _without_tasks(matrix: Adjacency, start: int, count: int) -> Adjacency:
    """Leave out tasks `start` to `start + count - 1`; may be nobody left."""
    kept = np.r_[0 : max(0, start), min(len(matrix), start + count) : len(matrix)]
    return np.ascontiguousarray(matrix[np.ix_(kept, kept)])


def _without_edges(matrix: Adjacency, start: int, count: int) -> Adjacency:
    smaller = matrix.copy()
    for i, j in np.argwhere(np.triu(matrix, 1))[start : start + count]:
        smaller[i, j] = smaller[j, i] = False
    return smaller
