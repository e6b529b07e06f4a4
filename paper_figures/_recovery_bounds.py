"""The bounds that the recovery figure sets beside its measurements."""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl
from scipy.optimize import brentq

from paper_figures._recovery_rows import MIN_NORM, Setting
from songoku_theory.bounds import dimension_aware_failure

__all__ = ["enough", "least_constant", "paper_failure", "sharper_failure"]

MOST = 1e15
"""An n_eff beyond which a bound is taken to ask for too much."""


def paper_failure(n_eff: float, setting: Setting, constant: float) -> float:
    """Solve the paper's budget (eq. 35) for delta, at a value of its unnamed constant C.

    Source
    ------
    SON-GOKU, Corollary 1: ``n_eff >= C sigma^2 / (m_0^2 gamma^2) log(K^2 / delta)``.
    """
    rate = (MIN_NORM * setting.margin / setting.sigma) ** 2 / constant
    return min(1.0, setting.num_tasks**2 * math.exp(-n_eff * rate))


def least_constant(points: pl.DataFrame, setting: Setting) -> float:
    """Find the smallest C that no point contradicts: none lies above its upper limit.

    Zero if every point allows certainty.
    """
    rate = (MIN_NORM * setting.margin / setting.sigma) ** 2
    needed = [
        n_eff * rate / math.log(setting.num_tasks**2 / (1.0 - high))
        for n_eff, high in points.select("n_eff", "graph_high").iter_rows()
        if high < 1.0
    ]
    return max(needed, default=0.0)


def sharper_failure(n_eff: float, dim: int, setting: Setting) -> float:
    """Give the failure probability of the bound that knows the dimension; 1 if it says nothing."""
    ratio = setting.sigma / (MIN_NORM * math.sqrt(n_eff))
    return dimension_aware_failure(ratio, dim, setting.tau, setting.margin, setting.num_tasks)


def enough(failure: Callable[[float], float], delta: float) -> float | None:
    """Find the n_eff from which on a decreasing failure probability is at most delta.

    Returns
    -------
    float or None
        None if no n_eff up to 1e15 is enough.

    Examples
    --------
    >>> round(enough(lambda n: 1 / n, 0.05), 6)
    20.0
    """
    if failure(MOST) > delta:
        return None
    if failure(1.0) <= delta:
        return 1.0
    log_n = brentq(lambda x: failure(math.exp(x)) - delta, 0.0, math.log(MOST), xtol=1e-12)
    return math.exp(log_n)
