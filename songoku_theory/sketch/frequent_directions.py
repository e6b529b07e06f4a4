"""Frequent Directions: a deterministic sketch of a matrix that is read row by row.

It keeps ``A^T A`` of the rows that it reads, and nothing else. For the K x d matrix M of EMAs that
leaves two ways to the K x K Gram matrix ``M M^T``:

*Columns.* Read the d *columns* of M, each a row of length K of ``A = M^T``. Then
``A^T A = M M^T`` is the matrix that is kept: :func:`gram_from_columns`.

*Rows.* Read the K rows of M. What is kept is ``M^T M``, the d x d matrix, and not the Gram matrix;
but every direction in which M is long is in the span of the sketch B, so the rows may be projected
on that span: :func:`gram_from_rows`. What the projection loses is ``M (I - P) M^T``, whose norm is
the largest ``|M x|^2`` over unit x orthogonal to B, at most ``|M^T M - B^T B|``.

Both give a matrix below the true one (their difference is positive semidefinite), and both say
afterwards how far below at most: ``certificate``, the sum of what was subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_gradients, check_period

__all__ = ["FrequentDirections", "SketchedGram", "gram_from_columns", "gram_from_rows"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FrequentDirections:
    """A sketch B (size rows) of the rows read so far: ``0 <= A^T A - B^T B <= shrunk I``.

    Attributes
    ----------
    rows : ndarray, shape (at most 2 size, width)
        B, before the next shrinking.
    size : int
        l, the rows that survive a shrinking, >= 1.
    shrunk : float
        Sum of the subtracted squares: bounds ``|A^T A - B^T B|`` in spectral norm.
    operations : int
        Multiply-adds so far, of the products of length `width`.

    Source
    ------
    SON-GOKU, appendix D.5.2; Ghashami, Liberty, Phillips and Woodruff (2016), section 3.1, in the
    form that shrinks a buffer of 2 l rows. Shrinking subtracts the square of the l-th singular
    value, d_t, from all; it takes at least ``l d_t`` off the squared Frobenius norm, and any unit
    vector loses at most d_t. Hence ``shrunk <= |A - A_k|_F^2 / (l - k)`` for every k < l.

    Examples
    --------
    >>> sketch = FrequentDirections.empty(size=2, width=3)
    >>> sketch = sketch.read([[1.0, 0.0, 0.0]] * 5).finished()
    >>> np.round(sketch.rows.T @ sketch.rows, 12).diagonal().tolist(), sketch.shrunk
    ([5.0, 0.0, 0.0], 0.0)
    """

    rows: Matrix
    size: int
    shrunk: float = 0.0
    operations: int = 0

    @classmethod
    def empty(cls, size: int, width: int) -> FrequentDirections:
        """Return the sketch of no rows.

        Raises
        ------
        InvalidInputError
            When a size is below 1.
        """
        check_period(size, "size")
        check_period(width, "width")
        return cls(np.zeros((0, width)), size)

    def read(self, rows: ArrayLike) -> FrequentDirections:
        """Return the sketch after further rows.

        Parameters
        ----------
        rows : array_like, shape (n, width)

        Returns
        -------
        FrequentDirections

        Raises
        ------
        InvalidInputError
            When a row is not finite or has another width.
        """
        new = check_gradients(rows).astype(np.float64, copy=False)
        if new.shape[1] != self.rows.shape[1]:
            raise InvalidInputError(
                f"expected rows of length {self.rows.shape[1]}; found {new.shape[1]}."
            )
        held, shrunk, operations = self.rows, self.shrunk, self.operations
        start = 0
        while start < len(new):
            taken = new[start : start + 2 * self.size - len(held)]
            held = np.vstack((held, taken))
            start += len(taken)
            if len(held) == 2 * self.size:
                operations += self._cost(len(held))
                held, lost = _shrink(held, self.size)
                shrunk += lost
        return FrequentDirections(held, self.size, shrunk, operations)

    def finished(self) -> FrequentDirections:
        """Return the sketch with at most `size` rows."""
        if len(self.rows) <= self.size:
            return self
        held, lost = _shrink(self.rows, self.size)
        done = self.operations + self._cost(len(self.rows))
        return FrequentDirections(held, self.size, self.shrunk + lost, done)

    def _cost(self, held: int) -> int:
        """Multiply-adds of one shrinking: the products of the rows, and the new rows."""
        return (held * (held + 1) // 2 + self.size * held) * int(self.rows.shape[1])


def _shrink(rows: Matrix, size: int) -> tuple[Matrix, float]:
    """Turn the rows to their principal axes and subtract the size-th square from all squares."""
    product = rows @ rows.T
    squares, axes = np.linalg.eigh((product + product.T) / 2.0)
    squares, axes = squares[::-1], axes[:, ::-1]
    # Squares below rounding of the largest are not directions of the rows.
    rounding = max(float(squares[0]), 0.0) * len(rows) * np.finfo(np.float64).eps
    lost = float(squares[size - 1]) if squares[size - 1] > rounding else 0.0
    kept = squares[:size] > max(lost, rounding)
    shares = np.sqrt(1.0 - lost / squares[:size][kept])
    return np.asarray((axes[:, :size][:, kept] * shares).T @ rows), lost


@dataclass(frozen=True, slots=True, eq=False)
class SketchedGram:
    """A Gram matrix out of a sketch, and how far it is from the true one at most.

    Attributes
    ----------
    gram : ndarray, shape (K, K)
        Below the true one: their difference is positive semidefinite.
    certificate : float
        At least the spectral norm of that difference, hence at least any entry's error.
    operations : int
        Multiply-adds of the products.
    held : int
        Numbers that were kept at a time, without M itself.
    """

    gram: Matrix
    certificate: float
    operations: int
    held: int


def gram_from_columns(vectors: ArrayLike, size: int) -> SketchedGram:
    """Sketch the Gram matrix of K rows by reading their d columns.

    Parameters
    ----------
    vectors : array_like, shape (K, d)
        M.
    size : int
        l >= 1. With l > K the answer is exact, and dearer than the Gram matrix itself.

    Returns
    -------
    SketchedGram
        Error at most ``|M - M_k|_F^2 / (l - k)`` for every k < l.

    Raises
    ------
    InvalidInputError
        When M is not finite or `size` is below 1.

    Source
    ------
    SON-GOKU, appendix D.5.2 ("form an approximate Gram from the sketch"), eq. 74.

    Examples
    --------
    >>> M = np.diag([3.0, 2.0, 1.0])
    >>> found = gram_from_columns(M, size=2)
    >>> error = np.linalg.norm(M @ M.T - found.gram, 2)
    >>> bool(error <= found.certificate <= 14 / 2)
    True
    """
    matrix = check_gradients(vectors).astype(np.float64, copy=False)
    tasks = matrix.shape[0]
    sketch = FrequentDirections.empty(size, tasks).read(matrix.T).finished()
    gram = sketch.rows.T @ sketch.rows
    return SketchedGram(
        (gram + gram.T) / 2.0,
        sketch.shrunk,
        sketch.operations + tasks * (tasks + 1) // 2 * len(sketch.rows),
        2 * size * tasks,
    )


def gram_from_rows(vectors: ArrayLike, size: int) -> SketchedGram:
    """Sketch K rows, and return the Gram matrix of their projections on the sketch's span.

    Parameters
    ----------
    vectors : array_like, shape (K, d)
        M.
    size : int
        l >= 1. With l >= K the span holds every row, so the answer is exact and nothing is saved.

    Returns
    -------
    SketchedGram
        Error at most ``|M - M_k|_F^2 / (l - k)`` for every k < l.

    Raises
    ------
    InvalidInputError
        When M is not finite or `size` is below 1.

    Source
    ------
    SON-GOKU, appendix D.5.2 ("project rows onto span(B)"), eq. 74.

    Differs from
    ------------
    The paper calls B a sketch "of the row space" and bounds ``M M^T``. What Frequent Directions
    keeps is ``M^T M``; the bound on ``M M^T`` is of the projection, see the module. M has to be
    kept beside B: it is projected, and its averages go on moving.

    Examples
    --------
    >>> M = np.diag([3.0, 2.0, 1.0])
    >>> np.round(gram_from_rows(M, size=3).gram, 9).diagonal()
    array([9., 4., 1.])
    """
    matrix = check_gradients(vectors).astype(np.float64, copy=False)
    tasks, dim = matrix.shape
    if size >= tasks:
        product = matrix @ matrix.T
        return SketchedGram((product + product.T) / 2.0, 0.0, tasks * (tasks + 1) // 2 * dim, 0)
    sketch = FrequentDirections.empty(size, dim).read(matrix).finished()
    basis = _orthonormal(sketch.rows)
    placed = matrix @ basis.T
    gram = placed @ placed.T
    rank = len(basis)
    operations = sketch.operations + tasks * dim * rank + tasks * (tasks + 1) // 2 * rank
    return SketchedGram((gram + gram.T) / 2.0, sketch.shrunk, operations, 2 * size * dim)


def _orthonormal(rows: Matrix) -> Matrix:
    """Return orthonormal rows with the same span; B's rows are orthogonal but for rounding."""
    lengths = np.linalg.norm(rows, axis=1)
    chosen = np.asarray(rows[lengths > 0], dtype=np.float64)
    if not len(chosen):
        return chosen
    return np.asarray(np.linalg.qr(chosen.T)[0].T, dtype=np.float64)
