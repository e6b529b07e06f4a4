"""Propositions 8 and 9 and eq. 11 held to a run."""

from __future__ import annotations

import numpy as np

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import RunLog
from songoku_theory.schedule import update_gaps

__all__ = ["staleness"]


def staleness(run: RunLog) -> tuple[Applied, ...]:
    """Hold the colour count and the gaps inside a round and across refreshes to their bounds."""
    period = int(run.params["refresh_period"])
    ends = [moment.step for moment in run.moments[1:]] + [len(run.active)]
    inside, bounds, starved = [], [], []
    for moment, end in zip(run.moments, ends, strict=True):
        window = run.active[moment.step : end]
        if not len(window):
            continue
        inside.append(max((max(gaps, default=0) for gaps in update_gaps(window).gaps), default=0))
        bounds.append(moment.max_degree + 1)
        starved.append(not window.any(axis=0).all())
    across = _across(run)
    room = tuple(period >= moment.num_classes for moment in run.moments)
    return (
        Applied(
            "Proposition 9 (at most Delta + 1 classes)",
            ("Proposition 9", "Equation 101", "Equation 99"),
            (),
            Held(
                "classes <= Delta + 1",
                tuple(moment.num_classes <= moment.max_degree + 1 for moment in run.moments),
            ),
            Tightness(
                "classes / (Delta + 1)",
                tuple(moment.num_classes / (moment.max_degree + 1) for moment in run.moments),
            ),
        ),
        Applied(
            "Proposition 8 (staleness under one graph)",
            ("Proposition 8", "Equation 100"),
            (Held("R >= m, so that a round holds a whole cycle", room),),
            Held(
                "gaps inside a round <= Delta + 1 steps",
                tuple(gap <= bound for gap, bound in zip(inside, bounds, strict=True)),
                "rounds",
            ),
            Tightness(
                "largest gap / (Delta + 1)",
                tuple(gap / bound for gap, bound in zip(inside, bounds, strict=True)),
            ),
        ),
        Applied(
            "No task starves (eq. 11)",
            ("Equation 11",),
            (Held("R >= m", room),),
            Held("every task ran in the round", tuple(not it for it in starved), "rounds"),
        ),
        Applied(
            "Staleness over the whole run (section 5.5 read across refreshes)",
            ("Equation 100",),
            (),
            Held(
                "gaps across a refresh <= max Delta + 1 of its two graphs",
                tuple(gap <= bound for gap, bound in across),
                "refreshes",
                "the papers' bound is about one graph; across a refresh m_old + m_new - 1 holds",
            ),
            Tightness("largest gap / (Delta + 1)", tuple(gap / bound for gap, bound in across)),
        ),
    )


def _across(run: RunLog) -> list[tuple[int, int]]:
    """For each refresh but the first: the longest gap over it, and the larger Delta + 1."""
    found = []
    for before, after in zip(run.moments, run.moments[1:], strict=False):
        last = [np.flatnonzero(run.active[: after.step, k]) for k in range(len(run.tasks))]
        next_ = [np.flatnonzero(run.active[after.step :, k]) for k in range(len(run.tasks))]
        gaps = [
            int(after.step + following[0] - previous[-1])
            for previous, following in zip(last, next_, strict=True)
            if len(previous) and len(following)
        ]
        if gaps:
            found.append((max(gaps), max(before.max_degree, after.max_degree) + 1))
    return found
