"""From stored rows of the experiment ``phase`` to the points that its figure draws."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.stats import norm

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = [
    "NEED",
    "SCHEMA",
    "collapse_points",
    "crossing",
    "debiased_points",
    "edge_points",
    "half_places",
    "main_rows",
]

NEED = Need("phase")
GEOMETRY = ("model", "num_groups", "group_size", "tau", "gamma")
MOST_DIMS = 6
SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "dim": pl.Int64,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "trials": pl.Int64,
}


def main_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The geometry with the most dimensions, plain cosine, common draws."""
    plain = rows.filter(pl.col("cosine") == "plain", pl.col("random_numbers") == "common")
    if plain.is_empty():
        raise MissingRowsError(NEED, "No cell of 'phase' with the plain cosine is finished.")
    sizes = plain.group_by(*GEOMETRY).agg(pl.col("dim").n_unique().alias("dims"))
    chosen = sizes.sort(["dims", *GEOMETRY], descending=[True, *[False] * 5]).row(0, named=True)
    mine = plain.filter(pl.all_horizontal(pl.col(name) == chosen[name] for name in GEOMETRY))
    return _pooled(mine)


def _spread(values: list[int]) -> list[int]:
    if len(values) <= MOST_DIMS:
        return values
    places = np.linspace(0, len(values) - 1, MOST_DIMS).round().astype(int)
    return [values[place] for place in places]


def _pooled(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up replicates of a point: other cells, so other draws."""
    point = [*GEOMETRY, "dim", "cosine", "relative_energy"]
    kept = ["edge_score", "num_edges", "num_tasks", "sharper_failure"]
    sums = rows.group_by(*point).agg(
        *(pl.col(name).first() for name in kept),
        pl.col("graph_exact", "edge_kept", "trials").sum(),
    )
    for stem, count in (("graph", "graph_exact"), ("edge", "edge_kept")):
        pairs = zip(sums[count], sums["trials"], strict=True)
        ends = [clopper_pearson(found, trials) for found, trials in pairs]
        sums = sums.with_columns(
            pl.Series(f"{stem}_lo", [low for low, _ in ends], dtype=pl.Float64),
            pl.Series(f"{stem}_hi", [high for _, high in ends], dtype=pl.Float64),
        )
    return sums.sort(point)


def _frame(rows: pl.DataFrame, panel: str, what: str, line: pl.Expr, x: pl.Expr) -> pl.DataFrame:
    """Points of one panel: a count over trials with its interval."""
    stem = what.split("_", maxsplit=1)[0]
    found = rows.with_columns(
        pl.lit(panel).alias("panel"),
        (pl.col(what) / pl.col("trials")).alias("value"),
        pl.col(f"{stem}_lo").alias("low"),
        pl.col(f"{stem}_hi").alias("high"),
        line=line,
        x=x,
    )
    return found.select(*SCHEMA).cast(pl.Schema(SCHEMA)).sort("line", "dim", "x")


def edge_points(main: pl.DataFrame) -> pl.DataFrame:
    kept = main.filter(pl.col("dim").is_in(_spread(sorted(set(main["dim"])))))
    return _frame(kept, "a", "edge_kept", line=pl.lit("edge"), x=pl.col("relative_energy"))


def collapse_points(rows: pl.DataFrame) -> pl.DataFrame:
    """The graph against the edge's score, every geometry; one line an edge count."""
    plain = _pooled(rows.filter(pl.col("cosine") == "plain"))
    named = pl.format("{} edges", pl.col("num_edges"))
    return _frame(plain, "b", "graph_exact", line=named, x=pl.col("edge_score"))


def half_places(main: pl.DataFrame) -> pl.DataFrame:
    """The relative energy at which edge and graph are found half of the time, and bounds on it."""
    found: list[dict[str, object]] = []
    for dim in sorted(set(main["dim"])):
        mine = main.filter(pl.col("dim") == dim).sort("relative_energy")
        x = mine["relative_energy"].to_list()
        for what, line in (("edge", "edge: half"), ("graph", "graph: half")):
            share = (mine[f"{what}_{_tail(what)}"] / mine["trials"]).to_list()
            place = crossing(x, share, 0.5)
            inner, outer = _bracket(mine, what)
            found.append({"line": line, "dim": dim, "x": place, "low": inner, "high": outer})
        predicted = norm.cdf(mine["edge_score"].to_numpy()) ** mine["num_edges"].to_numpy()
        place = crossing(x, predicted.tolist(), 0.5)
        found.append({"line": "graph: score", "dim": dim, "x": place})
        promised = [1.0 - failure for failure in mine["sharper_failure"]]
        found.append({"line": "bound", "dim": dim, "x": crossing(x, promised, 0.5)})
    frame = pl.DataFrame(
        found,
        schema={name: SCHEMA[name] for name in ("line", "dim", "x", "low", "high")},
    )
    constants = [
        pl.lit("c").alias("panel"),
        pl.lit(0.5).alias("value"),
        pl.lit(None, dtype=pl.Int64).alias("trials"),
    ]
    return frame.with_columns(constants).select(*SCHEMA)


def _bracket(points: pl.DataFrame, what: str) -> tuple[float | None, float | None]:
    """The last point that surely is above one half before the first that surely is below."""
    below = points.filter(pl.col(f"{what}_hi") < 0.5)["relative_energy"].to_list()
    high = min(below, default=None)
    above = points.filter(pl.col(f"{what}_lo") >= 0.5)["relative_energy"].to_list()
    return max((x for x in above if high is None or x < high), default=None), high


def _tail(what: str) -> str:
    return "kept" if what == "edge" else "exact"


def crossing(x: list[float], falling: list[float], level: float) -> float | None:
    """Where a curve first falls through a level, straight in log x; None if it does not."""
    for (x0, x1), (y0, y1) in zip(pairwise(x), pairwise(falling), strict=True):
        if y0 >= level > y1:
            share = (y0 - level) / (y0 - y1)
            return math.exp(math.log(x0) + share * (math.log(x1) - math.log(x0)))
    return None


def debiased_points(rows: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """The graph with both cosines, in the dimensions that have both."""
    chosen = {name: main[name][0] for name in GEOMETRY}
    mine = rows.filter(
        pl.all_horizontal(pl.col(name) == value for name, value in chosen.items()),
        pl.col("random_numbers") == "common",
    )
    clean = mine.filter(pl.col("cosine") == "debiased")  # of any window
    if clean.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    window = clean.select("window", "beta").unique().sort("window", "beta").row(0)
    clean = clean.filter(pl.col("window") == window[0], pl.col("beta") == window[1])
    dims = _spread(sorted(set(clean["dim"]) & set(main["dim"])))
    both = pl.concat([_pooled(clean), main]).filter(pl.col("dim").is_in(dims))
    return _frame(both, "d", "graph_exact", line=pl.col("cosine"), x=pl.col("relative_energy"))
