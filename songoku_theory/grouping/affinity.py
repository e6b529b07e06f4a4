"""Affinities between tasks, from losses and gradients that a training run recorded.

``S[i, j]`` is always the gain *from* task i *to* task j. All functions are pure; a leading axis,
where there is one, counts steps. NaN marks what was not collected at a step (sampling, PTG 4.3).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.ema import Convention, ema
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.linalg import cosines, gram

__all__ = [
    "SelfGain",
    "cosine_affinity",
    "cumulative",
    "ema_cosine_affinity",
    "group_transfer_gain",
    "tag_affinity",
    "transfer_gain",
]

Array = NDArray[np.float64]
SelfGain = Literal["zero", "recorded"]


def transfer_gain(joint: ArrayLike, alone: ArrayLike, self_gain: SelfGain = "zero") -> Array:
    r"""Return the transfer gains ``S[i, j] = 1 - L_j(phi_{i,j}) / L_j(phi_{j})`` (eq. 3).

    Parameters
    ----------
    joint : array_like, shape (..., n, n)
        ``joint[i, j]``: the loss (or error) of task j after a step on i and j together. NaN where
        the pair was not tried.
    alone : array_like, shape (..., n)
        The loss of task j after a step on j only; not 0.
    self_gain : {"zero", "recorded"}
        ``"zero"``: the gain of a task from itself is 0, which is what Definition 3 gives at i = j,
        as {j, j} = {j}. ``"recorded"``: from the diagonal of `joint`, e.g. after a step that counts
        the gradient of j twice; only so can the diagonals of eq. 11 and Figure 5 arise.

    Returns
    -------
    ndarray, shape (..., n, n)

    Raises
    ------
    InvalidInputError
        When a loss is 0 or negative, where the ratio says nothing about which loss is smaller.

    Source
    ------
    PTG, Definition 3, eq. 3.

    Differs from
    ------------
    The paper says "derived independently of any conditions"; the ratio needs a loss > 0, and with
    an accuracy in its place a positive S means that the accuracy fell.

    Examples
    --------
    >>> transfer_gain([[9.0, 2.0], [3.0, 9.0]], [4.0, 4.0])
    array([[0.  , 0.5 ],
           [0.25, 0.  ]])
    """
    if self_gain not in get_args(SelfGain):
        raise unknown_name("self gain", self_gain, get_args(SelfGain))
    after, base = _losses(joint, alone)
    gains = _one_minus_ratio(after, base[..., None, :])
    if self_gain == "zero":
        tasks = np.arange(gains.shape[-1])
        gains[..., tasks, tasks] = 0.0
    return gains


def group_transfer_gain(joint: ArrayLike, alone: ArrayLike) -> Array:
    """Return the gain of one group to each task, ``1 - L_j(phi_{A + j}) / L_j(phi_{j})`` (eq. 4).

    Their sum over the tasks of a set B is the gain from A to B (eq. 5).

    Parameters
    ----------
    joint : array_like, shape (..., n)
        The loss of task j after a step on the tasks of A and j together.
    alone : array_like, shape (..., n)

    Returns
    -------
    ndarray, shape (..., n)

    Raises
    ------
    InvalidInputError
        When a loss is not > 0.

    Source
    ------
    PTG, Definition 3, eq. 4 and 5.

    Examples
    --------
    >>> group_transfer_gain([1.0, 2.0], [2.0, 2.0])
    array([0.5, 0. ])
    """
    after, base = np.asarray(joint, dtype=np.float64), np.asarray(alone, dtype=np.float64)
    if after.shape != base.shape or after.ndim < 1:
        raise InvalidInputError(
            f"joint and alone should have the same shape (..., n); found {after.shape} and "
            f"{base.shape}."
        )
    return _one_minus_ratio(after, base)


def tag_affinity(after: ArrayLike, before: ArrayLike) -> Array:
    """Return TAG's affinities ``Z[i, j] = 1 - L_j(phi_{i}) / L_j(phi)``.

    Parameters
    ----------
    after : array_like, shape (..., n, n)
        ``after[i, j]``: the loss of task j after a step on task i alone; NaN where not tried.
    before : array_like, shape (..., n)
        The loss of task j before the step, > 0.

    Returns
    -------
    ndarray, shape (..., n, n)
        The diagonal is what a step on the task itself gives.

    Raises
    ------
    InvalidInputError
        When a loss is not > 0.

    Source
    ------
    Fifty et al. (2021), "Efficiently Identifying Task Groupings"; PTG, section 4.1.

    Differs from
    ------------
    TAG's loss of task j after the step uses task j's own parameters before it, as here; PTG's eq. 3
    uses those after it. Which one was recorded is the caller's affair.

    Examples
    --------
    >>> tag_affinity([[1.0, 4.0], [3.0, 2.0]], [2.0, 4.0])
    array([[ 0.5,  0. ],
           [-0.5,  0.5]])
    """
    matrix, base = _losses(after, before)
    return _one_minus_ratio(matrix, base[..., None, :])


def cosine_affinity(gram_matrix: ArrayLike) -> Array:
    """Return the cosines of the tasks' gradients from their Gram matrix.

    Parameters
    ----------
    gram_matrix : array_like, shape (n, n)

    Returns
    -------
    ndarray, shape (n, n)
        1 on the diagonal; 0 beside it for a task without gradient.

    Source
    ------
    PTG, section 5.1, baseline "CS".

    Examples
    --------
    >>> cosine_affinity([[4.0, 2.0], [2.0, 4.0]])
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    return cosines(gram_matrix).values


