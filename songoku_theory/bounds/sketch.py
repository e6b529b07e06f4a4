"""How far the cosines of a sketch are from the true ones, and when a bound on that says nothing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import comb, gammaln, ndtr

from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_num_tasks, check_period, check_tau

__all__ = [
    "Values",
    "frequent_directions_cosine_error",
    "frequent_directions_error",
    "frequent_directions_is_vacuous",
    "frequent_directions_paper_cosine_error",
    "incremental_error",
    "projected_cosine_cdf",
    "projection_error",
    "projection_failure",
    "projection_flip_probability",
    "sampled_component_failure",
]

Values = NDArray[np.float64] | float

_NODES = 160  # quadrature: exact to about 1e-13 for densities as smooth as these
_REACH = 9.5  # standard deviations


def _returned(values: NDArray[np.float64]) -> Values:
    return float(values) if values.ndim == 0 else values


def _chi_rule(freedom: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights of the chi law (the length of a normal vector)."""
    centre = math.sqrt(freedom)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    low, high = max(0.0, centre - _REACH), centre + _REACH
    points = low + (high - low) * (nodes + 1.0) / 2.0
    logs = (freedom - 1) * np.log(points) - points**2 / 2.0
    logs -= (freedom / 2.0 - 1.0) * math.log(2.0) + gammaln(freedom / 2.0)
    return points, weights * (high - low) / 2.0 * np.exp(logs)


def projected_cosine_cdf(cosine: ArrayLike, at: ArrayLike, size: int) -> Values:
    """Return P(cosine of the projections <= at), exactly, for a Gaussian projection.

    Parameters
    ----------
    cosine : array_like
        True cosines C, in [-1, 1]. Broadcasts against `at`.
    at : array_like
        In (-1, 1).
    size : int
        r >= 2.

    Returns
    -------
    float or ndarray

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours; the law is that of a correlation coefficient of r pairs with known means (Fisher, 1915).
    Write the projection of one vector as ``C y + sqrt(1 - C^2) z`` with y that of the other and z
    independent. With ``a = C / sqrt(1 - C^2)`` and ``b = at / sqrt(1 - at^2)``, the event is
    ``z_1 + a |y| <= b |z_rest|`` with z_1 standard normal, |y| and |z_rest| chi with r and r - 1
    degrees of freedom, all independent: a double integral over two smooth densities. It does not
    depend on d.

    Examples
    --------
    >>> round(projected_cosine_cdf(0.0, 0.0, size=10), 12)
    0.5
    >>> projected_cosine_cdf(-0.35, -0.2, size=64) > 0.88
    True
    """
    check_period(size, "size")
    if size < 2:
        raise InvalidInputError(
            "size should be at least 2: one number a task has cosines +-1 only."
        )
    true, limit = np.broadcast_arrays(
        np.asarray(cosine, dtype=np.float64), np.asarray(at, dtype=np.float64)
    )
    if not (np.abs(true) <= 1).all():
        raise InvalidInputError(f"cosines should lie in [-1, 1]; found {cosine!r}.")
    if not (np.abs(limit) < 1).all():
        raise InvalidInputError(f"at should lie in (-1, 1); found {at!r}.")
    lengths, weights = _chi_rule(size)
    rests, others = _chi_rule(size - 1)
    found = np.empty(true.shape)
    for index in np.ndindex(true.shape):
        c, t = float(true[index]), float(limit[index])
        if abs(c) == 1.0:
            found[index] = float(c <= t)
            continue
        a, b = c / math.sqrt(1.0 - c * c), t / math.sqrt(1.0 - t * t)
        found[index] = weights @ ndtr(b * rests[None, :] - a * lengths[:, None]) @ others
    return _returned(np.clip(found, 0.0, 1.0))


def projection_flip_probability(cosine: ArrayLike, tau: float, size: int) -> Values:
    """Return the probability that a Gaussian projection decides a pair otherwise.

    Parameters
    ----------
    cosine : array_like
        True cosines.
    tau : float
        In [0, 1).
    size : int
        r >= 2.

    Returns
    -------
    float or ndarray
        Their sum over all pairs is the expected number of flipped edges, and an upper bound on the
        probability that the graph changes.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Examples
    --------
    >>> round(projection_flip_probability(-0.2, tau=0.2, size=4096), 2)
    0.5
    >>> projection_flip_probability(-0.35, tau=0.2, size=4096) < 1e-20
    True
    """
    check_tau(tau)
    if tau == 1:
        raise InvalidInputError("tau = 1 has no edges, whatever the sketch; found tau = 1.")
    true = np.asarray(cosine, dtype=np.float64)
    edge = -true > tau
    # Mirrored rather than subtracted from 1, which would lose a small probability's digits.
    found = projected_cosine_cdf(np.where(edge, -true, true), np.where(edge, tau, -tau), size)
    return _returned(np.asarray(found, dtype=np.float64))


