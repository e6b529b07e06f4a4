"""What refinement promises, on any gradients; and how many pairs it takes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songoku_theory.bounds.sketch import sampled_component_failure
from songoku_theory.coloring import dsatur, is_proper, welsh_powell
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.sketch import (
    angle_bounds,
    pair_cosines,
    sampled_conflict_graph,
    suggested_pairs,
)


def truth(vectors: np.ndarray, tau: float) -> np.ndarray:
    return conflict_adjacency_batch((vectors @ vectors.T)[None], tau)[0]


ANY = {
    "seed": st.integers(0, 10**6),
    "tasks": st.integers(2, 14),
    "dim": st.integers(1, 6),
    "tau": st.sampled_from([0.0, 0.1, 0.3, 0.7]),
    "share": st.floats(0.0, 1.0),
}


@settings(max_examples=60, deadline=None)
@given(**ANY, heuristic=st.sampled_from([welsh_powell, dsatur]))
def test_classes_are_proper_on_the_true_graph(
    seed: int, tasks: int, dim: int, tau: float, share: float, heuristic: object
) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(tasks, dim))
    pairs = int(share * (tasks * (tasks - 1) // 2))
    found = sampled_conflict_graph(
        pair_cosines(vectors), tasks, tau, pairs, rng, "classes", heuristic
    )
    colors = heuristic(found.adjacency)
    assert is_proper(truth(vectors, tau), colors)
    assert found.pairs == int(found.evaluated.sum()) // 2
    assert not (found.adjacency & ~truth(vectors, tau)).any()


@settings(max_examples=60, deadline=None)
@given(**ANY)
def test_bounds_give_the_true_graph(
    seed: int, tasks: int, dim: int, tau: float, share: float
) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(tasks, dim))
    pairs = int(share * (tasks * (tasks - 1) // 2))
    found = sampled_conflict_graph(pair_cosines(vectors), tasks, tau, pairs, rng, "bounds")
    np.testing.assert_array_equal(found.adjacency, truth(vectors, tau))
    assert found.known.all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 10), st.integers(2, 5), st.floats(0.0, 0.9))
def test_angle_bounds_hold(seed: int, tasks: int, dim: int, hidden: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(tasks, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    angles = np.arccos(np.clip(vectors @ vectors.T, -1, 1))
    np.fill_diagonal(angles, 0.0)
    mask = np.triu(rng.random((tasks, tasks)) < hidden, 1)
    known = np.where(mask | mask.T, np.nan, angles)
    lower, upper = angle_bounds(known)
    assert (lower <= angles + 1e-9).all()
    assert (upper >= angles - 1e-9).all()
    given_ = ~np.isnan(known)
    np.testing.assert_array_equal(lower[given_], known[given_])


def test_tight_groups_need_few_pairs_and_noise_needs_all() -> None:
    rng = np.random.default_rng(3)
    groups = np.repeat(np.eye(3) - 1 / 3, 10, axis=0) + 0.01 * rng.normal(size=(30, 3))
    found = sampled_conflict_graph(pair_cosines(groups), 30, 0.2, 60, rng, "bounds")
    assert found.pairs < 30 * 29 // 4
    noise = rng.normal(size=(30, 400))
    assert sampled_conflict_graph(pair_cosines(noise), 30, 0.05, 60, rng, "bounds").pairs > 400


def test_the_first_pass_alone_misses_conflicts_inside_classes() -> None:
    """Appendix D.5.3 has the colouring recovered after it; with K log K pairs of 40 it is not."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(np.eye(3) - 1 / 3, 14, axis=0)
    pairs = suggested_pairs(42)
    wrong = 0
    for _ in range(40):
        found = sampled_conflict_graph(pair_cosines(vectors), 42, 0.2, pairs, rng, "none")
        assert found.refined == 0
        wrong += not is_proper(truth(vectors, 0.2), welsh_powell(found.adjacency))
    assert wrong == 40


def test_the_component_bound_is_a_bound() -> None:
    """n = 4,000 samples; the union bound may be below the share by chance w.p. < 1e-6 (5 sigma)."""
    rng = np.random.default_rng(1)
    a, b, share = 3, 4, 0.7
    apart = 0
    for _ in range(4000):
        seen = rng.random((a, b)) < share
        block = np.zeros((a + b, a + b))
        block[:a, a:] = seen
        block += block.T
        reach = np.linalg.matrix_power(np.eye(a + b) + block, a + b)
        apart += not (reach > 0).all()
    found = apart / 4000
    bound = sampled_component_failure((a, b), share)
    assert found <= bound + 5 * math.sqrt(found / 4000)
    assert bound < 3 * found
    assert sampled_component_failure((1, 1), 1.0) == 0.0
    assert sampled_component_failure((2, 2), 0.0) == 1.0


def test_all_pairs_are_the_graph_and_zero_rows_have_no_conflict() -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(7, 3))
    vectors[2] = 0.0
    found = sampled_conflict_graph(pair_cosines(vectors), 7, 0.1, 21, rng, "none")
    np.testing.assert_array_equal(found.adjacency, truth(vectors, 0.1))
    assert not found.adjacency[2].any()


def test_faults_are_named() -> None:
    rng = np.random.default_rng(0)
    cosines = pair_cosines(np.eye(3))
    with pytest.raises(InvalidInputError, match=r"0\.\.3"):
        sampled_conflict_graph(cosines, 3, 0.1, 4, rng)
    with pytest.raises(UnknownNameError, match="classes"):
        sampled_conflict_graph(cosines, 3, 0.1, 2, rng, "clases")
    with pytest.raises(InvalidInputError, match="factor"):
        suggested_pairs(10, 0.0)
