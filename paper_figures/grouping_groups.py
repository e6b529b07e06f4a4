"""Which groups each way to group tasks found."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from paper_figures._grouping_rows import NEED, Study, read_studies, way_name
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

TRIVIAL = ("together", "single", "son_goku", "random", "son_goku_in_ptg")
"""Ways whose groups say nothing, or are those of another way."""
COLORS = tuple(
    PALETTE[name] for name in ("blue", "orange", "yellow", "green", "purple", "sky", "vermilion")
)
NONE = "#FFFFFF"


@figure(
    name="grouping_groups",
    title="Task grouping: the groups that each way found",
    needs=(NEED,),
    place=30,
)
def draw(given: FigureInput) -> Picture:
    """Draw ways down, tasks across; a task's letter names its group."""
    style = given.style
    found = [(study, _groups(study)) for study in read_studies(given.rows["grouping"])]
    shown = [(study, frame) for study, frame in found if frame.height]
    if not shown:
        raise MissingRowsError(NEED, "No stored cell of 'grouping' has groups of a method.")
    lines = [frame["way"].n_unique() for _, frame in shown]
    heights = [0.55 + 0.155 * count for count in lines]
    fig = Figure(figsize=(style.full, (sum(heights) + 0.2) * style.scale))
    axes = fig.subplots(len(shown), 1, squeeze=False, height_ratios=heights).ravel()
    for axis, (study, frame) in zip(axes, shown, strict=True):
        _draw_panel(axis, study, frame, style)
    return Picture(
        figure=fig,
        data=pl.concat(frame for _, frame in shown),
        caption=(
            "Groups of tasks found by each way and number of groups. Tasks with the same letter "
            "share a network; letters are given in order of the tasks, and mean nothing from one "
            "line to the next. Of the groups found with several seeds those found most often are "
            "shown, and how often, of how many; where a way lets a task stand in two groups, the "
            "first is shown. A seed is one repetition of everything, affinities included, so a "
            "way that finds other groups with each seed is no property of the tasks."
        ),
        n=", ".join(f"{study.title}: {study.seeds} seeds" for study, _ in shown),
        interval="none: groups are listed, with how often they were found",
        keys=tuple(study.key for study, _ in shown),
    )


def _groups(study: Study) -> pl.DataFrame:
    """One row a way and task: its group in the partition that was found most often."""
    rows = study.kind("group").filter(~pl.col("method").is_in(TRIVIAL))
    made = []
    size = len(study.tasks)
    for (method, count), part in study.ordered(rows).group_by(
        "method", "num_groups", maintain_order=True
    ):
        seeds = part.group_by("seed", maintain_order=True)
        votes = Counter(_lettered(frame, size) for _, frame in seeds)
        letters, times = votes.most_common(1)[0]
        name = way_name(str(method), int(str(count)))
        made += [
            (study.name, study.provenance, name, task, letter, times, votes.total())
            for task, letter in zip(study.tasks, letters, strict=True)
        ]
    columns = ("benchmark", "provenance", "way", "task", "group", "found", "seeds")
    kinds = (pl.String, pl.String, pl.String, pl.String, pl.Int64, pl.Int64, pl.Int64)
    return pl.DataFrame(made, schema=dict(zip(columns, kinds, strict=True)), orient="row")


def _lettered(frame: pl.DataFrame, size: int) -> tuple[int, ...]:
    """Number the groups in order of their first tasks; -1 for a task in none."""
    first: dict[int, int] = {}
    for group, task in frame.sort("group").select("group", "i").iter_rows():
        first.setdefault(int(task), int(group))
    names: dict[int, int] = {}
    found = []
    for task in range(size):
        group = first.get(task)
        found.append(-1 if group is None else names.setdefault(group, len(names)))
    return tuple(found)


def _draw_panel(axis: Axes, study: Study, frame: pl.DataFrame, style: Style) -> None:
    ways = list(dict.fromkeys(frame["way"]))
    values: NDArray[np.int64] = frame["group"].to_numpy().reshape(len(ways), len(study.tasks))
    palette = ListedColormap([NONE, *(COLORS[n % len(COLORS)] for n in range(values.max() + 1))])
    axis.imshow(values, cmap=palette, vmin=-1.5, vmax=values.max() + 0.5, aspect="auto")
    for (row, column), name in np.ndenumerate(values):
        if name >= 0:
            axis.text(
                column,
                row,
                chr(ord("A") + int(name) % 26),
                ha="center",
                va="center_baseline",
                color="white" if name % len(COLORS) == 0 else "black",
                fontsize=style.size * 0.8,
            )
    times = frame.group_by("way", maintain_order=True).agg(pl.col("found", "seeds").first())
    for row, (found, seeds) in enumerate(times.select("found", "seeds").iter_rows()):
        axis.text(
            len(study.tasks) - 0.4, row, f"{found} of {seeds}", va="center", fontsize=style.small
        )
    axis.set_yticks(range(len(ways)), ways)
    slanted = max(map(len, study.tasks)) > 60 // len(study.tasks)
    axis.set_xticks(
        range(len(study.tasks)),
        [task[:14] for task in study.tasks],
        rotation=40 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else "default",
    )
    axis.tick_params(length=0)
    axis.set_xticks(np.arange(-0.5, len(study.tasks)), minor=True)
    axis.set_yticks(np.arange(-0.5, len(ways)), minor=True)
    axis.tick_params(which="minor", length=0)
    axis.grid(visible=False)
    axis.grid(visible=True, which="minor", color="white", linewidth=1.2)
    axis.spines[:].set_visible(False)
    axis.set_title(f"{study.title}: groups, and with how many seeds they were found")
