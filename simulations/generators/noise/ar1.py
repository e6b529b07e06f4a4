"""Gaussian noise that remembers: a stationary AR(1) process in time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_number
from simulations.generators.noise.base import check_sigma, check_weights
from songoku_theory.errors import InvalidInputError

__all__ = ["Ar1Noise"]


@dataclass(frozen=True, slots=True)
class Ar1Noise:
    """``xi_t = phi xi_{t-1} + sqrt(1 - phi**2) sigma z_t``, stationary, isotropic in space.

    At one step it is N(0, sigma**2 I), sub-Gaussian with parameter exactly sigma**2, and two steps
    k apart have correlation ``phi**k``. The EMA is exactly Gaussian, with a variance that eq. 19
    does not give: for phi > 0 it is larger than ``sigma**2 / n_eff``, by a factor that tends to
    ``(1 + phi) / (1 - phi)`` for long windows.

    Does not satisfy Assumption 2 to the letter unless phi = 0: it is not a martingale difference,
    and a stationary Gaussian process is phi-mixing only if it is m-dependent (it is strongly
    mixing). Lemma 1's tail bound holds all the same, with a constant c that depends on phi.

    Parameters
    ----------
    sigma : float
        > 0; standard deviation of one step.
    phi : float, default 0.5
        Correlation of neighbouring steps, in (-1, 1).

    Raises
    ------
    InvalidInputError
        When a parameter is out of range.

    Source
    ------
    phi-mixing of Gaussian processes: Ibragimov and Rozanov (1978), chapter IV.

    Examples
    --------
    >>> Ar1Noise(1.0, phi=0.5).ema_variance([0.5, 0.5])
    0.75
    """

    sigma: float
    phi: float = 0.5
    name: ClassVar[str] = "ar1"
    is_gaussian: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        check_number("phi", self.phi)
        if not -1 < self.phi < 1:
            raise InvalidInputError(
                f"phi should lie strictly between -1 and 1 (a stationary process); found "
                f"{self.phi}."
            )

    @property
    def satisfies_assumption_2(self) -> bool:
        """Only without memory, see the class."""
        return self.phi == 0.0

    def spectrum(self, dim: int) -> NDArray[np.float64]:
        """All ones, shape (d,): the noise has no preferred direction."""
        return np.ones(dim)

    def ema_variance(self, weights: ArrayLike) -> float:
        """``sigma**2 * sum over s, t of w_s w_t phi**|s - t|``, in O(T).

        With ``a_t = phi (a_{t-1} + w_{t-1})``, the sum over s < t of ``w_s phi**(t-s)``, it is
        ``sigma**2 * sum over t of w_t (w_t + 2 a_t)``.
        """
        values = check_weights(weights)
        memory = 0.0
        total = 0.0
        for weight in values.tolist():
            total += weight * (weight + 2.0 * memory)
            memory = self.phi * (memory + weight)
        return float(self.sigma**2 * total)

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        num_tasks: int,
        dim: int,
        after: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Draw noise, shape (steps, num_tasks, dim), going on from the step `after` if given."""
        noise = rng.standard_normal((steps, num_tasks, dim))
        noise *= self.sigma
        fresh = math.sqrt(1.0 - self.phi**2)
        for step in range(steps):
            previous = after if step == 0 else noise[step - 1]
            if previous is not None:
                noise[step] *= fresh
                noise[step] += self.phi * previous
        return noise
