"""Random words, normals and chi variables: the reference's words, the right laws, the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simulations.sampling.normals import chi, normals
from simulations.sampling.words import LANES, WordStream
from songoku_theory._numba import accelerated, use_numba

BOTH = pytest.mark.parametrize("compiled", [True, False])


@BOTH
def test_a_lane_is_the_reference_xoshiro256_plus_plus(compiled: bool) -> None:
    """The first words from the state 1, 2, 3, 4, as its authors' C code and others give them."""
    state = np.repeat(np.array([1, 2, 3, 4], dtype=np.uint64)[:, None], LANES, axis=1)
    with use_numba(compiled):
        words = WordStream.of_state(state).take(10 * LANES).reshape(10, LANES)
    assert words[:, 0].tolist() == [
        41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205,
        9973669472204895162, 14011001112246962877, 12406186145184390807, 15849039046786891736,
        10450023813501588000,
    ]  # fmt: skip
    assert (words == words[:, :1]).all()


def test_the_generator_alone_decides_the_words() -> None:
    first, same, other = (WordStream(np.random.default_rng(s)).take(5000) for s in (1, 1, 2))
    assert (first == same).all()
    assert (first != other).mean() > 0.99
    assert len(set(first.tolist())) == first.size


def test_whole_steps_are_taken_so_a_request_never_splits_one() -> None:
    stream, whole = (WordStream(np.random.default_rng(3)) for _ in range(2))
    parts = [stream.take(3), stream.take(LANES + 1)]
    steps = whole.take(3 * LANES)
    assert (parts[0] == steps[:3]).all()
    assert (parts[1] == steps[LANES : 2 * LANES + 1]).all()


def test_normals_and_chis_have_the_same_bits_with_and_without_compiled_code() -> None:
    if not accelerated():
        pytest.skip("numba is not installed")
    found = {}
    for compiled in (True, False):
        with use_numba(compiled):
            stream = WordStream(np.random.default_rng(4))
            found[compiled] = (
                normals(stream, 100_003),
                chi(stream, np.array([1, 2, 3, 7, 1000, 10**7]), 999),
            )
    for ours, theirs in zip(found[True], found[False], strict=True):
        assert (ours == theirs).all()


@BOTH
def test_normals_are_normal_and_independent(compiled: bool) -> None:
    """n = 400,000: KS against N(0, 1); within each group of eight that share a logarithm, KS of the
    squared norm against chi-square(8) and of a product of two against its law by a second draw;
    correlations of squares. 5 tests a setting, alpha = 0.01 in all of 10."""
    with use_numba(compiled):
        drawn = normals(WordStream(np.random.default_rng(11)), 400_000)
    eights = drawn.reshape(8, -1)
    fresh = np.random.default_rng(12).standard_normal((2, eights.shape[1]))
    found = [
        stats.kstest(drawn, "norm").pvalue,
        stats.kstest((eights**2).sum(axis=0), "chi2", args=(8,)).pvalue,
        stats.ks_2samp(eights[0] * eights[1], fresh[0] * fresh[1]).pvalue,
        stats.ks_2samp(eights[1] * eights[6], fresh[0] * fresh[1]).pvalue,
        stats.pearsonr(eights[2] ** 2, eights[5] ** 2).pvalue,
    ]
    assert min(found) > 0.01 / 10, found


def test_the_tail_is_there() -> None:
    """n = 4,000,000; counts beyond 3, 4 and 5 against the binomial, two-sided, alpha = 0.01 in all
    of 3 (a generator that lost its tail would give none beyond 5)."""
    drawn = np.abs(normals(WordStream(np.random.default_rng(13)), 4_000_000))
    for level in (3.0, 4.0, 5.0):
        count, chance = int((drawn > level).sum()), float(2 * stats.norm.sf(level))
        assert stats.binomtest(count, drawn.size, chance).pvalue > 0.01 / 3


@pytest.mark.parametrize("dof", [1, 2, 3, 5, 40, 10**6])
def test_chi_squares_have_their_law(dof: int) -> None:
    """n = 100,000, KS, alpha = 0.01 over 6 cases by Bonferroni."""
    drawn = chi(WordStream(np.random.default_rng(dof)), np.array([dof]), 100_000)[0]
    assert stats.kstest(drawn**2, "chi2", args=(dof,)).pvalue > 0.01 / 6


def test_a_wrong_number_of_degrees_would_be_noticed() -> None:
    """The power of the test above: one degree of 40 too many."""
    drawn = chi(WordStream(np.random.default_rng(40)), np.array([41]), 100_000)[0]
    assert stats.kstest(drawn**2, "chi2", args=(40,)).pvalue < 1e-6
