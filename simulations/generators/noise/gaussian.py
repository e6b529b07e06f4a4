"""Isotropic Gaussian noise, independent in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.noise.base import check_sigma, independent_ema_variance

__all__ = ["GaussianNoise"]


@dataclass(frozen=True, slots=True)
class GaussianNoise:
    """``xi ~ N(0, sigma**2 I)``, independent across steps.

    Sub-Gaussian with parameter exactly sigma**2 in every direction. The EMA is Gaussian with
    variance ``sigma**2 / n_eff`` a coordinate.

    Parameters
    ----------
    sigma : float
        > 0.

    Raises
    ------
    InvalidInputError
        When sigma is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> GaussianNoise(2.0).ema_variance([0.5, 0.5])
    2.0
    >>> GaussianNoise(1.0).sample(np.random.default_rng(0), steps=3, num_tasks=2, dim=5).shape
    (3, 2, 5)
    """

    sigma: float
    name: ClassVar[str] = "gaussian"
    satisfies_assumption_2: ClassVar[bool] = True
    is_gaussian: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_sigma(self.sigma)

    def spectrum(self, dim: int) -> NDArray[np.float64]:
        """All ones, shape (d,): the noise has no preferred direction."""
        return np.ones(dim)

    def ema_variance(self, weights: ArrayLike) -> float:
        """``sigma**2 * sum(w**2)``."""
        return independent_ema_variance(self.sigma, weights)

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        num_tasks: int,
        dim: int,
        after: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Draw noise, shape (steps, num_tasks, dim); `after` has no effect."""
        noise = rng.standard_normal((steps, num_tasks, dim))
        noise *= self.sigma
        return noise
