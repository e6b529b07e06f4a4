"""Streaming over time: the same average, a bounded amount of memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.generators import ema_trials, plant_multipartite, stream
from simulations.generators.noise import Ar1Noise, GaussianNoise, NoiseLaw
from simulations.generators.stream import ema_of_noise
from songoku_theory.ema import ema, ema_weights
from songoku_theory.errors import InvalidInputError


@given(
    st.sampled_from([GaussianNoise(0.5), Ar1Noise(0.5, 0.8)]),
    st.integers(1, 40),
    st.floats(0, 0.99),
    st.integers(1, 100),
    st.integers(0, 2**32 - 1),
)
def test_chunks_give_the_average_of_the_whole_window(
    law: NoiseLaw, window: int, beta: float, max_numbers: int, seed: int
) -> None:
    weights = ema_weights(window, beta)
    whole = law.sample(np.random.default_rng(seed), window, 3, 4)
    chunked = ema_of_noise(law, weights, 3, 4, np.random.default_rng(seed), max_numbers)
    np.testing.assert_allclose(chunked, ema(whole, beta), atol=1e-12)


@dataclass
class _Recording:
    """Gaussian noise that notes how much was asked for at once."""

    asked: list[tuple[int, int, int]] = field(default_factory=list)

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        num_tasks: int,
        dim: int,
        after: np.ndarray | None = None,
    ) -> np.ndarray:
        self.asked.append((steps, num_tasks, dim))
        return GaussianNoise(1.0).sample(rng, steps, num_tasks, dim, after)


def test_no_chunk_exceeds_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BATCH_NUMBERS", 1000)
    law = _Recording()
    means = np.ones((5, 20))
    batches = list(ema_trials(law, means, ema_weights(33, 0.9), 27, np.random.default_rng(0)))
    assert sum(len(batch) for batch in batches) == 27
    assert {batch.shape[1:] for batch in batches} == {(5, 20)}
    assert max(len(batch) * 100 for batch in batches) <= 1000
    assert sum(steps * vectors for steps, vectors, _ in law.asked) == 33 * 27 * 5
    law.asked.clear()
    ema_of_noise(law, ema_weights(33, 0.9), 5, 20, np.random.default_rng(0), max_numbers=1000)
    assert law.asked == [(10, 5, 20)] * 3 + [(3, 5, 20)]


def test_trials_are_centred_on_the_means() -> None:
    """n = 2000 trials x 12 coordinates; z-test of each mean, alpha = 0.001 in all."""
    from scipy.stats import norm

    tasks = plant_multipartite([2, 2], 3, 0.2, 0.1, norms=[1, 2, 3, 4])
    law, weights = GaussianNoise(0.5), ema_weights(10, 0.8)
    batches = ema_trials(law, tasks.means, weights, 2000, np.random.default_rng(4))
    averages = np.concatenate(list(batches))
    error = averages.mean(axis=0) - tasks.means
    z = np.abs(error) / np.sqrt(law.ema_variance(weights) / 2000)
    assert (2 * norm.sf(z) > 0.001 / error.size).all()


def test_the_carried_convention_shrinks_the_mean() -> None:
    weights = ema_weights(3, 0.5, "carried")
    (average,) = ema_trials(
        GaussianNoise(1e-12), [[1.0, 2.0]], weights, 1, np.random.default_rng(0)
    )
    np.testing.assert_allclose(average[0], [[0.875, 1.75]], atol=1e-10)


def test_bad_arguments_are_refused_before_anything_runs() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInputError, match="trials should be"):
        list(ema_trials(GaussianNoise(1.0), [[1.0]], [1.0], 0, rng))
    with pytest.raises(InvalidInputError, match="not finite"):
        list(ema_trials(GaussianNoise(1.0), [[np.nan]], [1.0], 1, rng))
    with pytest.raises(InvalidInputError, match="weights should be"):
        list(ema_trials(GaussianNoise(1.0), [[1.0]], [], 1, rng))
