"""Colourings: exhaustive on small graphs, properties on larger ones, three oracles."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product

import networkx as nx
import numpy as np
import pytest
import rustworkx as rx
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from songoku_theory import coloring as col
from songoku_theory.errors import InvalidInputError, UnknownNameError

Adjacency = NDArray[np.bool_]
BUILT_IN = ("dsatur", "exact", "smallest_last", "welsh_powell")


def brute_force_chromatic_number(adjacency: Adjacency) -> int:
    size = len(adjacency)
    edges = np.argwhere(np.triu(adjacency, 1))
    for count in range(1, size + 1):
        for colors in product(range(count), repeat=size - 1):
            full = (0, *colors)  # the first node may have colour 0
            if all(full[i] != full[j] for i, j in edges):
                return count
    return size


def crown(pairs: int) -> Adjacency:
    """u_i - v_j for i != j, ordered u_0, v_0, u_1, v_1, ...: first-fit's worst case."""
    matrix = np.zeros((2 * pairs, 2 * pairs), dtype=bool)
    for i, j in permutations(range(pairs), 2):
        matrix[2 * i, 2 * j + 1] = matrix[2 * j + 1, 2 * i] = True
    return matrix


def test_all_four_heuristics_are_registered() -> None:
    assert set(BUILT_IN) <= set(col.available_colorings())


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_small_graph_gets_a_proper_coloring_within_the_promises(
    name: str, small_graphs: list[Adjacency]
) -> None:
    promises = col.coloring_info(name).promises
    for adjacency in small_graphs:
        colors = col.color(adjacency, name)  # color() checks that it is proper and contiguous
        used = int(colors.max()) + 1
        assert used <= int(adjacency.sum(axis=1).max()) + 1
        if "welsh-powell-bound" in promises:
            assert used <= col.welsh_powell_bound(adjacency)
        if "exact-on-bipartite" in promises and nx.is_bipartite(nx.from_numpy_array(adjacency)):
            assert used <= 2


def test_the_exact_number_is_exact_on_every_small_graph(small_graphs: list[Adjacency]) -> None:
    for adjacency in small_graphs:
        if len(adjacency) <= 6:
            assert col.chromatic_number(adjacency) == brute_force_chromatic_number(adjacency)


def test_the_exact_number_matches_the_chromatic_polynomial(small_graphs: list[Adjacency]) -> None:
    """chi is the least k at which the number of proper k-colourings is positive."""
    import sympy

    for adjacency in (g for g in small_graphs if 4 <= len(g) <= 5):
        polynomial = nx.chromatic_polynomial(nx.from_numpy_array(adjacency))
        (symbol,) = polynomial.free_symbols or {sympy.Symbol("x")}
        found = col.chromatic_number(adjacency)
        assert polynomial.subs(symbol, found) > 0
        assert polynomial.subs(symbol, found - 1) == 0


def test_exact_numbers_of_famous_graphs() -> None:
    for graph, expected in (
        (nx.petersen_graph(), 3),
        (nx.mycielski_graph(5), 5),
        (nx.cycle_graph(31), 3),
        (nx.complete_graph(9), 9),
        (nx.empty_graph(4), 1),
        (nx.sudoku_graph(2), 4),
    ):
        assert col.chromatic_number(nx.to_numpy_array(graph)) == expected


def test_a_search_that_is_cut_short_never_answers() -> None:
    adjacency = nx.to_numpy_array(nx.mycielski_graph(6))
    with pytest.raises(col.SearchLimitError, match="not proved within 5 search nodes"):
        col.chromatic_number(adjacency, max_nodes=5)


def test_welsh_powell_takes_the_largest_degree_first() -> None:
    # A path a-b-c-d plus a leaf at b: b has degree 3 and must get the first colour.
    adjacency = np.zeros((5, 5), dtype=bool)
    for i, j in ((0, 1), (1, 2), (2, 3), (1, 4)):
        adjacency[i, j] = adjacency[j, i] = True
    assert col.welsh_powell(adjacency).tolist() == [1, 0, 1, 0, 1]


def test_welsh_powell_beats_smallest_degree_first_somewhere() -> None:
    """Smallest degree first spends 3 colours on the path that Welsh-Powell does with 2."""
    adjacency = np.zeros((4, 4), dtype=bool)
    for i, j in ((0, 1), (1, 2), (2, 3)):
        adjacency[i, j] = adjacency[j, i] = True
    assert int(col.welsh_powell(adjacency).max()) + 1 == 2
    smallest_first = np.argsort(adjacency.sum(axis=1), kind="stable")
    assert int(col.first_fit(adjacency, smallest_first).max()) + 1 == 3


