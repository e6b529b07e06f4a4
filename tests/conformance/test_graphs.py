"""The graphs that heuristics are tried on are what their names say."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from songoku_theory.coloring import (
    chromatic_number,
    first_fit,
    is_proper,
    networkx_strategy,
    smallest_last,
    welsh_powell,
)
from songoku_theory.testing import strategies
from songoku_theory.testing.families import FAMILIES, graphs_of
from songoku_theory.testing.graphs import (
    Adjacency,
    all_graphs,
    all_labelled_graphs,
    case,
    chromatic_by_counting,
    crown,
    disconnected_graphs,
    forced_crown,
    gradient_graphs,
    grundy_tree,
    large_graphs,
    published_worst_cases,
    renamed_graphs,
    zoo,
)


def colors_of(colors: object) -> int:
    return int(np.max(np.asarray(colors))) + 1


def test_the_small_graphs_are_one_of_each_kind() -> None:
    counts = [sum(g.num_tasks == n for g in all_graphs()) for n in range(1, 8)]
    assert counts == [1, 2, 4, 11, 34, 156, 1044]
    assert len(all_labelled_graphs()) == 1 + 2 + 8 + 64 + 1024


def test_counting_and_searching_agree_on_every_small_graph() -> None:
    for graph in all_graphs():
        assert chromatic_by_counting(graph.adjacency) == chromatic_number(graph.adjacency)


@pytest.mark.parametrize("graph", [g for g in zoo() if g.known is not None], ids=lambda g: g.name)
def test_known_chromatic_numbers_are_right(graph: object) -> None:
    """Counted up to 13 tasks; else a colouring with that many, and a clique or theorem below."""
    one = next(g for g in zoo() if g is graph)
    assert one.known is not None
    if one.num_tasks <= 13:
        assert chromatic_by_counting(one.adjacency) == one.known
        return
    assert one.known >= one.clique
    best = min(
        colors_of(welsh_powell(one.adjacency)),
        colors_of(smallest_last(one.adjacency)),
        colors_of(networkx_strategy("DSATUR")(one.adjacency)),
    )
    assert one.known <= best
    if one.num_tasks <= 40:
        assert chromatic_number(one.adjacency) == one.known


def test_every_family_is_sorted_and_simple() -> None:
    for name in FAMILIES:
        graphs = graphs_of(name)
        sizes = [(g.num_tasks, g.num_edges) for g in graphs]
        assert sizes == sorted(sizes), name
        for graph in graphs:
            assert not graph.adjacency.flags.writeable
            assert not np.diag(graph.adjacency).any()
            assert np.array_equal(graph.adjacency, graph.adjacency.T)


def test_families_do_not_depend_on_who_asks_first() -> None:
    again = [g.adjacency for g in gradient_graphs.__wrapped__(0)]
    for one, other in zip(gradient_graphs(0), again, strict=True):
        assert np.array_equal(one.adjacency, other)
    assert any(
        not np.array_equal(a.adjacency, b.adjacency)
        for a, b in zip(gradient_graphs(0), gradient_graphs(1), strict=False)
    )


def test_the_worst_cases_are_bad_for_what_they_are_named_after() -> None:
    """ "hard" graphs cost an extra colour however ties are broken: relabel and try."""
    by_name = {g.name.removeprefix("the smallest graph "): g for g in published_worst_cases()}
    rng = np.random.default_rng(0)
    for name, strategy, interchange in (
        ("hard for largest-first", "largest_first", False),
        ("hard for smallest-last", "smallest_last", False),
        ("hard for DSATUR", "DSATUR", False),
        ("hard for greedy independent sets", "independent_set", False),
        ("hard for largest-first with interchange", "largest_first", True),
        ("hard for smallest-last with interchange", "smallest_last", True),
    ):
        graph = by_name[name]
        heuristic = networkx_strategy(strategy, interchange)
        for _ in range(6):
            order = rng.permutation(graph.num_tasks)
            used = colors_of(heuristic(graph.adjacency[np.ix_(order, order)]))
            assert used > (graph.chromatic or 99), name


@pytest.mark.parametrize("size", [2, 4, 7])
def test_constructed_worst_cases(size: int) -> None:
    assert colors_of(first_fit(crown(size), range(2 * size))) == size
    assert colors_of(welsh_powell(forced_crown(size))) == size
    tree = grundy_tree(size)
    assert nx.is_tree(nx.from_numpy_array(tree))
    assert colors_of(first_fit(tree, range(len(tree)))) == size


def test_large_and_disconnected_are_that() -> None:
    assert {g.num_tasks for g in large_graphs()} >= {60, 1200}
    assert max(g.num_tasks for g in large_graphs(130)) <= 130
    for graph in disconnected_graphs():
        assert not nx.is_connected(nx.from_numpy_array(graph.adjacency)), graph.name
    assert any(g.known == 270 for g in large_graphs())


def test_what_a_case_knows_about_itself() -> None:
    for graph in all_graphs(6):
        plain = nx.from_numpy_array(graph.adjacency)
        assert graph.is_bipartite == nx.is_bipartite(plain)
        groups = nx.connected_components(nx.complement(plain))
        sizes = [len(group) for group in groups]
        complete = sum(s * (s - 1) // 2 for s in sizes)
        assert graph.is_multipartite == (nx.complement(plain).number_of_edges() == complete)
        assert graph.clique <= (graph.chromatic or 0)


def test_renamed_graphs_use_every_kind_of_name() -> None:
    assert {g.labels for g in renamed_graphs()} == {"strings", "shifted", "shuffled", "tuples"}


@settings(max_examples=40)
@given(strategies.graphs(max_tasks=9))
def test_drawn_graphs_are_simple(matrix: Adjacency) -> None:
    assert case("drawn", matrix).num_tasks == len(matrix) <= 9


@settings(max_examples=40)
@given(strategies.multipartite_graphs())
def test_drawn_multipartite_graphs_have_the_parts_they_say(drawn: tuple[Adjacency, int]) -> None:
    matrix, parts = drawn
    assert case("drawn", matrix).is_multipartite
    assert chromatic_number(matrix) == parts


@settings(max_examples=40)
@given(strategies.bipartite_graphs())
def test_drawn_bipartite_graphs_are_bipartite(matrix: Adjacency) -> None:
    assert case("drawn", matrix).is_bipartite


@settings(max_examples=40)
@given(strategies.disconnected_graphs())
def test_drawn_pieces_are_apart(matrix: Adjacency) -> None:
    assert not nx.is_connected(nx.from_numpy_array(matrix))
    assert is_proper(matrix, range(len(matrix)))
