"""Recovery on a whole grid from the same draws: what R, beta, sigma and the threshold do."""

from __future__ import annotations

import itertools
from typing import Final, Literal

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import Need, figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import MARKERS, PALETTE, Style

__all__ = ["draw"]

NEED = Need("recovery_grid")
SETTING = ("model", "num_groups", "group_size", "tau", "gamma", "device")
COLORS = ("blue", "vermilion", "green", "purple")
DASHES: Final[tuple[Literal["-", "--", "-.", ":"], ...]] = ("-", "--", "-.", ":")


@figure(
    name="recovery_grid",
    title="Recovery over (R, β, σ, τ) from the same draws",
    needs=(NEED,),
    claims=("EMA-19", "EXT-1", "EXT-2"),
    place=2,
)
def draw(given: FigureInput) -> Picture:
    """Draw the map over R and beta, and recovery against the noise that is left."""
    style, rows = given.style, given.rows["recovery_grid"]
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'recovery_grid' is finished.")
    chosen = _chosen(rows)
    shown = _map_rows(chosen)
    fig = Figure(figsize=(style.full, 2.75 * style.scale))
    left, right = fig.subplots(1, 2, width_ratios=(1.0, 1.3))
    _draw_map(left, shown, style)
    _draw_collapse(right, chosen, style)
    data = pl.concat([_marks(shown, "a"), _marks(chosen, "b")])
    point, trials = shown.row(0, named=True), sorted(set(chosen["trials"]))
    left_out = rows["key"].n_unique() - chosen["key"].n_unique()
    rest = f" {left_out} stored cells of other settings are not drawn." if left_out else ""
    return Picture(
        figure=fig,
        data=data,
        caption=(
            f"Recovery of the conflict graph from EMA gradients with Gaussian noise (model "
            f"{point['model']}, {point['num_groups']} groups of {point['group_size']}, threshold "
            f"of the planting τ = {point['tau']:g}, γ = {point['gamma']:g}); all points of a cell "
            f"are judged on the same draws. (a) P(graph recovered) in per cent against window R "
            f"and β, d = {point['dim']:,}, σ = {point['sigma']:g}, judged by τ = "
            f"{point['threshold']:g}. (b) The same for every R, β and σ against the noise that is "
            "left in an average, s = σ / √n_eff: points of one line share d and the threshold "
            "that the graph is judged by, and nothing else of R, β and σ matters." + rest
        ),
        n=f"{trials[-1]:,} draws a cell, each serving every point"
        if len(trials) == 1
        else f"{trials[0]:,} to {trials[-1]:,} draws a cell, each serving every point",
        interval=(
            "exact (Clopper-Pearson) 95% of each point, in the CSV and narrower than the marks; "
            "points of a cell are dependent, so their differences are less noisy than that"
        ),
        keys=tuple(sorted(set(chosen["key"]))),
        answers=(_collapse_answer(chosen), _threshold_answer(chosen)),
    )


def _chosen(rows: pl.DataFrame) -> pl.DataFrame:
    """The setting with most points; of a cell and its replicates the first replicate."""
    sizes = rows.group_by(SETTING).len().sort("len", *SETTING, descending=[True, *[False] * 6])
    best = sizes.row(0, named=True)
    mine = rows.filter(pl.all_horizontal(pl.col(name) == best[name] for name in SETTING))
    first = mine.select("dim", "replicate", "trials", "key").unique()
    first = first.sort("trials", "replicate", "key", descending=[True, False, False])
    keys = first.unique("dim", keep="first", maintain_order=True)["key"]
    kept = mine.filter(pl.col("key").is_in(keys.to_list()))
    return kept.sort("dim", "threshold", "noise_scale", "window", "beta")


def _map_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The map with most contrast among those of the planting's own threshold."""
    own = rows.filter((pl.col("threshold") - pl.col("tau")).abs() < 1e-12)
    own = rows if own.is_empty() else own
    spread = own.group_by("dim", "sigma", "threshold").agg(
        (pl.col("graph_exact") / pl.col("trials")).std().fill_null(0.0).alias("contrast")
    )
    keys = ("dim", "sigma", "threshold")
    best = spread.sort("contrast", *keys, descending=[True, False, False, False]).row(0, named=True)
    return own.filter(pl.all_horizontal(pl.col(name) == best[name] for name in keys))


def _marks(rows: pl.DataFrame, panel: str) -> pl.DataFrame:
    return rows.select(
        pl.lit(panel).alias("panel"),
        "dim", "window", "beta", "sigma", "threshold", "n_eff", "noise_scale", "margin", "trials",
        (pl.col("graph_exact") / pl.col("trials")).alias("value"),
        pl.col("graph_lo").alias("low"),
        pl.col("graph_hi").alias("high"),
    )  # fmt: skip


