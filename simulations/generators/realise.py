"""Vectors whose Gram matrix is the wanted one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError

__all__ = ["random_frame", "realise"]


def random_frame(rng: np.random.Generator, dim: int, rank: int) -> NDArray[np.float64]:
    """Draw orthonormal columns uniformly (Haar).

    Parameters
    ----------
    rng : numpy.random.Generator
    dim, rank : int
        ``rank <= dim``. Costs O(dim rank^2), never O(dim^2).

    Returns
    -------
    ndarray, shape (dim, rank)

    Source
    ------
    Mezzadri (2007): QR of a Gaussian matrix is uniform once R's diagonal is made positive.
    """
    frame, upper = np.linalg.qr(rng.standard_normal((dim, rank)))
    return np.asarray(frame * np.where(np.diag(upper) < 0.0, -1.0, 1.0), dtype=np.float64)


def realise(
    cosines: ArrayLike,
    dim: int,
    norms: ArrayLike,
    rank: int,
    rng: np.random.Generator | None = None,
) -> NDArray[np.float64]:
    """Return vectors with the wanted cosines and norms.

    Parameters
    ----------
    cosines : array_like, shape (K, K)
        Positive semidefinite, of the given rank, ones on the diagonal.
    dim : int
        d >= rank.
    norms : array_like, shape (K,)
    rank : int
        Known from the closed form; the eigenvectors beyond it are rounding.
    rng : numpy.random.Generator, optional
        Turns the vectors into a uniformly random position. Without it they live in the first
        `rank` coordinates.

    Returns
    -------
    ndarray, shape (K, d)

    Raises
    ------
    InvalidInputError
        When `dim` is smaller than `rank`.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = realise([[1.0, -0.6], [-0.6, 1.0]], dim=3, norms=[1.0, 2.0], rank=2)
    >>> np.round(vectors @ vectors.T, 12)
    array([[ 1. , -1.2],
           [-1.2,  4. ]])
    """
    if dim < rank:
        raise InvalidInputError(
            f"these cosines span {rank} dimensions; found dim = {dim}. Give dim >= {rank}."
        )
    values, vectors = np.linalg.eigh(np.asarray(cosines, dtype=np.float64))
    largest = slice(len(values) - rank, None)
    coordinates = vectors[:, largest] * np.sqrt(np.clip(values[largest], 0.0, None))
    # Rounding moves a row's length by an ulp or two; put the unit diagonal back.
    coordinates /= np.linalg.norm(coordinates, axis=1, keepdims=True)
    coordinates *= np.asarray(norms, dtype=np.float64)[:, None]
    if rng is None:
        placed = np.zeros((coordinates.shape[0], dim))
        placed[:, :rank] = coordinates
        return placed
    return np.asarray(coordinates @ random_frame(rng, dim, rank).T, dtype=np.float64)
