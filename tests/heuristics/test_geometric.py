"""Geometric rounding and grouping by representatives: what they promise and are worth."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songoku_theory.coloring import (
    canonical_cosines,
    chromatic_number,
    color,
    first_fit,
    geometric,
    geometric_rounding,
    is_proper,
    representative,
    representative_groups,
)
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.errors import InvalidInputError
from songoku_theory.testing.graphs import crown, multipartite, mycielski, queens


def graph(seed: int, size: int, density: float) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).random((size, size)) < density, 1)
    return upper | upper.T


GRAPHS = {
    "seed": st.integers(0, 10**6),
    "size": st.integers(1, 16),
    "density": st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.0]),
}


@settings(max_examples=40, deadline=None)
@given(**GRAPHS)
def test_every_class_but_the_last_blocks_every_later_task(
    seed: int, size: int, density: float
) -> None:
    """Hence at most Delta + 1 colours, whatever the cosines are."""
    matrix = graph(seed, size, density)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(size, size))
    colors = geometric_rounding(matrix, noise @ noise.T, rng, directions=2, sharpness=(1, 9))
    assert is_proper(matrix, colors)
    assert int(colors.max()) + 1 <= int(matrix.sum(axis=1).max()) + 1
    order = [int(np.flatnonzero(colors == c)[0]) for c in range(int(colors.max()) + 1)]
    assert order == sorted(order)  # named by first task


@settings(max_examples=40, deadline=None)
@given(**GRAPHS)
def test_canonical_cosines_are_of_gradients_with_that_graph(
    seed: int, size: int, density: float
) -> None:
    matrix = graph(seed, size, density)
    cosines = canonical_cosines(matrix)
    assert np.linalg.eigvalsh(cosines)[0] >= -1e-9
    np.testing.assert_array_equal(np.diag(cosines), 1.0)
    tau = -cosines.min() / 2 if matrix.any() else 0.5
    np.testing.assert_array_equal(conflict_adjacency_batch(cosines[None], tau)[0], matrix)


def test_crowns_and_other_bipartite_graphs_take_two_colours() -> None:
    rng = np.random.default_rng(0)
    for pairs in (3, 8, 20):
        order = rng.permutation(2 * pairs)
        assert int(geometric(crown(pairs)[np.ix_(order, order)]).max()) + 1 == 2
    assert int(geometric(multipartite(30, 40)).max()) + 1 == 2


@pytest.mark.parametrize("sizes", [(1,), (4, 4, 4), (1, 2, 9), (7, 1, 1, 1, 3)])
def test_complete_multipartite_graphs_take_as_many_colours_as_parts(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    matrix = multipartite(*sizes)
    order = rng.permutation(len(matrix))
    assert int(geometric(matrix[np.ix_(order, order)]).max()) + 1 == len(sizes)


def test_sharpness_is_what_finds_the_long_axis() -> None:
    """Two sides with random edges: plain cosines are almost all noise, their powers the sides."""
    across = np.random.default_rng(0).random((40, 40)) < 0.3
    matrix = np.block([[np.zeros_like(across), across], [across.T, np.zeros_like(across)]])
    cosines = canonical_cosines(matrix)
    plain = geometric_rounding(matrix, cosines, np.random.default_rng(0), 4, (1,))
    sharp = geometric_rounding(matrix, cosines, np.random.default_rng(0), 4, (64,))
    assert int(sharp.max()) + 1 == 2 < int(plain.max()) + 1


def test_close_to_the_least_number_on_hard_graphs() -> None:
    """Deterministic: at most one colour more, where Welsh-Powell takes up to three more."""
    for matrix, least in ((mycielski(5), 5), (queens(5), 5), (graph(4, 30, 0.4), None)):
        exact = chromatic_number(matrix) if least is None else least
        assert exact <= int(geometric(matrix).max()) + 1 <= exact + 1


def test_the_same_graph_gives_the_same_colours_and_gradients_may_guide() -> None:
    matrix = graph(2, 40, 0.3)
    np.testing.assert_array_equal(geometric(matrix), geometric(matrix.copy()))
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(40, 6))
    gram = vectors @ vectors.T
    conflicts = conflict_adjacency_batch(gram[None], 0.2)[0]
    colors = geometric_rounding(conflicts, gram, rng)
    assert is_proper(conflicts, colors)


def test_faults_are_named() -> None:
    with pytest.raises(InvalidInputError, match="shape"):
        geometric_rounding(np.eye(2)[::-1], np.eye(3), np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="directions"):
        geometric_rounding(np.eye(2)[::-1], np.eye(2), np.random.default_rng(0), 0)
    with pytest.raises(InvalidInputError, match="sharpness"):
        geometric_rounding(np.eye(2)[::-1], np.eye(2), np.random.default_rng(0), 2, ())


@settings(max_examples=60, deadline=None)
@given(**GRAPHS)
def test_asking_every_member_is_first_fit(seed: int, size: int, density: float) -> None:
    matrix = graph(seed, size, density)
    np.testing.assert_array_equal(representative(matrix), first_fit(matrix, range(size)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(0, 10**6))
def test_representatives_find_the_parts_with_at_most_k_m_questions(
    sizes: list[int], seed: int
) -> None:
    matrix = multipartite(*sizes)
    order = np.random.default_rng(seed).permutation(len(matrix))
    matrix = matrix[np.ix_(order, order)]
    asked = []

    def conflicts(task: int, others: np.ndarray) -> np.ndarray:
        asked.extend((task, int(k)) for k in others)
        return matrix[task, others]

    found = representative_groups(conflicts, len(matrix))
    assert is_proper(matrix, found.colors)
    assert len(set(found.colors.tolist())) == len(sizes)
    assert found.comparisons == len(asked) == len(set(asked))
    tasks, groups = len(matrix), len(sizes)
    assert found.comparisons <= tasks * groups - groups * (groups + 1) // 2
    assert {b for _, b in asked} <= set(found.representatives)


def test_without_equivalence_one_representative_is_not_enough() -> None:
    path = np.asarray(nx.to_numpy_array(nx.path_graph(4)), dtype=bool)[
        np.ix_([0, 3, 2, 1], [0, 3, 2, 1])
    ]

    def conflicts(task: int, others: np.ndarray) -> np.ndarray:
        return path[task, others]

    assert not is_proper(path, representative_groups(conflicts, 4).colors)
    assert is_proper(path, representative_groups(conflicts, 4, every_member=True).colors)
    assert color(path, "representative").max() >= 1
