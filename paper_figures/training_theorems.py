"""At what share of the refreshes of real runs the theorems' hypotheses and conclusions held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from paper_figures._training_refreshes import read_refreshes, refreshed
from paper_figures._training_rows import NEED, TITLES, Bench, read_benches
from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import Style

__all__ = ["STATEMENTS", "Statement", "draw"]

SCHEMA = {
    "benchmark": pl.String,
    "provenance": pl.String,
    "statement": pl.String,
    "unit": pl.String,
    "held": pl.Int64,
    "of": pl.Int64,
    "share": pl.Float64,
}

MOST_ON_ONE_LINE = 3
"""Benchmarks whose names are not broken at their hyphens."""
TAU_EFF = r"$\tau_\mathrm{eff}$"


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that holds or fails at each refresh.

    Attributes
    ----------
    label : str
        On the figure, two short lines.
    holds : polars.Expr
        Over the frame of refreshes; missing where it can't be asked.
    """

    label: str
    holds: pl.Expr


STATEMENTS = (
    Statement("R ≥ m: a round holds a whole cycle\n(eq. 11, Proposition 8)",
              pl.col("period") >= pl.col("classes")),
    Statement("m ≤ Δ + 1\n(Proposition 9)", pl.col("classes") <= pl.col("max_degree") + 1),
    Statement("τ(|S| − 1) < 1 in every class:\nProposition 6 says something",
              pl.col("class_bound") > 0),
    Statement(f"{TAU_EFF} < 1 in every class:\nProposition 7 says something",
              pl.col("tau_eff") < 1),
    Statement("the estimated graph is complete\nmultipartite (Theorem 4's model)",
              pl.col("multipartite")),
    Statement("more than one class: the\nschedule does something", pl.col("classes") > 1),
)  # fmt: skip
GAPS = "the run's longest gap of each task\nis ≤ its largest Δ + 1 (section 5.5)"


@figure(
    name="training_theorems",
    title="Real training: which theorems applied",
    needs=(NEED,),
    claims=("COL-P8-WINDOW", "COL-P8-RUN", "COL-P9", "COL-7.3.2b"),
    place=14,
)
def draw(given: FigureInput) -> Picture:
    """Draw a matrix: statements down, benchmarks across, shares in the cells."""
    kept = [
        (bench, frame)
        for bench in refreshed(read_benches(given.rows["training"]))
        if (frame := read_refreshes(bench, ("son_goku",))).height
    ]
    if not kept:
        raise MissingRowsError(NEED, "No stored run of SON-GOKU has a refresh with cosines.")
    data = pl.concat(_held(bench, frame) for bench, frame in kept)
    refreshes = sum(frame.height for _, frame in kept)
    keys = {key for _, frame in kept for key in frame["key"]}
    return Picture(
        figure=_matrix([bench for bench, _ in kept], data, given.style),
        data=data,
        caption=(
            "Share of the refreshes of SON-GOKU's real runs at which a hypothesis or a conclusion "
            "of the paper's theory held, by what the scheduler itself saw: smoothed gradients, "
            "their graph, the classes. The longest gaps are those of tasks over whole runs. A "
            "dash: it could not be asked (no class has two tasks). Hypotheses about population "
            "gradients need measurements; 'songoku applies RUN' holds every theorem to a run."
        ),
        n=f"{refreshes:,} refreshes of {len(keys)} runs",
        interval=(
            "none: shares of what was recorded; refreshes of one run are not independent trials"
        ),
        keys=tuple(sorted(keys)),
        answers=(_answer(data),),
    )


def _held(bench: Bench, frame: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for statement in STATEMENTS:
        found = frame.select(statement.holds.alias("it")).drop_nulls()["it"]
        rows.append((statement.label, "refreshes", int(found.sum()), len(found)))
    bounds = frame.group_by("key").agg((pl.col("max_degree").max() + 1).alias("bound"))
    gaps = bench.kind("gap").join(bounds, on="key").drop_nulls("value")
    within = int((gaps["value"] <= gaps["bound"]).sum())
    rows.append((GAPS, "tasks of runs", within, gaps.height))
    return pl.DataFrame(
        [
            (bench.name, bench.provenance, _plain(label), unit, held, of,
             held / of if of else None)
            for label, unit, held, of in rows
        ],
        schema=SCHEMA,
        orient="row",
    )  # fmt: skip


def _plain(label: str) -> str:
    return label.replace("\n", " ").replace(TAU_EFF, "τ_eff")


def _matrix(benches: list[Bench], data: pl.DataFrame, style: Style) -> Figure:
    labels = [*(statement.label for statement in STATEMENTS), GAPS]
    shares = np.array(
        [
            [
                np.nan if share is None else float(share)
                for share in data.filter(pl.col("benchmark") == bench.name)["share"]
            ]
            for bench in benches
        ]
    ).T
    fig = Figure(figsize=(style.full, (0.75 + 0.36 * len(labels)) * style.scale))
    axis = fig.subplots()
    axis.imshow(np.nan_to_num(shares, nan=0.5), cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        axis.text(
            column, row, "–" if np.isnan(share) else f"{100 * share:.0f}%", ha="center",
            va="center", color="black" if share > 0.45 else "white",
        )  # fmt: skip
    axis.set_yticks(range(len(labels)), labels)
    names = [TITLES.get(bench.name, bench.name) for bench in benches]
    if len(names) > MOST_ON_ONE_LINE:
        names = [name.replace("-", "-\n", 1) for name in names]
    names = [f"{name}\n{bench.provenance}" for name, bench in zip(names, benches, strict=True)]
    axis.set_xticks(range(len(benches)), names)
    axis.tick_params(length=0)
    axis.set_xticks(np.arange(-0.5, len(benches)), minor=True)
    axis.set_yticks(np.arange(-0.5, len(labels)), minor=True)
    axis.tick_params(which="minor", length=0)
    axis.grid(visible=False)
    axis.grid(visible=True, which="minor", color="white", linewidth=1.2)
    axis.spines[:].set_visible(False)
    return fig


def _answer(data: pl.DataFrame) -> Answer:
    parts = []
    for (label,), part in data.group_by("statement", maintain_order=True):
        held, of = int(part["held"].sum()), int(part["of"].sum())
        if of:
            ends = part.drop_nulls("share")["share"].to_list()
            parts.append(
                f"{label}: {held} of {of} {part['unit'][0]} "
                f"({100 * min(ends):.0f} to {100 * max(ends):.0f}% by benchmark)"
            )
    return Answer(
        "Which hypotheses held in real training?",
        f"In SON-GOKU's stored runs, {'; '.join(parts)}.",
    )
