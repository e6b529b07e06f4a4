"""Where noise hides the conflict graph: the transition in d, its collapse, and debiasing."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import Need, figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import MARKERS, PALETTE, Style

__all__ = ["draw"]

NEED = Need("phase")
PLACE = "$\\lambda$ over $\\gamma/\\tau$,  $\\lambda = s^2 d/m_0^2$"
GEOMETRY = ("model", "num_groups", "group_size", "tau", "gamma")
COLORS = tuple(
    PALETTE[name] for name in ("blue", "vermilion", "green", "purple", "orange", "black")
)
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))
MOST_DIMS = 6

SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "dim": pl.Int64,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "trials": pl.Int64,
}


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
    main = _main(rows)
    edges, places = _edges(main), _places(main)
    collapse, debiased = _collapse(rows), _debiased(rows, main)
    fig = Figure(figsize=(style.full, 4.3 * style.scale))
    axes = fig.subplots(2, 2)
    _draw_lines(axes[0, 0], edges, style, "(a) one edge at the margin", "P(edge found)")
    axes[0, 0].axvline(1, color="black", linewidth=0.7, linestyle=":")
    axes[0, 0].set(xscale="log", xlabel=PLACE)
    axes[0, 0].legend(title="d", loc="lower left")
    _draw_collapse(axes[0, 1], collapse, style)
    _draw_places(axes[1, 0], places, style)
    _draw_debiased(axes[1, 1], debiased, style)
    return Picture(
        figure=fig,
        data=pl.concat([edges, collapse, places, debiased]),
        caption=_caption(main, debiased),
        n=_counted(rows),
        interval=(
            "exact (Clopper-Pearson) 95% at each point (bands in (a), bars in (d)); points of one "
            "cell share their draws"
        ),
        keys=tuple(sorted(set(rows["key"]))),
        answers=_answers(places, collapse, debiased, main),
    )


def _main(rows: pl.DataFrame) -> pl.DataFrame:
    """The geometry with the most dimensions, plain cosine, common draws."""
    plain = rows.filter(pl.col("cosine") == "plain", pl.col("random_numbers") == "common")
    if plain.is_empty():
        raise MissingRowsError(NEED, "No cell of 'phase' with the plain cosine is finished.")
    sizes = plain.group_by(*GEOMETRY).agg(pl.col("dim").n_unique().alias("dims"))
    chosen = sizes.sort(["dims", *GEOMETRY], descending=[True, *[False] * 5]).row(0, named=True)
    mine = plain.filter(pl.all_horizontal(pl.col(name) == chosen[name] for name in GEOMETRY))
    return _pooled(mine)


def _pooled(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up replicates of a point: other cells, so other draws."""
    point = [*GEOMETRY, "dim", "cosine", "relative_energy"]
    kept = ["edge_score", "num_edges", "num_tasks", "sharper_failure"]
    sums = rows.group_by(*point).agg(
        *(pl.col(name).first() for name in kept),
        pl.col("graph_exact", "edge_kept", "trials").sum(),
    )
    for stem, count in (("graph", "graph_exact"), ("edge", "edge_kept")):
        pairs = zip(sums[count], sums["trials"], strict=True)
        ends = [clopper_pearson(found, trials) for found, trials in pairs]
        sums = sums.with_columns(
            pl.Series(f"{stem}_lo", [low for low, _ in ends], dtype=pl.Float64),
            pl.Series(f"{stem}_hi", [high for _, high in ends], dtype=pl.Float64),
        )
    return sums.sort(point)


def _spread(values: list[int]) -> list[int]:
    if len(values) <= MOST_DIMS:
        return values
    places = np.linspace(0, len(values) - 1, MOST_DIMS).round().astype(int)
    return [values[place] for place in places]


def _frame(rows: pl.DataFrame, panel: str, what: str, **columns: pl.Expr) -> pl.DataFrame:
    """Points of one panel: a count over trials with its interval."""
    stem = what.split("_", maxsplit=1)[0]
    found = rows.with_columns(
        pl.lit(panel).alias("panel"),
        (pl.col(what) / pl.col("trials")).alias("value"),
        pl.col(f"{stem}_lo").alias("low"),
        pl.col(f"{stem}_hi").alias("high"),
        **columns,
    )
    return found.select(*SCHEMA).cast(pl.Schema(SCHEMA)).sort("line", "dim", "x")


def _edges(main: pl.DataFrame) -> pl.DataFrame:
    kept = main.filter(pl.col("dim").is_in(_spread(sorted(set(main["dim"])))))
    return _frame(kept, "a", "edge_kept", line=pl.lit("edge"), x=pl.col("relative_energy"))


def _collapse(rows: pl.DataFrame) -> pl.DataFrame:
    """The graph against the edge's score, every geometry; one line an edge count."""
    plain = _pooled(rows.filter(pl.col("cosine") == "plain"))
    named = pl.format("{} edges", pl.col("num_edges"))
    return _frame(plain, "b", "graph_exact", line=named, x=pl.col("edge_score"))


