"""Hypothesis strategies for conflict graphs. Each guarantees what its name says."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from songoku_theory.errors import DependencyMissingError
from songoku_theory.testing.graphs import Adjacency, from_edges, multipartite, union

if TYPE_CHECKING:
    from types import ModuleType

    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["bipartite_graphs", "disconnected_graphs", "graphs", "multipartite_graphs"]


def _strategies() -> ModuleType:
    try:
        from hypothesis import strategies
    except ImportError as error:
        raise DependencyMissingError(
            "graph strategies need hypothesis: pip install hypothesis."
        ) from error
    return strategies


def graphs(min_tasks: int = 1, max_tasks: int = 12) -> SearchStrategy[Adjacency]:
    """Draw any simple graph; shrinks towards fewer tasks, then fewer edges.

    Parameters
    ----------
    min_tasks, max_tasks : int

    Returns
    -------
    SearchStrategy
        Of adjacency matrices, bool, shape (n, n).

    Raises
    ------
    DependencyMissingError
        When hypothesis is not installed.
    """
    st = _strategies()

    @st.composite  # type: ignore[untyped-decorator]
    def build(draw: DrawFn) -> Adjacency:
        size = draw(st.integers(min_tasks, max_tasks))
        pairs = list(combinations(range(size), 2))
        if not pairs:
            return from_edges(size, [])
        dense = draw(st.booleans())
        flips = draw(st.sets(st.sampled_from(pairs)))
        chosen = set(pairs) - flips if dense else flips
        return from_edges(size, sorted(chosen))

    return build()  # type: ignore[no-any-return]


def multipartite_graphs(
    max_parts: int = 5, max_size: int = 4
) -> SearchStrategy[tuple[Adjacency, int]]:
    """Draw a complete multipartite graph with its tasks in any order, and its number of parts.

    Raises
    ------
    DependencyMissingError
        When hypothesis is not installed.
    """
    st = _strategies()

    @st.composite  # type: ignore[untyped-decorator]
    def build(draw: DrawFn) -> tuple[Adjacency, int]:
        sizes = draw(st.lists(st.integers(1, max_size), min_size=1, max_size=max_parts))
        order = np.asarray(draw(st.permutations(range(sum(sizes)))))
        return multipartite(*sizes)[np.ix_(order, order)], len(sizes)

    return build()  # type: ignore[no-any-return]


def bipartite_graphs(max_side: int = 6) -> SearchStrategy[Adjacency]:
    """Draw a bipartite graph with its tasks in any order.

    Raises
    ------
    DependencyMissingError
        When hypothesis is not installed.
    """
    st = _strategies()

    @st.composite  # type: ignore[untyped-decorator]
    def build(draw: DrawFn) -> Adjacency:
        left, right = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
        pairs = [(i, left + j) for i in range(left) for j in range(right)]
        matrix = from_edges(left + right, draw(st.sets(st.sampled_from(pairs))))
        order = np.asarray(draw(st.permutations(range(left + right))))
        return np.asarray(matrix[np.ix_(order, order)])

    return build()  # type: ignore[no-any-return]


def disconnected_graphs(max_parts: int = 4, max_size: int = 5) -> SearchStrategy[Adjacency]:
    """Draw a graph in at least two pieces.

    Raises
    ------
    DependencyMissingError
        When hypothesis is not installed.
    """
    st = _strategies()
    pieces = st.lists(graphs(max_tasks=max_size), min_size=2, max_size=max_parts)
    return pieces.map(lambda parts: union(*parts))  # type: ignore[no-any-return]
