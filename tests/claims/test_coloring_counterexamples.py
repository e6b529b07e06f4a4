"""Counterexamples on colouring: they replay, by networkx too, and nothing smaller violates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import networkx as nx
import numpy as np
import pytest
from networkx.generators.atlas import graph_atlas_g

from proofs_check.claims.coloring import CLAIMS
from proofs_check.counterexamples import _REPLAYERS as REPLAYERS
from proofs_check.counterexamples import available, load, replay
from songoku_theory.errors import InvalidInputError

STEMS = tuple(stem for stem in available() if stem.startswith("col_"))

# What to change in a file's data so that it no longer violates its claim.
HARMLESS: dict[str, Mapping[str, Any]] = {
    "col_4_2_more_colors": {"larger_tau": "11/100"},
    "col_4_3_star": {"leaves": 38},
    "col_4_4_1_co_occur": {"f_min": "1/3"},
    "col_4_4_1_singleton": {"gradients": [[1, 0], [0, 1]]},
    "col_4_4_1_unreachable": {"f_min": "1/2"},
    "col_5_5_cancel": {"tau": "49/100"},
    "col_7_3_2_starved": {"refresh_period": 2},
    "col_g1_cyclic_descent": {"targets": [0, 0]},
    "col_g1_own_update": {"start": 0},
    "col_h2_heads": {"gradients": [[1], [-1]]},
    "col_p8_run": {"refresh_period": 4, "task": 0},
    "col_p8_window": {"start": 0},
    "col_p9_length": {"new_name": [0, 1, 2, 3, 4, 5]},
}

# Data that no replayer may take.
NONSENSE: dict[str, Mapping[str, Any]] = {
    "col_4_2_more_colors": {"larger_tau": "1/20"},
    "col_4_3_star": {"tau": 2},
    "col_4_4_1_co_occur": {"claimed": "something else"},
    "col_4_4_1_singleton": {"gradients": [[1], [0]]},
    "col_4_4_1_unreachable": {"f_min": 0.5},
    "col_5_5_cancel": {"gradients": [[1, 2], [3]]},
    "col_7_3_2_starved": {"claimed": "something else"},
    "col_g1_cyclic_descent": {"eta": 0.5},
    "col_g1_own_update": {"gradients": []},
    "col_h2_heads": {"tau": "1"},
    "col_p8_run": {"phase": "sideways"},
    "col_p8_window": {"window": "m + 1"},
    "col_p9_length": {"new_name": [0, 0, 1, 2, 3, 4]},
}


def graph_of(gradients: Sequence[Sequence[Any]], tau: str) -> nx.Graph:
    """The conflict graph in floating point: an independent route, far from every threshold."""
    vectors = np.array([[float(Fraction(x)) for x in row] for row in gradients])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rho = -(unit @ unit.T)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(vectors)))
    graph.add_edges_from(
        (i, j) for j in graph for i in range(j) if rho[i, j] > float(Fraction(tau))
    )
    return graph


def colored(graph: nx.Graph) -> dict[int, int]:
    return nx.greedy_color(graph, strategy="largest_first")


def delta(graph: nx.Graph) -> int:
    return max(dict(graph.degree).values())


def test_every_file_belongs_to_a_claim_that_names_it() -> None:
    ids = {claim.id for claim in CLAIMS}
    assert {load(stem).claim for stem in STEMS} <= ids
    assert set(HARMLESS) == set(NONSENSE) == set(STEMS)


@pytest.mark.parametrize("stem", STEMS)
def test_counterexample_replays(stem: str) -> None:
    outcome = replay(stem)
    assert outcome.violated
    assert len(outcome.steps) >= 2


@pytest.mark.parametrize("stem", STEMS)
def test_replayer_clears_data_that_violate_nothing(stem: str) -> None:
    example = load(stem)
    assert not REPLAYERS[example.kind]({**example.data, **HARMLESS[stem]}).violated


@pytest.mark.parametrize("stem", STEMS)
def test_replayer_refuses_nonsense(stem: str) -> None:
    example = load(stem)
    with pytest.raises(InvalidInputError):
        REPLAYERS[example.kind]({**example.data, **NONSENSE[stem]})


# --- the same by networkx -------------------------------------------------------------------


def test_window_by_networkx() -> None:
    data = load("col_p8_window").data
    graph = graph_of(data["gradients"], data["tau"])
    colors = colored(graph)
    m = len(set(colors.values()))
    assert m == 2
    assert [t for t in range(4) if colors[data["task"]] == t % m] == [0, 2]  # not every m - 1 = 1


def test_run_by_networkx() -> None:
    data = load("col_p8_run").data
    graphs = [graph_of(rows, data["tau"]) for rows in data["rounds"]]
    rounds = [colored(graph) for graph in graphs]
    period, task = data["refresh_period"], data["task"]
    updates = [
        t
        for t in range(period * len(rounds))
        if t % len(set(rounds[t // period].values())) == rounds[t // period][task]
    ]
    assert all(period >= len(set(colors.values())) for colors in rounds)
    assert max(np.diff(updates)) == 3
    assert max(map(delta, graphs)) + 1 == 2


def test_starvation_by_networkx() -> None:
    data = load("col_7_3_2_starved").data
    rounds = [colored(graph_of(rows, data["tau"])) for rows in data["rounds"]]
    period, task = data["refresh_period"], data["task"]
    for t in range(1000):
        colors = rounds[t // period % len(rounds)]
        assert t % len(set(colors.values())) != colors[task]


def test_two_namings_by_networkx() -> None:
    data = load("col_p9_length").data
    graph = graph_of(data["gradients"], data["tau"])
    renamed = nx.Graph()
    renamed.add_nodes_from(range(6))
    renamed.add_edges_from((data["new_name"][i], data["new_name"][j]) for i, j in graph.edges)
    assert nx.is_isomorphic(graph, renamed)
    assert {len(set(colored(g).values())) for g in (graph, renamed)} == {2, 3}


def test_two_thresholds_by_networkx() -> None:
    data = load("col_4_2_more_colors").data
    dense = graph_of(data["gradients"], data["tau"])
    sparse = graph_of(data["gradients"], data["larger_tau"])
    assert set(sparse.edges) < set(dense.edges)
    assert [len(set(colored(g).values())) for g in (dense, sparse)] == [2, 3]


def test_duplication_by_networkx() -> None:
    data = load("col_4_4_1_co_occur").data
    graph = graph_of(data["gradients"], data["tau"])
    colors = colored(graph)
    free = {
        task: [
            slot
            for slot in set(colors.values()) - {colors[task]}
            if not any(colors[other] == slot for other in graph[task])
        ]
        for task in graph
    }
    assert graph.has_edge(3, 4)
    assert free[3] == free[4] == [2]


def test_singleton_has_no_free_slot_by_networkx() -> None:
    for graph in graph_atlas_g():
        if not graph:
            continue
        colors = colored(graph)
        for task in graph:
            if list(colors.values()).count(colors[task]) == 1:
                met = {colors[other] for other in graph[task]}
                assert met == set(colors.values()) - {colors[task]}


def test_heads_star_and_cancellation_by_networkx() -> None:
    heads = load("col_h2_heads").data
    graph = graph_of(heads["gradients"], heads["tau"])
    assert max(list(colored(graph).values()).count(c) for c in (0,)) > delta(graph) + 1

    star = load("col_4_3_star").data
    leaves = star["leaves"]
    gradients = [[-1] + [0] * leaves] + [[3, *np.eye(leaves)[i].astype(int)] for i in range(leaves)]
    graph = graph_of([[int(x) for x in row] for row in gradients], star["tau"])
    assert nx.density(graph) <= 1 / 20
    assert delta(graph) == len(graph) - 1

    cancel = load("col_5_5_cancel").data
    assert graph_of(cancel["gradients"], cancel["tau"]).number_of_edges() == 0
    assert not np.sum(cancel["gradients"], axis=0).any()


def test_cyclic_descent_in_floating_point() -> None:
    data = load("col_g1_cyclic_descent").data
    eta, theta = float(Fraction(data["eta"])), float(Fraction(data["start"]))
    targets = [float(Fraction(a)) for a in data["targets"]]
    assert theta == sum(targets) / 2  # the minimiser of F
    for t in range(500):
        theta -= eta * (theta - targets[t % 2])
    assert abs(2 * theta - sum(targets)) == pytest.approx(2 * eta / (2 - eta))


# --- nothing smaller violates ----------------------------------------------------------------


@pytest.mark.parametrize("num_tasks", [1, 2, 3, 4, 5])
def test_length_does_not_depend_on_names_below_six_tasks(num_tasks: int) -> None:
    for graph in graph_atlas_g():
        if len(graph) != num_tasks:
            continue
        lengths = set()
        for names in permutations(range(num_tasks)):
            named = nx.Graph()
            named.add_nodes_from(range(num_tasks))
            named.add_edges_from((names[i], names[j]) for i, j in graph.edges)
            lengths.add(len(set(colored(named).values())))
        assert len(lengths) == 1


@pytest.mark.parametrize("num_tasks", [2, 3, 4, 5])
def test_no_smaller_graph_gets_more_colors_by_losing_an_edge(num_tasks: int) -> None:
    pairs = [(i, j) for j in range(num_tasks) for i in range(j)]
    lengths = {}
    for chosen in product((False, True), repeat=len(pairs)):
        graph = nx.Graph()
        graph.add_nodes_from(range(num_tasks))
        graph.add_edges_from(pair for pair, there in zip(pairs, chosen, strict=True) if there)
        lengths[chosen] = len(set(colored(graph).values()))
    for chosen, before in lengths.items():
        for position, there in enumerate(chosen):
            if there:
                without = (*chosen[:position], False, *chosen[position + 1 :])
                assert lengths[without] <= before


def test_two_tasks_never_wait_longer_than_delta_under_eq_11() -> None:
    empty, edge = nx.empty_graph(2), nx.complete_graph(2)
    for period, number in product(range(1, 6), range(1, 6)):
        for graphs in product((empty, edge), repeat=number):
            rounds = [colored(graph) for graph in graphs]
            for task in (0, 1):
                updates = [
                    t
                    for t in range(period * number)
                    if t % len(set(rounds[t // period].values())) == rounds[t // period][task]
                ]
                assert max([0, *np.diff(updates)]) <= max(map(delta, graphs)) + 1


def test_two_gradients_with_sum_zero_always_conflict() -> None:
    for gradient in product(range(-3, 4), repeat=2):
        if any(gradient):
            opposite = [-x for x in gradient]
            assert graph_of([gradient, opposite], "99/100").number_of_edges() == 1
