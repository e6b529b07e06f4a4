"""Intervals and tests for a few seeds: t intervals, paired t tests, Holm, and what they can see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from songoku_theory.errors import InvalidInputError

__all__ = ["LEVEL", "Estimate", "detectable", "estimate", "holm", "paired_p"]

LEVEL = 0.95
"""Of every interval that is printed; tests are at 1 - LEVEL."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds.

    Attributes
    ----------
    mean : float
    low, high : float or None
        Of a t interval; None with a single seed.
    seeds : int
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int

    @property
    def half_width(self) -> float | None:
        """Half the interval's width."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def _spread(values: Sequence[float]) -> float:
    """Standard deviation; 0 where it is no more than the rounding of the values."""
    found = float(np.std(values, ddof=1))
    return 0.0 if found <= 1e-12 * float(np.max(np.abs(values))) else found


def estimate(values: Sequence[float], alpha: float = 1 - LEVEL) -> Estimate | None:
    """Return the mean and its two-sided t interval.

    Parameters
    ----------
    values : sequence of float
        One a seed; taken as draws from one normal distribution.
    alpha : float
        1 - confidence level, in (0, 1).

    Returns
    -------
    Estimate or None
        None without values.

    Examples
    --------
    >>> found = estimate([1.0, 2.0, 3.0])
    >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3)
    (2.0, -0.484, 4.484)
    """
    if not 0 < alpha < 1:
        raise InvalidInputError(f"alpha should lie in (0, 1); found {alpha!r}.")
    n = len(values)
    if n == 0:
        return None
    mean = float(np.mean(values))
    if n == 1:
        return Estimate(mean, None, None, 1)
    error = _spread(values) / math.sqrt(n)
    half = float(stats.t.ppf(1 - alpha / 2, n - 1)) * error
    return Estimate(mean, mean - half, mean + half, n)


def paired_p(differences: Sequence[float]) -> float | None:
    """Return the two-sided p value of a paired t test.

    Parameters
    ----------
    differences : sequence of float
        One a seed.

    Returns
    -------
    float or None
        1 when all are 0. None with fewer than two seeds, or when all are equal but not 0: without
        spread a t test says nothing.

    Examples
    --------
    >>> round(paired_p([1.0, 2.0, 3.0]), 4)
    0.0742
    """
    n = len(differences)
    if n < 2:
        return None
    mean, spread = float(np.mean(differences)), _spread(differences)
    if spread == 0.0:
        return 1.0 if mean == 0 else None
    return float(2 * stats.t.sf(abs(mean) / (spread / math.sqrt(n)), n - 1))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p values adjusted for the number of comparisons, by Holm's step-down procedure.

    Parameters
    ----------
    p_values : sequence of float or None
        None is a comparison that could not be tested; it counts as one all the same.

    Returns
    -------
    list of float or None

    Source
    ------
    Holm (1979), "A simple sequentially rejective multiple test procedure".

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    count = len(p_values)
    tested = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * count
    highest = 0.0
    for rank, (p, i) in enumerate(tested):
        highest = max(highest, min(1.0, (count - rank) * p))
        adjusted[i] = highest
    return adjusted


def detectable(seeds: int, comparisons: int, power: float = 0.8) -> float | None:
    """Return the smallest true difference that a first step of Holm finds with this power.

    In standard deviations of the paired differences. None with fewer than two seeds.

    Parameters
    ----------
    seeds, comparisons : int
    power : float
        In (0, 1).

    Examples
    --------
    >>> round(detectable(3, 1), 1), round(detectable(10, 1), 1)
    (3.3, 1.0)
    """
    if seeds < 2:
        return None
    df = seeds - 1
    critical = float(stats.t.ppf(1 - (1 - LEVEL) / 2 / comparisons, df))

    def lacking(effect: float) -> float:
        return float(stats.nct.sf(critical, df, effect * math.sqrt(seeds))) - power

    high = 1.0
    while lacking(high) < 0 and high < 1e4:
        high *= 2
    return float(optimize.brentq(lacking, 0.0, high))
