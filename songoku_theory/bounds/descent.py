"""How much a step on one class of tasks descends: for the class, its members, the full objective.

Everything is read off the Gram matrix of the gradients. Three objectives are easily confused:

- the class's own, ``sum over k in S of L_k``: Propositions 6 and 7 are about it;
- each member's own, ``L_i`` with i in S: neither proposition says anything about it;
- the full objective F, all tasks: nor about that, and it is F that training minimises.

All functions take stacks of Gram matrices. A task of the class that has gradient zero counts in
``|S|`` but has no direction: it conflicts with nobody.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError

__all__ = [
    "class_descent_bound",
    "compatibility",
    "conflict_degree_bound",
    "conflict_eigenvalue",
    "conflict_ratio",
    "descent_is_vacuous",
    "descent_ratio",
    "member_descent_bound",
    "member_slopes",
    "norm_aware_bound",
    "objective_descent_bound",
    "objective_slope",
]

Array = NDArray[np.float64]


def _grams(gram: ArrayLike) -> Array:
    matrices = np.asarray(gram, dtype=np.float64)
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2] or matrices.shape[-1] < 1:
        raise InvalidInputError(
            f"gram should have shape (..., n, n) with n >= 1; found {matrices.shape}."
        )
    if not np.isfinite(matrices).all():
        raise InvalidInputError("gram should be finite; found a NaN or an infinity.")
    if (np.diagonal(matrices, axis1=-2, axis2=-1) < 0).any():
        raise InvalidInputError("gram should have squared norms on its diagonal; found one < 0.")
    return matrices


def _taus(tau: ArrayLike) -> Array:
    values = np.asarray(tau, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():  # a NaN fails both
        raise InvalidInputError(f"tau should lie in [0, 1]; found {tau!r}.")
    return values


def _squares(matrices: Array) -> Array:
    return np.asarray(np.diagonal(matrices, axis1=-2, axis2=-1), dtype=np.float64)


def _negative_cosines(matrices: Array) -> Array:
    """``(-C)_+`` off the diagonal; 0 where a task has no direction."""
    norms = np.sqrt(_squares(matrices))
    safe = np.where(norms > 0, norms, 1.0)
    # Two divisions: a product of two tiny norms can underflow where the cosine is harmless.
    conflict = np.clip(-matrices / safe[..., :, None] / safe[..., None, :], 0.0, 1.0)
    return np.asarray(conflict * ~np.eye(matrices.shape[-1], dtype=np.bool_), dtype=np.float64)


def compatibility(gram: ArrayLike) -> Array:
    """Return the smallest tau for which the tasks are tau-compatible: their largest ``-cosine``.

    Parameters
    ----------
    gram : array_like, shape (..., n, n)

    Returns
    -------
    ndarray, shape (...)
        In [0, 1]; 0 for a single task.

    Raises
    ------
    InvalidInputError
        When `gram` is no stack of Gram matrices.

    Source
    ------
    SON-GOKU, eq. 76.

    Examples
    --------
    >>> compatibility([[1.0, -3.0], [-3.0, 25.0]]).item()
    0.6
    """
    return np.asarray(_negative_cosines(_grams(gram)).max(axis=(-2, -1)), dtype=np.float64)


def descent_ratio(gram: ArrayLike) -> Array:
    """Return ``||sum of g_k||^2 / sum of ||g_k||^2``, the quantity that both propositions bound.

    Parameters
    ----------
    gram : array_like, shape (..., n, n)

    Returns
    -------
    ndarray, shape (...)
        In [0, n]; 1 where all gradients are zero (then every bound holds with equality).

    Raises
    ------
    InvalidInputError
        When `gram` is no stack of Gram matrices.

    Examples
    --------
    >>> descent_ratio([[1.0, -0.5], [-0.5, 1.0]]).item()
    0.5
    """
    matrices = _grams(gram)
    total = _squares(matrices).sum(axis=-1)
    both = np.clip(matrices.sum(axis=(-2, -1)), 0.0, None)
    return np.asarray(np.where(total > 0, both / np.where(total > 0, total, 1.0), 1.0))


def class_descent_bound(tau: ArrayLike, size: ArrayLike) -> Array:
    """Return Proposition 6's lower bound on :func:`descent_ratio`: ``1 - tau (|S| - 1)``.

    Parameters
    ----------
    tau : array_like
        In [0, 1].
    size : array_like of int
        ``|S| >= 1``; broadcasts against `tau`.

    Returns
    -------
    ndarray
        Not above 0 exactly where the statement says nothing (:func:`descent_is_vacuous`).

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, Proposition 6, eq. 77 (eq. 12). Attained by |S| gradients of equal norm with all
    cosines -tau, which exist exactly when ``tau (|S| - 1) <= 1``; beyond that, ratio 0 is possible
    and no better bound than ``>= 0`` is true.

    Examples
    --------
    >>> class_descent_bound(0.25, [1, 3, 5, 6]).tolist()
    [1.0, 0.5, 0.0, -0.25]
    """
    sizes = np.asarray(size)
    if sizes.dtype.kind not in "iu" or (sizes < 1).any():
        raise InvalidInputError(f"size should be whole numbers >= 1; found {size!r}.")
    return np.asarray(1.0 - _taus(tau) * (sizes - 1), dtype=np.float64)


def descent_is_vacuous(bound: ArrayLike) -> NDArray[np.bool_]:
    """Say where a lower bound on a squared norm says nothing, that is where it is not positive.

    Parameters
    ----------
    bound : array_like
        From :func:`class_descent_bound`, :func:`norm_aware_bound`, or ``1 - conflict_ratio(...)``.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> descent_is_vacuous(class_descent_bound(0.25, [4, 5])).tolist()
    [False, True]
    """
    return np.asarray(np.asarray(bound, dtype=np.float64) <= 0.0, dtype=np.bool_)


def conflict_ratio(gram: ArrayLike) -> Array:
    """Return tau_eff of Proposition 7; ``1 - tau_eff`` bounds :func:`descent_ratio` from below.

    Parameters
    ----------
    gram : array_like, shape (..., n, n)

    Returns
    -------
    ndarray, shape (...)
        ``>= 0``; 0 where all gradients are zero (eq. 88 would divide by zero there).

    Raises
    ------
    InvalidInputError
        When `gram` is no stack of Gram matrices.

    Source
    ------
    SON-GOKU, eq. 88, Proposition 7; eq. 93. Equality with the ratio exactly when no pair has a
    positive inner product.

    Examples
    --------
    >>> conflict_ratio([[1.0, -0.5], [-0.5, 1.0]]).item()
    0.5
    """
    matrices = _grams(gram)
    off = np.clip(-matrices, 0.0, None) * ~np.eye(matrices.shape[-1], dtype=np.bool_)
    total = _squares(matrices).sum(axis=-1)
    return np.asarray(off.sum(axis=(-2, -1)) / np.where(total > 0, total, 1.0), dtype=np.float64)


def norm_aware_bound(gram: ArrayLike, tau: ArrayLike) -> Array:
    """Return the lower bound on :func:`descent_ratio` that knows tau and the norms.

    Parameters
    ----------
    gram : array_like, shape (..., n, n)
        Only its diagonal is read.
    tau : array_like
        In [0, 1]; broadcasts against the stack.

    Returns
    -------
    ndarray, shape (...)
        ``1 - tau ((sum ||g_k||)^2 / sum ||g_k||^2 - 1)``, at least :func:`class_descent_bound`.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, eq. 82, before Cauchy and Schwarz (eq. 83) throw the norms away.

    Examples
    --------
    >>> norm_aware_bound([[1.0, 0.0], [0.0, 9.0]], 0.5).item()
    0.7
    """
    squares = _squares(_grams(gram))
    total = squares.sum(axis=-1)
    spread = np.sqrt(squares).sum(axis=-1) ** 2 / np.where(total > 0, total, 1.0)
    return np.asarray(1.0 - _taus(tau) * np.where(total > 0, spread - 1.0, 0.0), dtype=np.float64)


def conflict_eigenvalue(gram: ArrayLike) -> Array:
    """Return ``lambda_max((-C)_+)``, which tau_eff never exceeds whatever the norms are.

    Parameters
    ----------
    gram : array_like, shape (..., n, n)

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    InvalidInputError
        When `gram` is no stack of Gram matrices.

    Source
    ------
    Ours: ``tau_eff = a' (-C)_+ a / a'a`` with ``a_k = ||g_k||``, a Rayleigh quotient. The best
    bound on tau_eff from cosines alone: the matrix's Perron vector is a possible vector of norms.

    Examples
    --------
    >>> round(conflict_eigenvalue([[1.0, -1.5], [-1.5, 9.0]]).item(), 12)
    0.5
    """
    conflict = _negative_cosines(_grams(gram))
    return np.asarray(np.clip(np.linalg.eigvalsh(conflict)[..., -1], 0.0, None), dtype=np.float64)


def conflict_degree_bound(gram: ArrayLike, tau: ArrayLike) -> Array:
    """Return tau times the largest number of negative pairs that a task has in the class.

    Parameters
    ----------
    gram : array_like, shape (..., n, n)
        Of tau-compatible gradients.
    tau : array_like
        In [0, 1].

    Returns
    -------
    ndarray, shape (...)
        At least :func:`conflict_eigenvalue`, at most ``tau (n - 1)``.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours: an eigenvalue of a nonnegative matrix is at most its largest row sum, and the entries of
    a compatible class are at most tau.

    Examples
    --------
    >>> conflict_degree_bound([[1, -0.2, 0.5], [-0.2, 1, 0.1], [0.5, 0.1, 1]], 0.3).item()
    0.3
    """
    pairs = (_negative_cosines(_grams(gram)) > 0).sum(axis=-1).max(axis=-1)
    return np.asarray(_taus(tau) * pairs, dtype=np.float64)


def member_slopes(gram: ArrayLike) -> Array:
    """Return ``<g_i, sum of g_j>``: how fast each member's own loss falls in the class's step.

    Parameters
    ----------
    gram : array_like, shape (..., n, n)

    Returns
    -------
    ndarray, shape (..., n)
        Negative where the step *raises* that member's loss, to first order.

    Raises
    ------
    InvalidInputError
        When `gram` is no stack of Gram matrices.

    Examples
    --------
    >>> member_slopes([[1.0, -3.0], [-3.0, 25.0]]).tolist()
    [-2.0, 22.0]
    """
    return np.asarray(_grams(gram).sum(axis=-1), dtype=np.float64)


def member_descent_bound(gram: ArrayLike, tau: ArrayLike) -> Array:
    """Return a lower bound on each member's slope: ``||g_i|| (||g_i|| - tau sum of the others)``.

    Parameters
    ----------
    gram : array_like, shape (..., n, n)
        Of tau-compatible gradients; only its diagonal is read.
    tau : array_like
        In [0, 1]; broadcasts against the stack.

    Returns
    -------
    ndarray, shape (..., n)
        Member i is certified not to rise where this is ``>= 0``; elsewhere it says nothing.

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    Ours. Attained: the others may all point one way, at cosine -tau to g_i.

    Examples
    --------
    >>> member_descent_bound([[1.0, -3.0], [-3.0, 25.0]], 0.6).tolist()
    [-2.0, 22.0]
    """
    norms = np.sqrt(_squares(_grams(gram)))
    others = norms.sum(axis=-1, keepdims=True) - norms
    return np.asarray(norms * (norms - _taus(tau)[..., None] * others), dtype=np.float64)


def _masks(members: ArrayLike, tasks: int) -> Array:
    masks = np.asarray(members)
    if masks.dtype != np.bool_ or masks.ndim < 1 or masks.shape[-1] != tasks:
        raise InvalidInputError(
            f"members should be booleans of shape (..., {tasks}), one a task; found dtype "
            f"{masks.dtype} and shape {masks.shape}."
        )
    return masks.astype(np.float64)


def objective_slope(gram: ArrayLike, members: ArrayLike) -> Array:
    """Return ``<grad F, G_S>``: how fast the *full* objective falls in the step of class S.

    Parameters
    ----------
    gram : array_like, shape (..., K, K)
        Of all tasks' gradients.
    members : array_like of bool, shape (..., K)
        The class.

    Returns
    -------
    ndarray, shape (...)
        Negative where the step raises F, to first order. Over the classes of a partition these
        sum to ``||grad F||^2``, so a whole cycle never raises F to first order.

    Raises
    ------
    InvalidInputError
        When a shape does not fit.

    Examples
    --------
    >>> objective_slope([[1.0, -2.0], [-2.0, 4.0]], [True, False]).item()
    -1.0
    """
    matrices = _grams(gram)
    masks = _masks(members, matrices.shape[-1])
    return np.asarray(np.einsum("...i,...ij->...", masks, matrices), dtype=np.float64)


def objective_descent_bound(gram: ArrayLike, members: ArrayLike) -> Array:
    """Return ``||G_S|| (||G_S|| - ||G_rest||)``, a lower bound on :func:`objective_slope`.

    Parameters
    ----------
    gram : array_like, shape (..., K, K)
    members : array_like of bool, shape (..., K)

    Returns
    -------
    ndarray, shape (...)
        F is certified not to rise where this is ``>= 0``: where the class's gradient is at least
        as long as the sum of all the others'.

    Raises
    ------
    InvalidInputError
        When a shape does not fit.

    Source
    ------
    Ours: Cauchy and Schwarz on ``<G_S + G_rest, G_S>``; attained where the two are opposite.

    Examples
    --------
    >>> objective_descent_bound([[1.0, -2.0], [-2.0, 4.0]], [True, False]).item()
    -1.0
    """
    matrices = _grams(gram)
    masks = _masks(members, matrices.shape[-1])
    mine = np.einsum("...i,...ij,...j->...", masks, matrices, masks)
    rest = np.einsum("...i,...ij,...j->...", 1.0 - masks, matrices, 1.0 - masks)
    norms = np.sqrt(np.clip(mine, 0.0, None)), np.sqrt(np.clip(rest, 0.0, None))
    return np.asarray(norms[0] * (norms[0] - norms[1]), dtype=np.float64)
