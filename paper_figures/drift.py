"""What an average tracks while the means move: error against n_eff, the best one, and a jump."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from paper_figures._drift_rows import (
    NEED,
    best_points,
    error_points,
    jump_points,
    steady_rows,
)
from paper_figures._drift_words import answers, caption, counted
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import MARKERS, PALETTE, Style, label_decades

__all__ = ["draw"]

COLORS = tuple(
    PALETTE[name] for name in ("blue", "vermilion", "green", "purple", "orange", "black")
)
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))


@figure(
    name="drift",
    title="Averaging means that move",
    needs=(NEED,),
    claims=("EXT-5",),
    place=5,
)
def draw(given: FigureInput) -> Picture:
    """Draw the tracking error, the best n_eff, and the refreshes after a jump."""
    style, rows = given.style, given.rows["drift"]
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'drift' is finished.")
    steady = steady_rows(rows)
    errors, best, jump = error_points(steady), best_points(steady), jump_points(rows)
    fig = Figure(figsize=(style.full, 2.5 * style.scale))
    axes = fig.subplots(1, 3)
    _draw_errors(axes[0], errors, best, style)
    _draw_best(axes[1], best, style)
    _draw_jump(axes[2], jump, style)
    label_decades(fig)
    return Picture(
        figure=fig,
        data=pl.concat([errors, best, jump]),
        caption=caption(steady, jump),
        n=counted(rows),
        interval=(
            "(a) mean ± 1.96 standard errors (95%); (b) between the nearest n_eff whose error "
            "surely is larger than the least (95% intervals apart); (c) exact (Clopper-Pearson) 95%"
        ),
        keys=tuple(sorted(set(rows["key"]))),
        answers=answers(rows, steady, best, jump),
    )


def _draw_errors(axis: Axes, frame: pl.DataFrame, best: pl.DataFrame, style: Style) -> None:
    for place, drift in enumerate(sorted(set(frame["drift"]))):
        look: dict[str, Any] = {"color": COLORS[place]}
        mine = frame.filter(pl.col("drift") == drift).sort("x")
        exact = mine.filter(pl.col("line") == "exact")
        axis.plot(exact["x"], exact["value"], linestyle=LINES[place], **look)
        seen = mine.filter(pl.col("line") == "measured")
        axis.errorbar(
            seen["x"],
            seen["value"],
            yerr=[seen["value"] - seen["low"], seen["high"] - seen["value"]],
            fmt=MARKERS[place],
            markersize=2.6 * style.scale,
            markerfacecolor="white",
            elinewidth=0.7,
            label=f"{drift:g}",
            **look,
        )
        optimum = best.filter(pl.col("drift") == drift, pl.col("line") == "optimum")["value"][0]
        place_on_line = np.interp(
            math.log(optimum), np.log(exact["x"].to_numpy()), np.log(exact["value"].to_numpy())
        )
        axis.plot(optimum, math.exp(place_on_line), marker="*", markersize=8 * style.scale,
                  markeredgecolor="black", markeredgewidth=0.5, zorder=4, **look)  # fmt: skip
    axis.set(xscale="log", yscale="log", title="(a) steady drift", ylabel="squared error")
    axis.set(xlabel="$n_\\mathrm{eff}$ (samples)")
    axis.legend(title="drift $D$", loc="upper right")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.6)  # room for the legend


BEST = {
    "optimum": ("black", "-", "$N^2(N-1) = 2E/D^2$"),
    "EXT-5": ("vermilion", "--", "$(E/D^2)^{1/3}$"),
}


def _draw_best(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for line, (color, dashes, label) in BEST.items():
        part = frame.filter(pl.col("line") == line).sort("x")
        axis.plot(part["x"], part["value"], color=PALETTE[color], linestyle=dashes, label=label)
    seen = frame.filter(pl.col("line").str.starts_with("measured")).sort("x")
    axis.errorbar(
        seen["x"],
        seen["value"],
        yerr=[
            seen["value"] - seen["low"],
            (seen["high"] - seen["value"]).fill_null(0.0),
        ],
        fmt="o",
        color=PALETTE["blue"],
        markersize=3 * style.scale,
        markerfacecolor="white",
        elinewidth=0.8,
        label="measured",
    )
    axis.set(xscale="log", yscale="log", title="(b) the best $n_\\mathrm{eff}$")
    axis.set(xlabel="noise over drift, $E/D^2$", ylabel="$n_\\mathrm{eff}$ (samples)")
    axis.legend(loc="upper left")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.5)


def _draw_jump(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.vlines(0.5, 0.0, 1.0, color="black", linewidth=0.7, linestyle=":")
    for place, beta in enumerate(sorted(set(frame["beta"]))):
        for ema, dashes, face in (("carried", "-", COLORS[place]), ("reset", "--", "white")):
            part = frame.filter(pl.col("beta") == beta, pl.col("line") == ema).sort("x")
            axis.errorbar(
                part["x"],
                part["value"],
                yerr=[part["value"] - part["low"], part["high"] - part["value"]],
                color=COLORS[place],
                linestyle=dashes,
                marker=MARKERS[place],
                markerfacecolor=face,
                markersize=2.8 * style.scale,
                elinewidth=0.6,
                label=f"β = {beta:g}" if ema == "carried" else None,
            )
    axis.set(title="(c) a jump", xlabel="refreshes since the jump")
    axis.set(ylabel="P(graph recovered)", ylim=(-0.03, 1.03))
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if not frame.is_empty():
        axis.legend(loc="lower left", borderaxespad=0.1)
        axis.set_ylim(-0.55, 1.05)  # room for the legend below all lines
        axis.set_yticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
