"""The ledger's own graph and schedule code, against networkx and against the library."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from math import factorial

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.claims.coloring import _graphs as graphs
from proofs_check.claims.coloring import _runs as runs
from songoku_theory.coloring import first_fit, welsh_powell
from songoku_theory.schedule import activation_of_run, periodic_schedule

ISOMORPHISM_CLASSES = {1: 1, 2: 2, 3: 4, 4: 11, 5: 34, 6: 156, 7: 1044}


def as_networkx(graph: graphs.Graph) -> nx.Graph:
    result = nx.Graph()
    result.add_nodes_from(range(len(graph)))
    result.add_edges_from(graphs.edges_of(graph))
    return result


def as_matrix(graph: graphs.Graph) -> np.ndarray:
    return np.array([[bool(mask >> j & 1) for j in range(len(graph))] for mask in graph])


@st.composite
def some_graph(draw: st.DrawFn) -> graphs.Graph:
    num_tasks = draw(st.integers(1, 9))
    pairs = [(i, j) for j in range(num_tasks) for i in range(j)]
    return graphs.from_edges(num_tasks, [pair for pair in pairs if draw(st.booleans())])


@pytest.mark.parametrize("num_tasks", ISOMORPHISM_CLASSES)
def test_atlas_has_every_isomorphism_class(num_tasks: int) -> None:
    assert len(graphs.atlas(num_tasks)) == ISOMORPHISM_CLASSES[num_tasks]


@pytest.mark.parametrize("num_tasks", [1, 2, 3, 4, 5])
def test_atlas_and_named_graphs_are_the_same_graphs(num_tasks: int) -> None:
    """Each named graph is a numbering of exactly one atlas graph: orbits partition them."""
    named = set(graphs.labelled_graphs(num_tasks))
    assert len(named) == 2 ** (num_tasks * (num_tasks - 1) // 2)
    seen: set[graphs.Graph] = set()
    for graph in graphs.atlas(num_tasks):
        orbit = {graphs.relabel(graph, name) for name in permutations(range(num_tasks))}
        assert factorial(num_tasks) % len(orbit) == 0
        assert not orbit & seen
        seen |= orbit
    assert seen == named


@given(some_graph())
def test_first_fit_agrees_with_networkx_and_with_the_library(graph: graphs.Graph) -> None:
    order = list(reversed(range(len(graph))))
    ours = graphs.first_fit(graph, order)
    theirs = nx.greedy_color(as_networkx(graph), strategy=lambda g, c: order)
    assert ours == tuple(theirs[task] for task in range(len(graph)))
    assert ours == tuple(first_fit(as_matrix(graph), order))


@given(some_graph())
def test_welsh_powell_agrees_with_networkx_and_with_the_library(graph: graphs.Graph) -> None:
    ours = graphs.largest_first(graph)
    theirs = nx.greedy_color(as_networkx(graph), strategy="largest_first")
    assert ours == tuple(theirs[task] for task in range(len(graph)))
    assert ours == tuple(welsh_powell(as_matrix(graph)))


@pytest.mark.parametrize("num_tasks", [1, 2, 3, 4, 5])
def test_grundy_number_is_the_worst_order(num_tasks: int) -> None:
    for graph in graphs.atlas(num_tasks):
        worst = max(
            graphs.number_of_colors(graphs.first_fit(graph, order))
            for order in graphs.orders(num_tasks)
        )
        assert graphs.grundy_number(graph) == worst


@pytest.mark.parametrize("num_tasks", [1, 2, 3, 4, 5])
def test_chromatic_number_is_the_fewest_colors_that_some_coloring_has(num_tasks: int) -> None:
    for graph in graphs.atlas(num_tasks):
        chi = graphs.chromatic_number(graph)
        assert any(True for _ in graphs.proper_colorings(graph, chi))
        assert not any(True for _ in graphs.proper_colorings(graph, chi - 1))


def test_chromatic_number_of_known_graphs() -> None:
    for known, chi in (
        (nx.petersen_graph(), 3),
        (nx.wheel_graph(6), 4),
        (nx.complete_graph(7), 7),
        (nx.cycle_graph(8), 2),
        (nx.cycle_graph(9), 3),
    ):
        names = {node: number for number, node in enumerate(known)}
        edges = [(names[u], names[v]) for u, v in known.edges]
        assert graphs.chromatic_number(graphs.from_edges(len(known), edges)) == chi


def test_partitions_are_counted_by_bell_numbers() -> None:
    assert [sum(1 for _ in graphs.set_partitions(n)) for n in range(1, 8)] == [
        1,
        2,
        5,
        15,
        52,
        203,
        877,
    ]


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=5),
    st.integers(1, 9),
    st.sampled_from(runs.PHASES),
)
def test_runs_agree_with_the_library(
    raw: Sequence[Sequence[int]], period: int, phase: runs.Phase
) -> None:
    rounds = [tuple(sorted(set(colors)).index(c) for c in colors) for colors in raw]
    ours = runs.active_classes(rounds, period, phase)
    theirs = activation_of_run([periodic_schedule(c) for c in rounds], period, phase)
    assert ours == [frozenset(np.flatnonzero(row).tolist()) for row in theirs]


def test_waits_and_gaps_by_hand() -> None:
    run = [frozenset(s) for s in ({1}, {0}, {1}, {1}, {0, 1}, {1}, {1}, {1})]
    assert runs.updates_of(run, 0) == [1, 4]
    assert runs.gaps_of(run, 0) == [3]
    assert runs.longest_wait(run, 0) == 3
    assert runs.longest_wait(run, 1) == 1
