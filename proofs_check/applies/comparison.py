"""Appendix C held to a run: scheduled against aggregated, bound against truth."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import Measurement, RunLog

__all__ = ["comparison"]


def comparison(run: RunLog) -> tuple[Applied, ...]:
    """Hold Theorems 5 and 6 and the second-order criterion to each measured refresh.

    L and L_r are the largest curvatures that were found where the measurement was taken: lower
    estimates, so a condition that fails with them fails with the true constants only if it is
    one that larger constants do not help. The Hessian in I_pq is taken at the refresh itself.
    """
    eta = float(run.params["lr"])
    several = [m.measured for m in run.moments if m.measured is not None and m.num_classes > 1]
    truth = tuple(found.scheduled < found.aggregated for found in several)
    better = Held("F after the scheduled steps < F after the aggregated one", truth)
    step = tuple(eta * found.smoothness <= 1 for found in several)
    gaps = [_bound_gap(found, eta) for found in several]
    return (
        Applied(
            "Theorem 6 (a strictly tighter scheduled bound)",
            ("Theorem 6", "Assumption 6", "Assumption 7", "Equation 57", "Equation 59"),
            (
                Held("eta <= 1 / L", step, note="with a lower estimate of L"),
                Held(
                    "I_pq <= 0 for every p < q (eq. 57)",
                    tuple(
                        all(found.cross[p, q] <= 0 for p, q in _pairs(found)) for found in several
                    ),
                ),
                Held("eq. 59", tuple(_condition_59(found, eta) for found in several)),
            ),
            Held("scheduled bound < aggregated bound", tuple(gap > 0 for gap in gaps)),
        ),
        Applied(
            "The bounds as a prediction of the true F",
            ("Theorem 5", "Equation 49", "Equation 50"),
            (Held("scheduled bound < aggregated bound", tuple(gap > 0 for gap in gaps)),),
            better,
        ),
        Applied(
            "The second-order criterion as a prediction of the true F",
            (),
            (
                Held(
                    "the second-order term of this order of the classes is negative",
                    tuple(found.order_slope < 0 for found in several),
                ),
            ),
            better,
            Tightness(
                "predicted / true F(scheduled) - F(aggregated)",
                tuple(
                    eta**2 * found.order_slope / (found.scheduled - found.aggregated)
                    for found in several
                    if found.scheduled != found.aggregated
                ),
            ),
        ),
    )


def _pairs(found: Measurement) -> list[tuple[int, int]]:
    return list(combinations(range(len(found.between)), 2))


def _bound_gap(found: Measurement, eta: float) -> float:
    """UB_agg - UB_sch at this point; the integrals of eq. 49 are exact, as inner products along
    the path that the run recorded."""
    whole = float(found.between.sum())
    half = found.smoothness * eta**2 / 2
    aggregated = -eta * whole + half * whole
    scheduled = -eta * float(found.step_descent.sum()) + half * float((found.step_norm**2).sum())
    return aggregated - scheduled


def _condition_59(found: Measurement, eta: float) -> bool:
    """With the largest margins that eq. 57 allows, and eq. 56 for R_m."""
    norms = np.sqrt(found.between.diagonal())
    gain = sum(
        -found.cross[p, q] + found.smoothness * found.between[p, q] for p, q in _pairs(found)
    )
    before = np.concatenate([[0.0], np.cumsum(norms)[:-1]])
    drift = found.class_smoothness * before
    penalty = (
        norms.sum() * drift[1:].sum()
        + found.smoothness / 2 * (2 * norms[1:] * drift[1:] * eta + (drift[1:] * eta) ** 2).sum()
    )
    negative = all(found.cross[p, q] <= 0 for p, q in _pairs(found))
    return bool(negative and gain > penalty)
