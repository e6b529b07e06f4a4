"""Made-up rows of the experiment ``grouping``: three tasks, two seeds, four ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from songoku_theory.storage import read_rows

COLUMNS: dict[str, type] = {
    "kind": str, "method": str, "setting": str, "num_groups": int, "seed": int, "draw": int,
    "group": int, "step": int, "i": int, "j": int, "value": float, "low": float, "high": float,
    "count": int, "label": str,
}  # fmt: skip
EMPTY = {
    "method": "", "setting": "", "num_groups": -1, "seed": -1, "draw": -1, "group": -1, "step": -1,
    "i": -1, "j": -1, "value": None, "low": None, "high": None, "count": -1, "label": "",
}  # fmt: skip
TASKS = ("heat", "load", "oil")
TOTALS = {
    ("together", 1, ""): 3.0, ("single", 3, ""): 3.3, ("random", 2, ""): 3.1, ("ptg", 2, ""): 2.8,
    ("optimum", 2, ""): 2.5, ("ptg", 2, "max_size=2"): 2.9,
}  # fmt: skip
GROUPS = {0: ((0, 1), (2,)), 1: ((0,), (1, 2))}
"""PTG's, by seed."""


def _row(kind: str, **values: object) -> dict[str, Any]:
    return {"kind": kind, **EMPTY, **values}


def _about(provenance: str, enumerated: bool) -> list[dict[str, Any]]:
    rows = [
        _row("provenance", label=provenance),
        _row("note", label="made up"),
        _row("enumerated", value=float(enumerated)),
        _row("verdict", label="Nothing is sure."),
    ]
    for i, name in enumerate(TASKS):
        rows += [_row("task_name", i=i, label=name), _row("metric", i=i, label="MAE", value=0.0)]
    return rows


def _affinities() -> list[dict[str, Any]]:
    return [
        _row("affinity", method=method, seed=seed, i=i, j=j, count=9,
             value=0.0 if i == j else scale * (i - 2 * j + seed))
        for method, scale in (("ptg", 0.01), ("tag", 0.1), ("cosine", 0.2), ("ema_cosine", 0.2))
        for seed in (0, 1) for i in range(3) for j in range(3)
    ]  # fmt: skip


def _outcomes(enumerated: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for (method, groups, setting), total in TOTALS.items():
        if method == "optimum" and not enumerated:
            continue
        place = {"method": method, "num_groups": groups, "setting": setting}
        rows.append(_row("networks", **place, value=float(groups)))
        rows += [_row("total", **place, seed=s, value=total + 0.1 * s) for s in (0, 1)]
        ends = {"low": total - 0.6, "high": total + 0.7, "count": 2}
        rows.append(_row("mean", **place, value=total + 0.05, **ends))
        if method != "together":
            gap = {"low": total - 3.2, "high": total - 2.8, "count": 2}
            rows.append(_row("difference", **place, value=total - 3.0, **gap))
        if setting == "" and method not in ("together", "optimum"):
            p = 0.01 if method in ("ptg", "single") else 0.5
            rows += [_row("p_value", **place, value=p, label=label) for label in ("raw", "holm")]
        if enumerated and groups == 2 and method != "optimum":
            above = 100 * (total / 2.5 - 1)
            rows.append(
                _row("relative", **place, value=above, low=above - 5, high=above + 5, count=2,
                     label="same")
            )  # fmt: skip
    for seed, parts in GROUPS.items():
        rows += [
            _row("group", method="ptg", num_groups=2, seed=seed, group=number, i=task)
            for number, members in enumerate(parts) for task in members
        ]  # fmt: skip
    return rows


def _costs() -> list[dict[str, Any]]:
    rows = [
        _row("needed", method="ptg", label=label, value=value)
        for label, value in (("forward", 12.0), ("backward", 3.0), ("parameter", 6.0))
    ]
    rows.append(_row("printed", method="ptg, 4.3", label="forward", value=15.0))
    for every in (1, 25):
        setting = f"interval={every}"
        rows.append(_row("improvement", method="ptg", setting=setting, num_groups=2,
                         value=4.0 / every, low=1.0, high=7.0, count=2))  # fmt: skip
        rows += [
            _row("speedup", setting=setting, label=label, value=float(every), low=float(every),
                 high=float(every), count=2)
            for label in ("forward", "seconds")
        ]  # fmt: skip
    return rows


@pytest.fixture(scope="session")
def grouping(make_store: Callable[[Mapping[str, Any]], Path]) -> pl.DataFrame:
    """Two benchmarks: one whose optimum is known, one where it is not."""
    cells = []
    for name, provenance, known in (("ett", "NEAR", True), ("yeast", "EXACT", False)):
        params = {"benchmark": name, "preset": "small", "settings": "{}"}
        cells.append(
            (params, [*_about(provenance, known), *_affinities(), *_outcomes(known), *_costs()])
        )
    return read_rows(make_store({"grouping": (COLUMNS, cells)}), "grouping")
