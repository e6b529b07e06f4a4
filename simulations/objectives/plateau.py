"""A long even slope into a bowl: the worst case of the rates of gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_number
from simulations.objectives.base import Constants, as_points
from songoku_theory.errors import InvalidInputError

__all__ = ["PlateauTasks"]


@dataclass(frozen=True, eq=False)
class PlateauTasks:
    """``f_k(x) = w_k h(x_1) + <v_k, x>`` with w summing to 1, the v_k to 0; h is Huber's function.

    ``h(z) = z^2 / 2`` for ``|z| <= 1`` and ``|z| - 1/2`` beyond, so F(x) = h(x_1): L = 1, F* = 0.
    Away from the bowl |grad F| = 1, however long the way: a rate's constant shows undimmed. The
    slopes v_k set the conflict of the tasks without touching F.

    Parameters
    ----------
    weights : array_like, shape (K,)
        w_k >= 0, summing to 1 exactly in floats.
    slopes : array_like, shape (K, d)
        v_k, each coordinate summing to 0 exactly in floats.

    Raises
    ------
    InvalidInputError
        When they do not.

    Examples
    --------
    >>> tasks = PlateauTasks([0.5, 0.5], [[0.0, 2.0], [0.0, -2.0]])
    >>> tasks.gradients([5.0, 0.0]).tolist()
    [[0.5, 2.0], [0.5, -2.0]]
    """

    weights: NDArray[np.float64]
    slopes: NDArray[np.float64]

    def __init__(self, weights: ArrayLike, slopes: ArrayLike) -> None:
        shares = np.array(weights, dtype=np.float64)
        tilts = np.array(slopes, dtype=np.float64)
        if shares.ndim != 1 or tilts.ndim != 2 or tilts.size == 0 or len(tilts) != len(shares):
            raise InvalidInputError(
                f"weights and slopes should have shapes (K,) and (K, d); found {shares.shape} and "
                f"{tilts.shape}."
            )
        for number in (*shares, *tilts.ravel()):
            check_number("a weight or slope", float(number))
        if (shares < 0).any() or abs(shares.sum() - 1.0) > 1e-12:
            raise InvalidInputError(f"weights should be >= 0 and sum to 1; found {shares}.")
        if np.abs(tilts.sum(axis=0)).max() > 1e-12 * max(1.0, float(np.abs(tilts).max())):
            raise InvalidInputError("slopes should sum to 0 over the tasks, or F has no minimum.")
        for name, array in (("weights", shares), ("slopes", tilts)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def num_tasks(self) -> int:
        """K."""
        return int(self.slopes.shape[0])

    @property
    def dim(self) -> int:
        """d."""
        return int(self.slopes.shape[1])

    @cached_property
    def constants(self) -> Constants:
        """L = 1, L_k = w_k, F* = 0, |grad f_k| <= w_k + |v_k|; everywhere. Not PL: the slope."""
        lengths = np.linalg.norm(self.slopes, axis=1)
        return Constants(
            smoothness=1.0,
            task_smoothness=self.weights.copy(),
            optimum=0.0,
            gradient_bound=self.weights + lengths,
            certified="Huber's function has a 1-Lipschitz slope in [-1, 1]; the tilts cancel in F",
        )

    def losses(self, x: ArrayLike) -> NDArray[np.float64]:
        """f_k at points of shape (..., d): shape (..., K)."""
        points = as_points(x, self.dim)
        size = np.abs(points[..., :1])
        huber = np.where(size <= 1.0, 0.5 * size**2, size - 0.5)
        return np.asarray(huber * self.weights + points @ self.slopes.T)

    def gradients(self, x: ArrayLike) -> NDArray[np.float64]:
        """Gradients at points of shape (..., d): shape (..., K, d)."""
        points = as_points(x, self.dim)
        found = np.broadcast_to(self.slopes, (*points.shape[:-1], *self.slopes.shape)).copy()
        found[..., 0] += np.clip(points[..., :1], -1.0, 1.0) * self.weights
        return found

    def hessian_vectors(self, x: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """Hessians times v: shape (..., K, d); at the kinks |x_1| = 1 that of the inside."""
        points, along = np.broadcast_arrays(as_points(x, self.dim), as_points(v, self.dim))
        found = np.zeros((*points.shape[:-1], *self.slopes.shape))
        found[..., 0] = np.where(np.abs(points[..., :1]) <= 1.0, along[..., :1], 0.0) * self.weights
        return found

    def group_smoothness(self, tasks: Sequence[int]) -> float:
        """L_r of Assumption 6, exact: the sum of these tasks' weights."""
        return float(self.weights[list(tasks)].sum())
