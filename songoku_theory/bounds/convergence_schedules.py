"""Rates of the full gradient that hold, one for each way of running the classes.

Notation as in `songoku_theory.bounds.convergence`: gap = F(x_0) - F*; L = smoothness of F; eta =
step size; T = steps; m classes with gradients G_r that sum to grad F. Every function broadcasts its
arrays and returns infinity where its hypotheses fail.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from songoku_theory.bounds.convergence import Array, checked, sgd_bound, unwrapped
from songoku_theory.errors import InvalidInputError

__all__ = [
    "biased_sampling_bound",
    "cyclic_bound",
    "drift_constant",
    "mixed_bound",
    "noisy_cyclic_bound",
    "sampling_variance",
]


def drift_constant(class_smoothness: ArrayLike) -> Array | float:
    """Return Lambda = sum over r of (r - 1) L_r, for classes in their order.

    Parameters
    ----------
    class_smoothness : array_like, shape (..., m)
        L_1, ..., L_m of Assumption 6, in the order in which the classes are visited; >= 0.

    Returns
    -------
    float or ndarray, shape (...)

    Raises
    ------
    InvalidInputError
        When one is negative.

    Source
    ------
    Ours.

    Examples
    --------
    >>> drift_constant([5.0, 1.0, 2.0])
    5.0
    """
    values = checked("class_smoothness", class_smoothness)
    return unwrapped((values * np.arange(values.shape[-1])).sum(axis=-1))


def cyclic_bound(
    gap: ArrayLike,
    smoothness: ArrayLike,
    step: ArrayLike,
    steps: ArrayLike,
    num_classes: ArrayLike,
    class_gradient: ArrayLike,
    drift: ArrayLike,
) -> Array | float:
    """Return ``2 m gap / (eta T) + eta^2 B^2 Lambda^2``: the average over the starts of cycles.

    Exact gradients, fixed partition, eta <= 1 / L.

    Parameters
    ----------
    gap, smoothness, step : array_like
        As in `sgd_bound`.
    steps : array_like
        T = m times the whole cycles; steps of a cycle cut short do not count.
    num_classes : array_like
        m >= 1.
    class_gradient : array_like
        B >= |G_r| at the points where class r is updated.
    drift : array_like
        Lambda, see `drift_constant`.

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
    Ours. A cycle from x moves by ``-eta (grad F(x) + e)`` with ``|e| <= sum L_r |x_{r-1} - x| <=
    eta B Lambda``. With eta <= 1 / L, smoothness gives ``F(x_m) <= F(x) - eta <grad F, grad F + e>
    + eta/2 |grad F + e|^2 = F(x) - eta/2 |grad F|^2 + eta/2 |e|^2``; sum over T / m cycles.

    Examples
    --------
    >>> cyclic_bound(1.0, 1.0, step=0.1, steps=100, num_classes=4, class_gradient=1.0, drift=5.0)
    1.05
    """
    classes = checked("num_classes", num_classes, positive=True)
    rate = np.asarray(sgd_bound(gap, smoothness, step, steps, 0.0))
    steep, lag = checked("class_gradient", class_gradient), checked("drift", drift)
    return unwrapped(classes * rate + (np.asarray(step) * steep * lag) ** 2)


def noisy_cyclic_bound(
    gap: ArrayLike,
    smoothness: ArrayLike,
    step: ArrayLike,
    steps: ArrayLike,
    class_gradient: ArrayLike,
    class_smoothness: ArrayLike,
    class_variance: ArrayLike,
) -> Array | float:
    """Return the cyclic bound with stochastic gradients; the average of E|grad F|^2 over cycles.

    ``2 m gap / (eta T) + eta^2 (B Lambda + sum L_r s_{r-1})^2 + 2 L eta S``, with S the sum of the
    classes' variances and ``s_r^2`` that of the first r. Needs eta <= 1 / (2 L).

    Parameters
    ----------
    gap, smoothness, step, steps : array_like
        As in `cyclic_bound`.
    class_gradient : array_like
        B with B^2 >= E|G_r|^2 where class r is updated.
    class_smoothness, class_variance : array_like, shape (..., m)
        L_r and E|noise of class r|^2, in the order of the visits.

    Returns
    -------
    float or ndarray
        Infinite where eta > 1 / (2 L).

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours; as `cyclic_bound` with x moving by ``-eta (grad F + e + Xi)``: ``|grad F + e + Xi|^2 <=
    2 |grad F + e|^2 + 2 |Xi|^2``, ``E|Xi|^2 = S``, and by Minkowski's inequality
    ``sqrt(E|x_{r-1} - x|^2) <= eta ((r - 1) B + s_{r-1})``.

    Examples
    --------
    >>> exact = noisy_cyclic_bound(1.0, 1.0, 0.1, 100, 2.0, [5.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    >>> exact == cyclic_bound(1.0, 1.0, 0.1, 100, 3, 2.0, drift=3.0)
    True
    """
    curved = checked("class_smoothness", class_smoothness)
    spread = checked("class_variance", class_variance)
    steep = checked("class_gradient", class_gradient)
    rate = np.asarray(sgd_bound(gap, 2.0 * np.asarray(smoothness), step, steps, spread.sum(-1)))
    noiseless = np.asarray(sgd_bound(gap, smoothness, step, steps, 0.0))
    noise = np.asarray(smoothness) * np.asarray(step) * spread.sum(axis=-1)
    before = np.sqrt(np.cumsum(spread, axis=-1)[..., :-1])
    lag = steep * np.asarray(drift_constant(curved)) + (curved[..., 1:] * before).sum(axis=-1)
    bound = curved.shape[-1] * noiseless + (np.asarray(step) * lag) ** 2 + 2.0 * noise
    return unwrapped(np.where(np.isinf(rate), np.inf, bound))


def mixed_bound(
    gap: ArrayLike,
    smoothness: ArrayLike,
    step: ArrayLike,
    steps: ArrayLike,
    num_classes: ArrayLike,
    class_gradient: ArrayLike,
    drift: ArrayLike,
) -> Array | float:
    """Return ``(m + 1) gap / (eta T) + eta^2 B^2 Lambda^2 / 2`` for cycles with an aggregated step.

    Each period visits the m classes and then takes one step with all tasks. The bound is on the
    average over the starts of the classes' cycles and of the aggregated steps, two a period. Exact
    gradients, eta <= 1 / L.

    Parameters
    ----------
    gap, smoothness, step, steps, num_classes, class_gradient, drift : array_like
        As in `cyclic_bound`; T = m + 1 times the whole periods.

    Returns
    -------
    float or ndarray

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours: `cyclic_bound`'s descent for the cycle, and ``F - eta/2 |grad F|^2`` for the step after
    it; sum over T / (m + 1) periods and divide by the two gradients of each.

    Examples
    --------
    >>> mixed_bound(1.0, 1.0, step=0.1, steps=100, num_classes=4, class_gradient=2.0, drift=3.0)
    0.68
    """
    classes = checked("num_classes", num_classes, positive=True)
    rate = np.asarray(sgd_bound(gap, smoothness, step, steps, 0.0))
    steep, lag = checked("class_gradient", class_gradient), checked("drift", drift)
    return unwrapped((classes + 1.0) * rate / 2.0 + (np.asarray(step) * steep * lag) ** 2 / 2.0)


def sampling_variance(
    class_squares: ArrayLike,
    total_square: ArrayLike,
    probabilities: ArrayLike,
    class_variance: ArrayLike = 0.0,
) -> Array | float:
    """Return sigma^2 of Theorem 8, E|G_J / p_J - grad F|^2, for a class J drawn with chances p.

    ``sum over r of (|G_r|^2 + noise_r) / p_r - |grad F|^2``. It does not vanish with the noise.

    Parameters
    ----------
    class_squares : array_like, shape (..., m)
        |G_r|^2.
    total_square : array_like, shape (...)
        |grad F|^2.
    probabilities : array_like, shape (m,)
        p_r > 0, summing to 1.
    class_variance : array_like, shape (..., m), default 0
        E|noise of class r|^2.

    Returns
    -------
    float or ndarray, shape (...)

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 110 ("with the variance bound adjusted"), which does not say to what.

    Examples
    --------
    >>> sampling_variance([1.0, 1.0], 0.0, [0.5, 0.5])
    4.0
    """
    chances = checked("probabilities", probabilities, positive=True)
    if abs(float(chances.sum()) - 1.0) > 1e-9:
        raise InvalidInputError(f"probabilities should sum to 1; found {probabilities!r}.")
    squares = checked("class_squares", class_squares)
    noise = checked("class_variance", class_variance)
    whole = checked("total_square", total_square)
    return unwrapped(((squares + noise) / chances).sum(axis=-1) - whole)


def biased_sampling_bound(
    gap: ArrayLike,
    smoothness: ArrayLike,
    step: ArrayLike,
    steps: ArrayLike,
    num_classes: ArrayLike,
    second_moment: ArrayLike,
) -> Array | float:
    """Return ``m gap / (eta T) + m L eta M / 2`` for classes drawn uniformly and *not* scaled.

    Bounds the average of E|grad F|^2 over the steps, for any eta. Drawn with unequal probabilities
    and not scaled, steps descend on sum p_r F_r, whose stationary points are others: no bound on
    grad F that tends to zero exists.

    Parameters
    ----------
    gap, smoothness, step, steps : array_like
        As in `sgd_bound`.
    num_classes : array_like
        m >= 1.
    second_moment : array_like
        M >= E|g_t|^2 of the unscaled step.

    Returns
    -------
    float or ndarray

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours: E g_t = grad F / m in eq. 105.

    Examples
    --------
    >>> biased_sampling_bound(1.0, 1.0, step=0.1, steps=100, num_classes=4, second_moment=0.5)
    0.5
    """
    gap, curved = checked("gap", gap), checked("smoothness", smoothness)
    eta, count = checked("step", step, positive=True), checked("steps", steps, positive=True)
    classes = checked("num_classes", num_classes, positive=True)
    energy = checked("second_moment", second_moment)
    return unwrapped(classes * (gap / (eta * count) + curved * eta * energy / 2.0))
