"""The exponential moving average in the paper's two conventions, and what it averages over.

``"carried"`` is eq. 8: the recursion ``m <- beta m + (1 - beta) g`` from a zero buffer. After t
updates its weights sum to ``1 - beta**t``, not to one.

``"windowed"`` is eq. 18: the weights inside one window of R gradients, normalised to sum to one.
From a zero buffer at the window's start the two differ only by the factor ``1 - beta**R``, so
norms differ and cosines do not. A buffer that is *carried over* from earlier windows differs in
direction too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_beta, check_period

__all__ = [
    "Convention",
    "WindowPlan",
    "best_n_eff",
    "check_convention",
    "ema",
    "ema_lag",
    "ema_weights",
    "mean_noise_energy",
    "n_eff",
    "n_eff_limit",
    "n_eff_of_weights",
    "plan_window",
]

Convention = Literal["carried", "windowed"]


def check_convention(convention: str) -> None:
    """Check the name of an EMA convention.

    Raises
    ------
    UnknownNameError
        When it is neither ``"carried"`` (eq. 8) nor ``"windowed"`` (eq. 18).
    """
    if convention not in get_args(Convention):
        raise unknown_name("EMA convention", str(convention), get_args(Convention))


def ema_weights(
    window: int, beta: float, convention: Convention = "windowed"
) -> NDArray[np.float64]:
    """Return the weight of each gradient in an EMA that starts from nothing.

    Parameters
    ----------
    window : int
        R, the number of gradients, in steps; >= 1.
    beta : float
        In [0, 1).
    convention : {"windowed", "carried"}
        ``"windowed"`` sums to 1 (eq. 18), ``"carried"`` to ``1 - beta**window`` (eq. 8 from a
        zero buffer).

    Returns
    -------
    ndarray, shape (R,)
        Oldest gradient first.

    Raises
    ------
    InvalidInputError
        When `window`, `beta` or `convention` is out of range.

    Source
    ------
    SON-GOKU, section 4.1 eq. 8; appendix B.2 eq. 18.

    Examples
    --------
    >>> ema_weights(3, 0.5)
    array([0.14285714, 0.28571429, 0.57142857])
    >>> ema_weights(3, 0.5, "carried")
    array([0.125, 0.25 , 0.5  ])
    """
    check_period(window, "window")
    check_beta(beta)
    check_convention(convention)
    ages = np.arange(window - 1, -1, -1, dtype=np.float64)
    weights = (1.0 - beta) * np.power(float(beta), ages)
    if convention == "windowed":
        weights = weights / _one_minus_power(float(beta), float(window))
    return np.asarray(weights, dtype=np.float64)


def _one_minus_power(beta: float, window: float) -> float:
    """1 - beta**window without cancellation when beta is close to 1."""
    return 1.0 if beta == 0.0 else -math.expm1(window * math.log(beta))


def n_eff(window: ArrayLike, beta: ArrayLike) -> NDArray[np.float64] | float:
    """Return the effective sample size of the windowed EMA (eq. 19).

    ``n_eff = 1 / sum(w_t**2) = (1 - beta**R)(1 + beta) / ((1 + beta**R)(1 - beta))``: the variance
    of the average of uncorrelated noise is the variance of one sample divided by it.

    Parameters
    ----------
    window : array_like of int
        R, in steps; >= 1. Broadcasts against `beta`.
    beta : array_like of float
        In [0, 1).

    Returns
    -------
    float or ndarray
        Between 1 and R, and below ``n_eff_limit(beta)``.

    Raises
    ------
    InvalidInputError
        When `window` or `beta` is out of range.

    Source
    ------
    SON-GOKU, eq. 19. Equal to ``tanh(R a / 2) / tanh(a / 2)`` with ``a = -ln(beta)``.

    Differs from
    ------------
    Eq. 19 counts R gradients of *every* task. Under Algorithm 1's active-only updates a task sees
    fewer; use ``n_eff_of_weights`` on the weights that its own gradients had.

    Examples
    --------
    >>> n_eff(1, 0.9)
    1.0
    >>> round(n_eff(32, 0.9), 6)
    17.738516
    >>> n_eff([4, 8], 0.0)
    array([1., 1.])
    """
    windows = np.asarray(window)
    betas = np.asarray(beta, dtype=np.float64)
    if windows.dtype.kind not in "iu" or (windows.size and int(windows.min()) < 1):
        raise InvalidInputError(
            f"window should hold whole numbers of steps, all >= 1; found {window!r}."
        )
    if not ((betas >= 0) & (betas < 1)).all():
        raise InvalidInputError(f"beta should lie in [0, 1); found {beta!r}.")
    with np.errstate(divide="ignore"):
        exponent = windows * np.log(betas)  # -inf for beta = 0, where beta**R is 0
    decay = np.exp(exponent)
    values = -np.expm1(exponent) * (1.0 + betas) / ((1.0 + decay) * (1.0 - betas))
    # R = 1 is exactly one sample; rounding of the quotient would say 0.9999999999999999.
    values = np.where(windows == 1, 1.0, values)
    return float(values) if values.ndim == 0 else np.asarray(values, dtype=np.float64)


def n_eff_limit(beta: float) -> float:
    """Return the supremum of n_eff over windows, ``(1 + beta) / (1 - beta)``.

    Parameters
    ----------
    beta : float
        In [0, 1).

    Returns
    -------
    float

    Raises
    ------
    InvalidInputError
        When `beta` is out of range.

    Source
    ------
    SON-GOKU, Assumption 2 and Corollary 2 ("it saturates").

    Examples
    --------
    >>> n_eff_limit(0.5)
    3.0
    """
    check_beta(beta)
    return (1.0 + beta) / (1.0 - beta)


def n_eff_of_weights(weights: ArrayLike) -> float:
    """Return the effective sample size of any weights: ``(sum w)**2 / sum(w**2)``.

    Scale-free, so it serves normalised and unnormalised averages alike.

    Parameters
    ----------
    weights : array_like, shape (T,)
        Not negative, not all zero.

    Returns
    -------
    float
        Between 1 and T.

    Raises
    ------
    InvalidInputError
        When the weights are empty, negative, not finite, or all zero.

    Examples
    --------
    >>> n_eff_of_weights([0.25, 0.25, 0.25, 0.25])
    4.0
    """
    values = np.asarray(weights, dtype=np.float64)
    if (
        values.ndim != 1
        or values.size == 0
        or not np.isfinite(values).all()
        or (values < 0).any()
        or not values.any()
    ):
        raise InvalidInputError(
            "weights should be a non-empty vector of finite numbers >= 0, not all zero; found "
            f"{weights!r}."
        )
    values = values / values.max()
    return float(values.sum() ** 2 / (values**2).sum())


def ema(
    gradients: ArrayLike, beta: float, convention: Convention = "windowed"
) -> NDArray[np.float64]:
    """Average a window of gradients.

    Parameters
    ----------
    gradients : array_like, shape (T, ...)
        Oldest first, T >= 1.
    beta : float
        In [0, 1).
    convention : {"windowed", "carried"}
        See :func:`ema_weights`.

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    InvalidInputError
        When there is no gradient or one is not finite.

    Source
    ------
    SON-GOKU, eq. 8 and 18.

    Examples
    --------
    >>> ema([[0.0], [3.0]], beta=0.5)
    array([2.])
    >>> ema([[0.0], [3.0]], beta=0.5, convention="carried")
    array([1.5])
    """
    values = np.asarray(gradients, dtype=np.float64)
    if values.ndim < 1 or values.shape[0] < 1:
        raise InvalidInputError(
            f"expected at least one gradient along axis 0; found shape {values.shape}."
        )
    finite = np.isfinite(values.reshape(values.shape[0], -1)).all(axis=1)
    if not finite.all():
        raise InvalidInputError(
            f"gradients should be finite; the one at step {int(np.argmin(finite))} of the window "
            f"is not. Leave it out or lower the learning rate."
        )
    weights = ema_weights(values.shape[0], beta, convention)
    return np.asarray(np.tensordot(weights, values, axes=1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """A window and an EMA parameter that reach a wanted effective sample size.

    Attributes
    ----------
    window : int
        R, in steps.
    beta : float
    n_eff : float
        What they reach.
    """

    window: int
    beta: float
    n_eff: float


def plan_window(target: float) -> WindowPlan:
    """Choose R and beta for a wanted effective sample size N.

    Takes ``beta = (2N - 1) / (2N + 1)``, whose limit is 2N, and the smallest R that reaches N;
    that R is at most ``ceil(N ln 3)``. No choice does with ``R < N``.

    Parameters
    ----------
    target : float
        N >= 1.

    Returns
    -------
    WindowPlan

    Raises
    ------
    InvalidInputError
        When `target` is below 1 or not finite.

    Examples
    --------
    >>> plan = plan_window(32)
    >>> plan.window, round(plan.beta, 4), plan.n_eff >= 32
    (36, 0.9692, True)
    """
    if not (math.isfinite(target) and target >= 1):
        raise InvalidInputError(
            f"target should be a finite effective sample size >= 1; found {target!r}."
        )
    beta = (2.0 * target - 1.0) / (2.0 * target + 1.0)
    window = max(1, math.ceil(target * math.log(3.0)) + 1)
    while window > 1 and float(n_eff(window - 1, beta)) >= target:
        window -= 1
    return WindowPlan(window, beta, float(n_eff(window, beta)))


def ema_lag(window: int, beta: float) -> float:
    """Return how far the windowed EMA lies behind the end of its window, in steps.

    The weighted mean age of its gradients, ``beta / (1 - beta) - R beta**R / (1 - beta**R)``; for
    long windows ``beta / (1 - beta) = (n_eff - 1) / 2``.

    Parameters
    ----------
    window : int
        R, in steps; >= 1.
    beta : float
        In [0, 1).

    Returns
    -------
    float
        Between 0 and (R - 1) / 2.

    Raises
    ------
    InvalidInputError
        When `window` or `beta` is out of range.

    Examples
    --------
    >>> ema_lag(1, 0.9), ema_lag(1000, 0.5), round(ema_lag(3, 1 - 1e-9), 6)
    (0.0, 1.0, 1.0)
    """
    weights = ema_weights(window, beta)
    return float(np.dot(weights, np.arange(window - 1, -1, -1, dtype=np.float64)))


def best_n_eff(noise_energy: float, drift: float) -> float:
    """Return the effective sample size that balances noise against lag under a steady drift.

    Averaging N gradients leaves a squared error of ``E / N`` from noise and one of
    ``(D (N - 1) / 2)**2`` from lag (long windows). The sum is least where
    ``N**2 (N - 1) = 2 E / D**2``, about ``(2 E / D**2)**(1/3)``.

    Parameters
    ----------
    noise_energy : float
        E, the expected squared norm of one gradient's noise (sigma**2 times d if isotropic); >= 0.
    drift : float
        D, the norm of the mean gradient's change in one step; > 0.

    Returns
    -------
    float
        N >= 1, for ``plan_window``.

    Raises
    ------
    InvalidInputError
        When a value is not finite or out of range. Without drift there is no best N: the more the
        better.

    Examples
    --------
    >>> best_n_eff(0.0, 1.0), round(best_n_eff(50.0, 1.0), 6)
    (1.0, 5.0)
    """
    if not (math.isfinite(noise_energy) and noise_energy >= 0):
        raise InvalidInputError(f"noise_energy should be finite and >= 0; found {noise_energy!r}.")
    if not (math.isfinite(drift) and drift > 0):
        raise InvalidInputError(
            f"drift should be finite and > 0; found {drift!r}. Without drift a longer average is "
            f"always better."
        )
    ratio = 2.0 * noise_energy / drift**2
    low, high = 1.0, 1.0 + ratio ** (1.0 / 3.0)
    for _ in range(200):  # N**2 (N - 1) increases, so halving finds it to the last bit
        middle = (low + high) / 2.0
        if middle**2 * (middle - 1.0) < ratio:
            low = middle
        else:
            high = middle
    return high if ratio > 0 else 1.0


def mean_noise_energy(
    mean_square: ArrayLike, square_of_mean: ArrayLike, weight_squares: ArrayLike
) -> NDArray[np.float64]:
    """Estimate the noise in the squared norm of a weighted mean of gradients.

    With weights that sum to one, ``E ||mean||**2 = ||mu||**2 + sum(w**2) V`` for independent noise
    of energy V, and ``(sum w ||g||**2 - ||mean||**2) / (1 - sum(w**2))`` estimates V without
    bias. The noise term grows with the dimension and pulls every measured cosine towards 0;
    subtracting it from the squared norms takes the pull away.

    Parameters
    ----------
    mean_square : array_like
        ``sum w_t ||g_t||**2``.
    square_of_mean : array_like
        ``||sum w_t g_t||**2``.
    weight_squares : array_like
        ``sum w_t**2``, that is ``1 / n_eff``. Where it is 1 there is one gradient only, nothing
        can be estimated and the result is 0.

    Returns
    -------
    ndarray
        Not below 0.

    Examples
    --------
    Two gradients 1 and 3, equal weights: variance 2 (unbiased), of the mean 1.

    >>> mean_noise_energy([5.0], [4.0], [0.5])
    array([1.])
    """
    weights = np.asarray(weight_squares, dtype=np.float64)
    known = weights < 1.0 - 1e-9  # one gradient's weight is 1 up to rounding
    excess = np.asarray(mean_square, dtype=np.float64) - np.asarray(square_of_mean)
    variance = np.maximum(excess, 0.0) / np.where(known, 1.0 - weights, 1.0)
    return np.asarray(np.where(known, weights * variance, 0.0), dtype=np.float64)
