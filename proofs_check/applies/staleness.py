"""Propositions 8 and 9 and eq. 11 held to a run: classes, gaps inside a round, gaps across."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import Moment, RunLog
from songoku_theory.schedule import update_gaps

__all__ = ["staleness"]

_ROUNDS = "rounds"
_ACROSS = "refreshes after the first"


def staleness(run: RunLog) -> tuple[Applied, ...]:
    """Hold the number of classes and the gaps inside a round and across refreshes to their bounds.

    Only rounds that were recorded step by step count for gaps; a round is the steps from a refresh
    to the next.
    """
    period = int(run.params["refresh_period"])
    windows = run.windows
    inside = [
        max((max(gaps, default=0) for gaps in update_gaps(window).gaps), default=0)
        for _, window in windows
    ]
    bounds = [moment.max_degree + 1 for moment, _ in windows]
    # A last round can be cut short by the end of the run.
    whole = [(m, w) for m, w in windows if len(w) >= min(period, m.num_classes)]
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
            "Each step runs one class of its graph (eq. 11)",
            ("Equation 11",),
            (),
            Held(
                "the tasks that ran are one of the classes",
                tuple(ran for moment, window in windows for ran in _ran_a_class(moment, window)),
                "steps after the first refresh",
                "a warm start runs every task; oldest-first runs sets of its own",
            ),
        ),
        Applied(
            "Proposition 8 (staleness under one graph)",
            ("Proposition 8", "Equation 100"),
            (
                Held(
                    "R >= m, so that a round holds a whole cycle",
                    tuple(period >= moment.num_classes for moment, _ in windows),
                    _ROUNDS,
                ),
            ),
            Held(
                "gaps inside a round <= Delta + 1 steps",
                tuple(gap <= bound for gap, bound in zip(inside, bounds, strict=True)),
                _ROUNDS,
            ),
            Tightness(
                "largest gap / (Delta + 1)",
                tuple(gap / bound for gap, bound in zip(inside, bounds, strict=True)),
            ),
        ),
        Applied(
            "No task starves (eq. 11)",
            ("Equation 11",),
            (Held("R >= m", tuple(period >= m.num_classes for m, _ in whole), _ROUNDS),),
            Held(
                "every task ran in the round",
                tuple(bool(w.any(axis=0).all()) for _, w in whole),
                _ROUNDS,
            ),
        ),
        *_across(run, period),
    )


def _ran_a_class(moment: Moment, window: NDArray[np.bool_]) -> list[bool]:
    sets = {tuple(np.isin(np.arange(len(moment.colors)), c).tolist()) for c in moment.classes}
    return [tuple(row) in sets for row in window.tolist()]


def _across(run: RunLog, period: int) -> tuple[Applied, ...]:
    """The gaps over each refresh but the first, against one graph's bound and two graphs'."""
    recorded = len(run.active)
    found = []
    for before, after in pairwise(run.moments):
        if after.step >= recorded:
            continue
        gap = _gap_over(run, after.step)
        if gap:
            found.append((gap, before, after))
    one = [max(a.max_degree, b.max_degree) + 1 for _, a, b in found]
    two = [_two_windows(run, a, b) for _, a, b in found]
    gaps = [gap for gap, _, _ in found]
    return (
        Applied(
            "Staleness over the whole run (section 5.5 read across refreshes)",
            ("Equation 100",),
            (),
            Held(
                "gaps across a refresh <= max Delta + 1 of its two graphs",
                tuple(gap <= bound for gap, bound in zip(gaps, one, strict=True)),
                _ACROSS,
                "the paper's bound is about one graph; nothing promises this one",
            ),
            Tightness(
                "largest gap / (Delta + 1)",
                tuple(gap / bound for gap, bound in zip(gaps, one, strict=True)),
            ),
        ),
        Applied(
            "Staleness across a refresh, repaired (two windows)",
            (),
            (
                Held(
                    "R >= m in both rounds",
                    tuple(period >= max(a.num_classes, b.num_classes) for _, a, b in found),
                    _ACROSS,
                ),
            ),
            Held(
                f"gaps across the refresh <= {_two_windows_text(run)}",
                tuple(gap <= bound for gap, bound in zip(gaps, two, strict=True)),
                _ACROSS,
            ),
            Tightness(
                "largest gap / that bound",
                tuple(gap / bound for gap, bound in zip(gaps, two, strict=True)),
            ),
        ),
    )


def _gap_over(run: RunLog, step: int) -> int:
    """The longest gap of a task from its last update before a step to its first one from there."""
    gaps = [0]
    for k in range(len(run.tasks)):
        before = np.flatnonzero(run.active[:step, k])
        after = np.flatnonzero(run.active[step:, k])
        if len(before) and len(after):
            gaps.append(int(step + after[0] - before[-1]))
    return max(gaps)


def _two_windows(run: RunLog, before: Moment, after: Moment) -> int:
    if run.params.get("policy") == "oldest_first":
        return int((before.edges | after.edges).sum(axis=1).max()) + 1
    return before.num_classes + after.num_classes - 1


def _two_windows_text(run: RunLog) -> str:
    if run.params.get("policy") == "oldest_first":
        return "1 + the most neighbours that a task has in both graphs together"
    return "m_old + m_new - 1"
