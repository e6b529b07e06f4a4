"""Propositions 6 and 7 held to a run: every class with at least two tasks at every refresh."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import Array, RunLog
from songoku_theory.bounds.descent import class_descent_bound, conflict_ratio, descent_ratio

__all__ = ["descent"]

_OF = "classes of several tasks"


def descent(run: RunLog) -> tuple[Applied, ...]:
    """Hold Propositions 6 and 7 to the averages, and to the population gradients if measured."""
    found = []
    for what, instances in (
        ("smoothed gradients", list(_averages(run))),
        ("population gradients", list(_means(run))),
    ):
        ratios = [float(descent_ratio(gram)) for gram, _ in instances]
        flat = [float(class_descent_bound(tau, len(gram))) for gram, tau in instances]
        measured = [float(conflict_ratio(gram)) for gram, _ in instances]
        worst = [tau * (len(gram) - 1) for gram, tau in instances]
        sharp = [1.0 - value for value in measured]
        compatible = Held(
            "every two tasks of the class have cosine >= -tau",
            tuple(_compatible(gram, tau) for gram, tau in instances),
            _OF,
        )
        found.append(
            Applied(
                f"Proposition 6 (descent in a class), on {what}",
                ("Proposition 6", "Equation 12", "Equation 77"),
                (
                    compatible,
                    Held("tau (|S| - 1) < 1, so that it says something", _positive(flat), _OF),
                ),
                _at_least(ratios, flat, "1 - tau (|S| - 1)"),
                _tightness(flat, ratios),
            )
        )
        found.append(
            Applied(
                f"Proposition 7 (aggregate conflict ratio), on {what}",
                ("Proposition 7", "Equation 88", "Equation 89"),
                (Held("tau_eff < 1, so that it says something", _positive(sharp), _OF),),
                _at_least(ratios, sharp, "1 - tau_eff"),
                _tightness(sharp, ratios),
            )
        )
        found.append(
            Applied(
                f"tau_eff against tau, on {what}",
                ("Proposition 7", "Equation 88"),
                (compatible,),
                Held(
                    "tau_eff <= tau (|S| - 1)",
                    tuple(
                        value <= most + 1e-9 for value, most in zip(measured, worst, strict=True)
                    ),
                    _OF,
                ),
                Tightness(
                    "tau_eff / (tau (|S| - 1)), where tau > 0",
                    tuple(v / w for v, w in zip(measured, worst, strict=True) if w > 0),
                ),
            )
        )
    return tuple(found)


def _averages(run: RunLog) -> Iterator[tuple[Array, float]]:
    for moment in run.moments:
        for members in moment.classes:
            if len(members) > 1:
                yield moment.gram[np.ix_(members, members)], moment.tau


def _means(run: RunLog) -> Iterator[tuple[Array, float]]:
    for moment in run.moments:
        if moment.measured is not None:
            for members in moment.classes:
                if len(members) > 1:
                    yield moment.measured.means[np.ix_(members, members)], moment.tau


def _compatible(gram: Array, tau: float) -> bool:
    norms = np.sqrt(gram.diagonal())
    # The stored cosines are rounded; a pair at the threshold itself counts as compatible.
    return bool((gram >= -tau * np.outer(norms, norms) * (1 + 1e-9)).all())


def _positive(bounds: list[float]) -> tuple[bool, ...]:
    return tuple(bound > 0 for bound in bounds)


def _at_least(ratios: list[float], bounds: list[float], name: str) -> Held:
    pairs = zip(ratios, bounds, strict=True)
    return Held(
        f"||sum g||^2 / sum ||g||^2 >= {name}",
        tuple(ratio >= bound - 1e-9 for ratio, bound in pairs),
        _OF,
    )


def _tightness(bounds: list[float], ratios: list[float]) -> Tightness:
    values = tuple(
        bound / ratio for bound, ratio in zip(bounds, ratios, strict=True) if bound > 0 < ratio
    )
    return Tightness("bound / measured share of the squared step lengths", values)
