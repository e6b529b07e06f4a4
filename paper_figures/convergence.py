"""How fast does the full gradient shrink when classes take turns? Measured, claimed, bounded."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    StrMethodFormatter,
)
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from paper_figures._convergence_answers import answers
from paper_figures._convergence_rows import LABELS, NEED, Selected, select
from paper_figures.engine.greyscale import band
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import MARKERS, PALETTE, Style

__all__ = ["draw"]

DASHED = (0, (5, 1, 1, 1, 1, 1))
LOOKS: dict[str, tuple[str, str | tuple[int, tuple[int, ...]]]] = {
    "all tasks at once": (PALETTE["black"], "-"),
    "cycle, then all": (PALETTE["green"], "-."),
    "cyclic": (PALETTE["blue"], "-"),
    "shuffled cycles": (PALETTE["sky"], ":"),
    "drawn and scaled": (PALETTE["purple"], (0, (8, 2))),
    "drawn, not scaled": (PALETTE["orange"], DASHED),
    "eq. 13": (PALETTE["vermilion"], "--"),
    "bound for cycles": (PALETTE["blue"], (0, (1, 1))),
}
"""Colour and line of each rule and bound, the same in every panel."""

OBJECTIVES = ("quadratic", "waves", "sine_square", "least_squares", "network", "plateau")
SHAPES = dict(zip(OBJECTIVES, MARKERS, strict=False))
WORDS = {
    "quadratic": "quadratics",
    "waves": "waves",
    "sine_square": "sine squares",
    "least_squares": "least squares",
    "network": "network",
    "plateau": "plateau",
}
SAMPLE = 0.3
"""Length of a sample of a line, in inches on a paper."""
LEAST_RATIO = 1e-4
"""Where the axis of (f) ends."""

VARIANTS = ("", " (noisy)", " (uneven p)", " (constant η)")


@figure(
    name="convergence",
    claims=("CVG-T8", "CVG-13", "CVG-13-R", "CVG-95", "CVG-97", "CVG-98", "EXT-9"),
    title="Convergence of the full gradient when classes of tasks take turns",
    needs=(NEED,),
    place=14,
)
def draw(given: FigureInput) -> Picture:
    """Draw averages against T, their slopes, and the paper's factors against what happens."""
    style, found = given.style, select(given.rows["convergence"])
    fig = Figure(figsize=(style.full, 5.7 * style.scale))
    upper, lower = fig.subfigures(2, 1, height_ratios=(1.55, 2), squeeze=False).ravel()
    rates, slopes = upper.subplots(1, 2)
    shown = _objective(found.rates)
    _draw_rates(rates, found.rates.filter(pl.col("objective") == shown), style)
    rates.set_title(f"(a) average of |∇F|², {WORDS[shown]}")
    _draw_slopes(slopes, found.slopes, style)
    _objective_legend(upper, found.slopes)
    axes = lower.subplots(2, 2)
    _draw_factors(axes[0, 0], found.factors, style)
    _draw_thresholds(axes[0, 1], found.thresholds, style)
    _draw_energies(axes[1, 0], found.energies, style)
    _draw_bends(axes[1, 1], found.bends, style)
    return Picture(
        figure=fig,
        data=found.data,
        caption=_caption(found, shown),
        n=_counted(found),
        interval=(
            "Student's 95% over independent instances (of logarithms in a, e and f), not drawn "
            "where there is one instance; runs of an instance share its start"
        ),
        keys=tuple(sorted(set(found.rows["key"]))),
        answers=answers(found),
    )


def _objective(rates: pl.DataFrame) -> str:
    """Choose the objective with the most lines and steps; the one that is not convex if equal."""
    sizes = rates.group_by("objective").len().sort(["len", "objective"], descending=[True, False])
    best = sizes.filter(pl.col("len") == sizes["len"].max())["objective"].to_list()
    return "waves" if "waves" in best else str(best[0])


def _look(line: str) -> dict[str, object]:
    color, dashes = LOOKS[line]
    return {"color": color, "linestyle": dashes}


