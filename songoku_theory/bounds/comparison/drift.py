"""What replacing the gradients along the refresh by those at its start can cost.

Eq. 55 bounds the displacement ``x_{r-1} - x`` by the class gradients *at the start*; the refresh
moves by those along the path, which may have grown. So eq. 55 fails from m = 3 on, and eq. 56,
which besides leaves out the error inside the integrals, from m = 2 on. The corrected forms follow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from songoku_theory.bounds.comparison._checks import Array, constants, norms, step, vectors

__all__ = ["corrected_drift_penalty", "corrected_norms", "drift_norms", "drift_penalty"]


def _before(values: Array) -> Array:
    """``S_{r-1}``: sums over the earlier classes; 0 for the first."""
    return np.asarray(np.cumsum(values, axis=-1) - values, dtype=np.float64)


def drift_norms(start: ArrayLike, class_smoothness: ArrayLike, eta: ArrayLike) -> Array:
    """Return the paper's bounds on ``||G_r(x_{r-1})||``.

    Parameters
    ----------
    start : array_like, shape (..., m, d)
        ``G_r(x)``, in the order of the refresh.
    class_smoothness : array_like, shape (..., m)
        L_r, in the same order.
    eta : array_like

    Returns
    -------
    ndarray, shape (..., m)

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 48 and 55.

    Differs from
    ------------
    True for r <= 2 only: see :func:`corrected_norms`.

    Examples
    --------
    >>> drift_norms([[1.0], [1.0], [1.0]], [0.0, 1.0, 1.0], eta=0.5).tolist()
    [1.0, 1.5, 2.0]
    """
    sizes = norms(vectors("start", start, 2))
    lips = constants("class_smoothness", class_smoothness)
    return np.asarray(sizes + lips * step(eta)[..., None] * _before(sizes), dtype=np.float64)


def corrected_norms(start: ArrayLike, class_smoothness: ArrayLike, eta: ArrayLike) -> Array:
    """Return bounds on ``||G_r(x_{r-1})||`` that hold for every m.

    Parameters
    ----------
    start : array_like, shape (..., m, d)
    class_smoothness : array_like, shape (..., m)
    eta : array_like

    Returns
    -------
    ndarray, shape (..., m)
        ``U_r = ||G_r|| + L_r eta sum over p < r of U_p``.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours. By induction ``||x_{r-1} - x|| <= eta sum over p < r of U_p``; attained in one dimension.

    Examples
    --------
    >>> corrected_norms([[1.0], [1.0], [1.0]], [0.0, 1.0, 1.0], eta=0.5).tolist()
    [1.0, 1.5, 2.25]
    """
    sizes = norms(vectors("start", start, 2))
    lips = np.broadcast_to(constants("class_smoothness", class_smoothness), sizes.shape)
    length = step(eta)
    moved = np.zeros(np.broadcast_shapes(sizes.shape[:-1], length.shape))
    found = []
    for r in range(sizes.shape[-1]):
        found.append(sizes[..., r] + lips[..., r] * length * moved)
        moved = moved + found[-1]
    return np.stack(found, axis=-1)


def drift_penalty(
    start: ArrayLike, class_smoothness: ArrayLike, eta: ArrayLike, smoothness: ArrayLike
) -> Array:
    """Return the paper's bound on R_m.

    Parameters
    ----------
    start : array_like, shape (..., m, d)
    class_smoothness : array_like, shape (..., m)
    eta, smoothness : array_like

    Returns
    -------
    ndarray, shape (...)
        Of the same order, eta^2, as the gap that it is compared with.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, Proposition 4, eq. 56.

    Differs from
    ------------
    Too small already for m = 2: with F = u - u^2/2, G_2 = u, x = 0, L = eta = 1, the error is 5/2
    and this is 3/2.

    Examples
    --------
    >>> drift_penalty([[1.0], [0.0]], [2.0, 1.0], eta=1.0, smoothness=1.0).item()
    1.5
    """
    sizes = norms(vectors("start", start, 2))
    lips = constants("class_smoothness", class_smoothness)
    length, lip = step(eta), constants("smoothness", smoothness)
    errors = lips * length[..., None] * _before(sizes)  # 0 for the first class
    slope = sizes.sum(axis=-1) * errors.sum(axis=-1)
    energy = (2.0 * sizes * errors + errors**2).sum(axis=-1)
    return np.asarray(length * slope + lip * length**2 / 2.0 * energy, dtype=np.float64)


def corrected_drift_penalty(
    start: ArrayLike,
    class_smoothness: ArrayLike,
    eta: ArrayLike,
    smoothness: ArrayLike,
    hessian_lipschitz: ArrayLike | None = None,
) -> Array:
    """Return a bound on ``UB_sch - (UB_sch at the start)`` that holds for every m.

    Parameters
    ----------
    start : array_like, shape (..., m, d)
    class_smoothness : array_like, shape (..., m)
    eta, smoothness : array_like
    hessian_lipschitz : array_like, optional
        M with ``||H(u) - H(v)|| <= M ||u - v||``; 0 for quadratics. None: nothing is known, and
        only ``||H|| <= L`` is used.

    Returns
    -------
    ndarray, shape (...)
        Bounds the difference of :func:`telescoped_bound` and :func:`start_bound`.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours. Terms: (1) ``eta ||grad F|| sum e_r``; (2) ``L eta^2/2 sum (2 ||G_r|| e_r + e_r^2)``; (3)
    in the integrals, ``eta^2 sum over p < q of [L U_p e_q + h_p ||G_q||]`` where
    ``e_r = U_r - ||G_r||`` bounds the change of G_r and h_p the change of the mean Hessian product,
    ``min(L (U_p + ||G_p||), L e_p + M (eta T_{p-1} + eta e_p / 2) ||G_p||)``, 0 for p = 1, with
    ``T_{p-1}`` the sum of the earlier U.

    Examples
    --------
    >>> corrected_drift_penalty([[1.0], [0.0]], [2.0, 1.0], eta=1.0, smoothness=1.0).item()
    2.5
    """
    groups = vectors("start", start, 2)
    sizes = norms(groups)
    grown = corrected_norms(groups, class_smoothness, eta)
    errors = grown - sizes
    length, lip = step(eta), constants("smoothness", smoothness)
    slope = norms(groups.sum(axis=-2)) * errors.sum(axis=-1)
    energy = (2.0 * sizes * errors + errors**2).sum(axis=-1)
    change = lip[..., None] * (grown + sizes)
    change[..., 0] = 0.0  # the first class steps from x itself
    if hessian_lipschitz is not None:
        third = constants("hessian_lipschitz", hessian_lipschitz)[..., None]
        moved = length[..., None] * (_before(grown) + errors / 2.0)
        change = np.minimum(change, lip[..., None] * errors + third * moved * sizes)
    inside = _before(lip[..., None] * grown) * errors + _before(change) * sizes
    return np.asarray(
        length * slope + length**2 * (lip / 2.0 * energy + inside.sum(axis=-1)), dtype=np.float64
    )
