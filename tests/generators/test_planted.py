"""Planted tasks: realised exactly, with a truth that the estimator's own functions confirm."""

from __future__ import annotations

import math
from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.generators import PlantedTasks, plant_component, plant_multipartite
from songoku_theory.coloring import welsh_powell
from songoku_theory.conflict import conflict_graph
from songoku_theory.errors import InvalidInputError
from songoku_theory.linalg import cosines, gram

sizes_lists = st.lists(st.integers(1, 5), min_size=1, max_size=4)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def planted(draw: st.DrawFn) -> PlantedTasks:
    """Possible requests in both models, in random position, with unequal sizes and norms."""
    sizes = draw(sizes_lists)
    gamma = draw(st.floats(0.01, 0.12))
    tau = draw(st.floats(0.12, 0.2))  # tau + gamma <= 1/3: four groups or camps always fit
    norms = draw(st.lists(st.floats(1e-3, 1e3), min_size=sum(sizes), max_size=sum(sizes)))
    rng = np.random.default_rng(draw(seeds))
    dim = draw(st.sampled_from([sum(sizes), sum(sizes) + 1, 60]))
    if draw(st.booleans()):
        return plant_multipartite(sizes, dim, tau, gamma, norms=norms, rng=rng)
    camps = draw(st.integers(2, 4))
    return plant_component(sizes, dim, tau, gamma, camps=camps, norms=norms, rng=rng)


@given(planted())
def test_cosines_and_norms_are_realised_to_rounding(tasks: PlantedTasks) -> None:
    measured = cosines(gram(tasks.means))
    np.testing.assert_allclose(measured.values, tasks.cosines, atol=2e-13)
    np.testing.assert_allclose(measured.norms, tasks.norms, rtol=1e-12)


@given(planted())
def test_planted_graph_is_the_conflict_graph_of_the_means(tasks: PlantedTasks) -> None:
    np.testing.assert_array_equal(
        conflict_graph(tasks.means, tasks.tau).adjacency, tasks.graph.adjacency
    )


@given(planted())
def test_the_margin_asked_for_is_kept_on_every_pair(tasks: PlantedTasks) -> None:
    assert tasks.margin >= tasks.gamma - 1e-12
    adjacent = tasks.graph.adjacency
    rest = ~adjacent & ~np.eye(tasks.num_tasks, dtype=bool)
    assert (tasks.cosines[adjacent] <= -(tasks.tau + tasks.gamma) + 1e-12).all()
    assert (tasks.cosines[rest] >= -(tasks.tau - tasks.gamma) - 1e-12).all()


