"""Smooth, bounded, neither convex nor PL: cosines whose sum is known in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.objectives.base import Constants, as_points
from songoku_theory.errors import InvalidInputError

__all__ = ["WaveTasks"]


@dataclass(frozen=True, eq=False)
class WaveTasks:
    """``f_k(x) = sum_j a_kj (1 - cos(<u_j, x> - theta_kj))`` with orthonormal directions u_j.

    Parameters
    ----------
    directions : array_like, shape (n, d)
        The u_j, orthonormal.
    heights : array_like, shape (K, n)
        a_kj >= 0.
    phases : array_like, shape (K, n)
        theta_kj, in radians.

    Raises
    ------
    InvalidInputError
        When shapes differ, a height is negative or a direction is not orthonormal to the others.

    Source
    ------
    Cosines of one frequency add up as phasors: ``sum_k a_kj cos(z - theta_kj) = C_j cos(z -
    psi_j)`` with ``C_j exp(i psi_j) = sum_k a_kj exp(i theta_kj)``. So F* = sum_j (sum_k a_kj -
    C_j), L = max_j C_j, L_k = max_j a_kj, and |grad f_k| <= |a_k|: all exact. A maximum along u_j
    is a stationary point above F*, so there is no mu.

    Examples
    --------
    >>> tasks = WaveTasks([[1.0]], [[1.0], [1.0]], [[0.0], [np.pi / 2]])
    >>> round(tasks.constants.smoothness, 12), round(tasks.constants.optimum, 12)
    (1.414213562373, 0.585786437627)
    """

    directions: NDArray[np.float64]
    heights: NDArray[np.float64]
    phases: NDArray[np.float64]

    def __init__(self, directions: ArrayLike, heights: ArrayLike, phases: ArrayLike) -> None:
        along = np.array(directions, dtype=np.float64)
        tall = np.array(heights, dtype=np.float64)
        angles = np.array(phases, dtype=np.float64)
        if (
            along.ndim != 2
            or tall.ndim != 2
            or tall.shape != angles.shape
            or (tall.shape[1] != along.shape[0] or tall.size == 0)
        ):
            raise InvalidInputError(
                "directions, heights and phases should have shapes (n, d), (K, n), (K, n); found "
                f"{along.shape}, {tall.shape}, {angles.shape}."
            )
        if not (np.isfinite(tall) & (tall >= 0)).all() or not np.isfinite(angles).all():
            raise InvalidInputError("heights should be finite and >= 0, phases finite.")
        if not np.allclose(along @ along.T, np.eye(len(along)), rtol=0, atol=1e-9):
            raise InvalidInputError("directions should be orthonormal rows.")
        for name, array in (("directions", along), ("heights", tall), ("phases", angles)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def num_tasks(self) -> int:
        """K."""
        return int(self.heights.shape[0])

    @property
    def dim(self) -> int:
        """d."""
        return int(self.directions.shape[1])

    def _amplitudes(self, tasks: Sequence[int]) -> NDArray[np.float64]:
        """C_j of the sum of these tasks."""
        chosen = list(tasks)
        return np.asarray(
            np.abs((self.heights[chosen] * np.exp(1j * self.phases[chosen])).sum(axis=0))
        )

    @cached_property
    def constants(self) -> Constants:
        """L, L_k, F* and bounds on the gradients; they hold everywhere."""
        amplitudes = self._amplitudes(range(self.num_tasks))
        return Constants(
            smoothness=float(amplitudes.max()),
            task_smoothness=self.heights.max(axis=1),
            optimum=float(self.heights.sum() - amplitudes.sum()),
            gradient_bound=np.linalg.norm(self.heights, axis=1),
            certified="closed forms: cosines of one frequency add up as phasors",
        )

    def _angles(self, x: ArrayLike) -> NDArray[np.float64]:
        along = as_points(x, self.dim) @ self.directions.T
        return np.asarray(along[..., None, :] - self.phases)

    def losses(self, x: ArrayLike) -> NDArray[np.float64]:
        """f_k at points of shape (..., d): shape (..., K)."""
        return np.asarray((self.heights * (1.0 - np.cos(self._angles(x)))).sum(axis=-1))

    def gradients(self, x: ArrayLike) -> NDArray[np.float64]:
        """Gradients at points of shape (..., d): shape (..., K, d)."""
        return np.asarray((self.heights * np.sin(self._angles(x))) @ self.directions)

    def hessian_vectors(self, x: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """Hessians times v, both of shape (..., d): shape (..., K, d)."""
        along = (as_points(v, self.dim) @ self.directions.T)[..., None, :]
        return np.asarray((self.heights * np.cos(self._angles(x)) * along) @ self.directions)

    def group_smoothness(self, tasks: Sequence[int]) -> float:
        """L_r of Assumption 6, exact: the largest amplitude of these tasks' sum."""
        return float(self._amplitudes(tasks).max())
