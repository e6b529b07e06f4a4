"""Quadratic tasks ``f_k(x) = 1/2 (x - c_k)' H_k (x - c_k)``, with every constant exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.objectives.base import Constants, as_points
from songoku_theory.errors import InvalidInputError

__all__ = ["QuadraticTasks"]

# Eigenvalues of the summed Hessian, relative to the tasks' largest: below the first a zero that was
# rounded, above the second surely not one. Between them nobody can tell, and mu would be a guess.
_SURELY_ZERO, _SURELY_NOT = 1e-12, 1e-9


@dataclass(frozen=True, eq=False)
class QuadraticTasks:
    """K quadratics; F, L, L_k, mu and the minimum of F are exact up to rounding.

    Parameters
    ----------
    hessians : array_like, shape (K, d, d)
        H_k, symmetric. A single H_k may be indefinite; the sum has to be positive semidefinite.
    centers : array_like, shape (K, d)
        c_k, where f_k is stationary.

    Attributes
    ----------
    total_hessian : ndarray, shape (d, d)
        H = sum of H_k.
    minimizer : ndarray, shape (d,)
        A minimiser of F, the one nearest to the origin.

    Raises
    ------
    InvalidInputError
        When the shapes differ, a matrix is not symmetric, F has no minimum, or an eigenvalue of H
        is so small that rounding hides whether it is zero.

    Source
    ------
    mu: for F = F* + 1/2 (x - x*)' H (x - x*), ``|grad F|^2 / 2 = e' H^2 e / 2 >= mu e' H e / 2``
    with mu the least eigenvalue of H that is not zero, and equality along its eigenvector.

    Examples
    --------
    >>> tasks = QuadraticTasks([[[1.0, 0.0], [0.0, 3.0]]] * 2, [[1.0, 0.0], [-1.0, 0.0]])
    >>> tasks.gradients([0.0, 1.0]).tolist()
    [[-1.0, 3.0], [1.0, 3.0]]
    >>> known = tasks.constants
    >>> known.smoothness, known.pl, known.optimum, tasks.minimizer.tolist()
    (6.0, 2.0, 1.0, [0.0, 0.0])
    """

    hessians: NDArray[np.float64]
    centers: NDArray[np.float64]

    def __init__(self, hessians: ArrayLike, centers: ArrayLike) -> None:
        matrices = np.array(hessians, dtype=np.float64)
        points = np.array(centers, dtype=np.float64)
        if (
            points.ndim != 2
            or points.size == 0
            or matrices.shape != (*points.shape, points.shape[1])
        ):
            raise InvalidInputError(
                "hessians and centers should have shapes (K, d, d) and (K, d); found "
                f"{matrices.shape} and {points.shape}."
            )
        if not (np.isfinite(matrices).all() and np.isfinite(points).all()):
            raise InvalidInputError("hessians and centers should be finite.")
        skew = np.abs(matrices - matrices.transpose(0, 2, 1)).max()
        if skew > 1e-10 * np.abs(matrices).max():
            raise InvalidInputError(
                f"hessians should be symmetric; found one that differs from its transpose by "
                f"{skew:.3g}. Symmetrise with (H + H.T) / 2."
            )
        matrices = (matrices + matrices.transpose(0, 2, 1)) / 2.0
        for array in (matrices, points):
            array.setflags(write=False)
        object.__setattr__(self, "hessians", matrices)
        object.__setattr__(self, "centers", points)
        self.constants  # noqa: B018  # refuse at once what has no minimum

    @property
    def num_tasks(self) -> int:
        """K."""
        return int(self.centers.shape[0])

    @property
    def dim(self) -> int:
        """d."""
        return int(self.centers.shape[1])

    @cached_property
    def total_hessian(self) -> NDArray[np.float64]:
        """H, the sum of the H_k."""
        return np.asarray(self.hessians.sum(axis=0))

    @cached_property
    def minimizer(self) -> NDArray[np.float64]:
        """The minimiser of F that is nearest to the origin."""
        return self._solution[0]

    @cached_property
    def _solution(self) -> tuple[NDArray[np.float64], float, float]:
        """The minimiser, the largest eigenvalue of H and the least that is not zero."""
        values, vectors = np.linalg.eigh(self.total_hessian)
        scale = float(np.abs(self._task_eigenvalues).max())
        if scale == 0.0:
            raise InvalidInputError("all hessians are zero; give at least one that is not.")
        ratios = values / scale
        if ratios[0] < -_SURELY_ZERO:
            raise InvalidInputError(
                f"the sum of the hessians should be positive semidefinite, or F has no minimum; "
                f"found the eigenvalue {values[0]:.6g}."
            )
        unclear = ratios[(ratios > _SURELY_ZERO) & (ratios < _SURELY_NOT)]
        if unclear.size:
            raise InvalidInputError(
                f"an eigenvalue of the summed hessian is {unclear[0]:.3g} of the tasks' largest: "
                f"rounding hides whether it is zero, so mu can't be certified. Give a better "
                f"conditioned problem (>= {_SURELY_NOT:g}), or make it exactly zero."
            )
        positive = ratios >= _SURELY_NOT
        slope = np.einsum("kij,kj->i", self.hessians, self.centers)
        coordinates = vectors.T @ slope
        loose = np.abs(coordinates[~positive])
        if loose.size and loose.max() > 1e-9 * max(1.0, float(np.abs(coordinates).max())):
            raise InvalidInputError(
                "F has no minimum: the summed gradient does not vanish along a direction in which "
                "the summed hessian is zero. Move the centers."
            )
        coordinates = np.where(positive, coordinates / np.where(positive, values, 1.0), 0.0)
        if not positive.any():
            return vectors @ coordinates, 0.0, 0.0
        return vectors @ coordinates, float(values[-1]), float(values[positive][0])

    @cached_property
    def _task_eigenvalues(self) -> NDArray[np.float64]:
        return np.asarray(np.linalg.eigvalsh(self.hessians))

    @cached_property
    def constants(self) -> Constants:
        """L, L_k, mu and F*; they hold everywhere."""
        minimizer, largest, least = self._solution
        return Constants(
            smoothness=largest,
            task_smoothness=np.abs(self._task_eigenvalues).max(axis=1),
            optimum=float(self.losses(minimizer).sum()),
            pl=least,
            certified="eigenvalues of H and of the H_k; F* at the solution of H x = sum H_k c_k",
        )

    def losses(self, x: ArrayLike) -> NDArray[np.float64]:
        """f_k at points of shape (..., d): shape (..., K)."""
        away = as_points(x, self.dim)[..., None, :] - self.centers
        return np.asarray(0.5 * np.einsum("...kd,...kd->...k", away, self.gradients(x)))

    def gradients(self, x: ArrayLike) -> NDArray[np.float64]:
        """Gradients H_k (x - c_k) at points of shape (..., d): shape (..., K, d)."""
        away = as_points(x, self.dim)[..., None, :] - self.centers
        return np.asarray((self.hessians @ away[..., None])[..., 0])

    def hessian_vectors(self, x: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """H_k v, the same at every x: shape (..., K, d)."""
        along = np.broadcast_arrays(as_points(x, self.dim), as_points(v, self.dim))[1]
        return np.asarray((self.hessians @ along[..., None, :, None])[..., 0])

    def group_smoothness(self, tasks: Sequence[int]) -> float:
        """L_r of Assumption 6, exact: the norm of the sum of these tasks' Hessians."""
        return float(np.abs(np.linalg.eigvalsh(self.hessians[list(tasks)].sum(axis=0))).max())
