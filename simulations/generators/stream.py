"""Direct simulation of EMAs, streamed over time.

A window of R gradients of K tasks in d dimensions, for N trials, would be R N K d numbers. Only the
running average and one chunk of steps are ever held.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_whole
from simulations.generators.noise.base import NoiseLaw, check_weights
from songoku_theory.validation import check_gradients

__all__ = ["ema_of_noise", "ema_trials", "ema_trials_with_energy"]

# Numbers held at once (float64: 16 MiB). Part of the meaning of a seed: the order of the draws
# depends on how trials and steps are batched.
BATCH_NUMBERS = 2**21


def ema_of_noise(
    law: NoiseLaw,
    weights: ArrayLike,
    num_vectors: int,
    dim: int,
    rng: np.random.Generator,
    max_numbers: int = BATCH_NUMBERS,
    energy: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Average simulated noise with given weights, a chunk of steps at a time.

    Parameters
    ----------
    law : NoiseLaw
    weights : array_like, shape (T,)
        Oldest first.
    num_vectors : int
        Independent noise vectors (tasks, times trials).
    dim : int
        d.
    rng : numpy.random.Generator
    max_numbers : int
        How many numbers a chunk may hold (at least one step is taken at a time).
    energy : ndarray, shape (num_vectors,), optional
        Is added ``sum_t w_t |xi_t|**2`` of each vector.

    Returns
    -------
    ndarray, shape (num_vectors, d)
    """
    values = check_weights(weights)
    steps = max(1, max_numbers // (num_vectors * dim))
    average = np.zeros((num_vectors, dim))
    last: NDArray[np.float64] | None = None
    for start in range(0, values.size, steps):
        chunk = values[start : start + steps]
        noise = law.sample(rng, chunk.size, num_vectors, dim, after=last)
        average += (chunk @ noise.reshape(chunk.size, -1)).reshape(num_vectors, dim)
        if energy is not None:
            energy += chunk @ np.einsum("tnd,tnd->tn", noise, noise)
        last = noise[-1]
    return average


def ema_trials(
    law: NoiseLaw,
    means: ArrayLike,
    weights: ArrayLike,
    trials: int,
    rng: np.random.Generator,
) -> Iterator[NDArray[np.float64]]:
    """Simulate EMAs of noisy gradients, trial by trial in batches.

    Parameters
    ----------
    law : NoiseLaw
    means : array_like, shape (K, d)
        mu_i of eq. 17.
    weights : array_like, shape (R,)
        Of the EMA, oldest first; see `songoku_theory.ema.ema_weights`.
    trials : int
        >= 1.
    rng : numpy.random.Generator

    Yields
    ------
    ndarray, shape (n, K, d)
        EMAs of n trials; the n add up to `trials`.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    SON-GOKU, eq. 17 and 18.

    Examples
    --------
    >>> import numpy as np
    >>> from simulations.generators.noise import GaussianNoise
    >>> from songoku_theory.ema import ema_weights
    >>> rng = np.random.default_rng(0)
    >>> batches = ema_trials(GaussianNoise(1e-9), [[1.0, 0.0]], ema_weights(4, 0.5), 3, rng)
    >>> np.round(np.concatenate(list(batches)), 6).tolist()
    [[[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 0.0]]]
    """
    centre = check_gradients(means).astype(np.float64, copy=False)
    values = check_weights(weights)
    check_whole("trials", trials)
    num_tasks, dim = centre.shape
    per_batch = max(1, BATCH_NUMBERS // (num_tasks * dim))
    for start in range(0, trials, per_batch):
        count = min(per_batch, trials - start)
        noise = ema_of_noise(law, values, count * num_tasks, dim, rng)
        yield noise.reshape(count, num_tasks, dim) + centre * values.sum()


def ema_trials_with_energy(
    law: NoiseLaw,
    means: ArrayLike,
    weights: ArrayLike,
    trials: int,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Simulate EMAs together with the spread of the gradients that each averages.

    Parameters
    ----------
    law, means, trials, rng
        As in `ema_trials`; the EMAs are the same numbers.
    weights : array_like, shape (R,)
        Summing to one: then the means drop out of the spread.

    Yields
    ------
    averages : ndarray, shape (n, K, d)
    spreads : ndarray, shape (n, K)
        ``sum_t w_t |g_t|**2 - |average|**2``; what `songoku_theory.ema.mean_noise_energy` needs.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.
    """
    centre = check_gradients(means).astype(np.float64, copy=False)
    values = check_weights(weights)
    check_whole("trials", trials)
    num_tasks, dim = centre.shape
    per_batch = max(1, BATCH_NUMBERS // (num_tasks * dim))
    for start in range(0, trials, per_batch):
        count = min(per_batch, trials - start)
        energy = np.zeros(count * num_tasks)
        noise = ema_of_noise(law, values, count * num_tasks, dim, rng, energy=energy)
        spread = np.maximum(energy - (noise * noise).sum(axis=1), 0.0)
        yield noise.reshape(count, num_tasks, dim) + centre, spread.reshape(count, num_tasks)
