"""Any networkx greedy strategy as a heuristic of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import check_adjacency
from songoku_theory.errors import unknown_name

__all__ = ["NETWORKX_STRATEGIES", "networkx_strategy"]

# random_sequential draws from a global generator, so the same graph gives different colours.
NETWORKX_STRATEGIES = (
    "largest_first",
    "smallest_last",
    "independent_set",
    "connected_sequential_bfs",
    "connected_sequential_dfs",
    "connected_sequential",
    "saturation_largest_first",
    "DSATUR",
    "random_sequential",
)


def networkx_strategy(
    strategy: str | Callable[[Any, dict[int, int]], Iterable[int]],
    interchange: bool = False,
) -> Callable[[ArrayLike], NDArray[np.int64]]:
    """Wrap a strategy of ``networkx.greedy_color`` as a function from adjacency to colours.

    Parameters
    ----------
    strategy : str or callable
        One of ``NETWORKX_STRATEGIES``, or a function ``(graph, colors) -> nodes in order`` as
        networkx takes it.
    interchange : bool, default False
        networkx's colour interchange.

    Returns
    -------
    callable
        ``(K, K) bool -> (K,) int``.

    Raises
    ------
    UnknownNameError
        When networkx has no strategy of that name.

    Examples
    --------
    >>> networkx_strategy("largest_first")([[0, 1], [1, 0]]).tolist()
    [0, 1]
    """
    if isinstance(strategy, str) and strategy not in NETWORKX_STRATEGIES:
        raise unknown_name("networkx strategy", strategy, NETWORKX_STRATEGIES)

    def heuristic(adjacency: ArrayLike) -> NDArray[np.int64]:
        import networkx as nx

        matrix = check_adjacency(adjacency)
        graph = nx.Graph()
        graph.add_nodes_from(range(matrix.shape[0]))
        graph.add_edges_from((int(i), int(j)) for i, j in np.argwhere(np.triu(matrix, 1)))
        found = nx.greedy_color(graph, strategy=strategy, interchange=interchange)
        return np.asarray([found[k] for k in range(matrix.shape[0])], dtype=np.int64)

    label = strategy if isinstance(strategy, str) else getattr(strategy, "__name__", "callable")
    heuristic.__name__ = f"networkx_{label}"
    return heuristic
