"""Colours beyond the least number, seconds, and the graphs hardest for the paper's rule."""

from __future__ import annotations

import math

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from paper_figures._heuristics_rows import (
    HEURISTICS,
    KINDS,
    NEED,
    Hard,
    answers,
    hardest,
    pooled_regret,
    random_colors,
)
from paper_figures._wallclock_rows import NEED as TIMES
from paper_figures._wallclock_rows import select
from paper_figures.engine.greyscale import band, ink_on
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import MARKERS, PALETTE, Style

__all__ = ["draw"]

COLORS = ("blue", "vermilion", "grey", "green", "black", "orange")
DASHES = ("-", "--", ":", "-.", "-", (0, (5, 1, 1, 1)))
FILLS = ("blue", "orange", "green", "purple", "sky", "yellow", "vermilion", "grey")
"""Colours of the drawn graphs' classes."""

MOST_TICKS = 4

SCHEMA = {
    "panel": pl.String,
    "heuristic": pl.String,
    "graphs": pl.String,
    "num_tasks": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
}


@figure(
    name="heuristics",
    title="Colouring heuristics on conflict graphs that gradients have",
    needs=(NEED, TIMES),
    place=8,
)
def draw(given: FigureInput) -> Picture:
    """Draw regret by kind of graph, colours and time against K, and the hardest graphs."""
    style, rows = given.style, given.rows["heuristics"]
    regret = pooled_regret(rows)
    colors, problem = random_colors(rows)
    times = select(given.rows["wallclock"], "heuristics")
    hard = hardest(rows)
    data = pl.concat(
        [
            regret.with_columns(pl.lit("a").alias("panel"), pl.lit(None).alias("num_tasks")),
            colors.with_columns(pl.lit("b").alias("panel")),
            times.points.select(
                pl.lit("c").alias("panel"),
                pl.col("method").alias("heuristic"),
                pl.lit("random").alias("graphs"),
                "num_tasks",
                pl.col("mean").alias("value"),
                "low",
                "high",
                pl.col("repeats").alias("n"),
            ),
            *(_drawn_rows(one, panel) for one, panel in zip(hard, "de", strict=False)),
        ],
        how="diagonal_relaxed",
    ).select(*SCHEMA)
    fig = Figure(figsize=(style.full, 4.2 * style.scale))
    grid = fig.subplots(2, 3, width_ratios=(1.3, 1, 1), height_ratios=(1.25, 1))
    _regrets(grid[0][0], data.filter(pl.col("panel") == "a"), style)
    _against_k(grid[0][1], data.filter(pl.col("panel") == "b"), style, "colours used")
    grid[0][1].set_title("(b) random gradients")
    _against_k(grid[0][2], data.filter(pl.col("panel") == "c"), style, "seconds a graph")
    grid[0][2].set(yscale="log")
    grid[0][2].set_title("(c) time")
    _legend(grid[1][0], style)
    for axis, panel, index in ((grid[1][1], "d", 0), (grid[1][2], "e", 1)):
        axis.axis("off")
        if index < len(hard):
            _graph(axis, hard[index], style)
            axis.set_title(f"({panel}) {hard[index].words}")
    return Picture(
        figure=fig,
        data=data,
        caption=_caption(problem, hard, times.device_name, rows),
        n=(
            f"{rows['key'].n_unique()} cells; (a) pools the graphs whose least number is proved, "
            "n in the data"
        ),
        interval="Student's t 95% of a mean, over graphs (a, b) or over repeats' logarithms (c)",
        keys=tuple(sorted({*rows["key"], *times.keys})),
        answers=answers(rows, regret, times.points),
    )


def _look(heuristic: str, style: Style) -> dict[str, object]:
    place = HEURISTICS.index(heuristic) if heuristic in HEURISTICS else len(HEURISTICS) - 1
    return {
        "color": PALETTE[COLORS[place]],
        "linestyle": DASHES[place],
        "marker": MARKERS[place],
        "markersize": 3.4 * style.scale,
        "linewidth": 1.1 * style.scale,
    }


