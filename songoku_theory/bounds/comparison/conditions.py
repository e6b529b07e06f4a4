"""The conditions under which the paper promises a lower scheduled bound (section C.5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.bounds.comparison._checks import (
    Array,
    constants,
    norms,
    pairs_above,
    step,
    vectors,
)
from songoku_theory.bounds.comparison.gap import interactions

__all__ = ["condition_57", "condition_58", "condition_59", "margins"]


def margins(start: ArrayLike, products: ArrayLike) -> Array:
    """Return the largest ``Gamma_pq`` that eq. 57 allows, for each pair.

    Parameters
    ----------
    start, products : array_like, shape (..., m, d)
        As in :func:`~songoku_theory.bounds.comparison.interactions`.

    Returns
    -------
    ndarray, shape (..., m, m)
        ``-I_pq / (||G_p|| ||G_q||)`` for ``p < q``, 0 elsewhere and where a gradient is zero; a
        negative entry means that the pair breaks Assumption 7. At most L.

    Raises
    ------
    InvalidInputError
        When a value is not finite.

    Source
    ------
    SON-GOKU, Assumption 7, eq. 57.

    Examples
    --------
    >>> margins([[1.0, 1.0], [1.0, -1.0]], [[0.0, 1.0], [0.0, -1.0]])[0, 1].round(12).item()
    0.5
    """
    groups = vectors("start", start, 2)
    sizes = norms(groups)
    safe = np.where(sizes > 0, sizes, 1.0)
    scaled = -interactions(groups, products) / safe[..., :, None] / safe[..., None, :]
    return np.asarray(np.triu(scaled, 1), dtype=np.float64)


def condition_57(start: ArrayLike, products: ArrayLike) -> NDArray[np.bool_]:
    """Say whether Assumption 7 holds: every ``I_pq <= 0`` for ``p < q``.

    Parameters
    ----------
    start, products : array_like, shape (..., m, d)

    Returns
    -------
    ndarray of bool, shape (...)

    Raises
    ------
    InvalidInputError
        When a value is not finite.

    Source
    ------
    SON-GOKU, eq. 57 with the largest margins.

    Examples
    --------
    >>> condition_57([[1.0], [1.0]], [[1.0], [1.0]]).item()
    False
    """
    return np.asarray((margins(start, products) >= 0).all(axis=(-2, -1)), dtype=np.bool_)


def condition_58(
    start: ArrayLike,
    gammas: ArrayLike,
    penalty: ArrayLike,
    eta: ArrayLike,
    smoothness: ArrayLike,
) -> Array:
    """Return Theorem 6's bound on ``UB_sch - UB_agg`` for given margins.

    Parameters
    ----------
    start : array_like, shape (..., m, d)
    gammas : array_like, shape (..., m, m)
        ``Gamma_pq >= 0``; only ``p < q`` is read.
    penalty : array_like, shape (...)
        R_m.
    eta, smoothness : array_like

    Returns
    -------
    ndarray, shape (...)
        ``-eta^2`` times the excess of the left over the right side of eq. 59.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 58.

    Examples
    --------
    >>> condition_58([[1.0], [1.0]], [[0, 0.5], [0, 0]], 1.0, eta=1.0, smoothness=1.0).item()
    -0.5
    """
    groups = vectors("start", start, 2)
    sizes = norms(groups)
    lip, slack = constants("smoothness", smoothness), constants("gammas", gammas)
    hessian = pairs_above(slack * sizes[..., :, None] * sizes[..., None, :])
    inner = pairs_above(np.einsum("...pi,...qi->...pq", groups, groups))
    return np.asarray(
        -(step(eta) ** 2) * (hessian + lip * inner) + constants("penalty", penalty),
        dtype=np.float64,
    )


def condition_59(
    start: ArrayLike,
    products: ArrayLike,
    penalty: ArrayLike,
    eta: ArrayLike,
    smoothness: ArrayLike,
) -> NDArray[np.bool_]:
    """Say whether the premises of "then UB_sch < UB_agg" hold: eq. 57 and eq. 59.

    Parameters
    ----------
    start, products : array_like, shape (..., m, d)
    penalty : array_like, shape (...)
        R_m.
    eta, smoothness : array_like

    Returns
    -------
    ndarray of bool, shape (...)
        With the largest margins that eq. 57 allows; where one is negative, False.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 57 and 59. Conflict (``<G_p, G_q> < 0``) makes eq. 59 *harder* to satisfy.

    Examples
    --------
    >>> groups, products = [[1.0, 1.0], [1.0, -1.0]], [[0.0, 1.0], [0.0, -1.0]]
    >>> condition_59(groups, products, 0.9, eta=1.0, smoothness=1.0).item()
    True
    >>> condition_59(groups, products, 1.1, eta=1.0, smoothness=1.0).item()
    False
    """
    gammas = np.clip(margins(start, products), 0.0, None)
    excess = -condition_58(start, gammas, penalty, eta, smoothness)
    return np.asarray(condition_57(start, products) & (excess > 0), dtype=np.bool_)
