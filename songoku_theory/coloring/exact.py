"""The exact chromatic number, for graphs small enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import adjacency_bitsets, check_adjacency
from songoku_theory.coloring.dsatur import dsatur
from songoku_theory.coloring.registry import coloring
from songoku_theory.errors import SongokuError

__all__ = ["SearchLimitError", "chromatic_number", "exact_coloring", "greedy_clique"]

DEFAULT_MAX_NODES = 2_000_000


class SearchLimitError(SongokuError):
    """An exact search was stopped before it could prove its answer."""


def greedy_clique(adjacency: ArrayLike) -> tuple[int, ...]:
    """Return a clique that can't be enlarged: a lower bound on the chromatic number.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)

    Returns
    -------
    tuple of int
        The largest over all starting tasks, in order of task index.

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid.

    Examples
    --------
    >>> greedy_clique([[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0]])
    (0, 1, 2)
    """
    matrix = check_adjacency(adjacency)
    neighbours = adjacency_bitsets(matrix)
    best: list[int] = []
    for start in range(matrix.shape[0]):
        clique = [start]
        candidates = neighbours[start]
        while candidates:
            choices = [k for k in range(matrix.shape[0]) if candidates >> k & 1]
            task = max(choices, key=lambda k: ((neighbours[k] & candidates).bit_count(), -k))
            clique.append(task)
            candidates &= neighbours[task]
        if len(clique) > len(best):
            best = clique
    return tuple(sorted(best))


@coloring(
    "exact",
    promises=(
        "proper",
        "deterministic",
        "delta+1",
        "exact",
        "exact-on-multipartite",
        "exact-on-bipartite",
    ),
)
def exact_coloring(adjacency: ArrayLike, max_nodes: int = DEFAULT_MAX_NODES) -> NDArray[np.int64]:
    """Colour with as few colours as possible, by branch and bound on saturation.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)
    max_nodes : int, default 2,000,000
        Search nodes after which to give up. Any graph to about 40 tasks, and most conflict graphs
        to about 80, need far fewer.

    Returns
    -------
    ndarray of int, shape (K,)

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid.
    SearchLimitError
        When `max_nodes` was not enough to prove optimality; never returns an unproved answer.

    Source
    ------
    Brelaz (1979), with the clique bound of Mehrotra and Trick (1996).

    Examples
    --------
    >>> cycle5 = np.roll(np.eye(5, dtype=bool), 1, axis=1)
    >>> int(exact_coloring(cycle5 | cycle5.T).max()) + 1
    3
    """
    matrix = check_adjacency(adjacency)
    incumbent = dsatur(matrix)
    clique = greedy_clique(matrix)
    if incumbent.max() + 1 == len(clique):
        return incumbent
    search = _Search(adjacency_bitsets(matrix), incumbent.tolist(), len(clique), max_nodes)
    for c, task in enumerate(clique):
        search.assign(task, c)
    search.run(len(clique))
    return np.asarray(search.best, dtype=np.int64)


def chromatic_number(adjacency: ArrayLike, max_nodes: int = DEFAULT_MAX_NODES) -> int:
    """Return the least number of colours of a proper colouring.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)
    max_nodes : int
        As in :func:`exact_coloring`.

    Returns
    -------
    int

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid.
    SearchLimitError
        When `max_nodes` was not enough.

    Examples
    --------
    >>> chromatic_number([[0, 1], [1, 0]])
    2
    """
    return int(exact_coloring(adjacency, max_nodes).max()) + 1


class _Search:
    """Depth-first search with undo; colours are introduced in order, which breaks the symmetry."""

    def __init__(
        self, neighbours: list[int], incumbent: list[int], lower_bound: int, max_nodes: int
    ) -> None:
        self.neighbours = neighbours
        self.best = incumbent
        self.best_count = max(incumbent) + 1
        self.lower_bound = lower_bound
        self.max_nodes = max_nodes
        self.nodes = 0
        self.colors = [-1] * len(neighbours)
        self.uncolored = (1 << len(neighbours)) - 1
        # counts[k][c]: how many neighbours of k have colour c; seen[k]: the colours as a bitset
        self.counts = [[0] * self.best_count for _ in neighbours]
        self.seen = [0] * len(neighbours)

    def _neighbours_of(self, task: int) -> list[int]:
        rest, found = self.neighbours[task], []
        while rest:
            lowest = rest & -rest
            found.append(lowest.bit_length() - 1)
            rest ^= lowest
        return found

    def assign(self, task: int, c: int) -> None:
        self.colors[task] = c
        self.uncolored &= ~(1 << task)
        for k in self._neighbours_of(task):
            self.counts[k][c] += 1
            self.seen[k] |= 1 << c

    def _undo(self, task: int) -> None:
        c = self.colors[task]
        self.colors[task] = -1
        self.uncolored |= 1 << task
        for k in self._neighbours_of(task):
            self.counts[k][c] -= 1
            if not self.counts[k][c]:
                self.seen[k] &= ~(1 << c)

    def run(self, used: int) -> bool:
        """Search below the current state; True when the lower bound was met."""
        self.nodes += 1
        if self.nodes > self.max_nodes:
            raise SearchLimitError(
                f"the exact colouring of {len(self.neighbours)} tasks was not proved within "
                f"{self.max_nodes} search nodes (between {self.lower_bound} and "
                f"{self.best_count} colours). Raise max_nodes or use a heuristic."
            )
        if not self.uncolored:
            self.best, self.best_count = list(self.colors), used
            return used == self.lower_bound
        task = max(
            (k for k in range(len(self.colors)) if self.uncolored >> k & 1),
            key=lambda k: (
                self.seen[k].bit_count(),
                (self.neighbours[k] & self.uncolored).bit_count(),
                -k,
            ),
        )
        for c in range(used + 1):
            opened = max(used, c + 1)
            if opened >= self.best_count:
                break
            if self.seen[task] >> c & 1:
                continue
            self.assign(task, c)
            met = self.run(opened)
            self._undo(task)
            if met:
                return True
        return False
