"""Upper bounds from L-smoothness: on the aggregated step, and on the scheduled refresh.

``mean_hessian_product`` turns the integrals of appendix C into differences of gradients, which is
exact for every differentiable F: no Hessian is ever formed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from songoku_theory.bounds.comparison._checks import Array, constants, dot, step, vectors

__all__ = [
    "aggregated_bound",
    "mean_hessian_product",
    "scheduled_bound",
    "start_bound",
    "telescoped_bound",
]


def aggregated_bound(
    value: ArrayLike, gradient: ArrayLike, eta: ArrayLike, smoothness: ArrayLike
) -> Array:
    """Return UB_agg, the descent lemma's bound on ``F(x - eta grad F(x))``.

    Parameters
    ----------
    value : array_like, shape (...)
        F(x).
    gradient : array_like, shape (..., d)
        ``grad F(x)``, the sum of the class gradients.
    eta : array_like
        Step size > 0.
    smoothness : array_like
        L.

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 42 and 50.

    Examples
    --------
    >>> aggregated_bound(0.5, [1.0], eta=1.0, smoothness=1.0).item()
    0.0
    """
    grad = vectors("gradient", gradient, 1)
    eta, lip = step(eta), constants("smoothness", smoothness)
    found = np.asarray(value, dtype=np.float64)
    return np.asarray(found - eta * (1.0 - lip * eta / 2.0) * dot(grad, grad), dtype=np.float64)


def mean_hessian_product(before: ArrayLike, after: ArrayLike, eta: ArrayLike) -> Array:
    """Return ``int_0^1 H(y - t eta v) v dt`` as ``(grad F(y) - grad F(y - eta v)) / eta``.

    Parameters
    ----------
    before, after : array_like, shape (..., d)
        Gradients of F at y and at ``y - eta v``.
    eta : array_like
        Step size > 0.

    Returns
    -------
    ndarray, shape (..., d)

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 45 (the fundamental theorem of calculus; a null set without a Hessian is fine).

    Examples
    --------
    >>> mean_hessian_product([3.0], [1.0], eta=0.5).tolist()
    [4.0]
    """
    start, end = vectors("before", before, 1), vectors("after", after, 1)
    return np.asarray((start - end) / step(eta)[..., None], dtype=np.float64)


def _bound(
    value: ArrayLike, gradient: Array, steps: Array, products: Array, eta: Array, lip: Array
) -> Array:
    """F - eta sum <grad F, G> + L eta^2 / 2 sum |G|^2 + eta^2 sum over p < q of <A_p, G_q>."""
    cross = np.triu(np.einsum("...pi,...qi->...pq", products, steps), 1).sum(axis=(-2, -1))
    return np.asarray(
        np.asarray(value, dtype=np.float64)
        - eta * dot(gradient, steps.sum(axis=-2))
        + lip * eta**2 / 2.0 * dot(steps, steps).sum(axis=-1)
        + eta**2 * cross,
        dtype=np.float64,
    )


def scheduled_bound(
    value: ArrayLike,
    gradient: ArrayLike,
    path: ArrayLike,
    products: ArrayLike,
    eta: ArrayLike,
    smoothness: ArrayLike,
) -> Array:
    """Return UB_sch as printed.

    Parameters
    ----------
    value : array_like, shape (...)
        F(x).
    gradient : array_like, shape (..., d)
        ``grad F(x)``.
    path : array_like, shape (..., m, d)
        ``G_r(x_{r-1})``, the steps that the refresh really takes.
    products : array_like, shape (..., m, d)
        As printed: ``int H(x - t eta G_p(x_{p-1})) G_p(x_{p-1}) dt``, the Hessian *near x*.
    eta, smoothness : array_like

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 49; eq. 44 for m = 2.

    Differs from
    ------------
    Not an upper bound for m >= 3 unless H is constant: the expansion needs the Hessian along the
    path, at ``x_{p-1} - t eta G_p``; see :func:`telescoped_bound`. With F' = 3 + min(x, 0), L = 1,
    eta = 1, x = 0 and classes 3, -1 and the rest, it gives -3.5 where F ends at -2.5.

    Examples
    --------
    >>> scheduled_bound(0, [3.0], [[3], [-1], [-1]], [[3], [0], [0]], eta=1, smoothness=1).item()
    -3.5
    """
    grad, steps = vectors("gradient", gradient, 1), vectors("path", path, 2)
    means = vectors("products", products, 2)
    return _bound(value, grad, steps, means, step(eta), constants("smoothness", smoothness))


def start_bound(
    value: ArrayLike,
    gradient: ArrayLike,
    start: ArrayLike,
    products: ArrayLike,
    eta: ArrayLike,
    smoothness: ArrayLike,
) -> Array:
    """Return UB_sch with every quantity replaced by its value at the start of the refresh.

    Not an upper bound on F: the drift penalty has to be added.

    Parameters
    ----------
    value, gradient, eta, smoothness : array_like
        As in :func:`scheduled_bound`.
    start : array_like, shape (..., m, d)
        ``G_r(x)``.
    products : array_like, shape (..., m, d)
        ``int H(x - t eta G_p(x)) G_p(x) dt``.

    Returns
    -------
    ndarray, shape (...)
        ``UB_agg`` + :func:`~songoku_theory.bounds.comparison.start_gap`, an identity.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, sections C.2.1 and C.4.

    Examples
    --------
    >>> start_bound(0, [1.0], [[1.0], [0.0]], [[-1.0], [0.0]], eta=1.0, smoothness=1.0).item()
    -0.5
    """
    return scheduled_bound(value, gradient, start, products, eta, smoothness)


def telescoped_bound(
    value: ArrayLike, at: ArrayLike, path: ArrayLike, eta: ArrayLike, smoothness: ArrayLike
) -> Array:
    """Return the bound that applying L-smoothness m times really gives.

    Parameters
    ----------
    value : array_like, shape (...)
        F(x).
    at : array_like, shape (..., m, d)
        ``grad F(x_{r-1})``, the full gradient where each class steps.
    path : array_like, shape (..., m, d)
        ``G_r(x_{r-1})``.
    eta, smoothness : array_like

    Returns
    -------
    ndarray, shape (...)
        ``>= F(x_sch)`` for every L-smooth F, every m and every eta > 0.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 40 along eq. 43. Equal to eq. 49 for m = 2 and for quadratics.

    Examples
    --------
    >>> telescoped_bound(0, [[3], [0], [1]], [[3], [-1], [-1]], eta=1, smoothness=1).item()
    -2.5
    """
    full, steps = vectors("at", at, 2), vectors("path", path, 2)
    eta, lip = step(eta)[..., None], constants("smoothness", smoothness)[..., None]
    change = -eta * dot(full, steps) + lip * eta**2 / 2.0 * dot(steps, steps)
    return np.asarray(np.asarray(value) + change.sum(axis=-1), dtype=np.float64)
