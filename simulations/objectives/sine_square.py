"""PL without convexity: sums of ``phi(z) = z^2 + 3 sin^2 z`` along linear maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.objectives.base import Constants, as_points
from simulations.objectives.certificates import SINE_SQUARE_PL, extreme_eigenvalues
from songoku_theory.errors import InvalidInputError

__all__ = ["SineSquareTasks", "check_rows"]


def check_rows(
    rows: ArrayLike, targets: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float]:
    """Check maps (K, n, d) whose K n rows are independent, and targets (K, n).

    Returns
    -------
    tuple
        Rows, targets, and certified bounds on the extreme eigenvalues of A A', A the stacked rows.

    Raises
    ------
    InvalidInputError
        When shapes differ, or the rows are not surely independent.
    """
    maps, wanted = np.array(rows, dtype=np.float64), np.array(targets, dtype=np.float64)
    if maps.ndim != 3 or maps.size == 0 or wanted.shape != maps.shape[:2]:
        raise InvalidInputError(
            f"rows and targets should have shapes (K, n, d) and (K, n); found {maps.shape} and "
            f"{wanted.shape}."
        )
    if not (np.isfinite(maps).all() and np.isfinite(wanted).all()):
        raise InvalidInputError("rows and targets should be finite.")
    stacked = maps.reshape(-1, maps.shape[2])
    least, largest = extreme_eigenvalues(stacked @ stacked.T)
    if not least > 1e-9 * largest:
        raise InvalidInputError(
            f"the {len(stacked)} rows of all tasks should be independent (so d >= K n): then "
            f"F* = 0 and mu > 0. Found least eigenvalue {least:.3g} of A A', largest "
            f"{largest:.3g}."
        )
    for array in (maps, wanted):
        array.setflags(write=False)
    return maps, wanted, least, largest


@dataclass(frozen=True, eq=False)
class SineSquareTasks:
    """``f_k(x) = sum_i phi(<a_ki, x> - b_ki)``: PL, not convex, minimum 0 shared by all tasks.

    Parameters
    ----------
    rows : array_like, shape (K, n, d)
        a_ki; all K n of them independent.
    targets : array_like, shape (K, n)
        b_ki.

    Raises
    ------
    InvalidInputError
        When shapes differ, or the rows are not surely independent.

    Source
    ------
    grad F = A' phi'(z), so ``|grad F|^2 / 2 >= lambda_min(A A') |phi'(z)|^2 / 2 >=
    lambda_min(A A') mu_phi sum phi(z)``, and F* = 0 because A x = b can be solved; mu_phi is proved
    in `sine_square_is_pl`. phi'' = 2 + 6 cos 2z lies in [-4, 8], and is 8 everywhere at a solution
    of A x = b: L = 8 lambda_max(A A') is exact.

    Examples
    --------
    >>> tasks = SineSquareTasks([[[1.0]]], [[0.0]])
    >>> known = tasks.constants
    >>> round(known.smoothness, 9), round(known.pl, 7), known.optimum
    (8.0, 0.1755309, 0.0)
    """

    rows: NDArray[np.float64]
    targets: NDArray[np.float64]
    constants: Constants

    def __init__(self, rows: ArrayLike, targets: ArrayLike) -> None:
        maps, wanted, least, largest = check_rows(rows, targets)
        object.__setattr__(self, "rows", maps)
        object.__setattr__(self, "targets", wanted)
        known = Constants(
            smoothness=8.0 * largest,
            task_smoothness=np.array([self.group_smoothness([k]) for k in range(len(maps))]),
            optimum=0.0,
            pl=float(SINE_SQUARE_PL) * least,
            certified=(
                "proof in rationals of mu for z^2 + 3 sin^2 z, times the least eigenvalue of A A'; "
                "L from phi'' in [-4, 8], exact; F* = 0 at a solution of A x = b"
            ),
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

    def _residuals(self, x: ArrayLike) -> NDArray[np.float64]:
        points = as_points(x, self.dim)
        along = (points @ self._columns).reshape(*points.shape[:-1], *self.targets.shape)
        return np.asarray(along - self.targets)

    def losses(self, x: ArrayLike) -> NDArray[np.float64]:
        """f_k at points of shape (..., d): shape (..., K)."""
        z = self._residuals(x)
        return np.asarray((z**2 + 3.0 * np.sin(z) ** 2).sum(axis=-1))

    def gradients(self, x: ArrayLike) -> NDArray[np.float64]:
        """Gradients at points of shape (..., d): shape (..., K, d)."""
        z = self._residuals(x)
        return self._pulled(2.0 * z + 3.0 * np.sin(2.0 * z))

    def hessian_vectors(self, x: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """Hessians times v, both of shape (..., d): shape (..., K, d)."""
        z = self._residuals(x)
        directions = as_points(v, self.dim)
        along = (directions @ self._columns).reshape(*directions.shape[:-1], *self.targets.shape)
        return self._pulled((2.0 + 6.0 * np.cos(2.0 * z)) * along)

    def _pulled(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights[..., None, :] @ self.rows)[..., 0, :])

    def group_smoothness(self, tasks: Sequence[int]) -> float:
        """L_r of Assumption 6: 8 times the largest eigenvalue of these tasks' A A'."""
        stacked = self.rows[list(tasks)].reshape(-1, self.dim)
        return 8.0 * extreme_eigenvalues(stacked @ stacked.T)[1]
