"""What the pipeline figure draws, as one long table."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paper_figures._trace_rows import Round, TracedRun

__all__ = ["drawn_data", "letter", "spans"]

SCHEMA = {
    "panel": pl.String,
    "refresh": pl.Int64,
    "step": pl.Int64,
    "task": pl.String,
    "other": pl.String,
    "value": pl.Float64,
    "class": pl.String,
}


def drawn_data(
    run: TracedRun,
    classes: tuple[NDArray[np.int64], ...],
    place: int,
    order: list[int],
    window: tuple[int, int],
) -> pl.DataFrame:
    """Collect every mark of the figure, panel by panel.

    Parameters
    ----------
    run : TracedRun
    classes : tuple of ndarray of int
        Names of the classes, one array a round.
    place : int
        The round that panels (a) to (c) show.
    order : list of int
        Tasks from top to bottom.
    window : tuple of int
        First step of the timeline, and one past the last.
    """
    ruled = run.rounds[place]
    frames = (
        _matrix_data(ruled, order, run),
        _class_data(ruled, classes[place], order, run),
        _timeline_data(run, classes, window),
        _rounds_data(run, classes, order),
    )
    return pl.concat(frames)


def letter(name: int) -> str:
    """Name a class: A, B, ..., then numbers."""
    return chr(ord("A") + name) if name < 26 else str(name + 1)


def spans(run: TracedRun, window: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Cut a window of steps at the refreshes: (round, first step, one past the last)."""
    ends = [ruled.first_step for ruled in run.rounds[1:]] + [len(run.active)]
    return [
        (place, max(ruled.first_step, window[0]), min(end, window[1]))
        for place, (ruled, end) in enumerate(zip(run.rounds, ends, strict=True))
        if max(ruled.first_step, window[0]) < min(end, window[1])
    ]


def _frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _matrix_data(ruled: Round, order: list[int], run: TracedRun) -> pl.DataFrame:
    assert ruled.cosines is not None
    assert ruled.edges is not None
    rows: list[tuple[object, ...]] = []
    for panel, values in (("a", ruled.cosines), ("b", ruled.edges)):
        for place, one in enumerate(order):
            rows += [
                (panel, ruled.index, ruled.first_step, run.tasks[one], run.tasks[other],
                 float(values[one, other]), None)
                for other in order[place + 1 :]
            ]  # fmt: skip
    return _frame(rows)


def _class_data(
    ruled: Round, colors: NDArray[np.int64], order: list[int], run: TracedRun
) -> pl.DataFrame:
    return _frame(
        [
            ("c", ruled.index, ruled.first_step, run.tasks[task], None, None, letter(colors[task]))
            for task in order
        ]
    )


def _timeline_data(
    run: TracedRun, classes: tuple[NDArray[np.int64], ...], window: tuple[int, int]
) -> pl.DataFrame:
    rows: list[tuple[object, ...]] = []
    for place, first, last in spans(run, window):
        for step in range(first, last):
            rows += [
                ("d", run.rounds[place].index, step, run.tasks[task], None, 1.0,
                 letter(classes[place][task]))
                for task in np.flatnonzero(run.active[step])
            ]  # fmt: skip
    return _frame(rows)


def _rounds_data(
    run: TracedRun, classes: tuple[NDArray[np.int64], ...], order: list[int]
) -> pl.DataFrame:
    rows: list[tuple[object, ...]] = []
    for ruled, names in zip(run.rounds, classes, strict=True):
        rows += [
            ("e", ruled.index, ruled.first_step, run.tasks[task], None, None, letter(names[task]))
            for task in order
        ]
        rows.append(("e", ruled.index, ruled.first_step, None, None, float(ruled.conflicts), None))
    return _frame(rows)
