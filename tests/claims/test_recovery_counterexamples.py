"""Counterexamples on appendix B: they replay, in floating point too, and clear harmless data."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from proofs_check.claims.recovery import CLAIMS
from proofs_check.claims.recovery.stability import directional_deviations
from proofs_check.counterexamples import _REPLAYERS as REPLAYERS
from proofs_check.counterexamples import available, load, replay
from songoku_theory.bounds.recovery import critical_noise_ratio, probe_budget
from songoku_theory.ema import ema_weights, n_eff
from songoku_theory.errors import InvalidInputError

STEMS = tuple(stem for stem in available() if re.match(r"rec_|ext(1|3|4|5|11)_", stem))

# What to change in a file's data so that it no longer violates its claim.
HARMLESS: dict[str, Mapping[str, Any]] = {
    "ext3_shrink": {"means": [[1], [-1]]},
    "ext4_negative": {"gradients": [[3], [3]]},
    "ext4_over_r": {"variance": "R - 1"},
    "ext4_ratio": {"noise": [["0", "1"]]},
    "ext4_weighted": {"variance": "R - 1"},
    "ext5_best": {"better": 10},
    "rec_34_tie": {"gradients": [[1, 0], [1, 0]]},
    "rec_39_dimension": {"delta": "3/4"},
    "rec_5_4_dimension": {"delta": "3/4"},
    "rec_a1_component": {"gamma": "0"},
    "rec_a3_drift": {"window": 1, "constants": []},
    "rec_a4_noise": {"noise": "1/20"},
    "rec_b7_beta": {"mean": "3/5"},
    "rec_b7_not_monotone": {"longer": 1},
    "rec_beta_advice": {"newest": 2},
    "rec_c1_dimension": {"delta": "3/4"},
    "rec_c2_dimension": {"delta": "3/4"},
    "rec_c2_no_log": {"delta_share": "2"},
    "rec_intro_aligned": {"means": [[1, 0], [3, 4]]},
    "rec_l1_martingale": {"cases": [{"c": "1/100", "size": "3", "window": 2, "beta": "1/2"}]},
    "rec_l1_mixing": {"cases": [{"c": "1/100", "size": "3", "window": 2, "beta": "1/2"}]},
    "rec_l2_across": {"deviations": [[0, 0], [0, 0]]},
    "rec_p2_classes": {"means": [[1]]},
    "rec_p3_dimension": {"delta": "3/4"},
    "rec_p3_no_log": {"delta_share": "2"},
    "rec_refreshes": {"refreshes": 1},
    "rec_t3_dimension": {"delta": "3/4"},
    "rec_t4_dimension": {"delta": "3/4"},
}

# Data that a replayer may not take: floats and vectors that are none.
NONSENSE: dict[str, Mapping[str, Any]] = {
    "ext3_shrink": {"means": [[0], [1]]},
    "ext4_negative": {"gradients": [[0.5], [1]]},
    "ext5_best": {"drift": 1.0},
    "rec_34_tie": {"tau": 0.5},
    "rec_a1_component": {"gamma": 0.1},
    "rec_c1_dimension": {"spoils": "the mood"},
    "rec_l1_mixing": {"stay": 0.5},
    "rec_l2_across": {"means": [[1, 0], [1]]},
    "rec_p2_classes": {"means": [[0], [1]]},
    "rec_p3_no_log": {"gamma": 0.25},
    "rec_refreshes": {"delta": 0.05},
}


def test_every_file_belongs_to_a_claim_that_names_it() -> None:
    ids = {claim.id for claim in CLAIMS}
    assert {load(stem).claim for stem in STEMS} <= ids
    assert set(HARMLESS) == set(STEMS)


@pytest.mark.parametrize("stem", STEMS)
def test_counterexample_replays(stem: str) -> None:
    outcome = replay(stem)
    assert outcome.violated
    assert len(outcome.steps) >= 2


@pytest.mark.parametrize("stem", STEMS)
def test_replayer_clears_data_that_violate_nothing(stem: str) -> None:
    example = load(stem)
    assert not REPLAYERS[example.kind]({**example.data, **HARMLESS[stem]}).violated


@pytest.mark.parametrize("stem", sorted(NONSENSE))
def test_replayer_refuses_nonsense(stem: str) -> None:
    example = load(stem)
    with pytest.raises(InvalidInputError):
        REPLAYERS[example.kind]({**example.data, **NONSENSE[stem]})


# --- the same by another route --------------------------------------------------------------------


def cosine(u: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    return float(u @ v / np.linalg.norm(u) / np.linalg.norm(v))


def test_lemma_2_in_floating_point() -> None:
    data = load("rec_l2_across").data
    mu, delta = np.array(data["means"]), np.array(data["deviations"])
    unit = mu / np.linalg.norm(mu, axis=1, keepdims=True)
    assert np.abs(delta @ unit.T).max() == 0
    epsilon = float(Fraction(data["epsilon"]))
    moved = abs(cosine(*(mu + delta)) - cosine(*mu))
    assert moved > 6 * epsilon + 4 * epsilon**2


def test_lemma_2_holds_in_one_dimension() -> None:
    """Nothing smaller: without room across the means, eq. 23 holds (all of a grid)."""
    values = [Fraction(k, 2) for k in range(-4, 5) if k]
    for mu_i, mu_j, d_i, d_j in product(values, repeat=4):
        if mu_i + d_i == 0 or mu_j + d_j == 0:
            continue
        case = ((mu_i,), (mu_j,), (d_i,), (d_j,))
        epsilon, m0 = max(directional_deviations(case)), min(abs(mu_i), abs(mu_j))
        before, after = mu_i * mu_j > 0, (mu_i + d_i) * (mu_j + d_j) > 0
        assert (0 if before == after else 2) <= 6 * epsilon / m0 + 4 * epsilon**2 / m0**2


def test_a_missed_edge_by_scipy_and_by_simulation() -> None:
    """Corollary 1 at C = 1: the budget is met and the edge is missed; n = 20,000, 6 sd."""
    data = load("rec_c1_dimension").data
    tau, gamma, delta = (float(Fraction(data[k])) for k in ("tau", "gamma", "delta"))
    m0, axes = 7, 49
    assert probe_budget(1.0, m0, gamma, 2, delta, constant=1.0) <= n_eff(1, 0.5)
    # edge iff -m0² + S < -tau (m0² + D), S = 2 B - D
    threshold = m0**2 - tau * (m0**2 + axes)
    missed = 1 - binom.cdf(math.ceil((threshold + axes) / 2) - 1, axes, 0.5)
    rng = np.random.default_rng(5)
    noise = rng.choice([-1.0, 1.0], size=(20_000, 2, axes))
    inner = -(m0**2) + (noise[:, 0] * noise[:, 1]).sum(axis=1)
    share = (inner / (m0**2 + axes) >= -tau).mean()
    assert abs(share - missed) < 6 * math.sqrt(0.25 / 20_000)
    assert missed >= 0.5 > delta
    assert axes / m0**2 >= critical_noise_ratio(tau, 1 - tau)  # C* = -1 is -(tau + gamma') there


@pytest.mark.parametrize("stem", ["rec_l1_mixing", "rec_l1_martingale"])
def test_sticky_noise_by_walking_through_all_paths(stem: str) -> None:
    data = load(stem).data
    case = data["cases"][0]
    size, window, beta = float(case["size"]), int(case["window"]), float(Fraction(case["beta"]))
    rare = min(math.prod(range(1, 2 * k, 2)) / size ** (2 * k) for k in range(1, 12))
    law = {-size: rare / 2, 0.0: 1 - rare, size: rare / 2}
    grid = np.linspace(-3, 3, 61)  # marginally sub-Gaussian with parameter 1
    assert (sum(p * np.exp(grid * v) for v, p in law.items()) <= np.exp(grid**2 / 2) + 1e-12).all()
    weights = ema_weights(window, beta)
    beyond = 0.0
    for path in product(law, repeat=window):
        chance = law[path[0]]
        for before, now in pairwise(path):
            if data["dependence"] == "mixing":
                chance *= 0.5 * (before == now) + 0.5 * law[now]
            else:
                chance *= 0.5 if abs(now) == abs(before) > 0 else float(now == before == 0.0)
        if abs(float(weights @ np.array(path))) > 0.999999 * size:
            beyond += chance
    claimed = 2 * math.exp(-float(Fraction(case["c"])) * float(n_eff(window, beta)) * size**2)
    assert beyond > claimed


def test_longer_windows_can_be_worse_by_enumeration() -> None:
    wrong = []
    for window in (2, 3):
        signs = np.array(list(product((-1, 1), repeat=window)))
        flipped = (0.4 + signs @ ema_weights(window, 0.5) < 0).mean()
        wrong.append(2 * flipped * (1 - flipped))
    assert wrong == [pytest.approx(3 / 8), pytest.approx(15 / 32)]


def test_fixed_beta_never_gets_below_a_quarter_by_simulation() -> None:
    """R = 200, n = 20,000: P(wrong) is above 1/4 by more than five standard deviations."""
    rng = np.random.default_rng(3)
    weights = ema_weights(200, 0.5)
    noise = rng.choice([-1.0, 1.0], size=(20_000, 2, 200)) @ weights
    wrong = ((noise[:, 0] + 0.4 < 0) != (noise[:, 1] - 0.4 > 0)).mean()
    assert wrong > 0.25 + 5 * math.sqrt(0.25 / 20_000)


def test_the_best_sample_size_by_scipy() -> None:
    for ratio in (1.0, 8.0, 1000.0):
        found = minimize_scalar(
            lambda n, r=ratio: (n - 1) ** 2 / 4 + r / n, bounds=(1, 1e3), method="bounded"
        ).x
        assert found**2 * (found - 1) == pytest.approx(2 * ratio, rel=1e-3)
        assert abs(found - ratio ** (1 / 3)) > 0.05 * found


def test_corrected_norms_by_numpy() -> None:
    signs = np.array(list(product((-1.0, 1.0), repeat=3)))[..., None]
    weights = ema_weights(3, 0.5)
    ema = np.einsum("t,ntd->nd", weights, signs)
    share = (weights**2).sum()
    means = {
        name: float(((ema**2).sum(axis=1) - share * v).mean())
        for name, v in {
            "R - 1": signs.var(axis=1, ddof=1).sum(axis=1),
            "R": signs.var(axis=1).sum(axis=1),
            "weighted": ((signs - ema[:, None]) ** 2 * weights[:, None]).sum(axis=(1, 2)),
        }.items()
    }
    assert means["R - 1"] == pytest.approx(0, abs=1e-12)
    assert means["R"] == pytest.approx(share / 3)
    assert means["weighted"] == pytest.approx(share**2)