def _draw_map(axis: Axes, shown: pl.DataFrame, style: Style) -> None:
    windows, betas = sorted(set(shown["window"])), sorted(set(shown["beta"]))
    values = np.full((len(windows), len(betas)), np.nan)
    for row in shown.iter_rows(named=True):
        place = windows.index(row["window"]), betas.index(row["beta"])
        values[place] = row["graph_exact"] / row["trials"]
    axis.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto", origin="lower")
    for (line, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            axis.text(
                column,
                line,
                f"{100 * value:.0f}",
                ha="center",
                va="center",
                color="black" if value > 0.45 else "white",
            )
    axis.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    axis.set_yticks(range(len(windows)), [str(window) for window in windows])
    axis.set(xlabel="EMA weight β", ylabel="window R (steps)")
    axis.set_title("(a) P(graph) in %")
    axis.tick_params(length=0)
    axis.grid(visible=False)


def _draw_collapse(axis: Axes, rows: pl.DataFrame, style: Style) -> None:
    thresholds = sorted(set(rows["threshold"]))
    dims = sorted(set(rows["dim"]))
    for (dim, threshold), part in rows.group_by("dim", "threshold", maintain_order=True):
        color = PALETTE[COLORS[thresholds.index(threshold) % len(COLORS)]]
        place = dims.index(dim) % len(MARKERS)
        axis.plot(
            part["noise_scale"],
            part["graph_exact"] / part["trials"],
            color=color,
            linestyle=DASHES[thresholds.index(threshold) % len(DASHES)],
            marker=MARKERS[place],
            markersize=2.6 * style.scale,
            markerfacecolor=color if place % 2 == 0 else "white",
            linewidth=0.9 * style.scale,
        )
    handles = [
        Line2D([], [], color=PALETTE[COLORS[n % len(COLORS)]], linestyle=DASHES[n % len(DASHES)])
        for n in range(len(thresholds))
    ]
    handles += [
        Line2D([], [], color="black", linestyle="none", marker=MARKERS[n % len(MARKERS)],
               markersize=3 * style.scale, markerfacecolor="black" if n % 2 == 0 else "white")
        for n in range(len(dims))
    ]  # fmt: skip
    labels = [f"τ = {value:g}" for value in thresholds] + [f"d = {value:,}" for value in dims]
    axis.legend(handles, labels, loc="upper right")
    axis.set(xscale="log", xlabel=r"noise left, $s = \sigma/\sqrt{n_\mathrm{eff}}$")
    axis.set(ylabel="P(graph recovered)", ylim=(-0.03, 1.03))
    axis.set_title("(b) only s, d and τ matter")


def _collapse_answer(rows: pl.DataFrame) -> Answer:
    """Count neighbours in s at which recovery does not fall: none, if only s matters."""
    pairs = inversions = 0
    for _, part in rows.group_by("dim", "threshold"):
        found = part.sort("noise_scale").select("noise_scale", "graph_exact").rows()
        for (s, exact), (t, other) in itertools.pairwise(found):
            if t > s * (1 + 1e-9):
                pairs += 1
                inversions += other > exact
    trials = int(min(rows["trials"]))
    return Answer(
        "Do R, β and σ matter beyond σ / √n_eff?",
        f"Of {pairs} neighbouring values of s = σ/√n_eff within a dimension and a threshold, each "
        f"from another R, β or σ ({trials:,} common draws), recovery rises with s at {inversions}: "
        + (
            "it falls, or stays, with s whatever R, β and σ make it up. These draws are from "
            "the exact law (EXT-1), in which only s enters; 'recovery' has direct simulations too."
            if not inversions
            else "so the order is not kept everywhere; the figure shows by how much."
        ),
    )


def _threshold_answer(rows: pl.DataFrame) -> Answer:
    own = rows.filter((pl.col("threshold") - pl.col("tau")).abs() < 1e-12)
    keys = ("dim", "window", "beta", "sigma")
    others = rows.filter((pl.col("threshold") - pl.col("tau")).abs() >= 1e-12)
    both = others.join(own.select(*keys, pl.col("graph_exact").alias("own")), on=keys)
    if both.is_empty():
        text = "Only the planting's threshold is stored, so nothing can be said."
    else:
        gaps = both.with_columns(
            ((pl.col("graph_exact") - pl.col("own")) / pl.col("trials")).alias("gap")
        )
        parts = []
        for (threshold,), part in gaps.sort("threshold").group_by("threshold", maintain_order=True):
            parts.append(
                f"at τ = {threshold:g} (margin {part['margin'][0]:.2g}) P(graph) changes by "
                f"{min(part['gap']):+.2f} to {max(part['gap']):+.2f} over {part.height} points"
            )
        said = "; ".join(parts)
        text = f"Judged by another threshold than the planting's on the same draws, {said}."
    return Answer("What does a threshold beside the planted one cost?", text)
