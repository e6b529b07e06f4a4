"""What a noise law is, and the checks that all of them share."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_number
from songoku_theory.errors import InvalidInputError

__all__ = ["NoiseLaw", "check_sigma", "check_weights", "independent_ema_variance"]


@runtime_checkable
class NoiseLaw(Protocol):
    """Gradient noise xi of eq. 17: mean zero, independent across tasks.

    The covariance of a task's noise vector at one step is ``sigma**2 * diag(spectrum(d))``, and of
    a weighted average over time it is ``ema_variance(weights) * diag(spectrum(d))``.
    """

    @property
    def name(self) -> str:
        """The name that a sweep calls it by."""
        ...

    @property
    def sigma(self) -> float:
        """Standard deviation of one step's noise along its noisiest direction."""
        ...

    @property
    def satisfies_assumption_2(self) -> bool:
        """Whether it is sub-Gaussian with parameter sigma**2 and mixing as Assumption 2 asks."""
        ...

    @property
    def is_gaussian(self) -> bool:
        """Whether any weighted average of it is exactly Gaussian: then the EMA has a closed law."""
        ...

    def spectrum(self, dim: int) -> NDArray[np.float64]:
        """Variance of each coordinate relative to sigma**2, shape (d,); the largest is 1."""
        ...

    def ema_variance(self, weights: ArrayLike) -> float:
        """Variance of the average with these weights, along the noisiest direction."""
        ...

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        num_tasks: int,
        dim: int,
        after: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Draw noise, shape (steps, num_tasks, dim).

        `after`, shape (num_tasks, dim), is the noise of the step before, for laws that remember;
        None starts in the stationary law. Independent laws do not look at it.
        """
        ...


def check_sigma(sigma: float) -> None:
    """Check a noise level: finite and > 0.

    Raises
    ------
    InvalidInputError
        When it is not.
    """
    check_number("sigma", sigma)
    if sigma <= 0:
        raise InvalidInputError(
            f"sigma should be > 0; found {sigma}. Without noise the EMA is its mean and there is "
            f"nothing to simulate."
        )


def check_weights(weights: ArrayLike) -> NDArray[np.float64]:
    """Check the weights of an average: a finite, non-empty vector.

    Raises
    ------
    InvalidInputError
        When it is not.
    """
    values = np.asarray(weights, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise InvalidInputError(
            f"weights should be a finite, non-empty vector; found shape {values.shape}."
        )
    return values


def independent_ema_variance(sigma: float, weights: ArrayLike) -> float:
    """Variance of an average of uncorrelated steps: ``sigma**2 * sum(w**2)`` (eq. 19)."""
    values = check_weights(weights)
    return float(sigma**2 * (values @ values))
