"""The compiled trials: the law of direct simulation, the numpy path's bits, small d, many tasks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from simulations.generators import (
    PlantedTasks,
    ema_trials,
    ema_trials_with_energy,
    plant_component,
    plant_multipartite,
)
from simulations.generators.noise import GaussianNoise
from simulations.sampling import (
    GramLaw,
    Tally,
    ema_gram_law,
    gram_trials,
    law_grid,
    law_tally,
    noise_energy_law,
    tally,
)
from simulations.sampling.bartlett import batch_lanes, draw_noise
from simulations.sampling.gram_law import row_grams
from simulations.sampling.tally import debiased_grams
from simulations.sampling.trials import noisy_rows
from simulations.sampling.words import WordStream
from songoku_theory._numba import accelerated, use_numba
from songoku_theory.ema import ema_weights, mean_noise_energy, n_eff
from songoku_theory.errors import InvalidInputError

WEIGHTS = ema_weights(8, 0.8)
DIRECT, BY_LAW, ALPHA = 3000, 60_000, 0.01

CASES: dict[str, tuple[str, tuple[int, ...], int, float]] = {
    "d < K": ("multipartite", (3, 3), 3, 0.5),
    "d = K": ("multipartite", (3, 3), 6, 0.5),
    "K < d < 2K": ("multipartite", (3, 3), 9, 0.4),
    "d >> K": ("multipartite", (3, 3), 300, 0.12),
    "component": ("component", (4, 3), 40, 0.2),
    "component, d < K": ("component", (4, 4), 5, 0.3),
    "three groups": ("multipartite", (4, 4, 4), 64, 0.18),
    "unlike sizes": ("multipartite", (5, 1, 2), 24, 0.25),
}


def planted(name: str) -> PlantedTasks:
    model, sizes, dim, _ = CASES[name]
    plant = plant_multipartite if model == "multipartite" else plant_component
    rng = np.random.default_rng(21)
    tasks = plant(sizes, dim, tau=0.2, gamma=0.15, rng=rng)
    return tasks.relabelled(rng.permutation(tasks.num_tasks))


def law_of(name: str) -> GramLaw:
    law = ema_gram_law(GaussianNoise(CASES[name][3]), planted(name).means, WEIGHTS)
    assert isinstance(law, GramLaw)
    return law


def simulated(name: str) -> Tally:
    noise, tasks = GaussianNoise(CASES[name][3]), planted(name)
    count = Tally()
    batches = ema_trials(noise, tasks.means, WEIGHTS, DIRECT, np.random.default_rng(22))
    for averages in batches:
        count += tally(row_grams(averages), tasks)
    return count


def pvalues(direct: Tally, law: Tally) -> list[float]:
    """Fisher's exact tests of graph and grouping, and of the share of each kind of wrong edge."""
    found = []
    for kind in ("graph_exact", "partition_exact"):
        ours, theirs = getattr(direct, kind), getattr(law, kind)
        table = [[ours, direct.trials - ours], [theirs, law.trials - theirs]]
        found.append(float(stats.fisher_exact(table).pvalue))
    return found


@pytest.mark.parametrize("name", CASES)
def test_compiled_trials_and_direct_simulation_agree_in_distribution(name: str) -> None:
    """n = 3000 direct and 60,000 law trials a case; 2 Fisher tests x 8 cases, alpha = 0.01 in all
    by Bonferroni."""
    found = pvalues(simulated(name), law_tally(law_of(name), planted(name), BY_LAW,
                                               np.random.default_rng(23)))  # fmt: skip
    assert min(found) > ALPHA / (2 * len(CASES)), found


@pytest.mark.parametrize("name", ["d = K", "d >> K", "component", "three groups"])
@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_a_wrong_noise_scale_is_noticed(name: str, factor: float) -> None:
    """Power: the declared procedure on a law that is 15 percent off."""
    law = law_of(name)
    wrong = replace(law, noise_scale=factor * law.noise_scale)
    found = pvalues(simulated(name), law_tally(wrong, planted(name), BY_LAW,
                                               np.random.default_rng(23)))  # fmt: skip
    assert min(found) <= ALPHA / (2 * len(CASES))


