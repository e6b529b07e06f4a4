"""The paper's probe budget in its other shapes: solved for delta, and both forms of eq. 36."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.bounds.recovery import check_delta, check_positive
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_num_tasks

__all__ = ["probe_budget_without_tasks", "probe_failure", "probe_weight_limit", "suggested_beta"]


def probe_failure(
    n_eff: ArrayLike,
    sigma: float,
    min_norm: float,
    margin: float,
    num_tasks: int,
    constant: float = 1.0,
) -> NDArray[np.float64] | float:
    """Return the failure probability that the paper's budget promises, eq. 35 solved for delta.

    ``delta = K^2 exp(-n_eff m_0^2 gamma^2 / (C sigma^2))``, and 1 where that is larger: there the
    budget says nothing.

    Parameters
    ----------
    n_eff : array_like
        Effective sample sizes >= 1.
    sigma, min_norm, margin : float
        As in :func:`probe_budget`.
    num_tasks : int
        K >= 1.
    constant : float, default 1
        C.

    Returns
    -------
    float or ndarray
        In [0, 1].

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, Corollary 1 eq. 35 and eq. 39.

    Examples
    --------
    >>> from songoku_theory.bounds import probe_budget
    >>> enough = probe_budget(sigma=1.0, min_norm=1.0, margin=0.2, num_tasks=6, delta=0.05)
    >>> round(probe_failure(enough, 1.0, 1.0, 0.2, 6), 9), probe_failure(1.0, 1.0, 1.0, 0.2, 6)
    (0.05, 1.0)
    """
    sizes = np.asarray(n_eff, dtype=np.float64)
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise InvalidInputError(f"n_eff should be finite and > 0; found {n_eff!r}.")
    for name, value in (
        ("sigma", sigma),
        ("min_norm", min_norm),
        ("margin", margin),
        ("constant", constant),
    ):
        check_positive(name, value)
    check_num_tasks(num_tasks)
    rate = (min_norm * margin / sigma) ** 2 / constant
    values = np.minimum(1.0, num_tasks**2 * np.exp(-sizes * rate))
    return float(values) if values.ndim == 0 else np.asarray(values, dtype=np.float64)


def probe_budget_without_tasks(
    sigma: float, min_norm: float, margin: float, constant: float = 1.0
) -> float:
    """Return eq. 36's first form, ``C sigma^2 / (m_0^2 gamma^2)``: no K and no delta in it.

    Parameters
    ----------
    sigma, min_norm, margin : float
        As in :func:`probe_budget`.
    constant : float, default 1
        C.

    Returns
    -------
    float

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, Corollary 2 eq. 36 as printed. Eq. 36's second form
    (:func:`probe_weight_limit`), called equivalent there, has a logarithm that this one lacks.

    Examples
    --------
    >>> round(probe_budget_without_tasks(sigma=1.0, min_norm=1.0, margin=0.2), 9)
    25.0
    """
    check_positive("sigma", sigma)
    check_positive("min_norm", min_norm)
    check_positive("margin", margin)
    check_positive("constant", constant)
    return constant * (sigma / (min_norm * margin)) ** 2


def probe_weight_limit(
    sigma: float,
    min_norm: float,
    margin: float,
    num_tasks: int,
    delta: float,
    constant: float = 1.0,
) -> float:
    """Return eq. 36's second form, the largest ``sum_t w_t^2``: ``c (m_0 gamma / sigma)^2 / log``.

    Parameters
    ----------
    sigma, min_norm, margin, num_tasks, delta
        As in :func:`probe_budget`.
    constant : float, default 1
        c.

    Returns
    -------
    float
        Its reciprocal is the n_eff that is asked for.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, Corollary 2 eq. 36, in brackets; its logarithm is ``log(K / delta)``, that of eq. 35
    ``log(K^2 / delta)``.

    Examples
    --------
    >>> round(1 / probe_weight_limit(1.0, 1.0, 0.2, num_tasks=6, delta=0.05), 1)
    119.7
    """
    check_delta(delta)
    check_num_tasks(num_tasks)
    budget = probe_budget_without_tasks(sigma, min_norm, margin)
    check_positive("constant", constant)
    return constant / (budget * math.log(num_tasks / delta))


def suggested_beta(num_tasks: int, delta: float) -> float:
    """Return the beta that Corollary 2 suggests as K grows, ``1 - 1 / log(K^2 / delta)``.

    Its n_eff stays below ``2 log(K^2 / delta) - 1`` however long the window is, and knows nothing
    of sigma, m_0 and gamma.

    Parameters
    ----------
    num_tasks : int
        K >= 1.
    delta : float
        In (0, 1).

    Returns
    -------
    float
        In [0, 1).

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, Corollary 2 ("e.g., 1 - beta ~ 1 / log(K^2 / delta)").

    Examples
    --------
    >>> round(suggested_beta(40, 0.05), 4)
    0.9036
    """
    check_num_tasks(num_tasks)
    check_delta(delta)
    return max(0.0, 1.0 - 1.0 / math.log(num_tasks**2 / delta))
