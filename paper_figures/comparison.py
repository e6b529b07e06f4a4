"""Scheduled against aggregated: what the bounds say, what F says, and what tells them apart."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from paper_figures._comparison_answers import answers
from paper_figures._comparison_rows import NEED, ComparisonRows, confusion, select
from paper_figures.engine.greyscale import ink_on
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

FAMILIES = {
    "quadratic": (PALETTE["blue"], "o"),
    "least_squares": (PALETTE["green"], "^"),
    "sine_square": (PALETTE["vermilion"], "s"),
    "waves": (PALETTE["purple"], "D"),
    "network": (PALETTE["black"], "P"),
}
PREDICTORS = {
    "criterion": ("criterion", PALETTE["blue"], "o"),
    "bound": ("UB", PALETTE["vermilion"], "s"),
    "c59": ("eq. 59", PALETTE["purple"], "^"),
    "never": ("always: loses", PALETTE["black"], "_"),
}
SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "x": pl.Float64,
    "y": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
}


@figure(
    name="comparison",
    title="Scheduled class steps against one aggregated step",
    needs=(NEED,),
    claims=("CMP-49", "CMP-T5", "CMP-59", "EXT-8", "EXT-8-ORDER"),
    place=21,
)
def draw(given: FigureInput) -> Picture:
    """Draw bound gap against true gap, the map of who wins, and two confusion matrices."""
    style, found = given.style, select(given.rows["comparison"])
    data = pl.concat([_scatter(found), _map(found), _right(found), _matrices(found)])
    fig = Figure(figsize=(style.full, 4.6 * style.scale))
    upper, lower = fig.subfigures(2, 1, height_ratios=(1.15, 1), squeeze=False).ravel()
    left, right = upper.subplots(1, 2, width_ratios=(1, 1.15))
    _draw_scatter(left, data.filter(pl.col("panel") == "a"), style)
    _draw_map(right, data.filter(pl.col("panel") == "b"), style)
    first, second, third = lower.subplots(1, 3, width_ratios=(1.35, 1, 1))
    _draw_right(first, data.filter(pl.col("panel") == "c"), style)
    for panel, axis, title in (
        ("d", second, "(d)  per order"),
        ("e", third, "(e)  mean of orders"),
    ):
        _draw_matrix(axis, data.filter(pl.col("panel") == panel), title, style)
    third.set_ylabel("")
    third.set_yticklabels([])
    return Picture(
        figure=fig,
        data=data,
        caption=_caption(found),
        n=_counted(found),
        interval="(c) exact (Clopper-Pearson) 95% at each point; (b) is a share without interval",
        keys=found.keys,
        answers=answers(found),
    )


def _frame(panel: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    filled = [{name: row.get(name) for name in SCHEMA} | {"panel": panel} for row in rows]
    return pl.DataFrame(filled, schema=SCHEMA)


def _scatter(found: ComparisonRows) -> pl.DataFrame:
    return _frame(
        "a",
        [
            {"line": row["family"], "x": row["bound_gap_q50"], "y": row["true_gap_q50"], "n": 1}
            for row in found.samples.sort("key", "order", "bound_gap_q50").iter_rows(named=True)
        ],
    )


def _map(found: ComparisonRows) -> pl.DataFrame:
    return _frame(
        "b",
        [
            {
                "line": "wins",
                "x": row["cosine"],
                "y": row["coupling"],
                "value": row["wins"] / row["instances"],
                "n": row["instances"],
            }
            for row in found.map.iter_rows(named=True)
        ],
    )


def _right(found: ComparisonRows) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for eta in sorted(set(found.plain_picked["eta"])):
        part = found.plain_picked.filter(pl.col("eta") == eta)
        for name in PREDICTORS:
            counted = confusion(part, name)
            value, low, high = counted.right
            rows.append(
                {
                    "line": name,
                    "x": eta,
                    "value": value,
                    "low": low,
                    "high": high,
                    "n": counted.total,
                }
            )
    return _frame("c", rows)


def _matrices(found: ComparisonRows) -> pl.DataFrame:
    frames = []
    for panel, rows in (("d", found.plain_picked), ("e", found.plain_mean)):
        counted = confusion(rows, "criterion")
        cells = {
            (0.0, 0.0): counted.yes_win,
            (1.0, 0.0): counted.yes_loss,
            (0.0, 1.0): counted.no_win,
            (1.0, 1.0): counted.no_loss,
        }
        listed: list[dict[str, object]] = [
            {"line": "criterion", "x": x, "y": y, "value": float(count), "n": counted.total}
            for (x, y), count in cells.items()
        ]
        frames.append(_frame(panel, listed))
    return pl.concat(frames)


def _draw_scatter(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.axhline(0.0, color="black", linewidth=0.6)
    axis.axvline(0.0, color="black", linewidth=0.6)
    for family, (color, mark) in FAMILIES.items():
        part = frame.filter(pl.col("line") == family)
        if part.height:
            axis.plot(
                part["x"],
                part["y"],
                linestyle="",
                marker=mark,
                markersize=2.6 * style.scale,
                color=color,
                alpha=0.7,
                markeredgewidth=0,
                label=family.replace("_", " "),
            )
    axis.set_xscale("symlog", linthresh=0.1, linscale=0.7)
    axis.set_yscale("symlog", linthresh=0.01, linscale=0.7)
    axis.set_xticks([-0.1, 0.0, 0.1, 1.0], ["-0.1", "0", "0.1", "1"])
    axis.set_yticks([-0.1, -0.01, 0.0, 0.01, 0.1], ["-0.1", "-0.01", "0", "0.01", "0.1"])
    axis.minorticks_off()
    axis.set(xlabel="gap of the bounds, UB$_{sch}$ - UB$_{agg}$", ylabel="true gap of F")
    axis.set_title("(a)  scheduled less aggregated")
    for x, y, text in (
        (0.03, 0.97, "bound: wins\nF: loses"),
        (0.97, 0.03, "bound: loses\nF: wins"),
    ):
        axis.text(
            x,
            y,
            text,
            transform=axis.transAxes,
            fontsize=style.small,
            ha="left" if x < 0.5 else "right",
            va="top" if y > 0.5 else "bottom",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
    if frame.height:
        axis.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.24),
            ncols=2,
            handletextpad=0.1,
            columnspacing=0.8,
            markerscale=1.6,
        )


def _draw_map(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.set_title("(b)  scheduling wins (% of instances)")
    if frame.is_empty():
        axis.text(0.5, 0.5, "no such rows", ha="center", va="center", transform=axis.transAxes)
        return
    xs, ys = sorted(set(frame["x"])), sorted(set(frame["y"]))
    grid = np.full((len(ys), len(xs)), np.nan)
    for x, y, value in frame.select("x", "y", "value").iter_rows():
        grid[ys.index(y), xs.index(x)] = value
    image = axis.imshow(grid, cmap="cividis", vmin=0.0, vmax=1.0, aspect="auto", origin="lower")
    for i, j in np.ndindex(grid.shape):
        if np.isfinite(grid[i, j]):
            axis.text(
                j,
                i,
                f"{100 * grid[i, j]:.0f}",
                ha="center",
                va="center",
                fontsize=style.small,
                color=ink_on(image.to_rgba(grid[i, j])),  # type: ignore[arg-type]
            )
    axis.set_xticks(range(len(xs)), [f"{x:g}" for x in xs])
    axis.set_yticks(range(len(ys)), [f"{y:+.2g}" if y else "0" for y in ys])
    axis.grid(False)
    axis.set(xlabel="cosine between class gradients", ylabel="curvature coupling")


def _draw_right(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    etas = sorted(set(frame["x"]))
    for shift, (name, (label, color, mark)) in zip(
        (-0.18, -0.06, 0.06, 0.18), PREDICTORS.items(), strict=True
    ):
        part = frame.filter(pl.col("line") == name).sort("x")
        at = [etas.index(x) + shift for x in part["x"]]
        axis.errorbar(
            at,
            part["value"],
            yerr=[part["value"] - part["low"], part["high"] - part["value"]],
            linestyle="",
            marker=mark,
            markersize=(7 if mark == "_" else 4) * style.scale,
            color=color,
            elinewidth=1.0 * style.scale,
            label=label,
        )
    axis.set_xticks(range(len(etas)), [f"{eta:g}" for eta in etas])
    axis.set(xlim=(-0.5, len(etas) - 0.5), ylim=(0.0, 1.03), xlabel="step size η L")
    axis.set_title("(c)  right about who wins")
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axis.yaxis.set_major_locator(MaxNLocator(5))
    axis.legend(loc="lower left", ncols=1, handletextpad=0.2, borderaxespad=0.1)


def _draw_matrix(axis: Axes, frame: pl.DataFrame, title: str, style: Style) -> None:
    grid = np.zeros((2, 2))
    total = 0
    for x, y, value, n in frame.select("x", "y", "value", "n").iter_rows():
        grid[int(y), int(x)], total = value, int(n)
    share = grid / max(total, 1)
    axis.imshow(share, cmap="Greys", vmin=0.0, vmax=1.4, aspect="auto")
    for i, j in np.ndindex(grid.shape):
        axis.text(
            j,
            i,
            f"{int(grid[i, j]):,}\n{100 * share[i, j]:.1f}%",
            ha="center",
            va="center",
            fontsize=style.size,
            color="white" if share[i, j] > 0.8 else "black",
        )
    axis.set_xticks([0, 1], ["wins", "loses"])
    axis.set_yticks([0, 1], ["wins", "loses"], rotation=90, va="center")
    axis.grid(False)
    axis.set(xlabel="true F", ylabel="criterion says", title=title)


def _counted(found: ComparisonRows) -> str:
    instances = int(found.plain_picked["instances"].sum())
    mapped = int(found.map["instances"].sum()) if found.map.height else 0
    return (
        f"(a) {found.samples.height:,} instances; (b) {mapped:,} in {found.map.height} cells; "
        f"(c-e) {instances:,} instances, every order of each"
    )


def _caption(found: ComparisonRows) -> str:
    words = f" ({found.words})" if found.words else ""
    return (
        "One refresh of scheduled class steps against one aggregated step from the same point. "
        "(a) The gap of the two upper bounds against the true gap, both in units of "
        "η Σ‖G_r‖², one order an instance; in the upper left the bounds promise a win that F does "
        "not have, in the lower right F wins and the bounds do not say so. "
        f"(b) Share of instances in which scheduling ends lower on the mean over orders{words}, by "
        "the cosine between class gradients and by the coupling of the class Hessians: -1 favours "
        "scheduling as much as possible, 0 is random, +1 is against it. (c) How often the sign of "
        "the second-order criterion, of UB_sch - UB_agg, and eq. 59 together with eq. 57 are right "
        "about F(x_sch) < F(x_agg), one order an instance, and how often always answering that "
        "scheduling loses would be. (d, e) The criterion's confusion "
        "matrix, for one order an instance and for the mean over all orders. (c-e) are of "
        "instances whose curvature was drawn without looking at the gradients."
    )
