"""What each sketch of appendix D.5 gets wrong, what it costs, and what the theory says of it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figures._sketches_answers import answers
from paper_figures._sketches_rows import NEED, SketchPoints, select, share
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

Look = tuple[str, object, str]

LOOKS: dict[str, Look] = {
    "gaussian": (PALETTE["blue"], "-", "o"),
    "sparse": (PALETTE["orange"], "--", "s"),
    "fd_rows": (PALETTE["vermilion"], "-", "^"),
    "fd_columns": (PALETTE["purple"], "--", "v"),
    "sampled": (PALETTE["grey"], ":", "X"),
    "sampled_classes": (PALETTE["green"], "-.", "P"),
    "sampled_bounds": (PALETTE["sky"], (0, (5, 1, 1, 1)), "D"),
    "representatives": (PALETTE["black"], "-", "*"),
    "incremental": (PALETTE["green"], "-", "<"),
    "incremental_paper": (PALETTE["vermilion"], "--", ">"),
}
NAMES = {
    "gaussian": "Gaussian projection",
    "sparse": "sparse projection",
    "fd_rows": "Frequent Directions, rows",
    "fd_columns": "Frequent Directions, columns",
    "sampled": "sampled pairs",
    "sampled_classes": "... refined in classes",
    "sampled_bounds": "... refined by bounds",
    "representatives": "representatives",
    "incremental": "incremental, stored row",
    "incremental_paper": "incremental, last refresh",
}
THEORY = {"color": PALETTE["black"], "linestyle": ":", "linewidth": 1.0}

SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "trials": pl.Int64,
}


@figure(
    name="sketches",
    title="Sketches of the gradients: errors, decisions and costs",
    needs=(NEED,),
    place=7,
)
def draw(given: FigureInput) -> Picture:
    """Draw error against size with the theory over it, and decisions against cost."""
    style, found = given.style, select(given.rows["sketches"])
    data = _marks(found)
    fig = Figure(figsize=(style.full, 4.3 * style.scale))
    grid = fig.subplots(2, 3)
    _errors(grid[0][0], data, style)
    _flips(grid[0][1], data, style)
    _directions(grid[0][2], data, found, style)
    _decisions(grid[1][0], data, style)
    _moving(grid[1][1], data, style)
    _legend(grid[1][2], data, style)
    return Picture(
        figure=fig,
        data=data,
        caption=_caption(found),
        n=_counted(found),
        interval=(
            "exact (Clopper-Pearson) 95% for shares, Student's t 95% for mean flips; the mean of "
            "the largest cosine error has none"
        ),
        keys=found.keys,
        answers=answers(found),
    )


def _marks(found: SketchPoints) -> pl.DataFrame:
    """Every drawn point, by panel."""
    rows: list[tuple[object, ...]] = []
    for point in found.points.iter_rows(named=True):
        method, trials = str(point["method"]), int(point["trials"])
        family = str(point["family"])
        if family == "projection":
            size = float(point["size"])
            rows.append(("a", method, size, point["max_error_mean"], None, None, trials))
            flips = (point["flips"], max(point["flips_lo"], 0.0), point["flips_hi"])
            rows.append(("b", method, size, *flips, trials))
            if method == "gaussian":
                if point["bound"] < 2.0:
                    rows.append(("a", "bound", size, point["bound"], None, None, trials))
                rows.append(("b", "exact law", size, point["expected_flips"], None, None, trials))
        if family == "directions":
            part = point["size"] / point["num_tasks"]
            rows.append(("c", method, part, point["max_error_mean"], None, None, trials))
            if method == "fd_rows":
                rows.append(("c", "bound", part, point["bound"], None, None, trials))
                rows.append(("c", "eq. 75", part, point["paper_bound"], None, None, trials))
        if family != "moving":
            rows.append(("d", method, point["cost"], *share(point["colors_same"], trials), trials))
        else:
            eta = float(point["threshold"])
            rows.append(("e", method, eta, point["max_error_max"], None, None, trials))
            if method == "incremental":
                rows.append(("e", "bound", eta, point["bound"], None, None, trials))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").unique(maintain_order=True)


def _look(line: str, style: Style) -> dict[str, object]:
    color, dashes, mark = LOOKS[line]
    return {
        "color": color,
        "linestyle": dashes,
        "marker": mark,
        "linewidth": 1.1 * style.scale,
        "markersize": 3.4 * style.scale,
    }


def _lines(
    axis: Axes, data: pl.DataFrame, panel: str, style: Style, lines: Sequence[str] = tuple(LOOKS)
) -> None:
    for line in lines:
        part = data.filter(pl.col("panel") == panel, pl.col("line") == line).sort("x")
        if part.height:
            axis.plot(part["x"], part["value"], **_look(line, style))  # type: ignore[arg-type]


def _theory(axis: Axes, data: pl.DataFrame, panel: str, line: str, dashes: str = ":") -> None:
    part = data.filter(pl.col("panel") == panel, pl.col("line") == line).sort("x")
    axis.plot(part["x"], part["value"], **(THEORY | {"linestyle": dashes}))  # type: ignore[arg-type]


def _errors(axis: Axes, data: pl.DataFrame, style: Style) -> None:
    _lines(axis, data, "a", style)
    _theory(axis, data, "a", "bound")
    axis.set(xscale="log", yscale="log", ylim=(0.01, 2.5), xlabel="size r")
    axis.set(ylabel="largest cosine error")
    axis.set_title("(a) random projection")


def _flips(axis: Axes, data: pl.DataFrame, style: Style) -> None:
    floor = 1e-3
    for line in ("gaussian", "sparse"):
        part = data.filter(pl.col("panel") == "b", pl.col("line") == line).sort("x")
        look = _look(line, style) | {"linestyle": ""}
        value = part["value"].clip(floor)
        low, high = part["low"].clip(floor), part["high"].clip(floor)
        axis.errorbar(
            part["x"],
            value,
            yerr=[value - low, high - value],
            elinewidth=0.7,
            **look,  # type: ignore[arg-type]
        )
    part = data.filter(pl.col("panel") == "b", pl.col("line") == "exact law").sort("x")
    axis.plot(part["x"], part["value"].clip(floor), **THEORY)  # type: ignore[arg-type]
    axis.set(xscale="log", yscale="log", ylim=(floor, None), xlabel="size r")
    axis.set(ylabel="edges flipped (mean)")
    axis.set_title("(b) edges flipped")


def _directions(axis: Axes, data: pl.DataFrame, found: SketchPoints, style: Style) -> None:
    _lines(axis, data, "c", style)
    _theory(axis, data, "c", "bound")
    _theory(axis, data, "c", "eq. 75", "-.")
    axis.axhline(2.0, color=PALETTE["grey"], linewidth=0.6, zorder=0)
    axis.axvline(1.0, color=PALETTE["grey"], linewidth=0.6, zorder=0)
    problem = found.problems.get("directions")
    if problem is not None:
        axis.axhline(float(str(problem["gamma"])), color=PALETTE["grey"], linewidth=0.6, zorder=0)
    axis.set(yscale="log", ylim=(0.02, 60.0), xlabel="rows of the sketch, $\\ell / K$")
    axis.set(ylabel="largest cosine error")
    axis.set_title("(c) Frequent Directions")


def _decisions(axis: Axes, data: pl.DataFrame, style: Style) -> None:
    for line in LOOKS:
        part = data.filter(pl.col("panel") == "d", pl.col("line") == line).sort("x")
        if part.height:
            look = _look(line, style) | {"linewidth": 0.7 * style.scale}
            axis.errorbar(
                part["x"],
                part["value"],
                yerr=[part["value"] - part["low"], part["high"] - part["value"]],
                elinewidth=0.6,
                **look,  # type: ignore[arg-type]
            )
    axis.axvline(1.0, color=PALETTE["grey"], linewidth=0.8, zorder=0)
    axis.set(xscale="log", ylim=(-0.05, 1.05), xlabel="multiply-adds / exact Gram's")
    axis.set(ylabel="P(same classes)")
    axis.set_title("(d) decisions against cost")


def _moving(axis: Axes, data: pl.DataFrame, style: Style) -> None:
    _lines(axis, data, "e", style)
    _theory(axis, data, "e", "bound")
    axis.set(xscale="log", yscale="log", ylim=(2e-3, 2.5), xlabel="change threshold $\\eta$")
    axis.set(ylabel="largest cosine error (all)")
    axis.set_title("(e) incremental Gram")


def _legend(axis: Axes, data: pl.DataFrame, style: Style) -> None:
    lines = [line for line in LOOKS if line in set(data["line"])]
    handles = [Line2D([], [], **_look(line, style)) for line in lines]  # type: ignore[arg-type]
    names = [NAMES[line] for line in lines]
    handles += [
        Line2D([], [], **THEORY),  # type: ignore[arg-type]
        Line2D([], [], **(THEORY | {"linestyle": "-."})),  # type: ignore[arg-type]
    ]
    names += ["theory (b: exact law)", "the paper's eq. 75"]
    axis.axis("off")
    axis.legend(handles, names, loc="center", borderaxespad=0, labelspacing=0.35)


def _counted(found: SketchPoints) -> str:
    points = found.points
    least, most = int(points["trials"].min()), int(points["trials"].max())  # type: ignore[arg-type]
    return f"{points.height} settings of {least:,} to {most:,} trials"


def _caption(found: SketchPoints) -> str:
    problem = next(iter(found.problems.values()))
    count = int(str(problem["num_groups"])) * int(str(problem["group_size"]))
    rest = (
        f" {found.left_out} stored cells of other problems are not drawn." if found.left_out else ""
    )
    return (
        f"Conflict graphs from sketches beside those of the exact Gram matrix of the same averages "
        f"(K = {count} in {problem['num_groups']} groups, τ = {problem['tau']:g}, margin "
        f"{problem['gamma']:g}, noise energy {problem['noise_energy']:g} of the means'; d and "
        "noise "
        "of a panel in the data). (a) Largest cosine error of a trial, mean, against the size of a "
        "random projection; dotted: the union bound at 95%, where it says less than 2. (b) Edges "
        "flipped; dotted: their expected number by the exact law of a projected cosine; values "
        "below 0.001 stand on the axis. (c) Frequent Directions against its rows l over K; dotted: "
        "the certain bound with the tail's energy; dash-dotted: the paper's eq. 75 at its best "
        "ε = 1/l; grey lines at 2, the most that two cosines differ, at the margin γ, and at l = "
        "K. "
        "(d) Share of trials whose Welsh-Powell classes are the exact ones, against multiply-adds "
        "over the exact Gram matrix's (grey: equal cost). (e) Largest cosine error of any pair at "
        "any refresh of the incremental Gram matrix, against the change that it overlooks; dotted: "
        f"2η; exact values lie below the axis.{rest}"
    )
