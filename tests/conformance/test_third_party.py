"""Code that is not ours goes through the suite: networkx, rustworkx, gcol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

from songoku_theory.coloring import NETWORKX_STRATEGIES
from songoku_theory.testing import check_coloring, succeeded
from songoku_theory.testing.graphs import Adjacency

FAMILIES = ("hard", "disconnected", "renamed")
INTERCHANGE = ("independent_set", "saturation_largest_first", "DSATUR")  # without it only
RANDOM = {"deterministic": "draws from a global generator", "stateless": "for the same reason"}


def networkx_heuristic(strategy: str, interchange: bool) -> Callable[[nx.Graph], dict[Any, int]]:
    def heuristic(graph: nx.Graph) -> dict[Any, int]:
        return dict(nx.greedy_color(graph, strategy=strategy, interchange=interchange))

    return heuristic


@pytest.mark.parametrize("interchange", [False, True])
@pytest.mark.parametrize("strategy", NETWORKX_STRATEGIES)
def test_networkx(strategy: str, interchange: bool) -> None:
    """Every strategy colours properly with Delta + 1; the random one is not deterministic.

    "independent_set" and interchange promise no Delta + 1 in their documentation, and keep it.
    """
    if interchange and strategy in INTERCHANGE:
        with pytest.raises(nx.NetworkXPointlessConcept):
            nx.greedy_color(nx.path_graph(3), strategy=strategy, interchange=True)
        return
    results = check_coloring(
        networkx_heuristic(strategy, interchange),
        families=FAMILIES,
        max_tasks=48,
        expected_failures=RANDOM if strategy == "random_sequential" else None,
    )
    assert succeeded(results), [r for r in results if not r.ok]


def test_networkx_strategies_that_go_through_sets_depend_on_node_names() -> None:
    """Nodes 0..n-1 are safe; with strings the colours differ from one interpreter to the next."""
    module = "networkx.algorithms.coloring:greedy_color"
    results = {r.check: r for r in check_coloring(module, families=["processes"])}
    assert results["deterministic[processes]"].ok
    assert results["deterministic[processes-renamed]"].ok  # largest_first sorts a list


@pytest.mark.parametrize("strategy", ["Degree", "Saturation", "IndependentSet"])
def test_rustworkx(strategy: str) -> None:
    import rustworkx as rx

    chosen = getattr(rx.ColoringStrategy, strategy)

    def heuristic(adjacency: Adjacency) -> dict[int, int]:
        graph = rx.PyGraph(multigraph=False)
        graph.add_nodes_from(range(len(adjacency)))
        edges = np.argwhere(np.triu(adjacency, 1))
        graph.add_edges_from_no_data([(int(i), int(j)) for i, j in edges])
        return dict(rx.graph_greedy_color(graph, strategy=chosen))

    extra = ["+exact-on-bipartite"] if strategy == "Saturation" else []
    results = check_coloring(heuristic, promises=extra, families=("small", "hard", "large"))
    assert succeeded(results), [r for r in results if not r.ok]


@pytest.mark.parametrize("strategy", ["random", "welsh_powell", "dsatur", "rlf"])
def test_gcol(strategy: str) -> None:
    import gcol

    def heuristic(graph: nx.Graph) -> dict[Any, int]:
        return dict(gcol.node_coloring(graph, strategy=strategy))

    extra = ["+exact-on-bipartite"] if strategy in ("dsatur", "rlf") else []
    results = check_coloring(
        heuristic,
        promises=extra,
        families=FAMILIES,
        expected_failures=RANDOM if strategy == "random" else None,
    )
    assert succeeded(results), [r for r in results if not r.ok]
