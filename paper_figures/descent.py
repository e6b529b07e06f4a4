"""How far a class's step descends: measured against Propositions 6 and 7, and for whom."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from paper_figures._descent_answers import answers
from paper_figures._descent_rows import NEED, DescentRows, select, shares_by
from paper_figures.engine.greyscale import band
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

LAW_LOOKS: dict[str, tuple[str, Any, str]] = {
    "random": (PALETTE["blue"], "-", "o"),
    "planted": (PALETTE["green"], "-.", "^"),
    "adversarial": (PALETTE["vermilion"], "--", "s"),
}
LAW_WORDS = {
    "random": "random directions",
    "planted": "planted groups",
    "adversarial": "near the worst case",
}
FEWEST = 20
"""Quantiles of fewer classes are not drawn."""

SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "law": pl.String,
    "tau": pl.Float64,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
}


@figure(
    name="descent",
    title="Descent inside a colour class: measured against the two propositions",
    needs=(NEED,),
    claims=("DES-P6", "DES-P6-SHARP", "DES-P7", "DES-12-FULL", "EXT-12-MEMBER"),
    place=20,
)
def draw(given: FigureInput) -> Picture:
    """Draw the ratio by class size at three taus; below, how often F or a member rises."""
    style, found = given.style, select(given.rows["descent"])
    data = pl.concat([_by_size(found), _risen(found), _premise(found)])
    fig = Figure(figsize=(style.full, 4.35 * style.scale))
    upper, lower = fig.subfigures(2, 1, height_ratios=(1.2, 1), squeeze=False).ravel()
    axes = upper.subplots(1, len(found.taus), sharey=True, squeeze=False)[0]
    for tau, axis in zip(found.taus, axes, strict=True):
        _draw_sizes(axis, data.filter(pl.col("panel") == "a", pl.col("tau") == tau), style)
        axis.set_title(f"τ = {tau:g}")
    axes[0].set_ylabel("(a)  $\\|\\sum g\\|^2 / \\sum \\|g\\|^2$")
    upper.supxlabel("tasks in the class |S|", fontsize=style.size)
    upper.legend(*_legend(style), loc="outside upper center", ncols=2, fontsize=style.small)
    panels = lower.subplots(1, 3, squeeze=False)[0]
    words = {
        "b": ("(b)  F rises", "threshold τ"),
        "c": ("(c)  a member's loss rises", "threshold τ"),
        "d": ("(d)  premise broken", "noise σ of the step"),
    }
    for (panel, (label, axis_name)), axis in zip(words.items(), panels, strict=True):
        _draw_shares(axis, data.filter(pl.col("panel") == panel), style)
        axis.set(xlabel=axis_name, title=label, ylim=(-0.02, None))
        axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    panels[0].set_ylabel("share of steps")
    lower.legend(
        [_line(law, style) for law in LAW_LOOKS],
        list(LAW_WORDS.values()),
        loc="outside upper center",
        ncols=3,
        fontsize=style.small,
    )
    return Picture(
        figure=fig,
        data=data,
        caption=_caption(found),
        n=_counted(found),
        interval=(
            "(a) bands: 5% to 95% of the measured ratios, not an interval; (b) to (d) exact "
            "(Clopper-Pearson) 95% at each point"
        ),
        keys=found.keys,
        answers=answers(found),
    )


def _frame(panel: str, frame: pl.DataFrame) -> pl.DataFrame:
    absent = [
        pl.lit(None, dtype=SCHEMA[name]).alias(name)
        for name in SCHEMA
        if name not in frame.columns and name != "panel"
    ]
    named = frame.with_columns(pl.lit(panel).alias("panel"), *absent)
    return named.select(*SCHEMA).cast(pl.Schema(SCHEMA))


def _by_size(found: DescentRows) -> pl.DataFrame:
    """Quantiles of random directions, the least near the worst case, and both bounds."""
    rows = found.sizes.with_columns(pl.col("size").cast(pl.Float64).alias("x"))
    random = rows.filter(pl.col("law") == "random", pl.col("picked") >= FEWEST)
    worst = (
        rows.filter(pl.col("law") == "adversarial")
        .group_by("law", "tau", "x")
        .agg(
            pl.col("ratio_min").min().alias("value"),
            pl.col("classes").sum().alias("n"),
        )
    )
    bound = rows.group_by("tau", "x").agg(pl.col("worst_case_bound").first().alias("value"))
    parts = [
        random.select(
            pl.lit("ratio").alias("line"),
            "law",
            "tau",
            "x",
            pl.col("ratio_q50").alias("value"),
            pl.col("ratio_q05").alias("low"),
            pl.col("ratio_q95").alias("high"),
            pl.col("picked").alias("n"),
        ),
        random.select(
            pl.lit("proposition 7").alias("line"),
            "law",
            "tau",
            "x",
            pl.col("data_driven_q50").alias("value"),
            pl.col("data_driven_q05").alias("low"),
            pl.col("data_driven_q95").alias("high"),
            pl.col("picked").alias("n"),
        ),
        worst.with_columns(pl.lit("least ratio").alias("line")),
        bound.with_columns(pl.lit("proposition 6").alias("line")),
    ]
    return pl.concat([_frame("a", part) for part in parts]).sort("tau", "line", "x")


def _risen(found: DescentRows) -> pl.DataFrame:
    steps = found.rows.filter(pl.col("seen") == "step")
    b = shares_by(steps, "tau", ["objective_up"])
    c = shares_by(steps, "tau", ["member_up"])
    return pl.concat([_frame("b", b), _frame("c", c)])


def _premise(found: DescentRows) -> pl.DataFrame:
    averaged = found.rows.filter(pl.col("seen") == "average")
    return _frame("d", shares_by(averaged, "sigma", ["incompatible"]))


def _line(law: str, style: Style) -> Line2D:
    color, dashes, mark = LAW_LOOKS[law]
    return Line2D([], [], color=color, linestyle=dashes, marker=mark, linewidth=1.3 * style.scale)


def _draw_sizes(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    largest = float(frame["x"].max() or 1.0)  # type: ignore[arg-type]
    sixth = frame.filter(pl.col("line") == "proposition 6").sort("x")
    empty = sixth.filter(pl.col("value") <= 1e-12)
    if empty.height:
        start = float(empty["x"].min())  # type: ignore[arg-type]
        axis.axvspan(start - 0.5, largest + 0.5, color="#E8E8E8", linewidth=0, zorder=0)
    axis.plot(
        sixth["x"], sixth["value"].clip(0.0), color="black", linestyle="-", drawstyle="default",
        linewidth=1.4 * style.scale, zorder=3,
    )  # fmt: skip
    for line, color, dashes, mark in (
        ("proposition 7", PALETTE["purple"], ":", "D"),
        ("ratio", PALETTE["blue"], "-", "o"),
    ):
        part = frame.filter(pl.col("line") == line).sort("x")
        band(axis, part["x"], part["low"].clip(0.0), part["high"], color, dashes, 0.22)
        axis.plot(
            part["x"], part["value"].clip(0.0), color=color, linestyle=dashes, marker=mark,
            markersize=3 * style.scale,
        )  # fmt: skip
    least = frame.filter(pl.col("line") == "least ratio")
    axis.plot(
        least["x"], least["value"], linestyle="", marker="s", markersize=4.2 * style.scale,
        markerfacecolor="white", color=PALETTE["vermilion"], zorder=4,
    )  # fmt: skip
    axis.set(xlim=(0.5, largest + 0.5), ylim=(-0.15, None))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _legend(style: Style) -> tuple[list[Line2D | Patch], list[str]]:
    width = 1.4 * style.scale
    entries: dict[str, Line2D | Patch] = {
        "measured, random directions": Line2D([], [], color=PALETTE["blue"], marker="o"),
        "least measured, near the worst case": Line2D(
            [], [], color=PALETTE["vermilion"], linestyle="", marker="s", markerfacecolor="white"
        ),
        "Proposition 6": Line2D([], [], color="black", linewidth=width),
        "Proposition 7, same draws": Line2D(
            [], [], color=PALETTE["purple"], linestyle=":", marker="D"
        ),
        "Proposition 6 says nothing": Patch(color="#E8E8E8"),
    }
    return list(entries.values()), list(entries)


def _draw_shares(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for law, (color, dashes, mark) in LAW_LOOKS.items():
        part = frame.filter(pl.col("law") == law).sort("x")
        if part.is_empty():
            continue
        band(axis, part["x"], part["low"], part["high"], color, dashes, 0.25)
        axis.plot(
            part["x"], part["value"], color=color, linestyle=dashes, marker=mark,
            markersize=3.4 * style.scale,
        )  # fmt: skip
    if frame.height:
        axis.set_xlim(0.0, None)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=5))
    else:
        axis.text(0.5, 0.5, "no such rows", ha="center", va="center", transform=axis.transAxes)
    axis.xaxis.set_minor_locator(NullLocator())


def _counted(found: DescentRows) -> str:
    total = int(found.rows["classes"].sum())
    picked = int(found.rows["picked"].sum())
    return (
        f"{total:,} classes of {picked:,} independent draws; one class a draw is picked for (b-d)"
    )


def _caption(found: DescentRows) -> str:
    return (
        "Descent inside a colour class of the conflict graph. (a) The squared norm of the summed "
        "gradient over the sum of squared norms, by class size: median and 5% to 95% band of "
        f"random directions ({found.random}; sizes with at least {FEWEST} classes), the least "
        "ratio of gradients drawn near the worst case (squares), Proposition 6's bound "
        "1 - τ(|S| - 1), attainable where it is positive, and "
        "Proposition 7's 1 - τ_eff on the random draws. Grey: Proposition 6 promises nothing. "
        "(b) Steps that raise the full objective to first order, and (c) steps that raise the loss "
        "of at least one member, pooled over class sizes and the sweep's other settings; both are "
        "compatible with both propositions, which speak of the class's own objective. (d) Planted "
        "groups coloured from averages, as the scheduler does: steps whose own gradients are not "
        "τ-compatible, so that Proposition 6 does not apply to them."
    )
