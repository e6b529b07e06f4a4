"""Compare what a sketch decided with what the exact Gram matrix decides, trial by trial."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulations.sampling import clopper_pearson
from simulations.sweep.experiment import Row
from songoku_theory.coloring import color, is_proper
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.linalg import cosines

__all__ = ["Judge", "Seen", "same_partition", "t_interval"]

Matrix = NDArray[np.float64]
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a sketch says in one trial (or at one refresh).

    Attributes
    ----------
    gram : ndarray, shape (K, K)
        Exact, of the same averages.
    adjacency : ndarray of bool, shape (K, K)
        The sketch's conflict graph.
    operations : int
        Multiply-adds that it took.
    held : int
        Numbers kept between refreshes.
    cosines : ndarray, shape (K, K), optional
        The sketch's; None where it takes exact ones, of some pairs.
    bound : float, optional
        What the theory says of the largest error of a cosine.
    paper_bound : float, optional
        What the paper's formula says.
    expected_flips : float, optional
        By the exact law.
    colors : ndarray of int, optional
        Groups, where the sketch gives them itself; otherwise Welsh-Powell's on `adjacency`.
    """

    gram: Matrix
    adjacency: NDArray[np.bool_]
    operations: int
    held: int
    cosines: Matrix | None = None
    bound: float | None = None
    paper_bound: float | None = None
    expected_flips: float | None = None
    colors: NDArray[np.int64] | None = None


def same_partition(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Say whether two colourings have the same classes, up to their names."""
    return bool(np.array_equal(one[:, None] == one[None, :], other[:, None] == other[None, :]))


def t_interval(values: list[float]) -> tuple[float, float, float]:
    """Return the mean of independent values and its 95% interval by Student's t.

    Examples
    --------
    >>> [round(x, 3) for x in t_interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, mean, mean
    half = float(t.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1))
    half /= math.sqrt(len(values))
    return mean, mean - half, mean + half


@dataclass(frozen=True, slots=True)
class _Found:
    """What differs in one trial, or at one refresh."""

    false: int
    missed: int
    colors_same: bool
    partition: bool
    partition_full: bool
    proper: bool
    error: float

    @property
    def flips(self) -> int:
        return self.false + self.missed


def _compare(seen: Seen, tau: float, labels: NDArray[np.int64]) -> _Found:
    truth = conflict_adjacency_batch(seen.gram[None], tau)[0]
    upper = np.triu_indices(len(truth), 1)
    should = color(truth)
    got = color(seen.adjacency) if seen.colors is None else seen.colors
    error = 0.0
    if seen.cosines is not None:
        error = float(np.abs(seen.cosines - cosines(seen.gram).values)[upper].max())
    return _Found(
        false=int((seen.adjacency & ~truth)[upper].sum()),
        missed=int((truth & ~seen.adjacency)[upper].sum()),
        colors_same=same_partition(should, got),
        partition=same_partition(got, labels),
        partition_full=same_partition(should, labels),
        proper=is_proper(truth, got),
        error=error,
    )


def _broken(error: float, bound: float | None) -> bool:
    return bound is not None and error > bound + _ROUNDING


@dataclass(slots=True)
class Judge:
    """Adds up trials; a trial may have several refreshes, which are not independent.

    Attributes
    ----------
    tau : float
    labels : ndarray of int, shape (K,)
        The planted groups.
    """

    tau: float
    labels: NDArray[np.int64]
    graph_same: int = 0
    colors_same: int = 0
    partition_exact: int = 0
    partition_exact_full: int = 0
    proper: int = 0
    bound_broken: int = 0
    paper_bound_broken: int = 0
    false_edges: float = 0.0
    missed_edges: float = 0.0
    max_error: float = 0.0
    flips: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    operations: list[float] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    paper_bounds: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    held: int = 0

    def trial(self, seen: list[Seen]) -> None:
        """Enter one trial: everything is asked of all of its refreshes."""
        found = [_compare(one, self.tau, self.labels) for one in seen]
        self.graph_same += all(one.flips == 0 for one in found)
        self.colors_same += all(one.colors_same for one in found)
        self.partition_exact += all(one.partition for one in found)
        self.partition_exact_full += all(one.partition_full for one in found)
        self.proper += all(one.proper for one in found)
        self.bound_broken += any(
            _broken(a.error, b.bound) for a, b in zip(found, seen, strict=True)
        )
        self.paper_bound_broken += any(
            _broken(a.error, b.paper_bound) for a, b in zip(found, seen, strict=True)
        )
        self.false_edges += float(np.mean([one.false for one in found]))
        self.missed_edges += float(np.mean([one.missed for one in found]))
        self.flips.append(float(np.mean([one.flips for one in found])))
        self.operations.append(float(np.mean([one.operations for one in seen])))
        self.held = max(self.held, *(one.held for one in seen))
        self.errors.append(float(np.mean([one.error for one in found])))
        self.max_error = max(self.max_error, *(one.error for one in found))
        _note(self.bounds, [one.bound for one in seen])
        _note(self.paper_bounds, [one.paper_bound for one in seen])
        _note(self.expected, [one.expected_flips for one in seen])

    def row(self, num_tasks: int, exact_operations: int, exact_held: int) -> Row:
        """Return the row of the cell."""
        trials = len(self.flips)
        row: Row = {"num_tasks": num_tasks}
        for name in ("graph_same", "colors_same", "partition_exact", "partition_exact_full"):
            count = int(getattr(self, name))
            low, high = clopper_pearson(count, trials)
            row |= {name: count, f"{name}_lo": low, f"{name}_hi": high}
        mean, low, high = t_interval(self.flips)
        operations = float(np.mean(self.operations))
        return row | {
            "proper": self.proper,
            "flips": mean,
            "flips_lo": low,
            "flips_hi": high,
            "expected_flips": _mean_or_none(self.expected, trials),
            "false_edges": self.false_edges / trials,
            "missed_edges": self.missed_edges / trials,
            "max_error_mean": float(np.mean(self.errors)),
            "max_error_max": self.max_error,
            "bound": _mean_or_none(self.bounds, trials),
            "bound_broken": self.bound_broken,
            "paper_bound": _mean_or_none(self.paper_bounds, trials),
            "paper_bound_broken": self.paper_bound_broken,
            "operations": operations,
            "exact_operations": exact_operations,
            "held": self.held,
            "exact_held": exact_held,
        }


def _note(kept: list[float], values: list[float | None]) -> None:
    """Keep a trial's mean of what the theory says, if it says something each time."""
    known = [value for value in values if value is not None]
    if len(known) == len(values):
        kept.append(float(np.mean(known)))


def _mean_or_none(values: list[float], trials: int) -> float | None:
    return float(np.mean(values)) if len(values) == trials else None
