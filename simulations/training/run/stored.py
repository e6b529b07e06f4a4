"""A run's folder as rows of one long table, so that many runs can share a store.

The columns are those of `simulations.training.rows`, and two more: `split` and `metric`. Every kind
that ``refreshes.csv`` holds comes along as it stands; beside those:

================ ================================================= ===========================
kind             one row for                                       columns that it uses
================ ================================================= ===========================
provenance       the run                                           label: EXACT, NEAR or SYNTH
data             the run                                           label: the benchmark's name
digest           the run: short hash of the examples it read       label
note             each way in which the data differ                 label
task_name        each trained task, in the run's order             i, label
task_role        ... main, positive or negative                    i, label
chance           ... a metric without looking at inputs            i, metric, value
higher_is_better each trained task and metric: 1 or 0              i, metric, value
score            each evaluation, task and metric                  step, i, split, metric, value
loss             each window of steps and task: mean of its steps  step, i, value
class            each refresh and task: the number of its class    refresh, step, i, value
work             the run: forwards, backwards, task_updates,       label, value
                 steps, steps_per_epoch
work_at          each evaluation: forwards, backwards and          step, label, value
                 task_updates until then
seconds          the run: of training steps alone                  value
diverged         a run that had to stop: where                     step, label
================ ================================================= ===========================

A column without meaning is -1 (`refresh`, `step`, `i`, `j`), missing (`value`, `label`) or empty
(`split`, `metric`). A run that diverged has one row, of the last kind, and no scores.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulations.sweep.experiment import Row
from simulations.training.rows import COLUMNS as TRACED
from songoku_theory.errors import InvalidInputError

__all__ = ["COLUMNS", "diverged_rows", "folder_rows"]

COLUMNS: dict[str, type] = {**TRACED, "split": str, "metric": str}

_WORK = ("forwards", "backwards", "task_updates")


def folder_rows(folder: Path) -> list[Row]:
    """Return the rows of a finished run.

    Parameters
    ----------
    folder : Path
        With ``result.json`` and the CSV files beside it.

    Raises
    ------
    InvalidInputError
        When the run is not finished, or a file is missing or is not what it should be.
    """
    from simulations.training.run.record import read_result  # torch: only where runs are read
    from simulations.training.run.refreshes import REFRESHES, read_refreshes

    result = read_result(folder / "result.json")
    if result is None or not result["finished"]:
        raise InvalidInputError(
            f"{folder} holds no finished run; train it to its end, then read its rows."
        )
    place = {name: i for i, name in enumerate(result["tasks"])}
    rows = _about(result)
    rows += _scores(folder / "metrics.csv", place)
    rows += [
        _row("loss", step=int(line["step"]), i=place[line["task"]], value=_float(line["mean_loss"]))
        for line in _lines(folder / "losses.csv")
    ]
    refreshes = read_refreshes(folder / REFRESHES) if (folder / REFRESHES).exists() else []
    rows += [{**row, "split": "", "metric": ""} for row in refreshes]
    if not any(row["kind"] == "class" for row in refreshes):
        rows += _classes(folder / "classes.csv", place)
    for line in _lines(folder / "work.csv"):
        step = int(line["step"])
        rows += [_row("work_at", step=step, label=n, value=float(line[n])) for n in _WORK]
    rows.append(_row("seconds", value=float(result["seconds"])))
    return rows


def diverged_rows(step: int, why: str) -> list[Row]:
    """Return the only row of a run that had to stop."""
    return [_row("diverged", step=step, label=why)]


def _row(
    kind: str, *, refresh: int = -1, step: int = -1, i: int = -1, j: int = -1,
    value: float | None = None, label: str | None = None, split: str = "", metric: str = "",
) -> Row:  # fmt: skip
    return {
        "kind": kind, "refresh": refresh, "step": step, "i": i, "j": j, "value": value,
        "label": label, "split": split, "metric": metric,
    }  # fmt: skip


def _about(result: Mapping[str, Any]) -> list[Row]:
    rows = [
        _row("provenance", label=result["data"]),
        _row("data", label=result["benchmark"]),
        _row("digest", label=str(result["run"]["data"]).rpartition(" ")[2]),
    ]
    rows += [_row("note", label=note) for note in result["notes"]]
    for i, (name, task) in enumerate(result["tasks"].items()):
        first = next(iter(task["test"]))
        rows.append(_row("task_name", i=i, label=name))
        rows.append(_row("task_role", i=i, label=task["role"]))
        rows.append(_row("chance", i=i, value=_float(task["chance"]), metric=first))
        rows += [
            _row("chance", i=i, value=_float(value), metric=metric)
            for metric, value in task.get("chances", {}).items()  # runs of before lack it
        ]
        rows += [
            _row("higher_is_better", i=i, value=float(higher), metric=metric)
            for metric, higher in task["higher_is_better"].items()
        ]
    rows += [_row("work", label=name, value=float(result["work"][name])) for name in _WORK]
    rows += [
        _row("work", label=name, value=float(result[name])) for name in ("steps", "steps_per_epoch")
    ]
    return rows


def _scores(path: Path, place: Mapping[str, int]) -> list[Row]:
    return [
        _row(
            "score", step=int(line["step"]), i=place[line["task"]], split=line["split"],
            metric=line["metric"], value=_float(line["value"]),
        )
        for line in _lines(path)
    ]  # fmt: skip


def _classes(path: Path, place: Mapping[str, int]) -> list[Row]:
    rows: list[Row] = []
    steps: list[int] = []
    for line in _lines(path):
        step = int(line["step"])
        if step not in steps:
            steps.append(step)
        rows += [
            _row("class", refresh=len(steps), step=step, i=place[task], value=float(line["class"]))
            for task in _tasks(line["tasks"], place)
        ]
    return rows


def _tasks(text: str, place: Mapping[str, int]) -> list[str]:
    """Split a list of names by the spaces between them; a name may hold spaces itself."""
    found: list[str] = []
    rest = text
    while rest:
        fitting = [name for name in place if rest == name or rest.startswith(f"{name} ")]
        if not fitting:
            raise InvalidInputError(
                f"expected names of tasks ({', '.join(place)}); found {text!r}."
            )
        longest = max(fitting, key=len)
        found.append(longest)
        rest = rest[len(longest) + 1 :]
    return found


def _float(text: Any) -> float | None:  # noqa: ANN401 - from JSON or CSV
    """Return a number; None where a run had none (a score of outputs that are not finite)."""
    value = float(text)
    return value if math.isfinite(value) else None


def _lines(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"the run's {path} can't be read: {error}.") from error