@pytest.mark.parametrize("name", CASES)
def test_the_gram_itself_has_the_law_of_the_plain_sampler(name: str) -> None:
    """n = 20,000 each; KS of a cosine, a squared norm and the smallest cosine, 3 tests x 8 cases,
    alpha = 0.01 in all."""
    law = law_of(name)
    stream, lanes = WordStream(np.random.default_rng(31)), batch_lanes(law)
    batches = [noisy_rows(law, draw_noise(law, lanes, stream)) for _ in range(20_000 // lanes + 1)]
    rows = np.concatenate([batch.transpose(2, 0, 1) for batch in batches])
    ours = row_grams(rows)
    theirs = np.concatenate(list(gram_trials(law, 20_000, np.random.default_rng(32))))

    def functionals(grams: np.ndarray) -> list[np.ndarray]:
        norms = np.sqrt(np.diagonal(grams, axis1=1, axis2=2))
        cosines = grams / norms[:, :, None] / norms[:, None, :]
        return [cosines[:, 0, 1], grams[:, -1, -1], cosines.min(axis=(1, 2))]

    pairs = zip(functionals(ours), functionals(theirs), strict=True)
    assert min(stats.ks_2samp(one, two).pvalue for one, two in pairs) > ALPHA / (3 * len(CASES))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("debias", [False, True])
def test_numpy_finds_the_very_same_tally(name: str, debias: bool) -> None:
    if not accelerated():
        pytest.skip("numba is not installed")
    law, tasks = law_of(name), planted(name)
    energy = noise_energy_law(WEIGHTS, tasks.dim) if debias else None
    found = []
    for compiled in (True, False):
        with use_numba(compiled):
            found.append(law_tally(law, tasks, 2001, np.random.default_rng(5), energy))
    assert found[0] == found[1]
    assert found[0].trials == 2001
    assert found[0].false_edges + found[0].missed_edges > 0


def test_the_verdict_is_the_tally_of_the_same_matrices() -> None:
    """The kernel against `tally`, matrix by matrix: counts equal, cosine errors to rounding."""
    for name in ("three groups", "component", "d < K"):
        law, tasks = law_of(name), planted(name)
        stream, lanes = WordStream(np.random.default_rng(6)), batch_lanes(law)
        rows = noisy_rows(law, draw_noise(law, lanes, stream))
        expected = tally(row_grams(np.ascontiguousarray(rows.transpose(2, 0, 1))), tasks)
        found = law_tally(law, tasks, lanes, np.random.default_rng(6))
        assert replace(found, cosine_error=0.0) == replace(expected, cosine_error=0.0)
        assert found.cosine_error == pytest.approx(expected.cosine_error, rel=1e-12)


def test_more_tasks_than_a_word_has_bits() -> None:
    """n = 300 direct and 3000 law trials with K = 66; Fisher, alpha = 0.01."""
    tasks = plant_multipartite([33, 33], 80, tau=0.2, gamma=0.3, rng=np.random.default_rng(1))
    law = ema_gram_law(GaussianNoise(0.13), tasks.means, WEIGHTS)
    assert isinstance(law, GramLaw)
    found = law_tally(law, tasks, 3000, np.random.default_rng(2))
    count = Tally()
    for averages in ema_trials(
        GaussianNoise(0.13), tasks.means, WEIGHTS, 300, np.random.default_rng(3)
    ):
        count += tally(row_grams(averages), tasks)
    assert 10 < count.graph_exact < 290
    table = [[t.graph_exact, t.trials - t.graph_exact] for t in (found, count)]
    assert stats.fisher_exact(table).pvalue > 0.01


def test_a_stream_goes_on_where_it_stands() -> None:
    law, tasks = law_of("three groups"), planted("three groups")
    lanes = batch_lanes(law)
    stream = WordStream(np.random.default_rng(8))
    parts = [law_tally(law, tasks, 2 * lanes, stream) for _ in range(2)]
    whole = law_tally(law, tasks, 4 * lanes, np.random.default_rng(8))
    both = parts[0] + parts[1]
    assert replace(both, cosine_error=0.0) == replace(whole, cosine_error=0.0)
    assert parts[0] != parts[1]


@pytest.mark.parametrize("window", [1, 2, 6, 20])
@pytest.mark.parametrize("dim", [1, 2, 30])
def test_the_subtracted_energy_has_its_law(window: int, dim: int) -> None:
    """n = 6000 each; KS of the subtracted energy, of its ratio to the true one, and of the debiased
    squared norm's noise; 3 tests x 12 cases, alpha = 0.01 in all by Bonferroni."""
    sigma, mean = 0.7, np.full((1, dim), 0.4)
    weights = ema_weights(window, 0.85)
    share = float(weights @ weights)
    rng = np.random.default_rng(17)
    averages, spreads = (
        np.concatenate(part)
        for part in zip(
            *ema_trials_with_energy(GaussianNoise(sigma), mean, weights, 6000, rng), strict=True
        )
    )
    direct = mean_noise_energy(spreads[:, 0], 0.0, share)
    true = ((averages[:, 0] - mean) ** 2).sum(axis=1)
    stream = WordStream(np.random.default_rng(18))
    unit = np.random.default_rng(19).chisquare(dim, 6000)
    law = sigma**2 * share * noise_energy_law(weights, dim).sample(unit, stream)
    if window == 1:
        assert not law.any()
        assert not direct.any()
        return
    by_law = sigma**2 * share * unit
    for ours, theirs in (
        (law, direct),
        (law / by_law, direct / true),
        (by_law - law, true - direct),
    ):
        assert stats.ks_2samp(ours, theirs).pvalue > 0.01 / 36


def test_debiased_trials_and_direct_simulation_agree() -> None:
    """n = 2000 direct, 20,000 law; Fisher's tests of graph and grouping, alpha = 0.01 in all."""
    tasks = planted("three groups")
    noise, rng = GaussianNoise(0.3), np.random.default_rng(41)
    count = Tally()
    for averages, spreads in ema_trials_with_energy(noise, tasks.means, WEIGHTS, 2000, rng):
        energy = mean_noise_energy(spreads, 0.0, float(WEIGHTS @ WEIGHTS))
        count += tally(debiased_grams(row_grams(averages), energy), tasks)
    law = ema_gram_law(noise, tasks.means, WEIGHTS)
    assert isinstance(law, GramLaw)
    debias = noise_energy_law(WEIGHTS, tasks.dim)
    found = law_tally(law, tasks, 20_000, np.random.default_rng(42), debias)
    assert 0.02 < count.partition_exact / count.trials < 0.98
    assert min(pvalues(count, found)) > 0.01 / 2


def test_a_grid_is_the_single_trials_point_by_point() -> None:
    """n = 20,000 draws; each of 5 points against independent trials at its scale, Fisher, alpha =
    0.01 over 10 tests."""
    windows = [4, 8, 16, 32, 64]
    for name in ("three groups", "component"):
        tasks, sigma = planted(name), CASES[name][3]
        scales = [sigma / np.sqrt(float(n_eff(window, 0.99))) for window in windows]
        grid = law_grid(law_of(name), tasks, scales, [0.2], 20_000, np.random.default_rng(51))
        for place, scale in enumerate(scales):
            law = replace(law_of(name), noise_scale=float(scale))
            alone = law_tally(law, tasks, 20_000, np.random.default_rng(60 + place))
            exact = int(grid.graph_exact[0, place])
            table = [[exact, 20_000 - exact], [alone.graph_exact, 20_000 - alone.graph_exact]]
            assert stats.fisher_exact(table).pvalue > 0.01 / 10
        assert (np.diff(grid.graph_exact[0]) >= 0).all()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("debias", [False, True])
def test_certificates_never_disagree_with_testing_every_pair(name: str, debias: bool) -> None:
    """The compiled grid with its certificates against numpy without any: equal counts at 40 scales
    over three decades and three thresholds, tau = 0 among them, in any order of the scales."""
    if not accelerated():
        pytest.skip("numba is not installed")
    law, tasks = law_of(name), planted(name)
    energy = noise_energy_law(WEIGHTS, tasks.dim) if debias else None
    scales = np.random.default_rng(9).permutation(np.geomspace(0.003, 3.0, 40))
    found = []
    for compiled in (True, False):
        with use_numba(compiled):
            rng = np.random.default_rng(10)
            taus = (
                [0.2, 0.0, 0.27] if name != "component" and "component" not in name else [0.2, 0.1]
            )
            found.append(law_grid(law, tasks, scales, taus, 700, rng, energy))
    assert (found[0].graph_exact == found[1].graph_exact).all()
    assert (found[0].edge_kept == found[1].edge_kept).all()
    assert 0 < found[0].graph_exact.sum() < 700 * found[0].graph_exact.size


def test_a_threshold_without_margin_is_refused() -> None:
    tasks = planted("three groups")
    for bad, message in (([0.35], "no margin"), ([1.5], "tau")):
        with pytest.raises(InvalidInputError, match=message):
            law_grid(law_of("three groups"), tasks, [0.1], bad, 10, np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="scales should be"):
        law_grid(law_of("three groups"), tasks, [0.0], [0.2], 10, np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="trials should be"):
        law_tally(law_of("three groups"), tasks, 0, np.random.default_rng(0))
