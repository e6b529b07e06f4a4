"""What a traced run's rows say, as numbers: the same whether it just ran or was stored before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simulations.sweep.experiment import Row
from simulations.training.gaps import GapCheck, Window, check_gaps
from songoku_theory.schedule import Phase

__all__ = ["Round", "Summary", "TaskSummary", "summarise"]


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """One task at the end of a run."""

    name: str
    about: str
    metric_name: str
    test: float
    train: float
    chance: float
    updates: int


@dataclass(frozen=True, slots=True)
class Round:
    """One refresh and what it found.

    Attributes
    ----------
    refresh : int
        0 is the start, with no graph.
    step : int
        First step that its classes rule.
    tau : float
    classes : tuple of tuple of int
    cosines : dict from (i, j), i < j, to float
    conflicts : tuple of (i, j), i < j
    """

    refresh: int
    step: int
    tau: float
    classes: tuple[tuple[int, ...], ...]
    cosines: dict[tuple[int, int], float]
    conflicts: tuple[tuple[int, int], ...]

    @property
    def max_degree(self) -> int:
        """Delta of the graph."""
        ends = [task for pair in self.conflicts for task in pair]
        return max((ends.count(task) for task in set(ends)), default=0)


@dataclass(frozen=True, slots=True)
class Summary:
    """A traced run.

    Attributes
    ----------
    provenance, data : str
    tasks : tuple of TaskSummary
    rounds : tuple of Round
    gaps : GapCheck
    losses : int
        Losses that were computed for training steps.
    """

    provenance: str
    data: str
    tasks: tuple[TaskSummary, ...]
    rounds: tuple[Round, ...]
    gaps: GapCheck
    losses: int

    @property
    def refreshes(self) -> tuple[Round, ...]:
        """The rounds that have a graph."""
        return self.rounds[1:]

    @property
    def regrouped(self) -> int:
        """At how many refreshes, after the first, the grouping differs from the one before."""
        groups = [set(found.classes) for found in self.refreshes]
        return sum(new != old for old, new in pairwise(groups))


def summarise(rows: Iterable[Row], steps: int, phase: Phase = "global") -> Summary:
    """Summarise the rows of one run.

    Parameters
    ----------
    rows : iterable of Row
        All rows of one cell of the experiment ``trace``.
    steps : int
        T.
    phase : {"global", "restart", "carried"}
        Which the run used; the bound across refreshes depends on it.

    Returns
    -------
    Summary
    """
    by_kind: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: _number(row, "i")):
        by_kind.setdefault(str(row["kind"]), []).append(row)
    tasks = tuple(
        TaskSummary(
            name=str(by_kind["task_name"][i]["label"]),
            about=str(by_kind["task_about"][i]["label"]),
            metric_name=str(by_kind["metric"][i]["label"]),
            test=_number(by_kind["metric"][i], "value"),
            train=_number(by_kind["train_metric"][i], "value"),
            chance=_number(by_kind["chance"][i], "value"),
            updates=int(_number(by_kind["updates"][i], "value")),
        )
        for i in range(len(by_kind["task_name"]))
    )
    active = np.zeros((steps, len(tasks)), dtype=np.bool_)
    for row in by_kind["active"]:
        active[int(_number(row, "step")), int(_number(row, "i"))] = True
    rounds = _rounds(by_kind)
    return Summary(
        str(by_kind["provenance"][0]["label"]),
        str(by_kind["data"][0]["label"]),
        tasks,
        rounds,
        check_gaps(active, _windows(rounds, steps), phase),
        len(by_kind["loss"]),
    )


def _number(row: Row, column: str) -> float:
    value = row[column]
    assert isinstance(value, int | float)
    return float(value)


def _rounds(by_kind: dict[str, list[Row]]) -> tuple[Round, ...]:
    colors: dict[int, dict[int, int]] = {}
    cosines: dict[int, dict[tuple[int, int], float]] = {}
    conflicts: dict[int, list[tuple[int, int]]] = {}
    for row in by_kind["class"]:
        found = colors.setdefault(int(_number(row, "refresh")), {})
        found[int(_number(row, "i"))] = int(_number(row, "value"))
    for kind in ("cosine", "edge"):
        for row in by_kind.get(kind, ()):
            refresh = int(_number(row, "refresh"))
            pair = (int(_number(row, "i")), int(_number(row, "j")))
            if kind == "cosine":
                cosines.setdefault(refresh, {})[pair] = _number(row, "value")
            elif row["value"]:
                conflicts.setdefault(refresh, []).append(pair)
    rounds = []
    for row in sorted(by_kind["tau"], key=lambda row: _number(row, "refresh")):
        refresh = int(_number(row, "refresh"))
        here = colors[refresh]
        classes = tuple(
            tuple(i for i in sorted(here) if here[i] == color)
            for color in range(max(here.values()) + 1)
        )
        rounds.append(
            Round(
                refresh,
                int(_number(row, "step")),
                _number(row, "value"),
                classes,
                cosines.get(refresh, {}),
                tuple(sorted(conflicts.get(refresh, []))),
            )
        )
    return tuple(rounds)


def _windows(rounds: tuple[Round, ...], steps: int) -> list[Window]:
    stops = [found.step for found in rounds[1:]] + [steps]
    windows = []
    for found, stop in zip(rounds, stops, strict=True):
        if stop > found.step:  # a refresh after the last step rules nothing
            colors = {i: c for c, members in enumerate(found.classes) for i in members}
            ordered = tuple(colors[i] for i in range(len(colors)))
            windows.append(Window(found.step, stop, ordered, found.max_degree))
    return windows
