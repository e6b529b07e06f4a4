"""EMA weights, effective sample size, window plans: against exact rationals."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songoku_theory.ema import (
    ema,
    ema_weights,
    n_eff,
    n_eff_limit,
    n_eff_of_weights,
    plan_window,
)
from songoku_theory.errors import InvalidInputError, UnknownNameError

windows = st.integers(1, 40)
betas = st.fractions(0, Fraction(99, 100), max_denominator=100)


def exact_weights(window: int, beta: Fraction) -> list[Fraction]:
    return [(1 - beta) * beta ** (window - t) for t in range(1, window + 1)]


@given(windows, betas)
def test_weights_of_both_conventions_match_exact_rationals(window: int, beta: Fraction) -> None:
    exact = exact_weights(window, beta)
    total = sum(exact)
    assert total == 1 - beta**window
    carried = ema_weights(window, float(beta), "carried")
    windowed = ema_weights(window, float(beta), "windowed")
    np.testing.assert_allclose(carried, [float(w) for w in exact], rtol=1e-12, atol=0)
    np.testing.assert_allclose(windowed, [float(w / total) for w in exact], rtol=1e-11, atol=0)


@given(windows, betas)
def test_n_eff_is_the_inverse_of_the_sum_of_squared_weights(window: int, beta: Fraction) -> None:
    exact = exact_weights(window, beta)
    value = sum(exact) ** 2 / sum(w * w for w in exact)
    assert n_eff(window, float(beta)) == pytest.approx(float(value), rel=1e-10)
    assert n_eff_of_weights([float(w) for w in exact]) == pytest.approx(float(value), rel=1e-10)


@given(windows, st.floats(0, 0.999))
def test_n_eff_lies_between_one_and_both_of_its_bounds(window: int, beta: float) -> None:
    value = float(n_eff(window, beta))
    assert 1 <= value <= window * (1 + 1e-12)
    assert value <= n_eff_limit(beta) * (1 + 1e-12)


@given(windows, st.floats(0.001, 0.99))
def test_n_eff_grows_with_the_window_and_with_beta(window: int, beta: float) -> None:
    assert n_eff(window + 1, beta) > n_eff(window, beta) * (1 - 1e-13)
    assert n_eff(window, beta + 0.009) >= n_eff(window, beta) * (1 - 1e-13)


def test_n_eff_stays_accurate_where_beta_is_almost_one() -> None:
    # 1 - beta = 1e-12: the window is far shorter than the memory, so all weights are equal.
    assert n_eff(1000, 1 - 1e-12) == pytest.approx(1000, rel=1e-4)


def test_n_eff_broadcasts_and_keeps_the_identity_with_tanh() -> None:
    grid = n_eff(np.arange(1, 6)[:, None], np.asarray([0.1, 0.5, 0.9])[None, :])
    assert grid.shape == (5, 3)
    a = -np.log([0.1, 0.5, 0.9])
    expected = np.tanh(np.arange(1, 6)[:, None] * a / 2) / np.tanh(a / 2)
    np.testing.assert_allclose(grid, expected, rtol=1e-12)


@given(st.floats(1, 5000))
def test_a_plan_reaches_its_target_with_the_shortest_window_for_its_beta(target: float) -> None:
    plan = plan_window(target)
    assert plan.n_eff >= target
    assert plan.window >= target  # no window shorter than N can
    assert plan.window <= math.ceil(target * math.log(3)) + 1
    assert plan.window == 1 or n_eff(plan.window - 1, plan.beta) < target


@given(windows, st.floats(0, 0.99), st.integers(0, 2**32 - 1))
def test_ema_is_the_weighted_sum_and_the_recursion(window: int, beta: float, seed: int) -> None:
    gradients = np.random.default_rng(seed).normal(size=(window, 3))
    buffer = np.zeros(3)
    for gradient in gradients:
        buffer = beta * buffer + (1 - beta) * gradient
    np.testing.assert_allclose(ema(gradients, beta, "carried"), buffer, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        ema(gradients, beta, "windowed"), buffer / (1 - beta**window), rtol=1e-7, atol=1e-12
    )


def test_a_constant_gradient_is_its_own_windowed_average_but_not_its_carried_one() -> None:
    gradients = np.ones((5, 1))
    assert ema(gradients, 0.5, "windowed") == pytest.approx(1.0)
    assert ema(gradients, 0.5, "carried") == pytest.approx(1 - 0.5**5)


@pytest.mark.parametrize("beta", [-0.1, 1.0, 1.5, float("nan"), float("inf")])
def test_beta_outside_its_range_is_refused(beta: float) -> None:
    with pytest.raises(InvalidInputError, match="beta"):
        ema_weights(3, beta)
    with pytest.raises(InvalidInputError, match="beta"):
        n_eff(3, beta)


@pytest.mark.parametrize("window", [0, -1, 2.5, True])
def test_a_window_that_is_no_count_is_refused(window: int) -> None:
    with pytest.raises(InvalidInputError, match="window"):
        ema_weights(window, 0.5)


def test_an_unknown_convention_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'windowed'"):
        ema_weights(3, 0.5, "window")  # type: ignore[arg-type]


def test_a_gradient_that_is_not_finite_never_enters_an_average() -> None:
    with pytest.raises(InvalidInputError, match="step 1"):
        ema([[0.0], [float("nan")]], 0.5)


@pytest.mark.parametrize("weights", [[], [0.0], [-1.0, 2.0], [float("inf")]])
def test_weights_without_a_sample_size_are_refused(weights: list[float]) -> None:
    with pytest.raises(InvalidInputError, match="weights"):
        n_eff_of_weights(weights)
