"""How many gradients it takes to recover the conflict graph: the paper's budget and a sharper one.

Notation: s = sigma / sqrt(n_eff), the noise of one coordinate of an EMA; m_0 the smallest norm of a
mean gradient; gamma the cosine margin around the threshold; delta the wanted failure probability.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_num_tasks, check_tau

__all__ = [
    "check_delta",
    "check_positive",
    "critical_noise_ratio",
    "dimension_aware_budget",
    "dimension_aware_deviation",
    "dimension_aware_failure",
    "is_vacuous",
    "probe_budget",
]


def check_positive(name: str, value: float) -> None:
    """Check a finite number > 0.

    Raises
    ------
    InvalidInputError
        When it is not one.
    """
    if not (math.isfinite(value) and value > 0):
        raise InvalidInputError(f"{name} should be a finite number > 0; found {value!r}.")


def check_delta(delta: float) -> None:
    """Check a failure probability: in (0, 1).

    Raises
    ------
    InvalidInputError
        When it is not.
    """
    if not 0 < delta < 1:
        raise InvalidInputError(f"delta should lie in (0, 1); found {delta!r}.")


def probe_budget(
    sigma: float,
    min_norm: float,
    margin: float,
    num_tasks: int,
    delta: float,
    constant: float = 1.0,
) -> float:
    """Return the paper's sufficient n_eff, ``C sigma^2 / (m_0^2 gamma^2) log(K^2 / delta)``.

    Parameters
    ----------
    sigma : float
        Noise of one coordinate of one gradient, > 0.
    min_norm : float
        m_0 > 0.
    margin : float
        gamma > 0.
    num_tasks : int
        K >= 1.
    delta : float
        Failure probability, in (0, 1).
    constant : float, default 1
        The paper's "universal constant C > 0", which it does not name; 1 shows the shape only.

    Returns
    -------
    float

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, Corollary 1 eq. 35 and eq. 39.

    Examples
    --------
    >>> round(probe_budget(sigma=1.0, min_norm=1.0, margin=0.2, num_tasks=6, delta=0.05), 1)
    164.5
    """
    check_positive("sigma", sigma)
    check_positive("min_norm", min_norm)
    check_positive("margin", margin)
    check_positive("constant", constant)
    check_delta(delta)
    check_num_tasks(num_tasks)
    return constant * (sigma / (min_norm * margin)) ** 2 * math.log(num_tasks**2 / delta)


def dimension_aware_deviation(
    noise_ratio: ArrayLike, dim: ArrayLike, tau: float, num_tasks: int, delta: float
) -> NDArray[np.float64] | float:
    """Return the margin that suffices for recovery with probability 1 - delta.

    With ``u = s / m_0`` and ``L = log(4 K^2 / delta)``:
    ``tau u^2 d + (2 + 2 tau) u sqrt(2L)
    + u^2 (sqrt(2L)(sqrt(d) + sqrt(2L)) + tau(2 sqrt(dL) + 2L))``.
    The graph is recovered with probability at least 1 - delta whenever this lies below gamma.

    Parameters
    ----------
    noise_ratio : array_like
        u = sigma / (m_0 sqrt(n_eff)) >= 0. Broadcasts against `dim`.
    dim : array_like
        d >= 1; the effective rank for noise that is not isotropic.
    tau : float
        In [0, 1].
    num_tasks : int
        K >= 1.
    delta : float
        In (0, 1).

    Returns
    -------
    float or ndarray

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours. For a pair that should be an edge, bound ``<g_i, g_j> + tau |g_i| |g_j|`` from above by
    (1) Gaussian tails of the three projections, (2) the tail of ``<z_i, z_j>`` given z_j, (3)
    Laurent and Massart's tail of ``|z|^2``, (4) ``sqrt(1 + a) sqrt(1 + b) <= 1 + (a + b) / 2``; for
    one that should not be, from below with ``|g_i| >= <g_i, mu_i / |mu_i|>``. The union is over
    ``3 K^2 + K <= 4 K^2`` events of probability ``exp(-L)`` each. Unlike eq. 35, d appears: the
    noise shrinks a population cosine C to about ``C / (1 + u^2 d)``.

    Examples
    --------
    >>> round(dimension_aware_deviation(0.01, 100, tau=0.2, num_tasks=6, delta=0.05), 4)
    0.1048
    """
    ratio = np.asarray(noise_ratio, dtype=np.float64)
    dims = np.asarray(dim, dtype=np.float64)
    check_tau(tau)
    check_num_tasks(num_tasks)
    check_delta(delta)
    if not (np.isfinite(ratio) & (ratio >= 0)).all():
        raise InvalidInputError(f"noise_ratio should be finite and >= 0; found {noise_ratio!r}.")
    if not (np.isfinite(dims) & (dims >= 1)).all():
        raise InvalidInputError(f"dim should be finite and >= 1; found {dim!r}.")
    log_term = math.log(4.0 * num_tasks**2 / delta)
    root = math.sqrt(2.0 * log_term)
    values = (
        tau * ratio**2 * dims
        + (2.0 + 2.0 * tau) * ratio * root
        + ratio**2
        * (root * (np.sqrt(dims) + root) + tau * (2.0 * np.sqrt(dims * log_term) + 2.0 * log_term))
    )
    return float(values) if values.ndim == 0 else np.asarray(values, dtype=np.float64)


def dimension_aware_failure(
    noise_ratio: float, dim: float, tau: float, margin: float, num_tasks: int
) -> float:
    """Return the smallest failure probability that the dimension-aware bound gives.

    Parameters
    ----------
    noise_ratio : float
        u = sigma / (m_0 sqrt(n_eff)) > 0.
    dim : float
        d >= 1.
    tau : float
        In [0, 1].
    margin : float
        gamma > 0.
    num_tasks : int
        K >= 1.

    Returns
    -------
    float
        In (0, 1]; 1 means that the bound says nothing at these settings.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    :func:`dimension_aware_deviation` solved for delta.

    Examples
    --------
    >>> dimension_aware_failure(0.5, 10_000, tau=0.2, margin=0.2, num_tasks=6)
    1.0
    >>> dimension_aware_failure(0.01, 100, tau=0.2, margin=0.2, num_tasks=6) < 1e-10
    True
    """
    check_positive("noise_ratio", noise_ratio)
    check_positive("margin", margin)

    def excess(minus_log_delta: float) -> float:
        delta = math.exp(-minus_log_delta)
        return float(dimension_aware_deviation(noise_ratio, dim, tau, num_tasks, delta)) - margin

    lowest, highest = 1e-9, 700.0  # delta from almost 1 down to the smallest normal float
    if excess(lowest) >= 0:
        return 1.0
    if excess(highest) <= 0:
        return math.exp(-highest)
    return math.exp(-brentq(excess, lowest, highest, xtol=1e-9))


def dimension_aware_budget(
    sigma: float,
    min_norm: float,
    margin: float,
    num_tasks: int,
    delta: float,
    dim: float,
    tau: float,
) -> float:
    """Return the n_eff from which on the dimension-aware bound promises 1 - delta.

    Parameters
    ----------
    sigma, min_norm, margin, num_tasks, delta
        As in :func:`probe_budget`.
    dim : float
        d >= 1; the effective rank for noise that is not isotropic.
    tau : float
        In [0, 1].

    Returns
    -------
    float
        May be below 1: then a single gradient is enough.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    :func:`dimension_aware_deviation` is ``a u^2 + b u``; the root of ``a u^2 + b u = gamma``.

    Examples
    --------
    >>> enough = dimension_aware_budget(1.0, 1.0, 0.2, 6, 0.05, dim=100, tau=0.3)
    >>> found = dimension_aware_deviation(1.0 / math.sqrt(enough), 100, 0.3, 6, 0.05)
    >>> round(found, 9)
    0.2
    """
    check_positive("sigma", sigma)
    check_positive("min_norm", min_norm)
    check_positive("margin", margin)
    once = float(dimension_aware_deviation(1.0, dim, tau, num_tasks, delta))
    twice = float(dimension_aware_deviation(2.0, dim, tau, num_tasks, delta))
    square = (twice - 2.0 * once) / 2.0
    linear = once - square
    ratio = 2.0 * margin / (linear + math.sqrt(linear**2 + 4.0 * square * margin))
    return (sigma / (min_norm * ratio)) ** 2


def critical_noise_ratio(tau: float, margin: float) -> float:
    """Return lambda* = gamma / tau, where edges at the margin vanish in the large-d limit.

    With ``lambda = s^2 d / m_0^2`` a population cosine C becomes ``C / (1 + lambda)``; an edge at
    ``-(tau + gamma)`` crosses the threshold at ``lambda = gamma / tau``.

    Parameters
    ----------
    tau : float
        In [0, 1].
    margin : float
        gamma > 0.

    Returns
    -------
    float
        Infinite for tau = 0: shrinking does not change a sign.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours.

    Examples
    --------
    >>> critical_noise_ratio(tau=0.2, margin=0.1)
    0.5
    """
    check_tau(tau)
    check_positive("margin", margin)
    return math.inf if tau == 0 else margin / tau


def is_vacuous(failure: ArrayLike) -> NDArray[np.bool_] | bool:
    """Say where a bound on the failure probability says nothing.

    Parameters
    ----------
    failure : array_like
        From :func:`probe_failure` or :func:`dimension_aware_failure`.

    Returns
    -------
    bool or ndarray of bool
        True where it is 1 or more.

    Examples
    --------
    >>> is_vacuous([0.05, 1.0]).tolist()
    [False, True]
    """
    values = np.asarray(failure, dtype=np.float64) >= 1.0
    return bool(values) if values.ndim == 0 else np.asarray(values, dtype=np.bool_)
