"""Rates of the full gradient as the papers state them; `convergence_schedules` has those that hold.

Notation: gap = F(x_0) - F*; L = smoothness of F; eta = step size; T = steps; m classes with
gradients G_r that sum to grad F; sigma^2 = E|g_t - grad F|^2. Every function broadcasts its arrays
and returns infinity where its hypotheses fail: there it says nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError

__all__ = [
    "Array",
    "checked",
    "claimed_rate",
    "conflict_factor",
    "energy_bound",
    "is_vacuous",
    "sgd_bound",
    "unwrapped",
]

Array = NDArray[np.float64]


def checked(name: str, value: ArrayLike, *, positive: bool = False) -> Array:
    """Return an array of numbers that are all >= 0, or all > 0; infinity is one of them.

    Raises
    ------
    InvalidInputError
        When one is not.
    """
    array = np.asarray(value, dtype=np.float64)
    good = array > 0 if positive else array >= 0
    if not good.all():  # a NaN is neither
        raise InvalidInputError(
            f"{name} should be {'> 0' if positive else '>= 0'}; found {value!r}."
        )
    return array


def unwrapped(value: Array | np.float64) -> Array | float:
    """Return a float for a single number, the array otherwise."""
    array = np.asarray(value, dtype=np.float64)
    return float(array) if array.ndim == 0 else array


def sgd_bound(
    gap: ArrayLike, smoothness: ArrayLike, step: ArrayLike, steps: ArrayLike, variance: ArrayLike
) -> Array | float:
    """Return ``2 gap / (eta T) + L eta sigma^2``: the average of E|grad F|^2 under unbiased steps.

    It bounds the average over t = 0, ..., T - 1 and so the least of them. Needs E g_t = grad F and
    eta <= 1 / L.

    Parameters
    ----------
    gap, smoothness, variance : array_like
        F(x_0) - F*, L and sigma^2; >= 0. For sampled classes sigma^2 is `sampling_variance`, not
        the noise of the tasks' gradients.
    step, steps : array_like
        eta and T; > 0.

    Returns
    -------
    float or ndarray
        Infinite where eta > 1 / L.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 96; with eta = c / sqrt(T), eq. 90 (Theorem 7) and eq. 103 (Theorem 8).

    Examples
    --------
    >>> sgd_bound(gap=1.0, smoothness=1.0, step=0.1, steps=100, variance=0.5)
    0.25
    >>> sgd_bound(gap=1.0, smoothness=1.0, step=2.0, steps=100, variance=0.0)
    inf
    """
    gap, curved = checked("gap", gap), checked("smoothness", smoothness)
    eta, count = checked("step", step, positive=True), checked("steps", steps, positive=True)
    spread = checked("variance", variance)
    bound = 2.0 * gap / (eta * count) + curved * eta * spread
    # c <= 1 / L is meant to be met with equality, and 0.1 * 10 may not be 1 in floats.
    return unwrapped(np.where(eta * curved <= 1.0 + 1e-12, bound, np.inf))


def claimed_rate(
    gap: ArrayLike,
    smoothness: ArrayLike,
    step: ArrayLike,
    steps: ArrayLike,
    variance: ArrayLike,
    tau: ArrayLike,
) -> Array | float:
    """Return eq. 13's claim for the scheduler, ``(1 + tau) 2 gap / (eta T) + L eta sigma^2``.

    **Not a bound.** With m classes one after the other each step makes 1 / m of the progress, so
    the first term is too small by a factor up to m / (2 (1 + tau)); and L of the sum says nothing
    about steps along single classes. `cyclic_bound` and `sgd_bound` hold.

    Parameters
    ----------
    gap, smoothness, step, steps, variance : array_like
        As in `sgd_bound`; the paper writes eta = c / sqrt(T) with c <= 1 / L.
    tau : array_like
        Threshold, in [0, 1].

    Returns
    -------
    float or ndarray
        Infinite where c = eta sqrt(T) > 1 / L: there the paper claims nothing.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 13 (section 5.2). Appendices F and I prove it for tau = 0 and unbiased steps.

    Examples
    --------
    >>> claimed_rate(gap=1.0, smoothness=1.0, step=0.1, steps=100, variance=0.0, tau=0.5)
    0.30000000000000004
    """
    threshold = checked("tau", tau)
    if (threshold > 1).any():
        raise InvalidInputError(f"tau should lie in [0, 1]; found {tau!r}.")
    noiseless = np.asarray(sgd_bound(gap, smoothness, step, steps, 0.0))
    whole = np.asarray(sgd_bound(gap, smoothness, step, steps, variance))
    floor = np.asarray(smoothness) * np.asarray(step) * np.asarray(variance)
    scaled = np.asarray(smoothness) * np.asarray(step) * np.sqrt(steps)
    claims = np.isfinite(whole) & (scaled <= 1.0 + 1e-12)
    return unwrapped(np.where(claims, (1.0 + threshold) * noiseless + floor, np.inf))


def conflict_factor(tau: ArrayLike, class_size: ArrayLike) -> Array | float:
    """Return ``1 / (1 - rho)`` with rho = tau (s - 1), s the tasks in the largest class.

    Parameters
    ----------
    tau : array_like
        In [0, 1].
    class_size : array_like
        s >= 1.

    Returns
    -------
    float or ndarray
        Infinite where rho >= 1.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, before eq. 98.

    Examples
    --------
    >>> conflict_factor(0.25, [1, 3, 5])
    array([ 1.,  2., inf])
    """
    threshold, size = checked("tau", tau), checked("class_size", class_size, positive=True)
    room = 1.0 - threshold * (size - 1.0)
    return unwrapped(np.where(room > 0, 1.0 / np.where(room > 0, room, 1.0), np.inf))


def energy_bound(
    factor: ArrayLike,
    gap: ArrayLike,
    smoothness: ArrayLike,
    step: ArrayLike,
    steps: ArrayLike,
    variance: ArrayLike,
) -> Array | float:
    """Return eq. 97 and 98: the average of the active tasks' summed squared gradients.

    ``factor (2 gap / (eta T) + L eta sigma^2 + sigma^2)``; the claim is about the average of
    ``sum over k in S_t of |g_k|^2``.

    Parameters
    ----------
    factor : array_like
        Gamma_T of eq. 95, or `conflict_factor` for eq. 98; >= 0.
    gap, smoothness, step, steps, variance : array_like
        As in `sgd_bound`.

    Returns
    -------
    float or ndarray

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 97 and 98.

    Differs from
    ------------
    It holds with unbiased g_t and a factor that bounds every step's 1 / (1 - tau_eff), as in
    eq. 98. Gamma_T of eq. 95 is an *average* of those: the mean of products is not at most the
    product of means. And under a cyclic schedule g_t is biased: the classes' gradients need not
    vanish where grad F does, while for sigma = 0 this bound goes to zero.

    Examples
    --------
    >>> energy_bound(2.0, gap=1.0, smoothness=1.0, step=0.1, steps=100, variance=0.0)
    0.4
    """
    times = checked("factor", factor)
    rate = np.asarray(sgd_bound(gap, smoothness, step, steps, variance))
    return unwrapped(times * (rate + np.asarray(variance, dtype=np.float64)))


def is_vacuous(bound: ArrayLike, gap: ArrayLike, smoothness: ArrayLike) -> NDArray[np.bool_]:
    """Tell where a bound on the least |grad F|^2 says nothing: it is at least 2 L (F(x_0) - F*).

    ``|grad F(x_0)|^2 <= 2 L (F(x_0) - F*)`` holds for every L-smooth F before any step.

    Parameters
    ----------
    bound, gap, smoothness : array_like

    Returns
    -------
    ndarray of bool

    Raises
    ------
    InvalidInputError
        When a value is negative.

    Examples
    --------
    >>> is_vacuous([0.1, 3.0, np.inf], gap=1.0, smoothness=1.0).tolist()
    [False, True, True]
    """
    return np.asarray(
        checked("bound", bound) >= 2.0 * checked("smoothness", smoothness) * checked("gap", gap)
    )
