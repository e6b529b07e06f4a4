"""Cosine matrices that are constant on blocks, and the exact answer to "do such vectors exist?".

Tasks fall into B blocks. Two tasks of block p have cosine ``within[p]``, a task of block p and one
of block q have cosine ``between[p, q]``. Unit vectors with these cosines exist in R^d if and only
if the K x K cosine matrix C is positive semidefinite with rank at most d.

C need not be decomposed to decide that. A vector that lives on block p and sums to zero there is an
eigenvector with eigenvalue ``1 - within[p]`` (k_p - 1 of them). What is left is the span of the
blocks' indicators, on which C acts, in the basis of normalised indicators, as the B x B quotient

    Q_pp = 1 + (k_p - 1) within[p],        Q_pq = sqrt(k_p k_q) between[p, q].

So C is positive semidefinite iff every ``within[p] <= 1`` (where k_p >= 2) and Q is, and its rank
is ``sum of (k_p - 1) over within[p] < 1`` plus the rank of Q. With m equal blocks of size k this
reads ``between >= -((1 - within) / k + within) / (m - 1)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockCosines"]


@dataclass(frozen=True, slots=True)
class BlockCosines:
    """Wanted cosines, constant on blocks of tasks.

    Attributes
    ----------
    sizes : tuple of int, length B
        k_p >= 1.
    within : tuple of float, length B
        Cosine of two tasks of the same block; without effect where k_p = 1.
    between : ndarray, shape (B, B)
        Symmetric; cosine of two tasks of different blocks. The diagonal is not read.

    Examples
    --------
    >>> import numpy as np
    >>> simplex = BlockCosines((2, 2, 2), (1.0, 1.0, 1.0), np.full((3, 3), -0.5))
    >>> simplex.exists, simplex.rank
    (True, 2)
    >>> BlockCosines((2, 2, 2), (0.5,) * 3, np.full((3, 3), -0.5)).exists
    False
    """

    sizes: tuple[int, ...]
    within: tuple[float, ...]
    between: NDArray[np.float64]

    @property
    def num_tasks(self) -> int:
        """K."""
        return sum(self.sizes)

    @property
    def num_blocks(self) -> int:
        """B."""
        return len(self.sizes)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Block of each task, shape (K,)."""
        return np.repeat(np.arange(self.num_blocks), self.sizes)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The wanted cosine matrix, shape (K, K), ones on the diagonal."""
        blocks = self.between.copy()
        np.fill_diagonal(blocks, self.within)
        labels = self.labels
        wanted = np.asarray(blocks[labels[:, None], labels[None, :]], dtype=np.float64)
        np.fill_diagonal(wanted, 1.0)
        return wanted

    @property
    def quotient(self) -> NDArray[np.float64]:
        """Q, shape (B, B): what the cosine matrix does to the blocks' indicators."""
        sizes = np.asarray(self.sizes, dtype=np.float64)
        quotient = np.sqrt(sizes[:, None] * sizes[None, :]) * self.between
        np.fill_diagonal(quotient, 1.0 + (sizes - 1.0) * np.asarray(self.within))
        return quotient

    @property
    def rounding(self) -> float:
        """An eigenvalue this close to zero counts as zero.

        A simplex asks for ``-1/(m-1)``, which no float holds; without an allowance of a few ulps
        every request on the boundary would be a matter of luck.
        """
        return 64.0 * float(np.finfo(np.float64).eps) * self.num_tasks

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """All K eigenvalues of the cosine matrix, ascending, from the closed form above."""
        zero_sum = np.repeat(1.0 - np.asarray(self.within), np.asarray(self.sizes) - 1)
        return np.sort(np.concatenate([zero_sum, np.linalg.eigvalsh(self.quotient)]))

    @property
    def exists(self) -> bool:
        """Whether unit vectors with these cosines exist, in enough dimensions."""
        return bool(self.eigenvalues[0] >= -self.rounding)

    @property
    def rank(self) -> int:
        """The smallest dimension that holds such vectors (when they exist)."""
        return int((self.eigenvalues > self.rounding).sum())

    def with_within(self, within: float) -> BlockCosines:
        """Return the same request with one within-block cosine for all blocks."""
        return BlockCosines(self.sizes, (within,) * self.num_blocks, self.between)

    def with_between(self, factor: float, conflicts: NDArray[np.bool_]) -> BlockCosines:
        """Return the request with the cosines of the conflicting block pairs times `factor`."""
        return BlockCosines(
            self.sizes, self.within, np.where(conflicts, factor * self.between, self.between)
        )

    def subset(self, blocks: Sequence[int]) -> BlockCosines:
        """Return the request for some of the blocks only."""
        chosen = np.asarray(blocks, dtype=np.int64)
        return BlockCosines(
            tuple(self.sizes[p] for p in chosen),
            tuple(self.within[p] for p in chosen),
            self.between[np.ix_(chosen, chosen)],
        )
