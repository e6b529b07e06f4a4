"""Table 3: the data sets as they were loaded for the stored runs, beside the paper's."""

from __future__ import annotations

import polars as pl

from paper_figures._training_rows import NEED, TITLES, Bench, read_benches
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.table import Column, Part, Table

__all__ = ["lay"]

PRINTED = {
    "nyuv2": "250",
    "cifar10": "2,500",
    "av_mnist": "56.0k",
    "mm_imdb": "25.9k",
    "stocks_fb": "75.5k",
    "stocks_health": "75.5k",
}
"""Samples in the paper's Table 3."""
ROLES = (("main", "main tasks"), ("positive", "(+) auxiliary"), ("negative", "(−) auxiliary"))


@table(name="table3", title="Table 3: the data sets as loaded", needs=(NEED,), place=19)
def lay(given: FigureInput) -> Table:
    """List tasks and roles, provenance and size of every benchmark with stored runs."""
    benches = read_benches(given.rows["training"])
    columns = (
        Column("data set", "left"),
        Column("data", "left"),
        *(Column(head, "text") for _, head in ROLES),
        Column("examples ≥"),
        Column("paper"),
    )
    rows = tuple(_row(bench) for bench in benches)
    notes = tuple(
        f"{TITLES.get(bench.name, bench.name)}: "
        f"{'; '.join(note.rstrip('.') for note in bench.notes)}."
        for bench in benches
        if bench.notes
    )
    return Table(
        parts=(Part("", columns, rows, notes=notes),),
        data=pl.concat(_data(bench) for bench in benches),
        caption=(
            "Data sets as the stored runs loaded them, tasks with their roles. Data: EXACT, the "
            "paper's own; NEAR, real data of the same kind; SYNTH, generated. Examples: of the "
            "training split, as whole batches of an epoch times their size, so up to a batch less "
            "than there are; beside it the samples in the paper's Table 3."
        ),
        n=f"{len(benches)} data sets",
        interval="none: what was loaded",
        keys=tuple(key for bench in benches for key in bench.keys),
    )


def _row(bench: Bench) -> tuple[str, ...]:
    tasks = bench.tasks().select("i", "name", "role").unique(["name", "role"]).sort("i", "name")
    by_role = {
        role: [name for _, name, found in tasks.iter_rows() if found == role] for role, _ in ROLES
    }
    size = _examples(bench)
    return (
        TITLES.get(bench.name, bench.name),
        bench.provenance,
        *(", ".join(name.replace("_", " ") for name in by_role[role]) or "–" for role, _ in ROLES),
        "–" if size is None else f"{size:,}",
        PRINTED.get(bench.name, "–"),
    )


def _examples(bench: Bench) -> int | None:
    work = bench.kind("work").filter(pl.col("label") == "steps_per_epoch")["value"]
    training = bench.settings.get("training")
    batch = training.get("batch_size") if isinstance(training, dict) else None
    return int(max(work) * batch) if len(work) and batch else None


def _data(bench: Bench) -> pl.DataFrame:
    tasks = bench.tasks().select("name", "role").unique(maintain_order=True).sort("role", "name")
    return tasks.select(
        pl.lit(bench.name).alias("benchmark"),
        pl.lit(bench.provenance).alias("provenance"),
        "name",
        "role",
        pl.lit(_examples(bench), dtype=pl.Int64).alias("examples_at_least"),
    )
