"""Which class is updated at which step, and how its gradient is scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from simulations.generators.checks import check_number, check_whole
from songoku_theory.errors import unknown_name

__all__ = ["RULES", "Plan", "Rule", "plan"]

Rule = Literal["aggregated", "cyclic", "shuffled", "mixed", "sampled", "sampled_scaled"]

RULES: tuple[str, ...] = get_args(Rule)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The classes of every step, fixed before the first.

    Attributes
    ----------
    active : ndarray of int, shape (T, runs) or (T, 1)
        Class of each step, 0..m-1; m stands for all tasks at once. One column when all runs agree.
    scales : ndarray, shape (m + 1,)
        What the summed gradient of each class is multiplied with.
    period : int
        Steps after which a deterministic rule repeats; m for the sampled ones.
    probabilities : ndarray, shape (m,), or None
        Of the classes, for the sampled rules.
    """

    active: NDArray[np.int64]
    scales: NDArray[np.float64]
    period: int
    probabilities: NDArray[np.float64] | None

    @property
    def is_random(self) -> bool:
        """Whether runs may differ by the rule alone."""
        return int(self.active.shape[1]) > 1


def plan(
    rule: str,
    num_classes: int,
    steps: int,
    runs: int,
    rng: np.random.Generator,
    *,
    skew: float = 0.0,
) -> Plan:
    """Plan T steps over m classes.

    Parameters
    ----------
    rule : str
        ``aggregated``: all tasks at every step. ``cyclic``: classes in turn. ``shuffled``: every
        cycle in a new random order. ``mixed``: the classes in turn, then one aggregated step.
        ``sampled``: a class drawn anew at each step, its gradient as it is. ``sampled_scaled``: the
        same, divided by the class's probability (eq. 110).
    num_classes, steps, runs : int
        m, T and the number of independent runs, all >= 1.
    rng : numpy.random.Generator
    skew : float, default 0
        Class r = 1, ..., m is drawn with probability proportional to r^-skew; 0: uniformly.

    Returns
    -------
    Plan

    Raises
    ------
    UnknownNameError
        When there is no such rule.

    Examples
    --------
    >>> plan("mixed", 2, 5, 1, np.random.default_rng(0)).active[:, 0].tolist()
    [0, 1, 2, 0, 1]
    >>> plan("sampled_scaled", 3, 4, 2, np.random.default_rng(0)).scales.tolist()
    [3.0, 3.0, 3.0, 1.0]
    """
    if rule not in RULES:
        raise unknown_name("rule of activation", rule, RULES)
    for name, value in (("num_classes", num_classes), ("steps", steps), ("runs", runs)):
        check_whole(name, value)
    check_number("skew", skew)
    scales = np.ones(num_classes + 1)
    period, chances = num_classes, None
    match rule:
        case "aggregated":
            active, period = np.full((steps, 1), num_classes), 1
        case "cyclic":
            active = (np.arange(steps) % num_classes)[:, None]
        case "mixed":
            period = num_classes + 1
            active = (np.arange(steps) % period)[:, None]
        case "shuffled":
            cycles = -(-steps // num_classes)
            orders = rng.permuted(
                np.broadcast_to(np.arange(num_classes), (cycles, runs, num_classes)), axis=2
            )
            active = orders.transpose(0, 2, 1).reshape(-1, runs)[:steps]
        case _:
            weights = np.arange(1, num_classes + 1, dtype=np.float64) ** -skew
            chances = weights / weights.sum()
            active = rng.choice(num_classes, size=(steps, runs), p=chances)
            if rule == "sampled_scaled":
                scales[:-1] = 1.0 / chances
    return Plan(np.asarray(active, dtype=np.int64), scales, period, chances)
