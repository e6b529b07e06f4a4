"""Loss, active class and time left: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click

from simulations.sweep.progress import duration
from simulations.training.run.trainer import Stepped

__all__ = ["Show", "quiet", "shown_training"]

_SECONDS_BETWEEN_LINES = 10.0


class Show(Protocol):
    """Called after each step."""

    def __call__(self, stepped: Stepped, total: int) -> None:
        """Show that this step of `total` is done."""


def quiet(stepped: Stepped, total: int) -> None:
    """Show nothing."""


def _state(stepped: Stepped) -> str:
    losses = [stepped.losses[task] for task in stepped.active if task in stepped.losses]
    loss = f"loss {sum(losses) / len(losses):.4g}" if losses else "no loss"
    return f"{loss}, active: {' '.join(stepped.active)}"


@contextmanager
def shown_training(label: str) -> Iterator[Show]:
    """Show steps on standard error while in the block.

    Parameters
    ----------
    label : str
        What every line starts with.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(label)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:.0f}/{task.total:.0f} steps"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=None, state="")

        def show(stepped: Stepped, total: int) -> None:
            bar.update(task, completed=stepped.index + 1, total=total, state=_state(stepped))

        yield show


class _Lines:
    """One line every few seconds, so that a log stays readable."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._first: tuple[int, float] | None = None
        self._last = 0.0

    def __call__(self, stepped: Stepped, total: int) -> None:
        now, done = time.monotonic(), stepped.index + 1
        if self._first is None:  # what came before the first step says nothing of the others
            self._first, self._last = (done, now), now
        if now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        before, start = self._first
        left = (now - start) * (total - done) / (done - before)
        click.echo(
            f"{self._label}: {done:,}/{total:,} steps, {_state(stepped)}, {duration(left)} left",
            err=True,
        )
