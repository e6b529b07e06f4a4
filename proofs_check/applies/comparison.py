"""Appendix C held to a run: scheduled against aggregated, bound against truth."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import Curvature, Measurement, RunLog

__all__ = ["comparison", "predicted", "truth"]

_OF = "measurements with several classes"
_L = "L: the largest curvature found at the point, a lower estimate"


def comparison(run: RunLog) -> tuple[Applied, ...]:
    """Hold Theorems 5 and 6 and the second-order criterion to each measured refresh.

    L and L_r are the largest curvatures that were found where the measurement was taken: lower
    estimates, so a condition that fails with them fails with the true constants only if it is
    one that larger constants do not help. The Hessian in I_pq is taken at the refresh itself.
    """
    several = [
        found for moment, found in run.measured if moment.num_classes > 1 and found.curvature
    ]
    curved = [found.curvature for found in several if found.curvature is not None]
    pairs = list(zip(several, curved, strict=True))
    better = Held(
        "F after the scheduled steps < F after the aggregated one",
        tuple(truth(found) for found in several),
        _OF,
    )
    step = tuple(found.rate * curve.smoothness <= 1 for found, curve in pairs)
    short = Held("eta <= 1 / L", step, _OF, _L)
    negative = tuple(_all_negative(curve) for curve in curved)
    gaps = tuple(_upper(f, c, False) - _upper(f, c, True) > 0 for f, c in pairs)
    smaller = Held("scheduled bound < aggregated bound", gaps, _OF)
    return (
        Applied(
            "Equation 50 (a bound on F after the aggregated step)",
            ("Equation 42", "Equation 50"),
            (short,),
            Held(
                "F after the aggregated step <= its bound",
                tuple(f.aggregated <= _upper(f, c, False) + _ROUNDING for f, c in pairs),
                _OF,
                "with a lower estimate of L, so it need not hold",
            ),
            _decrease(pairs, False),
        ),
        Applied(
            "Equation 49 (a bound on F after a step a class)",
            ("Equation 49", "Lemma 3"),
            (short,),
            Held(
                "F after the scheduled steps <= its bound",
                tuple(f.scheduled <= _upper(f, c, True) + _ROUNDING for f, c in pairs),
                _OF,
                "with a lower estimate of L, so it need not hold",
            ),
            _decrease(pairs, True),
        ),
        Applied(
            "Theorem 6 (a strictly tighter scheduled bound)",
            ("Theorem 6", "Assumption 6", "Assumption 7", "Equation 57", "Equation 59"),
            (
                short,
                Held("I_pq <= 0 for every p < q (eq. 57)", negative, _OF),
                Held("eq. 59", tuple(_condition_59(f, c) for f, c in pairs), _OF),
            ),
            smaller,
        ),
        Applied(
            "The bounds as a prediction of the true F",
            ("Theorem 5", "Equation 49", "Equation 50"),
            (smaller,),
            better,
        ),
        Applied(
            "The second-order criterion as a prediction of the true F",
            (),
            (
                Held(
                    "the second-order term of this order of the classes is negative",
                    tuple(curve.order_slope < 0 for curve in curved),
                    _OF,
                ),
            ),
            better,
            Tightness(
                "predicted / true F(scheduled) - F(aggregated)",
                tuple(
                    predicted(f, c) / (f.scheduled - f.aggregated)
                    for f, c in pairs
                    if f.scheduled != f.aggregated
                ),
            ),
        ),
        Applied(
            "Does the second-order criterion tell which is better?",
            (),
            (),
            Held(
                "the sign predicted is the true sign",
                tuple((predicted(f, c) < 0) == truth(f) for f, c in pairs),
                _OF,
                "either way: scheduled better or aggregated better. Second derivatives leave out "
                "the kinks of ReLUs and maxima that a step crosses; at a smaller rate they matter "
                "less",
            ),
        ),
    )


_ROUNDING = 1e-12


def truth(found: Measurement) -> bool:
    """Whether scheduled steps led to a smaller F than the aggregated one."""
    return found.scheduled < found.aggregated


def predicted(found: Measurement, curve: Curvature) -> float:
    """Return F(scheduled) - F(aggregated) to second order in eta."""
    return found.rate**2 * curve.order_slope


def _pairs(found: Measurement) -> list[tuple[int, int]]:
    return list(combinations(range(len(found.between)), 2))


def _all_negative(curve: Curvature) -> bool:
    return all(curve.cross[p, q] <= 0 for p, q in combinations(range(len(curve.cross)), 2))


def _upper(found: Measurement, curve: Curvature, scheduled: bool) -> float:
    """UB_sch or UB_agg at this point; the integrals of eq. 49 are exact, as inner products along
    the path that the run recorded."""
    half = curve.smoothness * found.rate**2 / 2
    if scheduled:
        descent, squares = float(found.step_descent.sum()), float((found.step_norm**2).sum())
    else:
        descent = squares = float(found.between.sum())
    return found.objective - found.rate * descent + half * squares


def _decrease(pairs: list[tuple[Measurement, Curvature]], scheduled: bool) -> Tightness:
    """How much of the true decrease of F the bound promises, where F fell."""
    values = []
    for found, curve in pairs:
        fell = found.objective - (found.scheduled if scheduled else found.aggregated)
        if fell > 0:
            values.append((found.objective - _upper(found, curve, scheduled)) / fell)
    return Tightness("promised / true decrease of F", tuple(values))


def _condition_59(found: Measurement, curve: Curvature) -> bool:
    """With the largest margins that eq. 57 allows, and eq. 56 for R_m."""
    eta = found.rate
    norms = np.sqrt(found.between.diagonal())
    gain = sum(
        -curve.cross[p, q] + curve.smoothness * found.between[p, q] for p, q in _pairs(found)
    )
    before = np.concatenate([[0.0], np.cumsum(norms)[:-1]])
    drift = curve.class_smoothness * before
    penalty = (
        norms.sum() * drift[1:].sum()
        + curve.smoothness / 2 * (2 * norms[1:] * drift[1:] * eta + (drift[1:] * eta) ** 2).sum()
    )
    return bool(_all_negative(curve) and gain > penalty)
