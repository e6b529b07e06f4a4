"""Judging estimates: counts, partitions, batched colouring, exact intervals."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.generators import PlantedTasks, plant_component, plant_multipartite
from simulations.sampling import Tally, clopper_pearson, tally
from simulations.sampling.batched_coloring import MAX_BATCHED_TASKS, welsh_powell_batch
from simulations.sampling.tally import component_labels, recovered_partitions
from songoku_theory.coloring import welsh_powell
from songoku_theory.errors import InvalidInputError


def random_graphs(rng: np.random.Generator, count: int, tasks: int, density: float) -> np.ndarray:
    upper = np.triu(rng.random((count, tasks, tasks)) < density, 1)
    return upper | upper.transpose(0, 2, 1)


@given(st.integers(1, 14), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_batched_colouring_is_the_reference_graph_by_graph(
    tasks: int, density: float, seed: int
) -> None:
    graphs = random_graphs(np.random.default_rng(seed), 5, tasks, density)
    expected = np.stack([welsh_powell(graph) for graph in graphs])
    np.testing.assert_array_equal(welsh_powell_batch(graphs), expected)


@pytest.mark.parametrize("tasks", [MAX_BATCHED_TASKS - 1, MAX_BATCHED_TASKS, MAX_BATCHED_TASKS + 1])
@pytest.mark.parametrize("density", [0.5, 1.0])
def test_batched_colouring_holds_at_the_width_of_a_word(tasks: int, density: float) -> None:
    # Density 1 needs as many colours as there are tasks: every bit of the word.
    graphs = random_graphs(np.random.default_rng(0), 3, tasks, density)
    expected = np.stack([welsh_powell(graph) for graph in graphs])
    np.testing.assert_array_equal(welsh_powell_batch(graphs), expected)


@given(st.integers(1, 10), st.floats(0, 0.5), st.integers(0, 2**32 - 1))
def test_component_labels_are_networkx_components(tasks: int, density: float, seed: int) -> None:
    graphs = random_graphs(np.random.default_rng(seed), 4, tasks, density)
    for graph, labels in zip(graphs, component_labels(graphs), strict=True):
        components = list(nx.connected_components(nx.from_numpy_array(graph)))
        assert len(set(labels.tolist())) == len(components)
        for members in components:
            assert len({int(labels[i]) for i in members}) == 1


def gram_of_graph(tasks: PlantedTasks, flip: list[tuple[int, int]]) -> np.ndarray:
    """The wanted cosines with some pairs moved to the other side of the threshold."""
    gram = tasks.cosines.copy()
    for i, j in flip:
        other_side = 0.0 if tasks.graph.adjacency[i, j] else -0.9
        gram[i, j] = gram[j, i] = other_side
    return gram


def test_counts_on_estimates_made_by_hand() -> None:
    tasks = plant_multipartite([2, 2], 4, tau=0.2, gamma=0.1)  # edges 02 03 12 13
    grams = np.stack(
        [
            gram_of_graph(tasks, []),
            gram_of_graph(tasks, [(0, 2)]),  # missed; classes still are the groups
            gram_of_graph(tasks, [(0, 2), (0, 3)]),  # task 0 free: it joins the first class
            gram_of_graph(tasks, [(0, 1), (1, 2)]),  # false and missed
        ]
    )
    found = tally(grams, tasks)
    assert found.trials == 4
    assert found.graph_exact == 1
    assert found.false_edges == 1
    assert found.missed_edges == 4
    together = tasks.labels[:, None] == tasks.labels[None, :]
    adjacencies = np.stack([-gram > 0.2 for gram in grams])
    expected = []
    for graph in adjacencies:
        colors = welsh_powell(graph)
        expected.append(np.array_equal(colors[:, None] == colors[None, :], together))
    assert recovered_partitions(adjacencies, tasks).tolist() == expected
    assert expected[0]
    assert not expected[3]
    assert found.partition_exact == sum(expected)
    worst = [np.abs(gram - tasks.cosines).max() for gram in grams]
    assert found.cosine_error == pytest.approx(sum(worst))


def test_components_survive_a_missing_edge_that_does_not_disconnect() -> None:
    tasks = plant_component([4, 2], 6, tau=0.2, gamma=0.1)  # edges 02 03 12 13 45
    grams = np.stack(
        [
            gram_of_graph(tasks, []),
            gram_of_graph(tasks, [(0, 2)]),  # 0-3-1-2 still connects them
            gram_of_graph(tasks, [(4, 5)]),  # splits the second component
            gram_of_graph(tasks, [(0, 4)]),  # joins the two
            gram_of_graph(tasks, [(0, 1)]),  # an edge inside a camp keeps the components
        ]
    )
    found = tally(grams, tasks)
    assert found.graph_exact == 1
    assert found.partition_exact == 3
    assert (found.false_edges, found.missed_edges) == (2, 2)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["multipartite", "component"]))
def test_partitions_agree_with_one_graph_at_a_time(seed: int, model: str) -> None:
    plant = plant_multipartite if model == "multipartite" else plant_component
    tasks = plant([3, 2, 2], 9, 0.2, 0.1)
    rng = np.random.default_rng(seed)
    tasks = tasks.relabelled(rng.permutation(7))
    flips = np.triu(rng.random((20, 7, 7)) < 0.08, 1)
    graphs = tasks.graph.adjacency ^ (flips | flips.transpose(0, 2, 1))
    together = tasks.labels[:, None] == tasks.labels[None, :]
    for graph, found in zip(graphs, recovered_partitions(graphs, tasks), strict=True):
        if model == "multipartite":
            labels = welsh_powell(graph)
        else:
            labels = component_labels(graph[None])[0]
        assert found == np.array_equal(labels[:, None] == labels[None, :], together)


def test_tallies_add_up() -> None:
    tasks = plant_multipartite([2, 2], 4, tau=0.2, gamma=0.1)
    rng = np.random.default_rng(0)
    rows = tasks.means + 0.3 * rng.standard_normal((60, 4, 4))
    grams = rows @ rows.transpose(0, 2, 1)
    grams = (grams + grams.transpose(0, 2, 1)) / 2
    parts = tally(grams[:25], tasks) + tally(grams[25:], tasks)
    whole = tally(grams, tasks)
    assert parts.trials == whole.trials == 60
    assert 0 < whole.graph_exact < 60
    assert parts.graph_exact == whole.graph_exact
    assert parts.partition_exact == whole.partition_exact
    assert parts.cosine_error == pytest.approx(whole.cosine_error)
    assert Tally() + whole == whole


@pytest.mark.parametrize("trials", [1, 7, 20, 400])
def test_interval_is_the_exact_one_of_scipy(trials: int) -> None:
    for successes in {0, 1, trials // 3, trials - 1, trials}:
        expected = stats.binomtest(successes, trials).proportion_ci(method="exact")
        assert clopper_pearson(successes, trials) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_interval_covers_with_the_stated_probability(alpha: float) -> None:
    """Exact coverage over all outcomes of n = 20, at 199 probabilities: no sampling involved."""
    trials = 20
    ends = [clopper_pearson(count, trials, alpha) for count in range(trials + 1)]
    for p in np.linspace(0.005, 0.995, 199):
        covered = [low <= p <= high for low, high in ends]
        assert stats.binom.pmf(np.arange(trials + 1), trials, p)[covered].sum() >= 1 - alpha


def test_interval_refuses_nonsense() -> None:
    for arguments, message in (
        ((3, 2), "3 successes in only 2"),
        ((-1, 2), "successes should be"),
        ((0, 0), "trials should be"),
        ((1, 2, 0.0), "alpha should lie"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            clopper_pearson(*arguments)
