"""Means over few seeds: Student's intervals, paired tests, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Mean", "holm", "mean_of", "paired_p"]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its 95% interval; without one (``low == high == value``) for a single value."""

    value: float
    low: float
    high: float
    count: int


def mean_of(values: Sequence[float], level: float = 0.95) -> Mean | None:
    """Return the mean with Student's interval; None for no values.

    Examples
    --------
    >>> found = mean_of([1.0, 2.0, 3.0])
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (2.0, -0.484, 4.484)
    """
    from scipy.stats import t

    count = len(values)
    if not count:
        return None
    middle = float(np.mean(values))
    if count == 1:
        return Mean(middle, middle, middle, 1)
    error = float(np.std(values, ddof=1)) / math.sqrt(count)
    half = float(t.ppf(0.5 + level / 2, count - 1)) * error
    return Mean(middle, middle - half, middle + half, count)


def paired_p(differences: Sequence[float]) -> float | None:
    """Return the two-sided p-value of the paired t test; None for fewer than two pairs.

    Differences that are all the same and not 0 say nothing about their own spread; so do those
    that are all 0. Neither is called significant: p = 1.

    Examples
    --------
    >>> round(paired_p([1.0, 2.0, 3.0]), 4), paired_p([0.0, 0.0]), paired_p([1.0])
    (0.0742, 1.0, None)
    """
    from scipy.stats import t

    count = len(differences)
    if count < 2:
        return None
    error = float(np.std(differences, ddof=1)) / math.sqrt(count)
    middle = float(np.mean(differences))
    if error <= 1e-12 * abs(middle) or middle == 0.0:
        return 1.0
    return float(2 * t.sf(abs(middle) / error, count - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the order given.

    Source
    ------
    Holm (1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
