"""Contraction of ``F - F*`` over one refresh under the PL inequality (section C.6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.bounds.comparison._checks import Array, constants, step

__all__ = ["contraction_factor", "contraction_is_vacuous", "scheduled_contraction"]


def contraction_factor(mu: ArrayLike, eta: ArrayLike, smoothness: ArrayLike) -> Array:
    """Return ``1 - 2 mu eta (1 - L eta / 2)``.

    Parameters
    ----------
    mu : array_like
        PL constant, ``0 <= mu <= L``.
    eta : array_like
        Step size, in ``(0, 1/L]`` for the paper; the factor is true below ``2/L``.
    smoothness : array_like
        L.

    Returns
    -------
    ndarray
        In [0, 1) for ``0 < mu <= L`` and ``eta <= 1/L``.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 60 and 61.

    Examples
    --------
    >>> contraction_factor(mu=0.1, eta=1.0, smoothness=1.0).item()
    0.9
    """
    length, lip = step(eta), constants("smoothness", smoothness)
    rate = 2.0 * constants("mu", mu) * length * (1.0 - lip * length / 2.0)
    return np.asarray(1.0 - rate, dtype=np.float64)


def scheduled_contraction(
    excess: ArrayLike, gain: ArrayLike, mu: ArrayLike, eta: ArrayLike, smoothness: ArrayLike
) -> Array:
    """Return the right side of eq. 63, a bound on ``F(x_sch) - F*``.

    Parameters
    ----------
    excess : array_like
        ``F(x) - F* >= 0``.
    gain : array_like
        Delta_UB, eq. 62: ``UB_agg - UB_sch``. The bound holds for either sign of it, as long as
        UB_sch bounds F(x_sch); it does not for gains without the drift penalty.
    mu, eta, smoothness : array_like
        As in :func:`contraction_factor`.

    Returns
    -------
    ndarray

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 63.

    Examples
    --------
    >>> round(scheduled_contraction(2.0, 0.25, mu=0.1, eta=1.0, smoothness=1.0).item(), 12)
    1.55
    """
    left = contraction_factor(mu, eta, smoothness) * constants("excess", excess)
    return np.asarray(left - np.asarray(gain, dtype=np.float64), dtype=np.float64)


def contraction_is_vacuous(bound: ArrayLike, excess: ArrayLike) -> NDArray[np.bool_]:
    """Say where a bound on the new excess does not promise any decrease.

    Parameters
    ----------
    bound : array_like
        On ``F(x_new) - F*``.
    excess : array_like
        ``F(x) - F*``.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> contraction_is_vacuous([0.5, 1.0], 1.0).tolist()
    [False, True]
    """
    return np.asarray(np.asarray(bound) >= np.asarray(excess), dtype=np.bool_)
