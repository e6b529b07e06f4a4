"""The recovery bounds: shape, monotonicity, and that the dimension-aware one holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songoku_theory.bounds import (
    critical_noise_ratio,
    dimension_aware_deviation,
    dimension_aware_failure,
    probe_budget,
)
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.errors import InvalidInputError

ratios = st.floats(1e-4, 2.0)
dims = st.integers(1, 100_000)


@given(ratios, dims, st.floats(0, 1), st.integers(1, 64), st.floats(1e-6, 0.5))
def test_more_noise_dimensions_or_tasks_need_a_wider_margin(
    ratio: float, dim: int, tau: float, num_tasks: int, delta: float
) -> None:
    here = dimension_aware_deviation(ratio, dim, tau, num_tasks, delta)
    assert dimension_aware_deviation(ratio * 1.1, dim, tau, num_tasks, delta) > here
    assert dimension_aware_deviation(ratio, dim + 1, tau, num_tasks, delta) > here
    assert dimension_aware_deviation(ratio, dim, tau, num_tasks + 1, delta) > here
    assert dimension_aware_deviation(ratio, dim, tau, num_tasks, delta / 2) > here


@given(st.floats(1e-3, 0.05), st.integers(1, 500), st.floats(0, 0.5), st.integers(2, 20))
def test_the_failure_bound_inverts_the_deviation(
    ratio: float, dim: int, tau: float, num_tasks: int
) -> None:
    failure = dimension_aware_failure(ratio, dim, tau, 0.3, num_tasks)
    assert 0 < failure <= 1
    if 1e-300 < failure < 1:
        assert dimension_aware_deviation(ratio, dim, tau, num_tasks, failure) == pytest.approx(
            0.3, rel=1e-6
        )


@pytest.mark.parametrize("dim", [4, 64, 1024])
def test_recovery_fails_no_more_often_than_the_bound_allows(dim: int) -> None:
    """n = 20,000 draws a dimension; the bound is checked where it promises delta = 0.2.

    The bound is conservative, so the observed failures must not exceed delta; a count above
    delta n + 5 sqrt(n) would refute it (chance below 1e-6 if the true rate were delta).
    """
    tau, margin, num_tasks, delta, draws = 0.3, 0.3, 3, 0.2, 20_000
    # the largest noise at which the bound still promises delta
    low, high = 1e-6, 10.0
    for _ in range(200):
        middle = math.sqrt(low * high)
        if dimension_aware_deviation(middle, dim, tau, num_tasks, delta) < margin:
            low = middle
        else:
            high = middle
    # two opposed at exactly the margin, one at right angles to both
    cosine = -(tau + margin)
    means = np.zeros((3, dim))
    means[0, 0] = 1.0
    means[1, :2] = cosine, math.sqrt(1 - cosine**2)
    means[2, 2] = 1.0
    rng = np.random.default_rng(7)
    failures = 0
    for _ in range(20):
        noisy = means + low * rng.standard_normal((draws // 20, num_tasks, dim))
        edges = conflict_adjacency_batch(noisy @ noisy.transpose(0, 2, 1), tau)
        right = edges[:, 0, 1] & ~edges[:, 0, 2] & ~edges[:, 1, 2]
        failures += int((~right).sum())
    assert failures <= delta * draws + 5 * math.sqrt(draws)


def test_the_budget_has_the_papers_shape() -> None:
    base = probe_budget(1.0, 1.0, 0.1, 10, 0.05)
    assert probe_budget(2.0, 1.0, 0.1, 10, 0.05) == pytest.approx(4 * base)
    assert probe_budget(1.0, 1.0, 0.05, 10, 0.05) == pytest.approx(4 * base)
    assert probe_budget(1.0, 1.0, 0.1, 10, 0.05, constant=3) == pytest.approx(3 * base)


def test_at_tau_zero_no_noise_level_is_critical() -> None:
    assert critical_noise_ratio(0.0, 0.1) == math.inf
    assert critical_noise_ratio(0.5, 0.1) == pytest.approx(0.2)


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0, float("nan")])
def test_delta_outside_its_range_is_refused(delta: float) -> None:
    with pytest.raises(InvalidInputError, match="delta"):
        probe_budget(1.0, 1.0, 0.1, 10, delta)


@given(st.floats(0.05, 0.6), st.floats(0.05, 0.3), st.floats(1.0, 3.0))
def test_the_bound_promises_nothing_where_edges_at_the_margin_have_vanished(
    tau: float, margin: float, beyond: float
) -> None:
    """In high dimension the term tau u^2 d is all that is left of the bound, and it is needed."""
    dim = 10**10
    ratio = math.sqrt(beyond * critical_noise_ratio(tau, margin) / dim)
    deviation = dimension_aware_deviation(ratio, dim, tau, 6, 0.05)
    assert deviation >= margin * beyond
    assert deviation == pytest.approx(margin * beyond, rel=0.05)
    assert dimension_aware_failure(ratio, dim, tau, margin, 6) == 1.0
