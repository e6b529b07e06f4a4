"""Runs on real data, in numbers: what was trained, and what the scheduler's probes saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from songoku_theory.storage.reader import experiments, read_cells, read_rows
from songoku_theory.storage.schema import DONE

__all__ = ["MOST_PROBES", "BenchmarkRuns", "Probe", "Spread", "read_probes", "read_training"]

MOST_PROBES = 60
TRAINING, TRACE = "training", "trace"
_NEEDED = {"kind", "refresh", "i", "value"}


@dataclass(frozen=True, slots=True)
class BenchmarkRuns:
    """The stored runs of one benchmark; ``provenance`` is EXACT, NEAR or SYNTH."""

    benchmark: str
    provenance: str
    data: str
    methods: tuple[str, ...]
    presets: tuple[str, ...]
    runs: int
    seeds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Spread:
    """A number that changes over a run: mean, least, most."""

    mean: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Probe:
    """What the scheduler saw in the runs of one method, all seeds; None: not recorded."""

    run: str
    runs: int
    refreshes: int
    conflict: Spread | None
    classes: Spread | None
    n_eff: Spread | None
    noise: float | None
    gap: int | None


def read_training(path: Path) -> tuple[BenchmarkRuns, ...]:
    """Summarise the runs of benchmarks, one entry a benchmark and label of its data.

    Raises
    ------
    StoreError
        If the store is damaged.
    """
    if TRAINING not in experiments(path):
        return ()
    seconds = dict(
        read_cells(path, TRAINING)
        .filter(pl.col("status") == DONE)
        .select("key", "seconds")
        .iter_rows()
    )
    rows = read_rows(path, TRAINING)
    if not {"benchmark", "method", "seed", "kind", "label"} <= set(rows.columns):
        return ()
    if "preset" not in rows.columns:
        rows = rows.with_columns(preset=pl.lit(""))
    labels = rows.filter(pl.col("kind").is_in(["provenance", "data"]))
    runs = (
        labels.pivot(
            on="kind",
            index=["key", "benchmark", "method", "seed", "preset"],
            values="label",
            aggregate_function="first",
        )
        if labels.height
        else labels
    )
    for name in ("provenance", "data"):
        if name not in runs.columns:
            runs = runs.with_columns(pl.lit("").alias(name))
    found = []
    for (benchmark, label), part in runs.group_by("benchmark", "provenance", maintain_order=True):
        found.append(
            BenchmarkRuns(
                benchmark=str(benchmark),
                provenance=str(label or "not labelled"),
                data=str(part["data"].drop_nulls().first() or ""),
                methods=tuple(sorted(set(part["method"]))),
                presets=tuple(sorted({preset for preset in part["preset"] if preset})),
                runs=part.height,
                seeds=part["seed"].n_unique(),
                seconds=sum(seconds.get(key, 0.0) for key in part["key"]),
            )
        )
    return tuple(sorted(found, key=lambda one: one.benchmark))


def read_probes(path: Path) -> tuple[Probe, ...]:
    """Summarise the refreshes of the stored runs that recorded them, a method at a time.

    Raises
    ------
    StoreError
        If the store is damaged.
    """
    stored = set(experiments(path))
    return tuple(
        probe
        for experiment in (TRACE, TRAINING)
        if experiment in stored
        for probe in _probes(read_rows(path, experiment), experiment)
    )


def _probes(rows: pl.DataFrame, experiment: str) -> Iterator[Probe]:
    if not set(rows.columns) >= _NEEDED:
        return
    by = [name for name in ("dataset", "benchmark", "method") if name in rows.columns]
    seen = rows.filter(pl.col("kind") == "edge")["key"].unique(maintain_order=True)
    rows = rows.filter(pl.col("key").is_in(seen.implode()))
    for names, runs in rows.group_by(by, maintain_order=True):
        graphs = runs.filter(pl.col("refresh") > 0)
        edges, classes = (graphs.filter(pl.col("kind") == kind) for kind in ("edge", "class"))
        gaps = runs.filter(pl.col("kind") == "gap")["value"].drop_nulls()
        at = ["key", "refresh"]
        yield Probe(
            run=", ".join(str(name) for name in names) or experiment,
            runs=runs["key"].n_unique(),
            refreshes=edges.select(at).n_unique(),
            conflict=_spread(edges.group_by(at).agg(pl.col("value").mean())["value"]),
            classes=_spread(classes.group_by(at).agg(pl.col("value").n_unique())["value"]),
            n_eff=_spread(graphs.filter(pl.col("kind") == "n_eff")["value"]),
            noise=_noise(runs),
            gap=None if gaps.is_empty() else max(round(gap) for gap in gaps),
        )


def _spread(values: pl.Series) -> Spread | None:
    listed = [float(value) for value in values.drop_nulls()]
    if not listed:
        return None
    return Spread(sum(listed) / len(listed), min(listed), max(listed))


def _noise(run: pl.DataFrame) -> float | None:
    """Give tr(Sigma) / (n_eff ||mu||²), the median over measured refreshes and tasks."""
    at = ["key", "refresh", "i"]
    parts = {
        kind: run.filter(pl.col("kind") == kind).select(*at, pl.col("value").alias(kind))
        for kind in ("noise_total", "mean_norm", "n_eff")
    }
    joined = parts["noise_total"].join(parts["mean_norm"], on=at).join(parts["n_eff"], on=at)
    joined = joined.filter((pl.col("mean_norm") > 0) & (pl.col("n_eff") > 0))
    if joined.is_empty():
        return None
    ratio = joined["noise_total"] / (joined["n_eff"] * joined["mean_norm"] ** 2)
    middle = ratio.median()
    return None if middle is None else float(middle)  # type: ignore[arg-type]
