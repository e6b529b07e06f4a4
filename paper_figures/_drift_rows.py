"""From stored rows of the experiment ``drift`` to the points that its figure draws."""

from __future__ import annotations

import numpy as np
import polars as pl

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError
from songoku_theory.ema import best_n_eff

__all__ = ["NEED", "SCHEMA", "Z", "best_points", "error_points", "jump_points", "steady_rows"]

NEED = Need("drift")
MOST = 4
Z = 1.959963984540054
SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "drift": pl.Float64,
    "beta": pl.Float64,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "trials": pl.Int64,
}


def steady_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Linear drift over one window that is long: the noise energy with the most points."""
    found = rows.filter(
        pl.col("kind") == "linear", pl.col("ema") == "reset", pl.col("refresh") == 1
    )
    if found.is_empty():
        raise MissingRowsError(NEED, "No cell of 'drift' with kind = 'linear' is finished.")
    setting = ["dim", "sigma", "num_groups", "group_size", "window"]
    sizes = (
        found.group_by(*setting)
        .agg(pl.struct("step", "beta").n_unique().alias("points"))
        .sort(["points", *setting], descending=[True, *[False] * len(setting)])
    )
    chosen = sizes.row(0, named=True)
    mine = found.filter(pl.all_horizontal(pl.col(name) == chosen[name] for name in setting))
    first = mine.group_by("step", "beta").agg(pl.col("key").min())  # replicates are not pooled
    return mine.join(first, on=["step", "beta", "key"]).sort("step", "n_eff")


def _spread(values: list[float]) -> list[float]:
    if len(values) <= MOST:
        return values
    places = np.linspace(0, len(values) - 1, MOST).round().astype(int)
    return [values[place] for place in places]


def error_points(steady: pl.DataFrame) -> pl.DataFrame:
    drifts = _spread(sorted(set(steady["step"])))
    shown = steady.filter(pl.col("step").is_in(drifts))
    common = {
        "panel": pl.lit("a"),
        "drift": pl.col("step"),
        "x": pl.col("n_eff"),
    }
    measured = shown.with_columns(
        line=pl.lit("measured"),
        value=pl.col("error"),
        low=pl.col("error") - Z * pl.col("error_se"),
        high=pl.col("error") + Z * pl.col("error_se"),
        **common,
    )
    exact = shown.with_columns(
        line=pl.lit("exact"),
        value=pl.col("predicted"),
        low=pl.lit(None, dtype=pl.Float64),
        high=pl.lit(None, dtype=pl.Float64),
        **common,
    )
    both = [frame.select(*SCHEMA).cast(pl.Schema(SCHEMA)) for frame in (measured, exact)]
    return pl.concat(both)


def best_points(steady: pl.DataFrame) -> pl.DataFrame:
    """For each drift the n_eff with the least error, those not surely worse, and two formulas."""
    found: list[dict[str, object]] = []
    for drift in sorted(set(steady["step"])):
        mine = steady.filter(pl.col("step") == drift).sort("n_eff")
        least = int(np.argmin(mine["error"].to_numpy()))
        at_least = mine.row(least, named=True)
        # Cells that differ in beta share their gradients, so these intervals are wide. The error
        # has one minimum, so the best n_eff lies between the nearest that surely are worse.
        worst = at_least["error"] + Z * at_least["error_se"]
        sure = mine.filter(pl.col("error") - Z * pl.col("error_se") > worst)["n_eff"].to_list()
        below = max((n for n in sure if n < at_least["n_eff"]), default=1.0)
        above = min((n for n in sure if n > at_least["n_eff"]), default=None)
        energy = float(at_least["noise_energy"])
        inside = 0 < least < mine.height - 1
        found.append(
            {
                "line": "measured" if inside else "measured, at the grid's end",
                "drift": drift,
                "x": energy / drift**2,
                "value": at_least["n_eff"],
                "low": below,
                "high": above,
                "trials": int(at_least["trials"]),
            }
        )
        for line, factor in (("optimum", None), ("EXT-5", 1.0)):
            value = (
                best_n_eff(energy, drift)
                if factor is None
                else max(1.0, (factor * energy / drift**2) ** (1 / 3))
            )
            found.append({"line": line, "drift": drift, "x": energy / drift**2, "value": value})
    frame = pl.DataFrame(
        found,
        schema={name: kind for name, kind in SCHEMA.items() if name not in ("panel", "beta")},
    )
    return frame.with_columns(
        pl.lit("b").alias("panel"), pl.lit(None, dtype=pl.Float64).alias("beta")
    ).select(*SCHEMA)


def jump_points(rows: pl.DataFrame) -> pl.DataFrame:
    """P(graph) at each refresh around a jump, by beta and by what happens at a refresh."""
    found = rows.filter(pl.col("kind") == "jump")
    if found.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    setting = ["window", "windows", "num_groups", "group_size", "dim", "sigma"]
    sizes = found.group_by(*setting).agg(pl.col("beta").n_unique().alias("betas"))
    mean_window = float(np.median(found["window"].to_numpy()))
    chosen = (
        sizes.with_columns((pl.col("window") - mean_window).abs().alias("off"))
        .sort(["betas", "off", *setting], descending=[True, False, *[False] * len(setting)])
        .row(0, named=True)
    )
    mine = found.filter(pl.all_horizontal(pl.col(name) == chosen[name] for name in setting))
    kept = _spread(sorted(set(mine["beta"])))[-3:]
    mine = mine.filter(pl.col("beta").is_in(kept))
    before = chosen["windows"] // 2
    point = ["ema", "beta", "refresh"]
    sums = mine.group_by(*point).agg(pl.col("graph_exact", "trials").sum()).sort(*point)
    ends = [
        clopper_pearson(exact, trials)
        for exact, trials in sums.select("graph_exact", "trials").iter_rows()
    ]
    return (
        sums.with_columns(
            panel=pl.lit("c"),
            line=pl.col("ema"),
            drift=pl.lit(None, dtype=pl.Float64),
            x=(pl.col("refresh") - before).cast(pl.Float64),
            value=pl.col("graph_exact") / pl.col("trials"),
            low=pl.Series([low for low, _ in ends], dtype=pl.Float64),
            high=pl.Series([high for _, high in ends], dtype=pl.Float64),
        )
        .select(*SCHEMA)
        .cast(pl.Schema(SCHEMA))
    )