@pytest.mark.parametrize("density", [0.05, 0.3, 0.8])
def test_welsh_powell_gives_networkx_and_rustworkx_largest_first_counts(density: float) -> None:
    """Same order rule, same first-fit: where no two degrees tie, the same colours."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        upper = np.triu(rng.random((40, 40)) < density, 1)
        adjacency = upper | upper.T
        graph = nx.from_numpy_array(adjacency)
        ours = col.welsh_powell(adjacency)
        theirs = nx.greedy_color(graph, strategy="largest_first")
        # networkx sorts stably by degree, descending, over nodes in order: ties as ours
        assert ours.tolist() == [theirs[k] for k in range(40)]
        native = rx.PyGraph()
        native.add_nodes_from(range(40))
        native.add_edges_from_no_data([(int(i), int(j)) for i, j in np.argwhere(upper)])
        rust = rx.graph_greedy_color(native)
        assert col.is_proper(adjacency, [rust[k] for k in range(40)])
        assert abs(max(rust.values()) - int(ours.max())) <= 2


@given(data=st.data())
def test_first_fit_in_any_order_stays_within_delta_plus_one(
    data: st.DataObject, graphs: Callable[..., st.SearchStrategy[Adjacency]]
) -> None:
    adjacency = data.draw(graphs())
    order = data.draw(st.permutations(range(len(adjacency))))
    colors = col.first_fit(adjacency, order)
    assert col.is_proper(adjacency, colors)
    assert int(colors.max()) <= int(adjacency.sum(axis=1).max())
    # First-fit: every smaller colour is held by a neighbour that came before.
    position = {node: index for index, node in enumerate(order)}
    for node in range(len(adjacency)):
        earlier = {
            int(colors[k]) for k in np.flatnonzero(adjacency[node]) if position[k] < position[node]
        }
        assert set(range(int(colors[node]))) <= earlier


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_first_fit_recovers_the_parts_of_a_complete_multipartite_graph(
    sizes: list[int], random: object
) -> None:
    parts = np.repeat(np.arange(len(sizes)), sizes)
    parts = np.random.default_rng(sum(sizes)).permutation(parts)
    adjacency = parts[:, None] != parts[None, :]
    expected = {frozenset(np.flatnonzero(parts == p).tolist()) for p in range(len(sizes))}
    for name in BUILT_IN:
        found = {frozenset(c) for c in col.color_classes(col.color(adjacency, name))}
        assert found == expected


@pytest.mark.parametrize("pairs", [3, 5, 8])
def test_crowns_make_first_fit_spend_n_colors_and_dsatur_two(pairs: int) -> None:
    adjacency = crown(pairs)
    assert int(col.first_fit(adjacency, range(2 * pairs)).max()) + 1 == pairs
    assert int(col.dsatur(adjacency).max()) + 1 == 2
    assert col.chromatic_number(adjacency) == 2


@given(data=st.data())
def test_a_heuristic_can_not_change_the_graph_it_is_given(
    data: st.DataObject, graphs: Callable[..., st.SearchStrategy[Adjacency]]
) -> None:
    adjacency = data.draw(graphs(6))
    before = adjacency.copy()

    def rude(matrix: Adjacency) -> list[int]:
        matrix[:] = False
        return list(range(len(matrix)))

    col.color(adjacency, rude)
    np.testing.assert_array_equal(adjacency, before)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([0, 0], "not proper"),
        ([0], "one colour for each"),
        ([0, 2], "without gaps"),
        ([1, 2], "without gaps"),
        ([0.0, 1.0], "whole numbers"),
        ([[0], [0, 1]], "flat sequence"),
        (None, "one colour for each"),
    ],
)
def test_a_faulty_answer_is_named(answer: object, fault: str) -> None:
    with pytest.raises(InvalidInputError, match=fault):
        col.color([[0, 1], [1, 0]], lambda _: answer)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("adjacency", "fault"),
    [
        ([[0, 1], [0, 0]], "symmetric"),
        ([[1, 0], [0, 0]], "self-loops"),
        ([[0, 2], [2, 0]], "only 0 and 1"),
        ([[0, 1]], "shape"),
        ([], "shape"),
        ([[0, float("nan")], [float("nan"), 0]], "only 0 and 1"),
    ],
)
def test_a_broken_adjacency_is_refused_by_everything(adjacency: object, fault: str) -> None:
    for name in BUILT_IN:
        with pytest.raises(InvalidInputError, match=fault):
            col.get_coloring(name)(adjacency)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=fault):
        col.color(adjacency)  # type: ignore[arg-type]


def test_an_unknown_heuristic_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'welsh_powell'"):
        col.color([[0]], "welsh-powell")


def test_a_name_or_promise_is_not_taken_silently() -> None:
    with pytest.raises(InvalidInputError, match="registered already"):
        col.coloring("dsatur")(lambda adjacency: [0])
    with pytest.raises(UnknownNameError, match="promise"):
        col.coloring("new", promises=["propper"])


@pytest.mark.parametrize("order", [[0], [0, 0], [0, 2], [0.0, 1.0]])
def test_an_order_that_is_no_permutation_is_refused(order: list[int]) -> None:
    with pytest.raises(InvalidInputError, match="permutation"):
        col.first_fit([[0, 1], [1, 0]], order)


@pytest.mark.parametrize(
    "strategy", [s for s in col.NETWORKX_STRATEGIES if s != "random_sequential"]
)
def test_every_deterministic_networkx_strategy_can_be_used(strategy: str) -> None:
    rng = np.random.default_rng(5)
    upper = np.triu(rng.random((15, 15)) < 0.4, 1)
    adjacency = upper | upper.T
    colors = col.color(adjacency, col.networkx_strategy(strategy))
    assert col.is_proper(adjacency, colors)


def test_a_users_own_networkx_strategy_can_be_used() -> None:
    colors = col.color(
        [[0, 1], [1, 0]], col.networkx_strategy(lambda graph, colors: sorted(graph, reverse=True))
    )
    assert colors.tolist() == [1, 0]
    with pytest.raises(UnknownNameError, match="Did you mean 'largest_first'"):
        col.networkx_strategy("largest-first")
