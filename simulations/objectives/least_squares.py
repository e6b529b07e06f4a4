"""Over-parameterised least squares: PL but not strongly convex, every task fitted at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.objectives.base import Constants, as_points
from simulations.objectives.certificates import extreme_eigenvalues
from simulations.objectives.sine_square import check_rows

__all__ = ["LeastSquaresTasks"]


@dataclass(frozen=True, eq=False)
class LeastSquaresTasks:
    """``f_k(x) = 1/2 |A_k x - b_k|^2`` with K n <= d independent rows, so that F* = 0.

    Parameters
    ----------
    rows : array_like, shape (K, n, d)
        The A_k.
    targets : array_like, shape (K, n)
        The b_k.

    Raises
    ------
    InvalidInputError
        When shapes differ, or the rows are not surely independent.

    Source
    ------
    ``|A' r|^2 / 2 >= lambda_min(A A') |r|^2 / 2``: mu = lambda_min(A A'), L = lambda_max(A A').

    Examples
    --------
    >>> tasks = LeastSquaresTasks([[[1.0, 0.0, 0.0]], [[0.0, 2.0, 0.0]]], [[1.0], [1.0]])
    >>> tasks.losses([0.0, 0.5, 9.0]).tolist()
    [0.5, 0.0]
    """

    rows: NDArray[np.float64]
    targets: NDArray[np.float64]
    constants: Constants

    def __init__(self, rows: ArrayLike, targets: ArrayLike) -> None:
        maps, wanted, least, largest = check_rows(rows, targets)
        object.__setattr__(self, "rows", maps)
        object.__setattr__(self, "targets", wanted)
        known = Constants(
            smoothness=largest,
            task_smoothness=np.array([self.group_smoothness([k]) for k in range(len(maps))]),
            optimum=0.0,
            pl=least,
            certified="extreme eigenvalues of A A', rounded to the safe side; F* = 0 at A x = b",
        )
        object.__setattr__(self, "constants", known)

    @property
    def num_tasks(self) -> int:
        """K."""
        return int(self.rows.shape[0])

    @property
    def dim(self) -> int:
        """d."""
        return int(self.rows.shape[2])

    @cached_property
    def _columns(self) -> NDArray[np.float64]:
        return np.ascontiguousarray(self.rows.reshape(-1, self.dim).T)

    def _along(self, x: ArrayLike) -> NDArray[np.float64]:
        points = as_points(x, self.dim)
        return (points @ self._columns).reshape(*points.shape[:-1], *self.targets.shape)

    def _pulled(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights[..., None, :] @ self.rows)[..., 0, :])

    def losses(self, x: ArrayLike) -> NDArray[np.float64]:
        """f_k at points of shape (..., d): shape (..., K)."""
        return np.asarray(0.5 * ((self._along(x) - self.targets) ** 2).sum(axis=-1))

    def gradients(self, x: ArrayLike) -> NDArray[np.float64]:
        """Gradients at points of shape (..., d): shape (..., K, d)."""
        return self._pulled(self._along(x) - self.targets)

    def hessian_vectors(self, x: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """A_k' A_k v, the same at every x: shape (..., K, d)."""
        along = np.broadcast_arrays(as_points(x, self.dim), as_points(v, self.dim))[1]
        return self._pulled(self._along(along))

    def group_smoothness(self, tasks: Sequence[int]) -> float:
        """L_r of Assumption 6: the largest eigenvalue of these tasks' A A'."""
        stacked = self.rows[list(tasks)].reshape(-1, self.dim)
        return extreme_eigenvalues(stacked @ stacked.T)[1]
