"""From stored rows of the experiment ``sketches`` to the points of its figure's panels."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = ["FAMILIES", "NEED", "SketchPoints", "select"]

NEED = Need("sketches")

PROBLEM = ("model", "num_groups", "group_size", "dim", "tau", "gamma", "noise_energy")
MOVING = ("window", "beta", "drift", "refreshes", "rebuild_every")
FAMILIES = {
    "projection": ("gaussian", "sparse"),
    "directions": ("fd_rows", "fd_columns"),
    "pairs": ("sampled", "sampled_classes", "sampled_bounds", "representatives"),
    "moving": ("incremental", "incremental_paper"),
}
"""Methods that share a panel, and so one problem."""

KNOB = {
    "projection": "size",
    "directions": "size",
    "pairs": "pair_factor",
    "moving": "threshold",
}
COUNTS = ("graph_same", "colors_same", "partition_exact", "partition_exact_full")
MEANS = (
    "flips",
    "expected_flips",
    "max_error_mean",
    "bound",
    "paper_bound",
    "operations",
    "recomputed",
)


@dataclass(frozen=True, slots=True)
class SketchPoints:
    """One problem's rows of each family of methods; replicates are the first one only.

    ``points`` has the experiment's columns, ``family``, ``cost`` (operations over the exact Gram
    matrix's) and ``held_share``. ``problems`` says which problem each family has.
    """

    points: pl.DataFrame
    problems: dict[str, dict[str, object]]
    keys: tuple[str, ...]
    left_out: int


def select(rows: pl.DataFrame) -> SketchPoints:
    """Choose for each family the problem with the most settings of its knob.

    Raises
    ------
    MissingRowsError
        If no family has rows.
    """
    found: list[pl.DataFrame] = []
    problems: dict[str, dict[str, object]] = {}
    for family, methods in FAMILIES.items():
        mine = rows.filter(pl.col("method").is_in(methods))
        if mine.is_empty():
            continue
        axes = [*PROBLEM, *(MOVING if family == "moving" else ())]
        sizes = (
            mine.group_by(axes)
            .agg(pl.struct("method", KNOB[family]).n_unique().alias("points"))
            .sort(["points", *axes], descending=[True, *[name == "model" for name in axes]])
        )
        chosen = sizes.select(axes).row(0, named=True)
        same = mine.filter(pl.all_horizontal(pl.col(n) == value for n, value in chosen.items()))
        same = same.filter(pl.col("replicate") == pl.col("replicate").min())
        problems[family] = chosen
        found.append(same.with_columns(pl.lit(family).alias("family")))
    if not found:
        raise MissingRowsError(NEED, "No cell of 'sketches' is finished.")
    points = pl.concat(found).with_columns(
        (pl.col("operations") / pl.col("exact_operations")).alias("cost"),
        (pl.col("held") / pl.col("exact_held")).alias("held_share"),
    )
    return SketchPoints(
        points=points.sort("family", "method", "size", "pair_factor", "threshold"),
        problems=problems,
        keys=tuple(sorted(set(points["key"]))),
        left_out=rows["key"].n_unique() - points["key"].n_unique(),
    )


def share(count: int, trials: int) -> tuple[float, float, float]:
    """Return a share with its exact 95% interval."""
    low, high = clopper_pearson(count, trials)
    return count / trials, low, high