def same_partition(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(
        np.array_equal(first[:, None] == first[None, :], second[:, None] == second[None, :])
    )


@given(sizes_lists)
def test_multipartite_groups_are_the_colour_classes(sizes: list[int]) -> None:
    tasks = plant_multipartite(sizes, 30, tau=0.2, gamma=0.1)
    assert np.bincount(tasks.labels).tolist() == sizes
    assert same_partition(welsh_powell(tasks.graph.adjacency), tasks.labels)
    degrees = [sum(sizes) - sizes[group] for group in tasks.labels]
    assert tasks.graph.degrees.tolist() == degrees


@given(sizes_lists, st.integers(2, 4))
def test_component_groups_are_the_connected_components(sizes: list[int], camps: int) -> None:
    tasks = plant_component(sizes, 30, tau=0.2, gamma=0.1, camps=camps)
    assert np.bincount(tasks.labels).tolist() == sizes
    found = np.empty(tasks.num_tasks, dtype=int)
    for number, members in enumerate(nx.connected_components(tasks.graph.to_networkx())):
        found[list(members)] = number
    assert same_partition(found, tasks.labels)
    for group, size in enumerate(sizes):
        camp_sizes = np.unique(tasks.blocks[tasks.labels == group], return_counts=True)[1]
        assert len(camp_sizes) == min(camps, size)
        assert camp_sizes.max() - camp_sizes.min() <= 1


def test_one_task_is_a_valid_trivial_request() -> None:
    for plant in (plant_multipartite, plant_component):
        tasks = plant([1], 1, tau=0.2, gamma=0.1)
        assert tasks.num_tasks == tasks.num_groups == 1
        assert tasks.margin == math.inf
        assert tasks.graph.edges() == ()


def test_per_group_and_per_pair_cosines_are_realised() -> None:
    between = np.array([[0.0, -0.3, -0.4], [-0.3, 0.0, -0.35], [-0.4, -0.35, 0.0]])
    tasks = plant_multipartite(
        [2, 3, 1], 20, tau=0.2, gamma=0.1, within=[0.9, 0.8, 1.0], between=between
    )
    measured = cosines(gram(tasks.means)).values
    assert measured[0, 1] == pytest.approx(0.9)
    assert measured[2, 3] == pytest.approx(0.8)
    assert measured[0, 2] == pytest.approx(-0.3)
    assert measured[1, 5] == pytest.approx(-0.4)
    assert measured[4, 5] == pytest.approx(-0.35)


@pytest.mark.parametrize("plant", [plant_multipartite, plant_component])
def test_position_is_random_the_geometry_is_not(plant: Callable[..., PlantedTasks]) -> None:
    fixed = plant([2, 3], 9, 0.2, 0.1)
    one = plant([2, 3], 9, 0.2, 0.1, rng=np.random.default_rng(1))
    again = plant([2, 3], 9, 0.2, 0.1, rng=np.random.default_rng(1))
    other = plant([2, 3], 9, 0.2, 0.1, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(one.means, again.means)
    assert np.abs(one.means - other.means).max() > 0.1
    for tasks in (one, other):
        np.testing.assert_allclose(gram(tasks.means), gram(fixed.means), atol=1e-13)
    assert not fixed.means[:, 5:].any()


def test_random_position_is_uniform_on_the_sphere() -> None:
    """n = 4000 single tasks in d = 5; Kolmogorov-Smirnov of one coordinate against the law of a
    uniform point, alpha = 0.001; the coordinate's sign is tested with it."""
    from scipy.stats import beta, kstest

    rng = np.random.default_rng(11)
    first = np.array(
        [plant_multipartite([1], 5, 0.2, 0.1, rng=rng).means[0, 2] for _ in range(4000)]
    )
    # (1 + x) / 2 is Beta((d - 1) / 2, (d - 1) / 2).
    assert kstest((1 + first) / 2, beta(2, 2).cdf).pvalue > 0.001


@given(planted(), seeds)
def test_relabelling_moves_everything_together(tasks: PlantedTasks, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(tasks.num_tasks)
    moved = tasks.relabelled(order)
    np.testing.assert_array_equal(
        conflict_graph(moved.means, moved.tau).adjacency, moved.graph.adjacency
    )
    for k, source in enumerate(order):
        np.testing.assert_array_equal(moved.means[k], tasks.means[source])
        assert moved.labels[k] == tasks.labels[source]
        assert moved.norms[k] == tasks.norms[source]
        assert moved.blocks[k] == tasks.blocks[source]
    back = moved.relabelled(np.argsort(order))
    np.testing.assert_array_equal(back.cosines, tasks.cosines)
    np.testing.assert_array_equal(back.graph.adjacency, tasks.graph.adjacency)


def test_relabelling_refuses_what_is_not_a_permutation() -> None:
    tasks = plant_multipartite([1, 2], 5, 0.2, 0.1)
    for order in ([0, 0, 1], [0, 1], [1, 2, 3]):
        with pytest.raises(InvalidInputError, match=r"permutation of 0\.\.2"):
            tasks.relabelled(order)


BAD_FOR_BOTH = {
    "no groups": ({"sizes": []}, "at least one group"),
    "empty group": ({"sizes": [2, 0]}, "size of group 1"),
    "fractional size": ({"sizes": [2.5]}, "size of group 0"),
    "dim zero": ({"dim": 0}, "dim should be"),
    "dim fractional": ({"dim": 3.5}, "dim should be"),
    "tau above one": ({"tau": 1.5}, "tau should lie"),
    "gamma zero": ({"gamma": 0.0}, "strictly between 0 and 1 - tau"),
    "gamma too large": ({"gamma": 0.8}, "strictly between 0 and 1 - tau"),
    "gamma nan": ({"gamma": math.nan}, "gamma should be a finite"),
    "within breaks the margin": ({"within": -0.2}, "within cosines should be >= -"),
    "within above one": ({"within": 1.5}, "within cosine should lie in"),
    "within nan": ({"within": math.nan}, "within cosine should be a finite"),
    "zero norm": ({"norms": 0.0}, "for task 0"),
    "negative norm": ({"norms": [1, 1, 1, -1]}, "for task 3"),
    "infinite norm": ({"norms": [1, math.inf, 1, 1]}, "for task 1"),
    "norms of another length": ({"norms": [1, 1]}, r"shape \(4,\)"),
}


@pytest.mark.parametrize("plant", [plant_multipartite, plant_component])
@pytest.mark.parametrize("case", BAD_FOR_BOTH)
def test_bad_requests_say_what_is_wrong(plant: Callable[..., PlantedTasks], case: str) -> None:
    changes, message = BAD_FOR_BOTH[case]
    arguments: dict[str, object] = {"sizes": [4], "dim": 10, "tau": 0.2, "gamma": 0.1}
    with pytest.raises(InvalidInputError, match=message):
        plant(**{**arguments, **changes})


@pytest.mark.parametrize("plant", [plant_multipartite, plant_component])
@pytest.mark.parametrize(
    ("between", "message"), [(-0.25, "conflicting cosines should be <= -"), (-1.5, "between cos")]
)
def test_conflicting_cosines_must_keep_the_margin_and_be_cosines(
    plant: Callable[..., PlantedTasks], between: float, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        plant([2, 2], 9, 0.2, 0.1, between=between)


def test_bad_requests_of_one_model() -> None:
    with pytest.raises(InvalidInputError, match="camps should be a whole number >= 2"):
        plant_component([4], 9, 0.2, 0.1, camps=1)
    with pytest.raises(InvalidInputError, match="across components should be >="):
        plant_component([2, 2], 9, 0.2, 0.1, across=-0.15)
    with pytest.raises(InvalidInputError, match="symmetric"):
        plant_multipartite([1, 1], 9, 0.2, 0.1, between=[[0, -0.4], [-0.5, 0]])
    with pytest.raises(InvalidInputError, match=r"shape \(2, 2\)"):
        plant_multipartite([1, 1], 9, 0.2, 0.1, between=[-0.4, -0.5, -0.6])
    with pytest.raises(InvalidInputError, match=r"one a group \(2\)"):
        plant_multipartite([2, 2], 9, 0.2, 0.1, within=[0.5, 0.5, 0.5])


def test_a_bound_missed_by_rounding_is_met() -> None:
    # 0.1 + 0.2 > 0.3 in floats; the user who asks for -0.3 means the margin.
    assert plant_multipartite([1, 1], 3, tau=0.1, gamma=0.2, between=-0.3).cosines[0, 1] == -0.3
