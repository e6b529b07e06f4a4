"""Heavy-tailed noise, to see what happens where the theory promises nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_number
from simulations.generators.noise.base import check_sigma, independent_ema_variance
from songoku_theory.errors import InvalidInputError

__all__ = ["StudentTNoise"]


@dataclass(frozen=True, slots=True)
class StudentTNoise:
    """Multivariate Student t, independent across steps: now and then a whole gradient is huge.

    ``xi = sigma sqrt((dof - 2) / chi2_dof) z`` with one chi-square a task and step, so the
    coordinates are uncorrelated with variance sigma**2 but large together.

    Breaks Assumption 2 on purpose: tails fall like ``x ** -dof``, so no sub-Gaussian parameter
    exists, whatever its size; moments of order dof and above are infinite. The variance of the EMA
    is ``sigma**2 / n_eff`` all the same, so what differs from Gaussian noise is the tail alone.

    Parameters
    ----------
    sigma : float
        > 0; standard deviation of a coordinate.
    dof : float, default 3
        Degrees of freedom, > 2 (below, the standard deviation would be infinite).

    Raises
    ------
    InvalidInputError
        When a parameter is out of range.

    Examples
    --------
    >>> StudentTNoise(1.0).satisfies_assumption_2
    False
    """

    sigma: float
    dof: float = 3.0
    name: ClassVar[str] = "student_t"
    satisfies_assumption_2: ClassVar[bool] = False
    is_gaussian: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        check_number("dof", self.dof)
        if self.dof <= 2:
            raise InvalidInputError(
                f"dof should be > 2, so that sigma is a standard deviation; found {self.dof}. The "
                f"closer to 2, the heavier the tail."
            )

    def spectrum(self, dim: int) -> NDArray[np.float64]:
        """All ones, shape (d,): the covariance is isotropic."""
        return np.ones(dim)

    def ema_variance(self, weights: ArrayLike) -> float:
        """``sigma**2 * sum(w**2)``: exact for the variance, which says little about the tail."""
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
        scale = np.sqrt((self.dof - 2.0) / rng.chisquare(self.dof, (steps, num_tasks, 1)))
        noise *= self.sigma * scale
        return noise
