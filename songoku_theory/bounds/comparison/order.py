"""To second order in the step size, who wins: scheduled or aggregated?

``x_sch - x_agg = eta^2 sum over p < q of J_q G_p + O(eta^3)`` with J_q the Jacobian of G_q, so
``F(x_sch) - F(x_agg) = eta^2 <grad F, sum over p < q of J_q G_p> + O(eta^3)``. Unlike the bounds of
appendix C, this is the truth to that order, of either sign.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from songoku_theory.bounds.comparison._checks import Array, step, vectors
from songoku_theory.errors import InvalidInputError

__all__ = ["order_criterion", "random_order_criterion"]


def _terms(gradient: ArrayLike, jacobian_products: ArrayLike) -> Array:
    """``<grad F, J_q G_p>`` at (p, q)."""
    grad = vectors("gradient", gradient, 1)
    products = np.asarray(jacobian_products, dtype=np.float64)
    if products.ndim < 3 or products.shape[-2] != products.shape[-3]:
        raise InvalidInputError(
            "jacobian_products should have shape (..., m, m, d), J_q G_p at (p, q); found "
            f"{products.shape}."
        )
    return np.asarray(np.einsum("...i,...pqi->...pq", grad, products), dtype=np.float64)


def order_criterion(gradient: ArrayLike, jacobian_products: ArrayLike, eta: ArrayLike) -> Array:
    """Return ``F(x_sch) - F(x_agg)`` to second order, for the given order of the classes.

    Parameters
    ----------
    gradient : array_like, shape (..., d)
        ``grad F(x)``.
    jacobian_products : array_like, shape (..., m, m, d)
        ``J_q(x) G_p(x)`` at (p, q), classes in the order of the refresh.
    eta : array_like

    Returns
    -------
    ndarray, shape (...)
        Negative where scheduling wins, for eta small enough.

    Raises
    ------
    InvalidInputError
        When a shape does not fit.

    Source
    ------
    Ours.

    Examples
    --------
    >>> order_criterion([1.0], [[[0.0], [2.0]], [[-1.0], [0.0]]], eta=0.1).round(12).item()
    0.02
    """
    above = np.triu(_terms(gradient, jacobian_products), 1).sum(axis=(-2, -1))
    return np.asarray(step(eta) ** 2 * above, dtype=np.float64)


def random_order_criterion(
    gradient: ArrayLike, jacobian_products: ArrayLike, eta: ArrayLike
) -> Array:
    """Return the mean of :func:`order_criterion` over a uniformly random order.

    Parameters
    ----------
    gradient : array_like, shape (..., d)
    jacobian_products : array_like, shape (..., m, m, d)
        In any order.
    eta : array_like

    Returns
    -------
    ndarray, shape (...)
        ``(eta^2 / 2) <grad F, grad Phi>`` with ``Phi = sum over p < q of <G_p, G_q>``, because
        ``grad <G_p, G_q> = J_p G_q + J_q G_p`` and each of the two comes first half of the time.

    Raises
    ------
    InvalidInputError
        When a shape does not fit.

    Source
    ------
    Ours.

    Examples
    --------
    >>> random_order_criterion([1.0], [[[0.0], [2.0]], [[-1.0], [0.0]]], 0.1).round(12).item()
    0.005
    """
    terms = _terms(gradient, jacobian_products)
    off = terms.sum(axis=(-2, -1)) - np.trace(terms, axis1=-2, axis2=-1)
    return np.asarray(step(eta) ** 2 / 2.0 * off, dtype=np.float64)