def projection_failure(epsilon: float, size: int, num_tasks: int) -> float:
    """Return the union bound on P(some cosine of K vectors moves by more than epsilon).

    Parameters
    ----------
    epsilon : float
        In (0, 1).
    size : int
        r.
    num_tasks : int
        K.

    Returns
    -------
    float
        In (0, 1]; 1 means that the bound says nothing.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, appendix D.5.1; `songoku_theory.sketch.sketch_size` solved for the failure.

    Examples
    --------
    >>> round(projection_failure(0.1, size=46672, num_tasks=40), 4)
    0.01
    >>> projection_failure(0.1, size=1024, num_tasks=40)
    1.0
    """
    check_period(size, "size")
    check_num_tasks(num_tasks)
    if not 0 < epsilon < 1:
        raise InvalidInputError(f"epsilon should lie in (0, 1); found {epsilon!r}.")
    share = epsilon / 3.0
    rate = (share**2 / 2.0 - share**3 / 3.0) / 2.0
    return min(1.0, 2.0 * num_tasks**2 * math.exp(-rate * size))


def projection_error(size: int, num_tasks: int, failure: float = 0.05) -> float:
    """Return the epsilon that the union bound guarantees with probability ``1 - failure``.

    Parameters
    ----------
    size : int
        r.
    num_tasks : int
        K.
    failure : float, default 0.05
        In (0, 1).

    Returns
    -------
    float
        At most 2, where it says nothing: two cosines never differ by more.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Examples
    --------
    >>> round(projection_error(46672, num_tasks=40, failure=0.01), 4)
    0.1
    >>> projection_error(64, num_tasks=40)
    2.0
    """
    if not 0 < failure < 1:
        raise InvalidInputError(f"failure should lie in (0, 1); found {failure!r}.")
    low, high = 1e-9, 1.0 - 1e-12
    if projection_failure(high, size, num_tasks) > failure:
        return 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if projection_failure(middle, size, num_tasks) > failure:
            low = middle
        else:
            high = middle
    return high


def frequent_directions_error(singular_values: ArrayLike, size: int) -> float:
    """Return the bound on the Gram matrix's error, ``min over k < l of |M - M_k|_F^2 / (l - k)``.

    Parameters
    ----------
    singular_values : array_like
        Of M.
    size : int
        l >= 1.

    Returns
    -------
    float
        In the units of a squared norm. 0 when l exceeds the rank.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ghashami et al. (2016), Theorem 1.1; with k = 0 it is ``|M|_F^2 / l``, which is eq. 74 with
    epsilon = 1 / l: the paper's ``l = Theta(1 / epsilon^2)`` is more than is needed.

    Examples
    --------
    >>> frequent_directions_error([3.0, 2.0, 1.0], size=2)
    5.0
    >>> frequent_directions_error([3.0, 2.0, 1.0], size=4)
    0.0
    """
    check_period(size, "size")
    squares = np.sort(np.asarray(singular_values, dtype=np.float64).ravel() ** 2)[::-1]
    if not squares.size or not np.isfinite(squares).all():
        raise InvalidInputError(f"singular values should be finite; found {singular_values!r}.")
    tails = np.concatenate((np.cumsum(squares[::-1])[::-1], [0.0]))
    ranks = np.arange(min(size, tails.size))
    return float((tails[ranks] / (size - ranks)).min())


def frequent_directions_cosine_error(error: ArrayLike, min_norm: float) -> Values:
    """Return the cosines' error for a Gram matrix that is below the true one by at most `error`.

    Parameters
    ----------
    error : array_like
        Spectral norm of the difference, >= 0.
    min_norm : float
        m_0 > 0, the shortest row.

    Returns
    -------
    float or ndarray
        ``2 u / (1 - u)`` with ``u = error / m_0^2``; 2, which says nothing, from u = 1/2 on.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours; eq. 75 to all orders. The difference E is positive semidefinite, so with
    ``a = E_ii / G_ii <= u`` and ``b`` likewise the new cosine is ``(c - x) / sqrt((1-a)(1-b))``
    with ``|x| <= sqrt(ab) <= u``, off by at most ``(1 / (1-u) - 1) + u / (1-u)``.

    Examples
    --------
    >>> frequent_directions_cosine_error([0.1, 0.6], min_norm=1.0).round(4).tolist()
    [0.2222, 2.0]
    """
    values = np.asarray(error, dtype=np.float64)
    if not (math.isfinite(min_norm) and min_norm > 0):
        raise InvalidInputError(f"min_norm should be a finite number > 0; found {min_norm!r}.")
    if not (np.isfinite(values) & (values >= 0)).all():
        raise InvalidInputError(f"error should be finite and >= 0; found {error!r}.")
    u = values / min_norm**2
    return _returned(np.where(u < 0.5, 2.0 * u / (1.0 - np.minimum(u, 0.5)), 2.0))


