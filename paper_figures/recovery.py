"""Does the scheduler find the population's conflict graph? Measured, and against two budgets."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from paper_figures._recovery_bounds import enough, least_constant, paper_failure, sharper_failure
from paper_figures._recovery_collapse import collapse, predicted
from paper_figures._recovery_rows import NEED, RecoveryPoints, Setting, select
from paper_figures._recovery_words import answers
from paper_figures.engine.greyscale import band
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import MARKERS, PALETTE, Style

__all__ = ["draw"]

LEVEL = 0.95
"""The probability of recovery that the lower panel asks for."""
MOST_DIMS = 4
GRID = 160

COLLAPSE = tuple(PALETTE[name] for name in ("blue", "vermilion", "green", "purple"))
DASHES = ("-", "--", "-.", ":")

LINES: dict[str, tuple[str, str | tuple[int, tuple[float, ...]], float]] = {
    "graph": (PALETTE["blue"], "-", 1.3),
    "partition": (PALETTE["orange"], "--", 1.3),
    "paper": (PALETTE["vermilion"], "-.", 1.1),
    "paper, C = 1": (PALETTE["grey"], (0, (9, 2, 1, 2, 1, 2)), 0.9),
    "dimension-aware": (PALETTE["green"], ":", 1.6),
}
"""Colour, line style and width (at a paper's type size)."""

MARKS = {"graph": "o", "partition": "s"}

SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "method": pl.String,
    "dim": pl.Int64,
    "n_eff": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "trials": pl.Int64,
}


@figure(
    name="recovery",
    title="Recovery of the conflict graph against the effective sample size",
    needs=(NEED,),
    claims=("EMA-19", "EMA-36", "EMA-36-R", "EXT-1", "EXT-3"),
    place=2,
)
def draw(given: FigureInput) -> Picture:
    """Draw P(recovered) against n_eff, one panel a dimension, and the n_eff that is enough."""
    style, found = given.style, select(given.rows["recovery"])
    dims = _spread(sorted(set(found.points["dim"])))
    points = found.points.filter(pl.col("dim").is_in(dims))
    constants = {
        dim: least_constant(points.filter(pl.col("dim") == dim), found.setting) for dim in dims
    }
    measured = _measured(points)
    bounds = _bounds(measured, constants, found.setting)
    budgets = _budgets(measured, constants, found.setting)

    points_of_all = collapse(given.rows["recovery"])
    fig = Figure(figsize=(style.full, 4.4 * style.scale))
    upper, lower, foot = fig.subfigures(3, 1, height_ratios=(1.15, 1.2, 0.4), squeeze=False).ravel()
    axes = upper.subplots(1, len(dims), sharey=True, squeeze=False)[0]
    for dim, axis in zip(dims, axes, strict=True):
        _draw_dim(axis, pl.concat([bounds, measured]).filter(pl.col("dim") == dim), style)
        axis.set_title(f"d = {dim:,}   (C ≥ {constants[dim]:.2g})")
    axes[0].set(ylabel="(a)  P(recovered exactly)", ylim=(-0.03, 1.03))
    upper.supxlabel("effective sample size $n_\\mathrm{eff}$", fontsize=style.size)
    left, right = lower.subplots(1, 2)
    _draw_budgets(left, budgets, dims, style)
    _draw_collapse(right, points_of_all, style)
    _draw_legend(foot.subplots(), max(constants.values()), style)
    return Picture(
        figure=fig,
        data=pl.concat([measured, bounds, budgets, _collapsed(points_of_all)]),
        caption=_caption(found, dims, constants),
        n=_counted(measured),
        interval="exact (Clopper-Pearson) 95% at each point",
        keys=found.keys,
        answers=answers(found, given.rows["recovery"], budgets, constants, points_of_all),
    )


def _spread(dims: list[int]) -> list[int]:
    """Keep at most a handful of dimensions, ends included."""
    if len(dims) <= MOST_DIMS:
        return dims
    places = np.linspace(0, len(dims) - 1, MOST_DIMS).round().astype(int)
    return [dims[place] for place in places]


def _measured(points: pl.DataFrame) -> pl.DataFrame:
    frames = [
        points.select(
            pl.lit("a").alias("panel"),
            pl.lit(what).alias("line"),
            "method",
            "dim",
            "n_eff",
            pl.col(what).alias("value"),
            pl.col(f"{what}_low").alias("low"),
            pl.col(f"{what}_high").alias("high"),
            "trials",
        )
        for what in ("graph", "partition")
    ]
    return pl.concat(frames).cast(pl.Schema(SCHEMA))


