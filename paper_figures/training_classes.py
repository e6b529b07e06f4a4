"""How many classes the scheduler makes over real runs, beside the bound of Proposition 9."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from paper_figures._training_lines import Drawing, dashed_bound, lines_picture
from paper_figures._training_rows import NEED, TITLES, read_benches
from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import Style

__all__ = ["draw"]


@figure(
    name="training_classes",
    title="Real training: classes over time",
    needs=(NEED,),
    claims=("COL-P9",),
    place=14,
)
def draw(given: FigureInput) -> Picture:
    """Draw the number of classes at each refresh, one panel a benchmark."""
    drawing = Drawing(
        column="classes",
        label="classes m",
        caption=(
            "Number of colour classes at each refresh of real training runs: SON-GOKU, its "
            "ablation with a history of one batch, and groups drawn at random. Dashed: Δ + 1 of "
            "SON-GOKU's conflict graphs (Δ: the most conflicts of one task), which Proposition 9 "
            "says first-fit needs at most. A task has its turn every m steps, so m is what the "
            "schedule costs."
        ),
        more=_bound,
        handles=((Line2D([], [], color="black", linestyle="--", linewidth=0.8), "Δ + 1"),),
        answer=_answer,
        least=0,
        whole=True,
        beside=("max_degree",),
    )
    return lines_picture(read_benches(given.rows["training"]), given.style, drawing)


def _bound(axis: Axes, own: pl.DataFrame, style: Style) -> None:
    dashed_bound(axis, own.with_columns(pl.col("max_degree") + 1), "max_degree", style)


def _answer(data: pl.DataFrame) -> Answer:
    own = data.filter(pl.col("method") == "son_goku")
    parts = []
    for (name,), part in own.group_by("benchmark", maintain_order=True):
        low, high = int(min(part["classes"])), int(max(part["classes"]))
        one = int((part["classes"] == 1).sum())
        parts.append(
            f"{TITLES.get(str(name), str(name))} {low} to {high} of {part['tasks'][0]} tasks "
            f"(a single class at {one} of {part.height} refreshes)"
        )
    text = (
        f"Classes at the refreshes of SON-GOKU's stored runs: {'; '.join(parts)}. With a single "
        "class all tasks run at every step, as without a schedule."
        if parts
        else "No run of SON-GOKU with a refresh is stored, so nothing can be said."
    )
    return Answer("How many classes does real training give?", text)
