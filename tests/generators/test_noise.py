"""Noise laws: moments, correlation in time, the stated sub-Gaussian parameter, bad parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.generators.noise import (
    NOISE_LAWS,
    Ar1Noise,
    BoundedNoise,
    ColouredNoise,
    GaussianNoise,
    NoiseLaw,
    StudentTNoise,
    noise_law,
)
from simulations.generators.stream import ema_of_noise
from songoku_theory.ema import ema_weights, n_eff
from songoku_theory.errors import InvalidInputError, UnknownNameError

ALL_LAWS: tuple[NoiseLaw, ...] = (
    GaussianNoise(0.7),
    BoundedNoise(0.7),
    BoundedNoise(0.7, shape="uniform"),
    ColouredNoise(0.7, decay=1.0),
    Ar1Noise(0.7, phi=0.6),
    Ar1Noise(0.7, phi=-0.4),
    StudentTNoise(0.7, dof=3.0),
)


@pytest.mark.parametrize("law", ALL_LAWS, ids=repr)
def test_every_law_keeps_the_protocol(law: NoiseLaw) -> None:
    assert isinstance(law, NoiseLaw)
    assert law.name in NOISE_LAWS
    noise = law.sample(np.random.default_rng(0), steps=3, num_tasks=4, dim=5)
    assert noise.shape == (3, 4, 5)
    assert noise.dtype == np.float64
    assert law.spectrum(5).shape == (5,)
    assert law.spectrum(5).max() == 1.0
    again = law.sample(np.random.default_rng(0), steps=3, num_tasks=4, dim=5)
    np.testing.assert_array_equal(noise, again)


def marginal(law: NoiseLaw) -> Callable[[np.ndarray], np.ndarray] | None:
    """The law of the first coordinate at one step, None for a discrete one."""
    if isinstance(law, StudentTNoise):
        scale = law.sigma * math.sqrt((law.dof - 2) / law.dof)
        return stats.t(law.dof, scale=scale).cdf
    if isinstance(law, BoundedNoise):
        if law.shape == "rademacher":
            return None
        bound = math.sqrt(3) * law.sigma
        return stats.uniform(-bound, 2 * bound).cdf
    return stats.norm(scale=law.sigma).cdf


@pytest.mark.parametrize("step", [0, 3])
@pytest.mark.parametrize("law", ALL_LAWS, ids=repr)
def test_marginal_law_at_a_step_is_the_stated_one(law: NoiseLaw, step: int) -> None:
    """n = 20000 values of coordinate 0; Kolmogorov-Smirnov (Rademacher: exact binomial).

    14 tests, alpha = 0.01 in all. A law started outside its stationary state fails at one step.
    """
    rng = np.random.default_rng(5)
    values = law.sample(rng, steps=4, num_tasks=20000, dim=2)[step, :, 0]
    cdf = marginal(law)
    if cdf is None:
        assert set(np.unique(values)) == {-law.sigma, law.sigma}
        pvalue = stats.binomtest(int((values > 0).sum()), values.size).pvalue
    else:
        pvalue = stats.kstest(values, cdf).pvalue
    assert pvalue > 0.01 / 14


def correlation_pvalue(first: np.ndarray, second: np.ndarray, expected: float) -> float:
    """Two-sided test of a correlation by Fisher's transform."""
    n = first.size
    found = float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    z = (math.atanh(found) - math.atanh(expected)) * math.sqrt(n - 3)
    return float(2 * stats.norm.sf(abs(z)))


@pytest.mark.parametrize("lag", [1, 2, 5])
@pytest.mark.parametrize("law", [law for law in ALL_LAWS if law.name != "student_t"], ids=repr)
def test_correlation_in_time_is_the_stated_one(law: NoiseLaw, lag: int) -> None:
    """n = 20000 independent series, correlation of steps 0 and `lag`; 18 tests, alpha = 0.01."""
    noise = law.sample(np.random.default_rng(6), steps=6, num_tasks=20000, dim=1)
    phi = law.phi if isinstance(law, Ar1Noise) else 0.0
    assert correlation_pvalue(noise[0], noise[lag], phi**lag) > 0.01 / 18


def test_the_correlation_test_has_power() -> None:
    """The same test, same n and alpha, refuses a phi that is off by 0.05."""
    noise = Ar1Noise(0.7, phi=0.65).sample(np.random.default_rng(6), 6, 20000, 1)
    assert correlation_pvalue(noise[0], noise[1], 0.6) < 0.01 / 18


