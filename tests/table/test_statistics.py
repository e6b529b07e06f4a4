"""Intervals, tests and their correction, against scipy's own and against definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.training.table.statistics import detectable, estimate, holm, paired_p
from songoku_theory.errors import InvalidInputError

scores = st.lists(
    st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3)), min_size=2, max_size=8
)
chances = st.lists(st.floats(0.0001, 1), min_size=1, max_size=6)


@given(scores, st.floats(0.001, 0.5))
def test_the_interval_is_scipys(values, alpha):
    found = estimate(values, alpha)
    error = stats.sem(values)
    low, high = (
        stats.t.interval(1 - alpha, len(values) - 1, np.mean(values), error)
        if error > 1e-12
        else (values[0], values[0])
    )
    assert found.seeds == len(values)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)
    assert found.half_width == pytest.approx((high - low) / 2, rel=1e-9, abs=1e-9)


def test_one_seed_has_no_interval_and_none_no_mean():
    assert estimate([]) is None
    assert estimate([3.0]).low is None
    assert estimate([3.0]).half_width is None
    assert paired_p([3.0]) is None
    with pytest.raises(InvalidInputError, match="alpha"):
        estimate([1.0, 2.0], 0.0)


@given(scores, st.integers(0, 2**31))
def test_the_paired_test_is_scipys(values, seed):
    other = np.random.default_rng(seed).normal(size=len(values))
    differences = np.asarray(values) - other
    expected = stats.ttest_rel(values, other).pvalue
    assert paired_p(list(differences)) == pytest.approx(expected, abs=1e-9)


def test_without_spread_a_test_says_nothing_unless_nothing_differs():
    assert paired_p([0.0, 0.0, 0.0]) == 1.0
    assert paired_p([0.25, 0.25, 0.25]) is None
    assert paired_p([0.1, 0.1, 0.1]) is None  # whose mean is not exactly 0.1


@given(chances)
def test_holm_is_the_closed_test_of_bonferronis(p):
    """A hypothesis is rejected when every intersection that it is part of is.

    The adjusted p value is the largest of the intersections' own, n times the least p of n.
    """
    names = range(len(p))
    closed = [
        max(
            min(1.0, size * min(p[j] for j in chosen))
            for size in range(1, len(p) + 1)
            for chosen in combinations(names, size)
            if i in chosen
        )
        for i in names
    ]
    assert holm(p) == pytest.approx(closed)


@given(chances, st.randoms())
def test_holm_does_not_ask_for_an_order_and_never_lowers(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    adjusted = holm(p)
    assert holm([p[i] for i in order]) == pytest.approx([adjusted[i] for i in order])
    assert all(a >= b - 1e-12 for a, b in zip(adjusted, p, strict=True))


def test_what_could_not_be_tested_counts_as_a_comparison():
    assert holm([0.01, None, 0.04]) == [0.03, None, 0.08]
    assert holm([None]) == [None]
    assert holm([]) == []


@pytest.mark.parametrize(("seeds", "comparisons"), [(3, 1), (5, 18)])
def test_the_detectable_difference_is_found_with_the_stated_power(seeds, comparisons):
    """n = 20,000 simulated tests; 80 % within four standard errors, 0.0113 (false alarm 6e-5)."""
    effect = detectable(seeds, comparisons)
    draws = np.random.default_rng(5).normal(effect, 1.0, (20_000, seeds))
    p = stats.ttest_1samp(draws, 0.0, axis=1).pvalue
    share = np.mean((p <= 0.05 / comparisons) & (draws.mean(axis=1) > 0))
    assert abs(share - 0.8) < 0.0113


def test_fewer_seeds_or_more_comparisons_hide_larger_differences():
    assert detectable(1, 1) is None
    assert detectable(3, 18) > detectable(5, 18) > detectable(5, 1)
