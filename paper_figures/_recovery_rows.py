"""From stored rows of the experiment ``recovery`` to the points that its figure draws."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = ["MIN_NORM", "NEED", "RecoveryPoints", "Setting", "plain_cells", "select"]

NEED = Need("recovery")

SETTING = ("model", "num_groups", "group_size", "tau", "gamma", "sigma", "noise")
"""What stays fixed within one figure."""

POINT = ("dim", "method", "window", "beta")
"""What makes a point of it; replicates and blocks of trials are pooled."""

MIN_NORM = 1.0
"""m_0: the experiment plants mean gradients of unit length."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The parameters that all points of the figure share."""

    model: str
    num_groups: int
    group_size: int
    tau: float
    gamma: float
    sigma: float
    noise: str
    margin: float

    @property
    def num_tasks(self) -> int:
        """K."""
        return self.num_groups * self.group_size

    @property
    def words(self) -> str:
        """The setting in words, for a caption."""
        return (
            f"K = {self.num_tasks} tasks in {self.num_groups} groups ({self.model} model), "
            f"τ = {self.tau:g}, margin γ = {self.margin:g}, {self.noise} noise with σ = "
            f"{self.sigma:g} a coordinate, mean gradients of unit length"
        )


@dataclass(frozen=True, slots=True)
class RecoveryPoints:
    """Pooled points of one setting.

    ``points`` has the columns ``dim``, ``method``, ``n_eff``, ``trials`` and, for each of
    ``graph`` and ``partition``, the estimate, ``_low`` and ``_high``. ``left_out`` counts the
    stored cells of other settings.
    """

    setting: Setting
    points: pl.DataFrame
    keys: tuple[str, ...]
    left_out: int


def select(rows: pl.DataFrame) -> RecoveryPoints:
    """Choose the setting with the most points, Gaussian noise first, and pool its replicates.

    Raises
    ------
    MissingRowsError
        If there are no rows.
    """
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'recovery' is finished.")
    plain = plain_cells(rows)
    if plain.is_empty():
        raise MissingRowsError(NEED, "No cell of 'recovery' with the plain cosine is finished.")
    sizes = (
        plain.group_by(*SETTING)
        .agg(pl.struct(*POINT).n_unique().alias("points"))
        .with_columns((pl.col("noise") == "gaussian").alias("gaussian"))
        .sort(["gaussian", "points", *SETTING], descending=[True, True, *[False] * len(SETTING)])
    )
    chosen = sizes.select(*SETTING).row(0, named=True)
    mine = plain.filter(pl.all_horizontal(pl.col(name) == value for name, value in chosen.items()))
    return RecoveryPoints(
        setting=Setting(**chosen, margin=float(mine["margin"].to_list()[0])),
        points=_pooled(mine),
        keys=tuple(sorted(set(mine["key"]))),
        left_out=rows["key"].n_unique() - mine["key"].n_unique(),
    )


def plain_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the plain cosine and cells that ran all their trials: only their counts are binomial."""
    found = rows
    for name, wanted in (("cosine", "plain"), ("stop_width", 0.0)):
        if name in found.columns:
            found = found.filter(pl.col(name) == wanted)
    return found


def _pooled(rows: pl.DataFrame) -> pl.DataFrame:
    sums = rows.group_by(*POINT).agg(
        pl.col("n_eff").first(), pl.col("trials", "graph_exact", "partition_exact").sum()
    )
    for what in ("graph", "partition"):
        pairs = zip(sums[f"{what}_exact"], sums["trials"], strict=True)
        bounds = [clopper_pearson(count, trials) for count, trials in pairs]
        sums = sums.with_columns(
            (pl.col(f"{what}_exact") / pl.col("trials")).alias(what),
            pl.Series(f"{what}_low", [low for low, _ in bounds], dtype=pl.Float64),
            pl.Series(f"{what}_high", [high for _, high in bounds], dtype=pl.Float64),
        )
    return sums.drop("graph_exact", "partition_exact").sort("dim", "method", "n_eff", "beta")