@pytest.mark.parametrize("law", [law for law in ALL_LAWS if law.name != "student_t"], ids=repr)
def test_tasks_and_coordinates_are_uncorrelated(law: NoiseLaw) -> None:
    """n = 20000 pairs of tasks at one step; two correlations a law, 12 tests, alpha = 0.01."""
    noise = law.sample(np.random.default_rng(9), 1, 40000, 3).reshape(20000, 2, 3)
    assert correlation_pvalue(noise[:, 0, 0], noise[:, 1, 0], 0.0) > 0.01 / 12
    assert correlation_pvalue(noise[:, 0, 0], noise[:, 0, 2], 0.0) > 0.01 / 12


def test_coloured_noise_has_its_spectrum() -> None:
    """n = 20000 values a coordinate, d = 8; chi-square tests of the variances, alpha = 0.01."""
    law = ColouredNoise(1.3, decay=0.8)
    noise = law.sample(np.random.default_rng(7), 1, 20000, 8)[0]
    expected = 1.3**2 * np.arange(1, 9) ** -0.8
    statistic = (noise**2).sum(axis=0) / expected
    tails = np.minimum(stats.chi2.cdf(statistic, 20000), stats.chi2.sf(statistic, 20000))
    assert (2 * tails > 0.01 / 8).all()
    assert law.effective_rank(8) == pytest.approx((np.arange(1, 9) ** -0.8).sum())
    assert ColouredNoise(1.0, decay=0.0).effective_rank(50) == 50


@pytest.mark.parametrize("shape", ["rademacher", "uniform"])
def test_bounded_noise_is_sub_gaussian_with_its_own_variance(shape: str) -> None:
    """Exact moment generating functions along unit vectors, never above the Gaussian one.

    Rademacher: all 2^6 sign patterns of a sample's support are enumerated. Uniform: the closed
    form. Anything smaller than sigma fails near s = 0, so the parameter is honest in both ways.
    """
    sigma, dim = 0.7, 6
    law = BoundedNoise(sigma, shape=shape)
    sample = law.sample(np.random.default_rng(1), 4, 50, dim)
    rng = np.random.default_rng(2)
    units = rng.standard_normal((20, dim))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    for unit, s in itertools.product(units, [0.01, 0.3, 1.0, 3.0, 8.0]):
        if shape == "rademacher":
            support = np.unique(sample)
            patterns = np.array(list(itertools.product(support, repeat=dim)))
            value = float(np.exp(s * patterns @ unit).mean())
        else:
            bound = math.sqrt(3) * sigma
            assert np.abs(sample).max() <= bound
            x = s * bound * unit
            value = float(np.prod(np.sinh(x) / x))
        assert value <= math.exp(s**2 * sigma**2 / 2) * (1 + 1e-12)
        if s == 0.01:
            assert value > math.exp(s**2 * (0.95 * sigma) ** 2 / 2)


def test_student_noise_has_tails_that_no_sub_gaussian_law_has() -> None:
    """n = 400000 values. A sub-Gaussian with parameter sigma^2 exceeds 10 sigma with probability
    <= 2 exp(-50): one exceedance among them would have probability < 1e-15 under Assumption 2."""
    noise = StudentTNoise(1.0).sample(np.random.default_rng(3), 100, 1000, 4)
    assert int((np.abs(noise) > 10).sum()) > 100
    # The coordinates of one gradient are large together: one chi-square a task and step.
    norms = np.linalg.norm(noise, axis=2).ravel()
    shared = np.abs(noise[..., 0]).ravel() > 10
    assert np.median(norms[shared]) > 10


weights_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(weights_lists, st.floats(-0.99, 0.99))
def test_ar1_variance_is_the_double_sum(weights: list[float], phi: float) -> None:
    w = np.array(weights)
    lags = np.abs(np.arange(len(w))[:, None] - np.arange(len(w))[None, :])
    expected = 0.49 * float(w @ phi**lags @ w)
    found = Ar1Noise(0.7, phi).ema_variance(weights)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(st.integers(1, 60), st.floats(0, 0.999))
def test_independent_noise_has_the_variance_of_eq_19(window: int, beta: float) -> None:
    weights = ema_weights(window, beta)
    for law in ALL_LAWS:
        if not isinstance(law, Ar1Noise):
            expected = law.sigma**2 / float(n_eff(window, beta))
            assert law.ema_variance(weights) == pytest.approx(expected, rel=1e-9)
    assert Ar1Noise(0.7, 0.0).ema_variance(weights) == pytest.approx(
        0.49 / float(n_eff(window, beta)), rel=1e-9
    )


