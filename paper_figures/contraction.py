"""PL contraction per refresh: what eq. 61 and 63 promise, and what happens."""

from __future__ import annotations

import textwrap
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
    StrMethodFormatter,
)

from paper_figures._contraction_rows import (
    CLAIMS,
    NEED,
    ContractionRows,
    answers,
    failure,
    select,
)
from paper_figures.engine.greyscale import band
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

LINES: dict[str, tuple[str, str, Any, str]] = {
    "scheduled": ("scheduled refresh, measured", PALETTE["blue"], "-", "o"),
    "aggregated": ("aggregated step, measured", PALETTE["green"], "-.", "^"),
    "factor": ("eq. 61", PALETTE["black"], "--", ""),
    "bound": ("eq. 63", PALETTE["vermilion"], ":", "s"),
}
SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
}


@figure(
    name="contraction",
    title="Contraction of one refresh under the PL inequality",
    needs=(NEED,),
    claims=("CMP-60", "CMP-61", "CMP-63", "CMP-63-R"),
    place=22,
)
def draw(given: FigureInput) -> Picture:
    """Draw the excess after a refresh over the excess before it, and how often claims fail."""
    style, found = given.style, select(given.rows["contraction"])
    data = pl.concat([_measured(found), _failures(found)])
    names = [title for title, _ in found.panels]
    columns = 3
    fig = Figure(figsize=(style.full, 4.0 * style.scale))
    axes = fig.subplots(2, columns, squeeze=False).ravel()
    for place, axis in enumerate(axes[:-1]):
        if place < len(names):
            _draw_panel(axis, data.filter(pl.col("panel") == names[place]), style)
            # A panel's name may be wider than the panel.
            title = textwrap.fill(f"({'abcde'[place]})  {names[place]}", 26)
            axis.set_title(title, fontsize=style.small)
        else:
            axis.axis("off")
    for place in range(0, len(axes) - 1, columns):
        axes[place].set_ylabel("excess after / before")
    _draw_failures(axes[-1], data.filter(pl.col("panel") == "failures"), style)
    axes[-1].set_title("(f)  claims that fail", fontsize=style.small)
    handles = [
        Line2D([], [], color=color, linestyle=dashes, marker=mark, markersize=3.4 * style.scale)
        for _, color, dashes, mark in LINES.values()
    ]
    fig.legend(
        handles,
        [label for label, *_ in LINES.values()],
        loc="outside upper center",
        ncols=2 if style.full < 6 else 4,
        fontsize=style.small,
    )
    return Picture(
        figure=fig,
        data=data,
        caption=_caption(found),
        n=_counted(found),
        interval="(a-e) bands: 5% to 95% of the runs, not an interval; (f) exact 95%",
        keys=found.keys,
        answers=answers(found),
    )


def _measured(found: ContractionRows) -> pl.DataFrame:
    frames = []
    for title, rows in found.panels:
        for line in LINES:
            frames.append(
                rows.select(
                    pl.lit(title).alias("panel"),
                    pl.lit(line).alias("line"),
                    (pl.col("refresh") + 1).cast(pl.Float64).alias("x"),
                    pl.col(f"{line}_q50").alias("value"),
                    pl.col(f"{line}_q05").alias("low"),
                    pl.col(f"{line}_q95").alias("high"),
                    pl.col("runs").alias("n"),
                )
            )
    return pl.concat(frames).cast(pl.Schema(SCHEMA))


def _failures(found: ContractionRows) -> pl.DataFrame:
    rows = []
    for place, claim in enumerate(CLAIMS):
        value, low, high, _, runs = failure(found.last, claim)
        rows.append(("failures", claim, float(place), value, low, high, runs))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _draw_panel(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.axhline(1.0, color=PALETTE["grey"], linewidth=0.7)
    for line, (_, color, dashes, mark) in LINES.items():
        part = frame.filter(pl.col("line") == line).sort("x")
        low = part["low"].clip(1e-4)
        band(axis, part["x"], low, part["high"], color, dashes, 0.18)
        axis.plot(
            part["x"],
            part["value"].clip(1e-4),
            color=color,
            linestyle=dashes,
            marker=mark,
            markersize=3.2 * style.scale,
        )
    axis.set_yscale("log")
    top = max(float(value) for value in frame["high"])
    bottom = min(float(value) for value in frame["low"].clip(1e-4))
    axis.set_ylim(max(bottom * 0.8, 1e-2), top * 1.3)
    wide = top > 50.0 * max(bottom, 1e-2)
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("refresh")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _draw_failures(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.barh(
        frame["x"],
        frame["value"],
        color=PALETTE["sky"],
        edgecolor="black",
        linewidth=0.5,
        height=0.55,
        xerr=[frame["value"] - frame["low"], frame["high"] - frame["value"]],
        error_kw={"elinewidth": 0.9 * style.scale, "capsize": 2 * style.scale},
    )
    short = ["61", "63, path", "63, eq. 56", "63, corrected", "63, at start", "61 inherited"]
    axis.set_yticks(range(len(short)), short)
    axis.invert_yaxis()
    axis.set_xlim(0.0, None)
    axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axis.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axis.set_xlabel("share of runs")
    axis.grid(visible=False, axis="y")


def _counted(found: ContractionRows) -> str:
    runs = sorted({int(value) for _, rows in found.panels for value in rows["runs"]})
    listed = f"{runs[0]}" if len(runs) == 1 else f"{runs[0]} to {runs[-1]}"
    return (
        f"(a-e) {listed} runs a point; (f) {int(found.last['trials'].sum()):,} runs of "
        f"{found.last.height} cells"
    )


def _caption(found: ContractionRows) -> str:
    steps = sorted({float(value) for _, rows in found.panels for value in rows["eta"]})
    sizes = ", ".join(f"{value:g}/L" for value in steps)
    return (
        "F - F* after one refresh over F - F* before it, on objectives whose PL constant and "
        f"smoothness are certified (step η = {sizes}); medians and 5% to 95% bands over runs that "
        "follow the schedule. Above 1 (grey line) F rises. One aggregated step is taken from every "
        "point of the run for comparison; eq. 61 is about that one. Eq. 63 is drawn with UB_sch "
        "along the path; above 1 it promises nothing. (f) Share of runs, over all stored cells, in "
        "which each reading of eq. 61 and 63 fails at some refresh: 'at start' leaves the drift "
        "out; 'inherited' is eq. 61's factor for the schedule, which the paper promises only where "
        "eq. 57 and 59 hold."
    )
