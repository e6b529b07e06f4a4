"""Stored runs as objects: what a cell's rows say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songoku_theory.storage import open_read_only
from songoku_theory.storage.codec import decode_rows
from songoku_theory.storage.inventory import last_line
from songoku_theory.storage.problems import store_problems
from songoku_theory.storage.schema import CELLS, DONE

__all__ = ["Run", "TaskInfo", "read_runs", "run_of"]


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """One task of a run.

    Attributes
    ----------
    name, role : str
    metrics : dict from metric to bool
        Whether higher is better; the first one is the task's main metric.
    chances : dict from metric to float
        What those metrics give without looking at inputs, where that is known.
    """

    name: str
    role: str
    metrics: Mapping[str, bool]
    chances: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The first metric."""
        return next(iter(self.metrics))


Curve = dict[int, float]
"""Step to value."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stored run.

    Attributes
    ----------
    key : str
    params : mapping
    status : {"done", "failed"}
    error : str or None
        Why it failed, in a line.
    diverged : str or None
        Why it had to stop; it has no scores then.
    seconds : float
        Of the whole cell.
    provenance, digest : str
    notes : tuple of str
    tasks : tuple of TaskInfo
    scores : dict from (split, task, metric) to curve
    work : dict from what to number
    work_at : dict from what to curve
    training_seconds : float
    made_by : mapping
        Versions, commit and machine.
    """

    key: str
    params: Mapping[str, Any]
    status: str
    error: str | None
    seconds: float
    diverged: str | None = None
    provenance: str = ""
    digest: str = ""
    notes: tuple[str, ...] = ()
    tasks: tuple[TaskInfo, ...] = ()
    scores: Mapping[tuple[str, str, str], Curve] = field(default_factory=dict)
    work: Mapping[str, float] = field(default_factory=dict)
    work_at: Mapping[str, Curve] = field(default_factory=dict)
    training_seconds: float = 0.0
    made_by: Mapping[str, Any] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """It has scores."""
        return self.status == DONE and self.diverged is None

    @property
    def main(self) -> tuple[TaskInfo, ...]:
        """The main tasks."""
        return tuple(task for task in self.tasks if task.role == "main")

    def last(self, split: str, task: str, metric: str) -> float | None:
        """Return the score at the last evaluation; None where there is none."""
        curve = self.scores.get((split, task, metric), {})
        return curve[max(curve)] if curve else None


def read_runs(store: Path, keys: Iterable[str]) -> dict[str, Run]:
    """Return those of the cells that are stored, by key.

    Parameters
    ----------
    store : Path
        May not exist yet.
    keys : iterable of str

    Raises
    ------
    StoreError
        When there is a file that can't be read as a store.
    """
    if not store.exists() or store.stat().st_size == 0:
        return {}
    found: dict[str, Run] = {}
    with closing(open_read_only(store)) as connection, store_problems(store, "reading"):
        for key in dict.fromkeys(keys):
            row = connection.execute(
                f"SELECT params, status, error, seconds, rows, value FROM {CELLS} "
                f"JOIN provenance ON provenance_id = id WHERE key = ?",
                (key,),
            ).fetchone()
            if row is not None:
                params, status, error, seconds, rows, made_by = row
                found[key] = run_of(
                    key, json.loads(params), status, error, seconds,
                    None if rows is None else decode_rows(rows), json.loads(made_by),
                )  # fmt: skip
    return found


def run_of(
    key: str, params: Mapping[str, Any], status: str, error: str | None, seconds: float,
    table: Mapping[str, Sequence[Any]] | None, made_by: Mapping[str, Any],
) -> Run:  # fmt: skip
    """Return a cell's rows as a run.

    Parameters
    ----------
    key, params, status, error, seconds
        As stored.
    table : mapping from column to values, or None
        The rows; None when it failed.
    made_by : mapping
    """
    if table is None:
        return Run(key, params, status, last_line(error or ""), seconds, made_by=made_by)
    names: dict[int, str] = {}
    roles: dict[int, str] = {}
    chances: dict[int, dict[str, float | None]] = {}
    metrics: dict[int, dict[str, bool]] = {}
    single: dict[str, str] = {}
    notes: list[str] = []
    scores: dict[tuple[str, str, str], Curve] = {}
    work: dict[str, float] = {}
    work_at: dict[str, Curve] = {}
    spent = 0.0
    columns = ("kind", "step", "i", "value", "label", "split", "metric")
    for kind, step, i, value, label, split, metric in zip(
        *(table[name] for name in columns), strict=True
    ):
        if kind == "score":
            if value is not None:
                scores.setdefault((split, names[i], metric), {})[step] = value
        elif kind == "work_at":
            work_at.setdefault(label, {})[step] = value
        elif kind == "task_name":
            names[i] = label
        elif kind == "task_role":
            roles[i] = label
        elif kind == "chance":
            chances.setdefault(i, {})[metric] = value
        elif kind == "higher_is_better":
            metrics.setdefault(i, {})[metric] = bool(value)
        elif kind == "work":
            work[label] = value
        elif kind == "seconds":
            spent = value
        elif kind == "note":
            notes.append(label)
        elif kind in ("provenance", "digest", "diverged"):
            single[kind] = label
    tasks = tuple(
        TaskInfo(names[i], roles[i], metrics[i], chances.get(i, {})) for i in sorted(names)
    )
    return Run(
        key, params, status, None, seconds, single.get("diverged"), single.get("provenance", ""),
        single.get("digest", ""), tuple(notes), tasks, scores, work, work_at, spent, made_by,
    )  # fmt: skip