def ema_cosine_affinity(
    gradients: ArrayLike, beta: float, convention: Convention = "windowed"
) -> Array:
    """Return SON-GOKU's cosines of smoothed gradients, as its conflict graph sees them.

    Parameters
    ----------
    gradients : array_like, shape (T, n, d)
        Oldest first.
    beta : float
        In [0, 1).
    convention : {"windowed", "carried"}

    Returns
    -------
    ndarray, shape (n, n)

    Source
    ------
    SON-GOKU, eq. 8-9 and 18.

    Examples
    --------
    >>> ema_cosine_affinity([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [2.0, 0.0]]], beta=0.0)
    array([[1., 1.],
           [1., 1.]])
    """
    return cosines(gram(ema(gradients, beta, convention))).values


def cumulative(steps: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
    """Average affinities over the steps at which each pair was collected (eq. 7, left).

    Parameters
    ----------
    steps : array_like, shape (T, n, n)
        NaN where a pair was not collected.

    Returns
    -------
    mean : ndarray, shape (n, n)
        NaN for a pair that was never collected.
    counts : ndarray of int, shape (n, n)
        Steps behind each entry.

    Raises
    ------
    InvalidInputError
        When the shape is another one, or an entry is infinite.

    Source
    ------
    PTG, eq. 7; sections 4.3 and 5.4 for sampled and lazy collection.

    Differs from
    ------------
    Eq. 7 divides by T, the number of all steps, which for sampled steps would shrink the pairs that
    were drawn less often.

    Examples
    --------
    >>> cumulative([[[0.0, 1.0], [2.0, 0.0]], [[0.0, 3.0], [np.nan, 0.0]]])[0]
    array([[0., 2.],
           [2., 0.]])
    """
    values = np.asarray(steps, dtype=np.float64)
    if values.ndim != 3 or values.shape[1] != values.shape[2]:
        raise InvalidInputError(f"steps should have shape (T, n, n); found {values.shape}.")
    if np.isinf(values).any():
        raise InvalidInputError("steps should be finite, or NaN where a pair was not collected.")
    counts = (~np.isnan(values)).sum(axis=0)
    total = np.nansum(values, axis=0)
    mean = np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)
    return mean, counts


def _losses(matrix: ArrayLike, base: ArrayLike) -> tuple[Array, Array]:
    pairs, single = np.asarray(matrix, dtype=np.float64), np.asarray(base, dtype=np.float64)
    wanted = (*single.shape, single.shape[-1]) if single.ndim else ()
    if single.ndim < 1 or pairs.shape != wanted:
        raise InvalidInputError(
            f"losses should have shapes (..., n, n) and (..., n); found {pairs.shape} and "
            f"{single.shape}."
        )
    return pairs, single


def _one_minus_ratio(after: Array, base: Array) -> Array:
    if np.isinf(after).any() or np.isinf(base).any() or (after < 0).any() or (base <= 0).any():
        raise InvalidInputError(
            "losses should be finite, those after a joint step >= 0 and those that they are "
            "compared with > 0; NaN marks a pair that was not collected. Shift or exponentiate a "
            "loss that can be negative: the ratio of eq. 3 has no meaning for it."
        )
    return np.asarray(1.0 - after / base, dtype=np.float64)
