"""What the scheduler of real runs saw: the quantities that the theorems are about, as a table."""

from __future__ import annotations

import polars as pl

from paper_figures._training_refreshes import read_refreshes, refreshed
from paper_figures._training_rows import NEED, Bench, read_benches
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.table import Column, Part, Table

__all__ = ["lay"]

QUANTITIES = (
    ("tasks", "tasks K"),
    ("classes", "classes m"),
    ("max_degree", "most conflicts of a task, Δ"),
    ("conflicts", "share of pairs in conflict"),
    ("tau", "threshold τ"),
    ("least_cosine", "least cosine"),
    ("margin", "margin: least |cosine + τ|"),
    ("least_n_eff", "least n_eff of a task (samples)"),
    ("class_bound", "Proposition 6: least 1 − τ(|S| − 1)"),
    ("tau_eff", "Proposition 7: largest τ_eff"),
    ("class_ratio", "least ||Σg||² / Σ||g||² of a class"),
)
SCHEMA = {
    "benchmark": pl.String,
    "provenance": pl.String,
    "quantity": pl.String,
    "refreshes": pl.Int64,
    "median": pl.Float64,
    "least": pl.Float64,
    "largest": pl.Float64,
}


@table(
    name="training_premises",
    title="Real training: what the theorems are about, as the scheduler saw it",
    needs=(NEED,),
    place=14,
)
def lay(given: FigureInput) -> Table:
    """Set median, least and largest over all refreshes of SON-GOKU's runs, one part a benchmark."""
    kept = [
        (bench, frame)
        for bench in refreshed(read_benches(given.rows["training"]))
        if (frame := read_refreshes(bench, ("son_goku",))).height
    ]
    if not kept:
        raise MissingRowsError(NEED, "No stored run of SON-GOKU has a refresh with cosines.")
    data = pl.concat(_numbers(bench, frame) for bench, frame in kept)
    keys = tuple(sorted({key for _, frame in kept for key in frame["key"]}))
    return Table(
        parts=tuple(_part(bench, data) for bench, _ in kept),
        data=data,
        caption=(
            "What the refreshes of SON-GOKU's real runs were like, by what the scheduler saw: "
            "cosines and norms are of the smoothed gradients. The last three quantities are of the "
            "worst class with two tasks or more at each refresh. A dash: there was no such class."
        ),
        n=f"{sum(frame.height for _, frame in kept):,} refreshes of {len(keys)} runs",
        interval="none: median, least and largest of what was recorded",
        keys=keys,
    )


def _numbers(bench: Bench, frame: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for column, label in QUANTITIES:
        values = frame[column].drop_nulls().cast(pl.Float64)
        ends = (values.median(), values.min(), values.max()) if len(values) else (None,) * 3
        rows.append((bench.name, bench.provenance, label, len(values), *ends))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _part(bench: Bench, data: pl.DataFrame) -> Part:
    mine = data.filter(pl.col("benchmark") == bench.name)
    rows = tuple(
        (row["quantity"], _text(row["median"]), _text(row["least"]), _text(row["largest"]))
        for row in mine.iter_rows(named=True)
    )
    heads = (Column("", "left"), Column("median"), Column("least"), Column("largest"))
    return Part(bench.title, heads, rows)


def _text(value: float | None) -> str:
    """Write three significant digits.

    Examples
    --------
    >>> _text(12.0), _text(-0.12345), _text(None)
    ('12', '−0.123', '–')
    """
    return "–" if value is None else f"{value:.3g}".replace("-", "−")
