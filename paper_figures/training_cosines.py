"""Cosines of the smoothed gradients over real runs, beside the threshold."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figures._training_lines import spread
from paper_figures._training_panels import LOOKS, panels
from paper_figures._training_refreshes import read_refreshes, refreshed
from paper_figures._training_rows import NEED, TITLES, read_benches
from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

COLOR = LOOKS["son_goku"][0]
DRAWN = (
    "benchmark", "method", "seed", "refresh", "step", "tau", "least_cosine", "median_cosine",
    "largest_cosine", "margin",
)  # fmt: skip


@figure(
    name="training_cosines",
    title="Real training: cosines of the gradients beside the threshold",
    needs=(NEED,),
    claims=("REC-T2",),
    place=14,
)
def draw(given: FigureInput) -> Picture:
    """Draw least, median and largest cosine at each refresh of SON-GOKU's runs."""
    style = given.style
    kept = [
        (bench, frame)
        for bench in refreshed(read_benches(given.rows["training"]))
        if (frame := read_refreshes(bench, ("son_goku",))).height
    ]
    if not kept:
        raise MissingRowsError(NEED, "No stored run of SON-GOKU has a refresh with cosines.")
    fig, axes = panels([bench for bench, _ in kept], style, foot=0.45)
    for (_, frame), axis in zip(kept, axes, strict=True):
        _draw_panel(axis, frame, style)
    fig.legend(
        [
            Line2D([], [], color=COLOR, marker="s", markersize=3 * style.scale),
            Patch(color=COLOR, alpha=0.16, linewidth=0),
            Line2D([], [], color="black", linestyle="--"),
            Line2D([], [], color=PALETTE["blue"], linestyle=":"),
        ],
        ["median pair", "all pairs", "threshold $-\\tau$", "margin: least distance from it"],
        loc="outside lower center",
        ncols=4,
    )
    data = pl.concat(frame for _, frame in kept)
    return Picture(
        figure=fig,
        data=data.select(DRAWN),
        caption=(
            "Cosines of the tasks' smoothed gradients at each refresh of SON-GOKU's real runs: "
            "the median pair, the range of all pairs, and the threshold. Dotted: the margin, the "
            "smallest distance of a pair from the threshold. Theorem 2 recovers the population's "
            "graph where cosines err by less than the population's margin, which these sample "
            "margins only estimate."
        ),
        n=f"{data.height:,} refreshes of {data['key'].n_unique()} runs",
        interval=(
            "none: medians and margins are means over seeds, the range is over pairs and seeds"
        ),
        keys=tuple(sorted(set(data["key"]))),
        answers=(_answer(data),),
    )


def _draw_panel(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    least, most = spread(frame, "least_cosine"), spread(frame, "largest_cosine")
    middle, margin = spread(frame, "median_cosine"), spread(frame, "margin")
    axis.fill_between(
        least["step"], least["low"], most["high"], color=COLOR, alpha=0.16, linewidth=0
    )
    axis.plot(
        middle["step"],
        middle["value"],
        color=COLOR,
        marker="s",
        markersize=2.2 * style.scale,
        markevery=max(1, middle.height // 6),
    )
    tau = spread(frame, "tau")
    axis.plot(tau["step"], -tau["value"], "k--", linewidth=0.9 * style.scale)
    axis.plot(
        margin["step"],
        margin["value"],
        color=PALETTE["blue"],
        linestyle=":",
        linewidth=1.1 * style.scale,
    )
    axis.set(xlabel="step", ylabel="cosine")
    axis.set_ylim(-1.03, 1.03)


def _answer(data: pl.DataFrame) -> Answer:
    parts = []
    for (name,), part in data.group_by("benchmark", maintain_order=True):
        margins = sorted(part.drop_nulls("margin")["margin"].to_list())
        if margins:
            parts.append(
                f"{TITLES.get(str(name), str(name))}: median margin "
                f"{margins[len(margins) // 2]:.3g} ({len(margins)} refreshes, "
                f"{margins[0]:.2g} to {margins[-1]:.2g})"
            )
    return Answer(
        "How wide are the margins around the threshold on real data?",
        f"Smallest distance of a pair's cosine from -τ in SON-GOKU's stored runs. "
        f"{'; '.join(parts)}. The sample size that the recovery theorems ask for grows with the "
        "inverse square of the population's margin; gamma = 0.15, at which budgets are usually "
        "quoted, would need margins as wide.",
    )
