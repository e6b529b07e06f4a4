"""A run beside the single-task networks of the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulations.training.run.evaluate import delta_m
from simulations.training.run.record import read_result

__all__ = ["task_folder", "with_delta_m"]

_OWN = ("method", "method options")


def task_folder(task: str) -> str:
    """Return a task's name as a folder's.

    Examples
    --------
    >>> task_folder("return_BRK.B"), task_folder("a/b")
    ('return_BRK.B', 'a_b')
    """
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in task)


def with_delta_m(result: Mapping[str, Any], single_task: Path) -> dict[str, Any]:
    """Add Delta_m over the main tasks and over all, where single-task results are there.

    Parameters
    ----------
    result : mapping
        As in ``result.json``.
    single_task : Path
        Folder with ``TASK/seed-N/result.json``. Only finished runs of the same seed, data, network
        and training settings count.

    Returns
    -------
    dict
        `result` with ``delta_m``: ``main`` and ``all`` in per cent, each task's first test metric
        against its single-task value; None where one is missing or 0, or the run is not finished.
    """
    single: dict[str, float] = {}
    for task in result["tasks"]:
        found = read_result(
            single_task / task_folder(task) / f"seed-{result['seed']}" / "result.json"
        )
        if found is not None and found["finished"] and _comparable(found["run"], result["run"]):
            single[task] = _first(found["tasks"][task])[1]
    values: dict[str, float | None] = {}
    for which in ("main", "all"):
        chosen = {
            name: task
            for name, task in result["tasks"].items()
            if which == "all" or task["role"] == "main"
        }
        values[which] = None
        if result["finished"]:
            values[which] = delta_m(
                {name: _first(task)[1] for name, task in chosen.items()},
                single,
                {name: task["higher_is_better"][_first(task)[0]] for name, task in chosen.items()},
            )
    return {**result, "delta_m": values}


def _first(task: Mapping[str, Any]) -> tuple[str, float]:
    name, value = next(iter(task["test"].items()))
    return str(name), float(value)


def _comparable(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return {k: v for k, v in one.items() if k not in _OWN} == {
        k: v for k, v in other.items() if k not in _OWN
    }
