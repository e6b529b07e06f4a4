"""Intervals over few seeds, paired tests, and Holm's correction, as Table 1 takes them, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulations.training.table import statistics
from simulations.training.table.statistics import detectable, estimate
from songoku_theory.errors import InvalidInputError

__all__ = ["Interval", "detectable", "holm", "paired_p", "t_interval"]

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
    found = estimate(values, ALPHA)
    if found is None or found.low is None or found.high is None:
        raise InvalidInputError(f"an interval needs at least two values; found {len(values)}.")
    return Interval(found.mean, found.low, found.high, found.seeds)


def paired_p(differences: Sequence[float]) -> float:
    """Return the two-sided p value of a paired t test of mean difference 0.

    1 where all differences are equal: 0 in fact, or without the spread that a t test needs.

    Examples
    --------
    >>> round(paired_p([1.0, 2.0, 3.0]), 4), paired_p([0.0, 0.0])
    (0.0742, 1.0)
    """
    n = len(differences)
    if n < 2:
        raise InvalidInputError(f"a paired test needs at least two pairs; found {n}.")
    found = statistics.paired_p(differences)
    return 1.0 if found is None else found


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p values adjusted by Holm's procedure; any dependence between the tests is allowed.

    Source
    ------
    Holm (1979), "A simple sequentially rejective multiple test procedure".

    Examples
    --------
    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    adjusted = statistics.holm(list(p_values.values()))
    return {name: p for name, p in zip(p_values, adjusted, strict=True) if p is not None}
