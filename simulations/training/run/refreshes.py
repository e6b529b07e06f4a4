"""What the scheduler of a run saw and did, as rows: ``refreshes.csv``.

Columns and kinds are those of ``simulations.training.rows``; i is a task's place in
``result.json``. Written for every method that has a conflict graph, at no cost worth naming, so
that any run can be asked afterwards which theorems applied to it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from simulations.sweep.experiment import Row
from simulations.training.methods.base import Plan
from simulations.training.rows import (
    COLUMNS,
    active_rows,
    gap_rows,
    graph_rows,
    setting_rows,
    start_rows,
)
from simulations.training.run.config import TrainingConfig
from simulations.training.run.record import write_csv
from simulations.training.run.trainer import Stepped
from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerState, policy_of
from songoku_theory.torch_scheduler import TaskScheduler

__all__ = ["ACTIVE_ROWS", "REFRESHES", "RefreshLog", "classes_of", "has_graph", "read_refreshes"]

REFRESHES = "refreshes.csv"

ACTIVE_ROWS = 16_384
"""At most so many rows of kind ``active``, some 350 kB; a longer run keeps its first steps'. The
gaps and numbers of updates are always those of the whole run."""


def has_graph(plan: Plan) -> bool:
    """Say whether a method compares tasks' gradients, so that there is something to record."""
    return policy_of(plan.config).needs_graph


class RefreshLog:
    """Rows of a run's refreshes, and who was active at each step.

    Parameters
    ----------
    plan : Plan
        Of a method that has a graph.
    config : TrainingConfig
    total : int
        Steps that are planned.
    """

    def __init__(self, plan: Plan, config: TrainingConfig, total: int) -> None:
        self._place = {task: i for i, task in enumerate(plan.tasks)}
        self._settings = _settings(plan, config)
        self._rows = start_rows(len(plan.tasks))
        self._active = np.zeros((total, len(plan.tasks)), dtype=np.bool_)
        self._steps = 0

    @property
    def rows(self) -> list[Row]:
        """All rows so far, in the order in which they are written."""
        rows = setting_rows(self._settings) + self._rows
        active = self._active[: self._steps]
        if self._steps:
            kept = active_rows(active)
            if len(kept) > ACTIVE_ROWS:  # whole steps only
                first_cut = kept[ACTIVE_ROWS]["step"]
                kept = [row for row in kept[:ACTIVE_ROWS] if row["step"] != first_cut]
            rows += kept + gap_rows(active)
        return rows

    def step(self, stepped: Stepped, scheduler: TaskScheduler) -> None:
        """Take in a step, right after it."""
        self._active[stepped.index, [self._place[task] for task in stepped.active]] = True
        self._steps = stepped.index + 1
        if stepped.refreshed:
            self._rows += _refresh(scheduler)

    def add(self, rows: Sequence[Row]) -> None:
        """Take in rows of a measurement."""
        self._rows += rows

    def state_dict(self) -> dict[str, Any]:
        """Return everything, as plain values and a tensor."""
        return {
            "rows": [[row[column] for column in COLUMNS] for row in self._rows],
            "active": torch.from_numpy(self._active.copy()),
            "steps": self._steps,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        self._rows = [dict(zip(COLUMNS, values, strict=True)) for values in saved["rows"]]
        self._active = saved["active"].numpy(force=True).copy()
        self._steps = int(saved["steps"])

    def write(self, folder: Path) -> None:
        """Write ``refreshes.csv``."""
        write_csv(
            folder / REFRESHES,
            tuple(COLUMNS),
            [[row[column] for column in COLUMNS] for row in self.rows],
        )


def read_refreshes(path: Path) -> list[Row]:
    """Read what `RefreshLog.write` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Row

    Raises
    ------
    InvalidInputError
        When the file is not such a table; names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} can't be read: {error}.") from error
    if not lines or lines[0] != list(COLUMNS):
        raise InvalidInputError(
            f"{path} should begin with the columns {', '.join(COLUMNS)}; found "
            f"{', '.join(lines[0]) if lines else 'nothing'}."
        )
    rows: list[Row] = []
    for number, values in enumerate(lines[1:], 2):
        try:
            rows.append(
                {
                    name: None if text == "" and kind is not int else kind(text)
                    for (name, kind), text in zip(COLUMNS.items(), values, strict=True)
                }
            )
        except ValueError as error:
            raise InvalidInputError(
                f"{path}, line {number}: {','.join(values)!r} is no row of it ({error}); the file "
                f"is cut off or was changed. The same songoku train command writes it anew."
            ) from error
    return rows


def _settings(plan: Plan, config: TrainingConfig) -> dict[str, object]:
    """What a reader has to know of the schedule and of the update."""
    schedule, combine = plan.config, plan.combine
    name = "sum" if combine is None else combine if isinstance(combine, str) else type(combine)
    return {
        "policy": policy_of(schedule).name,
        "refresh_period": schedule.refresh_period,
        "tau": schedule.tau,
        "beta": schedule.beta,
        "phase": schedule.phase,
        "observe_tasks": schedule.observe_tasks,
        "min_coverage": schedule.min_coverage,
        "heuristic": schedule.heuristic,
        "combine": name.__name__ if isinstance(name, type) else name,
        "optimiser": config.optimiser if plan.adatask is None else "AdaTask",
        "momentum": config.momentum if config.optimiser == "sgd" else 0.0,
        "batch_size": config.batch_size,
    }


def _refresh(scheduler: TaskScheduler) -> list[Row]:
    state = scheduler.state
    found, norms = scheduler.cosines(), scheduler.average_norms()
    if state.graph is None or found is None or norms is None:
        return []
    return graph_rows(
        state.round,
        state.step,
        state.graph.tau,
        classes_of(state),
        found,
        norms,
        scheduler.effective_samples(),
        state.graph.adjacency,
    )


def classes_of(state: SchedulerState) -> NDArray[np.int64]:
    """The class that each task runs with: its slot where it has one slot, else its colour.

    Random groups run in slots that are not the colours; with minimum coverage a task stands in
    more than one slot.
    """
    assert state.colors is not None
    slots = state.schedule.slots
    if sorted(task for slot in slots for task in slot) != list(range(len(state.colors))):
        return state.colors
    classes = np.empty(len(state.colors), dtype=np.int64)
    for number, slot in enumerate(slots):
        classes[list(slot)] = number
    return classes
