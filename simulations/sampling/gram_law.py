"""The closed law of the EMA's Gram matrix under Gaussian noise.

The EMA of R gradients ``mu_i + xi_{i,t}`` is ``mu_i`` plus a weighted sum of Gaussians, which is
Gaussian. For isotropic noise, with Z a K x d matrix of independent standard normals,

    EMA = M + s Z exactly,      s**2 = sigma**2 sum(w**2) = sigma**2 / n_eff      (eq. 17-19)

(with the AR(1) variance in place of ``sigma**2 / n_eff`` where the noise remembers). The conflict
graph depends on it through the Gram matrix alone: a noncentral Wishart matrix.

*Sampling it in O(K^3), whatever d and R are.* Let the rows of M span r <= min(K, d) dimensions, F
(d x r) be an orthonormal basis of that span, and X = M F (K x r), so M = X F^T. Split Z into its
parts inside and outside the span. Both are Gaussian, independent of one another, and

    G = (X + s Z F)(X + s Z F)^T + s**2 W,      W = Z (I - F F^T) Z^T.

Z F is a K x r matrix of independent standard normals, because F^T F = I. I - F F^T projects on
n = d - r dimensions, so W has the law of Y Y^T with Y (K x n) standard normal. Gram-Schmidt on the
rows of Y, in order, writes Y = L Q with Q orthonormal rows and L lower trapezoidal, K x min(K, n):
row i has been freed of i directions, so ``L_ii**2`` is chi-square with n - i degrees of freedom;
its coordinates along the directions found before, ``L_ij`` with j < i, are standard normal, and
all are independent (Bartlett, 1933). W = L L^T. When n < K the first n rows span everything and L
has n columns; the same code serves both. (Rows are counted from 0.)

A trial takes ``K r + K (K + 1) / 2`` random numbers and one K x (r + K) product.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_whole
from simulations.generators.noise.base import NoiseLaw, check_weights
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_gradients

__all__ = ["GramLaw", "SpectralGramLaw", "ema_gram_law", "gram_trials", "has_gram_law", "row_grams"]

# Numbers held at once (float64: 2 MiB, a cache). Part of the meaning of a seed, as in `stream`.
BATCH_NUMBERS = 2**18


def row_grams(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gram matrix of the rows of each trial, exactly symmetric.

    Parameters
    ----------
    vectors : ndarray, shape (N, K, p)

    Returns
    -------
    ndarray, shape (N, K, K)
    """
    grams = vectors @ vectors.transpose(0, 2, 1)
    # The two triangles may round differently, and an edge must not depend on which is read.
    return np.asarray((grams + grams.transpose(0, 2, 1)) / 2.0, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class GramLaw:
    """Law of the Gram matrix of ``M + s Z``, Z standard normal: noncentral Wishart.

    Attributes
    ----------
    mean_factor : ndarray, shape (K, r)
        X, with ``X X^T = M M^T``: the means in coordinates of their own span.
    noise_scale : float
        s >= 0.
    remainder_dim : int
        n = d - r >= 0, the dimensions in which there is noise only.

    Source
    ------
    SON-GOKU, eq. 17-19 for the EMA; Bartlett (1933) for the remainder. The proof is in the
    module's docstring.

    Examples
    --------
    >>> import numpy as np
    >>> law = GramLaw(np.eye(2), noise_scale=0.1, remainder_dim=98)
    >>> grams = law.sample(np.random.default_rng(0), trials=4000)
    >>> np.round(grams.mean(axis=0), 1)  # M M^T + s^2 d I
    array([[2., 0.],
           [0., 2.]])
    """

    mean_factor: NDArray[np.float64]
    noise_scale: float
    remainder_dim: int

    @property
    def numbers_per_trial(self) -> int:
        """How many numbers a trial holds while it is drawn."""
        tasks, rank = self.mean_factor.shape
        return int(tasks * (rank + min(tasks, self.remainder_dim) + tasks))

    def sample(self, rng: np.random.Generator, trials: int) -> NDArray[np.float64]:
        """Draw Gram matrices, shape (trials, K, K)."""
        tasks, rank = self.mean_factor.shape
        columns = min(tasks, self.remainder_dim)
        rows = np.zeros((trials, tasks, rank + columns))
        rows[:, :, :rank] = rng.standard_normal((trials, tasks, rank))
        below, left = np.tril_indices(tasks, -1, columns)
        rows[:, below, rank + left] = rng.standard_normal((trials, below.size))
        diagonal = np.arange(columns)
        rows[:, diagonal, rank + diagonal] = np.sqrt(
            rng.chisquare(self.remainder_dim - diagonal, (trials, columns))
        )
        rows *= self.noise_scale
        rows[:, :, :rank] += self.mean_factor
        return row_grams(rows)


@dataclass(frozen=True, slots=True)
class SpectralGramLaw:
    """Law of the Gram matrix of ``M + Z diag(scales)``: Gaussian noise with a spectrum.

    Without isotropy the remainder is no Wishart matrix, so the EMA itself is drawn: exact, and
    O(K d) a trial, still whatever R is.

    Attributes
    ----------
    means : ndarray, shape (K, d)
    scales : ndarray, shape (d,)
        Standard deviation of the EMA along each coordinate.
    """

    means: NDArray[np.float64]
    scales: NDArray[np.float64]

    @property
    def numbers_per_trial(self) -> int:
        """How many numbers a trial holds while it is drawn."""
        return int(self.means.size)

    def sample(self, rng: np.random.Generator, trials: int) -> NDArray[np.float64]:
        """Draw Gram matrices, shape (trials, K, K)."""
        rows = rng.standard_normal((trials, *self.means.shape))
        rows *= self.scales
        rows += self.means
        return row_grams(rows)


def has_gram_law(noise: NoiseLaw) -> bool:
    """Whether the EMA of this noise has a closed law: it has if every average is Gaussian."""
    return noise.is_gaussian


def ema_gram_law(
    noise: NoiseLaw, means: ArrayLike, weights: ArrayLike, dim: int | None = None
) -> GramLaw | SpectralGramLaw:
    """Return the exact law of the EMA's Gram matrix.

    Parameters
    ----------
    noise : NoiseLaw
        Gaussian: isotropic, coloured or AR(1).
    means : array_like, shape (K, d)
        mu_i of eq. 17, constant over the window.
    weights : array_like, shape (R,)
        Of the EMA, oldest first; see `songoku_theory.ema.ema_weights`.
    dim : int, optional
        Isotropic noise only: pretend that the means live in this many dimensions (>= their own
        number of coordinates), so that a huge d costs nothing.

    Returns
    -------
    GramLaw or SpectralGramLaw
        With a method ``sample(rng, trials) -> (trials, K, K)``.

    Raises
    ------
    InvalidInputError
        When the noise has no closed law, or an argument is out of range.

    Source
    ------
    SON-GOKU, eq. 17-19.

    Examples
    --------
    >>> from simulations.generators.noise import GaussianNoise
    >>> law = ema_gram_law(GaussianNoise(1.0), [[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5], dim=10**6)
    >>> round(law.noise_scale**2, 12), law.remainder_dim
    (0.5, 999998)
    """
    if not has_gram_law(noise):
        raise InvalidInputError(
            f"the EMA of {noise.name} noise has no closed law (its averages are not exactly "
            f"Gaussian). Simulate it directly: method = 'direct'."
        )
    centre = check_gradients(means).astype(np.float64, copy=False)
    values = check_weights(weights)
    centre = centre * values.sum()
    given_dim = centre.shape[1]
    if dim is not None:
        check_whole("dim", dim, given_dim, "the means already have that many coordinates")
    spectrum = noise.spectrum(given_dim)
    scale = math.sqrt(noise.ema_variance(values))
    if not (spectrum == 1.0).all():
        if dim is not None and dim != given_dim:
            raise InvalidInputError(
                f"{noise.name} noise is not isotropic, so the means must be given in all {dim} "
                f"dimensions; found {given_dim}."
            )
        return SpectralGramLaw(centre, scale * np.sqrt(spectrum))
    left, lengths, _ = np.linalg.svd(centre, full_matrices=False)
    noise_floor = lengths.max() * max(centre.shape) * np.finfo(np.float64).eps
    rank = int((lengths > noise_floor).sum())
    return GramLaw(
        mean_factor=np.ascontiguousarray(left[:, :rank] * lengths[:rank]),
        noise_scale=scale,
        remainder_dim=(given_dim if dim is None else int(dim)) - rank,
    )


def gram_trials(
    law: GramLaw | SpectralGramLaw, trials: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Draw Gram matrices in batches that fit in memory.

    Parameters
    ----------
    law : GramLaw or SpectralGramLaw
    trials : int
        >= 1.
    rng : numpy.random.Generator

    Yields
    ------
    ndarray, shape (n, K, K)
        The n add up to `trials`.

    Raises
    ------
    InvalidInputError
        When `trials` is out of range.
    """
    check_whole("trials", trials)
    per_batch = max(1, BATCH_NUMBERS // law.numbers_per_trial)
    for start in range(0, trials, per_batch):
        yield law.sample(rng, min(per_batch, trials - start))
