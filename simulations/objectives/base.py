"""What a multi-task objective is: losses, gradients and curvature of K tasks, and its constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError

__all__ = [
    "Ball",
    "Constants",
    "MultiTaskObjective",
    "as_points",
    "dense_hessians",
    "total_gradient",
    "total_loss",
]


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """A closed Euclidean ball: where constants hold that do not hold everywhere.

    Parameters
    ----------
    center : ndarray, shape (d,)
    radius : float
        >= 0.
    """

    center: NDArray[np.float64]
    radius: float

    def contains(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Tell for each point of shape (..., d) whether it lies in the ball."""
        away = np.linalg.norm(np.asarray(x, dtype=np.float64) - self.center, axis=-1)
        return np.asarray(away <= self.radius)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constants:
    """What is known of F = sum of f_k, and how it is known.

    Parameters
    ----------
    smoothness : float
        L: a Lipschitz constant of grad F.
    task_smoothness : ndarray, shape (K,)
        L_k: Lipschitz constants of grad f_k.
    optimum : float
        F*: the infimum of F.
    pl : float, default 0
        mu of eq. 60, ``|grad F|^2 / 2 >= mu (F - F*)``; 0 where none is known.
    gradient_bound : ndarray, shape (K,), optional
        Upper bounds on |grad f_k|; None where the gradients are unbounded.
    region : Ball, optional
        Where all of the above holds; None: everywhere.
    certified : str
        How the constants are known, in one sentence.
    """

    smoothness: float
    task_smoothness: NDArray[np.float64]
    optimum: float
    certified: str
    pl: float = 0.0
    gradient_bound: NDArray[np.float64] | None = None
    region: Ball | None = None

    def __post_init__(self) -> None:
        numbers = (self.smoothness, self.optimum, self.pl, *self.task_smoothness)
        if not all(map(math.isfinite, numbers)) or self.smoothness < 0 or self.pl < 0:
            raise InvalidInputError(
                f"constants of an objective should be finite, L and mu >= 0; found {self!r}."
            )


@runtime_checkable
class MultiTaskObjective(Protocol):
    """K losses of the same d parameters, with exact derivatives.

    A point is an array (..., d): leading axes are a batch, so that many trajectories move at once.
    Objectives are frozen; everything random about them was drawn when they were made. The
    objective that is minimised is their sum F (`total_loss`, `total_gradient`).
    """

    @property
    def num_tasks(self) -> int:
        """K."""
        ...

    @property
    def dim(self) -> int:
        """d."""
        ...

    @property
    def constants(self) -> Constants:
        """L, L_k, mu, F* and where they hold."""
        ...

    def losses(self, x: ArrayLike) -> NDArray[np.float64]:
        """f_k at points of shape (..., d): shape (..., K)."""
        ...

    def gradients(self, x: ArrayLike) -> NDArray[np.float64]:
        """Gradients of the f_k at points of shape (..., d): shape (..., K, d)."""
        ...

    def hessian_vectors(self, x: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """Hessian of each f_k times v, both of shape (..., d): shape (..., K, d)."""
        ...

    def group_smoothness(self, tasks: Sequence[int]) -> float:
        """L_r of Assumption 6: a Lipschitz constant of the summed gradient of these tasks."""
        ...


def as_points(x: ArrayLike, dim: int) -> NDArray[np.float64]:
    """Check points of shape (..., d).

    Raises
    ------
    InvalidInputError
        When the last axis does not have `dim` entries.
    """
    points = np.asarray(x, dtype=np.float64)
    if points.ndim < 1 or points.shape[-1] != dim:
        raise InvalidInputError(
            f"points should have shape (..., {dim}), one row a point; found {points.shape}."
        )
    return points


def total_loss(objective: MultiTaskObjective, x: ArrayLike) -> NDArray[np.float64]:
    """Return F at points of shape (..., d): shape (...)."""
    return np.asarray(objective.losses(x).sum(axis=-1))


def total_gradient(objective: MultiTaskObjective, x: ArrayLike) -> NDArray[np.float64]:
    """Return grad F at points of shape (..., d): shape (..., d)."""
    return np.asarray(objective.gradients(x).sum(axis=-2))


def dense_hessians(objective: MultiTaskObjective, x: ArrayLike) -> NDArray[np.float64]:
    """Return the Hessian of every task at one point of shape (d,): shape (K, d, d).

    Costs d Hessian-vector products and K d^2 numbers.
    """
    point = as_points(x, objective.dim)
    basis = np.eye(objective.dim)
    columns = objective.hessian_vectors(np.broadcast_to(point, basis.shape), basis)
    return np.ascontiguousarray(np.moveaxis(columns, 0, -1))
