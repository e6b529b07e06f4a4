"""What is shown while a sweep runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click

__all__ = ["Progress", "duration", "shown", "silent"]

_SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """Called after each cell, and every now and then in between."""

    def __call__(self, done: int, failed: int, seconds_left: float | None) -> None:
        """Show that so many of the cells to run have ended, and how many of them failed."""


def silent(done: int, failed: int, seconds_left: float | None) -> None:
    """Show nothing."""


def duration(seconds: float) -> str:
    """Return a time as one reads it.

    Examples
    --------
    >>> [duration(s) for s in (0.004, 0.26, 42, 90, 5400, 200000)]
    ['4 ms', '0.3 s', '42 s', '1 min 30 s', '1 h 30 min', '2 d 7 h']
    """
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, name, small, part in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // small} {part}"
    return f"{whole} s"


@contextmanager
def shown(total: int, label: str) -> Iterator[Progress]:
    """Show the progress of `total` cells on standard error while in the block."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(console, total, label) as progress:
            yield progress
    else:
        yield _Lines(total, label)


class _Lines:
    """One line every ten seconds: a log of a big sweep stays readable."""

    def __init__(self, total: int, label: str) -> None:
        self._total = total
        self._label = label
        self._last = time.monotonic()

    def __call__(self, done: int, failed: int, seconds_left: float | None) -> None:
        now = time.monotonic()
        if now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        click.echo(f"{self._label}: {_state(done, self._total, failed, seconds_left)}", err=True)


def _state(done: int, total: int, failed: int, seconds_left: float | None) -> str:
    left = "time left unknown yet" if seconds_left is None else f"{duration(seconds_left)} left"
    return f"{done}/{total} cells, {left}" + (f", {failed} failed" if failed else "")


@contextmanager
def _bar(console: object, total: int, label: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    assert isinstance(console, Console)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} cells"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("[red]{task.fields[failed]}"),
    )
    with RichProgress(*columns, console=console, refresh_per_second=5) as bar:
        task = bar.add_task(label, total=total, left="", failed="")

        def update(done: int, failed: int, seconds_left: float | None) -> None:
            left = "" if seconds_left is None else f"{duration(seconds_left)} left"
            bar.update(task, completed=done, left=left, failed=f"{failed} failed" if failed else "")

        yield update
