"""Gram matrices, cosines with one zero-norm policy, and the simplex projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_gradients, check_norm_floor

__all__ = ["Cosines", "check_gram", "cosines", "gram", "project_to_simplex"]


@dataclass(frozen=True, slots=True, eq=False)
class Cosines:
    """Pairwise cosines and which tasks they are defined for.

    Attributes
    ----------
    values : ndarray, shape (K, K)
        Symmetric, in [-1, 1], ones on the diagonal; 0 wherever a task is not included.
    included : ndarray of bool, shape (K,)
        False for a task whose norm is zero or below the floor: it has no direction.
    norms : ndarray, shape (K,)
        Euclidean norms.
    """

    values: NDArray[np.float64]
    included: NDArray[np.bool_]
    norms: NDArray[np.float64]


def gram(vectors: ArrayLike) -> NDArray[np.float64]:
    """Return all inner products of the rows, accumulated in float64.

    The Gram matrix is all that the conflict graph and the gradient-space combiners need.

    Parameters
    ----------
    vectors : array_like, shape (K, d)

    Returns
    -------
    ndarray, shape (K, K)
        Exactly symmetric.

    Raises
    ------
    InvalidInputError
        When a row is not finite, or the products overflow.

    Examples
    --------
    >>> gram([[1, 0], [3, 4]])
    array([[ 1.,  3.],
           [ 3., 25.]])
    """
    matrix = check_gradients(vectors).astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        product = np.asarray(matrix @ matrix.T, dtype=np.float64)
    if not np.isfinite(product).all():
        raise InvalidInputError(
            f"the inner products overflow float64 (largest entry {np.abs(matrix).max():.3g}). "
            f"Scale the gradients down; cosines do not change."
        )
    # BLAS may round the two triangles differently, and a graph must not depend on which is read.
    return (product + product.T) / 2.0


def check_gram(gram_matrix: ArrayLike) -> NDArray[np.float64]:
    """Check a Gram matrix: square, finite, symmetric to rounding, diagonal not negative.

    Parameters
    ----------
    gram_matrix : array_like, shape (K, K)

    Returns
    -------
    ndarray, shape (K, K)
        Exactly symmetric float64.

    Raises
    ------
    InvalidInputError
        When it is none of these.
    """
    matrix = np.asarray(gram_matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] < 1:
        raise InvalidInputError(
            f"a Gram matrix should have shape (K, K) with K >= 1; found {matrix.shape}."
        )
    if not np.isfinite(matrix).all():
        i, j = (int(x) for x in np.argwhere(~np.isfinite(matrix))[0])
        raise InvalidInputError(
            f"the Gram matrix is not finite at ({i}, {j}): {matrix[i, j]}. "
            f"Look for a NaN or infinite gradient of task {i} or {j}."
        )
    scale = float(np.abs(matrix).max())
    asymmetry = float(np.abs(matrix - matrix.T).max())
    if asymmetry > 1e-5 * max(scale, np.finfo(np.float64).tiny):
        raise InvalidInputError(
            f"a Gram matrix should be symmetric; found entries that differ by {asymmetry:.3g} "
            f"from their mirror image (largest entry {scale:.3g})."
        )
    if (np.diag(matrix) < 0).any():
        task = int(np.argmax(np.diag(matrix) < 0))
        raise InvalidInputError(
            f"the Gram matrix has a negative squared norm for task {task}: {matrix[task, task]}."
        )
    return (matrix + matrix.T) / 2.0


def cosines(gram_matrix: ArrayLike, norm_floor: float = 0.0) -> Cosines:
    """Return the pairwise cosines of a Gram matrix.

    Normalising after the Gram product is cheaper than normalising K rows of length d before it.

    Parameters
    ----------
    gram_matrix : array_like, shape (K, K)
    norm_floor : float, default 0
        nu of Assumption 4: a task with norm below it has no cosines. A zero norm never has.

    Returns
    -------
    Cosines

    Raises
    ------
    InvalidInputError
        When the Gram matrix or the floor is not valid.

    Source
    ------
    SON-GOKU, eq. 4 and 9, Assumption 4. Eq. 9 as printed divides by ``||g_i|| ||g_i||``; this
    divides by ``||g_i|| ||g_j||`` as eq. 4 does.

    Examples
    --------
    >>> cosines([[1, 3], [3, 25]]).values
    array([[1. , 0.6],
           [0.6, 1. ]])
    >>> cosines([[1, 0], [0, 0]]).included
    array([ True, False])
    """
    check_norm_floor(norm_floor)
    matrix = check_gram(gram_matrix)
    norms = np.sqrt(np.diag(matrix))
    included = (norms > 0) & (norms >= norm_floor)
    safe = np.where(included, norms, 1.0)
    # Two divisions: a product of two tiny norms can underflow where the cosine is harmless.
    values = matrix / safe[:, None] / safe[None, :]
    values = np.clip((values + values.T) / 2.0, -1.0, 1.0)
    values[~included, :] = 0.0
    values[:, ~included] = 0.0
    np.fill_diagonal(values, 1.0)
    return Cosines(values, included, norms)


def project_to_simplex(point: ArrayLike) -> NDArray[np.float64]:
    """Return the point of the probability simplex nearest to `point`.

    Parameters
    ----------
    point : array_like, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
        Entries >= 0 that sum to 1.

    Raises
    ------
    InvalidInputError
        When `point` is empty, not a vector or not finite.

    Source
    ------
    Held, Wolfe and Crowder (1974): sort, find the threshold, clip.

    Examples
    --------
    >>> project_to_simplex([2.0, 0.0])
    array([1., 0.])
    >>> project_to_simplex([0.5, 0.5, 0.5]).sum().item()
    1.0
    """
    vector = np.asarray(point, dtype=np.float64)
    if vector.ndim != 1 or vector.size == 0 or not np.isfinite(vector).all():
        raise InvalidInputError(
            f"expected a finite, non-empty vector to project; found shape {vector.shape}."
        )
    # Shifting does not move the projection, and keeps the cumulative sums small.
    vector = vector - vector.max()
    descending = np.sort(vector)[::-1]
    threshold = (np.cumsum(descending) - 1.0) / np.arange(1, vector.size + 1)
    support = int(np.nonzero(descending > threshold)[0][-1])
    projected = np.maximum(vector - threshold[support], 0.0)
    return np.asarray(projected / projected.sum(), dtype=np.float64)
