"""How many pairs of tasks are in conflict over real runs."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes

from paper_figures._training_lines import Drawing, lines_picture
from paper_figures._training_rows import NEED, TITLES, read_benches
from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import Style

__all__ = ["draw"]


@figure(
    name="training_conflict",
    title="Real training: share of pairs in conflict over time",
    needs=(NEED,),
    place=14,
)
def draw(given: FigureInput) -> Picture:
    """Draw the share of pairs with an edge at each refresh, one panel a benchmark."""
    drawing = Drawing(
        column="conflicts",
        label="share of pairs",
        caption=(
            "Share of the pairs of tasks that are in conflict (cosine of the smoothed gradients "
            "below -τ) at each refresh of real training runs, for SON-GOKU, its ablation with a "
            "history of one batch, and random groups, whose graph is measured and not used."
        ),
        more=_nothing,
        handles=(),
        answer=_answer,
        least=-0.03,
        most=1.03,
    )
    return lines_picture(read_benches(given.rows["training"]), given.style, drawing)


def _nothing(axis: Axes, own: pl.DataFrame, style: Style) -> None:
    """Nothing is drawn beside the lines."""


def _answer(data: pl.DataFrame) -> Answer:
    own = data.filter(pl.col("method") == "son_goku")
    parts = []
    for (name,), part in own.group_by("benchmark", maintain_order=True):
        first = part.filter(pl.col("refresh") == pl.col("refresh").min())["conflicts"]
        last = part.filter(pl.col("refresh") == pl.col("refresh").max().over("key"))["conflicts"]
        parts.append(
            f"{TITLES.get(str(name), str(name))} {100 * _mean(first):.0f}% at the first refresh, "
            f"{100 * _mean(last):.0f}% at the last ({part['key'].n_unique()} runs)"
        )
    text = (
        f"Pairs in conflict in SON-GOKU's stored runs, mean over seeds: {'; '.join(parts)}."
        if parts
        else "No run of SON-GOKU with a refresh is stored, so nothing can be said."
    )
    return Answer("How much conflict is there in real training, and does it change?", text)


def _mean(values: pl.Series) -> float:
    return float(sum(values.to_list())) / len(values)