def test_memory_makes_the_average_noisier_by_the_known_factor() -> None:
    weights = ema_weights(20000, 0.999)
    ratio = Ar1Noise(1.0, 0.5).ema_variance(weights) / GaussianNoise(1.0).ema_variance(weights)
    assert ratio == pytest.approx((1 + 0.5) / (1 - 0.5), rel=2e-3)


WINDOWS = [(1, 0.9), (8, 0.0), (8, 0.5), (32, 0.9), (64, 0.99)]
LIGHT_LAWS = [GaussianNoise(0.7), BoundedNoise(0.7), Ar1Noise(0.7, 0.6), ColouredNoise(0.7, 1.0)]


def variance_pvalue(values: np.ndarray, variance: float) -> float:
    """Two-sided chi-square test of a known-mean variance (exact for Gaussian values; for averages
    of bounded noise, whose kurtosis is below 3, conservative)."""
    statistic = float((values**2).sum()) / variance
    tails = stats.chi2.cdf(statistic, values.size), stats.chi2.sf(statistic, values.size)
    return 2 * min(tails)


def simulated_average(law: NoiseLaw, window: int, beta: float) -> np.ndarray:
    rng = np.random.default_rng(8)
    return ema_of_noise(law, ema_weights(window, beta), 20000, 1, rng).ravel()


@pytest.mark.parametrize(("window", "beta"), WINDOWS)
@pytest.mark.parametrize("law", LIGHT_LAWS, ids=repr)
def test_average_of_simulated_noise_has_the_stated_variance(
    law: NoiseLaw, window: int, beta: float
) -> None:
    """n = 20000 simulated EMAs (first coordinate) a case; 20 cases, alpha = 0.01 in all.

    For independent noise the variance is sigma^2 / n_eff (eq. 19), checked against n_eff itself.
    """
    values = simulated_average(law, window, beta)
    variance = law.ema_variance(ema_weights(window, beta))
    if not isinstance(law, Ar1Noise):
        assert variance == pytest.approx(law.sigma**2 / float(n_eff(window, beta)))
    assert variance_pvalue(values, variance) > 0.01 / 20


def test_the_variance_test_has_power() -> None:
    """Same n and alpha: it refuses an EMA without normalisation and an n_eff that is 10 % off."""
    values = simulated_average(GaussianNoise(0.7), 8, 0.5)
    carried = GaussianNoise(0.7).ema_variance(ema_weights(8, 0.9, "carried"))
    assert variance_pvalue(values, carried) < 0.01 / 20
    assert variance_pvalue(values, 1.1 * 0.49 / float(n_eff(8, 0.5))) < 0.01 / 20
    # Eq. 19 applied to noise that remembers is refused too.
    remembering = simulated_average(Ar1Noise(0.7, 0.6), 8, 0.5)
    assert variance_pvalue(remembering, 0.49 / float(n_eff(8, 0.5))) < 0.01 / 20


def test_assumption_2_is_claimed_only_where_it_holds() -> None:
    claims = {law: law.satisfies_assumption_2 for law in ALL_LAWS}
    assert [law.name for law, claim in claims.items() if not claim] == ["ar1", "ar1", "student_t"]
    assert Ar1Noise(1.0, phi=0.0).satisfies_assumption_2


@pytest.mark.parametrize("name", NOISE_LAWS)
@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf, "1", True])
def test_a_bad_sigma_is_refused(name: str, sigma: float) -> None:
    with pytest.raises(InvalidInputError, match="sigma should be"):
        noise_law(name, sigma)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Ar1Noise(1.0, phi=1.0), "strictly between -1 and 1"),
        (lambda: Ar1Noise(1.0, phi=-1.0), "strictly between -1 and 1"),
        (lambda: Ar1Noise(1.0, phi=math.nan), "phi should be a finite"),
        (lambda: ColouredNoise(1.0, decay=-0.1), "decay should be >= 0"),
        (lambda: ColouredNoise(1.0, decay=math.inf), "decay should be a finite"),
        (lambda: StudentTNoise(1.0, dof=2.0), "dof should be > 2"),
        (lambda: StudentTNoise(1.0, dof=math.inf), "dof should be a finite"),
        (lambda: GaussianNoise(1.0).ema_variance([]), "weights should be"),
        (lambda: Ar1Noise(1.0).ema_variance([math.nan]), "weights should be"),
    ],
)
def test_bad_parameters_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        build()


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'gaussian'"):
        noise_law("gausian", 1.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'uniform'"):
        BoundedNoise(1.0, shape="unifrom")  # type: ignore[arg-type]
