"""What the store holds, in numbers: cells, failures, seconds, keys; and what real runs gave."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from paper_figures.site.training_runs import BenchmarkRuns, Probe, read_probes, read_training
from songoku_theory.storage.reader import experiments, open_read_only, read_cells, read_rows
from songoku_theory.storage.schema import DONE, EXPERIMENTS, PROVENANCE

__all__ = ["Failure", "RealRun", "RealTask", "Runs", "StoredExperiment", "read_runs"]

MOST_FAILURES = 20
MOST_REAL_RUNS = 12


@dataclass(frozen=True, slots=True)
class StoredExperiment:
    """One experiment's cells; ``seconds`` is the time of all of them together."""

    name: str
    versions: tuple[int, ...]
    done: int
    failed: int
    seconds: float
    statistics: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A cell that failed, with its parameters and the last line of its error."""

    key: str
    experiment: str
    params: str
    error: str


@dataclass(frozen=True, slots=True)
class RealTask:
    """How one task of a real run fared."""

    name: str
    metric: str
    value: float | None
    chance: float | None
    updates: int | None
    gap: int | None


@dataclass(frozen=True, slots=True)
class RealRun:
    """One training run on real data."""

    key: str
    settings: str
    data: str
    provenance: str
    tasks: tuple[RealTask, ...]


@dataclass(frozen=True, slots=True)
class Runs:
    """Everything that the report says about the store."""

    path: Path
    experiments: tuple[StoredExperiment, ...]
    failures: tuple[Failure, ...]
    more_failures: int
    real_runs: tuple[RealRun, ...]
    more_real_runs: int
    training: tuple[BenchmarkRuns, ...]
    probes: tuple[Probe, ...]
    provenance: tuple[dict[str, Any], ...]

    @property
    def keys(self) -> frozenset[str]:
        """Keys of all finished cells."""
        return frozenset(key for found in self.experiments for key in found.keys)

    @property
    def cells(self) -> int:
        """How many cells are finished."""
        return sum(found.done for found in self.experiments)

    @property
    def seconds(self) -> float:
        """The time of all cells together."""
        return sum(found.seconds for found in self.experiments)


def read_runs(path: Path) -> Runs:
    """Summarise a store.

    Raises
    ------
    StoreError
        If it is not there, is not a store, or is damaged.
    """
    cells = read_cells(path)
    statistics, provenance = _declared(path)
    found = []
    for (name,), part in sorted(cells.group_by("experiment"), key=lambda pair: str(pair[0][0])):
        done = part.filter(pl.col("status") == DONE)
        versions = tuple(sorted(set(part["version"])))
        found.append(
            StoredExperiment(
                name=str(name),
                versions=versions,
                done=done.height,
                failed=part.height - done.height,
                seconds=float(part["seconds"].sum()),
                statistics=statistics.get((str(name), versions[-1]), ""),
                keys=tuple(sorted(done["key"])),
            )
        )
    failed = cells.filter(pl.col("status") != DONE)
    real, more_real = _real_runs(path)
    return Runs(
        path=path,
        experiments=tuple(found),
        failures=tuple(_failure(row) for row in failed.head(MOST_FAILURES).iter_rows(named=True)),
        more_failures=max(0, failed.height - MOST_FAILURES),
        real_runs=real,
        more_real_runs=more_real,
        training=read_training(path),
        probes=read_probes(path),
        provenance=provenance,
    )


def _declared(path: Path) -> tuple[dict[tuple[str, int], str], tuple[dict[str, Any], ...]]:
    with closing(open_read_only(path)) as connection:
        statistics = connection.execute(f"SELECT name, version, statistics FROM {EXPERIMENTS}")
        texts = connection.execute(f"SELECT value FROM {PROVENANCE} ORDER BY id")
        return (
            {(name, version): text for name, version, text in statistics},
            tuple(json.loads(text) for (text,) in texts),
        )


def _failure(row: dict[str, Any]) -> Failure:
    lines = (row["error"] or "").strip().splitlines()
    return Failure(row["key"], row["experiment"], row["params"], lines[-1] if lines else "")


def _real_runs(path: Path) -> tuple[tuple[RealRun, ...], int]:
    if "trace" not in experiments(path):
        return (), 0
    rows = read_rows(path, "trace")
    keys = rows["key"].unique(maintain_order=True).to_list()
    shown = tuple(_real_run(rows.filter(pl.col("key") == key)) for key in keys[:MOST_REAL_RUNS])
    return shown, max(0, len(keys) - MOST_REAL_RUNS)


def _real_run(rows: pl.DataFrame) -> RealRun:
    first = rows.row(0, named=True)
    names = ("dataset", "seed", "steps", "refresh_period", "tau", "beta", "width", "lr")
    labels = dict(rows.select("kind", "label").iter_rows())
    values = {
        (kind, i): (value, label)
        for kind, i, value, label in rows.filter(pl.col("step") == -1)
        .select("kind", "i", "value", "label")
        .iter_rows()
    }

    def number(kind: str, i: int) -> float | None:
        value: float | None = values.get((kind, i), (None, None))[0]
        return value

    tasks = []
    for i, name in rows.filter(pl.col("kind") == "task_name").select("i", "label").iter_rows():
        updates, gap = number("updates", i), number("gap", i)
        tasks.append(
            RealTask(
                name=name,
                metric=values.get(("metric", i), (None, None))[1] or "metric",
                value=number("metric", i),
                chance=number("chance", i),
                updates=None if updates is None else round(updates),
                gap=None if gap is None else round(gap),
            )
        )
    return RealRun(
        key=first["key"],
        settings=", ".join(f"{name} {first[name]}" for name in names if name in first),
        data=labels.get("data") or "",
        provenance=labels.get("provenance") or "",
        tasks=tuple(tasks),
    )
