"""Conflict without changing the sum: tilts and bends of the tasks that cancel in F."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.objectives.base import Constants, MultiTaskObjective, as_points
from songoku_theory.errors import InvalidInputError

__all__ = ["TiltedTasks", "conflicting_slopes"]


def conflicting_slopes(
    num_tasks: int, dim: int, length: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return K slopes in R^d that sum to zero, each pair at the cosine -1 / (K - 1): a simplex.

    Parameters
    ----------
    num_tasks : int
        K >= 2.
    dim : int
        d >= K - 1.
    length : float
        Of each slope, >= 0.
    rng : numpy.random.Generator
        Turns the simplex into a uniformly random position.

    Returns
    -------
    ndarray, shape (K, d)

    Raises
    ------
    InvalidInputError
        When a size is out of range.

    Examples
    --------
    >>> slopes = conflicting_slopes(3, 2, 2.0, np.random.default_rng(0))
    >>> np.round(slopes @ slopes.T, 12).tolist()
    [[4.0, -2.0, -2.0], [-2.0, 4.0, -2.0], [-2.0, -2.0, 4.0]]
    """
    from simulations.generators.realise import random_frame

    if num_tasks < 2 or dim < num_tasks - 1 or not length >= 0:
        raise InvalidInputError(
            f"a simplex of slopes needs K >= 2, d >= K - 1 and length >= 0; found K = {num_tasks}, "
            f"d = {dim}, length = {length}."
        )
    spread = np.eye(num_tasks) - 1.0 / num_tasks
    corners = np.linalg.eigh(spread)[1][:, 1:]  # the K - 1 directions across (1, ..., 1)
    corners *= length / np.linalg.norm(corners, axis=1, keepdims=True)
    slopes = corners @ random_frame(rng, dim, num_tasks - 1).T
    return np.asarray(slopes - slopes.mean(axis=0))


@dataclass(frozen=True, eq=False)
class TiltedTasks:
    """``f_k(x) + <v_k, x> + 1/2 x' W_k x`` where the v_k and the W_k sum to zero.

    F, L, mu and F* are those of the base exactly; conflict (by `slopes`) and curvature coupling (by
    `bends`) of the tasks are free.

    Parameters
    ----------
    base : MultiTaskObjective
    slopes : array_like, shape (K, d)
        v_k.
    bends : array_like, shape (K, d, d), optional
        W_k, symmetric.

    Raises
    ------
    InvalidInputError
        When shapes differ, a bend is not symmetric, or they do not sum to zero.
    """

    base: MultiTaskObjective
    slopes: NDArray[np.float64]
    bends: NDArray[np.float64] | None

    def __init__(
        self, base: MultiTaskObjective, slopes: ArrayLike, bends: ArrayLike | None = None
    ) -> None:
        tilts = np.array(slopes, dtype=np.float64)
        shape = (base.num_tasks, base.dim)
        if tilts.shape != shape:
            raise InvalidInputError(f"slopes should have shape {shape}; found {tilts.shape}.")
        bent = None if bends is None else np.array(bends, dtype=np.float64)
        if bent is not None and bent.shape != (*shape, base.dim):
            raise InvalidInputError(
                f"bends should have shape {(*shape, base.dim)}; found {bent.shape}."
            )
        for name, array in (("slopes", tilts), ("bends", bent)):
            if array is None:
                continue
            size = max(1.0, float(np.abs(array).max()))
            if not np.isfinite(array).all() or np.abs(array.sum(axis=0)).max() > 1e-10 * size:
                raise InvalidInputError(
                    f"{name} should be finite and sum to zero over the tasks, so that F does not "
                    f"change."
                )
            array.setflags(write=False)
        if bent is not None and np.abs(bent - bent.transpose(0, 2, 1)).max() > 1e-10 * size:
            raise InvalidInputError("bends should be symmetric.")
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "slopes", tilts)
        object.__setattr__(self, "bends", bent)

    @property
    def num_tasks(self) -> int:
        """K."""
        return self.base.num_tasks

    @property
    def dim(self) -> int:
        """d."""
        return self.base.dim

    @cached_property
    def constants(self) -> Constants:
        """F's are the base's; L_k grows by at most the norm of W_k, gradient bounds by |v_k|."""
        known = self.base.constants
        bound = known.gradient_bound
        if bound is not None:
            # A bend's gradient grows without end.
            bound = bound + np.linalg.norm(self.slopes, axis=1) if self.bends is None else None
        extra = 0.0 if self.bends is None else np.linalg.norm(self.bends, ord=2, axis=(1, 2))
        return replace(
            known,
            task_smoothness=known.task_smoothness + extra,
            gradient_bound=bound,
            certified=known.certified + "; tilts and bends cancel in F",
        )

    def losses(self, x: ArrayLike) -> NDArray[np.float64]:
        """f_k at points of shape (..., d): shape (..., K)."""
        points = as_points(x, self.dim)
        found = self.base.losses(points) + points @ self.slopes.T
        if self.bends is not None:
            found = found + 0.5 * np.einsum("...d,...kd->...k", points, self._bent(points))
        return np.asarray(found)

    def gradients(self, x: ArrayLike) -> NDArray[np.float64]:
        """Gradients at points of shape (..., d): shape (..., K, d)."""
        points = as_points(x, self.dim)
        found = self.base.gradients(points) + self.slopes
        return found if self.bends is None else np.asarray(found + self._bent(points))

    def hessian_vectors(self, x: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """Hessians times v, both of shape (..., d): shape (..., K, d)."""
        found = self.base.hessian_vectors(x, v)
        return (
            found if self.bends is None else np.asarray(found + self._bent(as_points(v, self.dim)))
        )

    def _bent(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        assert self.bends is not None
        return np.asarray((self.bends @ points[..., None, :, None])[..., 0])

    def group_smoothness(self, tasks: Sequence[int]) -> float:
        """L_r of Assumption 6: the base's, and the norm of these tasks' summed bends."""
        chosen = list(tasks)
        extra = 0.0
        if self.bends is not None:
            extra = float(np.linalg.norm(self.bends[chosen].sum(axis=0), ord=2))
        return self.base.group_smoothness(chosen) + extra
