"""The debiased cosine's margin, and the score of an edge on which recovery curves collapse."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.bounds.recovery import check_positive, dimension_aware_deviation
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_tau

__all__ = ["debiased_deviation", "edge_score"]


def debiased_deviation(
    noise_ratio: ArrayLike, dim: ArrayLike, tau: float, num_tasks: int, delta: float
) -> NDArray[np.float64] | float:
    """Return the margin that suffices for the debiased cosine: the term linear in d is gone.

    ``dimension_aware_deviation`` without ``tau u^2 d``, for a debiasing that subtracts the noise
    energy ``s^2 d`` itself. One estimated from the window errs in addition.

    Parameters
    ----------
    noise_ratio, dim, tau, num_tasks, delta
        As in :func:`dimension_aware_deviation`; K >= 2.

    Returns
    -------
    float or ndarray

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours. An edge: the same proof, with ``|z|^2 - d`` in place of ``|z|^2``. No edge: the debiased
    squared norms are at least ``1 - 2 u sqrt(2L) - 2 u^2 sqrt(dL)`` by Laurent and Massart's lower
    tail (K events more, still ``3 K^2 + 2 K <= 4 K^2``), which costs less than an edge's deviation.

    Examples
    --------
    >>> round(debiased_deviation(0.01, 10**6, tau=0.2, num_tasks=6, delta=0.05), 2)
    0.61
    >>> from songoku_theory.bounds import dimension_aware_deviation
    >>> round(dimension_aware_deviation(0.01, 10**6, tau=0.2, num_tasks=6, delta=0.05), 2)
    20.61
    """
    full = np.asarray(dimension_aware_deviation(noise_ratio, dim, tau, num_tasks, delta))
    linear_in_d = tau * np.asarray(noise_ratio, dtype=np.float64) ** 2 * np.asarray(dim)
    values = np.asarray(full - linear_in_d, dtype=np.float64)
    return float(values) if values.ndim == 0 else values


def edge_score(
    noise_ratio: ArrayLike, dim: ArrayLike, tau: float, margin: float
) -> NDArray[np.float64] | float:
    """Return how many standard deviations an edge at the margin is away from being lost.

    An edge of unit means with cosine ``-(tau + gamma)`` is kept while ``h = <g_i, g_j> + tau |g_i|
    |g_j| < 0``. To first order h has mean ``-gamma + tau lambda``, lambda = u^2 d, and variance
    ``(2 lambda (1 + 2 tau C + tau^2) + lambda^2 (1 + tau^2)) / d``. The score is minus the mean
    over the standard deviation: P(kept) is about its normal distribution function, exactly 1/2 near
    ``lambda = gamma / tau``. An approximation that all curves should collapse on, not a bound.

    Parameters
    ----------
    noise_ratio : array_like
        u = s / m_0 > 0.
    dim : array_like
        d >= 1.
    tau : float
        In [0, 1].
    margin : float
        gamma > 0.

    Returns
    -------
    float or ndarray

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours, by the delta method: ``|g_i| |g_j|`` is replaced by ``(|g_i|^2 + |g_j|^2) / 2``.

    Examples
    --------
    >>> import math
    >>> abs(edge_score(math.sqrt(0.75 / 1000), 1000, tau=0.2, margin=0.15)) < 1e-12
    True
    """
    ratio = np.asarray(noise_ratio, dtype=np.float64)
    dims = np.asarray(dim, dtype=np.float64)
    check_tau(tau)
    check_positive("margin", margin)
    if not (np.isfinite(ratio) & (ratio > 0)).all() or not (dims >= 1).all():
        raise InvalidInputError("noise_ratio should be finite and > 0, and dim >= 1.")
    energy = ratio**2 * dims
    cosine = -(tau + margin)
    linear = 2.0 * energy * (1.0 + 2.0 * tau * cosine + tau**2)
    variance = (linear + energy**2 * (1.0 + tau**2)) / dims
    values = np.asarray((margin - tau * energy) / np.sqrt(variance), dtype=np.float64)
    return float(values) if values.ndim == 0 else values
