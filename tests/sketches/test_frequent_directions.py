"""Frequent Directions keeps what it says it keeps, and its certificate holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songoku_theory.bounds.complexity import (
    frequent_directions_break_even,
    frequent_directions_operations,
    gram_operations,
)
from songoku_theory.bounds.sketch import (
    frequent_directions_cosine_error,
    frequent_directions_error,
    frequent_directions_is_vacuous,
    frequent_directions_paper_cosine_error,
)
from songoku_theory.errors import InvalidInputError
from songoku_theory.linalg import cosines
from songoku_theory.sketch import FrequentDirections, gram_from_columns, gram_from_rows

SKETCHES = {"rows": gram_from_rows, "columns": gram_from_columns}


def matrix(seed: int, tasks: int, dim: int, rank: int, noise: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(tasks, rank)) @ rng.normal(size=(rank, dim)) + noise * rng.normal(
        size=(tasks, dim)
    )


@pytest.mark.parametrize("side", SKETCHES)
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    tasks=st.integers(2, 12),
    dim=st.integers(1, 30),
    size=st.integers(1, 14),
    noise=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_the_error_is_positive_certified_and_within_the_bound(
    side: str, seed: int, tasks: int, dim: int, size: int, noise: float
) -> None:
    vectors = matrix(seed, tasks, dim, 2, noise)
    found = SKETCHES[side](vectors, size)
    exact = vectors @ vectors.T
    squares = np.linalg.eigvalsh(exact - found.gram)
    scale = np.trace(exact)
    assert squares[0] >= -1e-9 * scale  # below the true one
    assert squares[-1] <= found.certificate + 1e-9 * scale
    bound = frequent_directions_error(np.linalg.svd(vectors, compute_uv=False), size)
    assert found.certificate <= bound + 1e-9 * scale


@given(st.integers(0, 10**6), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_the_covariance_is_kept_whatever_the_pieces_it_is_read_in(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(23, 5))
    whole = FrequentDirections.empty(size, 5).read(rows).finished()
    parts = FrequentDirections.empty(size, 5)
    for start in range(0, 23, 4):
        parts = parts.read(rows[start : start + 4])
    parts = parts.finished()
    assert len(whole.rows) <= size
    np.testing.assert_allclose(parts.rows.T @ parts.rows, whole.rows.T @ whole.rows, atol=1e-9)
    lost = np.linalg.eigvalsh(rows.T @ rows - whole.rows.T @ whole.rows)
    assert lost[0] >= -1e-9
    assert lost[-1] <= whole.shrunk + 1e-9


@pytest.mark.parametrize("side", SKETCHES)
def test_more_rows_than_tasks_are_exact(side: str) -> None:
    vectors = matrix(1, 6, 40, 6, 1.0)
    found = SKETCHES[side](vectors, 7)
    np.testing.assert_allclose(found.gram, vectors @ vectors.T, rtol=1e-10)
    assert found.certificate == 0.0


def test_rows_of_one_direction_need_one_row_of_sketch_and_one_more() -> None:
    vectors = np.outer([1.0, -2.0, 3.0, 1.0], [1.0, 2.0, 2.0])
    np.testing.assert_allclose(gram_from_rows(vectors, 2).gram, vectors @ vectors.T, rtol=1e-9)


def test_operations_are_what_the_formula_counts() -> None:
    vectors = matrix(2, 24, 300, 24, 1.0)
    for size in range(1, 27):
        found = gram_from_rows(vectors, size).operations
        assert found == frequent_directions_operations(24, 300, size), size
    even = frequent_directions_break_even(24, 300)
    exact = gram_operations(24, 300)
    assert frequent_directions_operations(24, 300, even) < exact
    assert frequent_directions_operations(24, 300, even + 1) >= exact


def test_equation_75_says_nothing_below_k_rows_whatever_the_gradients() -> None:
    """At its best epsilon, 1 / l; equal norms are its best case."""
    for tasks in (3, 16, 40):
        for size in range(1, tasks + 1):
            equal = frequent_directions_paper_cosine_error(size, float(tasks), 1.0)
            assert frequent_directions_is_vacuous(size, tasks) == (equal >= 2.0)
        assert not frequent_directions_is_vacuous(tasks + 1, tasks)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 8))
def test_cosines_move_by_no_more_than_the_certificate_allows(seed: int, size: int) -> None:
    vectors = matrix(seed, 8, 20, 2, 0.15)
    exact = vectors @ vectors.T
    found = gram_from_rows(vectors, size)
    shortest = float(np.sqrt(np.diag(exact).min()))
    bound = float(frequent_directions_cosine_error(found.certificate, shortest))
    if bound < 2.0:
        error = np.abs(cosines(found.gram).values - cosines(exact).values).max()
        assert error <= bound + 1e-9


def test_faults_are_named() -> None:
    with pytest.raises(InvalidInputError, match="size"):
        FrequentDirections.empty(0, 3)
    with pytest.raises(InvalidInputError, match="length 3"):
        FrequentDirections.empty(2, 3).read(np.ones((1, 4)))
    with pytest.raises(InvalidInputError, match="min_norm"):
        frequent_directions_cosine_error(0.1, 0.0)
    with pytest.raises(InvalidInputError, match="m_0"):
        frequent_directions_paper_cosine_error(2, 0.5, 1.0)
