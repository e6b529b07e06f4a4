"""What a run reports, as TensorBoard events: ``tensorboard --logdir runs/train`` shows them.

A step is the number of finished steps for losses and metrics, and the step's own number t for what
held during it (rate, threshold, class). So all that a checkpoint at step s knows of the steps from
s on is in the run's record, and going on from it neither loses nor repeats an event.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from simulations.training.run.record import Record
from simulations.training.run.trainer import Stepped, Trainer
from songoku_theory.errors import DependencyMissingError, StoreError

__all__ = ["FOLDER", "Board", "require_tensorboard"]

FOLDER = "tensorboard"
"""Below a run's folder."""


def require_tensorboard() -> Any:  # noqa: ANN401 - a class of the optional package
    """Return the class that writes event files.

    Raises
    ------
    DependencyMissingError
        When the package is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs, of what they import
            from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise DependencyMissingError(
            f"--tensorboard needs the package tensorboard ({error}); pip install tensorboard, or "
            f"leave the option out: the CSV files hold the same numbers."
        ) from error
    return SummaryWriter


class Board:
    """Writes the events of one run.

    Parameters
    ----------
    folder : Path
        Of the run.
    trainer : Trainer
    record : Record
        What the run knows already; events that an earlier part of the run wrote are not repeated,
        those after the checkpoint that it goes on from are withdrawn.

    Raises
    ------
    DependencyMissingError
        When the package is not installed.
    StoreError
        When the folder can't be written.
    """

    def __init__(self, folder: Path, trainer: Trainer, record: Record) -> None:
        make = require_tensorboard()
        place, begun = folder / FOLDER, trainer.steps
        earlier = any(place.glob("events.out.tfevents.*")) if place.is_dir() else False
        try:
            self._writer = make(str(place), purge_step=begun if earlier else None)
        except OSError as error:
            raise StoreError(f"can't write {place}: {error}.") from error
        self._trainer, self._record = trainer, record
        self._last: dict[str, float] = {}
        self._classes = trainer.scheduler.classes()
        first = begun if earlier else 0
        self._losses = sum(row[0] < first for row in record.losses)
        self._scores = {tuple(row[:4]) for row in record.metrics if row[0] < first}
        self.catch_up()

    def step(self, stepped: Stepped) -> None:
        """Write what a step tells, right after it was entered in the record."""
        trainer, t = self._trainer, stepped.index
        slots = [set(slot) for slot in self._classes]
        active = set(stepped.active)
        self._changed("training/lr", trainer.config.rate(t, trainer.total), t)
        self._changed("schedule/classes", len(slots), t)
        # -1: a warm start's or a policy's own group, which is no class.
        number = slots.index(active) if active in slots else -1
        self._writer.add_scalar("schedule/active_class", number, t)
        if stepped.refreshed:
            self._classes = trainer.scheduler.classes()
        graph = trainer.scheduler.graph
        if graph is not None and not stepped.refreshed:  # else it holds from the next step on
            self._changed("schedule/tau", graph.tau, t)
        self.catch_up()

    def catch_up(self) -> None:
        """Write the rows of losses and metrics that are new in the record."""
        for done, task, mean, _, _ in self._record.losses[self._losses :]:
            self._writer.add_scalar(f"loss/{task}", mean, done)
        self._losses = len(self._record.losses)
        if len(self._scores) == len(self._record.metrics):
            return
        for row in self._record.metrics:
            step, split, task, metric, value = row
            if (step, split, task, metric) not in self._scores:
                self._scores.add((step, split, task, metric))
                self._writer.add_scalar(f"{split}/{metric}/{task}", value, step)

    def flush(self) -> None:
        """Bring all events to disk; before each checkpoint, which relies on them."""
        self._writer.flush()

    def close(self) -> None:
        """Write the rest, and end the file."""
        self.catch_up()
        self._writer.close()

    def _changed(self, tag: str, value: float, step: int) -> None:
        if self._last.get(tag) != value:
            self._last[tag] = value
            self._writer.add_scalar(tag, value, step)
