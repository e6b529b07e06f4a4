"""Two ways to do one thing, timed side by side.

Absolute times on a shared machine mean little. Samples of both are taken in turn (A B A B ...), so
that both see the same neighbours, and what is reported is the median of the ratios of each turn.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

__all__ = ["Pair", "Row", "Timed", "UnmeasuredError", "compare"]

SAMPLE_SECONDS = 0.01
WARM_UP = 3


class UnmeasuredError(Exception):
    """A row can't be measured here; says why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What is timed.

    Attributes
    ----------
    ours, theirs : callable
        One call is one unit of work, the same for both.
    note : callable
        Called after timing; what the reader should know about the results.
    reset : callable, optional
        Called before each timed call of either, off the clock; then a sample is a single call.
    """

    ours: Callable[[], object]
    theirs: Callable[[], object]
    note: Callable[[], str] = lambda: ""
    reset: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    name : str
        For ``--only``.
    what, against : str
    sense : {"at least", "at most"}
        ``"at least"``: the ratio is their time over ours (how many times as fast we are).
        ``"at most"``: ours over theirs (what share of their time we take).
    reach : float or None
        The ratio to reach; None for rows that only inform.
    prepare : callable
        Builds the workload. Raises :class:`UnmeasuredError`.
    """

    name: str
    what: str
    against: str
    sense: Literal["at least", "at most"]
    reach: float | None
    prepare: Callable[[], Pair]


@dataclass(frozen=True, slots=True)
class Timed:
    """Medians of all turns.

    Attributes
    ----------
    ours, theirs : float
        Seconds a call.
    ratio, low, high : float
        Theirs over ours: median and quartiles over the turns.
    calls : tuple of int
        Calls a sample, ours and theirs.
    """

    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    calls: tuple[int, int]


def compare(pair: Pair, repeats: int) -> Timed:
    """Time both sides in turn.

    Parameters
    ----------
    pair : Pair
    repeats : int
        Turns; >= 2.

    Returns
    -------
    Timed
    """
    counts = (_calls(pair.ours, pair.reset), _calls(pair.theirs, pair.reset))
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(repeats):
        ours.append(_sample(pair.ours, counts[0], pair.reset))
        theirs.append(_sample(pair.theirs, counts[1], pair.reset))
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Timed(statistics.median(ours), statistics.median(theirs), middle, low, high, counts)


def _calls(function: Callable[[], object], reset: Callable[[], object] | None) -> int:
    """Warm up; return how many calls fill a sample."""
    taken = min(_sample(function, 1, reset) for _ in range(WARM_UP))
    return 1 if reset is not None else max(1, round(SAMPLE_SECONDS / max(taken, 1e-7)))


def _sample(
    function: Callable[[], object], calls: int, reset: Callable[[], object] | None
) -> float:
    """Seconds a call."""
    if reset is not None:
        reset()
    start = perf_counter()
    for _ in range(calls):
        function()
    return (perf_counter() - start) / calls
