"""Steps done and time left: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from simulations.sweep.progress import duration
from simulations.training.progress import Listener

__all__ = ["StepLines", "shown_steps"]

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown_steps(total: int, label: str) -> Iterator[Listener]:
    """Show progress on standard error while in the block.

    Parameters
    ----------
    total : int
        Steps.
    label : str

    Yields
    ------
    Listener
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        click.echo(f"{label}: {total:,} steps", err=True)
        yield StepLines(label)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} steps"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done, _: bar.update(task, completed=done)


class StepLines:
    """One line every few seconds, so that a log stays readable.

    Parameters
    ----------
    label : str
        What every line starts with.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._first: tuple[int, float] | None = None
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Take note that `done` of `total` steps are done."""
        now = time.monotonic()
        if self._first is None:  # what came before the first step says nothing of the others
            self._first, self._last = (done, now), now
        if now - self._last < _SECONDS_BETWEEN_LINES or done == total:
            return
        self._last = now
        before, start = self._first
        left = (now - start) * (total - done) / (done - before)
        click.echo(f"{self._label}: {done:,}/{total:,} steps, {duration(left)} left", err=True)
