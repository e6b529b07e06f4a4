"""Stochastic gradients: additive Gaussian noise with a chosen variance for each task and direction.

Unlike `simulations.generators.noise`, whose laws are the same for every task, tasks may differ
here, and the sum over a class is drawn at once: Gaussian, with the summed variances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_number, check_whole
from songoku_theory.errors import InvalidInputError

__all__ = ["GradientNoise", "gradient_noise"]


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """Noise of the tasks' gradients: independent over tasks, steps and coordinates.

    Parameters
    ----------
    variances : array_like, shape (K, d)
        Of each coordinate of each task's gradient, >= 0.

    Raises
    ------
    InvalidInputError
        When the shape is another, or a variance negative.

    Examples
    --------
    >>> noise = GradientNoise([[1.0, 3.0], [0.0, 2.0]])
    >>> noise.energies.tolist(), noise.total
    ([4.0, 2.0], 6.0)
    """

    variances: NDArray[np.float64]

    def __init__(self, variances: ArrayLike) -> None:
        values = np.array(variances, dtype=np.float64)
        if values.ndim != 2 or values.size == 0:
            raise InvalidInputError(f"variances should have shape (K, d); found {values.shape}.")
        if not (np.isfinite(values) & (values >= 0)).all():
            raise InvalidInputError("variances should be finite and >= 0.")
        values.setflags(write=False)
        object.__setattr__(self, "variances", values)

    @property
    def energies(self) -> NDArray[np.float64]:
        """E|xi_k|^2 of each task, shape (K,)."""
        return np.asarray(self.variances.sum(axis=1))

    @property
    def total(self) -> float:
        """sigma^2 of eq. 102 for the sum of all tasks' gradients."""
        return float(self.variances.sum())

    def of_classes(self, members: ArrayLike) -> NDArray[np.float64]:
        """Return standard deviations of the classes' summed noise.

        Parameters
        ----------
        members : array_like of bool, shape (m, K)

        Returns
        -------
        ndarray, shape (m, d)
        """
        chosen = np.asarray(members, dtype=np.float64)
        return np.asarray(np.sqrt(chosen @ self.variances))


def gradient_noise(
    energy: float,
    num_tasks: int,
    dim: int,
    *,
    task_decay: float = 0.0,
    direction_decay: float = 0.0,
) -> GradientNoise:
    """Spread a total noise energy over tasks and directions.

    Parameters
    ----------
    energy : float
        E|sum_k xi_k|^2, the sigma^2 of eq. 102 for the full gradient; >= 0.
    num_tasks, dim : int
        K and d.
    task_decay : float, default 0
        Task k = 1, 2, ... gets a share proportional to k^-task_decay; 0: all the same.
    direction_decay : float, default 0
        Coordinate j = 1, 2, ... gets a share proportional to j^-direction_decay; 0: isotropic.

    Returns
    -------
    GradientNoise

    Raises
    ------
    InvalidInputError
        When a value is out of range.

    Examples
    --------
    >>> noise = gradient_noise(6.0, 2, 3, task_decay=1.0)
    >>> noise.energies.round(12).tolist()
    [4.0, 2.0]
    """
    check_whole("num_tasks", num_tasks)
    check_whole("dim", dim)
    for name, value in (("energy", energy), ("task_decay", task_decay),
                        ("direction_decay", direction_decay)):  # fmt: skip
        check_number(name, value)
        if value < 0:
            raise InvalidInputError(f"{name} should be >= 0; found {value}.")
    tasks = np.arange(1, num_tasks + 1, dtype=np.float64) ** -task_decay
    directions = np.arange(1, dim + 1, dtype=np.float64) ** -direction_decay
    return GradientNoise(energy * np.outer(tasks / tasks.sum(), directions / directions.sum()))
