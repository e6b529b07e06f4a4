"""Warm-up and logarithmic annealing of the threshold (section 4.4.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_tau

__all__ = ["AnnealConfig", "AnnealShape", "tau_at"]

AnnealShape = Literal["log_time", "geometric"]


@dataclass(frozen=True, slots=True)
class AnnealConfig:
    """How tau goes from 1 (no edges) to its target.

    Attributes
    ----------
    tau_target : float
        tau*, in [0, 1].
    warm_up : int
        T_warm >= 0, the number of first steps with tau = 1.
    anneal_steps : int
        Steps from the end of the warm-up until tau* is reached; 0 jumps there at once.
    shape : {"log_time", "geometric"}
        The paper says "logarithmically anneal" and gives no formula. ``"log_time"``: tau falls
        with the logarithm of the step, ``1 - (1 - tau*) ln(1 + s) / ln(1 + S)``, quick first.
        ``"geometric"``: ln tau falls linearly, ``tau* ** (s / S)``; needs tau* > 0.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    UnknownNameError
        When `shape` is neither of the two.
    """

    tau_target: float
    warm_up: int = 0
    anneal_steps: int = 0
    shape: AnnealShape = "log_time"

    def __post_init__(self) -> None:
        check_tau(self.tau_target)
        for name, value in (("warm_up", self.warm_up), ("anneal_steps", self.anneal_steps)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InvalidInputError(
                    f"{name} should be a whole number of steps >= 0; found {value!r}."
                )
        if self.shape not in get_args(AnnealShape):
            raise unknown_name("anneal shape", str(self.shape), get_args(AnnealShape))
        if self.shape == "geometric" and self.tau_target == 0:
            raise InvalidInputError(
                "geometric annealing never reaches tau_target = 0; use shape='log_time' or a "
                "positive target."
            )


def tau_at(step: int, config: AnnealConfig) -> float:
    """Return the threshold in force at a step.

    Parameters
    ----------
    step : int
        t >= 0.
    config : AnnealConfig

    Returns
    -------
    float
        1 during the warm-up, never increasing after it, tau* from
        ``warm_up + anneal_steps`` on.

    Raises
    ------
    InvalidInputError
        When `step` is negative.

    Source
    ------
    SON-GOKU, section 4.4.2 and Algorithm 1 line 5.

    Examples
    --------
    >>> config = AnnealConfig(tau_target=0.2, warm_up=10, anneal_steps=7)
    >>> [round(tau_at(t, config), 3) for t in (0, 9, 10, 13, 17, 99)]
    [1.0, 1.0, 1.0, 0.467, 0.2, 0.2]
    """
    if step < 0:
        raise InvalidInputError(f"step should be >= 0; found {step}.")
    if step < config.warm_up:
        return 1.0
    since = step - config.warm_up
    if since >= config.anneal_steps:
        return float(config.tau_target)
    if config.shape == "geometric":
        return float(config.tau_target ** (since / config.anneal_steps))
    share = math.log1p(since) / math.log1p(config.anneal_steps)
    return 1.0 - (1.0 - config.tau_target) * share
