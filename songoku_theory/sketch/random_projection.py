"""Random projections, which commute with the average: sketch each gradient, average the sketches.

So neither the gradients nor their averages ever have to be kept in dimension d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_period

__all__ = ["GaussianProjection", "RandomProjection", "sketch_size"]


def _check_sizes(dim: int, size: int) -> None:
    check_period(dim, "dim")
    check_period(size, "size")


def _as_rows(vectors: ArrayLike, dim: int) -> NDArray[np.float64]:
    values = np.asarray(vectors, dtype=np.float64)
    if values.ndim not in (1, 2) or values.shape[-1] != dim:
        raise InvalidInputError(
            f"expected vectors of dimension {dim}, shape ({dim},) or (K, {dim}); found shape "
            f"{values.shape}."
        )
    return values


def sketch_size(epsilon: float, num_tasks: int, failure: float = 0.01) -> int:
    """Return a size at which all cosines of K vectors are kept within epsilon, by a union bound.

    For Gaussian projections. If the squared norms of the K unit vectors and of their pairs' sums
    and differences are kept within a share ``e = epsilon / 3``, inner products are within e, so
    each cosine is off by at most ``2 e / (1 - e) <= epsilon``.

    Parameters
    ----------
    epsilon : float
        In (0, 1); below the margin gamma, every pair stays on its side of the threshold.
    num_tasks : int
        K >= 1.
    failure : float, default 0.01
        Probability that some pair is not kept, in (0, 1).

    Returns
    -------
    int

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Source
    ------
    SON-GOKU, appendix D.5.1; Dasgupta and Gupta (2003), Lemma 2.2: a squared norm is kept within
    a share e with probability at least ``1 - 2 exp(-r (e**2 / 2 - e**3 / 3) / 2)``.

    Examples
    --------
    >>> sketch_size(0.1, num_tasks=40)
    46672
    """
    for name, value in (("epsilon", epsilon), ("failure", failure)):
        if not 0 < value < 1:
            raise InvalidInputError(f"{name} should lie in (0, 1); found {value!r}.")
    check_period(num_tasks, "num_tasks")
    share = epsilon / 3.0
    rate = (share**2 / 2.0 - share**3 / 3.0) / 2.0
    return max(1, math.ceil(math.log(2.0 * num_tasks**2 / failure) / rate))


@dataclass(frozen=True, slots=True)
class GaussianProjection:
    """The textbook projection: a dense matrix of independent normal entries, variance 1 / r.

    Attributes
    ----------
    dim : int
        d.
    size : int
        r.
    seed : int

    Source
    ------
    SON-GOKU, appendix D.5.1. Costs O(d r) a vector and O(d r) memory.
    """

    dim: int
    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sizes(self.dim, self.size)

    def matrix(self) -> NDArray[np.float64]:
        """Return the matrix, shape (d, r)."""
        rng = np.random.default_rng([self.seed, self.dim, self.size])
        return rng.normal(size=(self.dim, self.size)) / math.sqrt(self.size)

    def project(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return the sketches, shape (r,) or (K, r)."""
        return np.asarray(_as_rows(vectors, self.dim) @ self.matrix(), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class RandomProjection:
    """A sparse projection: each coordinate goes to one of r places, with a random sign.

    Costs O(d) a vector whatever r is. The coordinates are cut into blocks of r; each block is
    turned by a random offset, so two coordinates of one block never meet and two of different
    blocks meet with probability 1/r. Inner products are unbiased, with variance at most
    ``(||x||**2 ||y||**2 + <x, y>**2) / r``: a cosine moves by about ``1 / sqrt(r)``.

    Attributes
    ----------
    dim : int
        d.
    size : int
        r.
    seed : int
        The projection is a function of ``(dim, size, seed)`` alone, so every process of a run
        has the same.

    Raises
    ------
    InvalidInputError
        When a size is below 1.

    Source
    ------
    SON-GOKU, appendix D.5.1, with the sparse embedding of Charikar, Chen and Farach-Colton (2002)
    for the "suitable random matrix".

    Differs from
    ------------
    A dense Gaussian matrix has the same variance to first order and lighter tails, and costs r
    times as much; see :class:`GaussianProjection`.

    Examples
    --------
    >>> projection = RandomProjection(dim=5, size=5, seed=1)
    >>> sorted(np.abs(projection.project([1.0, 2.0, 3.0, 4.0, 5.0])).tolist())
    [1.0, 2.0, 3.0, 4.0, 5.0]
    """

    dim: int
    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sizes(self.dim, self.size)

    @property
    def blocks(self) -> int:
        """Number of blocks of r coordinates, the last one filled up."""
        return -(-self.dim // self.size)

    def signs(self) -> NDArray[np.int8]:
        """Return the sign of each coordinate, shape (blocks * r,): one byte each."""
        rng = np.random.default_rng([self.seed, self.dim, self.size, 0])
        bits = rng.integers(0, 2, size=self.blocks * self.size, dtype=np.int8)
        return np.asarray(2 * bits - 1, dtype=np.int8)

    def offsets(self) -> NDArray[np.int64]:
        """Return how far each block is turned, shape (blocks,)."""
        rng = np.random.default_rng([self.seed, self.dim, self.size, 1])
        return rng.integers(0, self.size, size=self.blocks, dtype=np.int64)

    def project(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return the sketches.

        Parameters
        ----------
        vectors : array_like, shape (d,) or (K, d)

        Returns
        -------
        ndarray, shape (r,) or (K, r)

        Raises
        ------
        InvalidInputError
            When the vectors have another dimension.
        """
        rows = _as_rows(vectors, self.dim)
        filled = np.zeros((*rows.shape[:-1], self.blocks * self.size))
        filled[..., : self.dim] = rows
        signed = (filled * self.signs()).reshape(*rows.shape[:-1], self.blocks, self.size)
        places = (np.arange(self.size) - self.offsets()[:, None]) % self.size
        turned = np.take_along_axis(signed, np.broadcast_to(places, signed.shape), axis=-1)
        return np.asarray(turned.sum(axis=-2), dtype=np.float64)
