"""Test error of every way to group tasks, and its distance from the best of all groupings."""

from __future__ import annotations

import textwrap

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figures._grouping_rows import NEED, Study, read_studies, way_name
from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

LOOKS = {
    "together": (PALETTE["black"], "o"),
    "single": (PALETTE["black"], "o"),
    "son_goku": (PALETTE["vermilion"], "s"),
    "son_goku_in_ptg": (PALETTE["vermilion"], "s"),
    "ptg": (PALETTE["blue"], "D"),
    "ptg_paper": (PALETTE["blue"], "D"),
    "ptg_sampled": (PALETTE["blue"], "D"),
    "random": (PALETTE["grey"], "v"),
    "validation": (PALETTE["green"], "P"),
    "optimum": (PALETTE["green"], "P"),
}
OTHER = (PALETTE["purple"], "^")


@figure(
    name="grouping_errors",
    title="Task grouping: error of each way, and how far it is from the optimum",
    needs=(NEED,),
    place=30,
)
def draw(given: FigureInput) -> Picture:
    """Draw mean total errors and distances to the optimum, one row of panels a benchmark."""
    style = given.style
    studies = [s for s in read_studies(given.rows["grouping"]) if s.kind("mean").height]
    if not studies:
        raise MissingRowsError(NEED, "No stored cell of 'grouping' has mean errors.")
    frames = [_points(study) for study in studies]
    lines = [frame.filter(pl.col("quantity") == "error").height for frame in frames]
    heights = [0.6 + 0.135 * count for count in lines]
    fig = Figure(figsize=(style.full, (sum(heights) + 0.1) * style.scale))
    grid = fig.subplots(len(studies), 2, squeeze=False, height_ratios=heights, sharey="row")
    for (left, right), study, frame in zip(grid, studies, frames, strict=True):
        ways = frame.filter(pl.col("quantity") == "error")["way"].to_list()
        _draw_points(left, frame.filter(pl.col("quantity") == "error"), ways, style)
        together = frame.filter(pl.col("quantity") == "error", pl.col("method") == "together")
        if together.height:
            left.axvline(together["value"][0], color="black", linestyle="--", linewidth=0.7)
        left.set(xlabel=_folded(f"total {study.unit}"))
        left.set_title(study.title)
        distances = frame.filter(pl.col("quantity") == "above optimum")
        if distances.height:
            _draw_points(right, distances, ways, style)
            right.axvline(0, color="black", linewidth=0.7)
            right.set(xlabel="above the optimum\nof as many groups (%)")
        else:
            _draw_points(right, frame.filter(pl.col("quantity") == "difference"), ways, style)
            right.axvline(0, color="black", linestyle="--", linewidth=0.7)
            right.set(xlabel="less all together, same seed\n(the optimum is not known)")
    seeds = sorted({study.seeds for study in studies})
    return Picture(
        figure=fig,
        data=pl.concat(frames),
        caption=(
            "Total test error (sum over tasks) of each way to group tasks, with its number of "
            "groups, which is the number of networks that are trained. Dashed: one network for "
            "all. Right: how far above the optimum of as many groups, where every set of tasks "
            "was trained, in per cent of it; else the paired difference from all together. The "
            "optimum is chosen by mean test errors themselves, so it is a bound and no method."
        ),
        n=f"{seeds[0] if len(seeds) == 1 else f'{seeds[0]} to {seeds[-1]}'} seeds a point",
        interval="95% of a mean by Student's t over seeds, each a repetition of everything",
        keys=tuple(study.key for study in studies),
        answers=(
            Answer(
                "Does grouping tasks help on real data?",
                " ".join(f"{s.title}: {s.verdict or 'no verdict is stored.'}" for s in studies),
            ),
            Answer("How far from the best grouping are the methods?", _distances(studies)),
        ),
    )  # fmt: skip


def _points(study: Study) -> pl.DataFrame:
    kinds = {"mean": "error", "difference": "difference", "relative": "above optimum"}
    found = []
    for kind, quantity in kinds.items():
        rows = study.ordered(study.kind(kind))
        if kind == "relative":
            rows = rows.filter(pl.col("label") == "same")
        names = [way_name(m, int(g)) for m, g in rows.select("method", "num_groups").iter_rows()]
        found.append(
            rows.select(
                pl.lit(study.name).alias("benchmark"),
                pl.lit(study.provenance).alias("provenance"),
                pl.lit(quantity).alias("quantity"),
                "method",
                pl.Series("way", names, dtype=pl.String),
                "num_groups",
                "value",
                "low",
                "high",
                pl.col("count").alias("seeds"),
            )
        )
    return pl.concat(found).drop_nulls("value")


def _draw_points(axis: Axes, frame: pl.DataFrame, ways: list[str], style: Style) -> None:
    for row in frame.iter_rows(named=True):
        if row["way"] not in ways:
            continue
        place = ways.index(row["way"])
        color, mark = LOOKS.get(row["method"], OTHER)
        if row["low"] is not None and row["high"] is not None:
            axis.plot([row["low"], row["high"]], [place] * 2, "-", color=color, linewidth=0.9)
        axis.plot(row["value"], place, mark, color=color, markersize=3.4 * style.scale)
    axis.set_yticks(range(len(ways)), ways)
    axis.set_ylim(len(ways) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.locator_params(axis="x", nbins=5)


def _folded(text: str) -> str:
    """Break a label into lines that stay below their own panel."""
    return "\n".join(textwrap.wrap(text, 34)[:2])


def _distances(studies: list[Study]) -> str:
    parts = []
    for study in studies:
        found = study.kind("relative").filter(pl.col("label") == "same")
        found = study.ordered(found.filter(pl.col("method") != "optimum")).drop_nulls("value")
        if not study.enumerated or found.is_empty():
            parts.append(f"{study.title}: not every set of tasks was trained, so nobody knows.")
            continue
        said = [
            f"{way_name(row['method'], row['num_groups'])} {row['value']:.2f}%"
            + (f" ({row['low']:.2f} to {row['high']:.2f})" if row["low"] is not None else "")
            for row in found.iter_rows(named=True)
        ]
        parts.append(
            f"{study.title}: above the optimum of as many groups, mean of {study.seeds} seeds with "
            f"95% interval: {'; '.join(said)}."
        )
    return " ".join(parts)
