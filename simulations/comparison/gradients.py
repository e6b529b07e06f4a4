"""Gradients of K tasks for one step, and those that the conflict graph saw before it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulations.generators import plant_multipartite

__all__ = ["adversarial_gradients", "planted_gradients", "random_gradients"]

Array = NDArray[np.float64]


def random_gradients(
    trials: int, num_tasks: int, dim: int, spread: float, rng: np.random.Generator
) -> Array:
    """Draw directions uniformly and, apart from them, log-normal norms.

    Parameters
    ----------
    trials, num_tasks, dim : int
    spread : float
        Standard deviation of log ||g_k||, >= 0.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (trials, num_tasks, dim)
    """
    vectors = rng.standard_normal((trials, num_tasks, dim))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(
        vectors * np.exp(spread * rng.standard_normal((trials, num_tasks, 1))), dtype=np.float64
    )


def planted_gradients(
    trials: int,
    num_groups: int,
    num_tasks: int,
    dim: int,
    tau: float,
    gamma: float,
    sigma: float,
    spread: float,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Draw a step's noisy gradients of planted tasks.

    Parameters
    ----------
    trials : int
    num_groups, num_tasks : int
        Groups as equal as possible.
    dim : int
    tau, gamma : float
        Of the multipartite model, at the margin.
    sigma : float
        Noise of a coordinate; the mean gradients have median norm 1.
    spread : float
        Standard deviation of the log of the mean gradients' norms.
    rng : numpy.random.Generator

    Returns
    -------
    step, means : ndarray, shape (trials, num_tasks, dim)
    """
    least, more = divmod(num_tasks, num_groups)
    sizes = [least + (group < more) for group in range(num_groups)]
    means = plant_multipartite(sizes, dim, tau, gamma, rng=rng).means
    scaled = means * np.exp(spread * rng.standard_normal((trials, num_tasks, 1)))
    return scaled + sigma * rng.standard_normal(scaled.shape), scaled


def adversarial_gradients(
    trials: int, num_tasks: int, dim: int, tau: float, rng: np.random.Generator
) -> Array:
    """Draw gradients near the configurations that are worst for a class of ``num_tasks - 1``.

    Its members have all cosines at -tau, or as near as |S| vectors can, and equal norms (worst for
    the class), but in half of the trials one is shorter (worst for that member); the last task
    points against their sum (worst for the full objective). Each trial stays away from the worst
    by an amount of its own, from 1e-6 to 1.

    Parameters
    ----------
    trials, num_tasks : int
        ``num_tasks >= 2``.
    dim : int
        ``>= num_tasks``.
    tau : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (trials, num_tasks, dim)
    """
    size = num_tasks - 1
    worst = min(tau, 1.0 / (size - 1)) if size > 1 else 0.0
    away = 10.0 ** rng.uniform(-6.0, 0.0, (trials, 1, 1))
    # All cosines -worst (1 - away / 2): compatible, with some room for the noise.
    values, vectors = np.linalg.eigh((1.0 + worst) * np.eye(size) - worst)
    lengths = np.sqrt(np.clip((1.0 - away / 2.0) * values + away / 2.0, 0.0, None))
    inside = np.zeros((trials, size, dim))
    inside[..., :size] = (vectors * lengths) @ vectors.T
    noise = rng.standard_normal((trials, size, dim))
    inside = inside + 0.1 * worst * away * noise / math.sqrt(dim)
    short = np.where(rng.random(trials) < 0.5, rng.uniform(0.0, 1.0, trials), 1.0)
    inside[:, 0] *= short[:, None]
    total = inside.sum(axis=1)
    length = np.linalg.norm(total, axis=-1, keepdims=True)
    towards = np.where(length > 1e-9, total / np.where(length > 1e-9, length, 1.0), inside[:, -1])
    outside = -towards * rng.uniform(0.0, 3.0, (trials, 1))
    return np.concatenate([inside, outside[:, None]], axis=1)
