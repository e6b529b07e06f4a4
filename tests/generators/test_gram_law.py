"""The closed law of the EMA's Gram matrix against direct simulation.

The comparison is one declared procedure. For each case n = 8000 trials by each method; six scalar
functionals of the Gram matrix (three cosines, a squared norm, the smallest cosine and the largest
eigenvalue) are compared by two-sample Kolmogorov-Smirnov tests, and the number of exactly recovered
graphs by Fisher's exact test. 7 p-values x 8 cases, alpha = 0.01 over all by Bonferroni, fixed
seeds. Planting a fault in the law must make the very same procedure refuse it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.generators import PlantedTasks, ema_trials, plant_component, plant_multipartite
from simulations.generators.noise import (
    Ar1Noise,
    BoundedNoise,
    ColouredNoise,
    GaussianNoise,
    NoiseLaw,
    StudentTNoise,
)
from simulations.generators.realise import random_frame
from simulations.sampling import GramLaw, SpectralGramLaw, ema_gram_law, gram_trials, tally
from simulations.sampling.gram_law import row_grams
from songoku_theory.ema import ema_weights
from songoku_theory.errors import InvalidInputError

TRIALS = 8000
ALPHA = 0.01


@dataclass(frozen=True)
class Case:
    """Six tasks in two groups, a window of 8."""

    noise: NoiseLaw
    dim: int
    within: float | None = None
    uneven: bool = False

    @property
    def tasks(self) -> PlantedTasks:
        norms = [1.0, 0.5, 2.0, 1.0, 3.0, 0.7] if self.uneven else 1.0
        return plant_multipartite(
            [3, 3],
            self.dim,
            tau=0.2,
            gamma=0.15,
            within=self.within,
            norms=norms,
            rng=np.random.default_rng(21),
        )

    @property
    def weights(self) -> np.ndarray:
        return ema_weights(8, 0.8)

    @cache  # noqa: B019 - a handful of cases, each compared with the law and with its faults
    def direct(self) -> np.ndarray:
        rng = np.random.default_rng(22)
        batches = ema_trials(self.noise, self.tasks.means, self.weights, TRIALS, rng)
        return np.concatenate([row_grams(batch) for batch in batches])

    def law(self) -> GramLaw | SpectralGramLaw:
        return ema_gram_law(self.noise, self.tasks.means, self.weights)

    def by(self, law: GramLaw | SpectralGramLaw) -> np.ndarray:
        return np.concatenate(list(gram_trials(law, TRIALS, np.random.default_rng(23))))


CASES = {
    "d < K": Case(GaussianNoise(0.5), dim=3),
    "d = K": Case(GaussianNoise(0.5), dim=6),
    "K < d < 2K": Case(GaussianNoise(0.5), dim=9),
    "d >> K": Case(GaussianNoise(0.12), dim=300),
    "d >> K, low rank": Case(GaussianNoise(0.12), dim=300, within=1.0),
    "uneven norms": Case(GaussianNoise(0.4), dim=20, uneven=True),
    "ar1": Case(Ar1Noise(0.4, phi=0.6), dim=12),
    "coloured": Case(ColouredNoise(0.5, decay=1.0), dim=12),
}


def functionals(grams: np.ndarray) -> dict[str, np.ndarray]:
    norms = np.sqrt(np.diagonal(grams, axis1=1, axis2=2))
    cosines = grams / norms[:, :, None] / norms[:, None, :]
    i, j = np.triu_indices(grams.shape[1], 1)
    return {
        "cosine within": cosines[:, 0, 1],
        "cosine between": cosines[:, 0, 5],
        "another cosine between": cosines[:, 2, 3],
        "squared norm": grams[:, 4, 4],
        "smallest cosine": cosines[:, i, j].min(axis=1),
        "largest eigenvalue": np.linalg.eigvalsh(grams)[:, -1],
    }


def pvalues(first: np.ndarray, second: np.ndarray, tasks: PlantedTasks) -> dict[str, float]:
    """The declared procedure: one p-value a functional and one for the recovery probability."""
    ours, theirs = functionals(first), functionals(second)
    found = {name: float(stats.ks_2samp(ours[name], theirs[name]).pvalue) for name in ours}
    counts = [tally(grams, tasks).graph_exact for grams in (first, second)]
    table = [[count, TRIALS - count] for count in counts]
    found["recovery"] = float(stats.fisher_exact(table).pvalue)
    return found


def refused(found: dict[str, float]) -> bool:
    return min(found.values()) <= ALPHA / (len(CASES) * len(found))


@pytest.mark.parametrize("name", CASES)
def test_law_and_direct_simulation_agree_in_distribution(name: str) -> None:
    """n, tests and alpha as declared at the top of the file."""
    case = CASES[name]
    found = pvalues(case.direct(), case.by(case.law()), case.tasks)
    assert not refused(found), found


@pytest.mark.parametrize("name", [name for name in CASES if name != "coloured"])
@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_noise_scale_ten_percent_off_is_refused(name: str, factor: float) -> None:
    """Power: the declared procedure, unchanged, on a wrong law."""
    case = CASES[name]
    law = case.law()
    assert isinstance(law, GramLaw)
    wrong = replace(law, noise_scale=factor * law.noise_scale)
    assert refused(pvalues(case.direct(), case.by(wrong), case.tasks))


@pytest.mark.parametrize("name", ["d < K", "K < d < 2K", "d >> K", "uneven norms", "ar1"])
def test_a_missing_remainder_is_refused(name: str) -> None:
    """Power: noise inside the span of the means only."""
    case = CASES[name]
    law = case.law()
    assert isinstance(law, GramLaw)
    assert law.remainder_dim > 0
    wrong = replace(law, remainder_dim=0)
    assert refused(pvalues(case.direct(), case.by(wrong), case.tasks))


def test_a_remainder_of_one_dimension_too_few_or_too_many_is_refused() -> None:
    """Power: the degrees of freedom of Bartlett's chi-squares, one off."""
    case = CASES["d < K"]
    law = case.law()
    assert isinstance(law, GramLaw)
    for change in (-1, 1):
        wrong = replace(law, remainder_dim=law.remainder_dim + change)
        assert refused(pvalues(case.direct(), case.by(wrong), case.tasks))