def _regrets(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    kinds = [kind for kind in KINDS if kind in set(frame["graphs"])]
    for place, kind in enumerate(reversed(kinds)):
        for index, heuristic in enumerate(HEURISTICS):
            part = frame.filter(pl.col("graphs") == kind, pl.col("heuristic") == heuristic)
            if part.height:
                value, low, high = part.select("value", "low", "high").row(0)
                height = place + 0.36 - 0.144 * index
                look = _look(heuristic, style)
                axis.plot([max(low, 0.0), high], [height] * 2, "-", color=look["color"], lw=0.8)
                look["linestyle"] = ""
                axis.plot(value, height, **look)  # type: ignore[arg-type]
    axis.set_yticks(range(len(kinds)), [KINDS[kind] for kind in reversed(kinds)])
    for edge in range(len(kinds) - 1):
        axis.axhline(edge + 0.5, color=PALETTE["grey"], linewidth=0.4)
    axis.grid(axis="y", visible=False)
    axis.set(xlabel="colours beyond the least (mean)", ylim=(-0.5, len(kinds) - 0.5))
    axis.set_title("(a) regret")


def _against_k(axis: Axes, frame: pl.DataFrame, style: Style, label: str) -> None:
    for heuristic in HEURISTICS:
        part = frame.filter(pl.col("heuristic") == heuristic).sort("num_tasks")
        if part.height:
            look = _look(heuristic, style)
            axis.plot(part["num_tasks"], part["value"], **look)  # type: ignore[arg-type]
            color, dashes = str(look["color"]), look["linestyle"]
            band(axis, part["num_tasks"], part["low"], part["high"], color, dashes, 0.15)
    sizes = sorted(set(frame["num_tasks"]))
    axis.set(xscale="log", xlabel="tasks K", ylabel=label)
    shown = sizes if len(sizes) <= MOST_TICKS else [sizes[0], sizes[len(sizes) // 2], sizes[-1]]
    axis.set_xticks(shown, [str(size) for size in shown])
    axis.xaxis.set_minor_locator(NullLocator())


def _places(hard: Hard) -> list[tuple[float, float]]:
    """Stand the tasks on a circle, class by class."""
    order = sorted(range(len(hard.colors)), key=lambda k: (hard.colors[k], k))
    angle = {k: 2.0 * math.pi * place / len(order) for place, k in enumerate(order)}
    return [(math.sin(angle[k]), math.cos(angle[k])) for k in range(len(order))]


def _graph(axis: Axes, hard: Hard, style: Style) -> None:
    places = _places(hard)
    for i, j in hard.edges:
        axis.plot(
            *zip(places[i], places[j], strict=True), "-", color=PALETTE["grey"], linewidth=0.4
        )
    for (x, y), color in zip(places, hard.colors, strict=True):
        fill = PALETTE[FILLS[color % len(FILLS)]]
        axis.plot(
            x,
            y,
            "o",
            color=fill,
            markeredgecolor="black",
            markeredgewidth=0.5,
            markersize=8.0 * style.scale,
        )
        axis.annotate(
            str(color + 1), (x, y), ha="center", va="center", fontsize=5.2 * style.scale,
            color=ink_on(fill),
        )  # fmt: skip
    axis.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")


def _drawn_rows(hard: Hard, panel: str) -> pl.DataFrame:
    """One row a task of a drawn graph: its class."""
    return pl.DataFrame(
        {
            "panel": [panel] * len(hard.colors),
            "heuristic": ["welsh_powell"] * len(hard.colors),
            "graphs": [hard.family] * len(hard.colors),
            "num_tasks": [len(hard.colors)] * len(hard.colors),
            "value": [float(color) for color in hard.colors],
        }
    )


def _legend(axis: Axes, style: Style) -> None:
    handles = [Line2D([], [], **_look(name, style)) for name in HEURISTICS]  # type: ignore[arg-type]
    names = [name.replace("_", " ") for name in HEURISTICS]
    axis.axis("off")
    axis.legend(handles, names, loc="center", borderaxespad=0, labelspacing=0.5)


def _caption(problem: str, hard: list[Hard], device: str, rows: pl.DataFrame) -> str:
    graphs = "; ".join(
        f"({panel}) {one.family.replace('_', ' ')}, {len(one.colors)} tasks: {one.used} colours "
        f"where {one.used - one.regret} suffice"
        for one, panel in zip(hard, "de", strict=False)
    )
    drawn = ""
    if hard:
        drawn = (
            f" Graphs to 24 tasks on which Welsh-Powell is worst, its classes numbered: {graphs}."
        )
    return (
        "Heuristics on conflict graphs of gradients. (a) Colours beyond the chromatic number, mean "
        "over all stored graphs of a kind whose chromatic number is proved: planted groups seen "
        "through noise, the simplex (as many groups as τ + γ allows) through noise, random "
        "gradients, and named graphs realised exactly, in random task orders. (b) Colours on "
        "random "
        f"gradients ({problem}). (c) Seconds for one graph of random gradients in 16 dimensions, "
        f"τ = 0.1, on {device}. 'geometric' rounds cosines made up from the graph, 'geometric "
        f"gradients' the gradients' own.{drawn}"
    )
