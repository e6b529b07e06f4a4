"""A grid of panels, one a benchmark, that the figures of real training share."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from paper_figures._training_rows import Bench, method_name
from paper_figures.engine.greyscale import band
from paper_figures.engine.statistics import mean_of
from paper_figures.engine.style import PALETTE, Style

__all__ = ["LOOKS", "OTHERS", "draw_line", "legend", "over_seeds", "panels"]

Look = tuple[str, object, str]

LOOKS: dict[str, Look] = {
    "uniform": (PALETTE["black"], "-", "o"),
    "son_goku": (PALETTE["vermilion"], "-", "s"),
    "son_goku_pcgrad": (PALETTE["purple"], (0, (5, 1, 1, 1)), "P"),
    "son_goku_adatask": (PALETTE["orange"], "--", "^"),
    "random_groups": (PALETTE["blue"], "-.", "D"),
    "single_step": (PALETTE["green"], ":", "v"),
}
"""Colour, line style, marker of the methods that are told apart."""
OTHERS = "other methods"
GREY = "#B0B0B0"
MOST_COLUMNS = 3


def panels(benches: Sequence[Bench], style: Style, foot: float) -> tuple[Figure, list[Axes]]:
    """Make a grid with a panel for each benchmark, and room of `foot` inches for a legend.

    A panel is empty, and hidden, where the grid has more places than there are benchmarks.
    """
    columns = min(MOST_COLUMNS, len(benches))
    lines = -(-len(benches) // columns)
    height = (1.75 if columns > 1 else 2.2) * lines
    fig = Figure(figsize=(style.full, (height + foot) * style.scale))
    grid = fig.subplots(lines, columns, squeeze=False).ravel().tolist()
    for axis in grid[len(benches) :]:
        axis.set_visible(False)
    for bench, axis in zip(benches, grid, strict=False):
        axis.set_title(bench.title)
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.yaxis.set_major_locator(MaxNLocator(5))
    return fig, grid[: len(benches)]


def over_seeds(frame: pl.DataFrame, *by: str, value: str = "value") -> pl.DataFrame:
    """Return mean and 95% interval (Student's t over seeds) of one value a seed, for each `by`."""
    rows = []
    for place, part in frame.group_by(by, maintain_order=True):
        found = mean_of(part.sort("seed")[value].to_list())
        assert found is not None
        rows.append((*place, found.value, found.low, found.high, found.count))
    schema = {
        **{name: frame.schema[name] for name in by},
        "value": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "seeds": pl.Int64(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort(by)


def draw_line(
    axis: Axes,
    part: pl.DataFrame,
    x: str,
    method: str,
    style: Style,
    banded: Collection[str] = tuple(LOOKS),
) -> None:
    """Draw a method's line, with its band if asked for; others than `LOOKS` are thin and grey."""
    if part.is_empty():
        return
    if method not in LOOKS:
        axis.plot(part[x], part["value"], "-", color=GREY, linewidth=0.6 * style.scale, zorder=1)
        return
    color, dashes, mark = LOOKS[method]
    axis.plot(
        part[x],
        part["value"],
        color=color,
        linestyle=dashes,
        marker=mark,
        markersize=2.2 * style.scale,
        markevery=max(1, part.height // 6),
        linewidth=1.1 * style.scale,
        zorder=3,
    )
    if method in banded:
        band(axis, part[x], part["low"], part["high"], color, dashes, 0.16)


def legend(fig: Figure, methods: Sequence[str], style: Style, *more: tuple[Line2D, str]) -> None:
    """Put one legend below all panels: the methods that are told apart, the rest as one line."""
    entries = [
        (
            Line2D([], [], color=color, linestyle=dashes, marker=mark,  # type: ignore[arg-type]
                   markersize=3 * style.scale),
            method_name(method),
        )
        for method, (color, dashes, mark) in LOOKS.items()
        if method in methods
    ]  # fmt: skip
    if set(methods) - LOOKS.keys():
        entries.append((Line2D([], [], color=GREY, linewidth=0.8 * style.scale), OTHERS))
    entries += more
    fig.legend(
        [handle for handle, _ in entries],
        [name for _, name in entries],
        loc="outside lower center",
        ncols=min(4, len(entries)),
    )
