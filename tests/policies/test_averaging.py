"""The lag, the best averaging length, and the noise that the debiased cosine takes away."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from songoku_theory import scheduler as sgk
from songoku_theory.ema import best_n_eff, ema_lag, ema_weights, mean_noise_energy, n_eff
from songoku_theory.errors import InvalidInputError

Config = sgk.SchedulerConfig


@pytest.mark.parametrize("beta", [0.3, 0.9, 0.99])
def test_the_lag_is_half_of_n_eff_minus_one_for_long_windows(beta: float) -> None:
    window = int(60 / (1 - beta))
    assert ema_lag(window, beta) == pytest.approx((float(n_eff(window, beta)) - 1) / 2, rel=1e-9)
    assert ema_lag(window, beta) == pytest.approx(beta / (1 - beta), rel=1e-9)


def test_the_lag_of_a_short_window_follows_its_closed_form() -> None:
    window, beta = 7, 0.8
    closed = beta / (1 - beta) - window * beta**window / (1 - beta**window)
    assert ema_lag(window, beta) == pytest.approx(closed)
    ramp = np.arange(window, dtype=float)  # a steady drift of one a step, at its end 6
    assert window - 1 - ema_weights(window, beta) @ ramp == pytest.approx(closed)


@pytest.mark.parametrize(("energy", "drift"), [(1.0, 0.1), (1e6, 3.0), (0.5, 10.0)])
def test_the_best_n_eff_minimises_noise_plus_squared_lag(energy: float, drift: float) -> None:
    def error(n: float) -> float:
        return energy / n + (drift * (n - 1) / 2) ** 2

    found = best_n_eff(energy, drift)
    reference = minimize_scalar(error, bounds=(1, 1e4), method="bounded", options={"xatol": 1e-9})
    assert error(found) <= reference.fun * (1 + 1e-9)
    for other in (found * 0.99, found * 1.01):
        assert other < 1 or error(other) > error(found)


def test_the_best_n_eff_refuses_what_has_no_answer() -> None:
    with pytest.raises(InvalidInputError, match="longer average is always better"):
        best_n_eff(1.0, 0.0)
    with pytest.raises(InvalidInputError, match="noise_energy"):
        best_n_eff(float("nan"), 1.0)


def test_the_noise_of_a_mean_is_estimated_without_bias() -> None:
    """n = 20,000 windows; the mean estimate within 5 standard errors (alpha < 1e-6), seed 0."""
    rng = np.random.default_rng(0)
    weights = ema_weights(6, 0.7)
    mu = np.asarray([1.0, -2.0, 0.5])
    gradients = mu + 1.5 * rng.normal(size=(20_000, 6, 3))
    means = np.einsum("t,ntd->nd", weights, gradients)
    squares = np.einsum("t,ntd->n", weights, gradients**2)
    found = mean_noise_energy(squares, (means**2).sum(axis=1), float((weights**2).sum()))
    true = float((weights**2).sum()) * 1.5**2 * 3
    assert abs(found.mean() - true) < 5 * found.std() / np.sqrt(found.size)
    debiased = (means**2).sum(axis=1) - found
    assert abs(debiased.mean() - mu @ mu) < 5 * debiased.std() / np.sqrt(debiased.size)


def test_one_gradient_tells_nothing_about_its_noise() -> None:
    assert mean_noise_energy([4.0], [4.0], [1.0]).tolist() == [0.0]
    assert mean_noise_energy([4.0], [3.9999], [1.0 - 1e-15]).tolist() == [0.0]


@pytest.mark.parametrize("convention", ["carried", "windowed"])
def test_the_debiased_cosine_finds_the_edge_that_noise_hides(convention: str) -> None:
    """Means at cosine -0.5, noise that halves every measured cosine, tau between the two.

    n = 40 runs for each rule with seeds 0..39; the two counts are compared with fixed limits that
    a rule without the correction misses by far (it finds the edge in hardly any run).
    """
    found = {"plain": 0, "debiased": 0}
    mu = np.zeros((2, 400))
    mu[0, 0], mu[1, :2] = 1.0, (-0.5, 3**0.5 / 2)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        steps = mu + rng.normal(size=(30, 2, 400)) * np.sqrt(10.0 / 400)
        for rule in found:
            config = Config(
                num_tasks=2, tau=0.35, beta=0.9, refresh_period=30, observe_tasks="all",
                cosine=rule, ema=convention,  # type: ignore[arg-type]
            )  # fmt: skip
            state = sgk.init(config)
            for row in steps:
                state = sgk.step(config, state, dict(enumerate(row)))
            assert state.graph is not None
            found[rule] += len(state.graph.edges())
    assert found["plain"] <= 10
    assert found["debiased"] >= 30


def test_the_debiased_cosine_leaves_noiseless_gradients_as_they_are() -> None:
    vectors = {0: [1.0, 0.0], 1: [-0.6, 0.8]}
    states = []
    for rule in ("plain", "debiased"):
        config = Config(num_tasks=2, tau=0.59, refresh_period=4, cosine=rule)  # type: ignore[arg-type]
        state = sgk.init(config)
        for _ in range(4):
            state = sgk.step(config, state, vectors)
        assert state.graph is not None
        states.append(state.graph.edges())
    assert states == [((0, 1),), ((0, 1),)]


def test_pure_noise_has_no_direction_under_the_debiased_cosine() -> None:
    config = Config(num_tasks=1, refresh_period=2, cosine="debiased", beta=0.5)
    state = sgk.init(config)
    for gradient in ([1.0, 0.0], [-0.5, 0.0]):
        state = sgk.step(config, state, {0: gradient})
    assert state.graph is not None
    assert state.graph.included.tolist() == [False]


def test_a_target_n_eff_sets_beta_and_the_refresh_period() -> None:
    config = sgk.with_n_eff(Config(num_tasks=3, observe_tasks="all"), target=12)
    assert n_eff(config.refresh_period, config.beta) >= 12
    assert n_eff(config.refresh_period - 1, config.beta) < 12
    cycled = sgk.with_n_eff(Config(num_tasks=3), target=12, classes=3)
    assert cycled.refresh_period == 3 * config.refresh_period
    with pytest.raises(InvalidInputError, match="classes"):
        sgk.with_n_eff(config, target=12, classes=0)


def test_a_planned_run_reaches_its_target_for_each_task() -> None:
    """A triangle: three classes, so a task contributes every third step."""
    config = sgk.with_n_eff(
        Config(num_tasks=3, tau=0.3, ema_at_refresh="reset"), target=5, classes=3
    )
    triangle = np.asarray([[1.0, 0.0], [-0.5, 3**0.5 / 2], [-0.5, -(3**0.5) / 2]])
    state = sgk.init(config)
    while state.round < 1:
        state = sgk.step(config, state, dict(enumerate(triangle)))
    for _ in range(config.refresh_period):
        state = sgk.observe(config, state, {k: triangle[k] for k in sgk.active(config, state)})
    assert (sgk.effective_samples(state) >= 5 - 1e-9).all()
