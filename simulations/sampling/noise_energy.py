"""The law of the noise energy that the debiased cosine estimates and subtracts.

The debiased cosine (`songoku_theory.ema.mean_noise_energy`) estimates the noise in a task's average
from the spread of its gradients within the window,

    V = (sum_t w_t |g_t|**2 - |g|**2) / (1 - sum w**2),      g = sum_t w_t g_t,

and subtracts ``sum(w**2) V`` from ``|g|**2``. V and g are dependent unless all weights are equal;
V given g has a simple law all the same. Let the noise be Gaussian,
independent over time, isotropic of scale sigma, and xi_c its R values in coordinate c. With A =
diag(w) - w w^T, A 1 = 0, so the means drop out and

    sum_t w_t |g_t|**2 - |g|**2 = sigma**2 sum_c xi_c^T A xi_c.

Split each xi_c along u = w / |w| and across it. Along u stands ``z_c = u . xi_c``, the standardised
noise of the average. Across it, take the eigenvectors of A restricted to the complement of u, with
eigenvalues a_k and couplings ``b_k = e_k^T A u``; the coordinates there are standard normal and
independent of z. Summed over the d coordinates, with |z|**2 the standardised noise energy of g,

    sum_c xi_c^T A xi_c = (u^T A u) |z|**2 + sum_k ( a_k (N_k**2 + Q_k) + 2 b_k |z| N_k ),

N_k standard normal (the part of coordinate k along z) and Q_k chi-square with d - 1 degrees of
freedom, all independent. Nothing else of g enters. Exact, in O(K R) a trial whatever d is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_whole
from simulations.generators.noise.base import check_weights
from simulations.sampling.normals import chi, normals
from simulations.sampling.words import WordStream
from songoku_theory.errors import InvalidInputError

__all__ = ["NoiseEnergyLaw", "noise_energy_law"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NoiseEnergyLaw:
    """Law of the subtracted energy, in units of s**2 = sigma**2 sum(w**2), given that of g.

    Attributes
    ----------
    own : float
        u^T A u.
    across : ndarray, shape (R - 1,)
        a_k.
    couplings : ndarray, shape (R - 1,)
        b_k.
    scale : float
        ``1 / (1 - sum w**2)``; 0 for a single gradient, from which nothing can be estimated.
    dim : int
        d.

    Examples
    --------
    Half of an estimate's energy is right on average: with d = 50 the mean of |z|**2 is 50, and so
    is that of its estimate.

    >>> import numpy as np
    >>> law = noise_energy_law([0.5, 0.3, 0.2], dim=50)
    >>> stream = WordStream(np.random.default_rng(0))
    >>> energy = chi(stream, np.array([50]), 4000) ** 2
    >>> int(np.round(law.sample(energy, stream).mean(), -1))
    50
    """

    own: float
    across: Floats
    couplings: Floats
    scale: float
    dim: int

    def sample(self, energy: Floats, stream: WordStream) -> Floats:
        """Draw what would be subtracted, given |z|**2; any shape, each entry on its own."""
        if self.scale == 0.0:
            return np.zeros_like(energy)
        found = self.own * energy
        root = np.sqrt(energy)
        for value, coupling in zip(self.across, self.couplings, strict=True):
            along = normals(stream, energy.size).reshape(energy.shape)
            square = along * along
            if self.dim > 1:
                rest = chi(stream, np.array([self.dim - 1]), energy.size).reshape(energy.shape)
                square = square + rest * rest
            found = found + (value * square + 2.0 * coupling * (root * along))
        # A sum of squares with weights >= 0; rounding alone could make it negative.
        return np.asarray(self.scale * np.maximum(found, 0.0), dtype=np.float64)


def noise_energy_law(weights: ArrayLike, dim: int) -> NoiseEnergyLaw:
    """Return the law of the debiasing term for an average with these weights.

    Parameters
    ----------
    weights : array_like, shape (R,)
        Not negative, summing to one.
    dim : int
        d >= 1.

    Returns
    -------
    NoiseEnergyLaw

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    Ours; the proof is in the module's docstring.
    """
    values = check_weights(weights)
    check_whole("dim", dim)
    if (values < 0).any() or abs(float(values.sum()) - 1.0) > 1e-9:
        raise InvalidInputError(
            "weights of a debiased average should be >= 0 and sum to 1 (the windowed convention); "
            f"found a sum of {float(values.sum()):.6g}."
        )
    square = float(values @ values)
    if values.size == 1:
        return NoiseEnergyLaw(0.0, np.zeros(0), np.zeros(0), 0.0, int(dim))
    unit = values / np.sqrt(square)
    # An orthonormal basis of the complement of u: the other columns of a reflection u -> e_0.
    mirror = unit.copy()
    mirror[0] += 1.0 if unit[0] >= 0 else -1.0
    mirror /= np.linalg.norm(mirror)
    basis = np.eye(values.size)[:, 1:] - 2.0 * np.outer(mirror, mirror[1:])
    across, vectors = np.linalg.eigh(basis.T @ (values[:, None] * basis))
    couplings = (basis @ vectors).T @ (values * unit)
    return NoiseEnergyLaw(
        own=float(unit @ (values * unit) - square),
        across=np.maximum(across, 0.0),
        couplings=np.asarray(couplings, dtype=np.float64),
        scale=1.0 / (1.0 - square),
        dim=int(dim),
    )
