"""Whether a run's gaps kept what is proved of them: within a graph, and across a refresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from songoku_theory.schedule import (
    Phase,
    periodic_schedule,
    update_gaps,
    worst_gap_across,
    worst_gap_within,
)

__all__ = ["GapCheck", "Window", "check_gaps"]


@dataclass(frozen=True, slots=True)
class Window:
    """The steps that one graph ruled.

    Attributes
    ----------
    start, stop : int
        First step, and the one after the last.
    colors : tuple of int, length K
    max_degree : int
        Delta of the graph.
    """

    start: int
    stop: int
    colors: tuple[int, ...]
    max_degree: int

    @property
    def num_classes(self) -> int:
        """m."""
        return max(self.colors) + 1


@dataclass(frozen=True, slots=True)
class GapCheck:
    """A run's gaps beside their bounds, in steps.

    Attributes
    ----------
    largest_within : int
        Largest gap between two updates under one graph; 0 if there is none.
    within_bound : int
        Largest Delta + 1 of the graphs.
    windows_held : int
        Windows whose gaps kept their own graph's Delta + 1 (Proposition 8).
    windows : int
        Windows that ran.
    largest : tuple of int, length K
        Each task's largest gap anywhere.
    bounds : tuple of int, length K, or None
        What each can be at most, refreshes included; None where a window was shorter than its
        cycle, because then nothing bounds a gap.
    beyond_cycle : int
        Gaps that span a refresh and are longer than every cycle that they touch. Proposition 8's
        ``gap = m`` is about one graph, for ever; it does not cover them.
    longest_cycle : int
        Largest m.
    """

    largest_within: int
    within_bound: int
    windows_held: int
    windows: int
    largest: tuple[int, ...]
    bounds: tuple[int, ...] | None
    beyond_cycle: int
    longest_cycle: int

    @property
    def held(self) -> bool | None:
        """Whether every gap kept its bound; None where there is no bound."""
        if self.bounds is None:
            return None
        inside = self.windows_held == self.windows
        return inside and all(g <= b for g, b in zip(self.largest, self.bounds, strict=True))


def check_gaps(
    active: NDArray[np.bool_], windows: Sequence[Window], phase: Phase = "global"
) -> GapCheck:
    """Compare the gaps of a run with their bounds.

    Parameters
    ----------
    active : ndarray of bool, shape (T, K)
    windows : sequence of Window
        In order; together they cover the T steps.
    phase : {"global", "restart", "carried"}

    Returns
    -------
    GapCheck

    Source
    ------
    SON-GOKU, Proposition 8 and 9 (gap = delay + 1 <= m <= Delta + 1, one graph); across a
    refresh ``songoku_theory.schedule.worst_gap_across``, at most ``m_old + m_new - 1``.

    Examples
    --------
    >>> two = Window(0, 4, (0, 1), 1)
    >>> check_gaps(np.array([[1, 0], [0, 1]] * 2, dtype=bool), [two]).bounds
    (2, 2)
    """
    schedules = [periodic_schedule(window.colors) for window in windows]
    inside = [
        int(update_gaps(active[window.start : window.stop]).max_gap.max()) for window in windows
    ]
    bounds: tuple[int, ...] | None = None
    # The last window may stop early: an update that never came is a wait, not a gap.
    if all(window.stop - window.start >= window.num_classes for window in windows[:-1]):
        candidates = [worst_gap_within(schedule) for schedule in schedules]
        candidates += [worst_gap_across(old, new, phase) for old, new in pairwise(schedules)]
        bounds = tuple(int(bound) for bound in np.max(candidates, axis=0))
    return GapCheck(
        largest_within=max(inside),
        within_bound=max(window.max_degree for window in windows) + 1,
        windows_held=sum(
            gap <= window.max_degree + 1 for gap, window in zip(inside, windows, strict=True)
        ),
        windows=len(windows),
        largest=tuple(int(gap) for gap in update_gaps(active).max_gap),
        bounds=bounds,
        beyond_cycle=_beyond_cycle(active, windows),
        longest_cycle=max(window.num_classes for window in windows),
    )


def _beyond_cycle(active: NDArray[np.bool_], windows: Sequence[Window]) -> int:
    """Count the gaps that span a refresh and are longer than every cycle that they touch."""
    starts = np.array([window.start for window in windows])
    count = 0
    for task in range(active.shape[1]):
        times = np.flatnonzero(active[:, task])
        for before, after in pairwise(times):
            first = int(np.searchsorted(starts, before, side="right")) - 1
            last = int(np.searchsorted(starts, after, side="right")) - 1
            if last > first:
                touched = windows[first : last + 1]
                count += int(after - before) > max(w.num_classes for w in touched)
    return count
