"""Every gap of a run beside what is proved of it, and who never had a turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulations.staleness.play import History
from songoku_theory.schedule.policies import Policy

__all__ = ["ACROSS", "WITHIN", "GapTally", "tally_gaps"]

WITHIN = "within"
ACROSS = "across"


@dataclass(slots=True)
class GapTally:
    """Gaps of one run or of several.

    Attributes
    ----------
    gaps : Counter of (kind, gap)
        ``within``: both turns in one window, the warm-up (where all run at every step) left out.
        ``across``: a refresh between them.
    at_bound, over_bound : Counter of (kind, gap)
        Those that equal, or break, the bound that the policy states for that task and place.
    over_delta : Counter of (kind, gap)
        Those above Delta + 1, the largest degree of any graph that they touch: section 5.5's
        bound, which is proved for one graph and read for whole runs. Empty for a policy that
        knows no graph.
    bound : float
        The largest bound that applied to a gap.
    longest_wait : int
        Steps without a turn, an unfinished wait at the end included.
    starved : tuple of int
        Tasks without any turn after the first refresh.
    misses, chances : int
        Windows, task by task, without a turn, and windows in all; the warm-up left out.
    """

    gaps: Counter[tuple[str, int]] = field(default_factory=Counter)
    at_bound: Counter[tuple[str, int]] = field(default_factory=Counter)
    over_bound: Counter[tuple[str, int]] = field(default_factory=Counter)
    over_delta: Counter[tuple[str, int]] = field(default_factory=Counter)
    bound: float = 0.0
    longest_wait: int = 0
    starved: tuple[int, ...] = ()
    misses: int = 0
    chances: int = 0


def tally_gaps(history: History, policy: Policy, always: float) -> GapTally:
    """Tally one run.

    Parameters
    ----------
    history : History
        From `play`.
    policy : Policy
        That ran.
    always : float
        Its bound on any gap of any run, ``inf`` if there is none.

    Returns
    -------
    GapTally
    """
    found = GapTally()
    windows = history.windows
    starts = np.asarray([window.start for window in windows])
    of_step = np.searchsorted(starts, np.arange(history.active.shape[0]), side="right") - 1
    within = np.stack([policy.gap_within(window.situation) for window in windows])
    across = np.stack(
        [policy.gap_across(old.situation, new.situation) for old, new in pairwise(windows)]
        or [np.zeros(history.active.shape[1])]
    )
    # Without a graph there is no Delta, and nothing to exceed.
    size = history.active.shape[0]
    degrees = np.asarray([w.max_degree if policy.needs_graph else size for w in windows])
    starved = []
    later = windows[1].start if len(windows) > 1 else windows[0].start
    for task in range(history.active.shape[1]):
        times = np.flatnonzero(history.active[:, task])
        _tally_task(found, task, times, of_step, within, across, degrees, always)
        ends = [-1, *times.tolist(), history.active.shape[0]]
        found.longest_wait = max(found.longest_wait, int(np.diff(ends).max()) - 1)
        if not (times >= later).any():
            starved.append(task)
        if len(windows) > 1:
            reached = set(of_step[times].tolist()) - {0}
            found.chances += len(windows) - 1
            found.misses += len(windows) - 1 - len(reached)
    found.starved = tuple(starved)
    return found


def _tally_task(
    found: GapTally,
    task: int,
    times: NDArray[np.int64],
    of_step: NDArray[np.int64],
    within: NDArray[np.float64],
    across: NDArray[np.float64],
    degrees: NDArray[np.int64],
    always: float,
) -> None:
    if times.size < 2:
        return
    gaps, old, new = np.diff(times), of_step[times[:-1]], of_step[times[1:]]
    bounds = np.full(gaps.shape, always)
    same, next_ = old == new, new == old + 1
    bounds[same] = np.minimum(bounds[same], within[old[same], task])
    bounds[next_] = np.minimum(bounds[next_], across[old[next_], task])
    delta = np.asarray([degrees[a : b + 1].max() for a, b in zip(old, new, strict=True)])
    found.bound = max(found.bound, float(bounds.max()))
    counted = same & ((old > 0) | (len(degrees) == 1))
    for kind, chosen in ((WITHIN, counted), (ACROSS, ~same)):
        for counter, which in (
            (found.gaps, chosen),
            (found.at_bound, chosen & (gaps == bounds)),
            (found.over_bound, chosen & (gaps > bounds)),
            (found.over_delta, chosen & (gaps > delta + 1)),
        ):
            values, counts = np.unique(gaps[which], return_counts=True)
            for value, count in zip(values.tolist(), counts.tolist(), strict=True):
                counter[kind, value] += count
