"""An incremental Gram matrix: exact where it says so, and off by no more than it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songoku_theory.bounds.sketch import incremental_error
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.linalg import cosines
from songoku_theory.sketch import IncrementalGram


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    tasks=st.integers(2, 8),
    dim=st.integers(2, 8),
    eta=st.sampled_from([0.0, 0.05, 0.2, 0.5]),
    step=st.sampled_from([0.01, 0.05, 0.3]),
)
def test_no_kept_cosine_is_off_by_more_than_twice_the_threshold(
    seed: int, tasks: int, dim: int, eta: float, step: float
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(tasks, dim))
    kept = IncrementalGram.of(rows, eta)
    for _ in range(12):
        rows = rows + step * rng.normal(size=rows.shape)
        kept = kept.updated(rows)
        np.testing.assert_allclose(kept.gram, kept.rows @ kept.rows.T, atol=1e-9)
        true = cosines(rows @ rows.T).values
        error = np.abs(cosines(kept.gram).values - true).max()
        assert error <= incremental_error(eta) + 1e-9


def test_the_bound_is_attained() -> None:
    """Two rows at 90 degrees less arcsin(eta) turn by arcsin(eta) each, away from one another."""
    eta = 0.3
    turn = np.arcsin(eta)
    start = np.pi / 2 - turn
    rows = np.asarray([[1.0, 0.0], [np.cos(start), np.sin(start)]])
    kept = IncrementalGram.of(rows, eta)
    reach = np.cos(turn)  # the nearest point of the turned ray: eta away

    def turned(angle: float) -> list[float]:
        return [reach * np.cos(angle), reach * np.sin(angle)]

    moved = np.asarray([turned(-turn), turned(start + turn)])
    moved = rows + (moved - rows) * (1 - 1e-12)
    kept = kept.updated(moved)
    assert kept.changed == ()
    error = abs(cosines(kept.gram).values[0, 1] - cosines(moved @ moved.T).values[0, 1])
    assert error == pytest.approx(incremental_error(eta), rel=1e-9)


def test_compared_with_the_last_refresh_small_steps_are_never_seen() -> None:
    """The paper's reference: a row turns by 90 degrees, one a refresh, and nothing is updated."""
    eta = 0.05
    rows = np.asarray([[1.0, 0.0], [0.0, 1.0]])
    paper = IncrementalGram.of(rows, eta, "last_refresh")
    stored = IncrementalGram.of(rows, eta, "stored")
    for degree in range(1, 91):
        angle = np.deg2rad(degree)
        rows = np.asarray([[np.cos(angle), np.sin(angle)], [0.0, 1.0]])
        paper, stored = paper.updated(rows), stored.updated(rows)
        assert paper.changed == ()
    assert cosines(paper.gram).values[0, 1] == pytest.approx(0.0)  # it is 1 now
    assert cosines(stored.gram).values[0, 1] > 1 - incremental_error(eta)


def test_a_changed_row_counts_its_own_products_once() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(6, 10))
    kept = IncrementalGram.of(rows, 0.1)
    assert kept.operations == 21 * 10
    moved = rows.copy()
    moved[[1, 4]] += 1.0
    kept = kept.updated(moved)
    assert kept.changed == (1, 4)
    assert kept.operations == 6 * 10 + 11 * 10
    np.testing.assert_allclose(kept.gram, moved @ moved.T, atol=1e-12)
    assert kept.age == 1


def test_a_rebuild_resets() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4, 5))
    kept = IncrementalGram.of(rows, 10.0, rebuild_every=3)
    for age in (1, 2, 0, 1):
        rows = rows + 0.1 * rng.normal(size=rows.shape)
        kept = kept.updated(rows)
        assert kept.age == age
        exact = np.allclose(kept.gram, rows @ rows.T)
        assert exact == (age == 0)


def test_nothing_of_the_given_rows_is_kept_by_reference() -> None:
    rows = np.eye(3)
    kept = IncrementalGram.of(rows, 0.1)
    rows[0, 0] = 9.0
    assert kept.rows[0, 0] == 1.0


def test_faults_are_named() -> None:
    with pytest.raises(InvalidInputError, match="threshold"):
        IncrementalGram.of(np.eye(2), -0.1)
    with pytest.raises(UnknownNameError, match="stored"):
        IncrementalGram.of(np.eye(2), 0.1, "store")
    with pytest.raises(InvalidInputError, match="rebuild_every"):
        IncrementalGram.of(np.eye(2), 0.1, rebuild_every=-1)
    with pytest.raises(InvalidInputError, match=r"\(2, 2\)"):
        IncrementalGram.of(np.eye(2), 0.1).updated(np.eye(3))
