"""What a run reports: training losses, metrics, work; as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulations.training.run.checkpoint import write_whole
from simulations.training.run.trainer import Stepped, Work
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    from simulations.training.run.refreshes import RefreshLog

__all__ = ["Record", "read_result", "write_csv", "write_result"]

_LOSSES = ("step", "task", "mean_loss", "updates", "observed")
_METRICS = ("step", "split", "task", "metric", "value")
_CLASSES = ("step", "class", "tasks")
_WORK = ("step", "forwards", "backwards", "task_updates")


class Record:
    """Rows of a run, and the window of steps whose losses are not yet a row.

    Parameters
    ----------
    tasks : sequence of str
    log_every : int
        Steps of a window.
    refreshes : RefreshLog, optional
        For a method that has a conflict graph.

    Attributes
    ----------
    seconds : float
        Of training steps, evaluations and checkpoints apart.
    """

    def __init__(
        self, tasks: Sequence[str], log_every: int, refreshes: RefreshLog | None = None
    ) -> None:
        self.tasks = tuple(tasks)
        self.log_every = log_every
        self.refreshes = refreshes
        self.seconds = 0.0
        self.losses: list[list[Any]] = []
        self.metrics: list[list[Any]] = []
        self.classes: list[list[Any]] = []
        self.work: list[list[int]] = []
        self._window = {task: [0.0, 0, 0] for task in self.tasks}

    def step(self, stepped: Stepped, classes: Sequence[Sequence[str]], seconds: float) -> None:
        """Take in a step, and the schedule's classes after it."""
        self.seconds += seconds
        for task, loss in stepped.losses.items():
            window = self._window[task]
            window[0] += loss
            window[1] += int(task in stepped.active)
            window[2] += 1
        done = stepped.index + 1
        if done % self.log_every == 0:
            for task, (total, updates, observed) in self._window.items():
                if observed:
                    self.losses.append([done, task, total / observed, updates, observed])
            self._window = {task: [0.0, 0, 0] for task in self.tasks}
        if stepped.refreshed:
            for number, slot in enumerate(classes):
                self.classes.append([done, number, " ".join(slot)])

    def has_scores(self, step: int, split: str) -> bool:
        """Say whether an evaluation of this step and split was taken in."""
        return any(row[:2] == [step, split] for row in self.metrics)

    def scores(self, step: int, split: str, scores: Mapping[str, Mapping[str, float]]) -> None:
        """Take in an evaluation; one of the same step and split is replaced."""
        self.metrics = [row for row in self.metrics if row[:2] != [step, split]]
        for task, values in scores.items():
            self.metrics += [[step, split, task, name, value] for name, value in values.items()]

    def worked(self, step: int, work: Work) -> None:
        """Take in the work done before a step; what methods reach is compared at equal work."""
        self.work = [row for row in self.work if row[0] != step]
        self.work.append([step, work.forwards, work.backwards, work.task_updates])

    def state_dict(self) -> dict[str, Any]:
        """Return everything, as plain values."""
        return {
            "seconds": self.seconds,
            "losses": self.losses,
            "metrics": self.metrics,
            "classes": self.classes,
            "work": self.work,
            "window": self._window,
            "refreshes": None if self.refreshes is None else self.refreshes.state_dict(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        self.seconds = saved["seconds"]
        self.losses, self.metrics = list(saved["losses"]), list(saved["metrics"])
        self.classes = list(saved["classes"])
        self.work = [list(row) for row in saved.get("work", [])]
        self._window = {task: list(values) for task, values in saved["window"].items()}
        if self.refreshes is not None:
            self.refreshes.load_state_dict(saved["refreshes"])

    def write(self, folder: Path) -> None:
        """Write a CSV file of each table; ``refreshes.csv`` for a method with a graph."""
        write_csv(folder / "losses.csv", _LOSSES, self.losses)
        write_csv(folder / "metrics.csv", _METRICS, self.metrics)
        write_csv(folder / "classes.csv", _CLASSES, self.classes)
        write_csv(folder / "work.csv", _WORK, self.work)
        if self.refreshes is not None:
            self.refreshes.write(folder)


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table; floats with all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([repr(v) if isinstance(v, float) else v for v in row] for row in rows)
    write_whole(path, text.getvalue().encode())


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result as JSON."""
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path, (text + "\n").encode())


def read_result(path: Path) -> dict[str, Any] | None:
    """Read a result; None when there is none.

    Raises
    ------
    InvalidInputError
        When it can't be read.
    """
    if not path.exists():
        return None
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(result, dict) or "run" not in result:
            raise ValueError("it names no run")
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"{path} can't be read as a result ({error}). Move it away to train again."
        ) from error
    found: dict[str, Any] = result
    return found
