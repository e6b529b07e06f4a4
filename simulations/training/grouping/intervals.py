"""Intervals over few seeds, paired tests, and Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from songoku_theory.errors import InvalidInputError

__all__ = ["Interval", "holm", "paired_p", "t_interval"]

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95% interval by Student's t."""

    mean: float
    low: float
    high: float
    count: int


def t_interval(values: Sequence[float]) -> Interval:
    """Return the mean of independent repetitions with its 95% t interval.

    Exact for normal values; with few seeds that is an assumption.

    Parameters
    ----------
    values : sequence of float
        At least two.

    Raises
    ------
    InvalidInputError
        When there are fewer.

    Examples
    --------
    >>> found = t_interval([1.0, 2.0, 3.0])
    >>> found.mean, round(found.high - found.mean, 4)
    (2.0, 2.4841)
    """
    n = len(values)
    if n < 2:
        raise InvalidInputError(f"an interval needs at least two values; found {n}.")
    mean = float(np.mean(values))
    half = float(stats.t.ppf(1 - ALPHA / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def paired_p(differences: Sequence[float]) -> float:
    """Return the two-sided p value of a paired t test of mean difference 0.

    Where all differences are equal it is 1 (all 0) or 0.

    Examples
    --------
    >>> round(paired_p([1.0, 2.0, 3.0]), 4), paired_p([0.0, 0.0])
    (0.0742, 1.0)
    """
    n = len(differences)
    if n < 2:
        raise InvalidInputError(f"a paired test needs at least two pairs; found {n}.")
    spread = float(np.std(differences, ddof=1))
    mean = float(np.mean(differences))
    if spread == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return float(2 * stats.t.sf(abs(mean) / (spread / np.sqrt(n)), n - 1))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p values adjusted by Holm's procedure; any dependence between the tests is allowed.

    Source
    ------
    Holm (1979), "A simple sequentially rejective multiple test procedure".

    Examples
    --------
    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    left, highest, found = len(p_values), 0.0, {}
    for name, p in sorted(p_values.items(), key=lambda item: (item[1], item[0])):
        highest = max(highest, min(1.0, left * p))
        found[name] = highest
        left -= 1
    return found
