"""Graph strategies and small exhaustive sets that the theory tests share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

Adjacency = NDArray[np.bool_]


def _to_matrix(graph: nx.Graph) -> Adjacency:
    return np.asarray(nx.to_numpy_array(graph, nodelist=sorted(graph)), dtype=bool)


@pytest.fixture(scope="session")
def small_graphs() -> list[Adjacency]:
    """One graph of each isomorphism class with 1 to 7 nodes: 1,252 graphs."""
    atlas = nx.graph_atlas_g()
    return [_to_matrix(g) for g in atlas if g.number_of_nodes() >= 1]


@pytest.fixture(scope="session")
def graphs() -> Callable[..., st.SearchStrategy[Adjacency]]:
    """Give a strategy for adjacency matrices of simple graphs of any density."""

    def strategy(max_nodes: int = 9) -> st.SearchStrategy[Adjacency]:
        @st.composite
        def build(draw: st.DrawFn) -> Adjacency:
            size = draw(st.integers(1, max_nodes))
            pairs = list(combinations(range(size), 2))
            chosen = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
            matrix = np.zeros((size, size), dtype=bool)
            for (i, j), edge in zip(pairs, chosen, strict=True):
                matrix[i, j] = matrix[j, i] = edge
            return matrix

        return build()

    return strategy
