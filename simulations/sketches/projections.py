"""Random projections: the Gaussian one by its law, the sparse one on the vectors themselves.

A Gaussian projection sees the vectors through their Gram matrix alone. With ``G = L L^T`` the
projected rows are L times a K x r matrix of independent normal numbers of variance 1 / r, so the
projected Gram matrix is ``L W L^T / r`` with W a Wishart matrix of r degrees of freedom: exact for
any d, in O(K^3). And the averages' own Gram matrix has a closed law too (`simulations.sampling`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulations.generators.noise import GaussianNoise
from simulations.sampling import ema_gram_law
from simulations.sampling.gram_law import GramLaw
from simulations.sketches.judge import Judge, Seen
from simulations.sketches.settings import Settings, planted, vector_trials
from songoku_theory.bounds.complexity import projection_operations
from songoku_theory.bounds.sketch import projection_error, projection_flip_probability
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.linalg import cosines
from songoku_theory.sketch import RandomProjection

__all__ = ["gaussian", "projected_grams", "sparse"]

Matrix = NDArray[np.float64]


def projected_grams(grams: Matrix, size: int, rng: np.random.Generator) -> Matrix:
    """Draw the Gram matrix after a fresh Gaussian projection, for each given one.

    Parameters
    ----------
    grams : ndarray, shape (N, K, K)
    size : int
        r.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (N, K, K)
    """
    values, axes = np.linalg.eigh(grams)
    roots = axes * np.sqrt(np.clip(values, 0.0, None))[:, None, :]
    wishart = GramLaw(np.zeros((grams.shape[1], 0)), 1.0, size).sample(rng, len(grams))
    found = roots @ wishart @ roots.transpose(0, 2, 1) / size
    return np.asarray((found + found.transpose(0, 2, 1)) / 2.0, dtype=np.float64)


def gaussian(
    settings: Settings,
    place: np.random.Generator,
    noise: np.random.Generator,
    own: np.random.Generator,
) -> Judge:
    """Run the trials of a dense Gaussian projection."""
    tasks = planted(settings, min(settings.dim, settings.num_tasks), place)
    law = ema_gram_law(GaussianNoise(settings.noise_scale), tasks.means, [1.0], settings.dim)
    judge = Judge(settings.tau, tasks.labels)
    count = settings.num_tasks
    bound = projection_error(settings.size, count)
    upper = np.triu_indices(count, 1)
    grams = law.sample(noise, settings.trials)
    sketched = projected_grams(grams, settings.size, own)
    flips = _expected_flips(grams[:, upper[0], upper[1]], grams, upper, settings)
    graphs = conflict_adjacency_batch(sketched, settings.tau)
    for k in range(settings.trials):
        judge.trial(
            [
                Seen(
                    gram=grams[k],
                    adjacency=graphs[k],
                    operations=projection_operations(count, settings.dim, settings.size),
                    held=(count + settings.dim) * settings.size,
                    cosines=cosines(sketched[k]).values,
                    bound=bound,
                    expected_flips=float(flips[k]),
                )
            ]
        )
    return judge


def _expected_flips(
    products: Matrix,
    grams: Matrix,
    upper: tuple[NDArray[np.int64], NDArray[np.int64]],
    settings: Settings,
) -> Matrix:
    """Sum the exact flip probabilities over pairs, read off a fine table of cosines."""
    norms = np.sqrt(np.diagonal(grams, axis1=1, axis2=2))
    true = np.clip(products / norms[:, upper[0]] / norms[:, upper[1]], -1.0, 1.0)
    # The law is smooth in the cosine on either side of the threshold; a table of it a side.
    total = np.zeros(len(grams))
    for low, high, mine in (
        (-1.0, -settings.tau, true < -settings.tau),
        (-settings.tau, 1.0, true >= -settings.tau),
    ):
        share = np.linspace(0.0, 1.0, 120) ** 2  # denser where it changes most, at the threshold
        near, far = (high, low) if low == -1.0 else (low, high)
        grid = near + (far - near) * share
        inside = np.nextafter(near, far)
        table = np.asarray(
            projection_flip_probability(
                np.concatenate(([inside], grid[1:])), settings.tau, settings.size
            )
        )
        order = np.argsort(grid)
        logs = np.log(np.maximum(table, 1e-300))
        read = np.exp(np.interp(true, grid[order], logs[order]))
        total += np.where(mine, read, 0.0).sum(axis=1)
    return total


def sparse(
    settings: Settings,
    place: np.random.Generator,
    noise: np.random.Generator,
    own: np.random.Generator,
) -> Judge:
    """Run the trials of the sparse projection: one sign and one place a coordinate."""
    tasks = planted(settings, settings.dim, place)
    judge = Judge(settings.tau, tasks.labels)
    count = settings.num_tasks
    for vectors, exact in vector_trials(tasks, settings, noise):
        projection = RandomProjection(settings.dim, settings.size, int(own.integers(2**31)))
        rows = projection.project(vectors)
        found = rows @ rows.T
        judge.trial(
            [
                Seen(
                    gram=exact,
                    adjacency=conflict_adjacency_batch(found[None], settings.tau)[0],
                    operations=projection_operations(count, settings.dim, settings.size, True),
                    # a byte a sign is an eighth of a number
                    held=count * settings.size + -(-settings.dim // 8),
                    cosines=cosines(found).values,
                )
            ]
        )
    return judge
