"""The gap between the two bounds at a common linearisation (section C.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from songoku_theory.bounds.comparison._checks import (
    Array,
    constants,
    norms,
    pairs_above,
    step,
    vectors,
)

__all__ = ["gap_bound", "gap_envelope", "interactions", "start_gap"]


def interactions(start: ArrayLike, products: ArrayLike) -> Array:
    """Return all ``I_pq = < int H(x - t eta G_p) G_p dt, G_q >``.

    Parameters
    ----------
    start : array_like, shape (..., m, d)
        ``G_r(x)``, in the order of the refresh.
    products : array_like, shape (..., m, d)
        ``int H(x - t eta G_p) G_p dt`` (:func:`mean_hessian_product` from x).

    Returns
    -------
    ndarray, shape (..., m, m)
        Entry (p, q); the paper uses ``p < q``. Not symmetric unless H is constant.

    Raises
    ------
    InvalidInputError
        When a value is not finite.

    Source
    ------
    SON-GOKU, eq. 51.

    Examples
    --------
    >>> interactions([[1.0, 1.0], [1.0, -1.0]], [[0.0, 1.0], [0.0, -1.0]])[0, 1].item()
    -1.0
    """
    groups, means = vectors("start", start, 2), vectors("products", products, 2)
    return np.asarray(np.einsum("...pi,...qi->...pq", means, groups), dtype=np.float64)


def start_gap(
    start: ArrayLike, products: ArrayLike, eta: ArrayLike, smoothness: ArrayLike
) -> Array:
    """Return ``eta^2 sum over p < q of (-L <G_p, G_q> + I_pq)``, the gap without drift.

    Parameters
    ----------
    start, products : array_like, shape (..., m, d)
        As in :func:`interactions`.
    eta, smoothness : array_like

    Returns
    -------
    ndarray, shape (...)
        Negative where the scheduled bound is the lower one, were there no drift. An identity for
        bounds at the start of the refresh. Conflict (``<G_p, G_q> < 0``) makes it *larger*.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, the first term of eq. 52.

    Examples
    --------
    >>> start_gap([[1.0], [-1.0]], [[0.0], [0.0]], eta=1.0, smoothness=1.0).item()
    1.0
    """
    groups = vectors("start", start, 2)
    inner = np.einsum("...pi,...qi->...pq", groups, groups)
    lip = constants("smoothness", smoothness)
    cross = pairs_above(interactions(groups, products)) - lip * pairs_above(inner)
    return np.asarray(step(eta) ** 2 * cross, dtype=np.float64)


def gap_bound(
    start: ArrayLike,
    products: ArrayLike,
    penalty: ArrayLike,
    eta: ArrayLike,
    smoothness: ArrayLike,
) -> Array:
    """Return Theorem 5's bound on ``UB_sch - UB_agg``.

    Parameters
    ----------
    start, products : array_like, shape (..., m, d)
        As in :func:`interactions`.
    penalty : array_like, shape (...)
        R_m: :func:`drift_penalty` (eq. 56) or :func:`corrected_drift_penalty`.
    eta, smoothness : array_like

    Returns
    -------
    ndarray, shape (...)
        Says that scheduling has the lower bound where it is negative, else nothing.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, Theorem 5, eq. 52.

    Examples
    --------
    >>> gap_bound([[1.0], [-1.0]], [[0.0], [0.0]], 0.5, eta=1.0, smoothness=1.0).item()
    1.5
    """
    found = start_gap(start, products, eta, smoothness) + constants("penalty", penalty)
    return np.asarray(found, dtype=np.float64)


def gap_envelope(
    start: ArrayLike, penalty: ArrayLike, eta: ArrayLike, smoothness: ArrayLike
) -> Array:
    """Return the envelope ``L eta^2 sum (||G_p|| ||G_q|| - <G_p, G_q>) + R_m`` of the gap.

    Parameters
    ----------
    start : array_like, shape (..., m, d)
    penalty : array_like, shape (...)
        R_m.
    eta, smoothness : array_like

    Returns
    -------
    ndarray, shape (...)
        Never negative: it can't say that scheduling is better.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 53 and 54.

    Examples
    --------
    >>> gap_envelope([[1.0], [-1.0]], 0.0, eta=1.0, smoothness=1.0).item()
    2.0
    """
    groups = vectors("start", start, 2)
    sizes = norms(groups)
    spread = sizes[..., :, None] * sizes[..., None, :] - np.einsum(
        "...pi,...qi->...pq", groups, groups
    )
    lip = constants("smoothness", smoothness)
    return np.asarray(
        lip * step(eta) ** 2 * pairs_above(spread) + constants("penalty", penalty),
        dtype=np.float64,
    )
