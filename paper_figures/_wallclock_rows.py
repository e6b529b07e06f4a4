"""From stored rows of the experiment ``wallclock`` to means with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = ["NEED", "Times", "select", "summarised"]

NEED = Need("wallclock")
SETTING = ("dim", "steps", "workload", "device", "device_name")


@dataclass(frozen=True, slots=True)
class Times:
    """Means of one setting of one study.

    ``points`` has the columns ``num_tasks``, ``method``, ``refresh_period``, ``mean`` (seconds a
    step, geometric), ``low``, ``high`` (95% by Student's t over the repeats' logarithms), ``sd``
    (of the logarithms), ``repeats``, ``running``.
    """

    dim: int
    steps: int
    workload: str
    device: str
    device_name: str
    points: pl.DataFrame
    keys: tuple[str, ...]
    left_out: int

    @property
    def repeats(self) -> str:
        """How often each point was measured, in words."""
        least, most = int(self.points["repeats"].min()), int(self.points["repeats"].max())  # type: ignore[arg-type]
        return f"{least}" if least == most else f"{least} to {most}"


def select(rows: pl.DataFrame, study: str) -> Times:
    """Choose the setting with the most points (longest runs, GPU first) and average its repeats.

    Raises
    ------
    MissingRowsError
        If there are no rows of this study.
    """
    mine = rows.filter(pl.col("study") == study)
    if mine.is_empty():
        raise MissingRowsError(NEED, f"No cell of 'wallclock' with study = {study!r} is finished.")
    settings = (
        mine.group_by(*SETTING)
        .agg(pl.struct("num_tasks", "method", "refresh_period").n_unique().alias("points"))
        .with_columns((pl.col("device") != "cpu").alias("accelerated"))
        .sort(
            ["accelerated", "points", "steps", *SETTING[2:], "dim"],
            descending=[True, True, True, True, False, False, False],
        )
    )
    chosen = settings.select(*SETTING).row(0, named=True)
    found = mine.filter(pl.all_horizontal(pl.col(name) == value for name, value in chosen.items()))
    return Times(
        **chosen,
        points=summarised(found),
        keys=tuple(sorted(set(found["key"]))),
        left_out=mine["key"].n_unique() - found["key"].n_unique(),
    )


def summarised(rows: pl.DataFrame) -> pl.DataFrame:
    """Average repeats (and replicates): seconds a step, with a 95% interval of the mean.

    On logarithms: times are positive and skewed, and a busy neighbour multiplies. On a CPU the
    clock is the process's own, which does not run while a neighbour does; on a quiet machine it
    shows the same (one thread, nothing is waited for).
    """
    from scipy.stats import t

    steps = pl.col("steps")
    on_cpu = pl.col("device") == "cpu"
    clock = pl.when(on_cpu).then(pl.col("cpu_seconds")).otherwise(pl.col("seconds"))
    grouped = (
        rows.with_columns((clock / steps).log().alias("each"))
        .group_by("num_tasks", "dim", "method", "refresh_period")
        .agg(
            pl.col("each").mean().alias("mean"),
            pl.col("each").std().fill_null(0.0).alias("sd"),
            pl.len().alias("repeats"),
            pl.col("running").mean(),
        )
        .sort("num_tasks", "dim", "method", "refresh_period")
    )
    halves = [
        float(t.ppf(0.975, n - 1)) * sd / math.sqrt(n) if n > 1 else 0.0
        for n, sd in grouped.select("repeats", "sd").iter_rows()
    ]
    half = pl.Series("half", halves, dtype=pl.Float64)
    return grouped.with_columns(
        pl.col("mean").exp(),
        (pl.col("mean") - half).exp().alias("low"),
        (pl.col("mean") + half).exp().alias("high"),
    )