def _band(
    axis: Axes,
    part: pl.DataFrame,
    line: str,
    *,
    banded: bool = True,
    marker: str | None = None,
    markersize: float | None = None,
) -> None:
    look = _look(line)
    if marker is not None:
        look = {**look, "marker": marker}
    if markersize is not None:
        look = {**look, "markersize": markersize}
    axis.plot(part["x"], part["value"], **look)  # type: ignore[arg-type]
    if not banded:
        return
    wide = part.filter(pl.col("n") > 1)
    band(axis, wide["x"], wide["low"], wide["high"], *LOOKS[line], 0.18)


def _decades(axis: Axes) -> None:
    """Label powers of ten only; on half a decade also 2 and 5."""
    low, high = axis.get_ylim()
    subs = (1.0, 2.0, 5.0) if high / low < 60 else (1.0,)
    axis.yaxis.set_major_locator(LogLocator(subs=subs))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _steps_axis(axis: Axes, steps: list[float]) -> None:
    axis.set_xscale("log")
    axis.set_xticks(steps, [f"{step:,.0f}" for step in steps])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("steps $T$")


def _draw_rates(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for line in LOOKS:
        # All rules run on the same instances, whose spread two bands show as well as eight.
        banded = line in ("all tasks at once", "cyclic")
        _band(axis, frame.filter(pl.col("line") == line), line, banded=banded)
    steps = sorted(set(frame["x"]))
    first = frame.filter(pl.col("x") == steps[0])["value"].to_list()
    top = 1.9 * max(first)
    axis.plot(
        (steps[0], steps[-1]), (top, top * (steps[0] / steps[-1]) ** 0.5), color="black",
        linewidth=0.6,
    )  # fmt: skip
    axis.annotate(
        "slope -1/2", (steps[0] * 1.9, top * 0.86), fontsize=style.small, ha="left", va="bottom"
    )
    axis.set_yscale("log")
    _steps_axis(axis, steps)
    _decades(axis)
    axis.set_ylabel("average over |∇F(x₀)|²")
    bounds = ("eq. 13", "bound for cycles")
    handles = [Line2D([], [], **_look(line)) for line in bounds]  # type: ignore[arg-type]
    axis.legend(handles, bounds, loc="lower left", borderaxespad=0.1)


def _draw_slopes(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    wanted = [rule + variant for variant in VARIANTS for rule in LABELS.values()]
    lines = [line for line in wanted if line in set(frame["line"])]
    objectives = [name for name in OBJECTIVES if name in set(frame["objective"])]
    axis.axvline(-0.5, color="black", linewidth=0.6)
    for place, line in enumerate(lines):
        color = LOOKS[_rule_of(line)][0]
        part = frame.filter(pl.col("line") == line)
        for shift, name in enumerate(objectives):
            for value, low, high in (
                part.filter(pl.col("objective") == name).select("value", "low", "high").iter_rows()
            ):
                height = place + 0.17 * (shift - (len(objectives) - 1) / 2)
                axis.plot((low, high), (height, height), "-", color=color, linewidth=style.scale)
                axis.plot(
                    value, height, SHAPES[name], color=color, markersize=2.4 * style.scale,
                    markerfacecolor=color if _rule_of(line) == line else "white",
                )  # fmt: skip
    axis.set_yticks(range(len(lines)), lines)
    for label, line in zip(axis.get_yticklabels(), lines, strict=True):
        color = LOOKS[_rule_of(line)][0]
        label.set_color(PALETTE["black"] if color == PALETTE["sky"] else color)
    axis.tick_params(axis="y", length=0, pad=4.0 + 72.0 * SAMPLE * style.scale)
    _draw_samples(axis, [line for line in lines if _rule_of(line) == line], style)
    axis.set_ylim(len(lines) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("slope of logs against $T$")
    axis.set_title("(b) slopes; lines of (a)")


def _draw_samples(axis: Axes, rules: list[str], style: Style) -> None:
    """Show each rule's line of (a) beside its name: in print the colour alone would not tell."""
    fig = axis.get_figure(root=True)
    assert fig is not None
    # Inches left of the panel, at the height of the rule's row.
    from_left = fig.dpi_scale_trans + ScaledTranslation(0, 0, axis.transAxes)  # type: ignore[arg-type]
    place = blended_transform_factory(from_left, axis.transData)
    for row, rule in enumerate(rules):
        axis.plot(
            (-SAMPLE * style.scale, -0.03), (row, row), transform=place, clip_on=False,
            **_look(rule),  # type: ignore[arg-type]
        )  # fmt: skip


def _objective_legend(part: SubFigure, frame: pl.DataFrame) -> None:
    """Name the markers below both upper panels: inside, slopes could lie anywhere."""
    names = [name for name in OBJECTIVES if name in set(frame["objective"])]
    handles = [
        Line2D([], [], linestyle="", marker=SHAPES[name], color=PALETTE["grey"], label=WORDS[name])
        for name in names
    ]
    part.legend(handles=handles, loc="outside lower right", ncols=len(names), handletextpad=0.1)


def _rule_of(line: str) -> str:
    for variant in VARIANTS[1:]:
        line = line.removesuffix(variant)
    return line


def _draw_factors(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.axhline(1, **_look("eq. 13"), zorder=1)  # type: ignore[arg-type]
    theory = frame.filter(pl.col("line").str.starts_with("m /"))
    axis.plot(theory["x"], theory["value"], color="black", linewidth=0.8)
    objectives = [name for name in OBJECTIVES if name in set(frame["objective"])]
    for name in objectives:
        part = frame.filter(pl.col("objective") == name)
        for line, fill in (("average", "white"), ("least", LOOKS["cyclic"][0])):
            if line == "least" and name != "plateau":
                continue  # elsewhere the least is far below the average, at the end of the run
            one = part.filter(pl.col("line") == line)
            axis.errorbar(
                one["x"], one["value"], linestyle="", marker=SHAPES[name],
                yerr=[one["value"] - one["low"], one["high"] - one["value"]],
                color=LOOKS["cyclic"][0], markerfacecolor=fill, elinewidth=0.8,
            )  # fmt: skip
    labels = [
        Line2D([], [], color="black", linewidth=0.8, label="m / (2 (1 + τ))"),
        Line2D([], [], label="claimed", **_look("eq. 13")),  # type: ignore[arg-type]
    ]
    for name in objectives:
        fill = LOOKS["cyclic"][0] if name == "plateau" else "white"
        what = "least" if name == "plateau" else "average"
        labels.append(
            Line2D([], [], linestyle="", marker=SHAPES[name], color=LOOKS["cyclic"][0],
                   markerfacecolor=fill, label=f"{what}, {WORDS[name]}")
        )  # fmt: skip
    axis.legend(handles=labels, loc="upper left", borderaxespad=0.1, handletextpad=0.4)
    axis.set_ylim(0, 1.5 * float(frame.filter(pl.col("line") != "least")["high"].max()))  # type: ignore[arg-type]
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(
        xlabel="classes $m$", ylabel="|∇F|² over eq. 13", title="(c) cyclic: number of classes"
    )


def _draw_thresholds(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    average = frame.filter(pl.col("line") == "average").sort("x")
    _band(axis, average, "cyclic", marker="o", markersize=2.6 * style.scale)
    claim = frame.filter(pl.col("line") == "eq. 13").sort("x")
    axis.plot(claim["x"], claim["value"], **_look("eq. 13"))  # type: ignore[arg-type]
    top = max(*average["high"].to_list(), *claim["value"].to_list())
    classes = dict(frame.filter(pl.col("line") == "classes").select("x", "value").iter_rows())
    last = -1.0
    span = max(average["x"].to_list()) - min(average["x"].to_list())
    for x, high in average.select("x", "high").iter_rows():
        if x - last < 0.09 * span:
            continue
        last = x
        axis.annotate(
            f"{classes[x]:.2g}", (x, high), xytext=(0, 2), textcoords="offset points",
            ha="center", va="bottom", fontsize=style.small,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.4},
        )  # fmt: skip
    axis.set_ylim(0, 1.25 * top)
    x, value = claim.select("x", "value").row(-1)
    axis.annotate(
        "eq. 13", (x, value), xytext=(0, 3), textcoords="offset points", ha="right",
        va="bottom", fontsize=style.small, color=LOOKS["eq. 13"][0],
    )  # fmt: skip
    axis.set(xlabel="threshold $τ$", ylabel="over eq. 13 at τ = 0")
    axis.set_title("(d) cyclic: threshold, and m in numbers")


def _draw_energies(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    enough = frame.group_by("objective").agg(pl.col("x").n_unique().alias("points"))
    names = enough.filter(pl.col("points") >= 3)["objective"].to_list() or list(frame["objective"])
    axis.axhline(1, **_look("eq. 13"), zorder=1)  # type: ignore[arg-type]
    for name in (name for name in OBJECTIVES if name in names):
        for line in ("cyclic", "drawn and scaled"):
            part = frame.filter(pl.col("objective") == name, pl.col("line") == line).sort("x")
            _band(axis, part, line, marker=SHAPES[name], markersize=2.6 * style.scale)
    drawn = frame.filter(pl.col("objective").is_in(names))
    axis.set_yscale("log")
    _steps_axis(axis, sorted(set(drawn["x"])))
    _decades(axis)
    for line in ("cyclic", "drawn and scaled"):
        part = drawn.filter(pl.col("line") == line).sort("x", "value")
        if part.height:
            high = max(part["high"].to_list())
            axis.annotate(
                line, (part["x"].min(), high), fontsize=style.small, ha="left",
                va="top" if line == "cyclic" else "bottom", color=LOOKS[line][0],
                xytext=(0, 2), textcoords="offset points",
            )  # fmt: skip
    axis.set_ylabel("energy over eq. 98")
    axis.set_title("(e) energy of the active tasks")


def _draw_bends(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.axhline(1, **_look("eq. 13"), zorder=1)  # type: ignore[arg-type]
    for line, look, mark in (
        ("least", "cyclic", "o"), ("average, over its bound", "bound for cycles", "s")
    ):  # fmt: skip
        part = frame.filter(pl.col("line") == line).sort("x")
        _band(axis, part, look, marker=mark, markersize=2.6 * style.scale)
    bends = sorted(set(frame["x"]))
    axis.set_xscale("symlog", linthresh=1.0)
    axis.set_xticks(bends, [f"{bend:g}" for bend in bends])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_yscale("log")
    # Where runs burst, B and with it the bound are astronomical.
    low, high = max(axis.get_ylim()[0], LEAST_RATIO), axis.get_ylim()[1]
    axis.set_ylim(low, high * (high / low) ** 0.5)  # room for the legend
    _decades(axis)
    handles = [
        Line2D([], [], marker="o", **_look("cyclic")),  # type: ignore[arg-type]
        Line2D([], [], marker="s", **_look("bound for cycles")),  # type: ignore[arg-type]
    ]
    names = ("least, over eq. 13", "average, over its bound")
    axis.legend(handles, names, loc="upper left", borderaxespad=0.1)
    axis.set(xlabel="curvature that cancels in F, over L", ylabel="ratio")
    axis.set_title("(f) cyclic: opposed curvature")


def _counted(found: Selected) -> str:
    instances = max(found.rates["n"].to_list())
    runs = max(found.rows["runs_done"].to_list())
    return (
        f"{found.rows['key'].n_unique():,} stored cells; up to {instances} instances a point, up "
        f"to {runs} runs an instance where anything is random"
    )


def _caption(found: Selected, shown: str) -> str:
    steps = sorted(set(found.rates["x"]))
    return (
        "Descent with classes of tasks in turn; η = 1/(L√T) unless said. (a) Average of |∇F|² "
        f"over the steps on {WORDS[shown]}, relative to the start, for each rule (names in b), "
        "with eq. 13's claim for the scheduler and a bound that holds for cycles; all rules run "
        "on the same instances, whose spread two bands show. (b) Slopes of the logarithms over "
        f"T = {steps[0]:,.0f} to {steps[-1]:,.0f}; -1/2 is the claimed rate. (c) |∇F|² over "
        "eq. 13's claim against the number of classes, one task a class: on the plateau |∇F| = 1 "
        "all the way, so the least is the average. (d) The average over eq. 13 at τ = 0, against "
        "τ, with the mean number of classes; eq. 13 itself grows with τ. (e) The active tasks' "
        "energy over eq. 98, with the largest factor seen, and for scaled draws with the draw's "
        "variance in σ²; markers as in b. (f) Curvature of the classes "
        "that cancels in F leaves L, F and eq. 13 as they are; its axis ends at "
        f"{LEAST_RATIO:g}. Dashes at 1: the claim."
    )
