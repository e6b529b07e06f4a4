"""How far an average of noisy gradients is from a mean that moves: exact closed forms.

Notation: E is the expected squared norm of one gradient's noise (sigma^2 d if isotropic), D the
distance that the mean moves in a step, w the weights of the average (they sum to one), n_eff the
effective sample size ``1 / sum(w^2)``. The error is the squared distance between the average and
the mean *at the last step of the window*, where the scheduler uses it.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np

from songoku_theory.ema import ema_weights, n_eff
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_beta, check_period

__all__ = ["MovingMean", "best_beta", "lag_energy", "memory_of_a_jump", "tracking_error"]

MovingMean = Literal["linear", "walk"]


def lag_energy(window: int, beta: float, kind: MovingMean = "linear") -> float:
    """Return the squared lag of the windowed EMA, in units of D^2.

    ``"linear"``: a mean that moves by D along a line is met ``D sum_t w_t (R - t)`` behind.
    ``"walk"``: independent steps of root-mean-square length D; the error is ``sum_s c_s^2`` with
    ``c_s`` the weight of all gradients before step s.

    Parameters
    ----------
    window : int
        R >= 1, in steps.
    beta : float
        In [0, 1).
    kind : {"linear", "walk"}

    Returns
    -------
    float

    Raises
    ------
    InvalidInputError, UnknownNameError
        When an argument is out of range.

    Source
    ------
    Ours. For long windows the linear one is ``(beta / (1 - beta))^2 = ((n_eff - 1) / 2)^2`` and the
    walk's ``beta^2 / (1 - beta^2)``.

    Examples
    --------
    >>> round(lag_energy(1000, 0.5), 9), round(lag_energy(1000, 0.5, "walk"), 9)
    (1.0, 0.333333333)
    """
    weights = ema_weights(window, beta)
    if kind == "linear":
        return float(np.dot(weights, np.arange(window - 1, -1, -1, dtype=np.float64)) ** 2)
    if kind == "walk":
        return float((np.cumsum(weights)[:-1] ** 2).sum())
    raise unknown_name("kind of moving mean", str(kind), get_args(MovingMean))


def tracking_error(
    window: int, beta: float, noise_energy: float, drift: float, kind: MovingMean = "linear"
) -> float:
    """Return the expected squared distance of the average from the mean at the window's end.

    ``E / n_eff + D^2 lag_energy``: noise and lag do not mix, because the noise has mean zero.

    Parameters
    ----------
    window : int
        R >= 1, in steps; the whole history for an EMA that is carried over.
    beta : float
        In [0, 1).
    noise_energy : float
        E >= 0.
    drift : float
        D >= 0.
    kind : {"linear", "walk"}

    Returns
    -------
    float

    Raises
    ------
    InvalidInputError, UnknownNameError
        When an argument is out of range.

    Examples
    --------
    >>> tracking_error(1, 0.9, noise_energy=4.0, drift=1.0)
    4.0
    """
    for name, value in (("noise_energy", noise_energy), ("drift", drift)):
        if not (math.isfinite(value) and value >= 0):
            raise InvalidInputError(f"{name} should be finite and >= 0; found {value!r}.")
    return noise_energy / float(n_eff(window, beta)) + drift**2 * lag_energy(window, beta, kind)


def best_beta(window: int, noise_energy: float, drift: float, kind: MovingMean = "linear") -> float:
    """Return the beta with the least tracking error at a given window.

    Parameters
    ----------
    window : int
        R >= 1, in steps.
    noise_energy, drift : float
        E >= 0 and D > 0.
    kind : {"linear", "walk"}

    Returns
    -------
    float
        In [0, 1); to about 1e-6 in log(1 - beta).

    Raises
    ------
    InvalidInputError, UnknownNameError
        When an argument is out of range.

    Examples
    --------
    >>> from songoku_theory.ema import best_n_eff
    >>> beta = best_beta(4096, noise_energy=50.0, drift=1.0)
    >>> round((1 + beta) / (1 - beta), 3), round(best_n_eff(50.0, 1.0), 3)
    (5.0, 5.0)
    """
    from scipy.optimize import minimize_scalar

    if not (math.isfinite(drift) and drift > 0):
        raise InvalidInputError(f"drift should be finite and > 0; found {drift!r}.")
    check_period(window, "window")

    def error(log_forgetting: float) -> float:
        return tracking_error(window, -math.expm1(log_forgetting), noise_energy, drift, kind)

    # A grid first: with a short window the error is flat where beta no longer matters.
    grid = np.linspace(math.log(1e-7), 0.0, 200)
    least = int(np.argmin([error(value) for value in grid]))
    low, high = grid[max(least - 1, 0)], grid[min(least + 1, grid.size - 1)]
    found = minimize_scalar(error, bounds=(low, high), method="bounded", options={"xatol": 1e-7})
    return float(-math.expm1(found.x)) if found.x < 0 else 0.0


def memory_of_a_jump(steps_after: int, beta: float, steps_before: int | None = None) -> float:
    """Return the weight that a carried EMA still gives to what was before a jump.

    Parameters
    ----------
    steps_after : int
        Gradients seen since the jump; >= 0.
    beta : float
        In [0, 1).
    steps_before : int, optional
        Gradients before it; None for a long history.

    Returns
    -------
    float
        ``beta^a (1 - beta^b) / (1 - beta^(a + b))``; the average is this share of the old mean and
        the rest of the new one. It falls below one half after ``ln 2 / -ln beta`` steps. 0 for an
        EMA that is reset at the jump.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    Ours, from eq. 8 and 18.

    Examples
    --------
    >>> memory_of_a_jump(1, 0.5), memory_of_a_jump(0, 0.9, 5)
    (0.5, 1.0)
    """
    check_beta(beta)
    if steps_after < 0 or (steps_before is not None and steps_before < 1):
        raise InvalidInputError(
            "steps_after should be >= 0 and steps_before >= 1; found "
            f"{steps_after} and {steps_before}."
        )
    share = beta**steps_after
    if steps_before is None:
        return float(share)
    return float(share * (1.0 - beta**steps_before) / (1.0 - beta ** (steps_after + steps_before)))
