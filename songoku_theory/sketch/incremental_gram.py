"""A Gram matrix that is kept, and updated only where a row has moved.

The paper compares each row with the row at *the last refresh*, and multiplies a changed row with
all rows as they are now. Then steps below the threshold are never seen, however many there are: the
kept entries drift without bound (``reference="last_refresh"``).

With ``reference="stored"`` a row is compared with what is stored of it, and a changed row is
multiplied with the stored rows. Then the matrix is the exact Gram matrix of the stored rows, each
within eta of its own, so nothing adds up: every kept cosine is within ``2 eta`` of the true one,
always (`songoku_theory.bounds.incremental_error`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.linalg import gram
from songoku_theory.validation import check_gradients

__all__ = ["IncrementalGram", "Reference"]

Reference = Literal["stored", "last_refresh"]


@dataclass(frozen=True, slots=True, eq=False)
class IncrementalGram:
    """Inner products of K rows, recomputed where a row changed by more than a threshold.

    Attributes
    ----------
    gram : ndarray, shape (K, K)
    rows : ndarray, shape (K, d)
        What each row is compared with: a second copy of all averages.
    threshold : float
        eta >= 0: a row has changed when it moved by more than eta times its length then. 0
        recomputes every row that moved at all.
    reference : {"stored", "last_refresh"}
        See the module; ``"last_refresh"`` is the paper's.
    rebuild_every : int
        After so many updates everything is computed anew; 0 never.
    changed : tuple of int
        Rows that the last update recomputed.
    age : int
        Updates since everything was computed.
    operations : int
        Multiply-adds of the last update: ``K d`` to measure the change (0 if all was rebuilt), and
        the inner products of the changed rows with all.

    Source
    ------
    SON-GOKU, appendix D.5.4.

    Differs from
    ------------
    "Exact for the affected entries" holds of the paper's products, not of its cosines: the norm of
    an unchanged row is that of an older row. The paper counts O(s K d) for s changed rows and
    leaves out the K d that it takes to see which they are, and the memory of a second copy. Each
    inner product is computed once, not for row and column.

    Examples
    --------
    >>> kept = IncrementalGram.of([[1.0, 0.0], [0.0, 1.0]], threshold=0.1)
    >>> kept = kept.updated([[1.0, 0.05], [1.0, 1.0]])
    >>> kept.changed, kept.gram.tolist()
    ((1,), [[1.0, 1.0], [1.0, 2.0]])

    Task 0 is taken as stored, (1, 0); the threshold lets it be off by a tenth of its length.
    """

    gram: NDArray[np.float64]
    rows: NDArray[np.float64]
    threshold: float
    reference: Reference = "stored"
    rebuild_every: int = 0
    changed: tuple[int, ...] = ()
    age: int = 0
    operations: int = 0

    @classmethod
    def of(
        cls,
        vectors: ArrayLike,
        threshold: float,
        reference: Reference = "stored",
        rebuild_every: int = 0,
    ) -> IncrementalGram:
        """Compute everything.

        Raises
        ------
        InvalidInputError
            When a row is not finite, or an option is out of range.
        UnknownNameError
            When `reference` is neither of the two.
        """
        if not (math.isfinite(threshold) and threshold >= 0):
            raise InvalidInputError(f"threshold should be finite and >= 0; found {threshold!r}.")
        if reference not in get_args(Reference):
            raise unknown_name("reference", str(reference), get_args(Reference))
        if isinstance(rebuild_every, bool) or rebuild_every < 0:
            raise InvalidInputError(
                f"rebuild_every should be a whole number >= 0 (0: never); found {rebuild_every!r}."
            )
        rows = check_gradients(vectors).astype(np.float64, copy=True)
        tasks, dim = rows.shape
        return cls(
            gram(rows),
            rows,
            threshold,
            reference,
            rebuild_every,
            tuple(range(tasks)),
            0,
            tasks * (tasks + 1) // 2 * dim,
        )

    def updated(self, vectors: ArrayLike) -> IncrementalGram:
        """Return the products for new rows.

        Parameters
        ----------
        vectors : array_like, shape (K, d)

        Returns
        -------
        IncrementalGram
            Entries between two unchanged rows are as they were.

        Raises
        ------
        InvalidInputError
            When the shape is another, or a row is not finite.
        """
        new = check_gradients(vectors).astype(np.float64, copy=True)
        if new.shape != self.rows.shape:
            raise InvalidInputError(f"expected shape {self.rows.shape}; found {new.shape}.")
        if self.rebuild_every and self.age + 1 >= self.rebuild_every:
            return IncrementalGram.of(new, self.threshold, self.reference, self.rebuild_every)
        tasks, dim = new.shape
        moved = np.linalg.norm(new - self.rows, axis=1)
        changed = np.flatnonzero(moved > self.threshold * np.linalg.norm(self.rows, axis=1))
        products = self.gram.copy()
        reference = self.rows.copy()
        reference[changed] = new[changed]
        if self.reference == "last_refresh":
            reference = new
        fresh = new[changed] @ reference.T
        products[changed, :] = fresh
        products[:, changed] = fresh.T
        count = changed.size
        inner = np.ix_(changed, changed)
        products[inner] = (products[inner] + products[inner].T) / 2.0
        return IncrementalGram(
            products,
            reference,
            self.threshold,
            self.reference,
            self.rebuild_every,
            tuple(int(k) for k in changed),
            self.age + 1,
            tasks * dim + (count * tasks - count * (count - 1) // 2) * dim,
        )