def _bounds(measured: pl.DataFrame, constants: dict[int, float], setting: Setting) -> pl.DataFrame:
    """Evaluate the lower bounds on P(graph recovered), where they say something."""
    lowest, highest = measured.select(pl.col("n_eff").min(), pl.col("n_eff").max().alias("b")).row(
        0
    )
    rows: list[tuple[str, int, float, float]] = []
    for dim, constant in constants.items():
        for n_eff in np.geomspace(lowest, highest, GRID).tolist():
            failures = {
                "paper, C = 1": paper_failure(n_eff, setting, 1.0),
                "dimension-aware": sharper_failure(n_eff, dim, setting),
            }
            if constant > 0:
                failures["paper"] = paper_failure(n_eff, setting, constant)
            rows += [(n, dim, n_eff, 1.0 - fails) for n, fails in failures.items() if fails < 1.0]
    schema = {name: SCHEMA[name] for name in ("line", "dim", "n_eff", "value")}
    return _completed(pl.DataFrame(rows, schema=schema, orient="row"), "a")


def _budgets(measured: pl.DataFrame, constants: dict[int, float], setting: Setting) -> pl.DataFrame:
    """Find, for each dimension, the n_eff that is enough for P = LEVEL: measured and bounded."""
    rows: list[tuple[str, str, int, float | None, float | None, float | None]] = []
    paper = enough(partial(paper_failure, setting=setting, constant=1.0), 1 - LEVEL)
    for dim in constants:
        mine = measured.filter(pl.col("dim") == dim, pl.col("line") == "graph")
        for method in sorted(set(mine["method"])):
            low, high = _bracket(mine.filter(pl.col("method") == method))
            rows.append(("graph", method, dim, high, low, high))
        rows.append(("paper, C = 1", "bound", dim, paper, None, None))
        if paper is not None and max(constants.values()) > 0:
            rows.append(("paper", "bound", dim, paper * max(constants.values()), None, None))
        sharper = enough(partial(sharper_failure, dim=dim, setting=setting), 1 - LEVEL)
        rows.append(("dimension-aware", "bound", dim, sharper, None, None))
    columns = ("line", "method", "dim", "n_eff", "low", "high")
    frame = pl.DataFrame(rows, schema={name: SCHEMA[name] for name in columns}, orient="row")
    return _completed(frame.with_columns(pl.lit(LEVEL).alias("value")), "b")


def _bracket(points: pl.DataFrame) -> tuple[float | None, float | None]:
    """Bracket the n_eff that is enough: the last that surely is not, the first that surely is."""
    too_few = points.filter(pl.col("high") < LEVEL)["n_eff"].to_list()
    low = max(too_few, default=None)
    surely = points.filter(pl.col("low") >= LEVEL)["n_eff"].to_list()
    return low, min((n_eff for n_eff in surely if low is None or n_eff > low), default=None)


def _completed(frame: pl.DataFrame, panel: str) -> pl.DataFrame:
    """Add the columns that a frame of bounds does not fill, in the CSV's order."""
    constants = {"panel": panel, "method": "bound", "low": None, "high": None, "trials": None}
    absent = [
        pl.lit(value, dtype=SCHEMA[name]).alias(name)
        for name, value in constants.items()
        if name not in frame.columns
    ]
    return frame.with_columns(absent).select(*SCHEMA)


def _look(line: str, style: Style) -> dict[str, object]:
    color, dashes, width = LINES[line]
    return {"color": color, "linestyle": dashes, "linewidth": width * style.size / 7.5}


