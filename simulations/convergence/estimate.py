"""Means over independent runs with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from songoku_theory.errors import InvalidInputError

__all__ = ["Mean", "mean_of_runs"]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with an interval."""

    value: float
    low: float
    high: float


def mean_of_runs(values: ArrayLike, alpha: float = 0.05) -> Mean:
    """Return the mean of independent runs and Student's interval; of one run, the run itself.

    Parameters
    ----------
    values : array_like, shape (runs,)
        Finite.
    alpha : float, default 0.05
        In (0, 1). The coverage 1 - alpha is exact for Gaussian values and nominal otherwise.

    Returns
    -------
    Mean
        A single value is its own interval: give one only where nothing is random.

    Raises
    ------
    InvalidInputError
        When there are no values.

    Examples
    --------
    >>> mean_of_runs([1.0, 3.0]).value, mean_of_runs([2.0])
    (2.0, Mean(value=2.0, low=2.0, high=2.0))
    """
    from scipy.stats import t

    runs = np.asarray(values, dtype=np.float64)
    if runs.ndim != 1 or runs.size == 0:
        raise InvalidInputError(f"expected the values of some runs; found shape {runs.shape}.")
    center = float(runs.mean())
    if runs.size == 1:
        return Mean(center, center, center)
    error = float(runs.std(ddof=1)) / math.sqrt(runs.size)
    half = float(t.ppf(1.0 - alpha / 2.0, runs.size - 1)) * error
    return Mean(center, center - half, center + half)
