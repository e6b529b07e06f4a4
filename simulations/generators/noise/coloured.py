"""Gaussian noise with a decaying spectrum: few directions carry most of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_number
from simulations.generators.noise.base import check_sigma, independent_ema_variance
from songoku_theory.errors import InvalidInputError

__all__ = ["ColouredNoise"]


@dataclass(frozen=True, slots=True)
class ColouredNoise:
    """``xi ~ N(0, sigma**2 diag(spectrum))``, independent across steps.

    The spectrum is ``k ** -decay`` for k = 1..d, so its largest entry is 1 and sigma**2, the
    covariance's operator norm, is the honest sub-Gaussian parameter. What takes the place of d in
    recovery is the effective rank, the sum of the spectrum.

    Parameters
    ----------
    sigma : float
        > 0; standard deviation along the first coordinate.
    decay : float, default 0.5
        >= 0; 0 is isotropic, above 1 the effective rank stays bounded as d grows.

    Raises
    ------
    InvalidInputError
        When a parameter is out of range.

    Examples
    --------
    >>> noise = ColouredNoise(1.0, decay=1.0)
    >>> noise.spectrum(4)
    array([1.        , 0.5       , 0.33333333, 0.25      ])
    >>> round(noise.effective_rank(4), 6)
    2.083333
    """

    sigma: float
    decay: float = 0.5
    name: ClassVar[str] = "coloured"
    satisfies_assumption_2: ClassVar[bool] = True
    is_gaussian: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        check_number("decay", self.decay)
        if self.decay < 0:
            raise InvalidInputError(
                f"decay should be >= 0 (the first coordinate is the noisiest); found {self.decay}."
            )

    def spectrum(self, dim: int) -> NDArray[np.float64]:
        """``k ** -decay``, shape (d,)."""
        return np.asarray(np.arange(1, dim + 1, dtype=np.float64) ** -self.decay)

    def effective_rank(self, dim: int) -> float:
        """Trace of the covariance over its largest eigenvalue, between 1 and d."""
        return float(self.spectrum(dim).sum())

    def ema_variance(self, weights: ArrayLike) -> float:
        """``sigma**2 * sum(w**2)``, along the first coordinate."""
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
        noise *= self.sigma * np.sqrt(self.spectrum(dim))
        return noise
