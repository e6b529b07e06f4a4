"""Made-up runs of the experiment ``training``, small enough to be checked by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from songoku_theory.storage import read_rows

COLUMNS: dict[str, type] = {
    "kind": str, "refresh": int, "step": int, "i": int, "j": int, "value": float, "label": str,
    "split": str, "metric": str,
}  # fmt: skip
EMPTY = {"refresh": -1, "step": -1, "i": -1, "j": -1, "value": None, "label": None, "split": "",
         "metric": ""}  # fmt: skip
TASKS = {
    "cifar10": (("class", "main"), ("quadrant", "positive"), ("rotation", "negative")),
    "nyuv2": (("segmentation", "main"), ("depth", "main"), ("temperature", "negative")),
}
METRICS = {
    "class": {"accuracy": True}, "quadrant": {"accuracy": True}, "rotation": {"accuracy": True},
    "segmentation": {"mIoU": True}, "depth": {"RMSE (m)": False}, "temperature": {"MAE": False},
}  # fmt: skip
STEPS = (0, 20, 40, 60)
GAIN = {
    "uniform": 0.0, "pcgrad": 0.02, "son_goku": 0.10, "random_groups": 0.01, "single_step": -0.10,
    "single_task": 0.05,
}  # fmt: skip
"""By how much a method ends above Uniform (fractions), the same for every seed but for 1e-3."""

Cell = tuple[dict[str, Any], list[dict[str, Any]]]


def _row(kind: str, **values: object) -> dict[str, Any]:
    return {"kind": kind, **EMPTY, **values}


def _value(metric: str, method: str, seed: int, step: int) -> float:
    wobble = 1e-3 * ((seed * 7 + len(method)) % 3) + 0.01 * seed
    progress = step / STEPS[-1]
    better = 0.3 + (0.3 + GAIN[method]) * progress + wobble
    return better if METRICS_UP[metric] else 1.5 - better


METRICS_UP = {"accuracy": True, "mIoU": True, "RMSE (m)": False, "MAE": False}


def _about(tasks: tuple[tuple[str, str], ...], provenance: str) -> list[dict[str, Any]]:
    rows = [
        _row("provenance", label=provenance),
        _row("data", label="made up"),
        _row("digest", label="0123abcd"),
        _row("note", label="2,500 images become 60."),
    ]
    for i, (name, role) in enumerate(tasks):
        first = next(iter(METRICS[name]))
        rows += [_row("task_name", i=i, label=name), _row("task_role", i=i, label=role)]
        rows.append(_row("chance", i=i, value=0.25, metric=first))
        rows += [
            _row("higher_is_better", i=i, value=float(up), metric=metric)
            for metric, up in METRICS[name].items()
        ]
    return rows


def _refreshes(method: str, seed: int) -> list[dict[str, Any]]:
    """Three refreshes of three tasks: no conflict, one, and two of three pairs."""
    rows = [_row("setting", label=s) for s in ("refresh_period=20", "tau=0.1", "policy=cycle")]
    rows += [_row("tau", refresh=0, step=0, value=1.0)]
    rows += [_row("class", refresh=0, step=0, i=i, value=0.0) for i in range(3)]
    cosines = {1: (0.3, 0.2, 0.1), 2: (0.2, -0.3, 0.05), 3: (0.1, -0.5 - 0.01 * seed, -0.2)}
    classes = {1: (0, 0, 0), 2: (0, 0, 1), 3: (0, 0, 1)}
    for refresh, values in cosines.items():
        place = {"refresh": refresh, "step": 20 * refresh}
        rows.append(_row("tau", **place, value=0.1))
        for (i, j), value in zip(((0, 1), (0, 2), (1, 2)), values, strict=True):
            rows.append(_row("cosine", **place, i=i, j=j, value=value))
            rows.append(_row("edge", **place, i=i, j=j, value=float(value < -0.1)))
        for i, color in enumerate(classes[refresh]):
            rows.append(_row("class", **place, i=i, value=float(color)))
            rows.append(_row("norm", **place, i=i, value=1.0 + i))
            rows.append(_row("n_eff", **place, i=i, value=10.0 * refresh))
    rows += [_row("gap", i=i, value=2.0 + (method == "random_groups")) for i in range(3)]
    return rows + [_row("updates", i=i, value=30.0) for i in range(3)]


def _cell(benchmark: str, method: str, seed: int, task: str = "", lr: float = 1e-3,
          diverged: bool = False) -> Cell:  # fmt: skip
    settings = {
        "architecture": "resnet18", "options": {"width": 0.125}, "data": {"train": 60},
        "training": {"steps": 60, "batch_size": 16, "lr": lr}, "method": {},
    }  # fmt: skip
    params = {
        "benchmark": benchmark, "method": method, "task": task, "seed": seed, "preset": "small",
        "settings": json.dumps(settings, sort_keys=True), "device": "cpu",
    }  # fmt: skip
    if diverged:
        return params, [_row("diverged", step=7, label="the loss of class")]
    mine = tuple(pair for pair in TASKS[benchmark] if task in ("", pair[0]))
    rows = _about(mine, "NEAR" if benchmark == "cifar10" else "SYNTH")
    for split in ("validation", "test"):
        rows += [
            _row("score", step=step, i=i, split=split, metric=metric,
                 value=_value(metric, method, seed, step))
            for step in STEPS for i, (name, _) in enumerate(mine) for metric in METRICS[name]
        ]  # fmt: skip
    rows += [
        _row("loss", step=step, i=i, value=2.0 - step / 60 - GAIN[method])
        for step in range(10, 61, 10) for i in range(len(mine))
    ]  # fmt: skip
    # A method with a backward pass a task does three times the work of a step of Uniform.
    backwards = 3.0 if method == "pcgrad" else 1.0
    for step in STEPS:
        rows.append(_row("work_at", step=step, label="forwards", value=float(step)))
        rows.append(_row("work_at", step=step, label="backwards", value=backwards * step))
    rows += [
        _row("work", label=label, value=value)
        for label, value in (
            ("forwards", 60.0),
            ("backwards", 60.0 * backwards),
            ("steps", 60.0),
            ("steps_per_epoch", 3.0),
        )
    ]
    rows.append(_row("seconds", value=2.0))
    if method in ("son_goku", "random_groups", "single_step"):
        rows += _refreshes(method, seed)
    return params, rows


def _cells() -> list[Cell]:
    cells = []
    for benchmark, tasks in TASKS.items():
        for seed in range(3):
            for method in GAIN:
                if method == "single_task":
                    cells += [
                        _cell(benchmark, method, seed, name)
                        for name, role in tasks
                        if role == "main"
                    ]
                else:
                    stopped = benchmark == "nyuv2" and method == "pcgrad" and seed == 2
                    cells.append(_cell(benchmark, method, seed, diverged=stopped))
    # An earlier tuning's run, of one seed: left out.
    return [*cells, _cell("cifar10", "son_goku", 0, lr=5.0)]


@pytest.fixture(scope="session")
def training_store(make_store: Callable[[Mapping[str, Any]], Path]) -> Path:
    return make_store({"training": (COLUMNS, _cells())})


@pytest.fixture(scope="session")
def training(training_store: Path) -> pl.DataFrame:
    """Rows of six methods, three seeds, two benchmarks, as figures get them."""
    return read_rows(training_store, "training")
