"""From stored rows of the experiment ``comparison`` to what its figure draws and says."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = ["NEED", "ComparisonRows", "Confusion", "confusion", "select"]

NEED = Need("comparison")

MAP_SETTING = ("num_classes", "dim", "imbalance", "condition", "curvature_ratio", "eta")
SIDES = {"for_schedule": -1.0, "against_schedule": 1.0}


@dataclass(frozen=True, slots=True)
class ComparisonRows:
    """Rows by what they are for; ``words`` says what the map's cells share.

    ``map`` has the columns cosine, coupling, wins, instances; ``mean``, ``picked`` and ``samples``
    are the rows of those kinds from everywhere else; ``plain_*`` those of them whose curvature
    was drawn without looking at the gradients.
    """

    map: pl.DataFrame
    words: str
    mean: pl.DataFrame
    picked: pl.DataFrame
    samples: pl.DataFrame
    all_mean: pl.DataFrame
    plain_mean: pl.DataFrame
    plain_picked: pl.DataFrame
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Confusion:
    """A predictor of "scheduling wins" against the truth, pooled over cells."""

    yes_win: int
    yes_loss: int
    no_win: int
    no_loss: int

    @property
    def total(self) -> int:
        """Instances."""
        return self.yes_win + self.yes_loss + self.no_win + self.no_loss

    @property
    def right(self) -> tuple[float, float, float]:
        """Share of right answers with its exact 95% interval."""
        count = self.yes_win + self.no_loss
        low, high = clopper_pearson(count, self.total)
        return count / self.total, low, high

    @property
    def words(self) -> str:
        """The share of right answers in words."""
        value, low, high = self.right
        return f"{100 * value:.1f}% [{100 * low:.1f}, {100 * high:.1f}] of {self.total:,}"


def confusion(rows: pl.DataFrame, predictor: str) -> Confusion:
    """Add up the confusion counts of rows that share no instances.

    The predictor ``"never"`` always says that scheduling loses: the base rate.
    """
    names = ("yes_win", "yes_loss", "no_win", "no_loss")
    if predictor == "never":
        wins = int(rows["wins"].sum())
        return Confusion(0, 0, wins, int(rows["instances"].sum()) - wins)
    return Confusion(*(int(rows[f"{predictor}_{name}"].sum()) for name in names))


def select(rows: pl.DataFrame) -> ComparisonRows:
    """Choose the setting of the map: the one with the most cells.

    Raises
    ------
    MissingRowsError
        If there are no rows.
    """
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'comparison' is finished.")
    mean = rows.filter(pl.col("kind") == "mean")
    on_map = mean.filter(
        pl.col("family") == "quadratic",
        pl.col("coupling").is_in([*SIDES, "random"]),
    ).with_columns(
        pl.when(pl.col("coupling") == "random")
        .then(0.0)
        .otherwise(pl.col("coupling").replace_strict(SIDES, default=0.0) * pl.col("strength"))
        .alias("side")
    )
    places = (
        on_map.group_by(*MAP_SETTING)
        .agg(
            pl.struct("cosine", "side").n_unique().alias("cells"),
            pl.col("side").n_unique().alias("sides"),
        )
        .sort("sides", "cells", *MAP_SETTING, descending=[True, True, *[False] * len(MAP_SETTING)])
    )
    words, mine = "", on_map.clear()
    if places.height:
        setting = places.select(*MAP_SETTING).row(0, named=True)
        mine = on_map.filter(
            pl.all_horizontal(pl.col(name) == value for name, value in setting.items())
        )
        words = (
            f"m = {setting['num_classes']} classes in {setting['dim']} dimensions, first gradient "
            f"{setting['imbalance']:g}x as long as the last, step η = {setting['eta']:g}/L"
        )
    cells = mine.group_by("cosine", pl.col("side").alias("coupling")).agg(
        pl.col("wins", "instances").sum()
    )
    # The confusion counts leave the map's engineered couplings out: they would set the base rate.
    rest = rows.filter(~pl.col("key").is_in(mine["key"].to_list()))
    plain = rest.filter(pl.col("coupling") == "random")
    return ComparisonRows(
        map=cells.sort("cosine", "coupling"),
        words=words,
        mean=rest.filter(pl.col("kind") == "mean"),
        picked=rest.filter(pl.col("kind") == "picked"),
        samples=rest.filter(pl.col("kind") == "sample"),
        all_mean=mean,
        plain_mean=plain.filter(pl.col("kind") == "mean"),
        plain_picked=plain.filter(pl.col("kind") == "picked"),
        keys=tuple(sorted(set(rows["key"]))),
    )
