"""Where noise hides the conflict graph: the transition in d, its collapse, and debiasing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from paper_figures._phase_rows import (
    NEED,
    collapse_points,
    debiased_points,
    edge_points,
    half_places,
    main_rows,
)
from paper_figures._phase_words import answers, caption, counted
from paper_figures.engine.greyscale import band
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import MARKERS, PALETTE, Style, label_decades

__all__ = ["draw"]

PLACE = "$\\lambda$ over $\\gamma/\\tau$,  $\\lambda = s^2 d/m_0^2$"
COLORS = tuple(
    PALETTE[name] for name in ("blue", "vermilion", "green", "purple", "orange", "black")
)
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))


@figure(
    name="phase",
    title="The phase transition in the dimension, and what debiasing changes",
    needs=(NEED,),
    claims=("EXT-1", "EXT-3", "EXT-4"),
    place=4,
)
def draw(given: FigureInput) -> Picture:
    """Draw an edge and the graph against the noise energy, raw and debiased."""
    style, rows = given.style, given.rows["phase"]
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'phase' is finished.")
    main = main_rows(rows)
    edges, places = edge_points(main), half_places(main)
    collapse, debiased = collapse_points(rows), debiased_points(rows, main)
    fig = Figure(figsize=(style.full, 4.3 * style.scale))
    axes = fig.subplots(2, 2)
    _draw_lines(axes[0, 0], edges, style, "(a) one edge at the margin", "P(edge found)")
    axes[0, 0].axvline(1, color="black", linewidth=0.7, linestyle=":")
    axes[0, 0].set(xscale="log", xlabel=PLACE)
    axes[0, 0].legend(title="d", loc="lower left")
    _draw_collapse(axes[0, 1], collapse, style)
    _draw_places(axes[1, 0], places, style)
    _draw_debiased(axes[1, 1], debiased, style)
    label_decades(fig)
    return Picture(
        figure=fig,
        data=pl.concat([edges, collapse, places, debiased]),
        caption=caption(main, debiased),
        n=counted(rows),
        interval=(
            "exact (Clopper-Pearson) 95% at each point (bands in (a), bars in (d)); points of one "
            "cell share their draws"
        ),
        keys=tuple(sorted(set(rows["key"]))),
        answers=answers(places, collapse, debiased, main),
    )


def _draw_lines(axis: Axes, frame: pl.DataFrame, style: Style, title: str, ylabel: str) -> None:
    for place, dim in enumerate(sorted(set(frame["dim"]))):
        part = frame.filter(pl.col("dim") == dim).sort("x")
        look: dict[str, Any] = {"color": COLORS[place], "linestyle": LINES[place]}
        axis.plot(part["x"], part["value"], label=_short(dim), **look)
        band(axis, part["x"], part["low"], part["high"], COLORS[place], LINES[place], 0.2)
    axis.set(title=title, ylabel=ylabel, ylim=(-0.03, 1.03))


def _short(dim: int) -> str:
    power = round(math.log2(dim))
    return f"$2^{{{power}}}$" if 2**power == dim and dim > 9999 else f"{dim:,}"


def _draw_collapse(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    scores = np.linspace(-1, 6, 141)
    counts = sorted({int(line.split()[0]) for line in set(frame["line"])})
    for place, edges in enumerate(counts):
        color = COLORS[place % len(COLORS)]
        axis.plot(scores, norm.cdf(scores) ** edges, color=color, linestyle=LINES[place % 6])
        part = frame.filter(pl.col("line") == f"{edges} edges", pl.col("x").is_between(-1, 6))
        axis.plot(
            part["x"],
            part["value"],
            linestyle="",
            marker=MARKERS[place % len(MARKERS)],
            markersize=2.0 * style.scale,
            markerfacecolor="none",
            markeredgewidth=0.5,
            color=color,
            label=f"{edges}",
        )
    axis.legend(title="edges", loc="upper left")
    axis.set(title="(b) the graph, every setting", ylabel="P(graph recovered)")
    axis.set(xlabel="score $z$ of an edge", ylim=(-0.03, 1.03), xlim=(-1, 6))


PLACES = {
    "edge: half": ("blue", "-", "o", "edge found in half"),
    "graph: half": ("vermilion", "-", "s", "graph found in half"),
    "graph: score": ("vermilion", ":", "", "$\\Phi(z)^E = 1/2$"),
    "bound": ("green", "--", "^", "bound promises half"),
}


def _draw_places(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for line, (color, dashes, mark, label) in PLACES.items():
        part = frame.filter(pl.col("line") == line, pl.col("x").is_not_null()).sort("dim")
        axis.plot(
            part["dim"],
            part["x"],
            color=PALETTE[color],
            linestyle=dashes,
            marker=mark,
            markersize=3.0 * style.scale,
            label=label,
        )
    axis.axhline(1, color="black", linewidth=0.7, linestyle=":")
    axis.set(xscale="log", title="(c) where the transition lies", ylim=(0, 2.0))
    axis.set(xlabel="dimension d", ylabel="$\\lambda$ over $\\gamma/\\tau$")
    axis.legend(loc="upper left", ncols=1)


def _draw_debiased(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.axvline(1, color="black", linewidth=0.7, linestyle=":")
    for place, dim in enumerate(sorted(set(frame["dim"]))):
        for cosine, dashes, filled in (("plain", "--", False), ("debiased", "-", True)):
            part = frame.filter(pl.col("dim") == dim, pl.col("line") == cosine).sort("x")
            axis.errorbar(
                part["x"],
                part["value"],
                yerr=[part["value"] - part["low"], part["high"] - part["value"]],
                color=COLORS[place],
                linestyle=dashes,
                elinewidth=0.6,
                marker=MARKERS[place],
                markersize=2.2 * style.scale,
                markerfacecolor=COLORS[place] if filled else "white",
                markevery=3,
                label=_short(dim) if filled else None,
            )
    axis.set(xscale="log", title="(d) plain (dashed), debiased (solid)", ylim=(-0.03, 1.03))
    axis.set(xlabel=PLACE, ylabel="P(graph recovered)")
    if not frame.is_empty():
        axis.legend(title="d", loc="upper right")
