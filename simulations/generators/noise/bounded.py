"""Bounded noise whose sub-Gaussian parameter is its variance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.noise.base import check_sigma, independent_ema_variance
from songoku_theory.errors import unknown_name

__all__ = ["BoundedNoise", "Shape"]

Shape = Literal["rademacher", "uniform"]


@dataclass(frozen=True, slots=True)
class BoundedNoise:
    """Independent bounded coordinates, independent across steps.

    Both shapes are *strictly* sub-Gaussian: the parameter is the variance sigma**2 and no smaller
    number would do. Rademacher: ``E exp(s X) = cosh(s sigma) <= exp(s**2 sigma**2 / 2)``. Uniform
    on ``[-a, a]`` with ``a = sqrt(3) sigma``: ``sinh(s a) / (s a) <= exp(s**2 a**2 / 6)``, term by
    term in the two series. Independent coordinates multiply, so the bound holds along every unit
    vector.

    Parameters
    ----------
    sigma : float
        > 0; standard deviation and square root of the sub-Gaussian parameter.
    shape : {"rademacher", "uniform"}
        ``"rademacher"``: +sigma or -sigma. ``"uniform"``: uniform on ``sqrt(3) [-sigma, sigma]``.

    Raises
    ------
    InvalidInputError
        When a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> np.unique(BoundedNoise(2.0).sample(np.random.default_rng(0), 5, 2, 3)).tolist()
    [-2.0, 2.0]
    """

    sigma: float
    shape: Shape = "rademacher"
    name: ClassVar[str] = "bounded"
    satisfies_assumption_2: ClassVar[bool] = True
    is_gaussian: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        if self.shape not in get_args(Shape):
            raise unknown_name("shape of bounded noise", str(self.shape), get_args(Shape))

    def spectrum(self, dim: int) -> NDArray[np.float64]:
        """All ones, shape (d,): the covariance is isotropic."""
        return np.ones(dim)

    def ema_variance(self, weights: ArrayLike) -> float:
        """``sigma**2 * sum(w**2)``: exact for the variance, though the EMA is not Gaussian."""
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
        size = (steps, num_tasks, dim)
        if self.shape == "uniform":
            bound = math.sqrt(3.0) * self.sigma
            return rng.uniform(-bound, bound, size)
        signs = rng.integers(0, 2, size, dtype=np.int8).astype(np.float64)
        signs -= 0.5
        signs *= 2.0 * self.sigma
        return signs
