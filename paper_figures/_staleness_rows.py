"""From stored rows of the experiment ``staleness`` to the points that its figure draws."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = ["NEED", "POLICIES", "StalenessPoints", "select"]

NEED = Need("staleness")

SETTING = ("model", "num_tasks", "density", "num_groups", "churn", "refresh_period", "rounds")
"""What the cells of the upper panels share."""

POLICIES = (
    "cycle",
    "single_step",
    "random_groups",
    "static",
    "oldest_first",
    "round_robin",
    "sequential",
    "all_tasks",
)
"""From top to bottom."""


@dataclass(frozen=True, slots=True)
class StalenessPoints:
    """What is drawn.

    Attributes
    ----------
    setting : dict
        Params that the cells of `gaps` share.
    gaps : polars.DataFrame
        ``sequence``, ``policy``, ``kind``, ``gap``, ``count``, ``share`` (of that policy's gaps of
        that kind), ``at_bound``, ``over_bound``, ``over_delta``.
    runs : polars.DataFrame
        One line for each ``sequence`` and ``policy`` of the same cells: sums and largest values of
        the rows of kind ``runs``.
    starving : polars.DataFrame
        ``line``, ``refresh_period``, ``runs``, ``starved``, ``share``, ``low``, ``high``,
        ``missed`` (share of windows, task by task, without a turn), ``classes`` (m), ``rounds``.
    everything : polars.DataFrame
        All rows of kind ``runs``, whatever their setting.
    keys : tuple of str
    """

    setting: dict[str, object]
    gaps: pl.DataFrame
    runs: pl.DataFrame
    starving: pl.DataFrame
    everything: pl.DataFrame
    keys: tuple[str, ...]


def select(rows: pl.DataFrame) -> StalenessPoints:
    """Choose the setting that most policies and sequences share, and pool what repeats.

    Raises
    ------
    MissingRowsError
        If there are no rows, or none with the paper's phase.
    """
    plain = rows.filter(
        pl.col("phase") == "global",
        pl.col("short_window") == "truncate",
        pl.col("policy").is_in(POLICIES),
    )
    if plain.is_empty():
        raise MissingRowsError(NEED, "No cell of 'staleness' with eq. 11's phase is finished.")
    # Windows as long as the cycle come first: elsewhere the paper's policy promises nothing.
    sizes = (
        plain.filter(pl.col("kind") == "runs")
        .group_by(*SETTING)
        .agg(
            pl.struct("policy", "sequence").n_unique().alias("lines"),
            (pl.col("classes_max").max() <= pl.col("refresh_period").first()).alias("long"),
        )
        .sort(
            ["lines", "long", "model", *SETTING[1:]],
            descending=[True, True, True, *[False] * (len(SETTING) - 1)],
        )
    )
    setting = sizes.select(*SETTING).row(0, named=True)
    mine = plain.filter(pl.all_horizontal(pl.col(n) == v for n, v in setting.items()))
    starving, cells = _starving(rows)
    return StalenessPoints(
        setting=setting,
        gaps=_gaps(mine),
        runs=_runs(mine),
        starving=starving,
        everything=rows.filter(pl.col("kind") == "runs"),
        keys=tuple(sorted({*mine["key"], *cells})),
    )


def _gaps(mine: pl.DataFrame) -> pl.DataFrame:
    pooled = (
        mine.filter(pl.col("kind") != "runs")
        .group_by("sequence", "policy", "kind", "gap")
        .agg(pl.col("count", "at_bound", "over_bound", "over_delta").sum())
    )
    return pooled.with_columns(
        (pl.col("count") / pl.col("count").sum().over("sequence", "policy", "kind")).alias("share")
    ).sort("sequence", "policy", "kind", "gap")


def _runs(mine: pl.DataFrame) -> pl.DataFrame:
    return (
        mine.filter(pl.col("kind") == "runs")
        .group_by("sequence", "policy")
        .agg(
            pl.col("count", "over_bound", "over_delta", "over_delta_runs", "starved_runs").sum(),
            pl.col("longest_wait", "classes_max", "max_degree", "always").max(),
            # one run without a bound leaves the pool without one
            pl.when(pl.col("bound").is_not_null().all()).then(pl.col("bound").max()).alias("bound"),
        )
        .sort("sequence", "policy")
    )


def _line(policy: str, sequence: str, phase: str, short_window: str) -> str | None:
    if policy == "oldest_first":
        return "oldest first, adversarial" if sequence == "adversarial" else None
    if policy != "cycle":
        return None
    if short_window == "extend":
        return "extended windows, adversarial" if sequence == "adversarial" else None
    if phase == "global":
        return f"eq. 11, {sequence}" if sequence != "drifting" else None
    return "restarted cycle, static" if (phase, sequence) == ("restart", "static") else None


def _starving(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Find the cells whose number of classes is known, and count the runs that starve a task."""
    found = rows.filter(pl.col("kind") == "runs", pl.col("model") == "multipartite")
    schema = {
        "line": pl.String, "refresh_period": pl.Int64, "runs": pl.Int64, "starved": pl.Int64,
        "share": pl.Float64, "low": pl.Float64, "high": pl.Float64, "missed": pl.Float64,
        "classes": pl.Int64, "rounds": pl.Int64,
    }  # fmt: skip
    if found.is_empty():
        return pl.DataFrame(schema=schema), ()
    best = (
        found.group_by("num_groups", "num_tasks", "churn", "rounds")
        .len()
        .sort("len", "num_groups", "num_tasks", "churn", "rounds", descending=True)
        .drop("len")
        .row(0, named=True)
    )
    found = found.filter(pl.all_horizontal(pl.col(n) == v for n, v in best.items()))
    lines = [
        _line(*values)
        for values in found.select("policy", "sequence", "phase", "short_window").iter_rows()
    ]
    found = found.with_columns(pl.Series("line", lines, dtype=pl.String)).drop_nulls("line")
    pooled = (
        found.group_by("line", "refresh_period")
        .agg(pl.col("count", "starved_runs", "misses", "chances").sum())
        .sort("line", "refresh_period")
    )
    counts = list(pooled.select("starved_runs", "count").iter_rows())
    bounds = [clopper_pearson(starved, runs) for starved, runs in counts]
    return (
        pooled.select(
            "line",
            "refresh_period",
            pl.col("count").alias("runs"),
            pl.col("starved_runs").alias("starved"),
            (pl.col("starved_runs") / pl.col("count")).alias("share"),
            pl.Series("low", [low for low, _ in bounds], dtype=pl.Float64),
            pl.Series("high", [high for _, high in bounds], dtype=pl.Float64),
            (pl.col("misses") / pl.col("chances")).alias("missed"),
            pl.lit(best["num_groups"], dtype=pl.Int64).alias("classes"),
            pl.lit(best["rounds"], dtype=pl.Int64).alias("rounds"),
        ),
        tuple(found["key"]),
    )
