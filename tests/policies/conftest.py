"""Small graphs, and a way to run a policy over a given sequence of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from songoku_theory import scheduler as sgk
from songoku_theory.conflict import ConflictGraph

Adjacency = NDArray[np.bool_]
Run = Callable[[sgk.SchedulerConfig, Sequence[Adjacency], int], NDArray[np.bool_]]


def all_graphs_of(nodes: int) -> list[Adjacency]:
    """Every labelled simple graph on `nodes` nodes."""
    pairs = list(combinations(range(nodes), 2))
    graphs = []
    for code in range(2 ** len(pairs)):
        matrix = np.zeros((nodes, nodes), dtype=np.bool_)
        for bit, (i, j) in enumerate(pairs):
            matrix[i, j] = matrix[j, i] = bool(code >> bit & 1)
        graphs.append(matrix)
    return graphs


@pytest.fixture(scope="session")
def all_graphs() -> Callable[[int], list[Adjacency]]:
    return all_graphs_of


@pytest.fixture(scope="session")
def run_on_graphs() -> Run:
    """Give a run of T steps that adopts the next graph at each refresh; returns (T, K) activity."""

    def run(
        config: sgk.SchedulerConfig, graphs: Sequence[Adjacency], steps: int
    ) -> NDArray[np.bool_]:
        state, given = sgk.init(config), iter(graphs)
        active = np.zeros((steps, config.num_tasks), dtype=np.bool_)
        for t in range(steps):
            active[t, list(sgk.active(config, state))] = True
            state = sgk.advance(config, state)
            if sgk.needs_refresh(config, state):
                adjacency = next(given, None)
                if adjacency is None:
                    continue
                included = np.ones(config.num_tasks, dtype=np.bool_)
                state = sgk.adopt_graph(config, state, ConflictGraph(adjacency, included, 0.2))
        return active

    return run
