"""Affinities between tasks that were measured on one training run: four matrices a benchmark."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from paper_figures._grouping_rows import AFFINITIES, NEED, WAYS, Study, read_studies
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import Style

__all__ = ["draw"]

MOST_NUMBERS = 7
"""The largest number of tasks for which the numbers are written in."""
SIDE = 0.19
"""Of one matrix, as a share of the figure's width: four stand side by side."""


@figure(
    name="grouping_affinity",
    title="Task grouping: affinities between tasks",
    needs=(NEED,),
    claims=("PTG-D3", "PTG-P1", "EXT-13"),
    place=30,
)
def draw(given: FigureInput) -> Picture:
    """Draw transfer gains, TAG's affinity and two cosines, mean over seeds."""
    style = given.style
    studies = [
        study for study in read_studies(given.rows["grouping"]) if study.kind("affinity").height
    ]
    if not studies:
        raise MissingRowsError(NEED, "No stored cell of 'grouping' has an affinity.")
    heights = [1.35 + 0.02 * len(study.tasks) for study in studies]
    fig = Figure(figsize=(style.full, (sum(heights) + 0.1) * style.scale))
    grid = fig.subplots(len(studies), len(AFFINITIES), squeeze=False, height_ratios=heights)
    frames = []
    for line, study in zip(grid, studies, strict=True):
        means = _means(study)
        frames.append(means)
        for axis, method in zip(line, AFFINITIES, strict=True):
            part = means.filter(pl.col("method") == method)
            if part.is_empty():
                axis.set_visible(False)
                continue
            _draw_matrix(axis, _matrix(part, len(study.tasks)), study, style)
            axis.set_title(WAYS[method])
        _name_rows(line[0], study, style)
        line[0].set_ylabel(study.title)
    seeds = sorted({study.seeds for study in studies})
    return Picture(
        figure=fig,
        data=pl.concat(frames),
        caption=(
            "Affinities of task i (row) to task j (column), collected on training runs of all "
            "tasks together, mean over seeds: transfer gain by look-ahead steps (PTG), TAG's, "
            "the cosines of the gradients and of SON-GOKU's smoothed gradients. Blue: i helps j; "
            "red, with a minus sign where there is room for no number: i hurts j by a twentieth of "
            "the scale or more. "
            "Each matrix has its own scale, from minus to plus its largest absolute value off the "
            "diagonal, which stands below it; numbers are tenths of that. The diagonal is left "
            "out, since only the paper's own form counts what a task gains from itself."
        ),
        n=f"{seeds[0] if len(seeds) == 1 else f'{seeds[0]} to {seeds[-1]}'} seeds a matrix",
        interval="none drawn; each pair's least and largest seed are in the CSV",
        keys=tuple(study.key for study in studies),
    )


def _means(study: Study) -> pl.DataFrame:
    found = study.kind("affinity").filter(pl.col("method").is_in(AFFINITIES))
    means = found.group_by("method", "i", "j").agg(
        pl.col("value").mean(),
        pl.col("value").min().alias("least"),
        pl.col("value").max().alias("largest"),
        pl.col("seed").n_unique().alias("seeds"),
    )
    names = dict(enumerate(study.tasks))
    return means.sort("method", "i", "j").select(
        pl.lit(study.name).alias("benchmark"),
        pl.lit(study.provenance).alias("provenance"),
        "method",
        "i",
        "j",
        pl.col("i").replace_strict(names, return_dtype=pl.String, default="").alias("from"),
        pl.col("j").replace_strict(names, return_dtype=pl.String, default="").alias("to"),
        "value",
        "least",
        "largest",
        "seeds",
    )


def _matrix(part: pl.DataFrame, size: int) -> NDArray[np.float64]:
    values = np.full((size, size), np.nan)
    values[part["i"].to_numpy(), part["j"].to_numpy()] = part["value"].to_numpy()
    np.fill_diagonal(values, np.nan)
    return values


def _tenths(share: float) -> str:
    return f"{10 * share + 0.0:.0f}".replace("-0", "0").replace("-", "−")


def _name_rows(axis: Axes, study: Study, style: Style) -> None:
    """Name the rows in type that fits their height, and not all of them where none would."""
    pitch = 72.0 * SIDE * style.full / len(study.tasks)
    every = max(1, math.ceil(5.0 / pitch))
    places = range(0, len(study.tasks), every)
    size = min(style.small, max(5.0, 0.9 * pitch * every))
    axis.set_yticks(places, [study.tasks[place][:14] for place in places], fontsize=size)


def _draw_matrix(axis: Axes, values: NDArray[np.float64], study: Study, style: Style) -> None:
    most = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    most = most or 1.0
    axis.imshow(values, cmap="RdBu", vmin=-most, vmax=most)
    axis.set_facecolor("#D9D9D9")
    for (row, column), value in np.ndenumerate(values):
        text = _tenths(value / most) if np.isfinite(value) else ""
        if len(study.tasks) > MOST_NUMBERS:
            # Without colours red and blue are one grey, so the sign at least is written in.
            text = "−" if text.startswith("−") else ""
        if text:
            # Tenths of the largest: readable at this size, and the scale stands below.
            axis.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                size=max(5.0, 0.68 * style.size),
                color="white" if abs(value) > 0.65 * most else "black",
            )
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_xlabel(f"± {most:.2g}", fontsize=style.small)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