def _places(main: pl.DataFrame) -> pl.DataFrame:
    """The relative energy at which edge and graph are found half of the time, and bounds on it."""
    found: list[dict[str, object]] = []
    for dim in sorted(set(main["dim"])):
        mine = main.filter(pl.col("dim") == dim).sort("relative_energy")
        x = mine["relative_energy"].to_list()
        for what, line in (("edge", "edge: half"), ("graph", "graph: half")):
            share = (mine[f"{what}_{_tail(what)}"] / mine["trials"]).to_list()
            place = _crossing(x, share, 0.5)
            inner, outer = _bracket(mine, what)
            found.append({"line": line, "dim": dim, "x": place, "low": inner, "high": outer})
        predicted = norm.cdf(mine["edge_score"].to_numpy()) ** mine["num_edges"].to_numpy()
        place = _crossing(x, predicted.tolist(), 0.5)
        found.append({"line": "graph: score", "dim": dim, "x": place})
        promised = [1.0 - failure for failure in mine["sharper_failure"]]
        found.append({"line": "bound", "dim": dim, "x": _crossing(x, promised, 0.5)})
    frame = pl.DataFrame(
        found,
        schema={name: SCHEMA[name] for name in ("line", "dim", "x", "low", "high")},
    )
    constants = [
        pl.lit("c").alias("panel"),
        pl.lit(0.5).alias("value"),
        pl.lit(None, dtype=pl.Int64).alias("trials"),
    ]
    return frame.with_columns(constants).select(*SCHEMA)


def _bracket(points: pl.DataFrame, what: str) -> tuple[float | None, float | None]:
    """The last point that surely is above one half before the first that surely is below."""
    below = points.filter(pl.col(f"{what}_hi") < 0.5)["relative_energy"].to_list()
    high = min(below, default=None)
    above = points.filter(pl.col(f"{what}_lo") >= 0.5)["relative_energy"].to_list()
    return max((x for x in above if high is None or x < high), default=None), high


def _tail(what: str) -> str:
    return "kept" if what == "edge" else "exact"


def _crossing(x: list[float], falling: list[float], level: float) -> float | None:
    """Where a curve first falls through a level, straight in log x; None if it does not."""
    for (x0, x1), (y0, y1) in zip(pairwise(x), pairwise(falling), strict=True):
        if y0 >= level > y1:
            share = (y0 - level) / (y0 - y1)
            return math.exp(math.log(x0) + share * (math.log(x1) - math.log(x0)))
    return None