def test_eq_19_for_noise_that_remembers_is_refused() -> None:
    """Power: independent noise of the same sigma in place of AR(1)."""
    case = CASES["ar1"]
    wrong = ema_gram_law(GaussianNoise(0.4), case.tasks.means, case.weights)
    assert refused(pvalues(case.direct(), case.by(wrong), case.tasks))


def test_isotropic_noise_for_coloured_noise_is_refused() -> None:
    """Power: the spectrum ignored."""
    case = CASES["coloured"]
    wrong = ema_gram_law(GaussianNoise(0.5), case.tasks.means, case.weights)
    assert refused(pvalues(case.direct(), case.by(wrong), case.tasks))


def test_cases_recover_sometimes_but_not_always() -> None:
    """Fisher's test says nothing at probability 0 or 1: at least half of the cases lie between."""
    shares = [
        tally(case.by(case.law()), case.tasks).graph_exact / TRIALS for case in CASES.values()
    ]
    assert sum(0.02 < share < 0.98 for share in shares) >= len(CASES) / 2


@given(st.integers(1, 6), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_factor_keeps_the_means_and_the_dimensions(tasks: int, dim: int, seed: int) -> None:
    means = np.random.default_rng(seed).standard_normal((tasks, dim))
    law = ema_gram_law(GaussianNoise(0.5), means, ema_weights(4, 0.5))
    assert isinstance(law, GramLaw)
    np.testing.assert_allclose(law.mean_factor @ law.mean_factor.T, means @ means.T, atol=1e-10)
    assert law.mean_factor.shape[1] + law.remainder_dim == dim
    assert law.mean_factor.shape[1] == np.linalg.matrix_rank(means)


def test_turning_the_space_changes_nothing() -> None:
    tasks = plant_multipartite([3, 2], 9, 0.2, 0.1)
    turn = random_frame(np.random.default_rng(1), 9, 9)
    weights = ema_weights(4, 0.5)
    straight = ema_gram_law(GaussianNoise(0.5), tasks.means, weights)
    turned = ema_gram_law(GaussianNoise(0.5), tasks.means @ turn, weights)
    assert isinstance(straight, GramLaw)
    assert isinstance(turned, GramLaw)
    assert turned.noise_scale == straight.noise_scale
    assert turned.remainder_dim == straight.remainder_dim
    np.testing.assert_allclose(
        turned.mean_factor @ turned.mean_factor.T,
        straight.mean_factor @ straight.mean_factor.T,
        atol=1e-12,
    )


def test_means_in_few_coordinates_may_stand_for_many() -> None:
    small = plant_component([3, 2], 5, 0.2, 0.1).means
    padded = np.pad(small, ((0, 0), (0, 45)))
    weights = ema_weights(4, 0.5)
    short = ema_gram_law(GaussianNoise(0.5), small, weights, dim=50)
    full = ema_gram_law(GaussianNoise(0.5), padded, weights)
    assert isinstance(short, GramLaw)
    assert isinstance(full, GramLaw)
    assert short.remainder_dim == full.remainder_dim
    np.testing.assert_allclose(
        short.mean_factor @ short.mean_factor.T, full.mean_factor @ full.mean_factor.T, atol=1e-13
    )


def test_relabelling_tasks_relabels_the_law() -> None:
    """n = 8000 trials each way; the functionals of relabelled tasks against those of the original,
    put back in order; 6 KS tests, alpha = 0.01 in all."""
    case = CASES["uneven norms"]
    order = np.array([3, 5, 0, 2, 4, 1])
    moved = ema_gram_law(case.noise, case.tasks.relabelled(order).means, case.weights)
    grams = np.concatenate(list(gram_trials(moved, TRIALS, np.random.default_rng(31))))
    back = np.argsort(order)
    ours, theirs = functionals(grams[:, back][:, :, back]), functionals(case.by(case.law()))
    smallest = min(stats.ks_2samp(ours[name], theirs[name]).pvalue for name in ours)
    assert smallest > 0.01 / 6


@pytest.mark.parametrize("name", ["d < K", "d >> K", "coloured"])
def test_scaling_a_task_scales_its_row_and_keeps_every_edge(name: str) -> None:
    """Scaling a gradient by 4, noise and all, is exact in floats: not one edge may move."""
    case = CASES[name]
    grams = case.by(case.law())[:500]
    scales = np.array([1.0, 4.0, 1.0, 0.25, 1.0, 2.0])
    scaled = grams * scales[:, None] * scales[None, :]
    before, after = tally(grams, case.tasks), tally(scaled, case.tasks)
    assert after.graph_exact == before.graph_exact
    assert (after.false_edges, after.missed_edges) == (before.false_edges, before.missed_edges)
    assert after.partition_exact == before.partition_exact
    assert after.cosine_error == pytest.approx(before.cosine_error)


@pytest.mark.parametrize("noise", [BoundedNoise(1.0), StudentTNoise(1.0)], ids=repr)
def test_noise_without_a_closed_law_is_refused(noise: NoiseLaw) -> None:
    with pytest.raises(InvalidInputError, match=r"no closed law.*method = 'direct'"):
        ema_gram_law(noise, np.eye(2), ema_weights(4, 0.5))


def test_bad_arguments_are_refused() -> None:
    weights = ema_weights(4, 0.5)
    with pytest.raises(InvalidInputError, match="dim should be a whole number >= 3"):
        ema_gram_law(GaussianNoise(1.0), np.eye(3), weights, dim=2)
    with pytest.raises(InvalidInputError, match="not isotropic"):
        ema_gram_law(ColouredNoise(1.0), np.eye(3), weights, dim=9)
    with pytest.raises(InvalidInputError, match="trials should be"):
        list(gram_trials(GramLaw(np.eye(2), 1.0, 3), 0, np.random.default_rng(0)))


def test_batches_add_up_and_are_exactly_symmetric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.sampling.gram_law.BATCH_NUMBERS", 500)
    law = GramLaw(np.eye(4), 0.3, 20)
    batches = list(gram_trials(law, 37, np.random.default_rng(0)))
    assert len(batches) > 3
    grams = np.concatenate(batches)
    assert grams.shape == (37, 4, 4)
    np.testing.assert_array_equal(grams, grams.transpose(0, 2, 1))
    assert (np.linalg.eigvalsh(grams) > -1e-12).all()


def test_a_billion_dimensions_cost_no_more_than_ten() -> None:
    tasks = plant_multipartite([2, 2], 4, 0.2, 0.1)
    law = ema_gram_law(GaussianNoise(1e-5), tasks.means, ema_weights(50, 0.9), dim=10**9)
    grams = law.sample(np.random.default_rng(0), 100)
    # Squared norms are 1 + s^2 d, with relative spread ~ 1e-5.
    expected = 1 + GaussianNoise(1e-5).ema_variance(ema_weights(50, 0.9)) * 1e9
    np.testing.assert_allclose(np.diagonal(grams, axis1=1, axis2=2), expected, rtol=1e-3)
