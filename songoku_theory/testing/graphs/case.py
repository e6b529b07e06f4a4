"""A graph to try a colouring on, and what is known about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring import (
    SearchLimitError,
    adjacency_bitsets,
    check_adjacency,
    exact_coloring,
    greedy_clique,
)

__all__ = ["Adjacency", "Case", "case", "chromatic_by_counting", "from_edges", "from_networkx"]

Adjacency = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Case:
    """One graph.

    Attributes
    ----------
    name : str
        For a person: ``"crown of 12 tasks"``.
    adjacency : ndarray of bool, shape (n, n)
        Read-only.
    known : int or None
        The chromatic number, where a theorem or the construction gives it.
    labels : str
        How a networkx graph should name its nodes; ``"range"`` is 0..n-1 in order.
    """

    name: str
    adjacency: Adjacency
    known: int | None = None
    labels: str = "range"

    @property
    def num_tasks(self) -> int:
        """n."""
        return int(self.adjacency.shape[0])

    @property
    def num_edges(self) -> int:
        """How many pairs conflict."""
        return int(np.count_nonzero(self.adjacency)) // 2

    @cached_property
    def degrees(self) -> NDArray[np.int64]:
        """Degrees, shape (n,)."""
        return np.asarray(self.adjacency.sum(axis=1), dtype=np.int64)

    @cached_property
    def is_multipartite(self) -> bool:
        """Whether the graph is complete multipartite: not being adjacent is an equivalence."""
        apart = ~self.adjacency
        _, group = np.unique(apart, axis=0, return_inverse=True)
        same = np.asarray(group).reshape(-1)
        return bool((apart == (same[:, None] == same[None, :])).all())

    @cached_property
    def is_bipartite(self) -> bool:
        """Whether two colours suffice."""
        side = np.full(self.num_tasks, -1)
        for start in range(self.num_tasks):
            if side[start] >= 0:
                continue
            side[start] = 0
            queue = [start]
            while queue:
                node = queue.pop()
                for other in np.flatnonzero(self.adjacency[node]).tolist():
                    if side[other] < 0:
                        side[other] = 1 - side[node]
                        queue.append(other)
                    elif side[other] == side[node]:
                        return False
        return True

    @cached_property
    def chromatic(self) -> int | None:
        """The exact number of colours; None where it is not known and not quickly proved.

        Up to 12 tasks it is counted, a method that shares nothing with a search by saturation.
        """
        if self.known is not None:
            return self.known
        if self.num_tasks <= 12:
            return chromatic_by_counting(self.adjacency)
        if self.num_tasks > 80:
            return None
        try:
            return int(exact_coloring(self.adjacency, max_nodes=3_000).max()) + 1
        except SearchLimitError:
            return None

    @cached_property
    def clique(self) -> int:
        """Size of a clique: no colouring has fewer colours."""
        return len(greedy_clique(self.adjacency))


def case(name: str, adjacency: ArrayLike, known: int | None = None, labels: str = "range") -> Case:
    """Make a case with a read-only copy of the matrix.

    Raises
    ------
    InvalidInputError
        When the matrix is not that of a simple graph.

    Examples
    --------
    >>> case("edge", [[0, 1], [1, 0]]).chromatic
    2
    """
    matrix = check_adjacency(adjacency).copy()
    matrix.setflags(write=False)
    return Case(name, matrix, known, labels)


def from_edges(size: int, edges: Iterable[tuple[int, int]]) -> Adjacency:
    """Return the adjacency matrix of a graph on 0..size-1.

    Examples
    --------
    >>> from_edges(3, [(0, 2)]).astype(int).tolist()
    [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    """
    matrix = np.zeros((size, size), dtype=np.bool_)
    for i, j in edges:
        matrix[i, j] = matrix[j, i] = True
    return matrix


def from_networkx(graph: nx.Graph) -> Adjacency:
    """Return the adjacency matrix in the graph's own node order, without self-loops."""
    matrix = np.asarray(nx.to_numpy_array(graph, weight=None), dtype=np.bool_)
    np.fill_diagonal(matrix, False)
    return matrix


def chromatic_by_counting(adjacency: ArrayLike) -> int:
    """Return the chromatic number by inclusion and exclusion over independent sets.

    With i(S) the number of independent subsets of S, the tasks can be covered by k independent
    sets in ``sum over S of (-1)**(n - |S|) i(S)**k`` ways; the chromatic number is the first k for
    which that is not 0.

    Parameters
    ----------
    adjacency : array_like, shape (n, n)
        n <= 16: it takes 2**n steps.

    Returns
    -------
    int

    Source
    ------
    Bjorklund, Husfeldt and Koivisto (2009).

    Examples
    --------
    >>> chromatic_by_counting(from_edges(5, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]))
    3
    """
    matrix = check_adjacency(adjacency)
    size = int(matrix.shape[0])
    closed = [neighbours | 1 << k for k, neighbours in enumerate(adjacency_bitsets(matrix))]
    counts = [1] * (1 << size)
    for subset in range(1, 1 << size):
        top = subset.bit_length() - 1
        counts[subset] = counts[subset ^ 1 << top] + counts[subset & ~closed[top]]
    signs = [1 - 2 * ((size - subset.bit_count()) & 1) for subset in range(1 << size)]
    powers = list(counts)
    for colors in range(1, size + 1):
        if sum(sign * power for sign, power in zip(signs, powers, strict=True)):
            return colors
        powers = [power * count for power, count in zip(powers, counts, strict=True)]
    return size