def frequent_directions_paper_cosine_error(
    size: int, frobenius_squared: float, min_norm: float
) -> float:
    """Return the paper's bound on the cosines' error, first order, at its best epsilon = 1 / l.

    Parameters
    ----------
    size : int
        l >= 1.
    frobenius_squared : float
        ``|M|_F^2``.
    min_norm : float
        m_0 > 0.

    Returns
    -------
    float
        ``2 |M|_F^2 / (l m_0^2)``.

    Raises
    ------
    InvalidInputError
        When a value is out of range, or the rows would be shorter than m_0.

    Source
    ------
    SON-GOKU, eq. 75, without its second-order term.

    Examples
    --------
    >>> frequent_directions_paper_cosine_error(size=39, frobenius_squared=40.0, min_norm=1.0) > 2
    True
    """
    check_period(size, "size")
    if not (math.isfinite(min_norm) and min_norm > 0):
        raise InvalidInputError(f"min_norm should be a finite number > 0; found {min_norm!r}.")
    if not frobenius_squared >= min_norm**2:
        raise InvalidInputError(
            f"the squared Frobenius norm {frobenius_squared!r} is less than one row's, m_0^2."
        )
    return 2.0 * frobenius_squared / (size * min_norm**2)


def frequent_directions_is_vacuous(size: int, num_tasks: int) -> bool:
    """Say whether eq. 75 can't say anything for a sketch of l rows out of K.

    ``|M|_F^2 >= K m_0^2``, so its right side is at least ``2 K / l``. For l < K that is above 2,
    more than two cosines can differ. For l >= K the sketch is no smaller than M.

    Parameters
    ----------
    size : int
        l.
    num_tasks : int
        K.

    Returns
    -------
    bool
        True for every l < K (and for l = K, where it is 2).

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Examples
    --------
    >>> [frequent_directions_is_vacuous(size, 40) for size in (4, 39, 40, 41)]
    [True, True, True, False]
    """
    check_period(size, "size")
    check_num_tasks(num_tasks)
    return size <= num_tasks


def sampled_component_failure(camps: tuple[int, int], probability: float) -> float:
    """Bound P(a sampled component falls apart), for two camps that all conflict with each other.

    Parameters
    ----------
    camps : tuple of int
        a, b >= 1: sizes of the two camps; the conflicts are complete bipartite.
    probability : float
        Share of the pairs that are looked at, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 1 says nothing. Holds for pairs that are looked at independently, and for a
        fixed number of pairs drawn without repetition too.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    Ours, for appendix D.5.3: a union over cuts. A set with i tasks of one camp and j of the other
    is cut off if none of its ``i (b - j) + j (a - i)`` edges to the rest is looked at; drawing
    without repetition makes that only less likely than ``(1 - p)^edges``.

    Examples
    --------
    >>> round(sampled_component_failure((1, 1), 0.25), 12)
    0.75
    >>> sampled_component_failure((10, 10), 0.9) < 1e-7
    True
    """
    a, b = camps
    check_period(a, "camps")
    check_period(b, "camps")
    if not 0 <= probability <= 1:
        raise InvalidInputError(f"probability should lie in [0, 1]; found {probability!r}.")
    i, j = np.arange(a + 1)[:, None], np.arange(b + 1)[None, :]
    cut = i * (b - j) + j * (a - i)
    ways = comb(a, i) * comb(b, j)
    proper = (i + j > 0) & (i + j < a + b)
    decay = math.log1p(-probability) if probability < 1 else -math.inf
    logs = np.log(ways) + np.multiply(cut, decay, where=cut > 0, out=np.zeros(cut.shape))
    total = float(np.exp(np.minimum(logs, 700.0))[proper].sum()) / 2.0
    return min(1.0, total)


def incremental_error(threshold: ArrayLike) -> Values:
    """Return how far a kept cosine can be from the true one: ``2 eta``, and that is attained.

    Parameters
    ----------
    threshold : array_like
        eta, the share of its length by which a row may move unseen, in [0, 1].

    Returns
    -------
    float or ndarray
        At most 2.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours, for appendix D.5.4 with ``reference="stored"``. A row that moves by eta of its length
    turns by at most ``arcsin eta``, so the angle of a pair changes by at most ``2 arcsin eta`` and
    its cosine by at most ``2 sin(arcsin eta)``.

    Examples
    --------
    >>> incremental_error(0.05)
    0.1
    """
    values = np.asarray(threshold, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise InvalidInputError(f"threshold should lie in [0, 1]; found {threshold!r}.")
    return _returned(2.0 * values)
