"""Several refreshes in a row on PL objectives, with the promised contraction of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.comparison.refresh import ROUNDING, compare_refresh
from simulations.objectives import MultiTaskObjective, total_loss
from songoku_theory.bounds.comparison import (
    contraction_factor,
    contraction_is_vacuous,
    scheduled_contraction,
)

__all__ = ["FINISHED", "RefreshContraction", "contract"]

Array = NDArray[np.float64]

FINISHED = 1e-8
"""A run ends when the excess has shrunk to this share of where it started: below, F - F* loses its
digits to rounding."""


@dataclass(frozen=True, slots=True)
class RefreshContraction:
    """One refresh of one run; all but `factor` are in units of the excess F(x) - F* before it.

    Attributes
    ----------
    index : int
        0 for the first refresh.
    factor : float
        ``1 - 2 mu eta (1 - L eta / 2)``, eq. 61.
    aggregated, scheduled : float
        Excess after one aggregated step, and after the scheduled refresh, from the same point.
    bound : float
        Eq. 63 with Delta_UB from UB_sch along the path (eq. 49).
    bound_start : float
        Eq. 63 with both bounds at the start of the refresh, drift left out.
    bound_promised : float
        Eq. 63 with the gain that Theorem 5 promises, R_m by eq. 56.
    bound_corrected : float
        The same with the corrected drift penalty.
    gains : bool
        Whether Delta_UB > 0 along the path.
    holds_59 : bool
    wrong : tuple of str
        Which of aggregated, bound, bound_start, bound_promised, bound_corrected and inherited
        (the scheduled refresh contracts by eq. 61's factor, though only eq. 59 would promise it)
        fail on this refresh.
    vacuous : bool
        Whether `bound` does not promise any decrease.
    """

    index: int
    factor: float
    aggregated: float
    scheduled: float
    bound: float
    bound_start: float
    bound_promised: float
    bound_corrected: float
    gains: bool
    holds_59: bool
    wrong: tuple[str, ...]
    vacuous: bool


def contract(
    objective: MultiTaskObjective,
    classes: Sequence[Sequence[int]],
    point: Array,
    eta: float,
    refreshes: int,
    rng: np.random.Generator,
    *,
    random_order: bool,
    constant_hessian: bool = False,
) -> tuple[list[RefreshContraction], bool]:
    """Run scheduled refreshes and evaluate eq. 61 and 63 at the start of each.

    Parameters
    ----------
    objective : MultiTaskObjective
        With a PL constant.
    classes : sequence of sequences of int
    point : ndarray, shape (d,)
    eta : float
        In (0, 1/L].
    refreshes : int
    rng : numpy.random.Generator
        For the orders.
    random_order : bool
        A new order each refresh, else the order of `classes`.
    constant_hessian : bool, default False

    Returns
    -------
    list of RefreshContraction
        Ends early once the excess is `FINISHED`.
    left : bool
        Whether the run left the region in which the constants hold; it ends there.
    """
    known = objective.constants
    mu, lip = known.pl, known.smoothness
    factor = float(contraction_factor(mu, eta, lip))
    first = float(total_loss(objective, point)) - known.optimum
    found: list[RefreshContraction] = []
    for index in range(refreshes):
        excess = float(total_loss(objective, point)) - known.optimum
        if excess <= FINISHED * first:
            break
        order = rng.permutation(len(classes)) if random_order else np.arange(len(classes))
        step = compare_refresh(
            objective,
            classes,
            point,
            eta,
            constant_hessian=constant_hessian,
            orders=order[None, :],
        )
        if known.region is not None and not known.region.contains(step.ends).all():
            return found, True
        after = (excess + step.scheduled[0]) / excess
        one_shot = (excess + step.aggregated) / excess
        gains = {
            "bound": step.aggregated_bound - step.printed[0],
            "bound_start": step.aggregated_bound - step.started[0],
            "bound_promised": -step.promised[0],
            "bound_corrected": -step.corrected[0],
        }
        bounds = {
            name: float(scheduled_contraction(excess, gain, mu, eta, lip)) / excess
            for name, gain in gains.items()
        }
        slack = ROUNDING * max(1.0, step.scale / excess)
        wrong = [name for name, bound in bounds.items() if after > bound + slack]
        if one_shot > factor + slack:
            wrong.append("aggregated")
        if after > factor + slack:
            wrong.append("inherited")
        found.append(
            RefreshContraction(
                index=index,
                factor=factor,
                aggregated=one_shot,
                scheduled=float(after),
                gains=bool(gains["bound"] > 0),
                holds_59=bool(step.holds_59[0]),
                wrong=tuple(wrong),
                vacuous=bool(contraction_is_vacuous(bounds["bound"], 1.0)),
                **bounds,
            )
        )
        point = step.ends[0]
    return found, False
