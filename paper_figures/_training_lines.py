"""A grid of panels with one quantity of the scheduler over the refreshes of every run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from paper_figures._training_panels import draw_line, legend, panels
from paper_figures._training_refreshes import REFRESH_METHODS, read_refreshes, refreshed
from paper_figures._training_rows import Bench
from paper_figures.engine.greyscale import band
from paper_figures.engine.picture import Answer, Picture
from paper_figures.engine.style import Style

__all__ = ["Drawing", "dashed_bound", "lines_picture", "spread"]

_PLACE = ("benchmark", "method", "seed", "refresh", "step")

Extra = Callable[[Axes, pl.DataFrame, Style], None]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What one of these figures shows.

    Attributes
    ----------
    column : str
        Of the frame of refreshes.
    label : str
        Of the vertical axis.
    caption : str
    more : function
        Draws what belongs to SON-GOKU's runs alone, e.g. a bound.
    handles : tuple
        Legend entries of that.
    answer : function, optional
        From all refreshes of all benchmarks to an answer.
    least, most : float or None
        Ends of the vertical axis.
    whole : bool
        Only whole numbers can be on the vertical axis.
    beside : tuple of str
        Columns that `more` draws from.
    """

    column: str
    label: str
    caption: str
    more: Extra
    handles: tuple[tuple[Line2D, str], ...]
    answer: Callable[[pl.DataFrame], Answer]
    least: float | None = None
    most: float | None = None
    whole: bool = False
    beside: tuple[str, ...] = ()


def lines_picture(benches: tuple[Bench, ...], style: Style, drawing: Drawing) -> Picture:
    """Draw a panel for each benchmark whose runs have refreshes."""
    shown = refreshed(benches)
    frames = [read_refreshes(bench) for bench in shown]
    kept = [(bench, frame) for bench, frame in zip(shown, frames, strict=True) if frame.height]
    fig, axes = panels([bench for bench, _ in kept], style, foot=0.55)
    for (_, frame), axis in zip(kept, axes, strict=True):
        own = frame.filter(pl.col("method") == "son_goku")
        if own.height:
            drawing.more(axis, own, style)
        for method in reversed(REFRESH_METHODS):
            part = spread(frame.filter(pl.col("method") == method), drawing.column)
            draw_line(axis, part, "step", method, style)
        axis.set(xlabel="step", ylabel=drawing.label)
        axis.set_ylim(bottom=drawing.least, top=drawing.most)
        if drawing.whole:
            axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    data = pl.concat(frame for _, frame in kept)
    methods = [name for name in REFRESH_METHODS if name in set(data["method"])]
    legend(fig, methods, style, *drawing.handles)
    runs = data["key"].n_unique()
    return Picture(
        figure=fig,
        data=data.select(*_PLACE, drawing.column, *drawing.beside),
        caption=drawing.caption,
        n=f"{data.height:,} refreshes of {runs} runs",
        interval="bands: from the least to the largest of the seeds; lines: their mean",
        keys=tuple(sorted(set(data["key"]))),
        answers=(drawing.answer(data),),
    )


def spread(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return mean, least and largest over seeds at each step."""
    return (
        frame.drop_nulls(column)
        .group_by("step")
        .agg(
            pl.col(column).mean().cast(pl.Float64).alias("value"),
            pl.col(column).min().cast(pl.Float64).alias("low"),
            pl.col(column).max().cast(pl.Float64).alias("high"),
        )
        .sort("step")
    )


def dashed_bound(axis: Axes, own: pl.DataFrame, column: str, style: Style) -> None:
    """Draw a quantity of SON-GOKU's runs as a thin dashed black line with its band."""
    part = spread(own, column)
    axis.plot(part["step"], part["value"], "k--", linewidth=0.8 * style.scale, zorder=2)
    band(axis, part["step"], part["low"], part["high"], "#000000", "--", 0.16)
