"""Intervals that hold at any time: coverage under stopping, and what goes wrong without them."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.sampling import Tally, clopper_pearson
from simulations.sampling.stopping import anytime_interval, run_until_narrow
from songoku_theory.errors import InvalidInputError

RUNS, MOST, DELTA = 2000, 4000, 0.05


def ever_missed(
    p: float, interval: Callable[[int, int], tuple[float, float]], looks: list[int], seed: int
) -> int:
    """Runs of which some look at the data has an interval without p."""
    steps = np.diff([0, *looks])
    blocks = np.random.default_rng(seed).binomial(steps, p, (RUNS, len(looks)))
    known: dict[tuple[int, int], bool] = {}
    missed = 0
    for counts in np.cumsum(blocks, axis=1).tolist():
        for pair in zip(counts, looks, strict=True):
            if pair not in known:
                low, high = interval(*pair)
                known[pair] = not low <= p <= high
            if known[pair]:
                missed += 1
                break
    return missed


LOOKS = sorted({round(20 * 1.15**k) for k in range(39)} - {0})


@pytest.mark.parametrize("p", [0.003, 0.1, 0.5, 0.97])
def test_the_interval_covers_at_all_looks_at_once(p: float) -> None:
    """2000 runs of up to 4000 trials, looked at 39 times. H0: P(some look misses p) <= 0.05; one-
    sided binomial test, alpha = 0.001 for each of 4 values."""
    missed = ever_missed(p, anytime_interval, [n for n in LOOKS if n <= MOST], seed=1)
    assert stats.binomtest(missed, RUNS, DELTA, alternative="greater").pvalue > 0.001


def test_an_ordinary_interval_would_not() -> None:
    """The same procedure must refuse Clopper-Pearson, looked at as often: its power."""
    missed = ever_missed(0.5, clopper_pearson, [n for n in LOOKS if n <= MOST], seed=1)
    assert stats.binomtest(missed, RUNS, DELTA, alternative="greater").pvalue < 1e-6


@pytest.mark.parametrize("p", [0.02, 0.3, 0.9])
def test_stopping_on_width_does_not_spoil_coverage(p: float) -> None:
    """500 cells that stop at width 0.1. H0: P(either interval misses its p) <= 0.05 each; one-
    sided binomial tests, alpha = 0.001 for each of 6."""
    rng, missed = np.random.default_rng(2), [0, 0]
    for _ in range(RUNS // 4):

        def run(trials: int) -> Tally:
            graph = int(rng.binomial(trials, p))
            return Tally(trials, graph, int(rng.binomial(trials, 1 - p)))

        found = run_until_narrow(run, 0.1, 10**6)
        assert found.narrow
        for place, (ends, truth) in enumerate(((found.graph, p), (found.partition, 1 - p))):
            missed[place] += not ends[0] <= truth <= ends[1]
    for count in missed:
        assert stats.binomtest(count, RUNS // 4, DELTA, alternative="greater").pvalue > 0.001


@given(st.integers(0, 300), st.integers(0, 300))
def test_it_is_an_interval_around_the_share_and_no_narrower_than_need_be(a: int, b: int) -> None:
    trials = a + b
    if trials == 0:
        return
    low, high = anytime_interval(a, trials)
    assert 0 <= low <= a / trials <= high <= 1
    tight = clopper_pearson(a, trials)
    assert high - low >= tight[1] - tight[0] - 1e-9  # what holds at all times costs width
    for end, open_side in ((low, a), (high, b)):
        if open_side and 0 < end < 1:  # at an end the mixture's ratio is 1 / alpha
            log_ratio = (
                math.lgamma(a + 1) + math.lgamma(b + 1) - math.lgamma(trials + 2)
                - a * math.log(end) - b * math.log1p(-end)
            )  # fmt: skip
            assert log_ratio == pytest.approx(-math.log(0.05), abs=1e-6)


@given(st.integers(0, 40), st.integers(0, 40), st.fractions(Fraction(1, 50), Fraction(49, 50)))
def test_the_mixture_is_a_martingale_exactly(a: int, b: int, p: Fraction) -> None:
    """Its mean over the next trial is its value now, in rational arithmetic."""

    def ratio(successes: int, failures: int) -> Fraction:
        total = successes + failures
        beta = Fraction(
            math.factorial(successes) * math.factorial(failures), math.factorial(total + 1)
        )
        return beta / (p**successes * (1 - p) ** failures)

    assert p * ratio(a + 1, b) + (1 - p) * ratio(a, b + 1) == ratio(a, b)


def test_trials_that_run_out_are_said() -> None:
    asked: list[int] = []

    def run(trials: int) -> Tally:
        asked.append(trials)
        return Tally(trials, trials // 2, trials // 2)

    found = run_until_narrow(run, 0.001, 1000)
    assert not found.narrow
    assert sum(asked) == found.tally.trials == 1000


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="only 3 trials"):
        anytime_interval(4, 3)
    with pytest.raises(InvalidInputError, match="alpha"):
        anytime_interval(1, 3, 0.0)
    with pytest.raises(InvalidInputError, match="width to stop at"):
        run_until_narrow(Tally, 0.0, 10)