def _debiased(rows: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """The graph with both cosines, in the dimensions that have both."""
    chosen = {name: main[name][0] for name in GEOMETRY}
    mine = rows.filter(
        pl.all_horizontal(pl.col(name) == value for name, value in chosen.items()),
        pl.col("random_numbers") == "common",
    )
    clean = mine.filter(pl.col("cosine") == "debiased")  # of any window
    if clean.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    window = clean.select("window", "beta").unique().sort("window", "beta").row(0)
    clean = clean.filter(pl.col("window") == window[0], pl.col("beta") == window[1])
    dims = _spread(sorted(set(clean["dim"]) & set(main["dim"])))
    both = pl.concat([_pooled(clean), main]).filter(pl.col("dim").is_in(dims))
    return _frame(both, "d", "graph_exact", line=pl.col("cosine"), x=pl.col("relative_energy"))


def _draw_lines(axis: Axes, frame: pl.DataFrame, style: Style, title: str, ylabel: str) -> None:
    for place, dim in enumerate(sorted(set(frame["dim"]))):
        part = frame.filter(pl.col("dim") == dim).sort("x")
        look: dict[str, Any] = {"color": COLORS[place], "linestyle": LINES[place]}
        axis.plot(part["x"], part["value"], label=_short(dim), **look)
        axis.fill_between(
            part["x"], part["low"], part["high"], color=COLORS[place], alpha=0.2, linewidth=0
        )
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


def _counted(rows: pl.DataFrame) -> str:
    least, most = int(min(rows["trials"])), int(max(rows["trials"]))
    said = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{rows['key'].n_unique()} cells, {rows.height:,} rows of {said} draws"


def _caption(main: pl.DataFrame, debiased: pl.DataFrame) -> str:
    row = main.row(0, named=True)
    clean = (
        " No cell with the debiased cosine is stored."
        if debiased.is_empty()
        else " (d) The same tasks with both cosines, the debiased one from one window's gradients."
    )
    return (
        "Noise of energy λ = s²d/m₀² shrinks every population cosine C to C/(1 + λ), so an edge at "
        "the margin crosses the threshold at λ = γ/τ (dotted lines). (a) Probability that one edge "
        f"at the margin is found: K = {row['num_tasks']}, τ = {row['tau']:g}, γ = "
        f"{row['gamma']:g}, exact law. (b) Probability that the whole graph is right against the "
        "score z of an edge, for every stored d, τ, γ and K with the plain cosine; lines: Φ(z) to "
        "the power of the number of edges, as if edges were lost independently. (c) The λ at which "
        "edge and graph are found in half of the draws, that predicted by the score, and the "
        f"largest λ at which the dimension-aware bound still promises one half.{clean}"
    )


def _said(place: float | None, low: float | None = None, high: float | None = None) -> str:
    if place is None:
        return "no stored λ"
    if low is None or high is None:
        return f"λ = {place:.4g}"
    return f"λ = {place:.4g} (surely between {low:.4g} and {high:.4g})"


def _answers(
    places: pl.DataFrame, collapse: pl.DataFrame, debiased: pl.DataFrame, main: pl.DataFrame
) -> tuple[Answer, ...]:
    dims = sorted(set(places["dim"]))

    def at(line: str, dim: int) -> tuple[float | None, str]:
        part = places.filter(pl.col("line") == line, pl.col("dim") == dim)
        return part["x"][0], _said(part["x"][0], part["low"][0], part["high"][0])

    least, most = min(main["trials"]), max(main["trials"])
    said = []
    for dim in dict.fromkeys((dims[0], dims[len(dims) // 2], dims[-1])):
        said.append(
            f"at d = {dim:,} the edge at {at('edge: half', dim)[1]}, the graph at "
            f"{at('graph: half', dim)[1]} (the score predicts {at('graph: score', dim)[1]}), and "
            f"the dimension-aware bound still promises one half at {at('bound', dim)[1]}"
        )
    beyond = [
        dim
        for dim in dims
        if (bound := at("bound", dim)[0]) and (graph := at("graph: half", dim)[0])
        if bound > graph
    ]
    verdict = (
        f"The bound lies above the measurement at d = {beyond}, which refutes it."
        if beyond
        else "The bound never lies above the measurement, as a bound must not."
    )
    where = (
        f"In units of γ/τ, where an edge at the margin should be found in half of the draws "
        f"({least:,} to {most:,} a point; brackets are neighbouring points whose 95% intervals "
        f"exclude one half): {'; '.join(said)}. {verdict}"
    )
    return (
        Answer("Where is the phase transition in d?", where),
        Answer("Do the curves collapse over sigma, gamma, K and d?", _said_collapse(collapse)),
        Answer("Does the debiased cosine remove the transition?", _said_debiased(debiased)),
    )


def _said_collapse(frame: pl.DataFrame) -> str:
    edges = frame["line"].str.extract(r"(\d+)").cast(pl.Int64).to_numpy()
    predicted = norm.cdf(frame["x"].to_numpy()) ** edges
    gap = frame["value"].to_numpy() - predicted
    telling = (predicted > 0.02) & (predicted < 0.98)
    if not telling.any():
        return "No stored point lies between probabilities 0.02 and 0.98, so nothing can be said."
    sizes = frame["dim"].to_numpy()[telling]
    large = sizes >= np.median(sizes)
    rms, worst = float(np.sqrt((gap[telling] ** 2).mean())), float(np.abs(gap[telling]).max())
    beyond = float(np.sqrt((gap[telling][large] ** 2).mean()))
    side = "above" if gap[telling].mean() > 0 else "below"
    least, most = min(frame["trials"]), max(frame["trials"])
    return (
        f"Over {int(telling.sum())} points between probabilities 0.02 and 0.98 ({least:,} to "
        f"{most:,} draws each) the measured probability differs from Φ(z)^E by {rms:.3f} (root "
        f"mean square; {worst:.3f} at most), and by {beyond:.3f} over the upper half of the "
        f"dimensions; on average it lies {side}. z holds σ, n_eff, d, τ and γ, E is the number of "
        "edges, so one number and E place all curves to that accuracy."
    )


def _said_debiased(frame: pl.DataFrame) -> str:
    if frame.is_empty():
        return "No cell with the debiased cosine is stored, so nothing can be said."
    parts = []
    moved = []
    for dim in sorted(set(frame["dim"])):
        halves = {}
        for cosine in ("plain", "debiased"):
            part = frame.filter(pl.col("dim") == dim, pl.col("line") == cosine).sort("x")
            halves[cosine] = _crossing(part["x"].to_list(), part["value"].to_list(), 0.5)
        trials = min(frame.filter(pl.col("dim") == dim)["trials"])
        parts.append(
            f"d = {dim:,}: {_said(halves['plain'])} plain, {_said(halves['debiased'])} debiased "
            f"(at least {trials:,} draws a point)"
        )
        if halves["plain"] and halves["debiased"]:
            moved.append(halves["debiased"] / halves["plain"])
    grows = len(moved) > 1 and all(b > a for a, b in pairwise(moved))
    end = (
        " The gain grows with d: what is left is the fluctuation of the noise, not its energy."
        if grows
        else " In these rows the gain does not grow steadily with d."
    )
    return (
        "The graph is recovered in half of the draws up to these λ over γ/τ: "
        + "; ".join(parts)
        + "."
        + end
    )
