"""Conflict graphs: sign, ties, zero norms, rounding, metamorphic relations."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songoku_theory.conflict import (
    ConflictGraph,
    conflict_adjacency_batch,
    conflict_graph,
    conflict_graph_from_gram,
    exceeds_threshold,
    interference,
)
from songoku_theory.errors import InvalidInputError
from songoku_theory.linalg import cosines, gram, project_to_simplex

small_vectors = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.lists(st.integers(-4, 4), min_size=d, max_size=d), min_size=1, max_size=6)
)
taus = st.fractions(0, 1, max_denominator=12)


def exact_edges(vectors: list[list[int]], tau: Fraction) -> set[tuple[int, int]]:
    """rho > tau in integers: <a,b> < 0 and <a,b>^2 > tau^2 |a|^2 |b|^2."""
    edges = set()
    for i, a in enumerate(vectors):
        for j in range(i + 1, len(vectors)):
            b = vectors[j]
            dot = sum(x * y for x, y in zip(a, b, strict=True))
            squares = sum(x * x for x in a) * sum(y * y for y in b)
            if squares and dot < 0 and dot * dot > tau * tau * squares:
                edges.add((i, j))
    return edges


@given(small_vectors, taus)
def test_graph_of_integer_gradients_is_exact_ties_included(
    vectors: list[list[int]], tau: Fraction
) -> None:
    graph = conflict_graph(vectors, float(tau))
    # The threshold counts at its binary value, so the oracle takes that one too.
    assert set(graph.edges()) == exact_edges(vectors, Fraction(float(tau)))


@pytest.mark.parametrize(
    ("tau", "edges"), [(0.5, ()), (np.nextafter(0.5, 0), ((0, 1),)), (np.nextafter(0.5, 1), ())]
)
def test_a_pair_exactly_at_the_threshold_is_not_an_edge(
    tau: float, edges: tuple[tuple[int, int], ...]
) -> None:
    # cos = -1/2 exactly, though sqrt(2) * sqrt(2) is not 2 in floating point
    assert conflict_graph([[1, -1, 0], [0, 1, -1]], float(tau)).edges() == edges


def test_the_sign_opposed_gradients_conflict_and_aligned_ones_do_not() -> None:
    vectors = [[1.0, 0.0], [-1.0, 0.2], [1.0, 0.2]]
    assert conflict_graph(vectors, 0.3).edges() == ((0, 1), (1, 2))
    np.testing.assert_allclose(interference(vectors), -cosines(gram(vectors)).values)
    assert interference(vectors)[0, 1] > 0.9


def test_at_tau_one_there_is_no_edge_and_at_tau_zero_every_negative_cosine_is_one() -> None:
    vectors = [[1.0, 0.0], [-1.0, 0.0], [-1e-9, 1.0]]
    assert conflict_graph(vectors, 1.0).edges() == ()
    assert conflict_graph(vectors, 0.0).edges() == ((0, 1), (0, 2))


@given(small_vectors, taus, taus)
def test_a_larger_tau_never_adds_an_edge(
    vectors: list[list[int]], one: Fraction, other: Fraction
) -> None:
    low, high = sorted((float(one), float(other)))
    assert set(conflict_graph(vectors, high).edges()) <= set(conflict_graph(vectors, low).edges())


@given(small_vectors, st.sampled_from([0.1, 0.3, 0.7]), st.integers(0, 2**32 - 1))
def test_positive_scalings_of_tasks_do_not_change_the_graph(
    vectors: list[list[int]], tau: float, seed: int
) -> None:
    scale = 2.0 ** np.random.default_rng(seed).integers(-40, 40, size=len(vectors))
    scaled = np.asarray(vectors, dtype=float) * scale[:, None]
    assert conflict_graph(scaled, tau).edges() == conflict_graph(vectors, tau).edges()


@given(small_vectors, st.sampled_from([0.1, 0.3, 0.7]), st.randoms(use_true_random=False))
def test_relabelling_the_tasks_relabels_the_graph(
    vectors: list[list[int]], tau: float, random: object
) -> None:
    order = np.random.default_rng(len(vectors)).permutation(len(vectors))
    graph = conflict_graph(vectors, tau)
    relabelled = conflict_graph(np.asarray(vectors)[order], tau)
    np.testing.assert_array_equal(relabelled.adjacency, graph.adjacency[np.ix_(order, order)])


def test_a_rotation_of_the_space_keeps_the_graph() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(8, 12))
    rotation, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    np.testing.assert_array_equal(
        conflict_graph(vectors @ rotation, 0.1).adjacency, conflict_graph(vectors, 0.1).adjacency
    )


def test_a_zero_gradient_is_left_out_and_has_no_edge() -> None:
    graph = conflict_graph([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]], 0.0)
    assert graph.included.tolist() == [True, False, True]
    assert graph.edges() == ((0, 2),)


def test_a_task_below_the_norm_floor_is_left_out_and_one_at_the_floor_is_not() -> None:
    vectors = [[1.0, 0.0], [-0.5, 0.0], [-0.49, 0.0]]
    graph = conflict_graph(vectors, 0.2, norm_floor=0.5)
    assert graph.included.tolist() == [True, True, False]
    assert graph.edges() == ((0, 1),)


@pytest.mark.parametrize("scale", [1e-150, 1e-12, 1e12, 1e150])
def test_extreme_scales_keep_their_cosines(scale: float) -> None:
    vectors = np.asarray([[3.0, 4.0], [-4.0, -3.0]]) * scale
    assert conflict_graph(vectors, 0.9).edges() == ((0, 1),)
    assert conflict_graph(vectors, 0.97).edges() == ()


def test_overflow_is_an_error_and_says_what_to_do() -> None:
    with pytest.raises(InvalidInputError, match="Scale the gradients down"):
        conflict_graph([[1e200, 0.0], [-1e200, 0.0]], 0.5)


def test_pairs_within_rounding_are_decided_from_the_gradients_not_from_a_float32_gram() -> None:
    # The true cosine is -0.25 - 1e-9: an edge at tau = 0.25, which float32 can't see.
    first = np.asarray([1.0, 0.0])
    cosine = -0.25 - 1e-9
    second = np.asarray([cosine, np.sqrt(1 - cosine**2)])
    vectors = np.stack([first, second])
    single = (vectors.astype(np.float32) @ vectors.astype(np.float32).T).astype(np.float32)
    assert conflict_graph_from_gram(single, 0.25).edges() == ()
    assert conflict_graph_from_gram(single, 0.25, vectors=vectors).edges() == ((0, 1),)


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=3, max_size=3),
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=3, max_size=3),
    st.floats(0, 1),
)
def test_the_exact_decision_agrees_with_fractions(
    a: list[float], b: list[float], tau: float
) -> None:
    if not any(a) or not any(b):
        with pytest.raises(InvalidInputError, match="zero vector"):
            exceeds_threshold(a, b, tau)
        return
    fa, fb = [Fraction(x) for x in a], [Fraction(x) for x in b]
    dot = sum(x * y for x, y in zip(fa, fb, strict=True))
    squares = sum(x * x for x in fa) * sum(x * x for x in fb)
    assert exceeds_threshold(a, b, tau) == (dot < 0 and dot**2 > Fraction(tau) ** 2 * squares)


def test_the_batch_agrees_with_the_single_graph() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(50, 6, 4))
    vectors[3, 2] = 0.0
    batch = conflict_adjacency_batch(vectors @ vectors.transpose(0, 2, 1), 0.3)
    for index in range(50):
        np.testing.assert_array_equal(batch[index], conflict_graph(vectors[index], 0.3).adjacency)


@pytest.mark.parametrize("tau", [-0.1, 1.1, float("nan"), float("inf"), "0.2", True])
def test_tau_outside_its_range_is_refused(tau: float) -> None:
    with pytest.raises(InvalidInputError, match="tau"):
        conflict_graph([[1.0], [2.0]], tau)


def test_a_gradient_that_is_not_finite_names_its_task() -> None:
    with pytest.raises(InvalidInputError, match="task 1 is not finite"):
        conflict_graph([[1.0, 2.0], [float("inf"), 0.0]], 0.2)


@pytest.mark.parametrize("vectors", [[], [[]], [1.0, 2.0], [[1.0], [1.0, 2.0]], [["a"]]])
def test_arrays_of_another_shape_are_refused(vectors: object) -> None:
    with pytest.raises(InvalidInputError):
        conflict_graph(vectors, 0.2)  # type: ignore[arg-type]


def test_one_task_is_a_graph_without_edges() -> None:
    graph = conflict_graph([[1.0]], 0.2)
    assert (graph.num_tasks, graph.max_degree, graph.edges()) == (1, 0, ())


def test_a_graph_can_not_be_made_from_a_broken_adjacency() -> None:
    with pytest.raises(InvalidInputError, match="symmetric"):
        ConflictGraph(np.asarray([[0, 1], [0, 0]], bool), np.ones(2, bool), 0.2)
    with pytest.raises(InvalidInputError, match="self-loops"):
        ConflictGraph(np.eye(2, dtype=bool), np.ones(2, bool), 0.2)
    with pytest.raises(InvalidInputError, match="left out"):
        ConflictGraph(~np.eye(2, dtype=bool), np.asarray([True, False]), 0.2)


def test_to_networkx_keeps_tasks_without_conflicts() -> None:
    graph = conflict_graph([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], 0.2).to_networkx()
    assert sorted(graph.nodes) == [0, 1, 2]
    assert list(graph.edges) == [(0, 1)]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8))
def test_the_simplex_projection_meets_its_optimality_conditions(point: list[float]) -> None:
    vector = np.asarray(point)
    projected = project_to_simplex(vector)
    assert projected.sum() == pytest.approx(1)
    assert (projected >= 0).all()
    # <v - p, q - p> <= 0 for every vertex q of the simplex
    residual = vector - projected
    assert (residual - residual @ projected).max() <= 1e-7 * max(1.0, float(np.abs(vector).max()))
