"""Seconds a step of every method: measured here, printed in Table 4, and what its rows imply."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, NullLocator

from paper_figures import _table_four as printed
from paper_figures._wallclock_answers import answers, growths
from paper_figures._wallclock_rows import NEED, Times, select
from paper_figures.engine.greyscale import band
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

Look = tuple[str, object, str]

LOOKS: dict[str, Look] = {
    "Nash-MTL": (PALETTE["purple"], "-", "P"),
    "PCGrad": (PALETTE["vermilion"], "--", "s"),
    "FairGrad": (PALETTE["sky"], "-.", "D"),
    "MGDA": (PALETTE["green"], ":", "^"),
    "CAGrad": (PALETTE["orange"], (0, (5, 1, 1, 1)), "v"),
    "GradNorm": (PALETTE["grey"], (0, (9, 1)), "X"),
    "AdaTask": (PALETTE["blue"], (0, (2, 1)), "o"),
    "FAMO": (PALETTE["grey"], (0, (4, 2, 1, 2)), "<"),
    "Uniform": (PALETTE["black"], (0, (1, 1)), "."),
    "SON-GOKU": (PALETTE["black"], "-", "*"),
    "SON-GOKU + AdaTask": (PALETTE["blue"], (0, (3, 1, 1, 1, 1, 1)), "p"),
    "SON-GOKU + GradNorm": (PALETTE["grey"], (0, (6, 2)), "h"),
    "SON-GOKU + PCGrad": (PALETTE["vermilion"], (0, (1, 2)), "d"),
}
"""Colour, line style, marker."""

SHORT = {name: name.replace("SON-GOKU", "S-G") for name in LOOKS}

SCHEMA = {
    "panel": pl.String,
    "source": pl.String,
    "method": pl.String,
    "num_tasks": pl.Int64,
    "refresh_period": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


@figure(
    name="wallclock",
    title="Seconds a step, and what the rows of Table 4 imply",
    needs=(NEED,),
    place=9,
)
def draw(given: FigureInput) -> Picture:
    """Draw time against K and R, ours beside the paper's, and the exponents of both."""
    style = given.style
    times = select(given.rows["wallclock"], "methods")
    ours = _ours(times)
    periods = sorted({int(p) for p in ours["refresh_period"] if p})
    middle = periods[len(periods) // 2]
    theirs = _theirs()
    against_k = pl.concat(
        [
            _at_period(ours, middle).with_columns(pl.lit("a").alias("panel")),
            _at_period(theirs, 32).with_columns(pl.lit("b").alias("panel")),
        ]
    )
    largest = int(ours["num_tasks"].to_list()[-1])
    scheduled = list(printed.SCHEDULED)
    against_r = pl.concat(
        [
            frame.filter(pl.col("method").is_in(scheduled), pl.col("num_tasks") == size)
            for frame, size in ((ours, largest), (theirs, 40))
        ]
    ).with_columns(pl.lit("c").alias("panel"))
    exponents = growths(ours, middle, theirs)
    data = pl.concat([frame.select(*SCHEMA) for frame in (against_k, against_r, exponents)])
    fig = Figure(figsize=(style.full, 4.5 * style.scale))
    grid = fig.subplots(2, 3, width_ratios=(1.25, 1.25, 0.95))
    _against_k(grid[0][0], data.filter(pl.col("panel") == "a"), style)
    _against_k(grid[0][1], data.filter(pl.col("panel") == "b"), style)
    grid[0][0].set_title(f"(a) measured here, R = {middle}")
    grid[0][1].set_title("(b) Table 4, R = 32")
    _legend(grid[0][2], style)
    _against_r(grid[1][0], data.filter(pl.col("panel") == "c"), largest, style)
    _exponents(grid[1][1], data.filter(pl.col("panel") == "d"), style)
    _implied(grid[1][2], style)
    return Picture(
        figure=fig,
        data=data,
        caption=_caption(times, middle, largest),
        n=f"{times.repeats} repeats a point here, {printed.REPEATS} in the paper",
        interval=(
            "95% of a mean by Student's t over the repeats, here on logarithms, the paper's from "
            "its standard deviations (a to c); of an exponent by Student's t on the misfit over "
            "K (d)"
        ),
        keys=times.keys,
        answers=answers(times, ours, middle, exponents),
    )


def _ours(times: Times) -> pl.DataFrame:
    return times.points.select(
        pl.lit("").alias("panel"),
        pl.lit("here").alias("source"),
        "method",
        "num_tasks",
        "refresh_period",
        pl.col("mean").alias("value"),
        "low",
        "high",
    ).cast(pl.Schema(SCHEMA))


def _theirs() -> pl.DataFrame:
    from scipy.stats import t

    half = float(t.ppf(0.975, printed.REPEATS - 1)) / printed.REPEATS**0.5
    rows = []
    blocks = [(name, 0, row) for name, row in printed.PLAIN.items()]
    blocks += [(name, r, row) for name, by in printed.SCHEDULED.items() for r, row in by.items()]
    for name, period, row in blocks:
        for size, (mean, sd) in zip(printed.SIZES, row, strict=True):
            ends = (mean - half * sd, mean + half * sd)
            rows.append(
                ("", "paper", name, size, period, *(x / printed.STEPS for x in (mean, *ends)))
            )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _at_period(frame: pl.DataFrame, period: int) -> pl.DataFrame:
    return frame.filter(pl.col("refresh_period").is_in([0, period])).sort("method", "num_tasks")


def _style_of(method: str, style: Style) -> dict[str, object]:
    color, dashes, mark = LOOKS[method]
    wide = 1.8 if method == "SON-GOKU" else 1.0
    return {
        "color": color,
        "linestyle": dashes,
        "marker": mark,
        "linewidth": wide * style.scale,
        "markersize": 3.6 * style.scale,
    }


def _against_k(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for method in LOOKS:
        part = frame.filter(pl.col("method") == method)
        if part.height:
            axis.plot(
                part["num_tasks"],
                1e3 * part["value"],
                **_style_of(method, style),  # type: ignore[arg-type]
            )
            low, high = (1e3 * part[end] for end in ("low", "high"))
            band(axis, part["num_tasks"], low, high, *LOOKS[method][:2], 0.18)
    sizes = sorted(set(frame["num_tasks"]))
    ends = [1e3 * float(end) for end in (min(frame["value"]), max(frame["value"]))]
    axis.set_ylim(ends[0] / 2.5, ends[1] * 2.5)
    axis.set(xscale="log", yscale="log", xlabel="tasks K", ylabel="milliseconds a step")
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.xaxis.set_minor_locator(NullLocator())


def _against_r(axis: Axes, frame: pl.DataFrame, largest: int, style: Style) -> None:
    for source, fill in (("here", None), ("paper", "white")):
        for method in printed.SCHEDULED:
            part = frame.filter(pl.col("method") == method, pl.col("source") == source)
            part = part.sort("refresh_period")
            look = _style_of(method, style) | ({"markerfacecolor": fill} if fill else {})
            axis.errorbar(
                part["refresh_period"],
                1e3 * part["value"],
                yerr=[1e3 * (part["value"] - part["low"]), 1e3 * (part["high"] - part["value"])],
                elinewidth=0.7,
                **look,  # type: ignore[arg-type]
            )
    periods = sorted(set(frame["refresh_period"]))
    axis.set(xscale="log", yscale="log", xlabel="refresh period R (steps)")
    axis.set(ylabel="milliseconds a step")
    axis.set_title(f"(c) K = {largest} here, 40 in the paper")
    axis.set_xticks(periods, [str(period) for period in periods])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_minor_formatter(NullFormatter())


def _exponents(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    order = [name for name in LOOKS if name in set(frame["method"])]
    for place, method in enumerate(reversed(order)):
        for source, shift, fill in (("here", 0.17, "black"), ("paper", -0.17, "white")):
            part = frame.filter(pl.col("method") == method, pl.col("source") == source)
            if part.height:
                value, low, high = part.select("value", "low", "high").row(0)
                axis.plot([low, high], [place + shift] * 2, "-", color="black", linewidth=0.8)
                axis.plot(
                    value,
                    place + shift,
                    "o" if source == "here" else "s",
                    color="black",
                    markerfacecolor=fill,
                    markersize=3.2 * style.scale,
                )
    axis.set_yticks(range(len(order)), [SHORT[name] for name in reversed(order)])
    axis.set(xlim=(-0.6, 2.8), xlabel="p of $K^p$ (dot: here, square: paper)")
    axis.axvline(2, color=PALETTE["grey"], linewidth=0.6, zorder=0)
    axis.set_title("(d) growth with K")


def _implied(axis: Axes, style: Style) -> None:
    """Say in the picture what the printed rows are made of."""
    fair, famo = printed.multiple("Nash-MTL", "FairGrad"), printed.multiple("FAMO", "AdaTask")
    assert fair is not None
    assert famo is not None
    square = printed.PLAIN["FairGrad"][0][0] / 9
    lines = [
        "Printed rows tied to K²",
        "or to one another:",
        "",
        f"FairGrad = {square:.4f} s × K²",
        f"Nash-MTL = {sum(fair) / 2:.4f} × FairGrad",
        f"FAMO = {sum(famo) / 2:.4f} × AdaTask",
        "",
        "standard deviation / mean",
        *(
            f"{name}: {100 * printed.relative_sd(name)[0]:.1f}%"
            for name in ("FAMO", "FairGrad", "Nash-MTL")
        ),
        "at every K",
    ]
    axis.axis("off")
    axis.set_title("(e) implied by Table 4")
    axis.text(0.0, 0.97, "\n".join(lines), va="top", fontsize=style.small, linespacing=1.35)


def _legend(axis: Axes, style: Style) -> None:
    handles = [
        Line2D([], [], **_style_of(method, style))  # type: ignore[arg-type]
        for method in LOOKS
    ]
    axis.axis("off")
    axis.legend(handles, LOOKS, loc="center left", borderaxespad=0, labelspacing=0.35)


def _caption(times: Times, middle: int, largest: int) -> str:
    rest = (
        f" {times.left_out} stored cells of other settings are not drawn." if times.left_out else ""
    )
    return (
        f"Wall-clock time of the combiners and schedulers: d = {times.dim:,}, runs of "
        f"{times.steps:,} steps on pre-generated gradients ({times.workload}), one thread, on "
        f"{times.device} ({times.device_name}); on a CPU the process's own seconds, which a busy "
        f"neighbour does not add to. (a) Measured here, SON-GOKU with R = {middle}. (b) "
        f"Table 4 of the paper, divided by its {printed.STEPS} steps; its device is not named, so "
        "shapes compare and heights do not. (c) Against the refresh period, filled marks at "
        f"K = {largest} here, open ones at K = 40 in the paper. (d) Exponents of power laws in K; "
        "where only two sizes are stored an exponent has no interval. (e) Rows of Table 4 that "
        f"equal a multiple of another row, or of K², to the last printed digit.{rest}"
    )