def _draw_dim(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for line in ("paper, C = 1", "paper", "dimension-aware"):
        part = frame.filter(pl.col("line") == line)
        axis.plot(part["n_eff"], part["value"], **_look(line, style))  # type: ignore[arg-type]
    for line in ("partition", "graph"):
        both = frame.filter(pl.col("line") == line).sort("n_eff")
        law, direct = (both.filter(pl.col("method") == method) for method in ("law", "direct"))
        band(axis, law["n_eff"], law["low"], law["high"], *LINES[line][:2], 0.25)
        axis.plot(law["n_eff"], law["value"], **_look(line, style))  # type: ignore[arg-type]
        axis.errorbar(
            direct["n_eff"],
            direct["value"],
            yerr=[direct["value"] - direct["low"], direct["high"] - direct["value"]],
            fmt=MARKS[line],
            markersize=3.2 * style.scale,
            markerfacecolor="white",
            color=LINES[line][0],
            elinewidth=0.8,
            zorder=3,
        )
    axis.set_xscale("log")


def _draw_budgets(axis: Axes, frame: pl.DataFrame, dims: list[int], style: Style) -> None:
    for line, mark in (("paper, C = 1", ""), ("paper", ""), ("dimension-aware", "^")):
        part = frame.filter(pl.col("line") == line)
        axis.plot(part["dim"], part["n_eff"], marker=mark, **_look(line, style))  # type: ignore[arg-type]
    look = {"color": LINES["graph"][0], "linestyle": "-", "linewidth": 2.2 * style.scale}
    shift = 1.06
    for method, side, fill in (("law", 1 / shift, LINES["graph"][0]), ("direct", shift, "white")):
        part = frame.filter(pl.col("line") == "graph", pl.col("method") == method)
        for dim, low, high in part.select("dim", "low", "high").iter_rows():
            ends = [end for end in (low, high) if end is not None]
            axis.plot([dim * side] * len(ends), ends, **look)  # type: ignore[arg-type]
            if ends:
                mark = "v" if low is None else "^" if high is None else "o"
                axis.plot(dim * side, ends[-1], mark, color=LINES["graph"][0], markerfacecolor=fill)
    axis.set(xscale="log", yscale="log", xlim=(dims[0] / 1.6, dims[-1] * 1.6))
    axis.set_xticks(dims, [f"{dim:,}" for dim in dims])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.set(xlabel="dimension d", ylabel=f"(b)  $n_\\mathrm{{eff}}$ enough for P = {LEVEL:g}")


def _collapsed(points: pl.DataFrame) -> pl.DataFrame:
    """The points of (c) in the CSV's columns; `line` says how many edges there are."""
    named = points.with_columns(
        pl.lit("c").alias("panel"),
        pl.format("{} edges, z = {}", "edges", pl.col("score").round(6)).alias("line"),
        pl.lit("law").alias("method"),
    )
    return named.select(*SCHEMA).cast(pl.Schema(SCHEMA))


def _draw_collapse(axis: Axes, points: pl.DataFrame, style: Style) -> None:
    counts = sorted(set(points["edges"]))
    shown = [
        counts[k] for k in np.linspace(0, len(counts) - 1, min(4, len(counts))).round().astype(int)
    ]
    scores = np.linspace(-1, 6, 141)
    for place, edges in enumerate(shown):
        color = COLLAPSE[place]
        axis.plot(scores, predicted(scores, edges), color=color, linestyle=DASHES[place])
        part = points.filter(pl.col("edges") == edges, pl.col("score").is_between(-1, 6))
        axis.plot(
            part["score"],
            part["value"],
            linestyle="",
            marker=MARKERS[place],
            markersize=2.2 * style.scale,
            markerfacecolor="none",
            markeredgewidth=0.5,
            color=color,
            label=f"{edges}",
        )
    axis.set(xlabel="score $z$ of an edge at the margin", ylabel="(c)  P(graph recovered)")
    axis.set(xlim=(-1, 6), ylim=(-0.03, 1.03))
    if counts:
        axis.legend(title="edges", loc="upper left")


def _draw_legend(axis: Axes, largest: float, style: Style) -> None:
    labels = {
        "graph": "conflict graph recovered",
        "partition": "groups recovered",
        "paper, C = 1": "paper's bound at C = 1",
        "paper": f"paper's bound, least C (in b: {largest:.2g})",
        "dimension-aware": "bound that knows d",
    }
    handles = [Line2D([], [], **_look(line, style)) for line in labels]  # type: ignore[arg-type]
    names = list(labels.values())
    for name, fill in (
        ("exact law (lines, bands)", LINES["graph"][0]),
        ("direct simulation", "white"),
    ):
        mark = Line2D([], [], linestyle="", marker="o", color=LINES["graph"][0])
        mark.set_markerfacecolor(fill)
        handles.append(mark)
        names.append(name)
    axis.axis("off")
    axis.legend(handles, names, loc="center", borderaxespad=0, ncols=3)


def _counted(measured: pl.DataFrame) -> str:
    graph = measured.filter(pl.col("line") == "graph")
    said = []
    for method, what in (("law", "from the exact law"), ("direct", "by direct simulation")):
        part = graph.filter(pl.col("method") == method)
        if part.height:
            least, most = min(part["trials"]), max(part["trials"])
            trials = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            said.append(f"{part.height} points of {trials} trials {what}")
    return "; ".join(said)


def _trend(constants: dict[int, float]) -> str:
    ordered = [constants[dim] for dim in sorted(constants)]
    grows = len(ordered) > 1 and all(b > a for a, b in pairwise(ordered))
    return "; in these rows it grows with d" if grows else ""


def _caption(found: RecoveryPoints, dims: list[int], constants: dict[int, float]) -> str:
    largest = max(constants.values())
    listed = ", ".join(f"{constants[dim]:.2g} at d = {dim:,}" for dim in dims)
    rest = (
        f" {found.left_out} stored cells of other settings are not drawn." if found.left_out else ""
    )
    return (
        f"Recovery against the effective sample size: {found.setting.words}. (a) Probability that "
        "the estimated conflict graph equals the population's (solid), and that its colour "
        "classes are the planted groups (dashed): lines and bands from the exact law of the EMA, "
        "open marks from gradients simulated one by one. The paper's budget (eq. 35, solved for "
        "1 - δ) has a constant C that the paper does not name: it is drawn at C = 1, to show its "
        "shape, and in each panel at the least C that no measured point contradicts (an upper "
        f"limit below the bound would): {listed}. A universal constant has to be at least the "
        f"largest, {largest:.2g}{_trend(constants)}. The dotted bound knows the "
        "dimension and needs no constant; bounds are drawn where they say more than P >= 0. "
        "(b) The n_eff that is enough "
        f"for P = {LEVEL:g}: measured (a bar from the last n_eff that surely is not enough to the "
        "first that surely is; a triangle where the sweep does not reach one end) and by each "
        "bound. (c) Every stored setting of the exact law (σ, γ, τ, K, d, R, β) against the score "
        "of one edge, how many standard deviations it is away from being lost; lines: Φ(z) to the "
        f"power of the number of edges.{rest}"
    )
