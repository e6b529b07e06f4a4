"""What a colouring is worth: colours beyond the least number, and the schedule that it gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulations.sampling import clopper_pearson
from simulations.sketches.judge import t_interval
from simulations.sweep.experiment import Row
from songoku_theory.coloring import SearchLimitError, chromatic_number
from songoku_theory.schedule import periodic_schedule, with_minimum_coverage, worst_gap_within

__all__ = ["FILL_TO", "Tally", "least_colors"]

EXACT_TO = 100
"""Tasks up to which the chromatic number is searched for."""
NODES = 4_000
FILL_TO = 64
"""Tasks up to which schedules are filled up with duplicates."""
DRAWN_TO = 24
"""Tasks up to which the worst graph is kept, to be drawn."""

Graph = NDArray[np.bool_]


def least_colors(adjacency: Graph, known: int | None) -> int | None:
    """Return the chromatic number, or None where it is not proved within a small search."""
    if known is not None:
        return known
    if len(adjacency) > EXACT_TO:
        return None
    try:
        return chromatic_number(adjacency, max_nodes=NODES)
    except SearchLimitError:
        return None


@dataclass(slots=True)
class Tally:
    """One heuristic's results, graph by graph."""

    heuristic: str
    colors: list[float] = field(default_factory=list)
    regrets: list[float] = field(default_factory=list)
    optimal: int = 0
    within_delta: int = 0
    work: list[float] = field(default_factory=list)
    work_filled: list[float] = field(default_factory=list)
    gap_filled: list[float] = field(default_factory=list)
    smallest: list[float] = field(default_factory=list)
    worst_regret: int = 0
    worst_edges: str = ""
    worst_colors: str = ""

    def add(self, adjacency: Graph, colors: NDArray[np.int64], least: int | None) -> None:
        """Enter one proper colouring."""
        size, used = len(adjacency), int(colors.max()) + 1
        self.colors.append(used)
        self.within_delta += used <= int(adjacency.sum(axis=1).max()) + 1
        self.work.append(size / used)
        self.smallest.append(float(np.bincount(colors).min()))
        if least is not None:
            regret = used - least
            self.regrets.append(regret)
            self.optimal += regret == 0
            if regret > self.worst_regret:
                self.worst_regret = regret
                if size <= DRAWN_TO:
                    pairs = np.argwhere(np.triu(adjacency, 1))
                    self.worst_edges = " ".join(f"{i}-{j}" for i, j in pairs.tolist())
                    self.worst_colors = " ".join(map(str, colors.tolist()))
        if size <= FILL_TO:
            schedule = periodic_schedule(colors)
            filled = with_minimum_coverage(schedule, adjacency, 1.0).schedule
            self.work_filled.append(sum(map(len, filled.slots)) / used)
            self.gap_filled.append(float(worst_gap_within(filled).mean()))

    def row(self) -> Row:
        """Return the heuristic's row."""
        mean, low, high = t_interval(self.colors)
        exact = len(self.regrets)
        regret = t_interval(self.regrets) if exact else (None, None, None)
        share = clopper_pearson(self.optimal, exact) if exact else (None, None)
        return {
            "heuristic": self.heuristic,
            "colors": mean,
            "colors_lo": low,
            "colors_hi": high,
            "colors_max": int(max(self.colors)),
            "exact_known": exact,
            "regret": regret[0],
            "regret_lo": regret[1],
            "regret_hi": regret[2],
            "regret_max": int(max(self.regrets)) if exact else None,
            "optimal": self.optimal,
            "optimal_lo": share[0],
            "optimal_hi": share[1],
            "within_delta": self.within_delta,
            "work": float(np.mean(self.work)),
            "work_filled": float(np.mean(self.work_filled)) if self.work_filled else None,
            "gap_filled": float(np.mean(self.gap_filled)) if self.gap_filled else None,
            "smallest_class": float(np.mean(self.smallest)),
            "worst_edges": self.worst_edges,
            "worst_colors": self.worst_colors,
        }
