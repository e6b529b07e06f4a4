"""PTG's tables: groups' errors, distance to the optimum, lazy collection, cost of affinities."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from paper_figures._grouping_rows import NEED, WAYS, Study, read_studies, way_name
from paper_figures._table1_parts import mean_text
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.statistics import Mean
from paper_figures.engine.table import Column, Part, Row, Table

__all__ = ["lay"]

ALPHA = 0.05
KINDS = ("mean", "difference", "p_value", "relative", "improvement", "speedup", "needed", "printed")


@table(
    name="ptg",
    title="Task grouping: errors, distance to the optimum, and cost",
    needs=(NEED,),
    claims=("PTG-43-T9",),
    place=31,
)
def lay(given: FigureInput) -> Table:
    """Lay out three parts a benchmark: the ways to group, lazy collection, cost of affinities."""
    studies = read_studies(given.rows["grouping"])
    parts: list[Part] = []
    for study in studies:
        parts += [part for part in (_errors(study), _lazy(study), _costs(study)) if part.rows]
    return Table(
        parts=tuple(parts),
        data=_data(studies),
        caption=(
            "Total error: sum over the tasks of the test error, mean over seeds; a number behind "
            "a way is its number of groups, each one network. 'Less all together': paired by seed, "
            "▲ (less error) and ▼ (more) where the paired t test, corrected by Holm's procedure "
            "over the plain ways, has p < 0.05. 'Above optimum': in per cent of the optimum's "
            "total with as many groups, where every set of tasks was trained; the optimum is "
            "chosen by the test errors themselves, a bound and no method. Lazy collection: per "
            "cent below random groupings when gains are collected at one step in so many, and how "
            "much cheaper the run is than one that collects at each step. Operations: what an "
            "affinity's definition needs a collected step, in losses of a task (forward), "
            "gradients (backward) and parameter updates, beside the paper's expressions."
        ),
        n=", ".join(f"{study.title}: {study.seeds} seeds" for study in studies),
        interval="95% of a mean by Student's t over seeds, each a repetition of everything",
        keys=tuple(study.key for study in studies),
    )  # fmt: skip


def _errors(study: Study) -> Part:
    means = study.ordered(study.kind("mean", None))
    means = means.filter(~pl.col("setting").str.starts_with("interval="))
    rows: list[Row] = []
    rules: list[int] = []
    before = ""
    for row in means.iter_rows(named=True):
        if row["setting"] != before and rows:
            rules.append(len(rows))
        before = row["setting"]
        here = {name: row[name] for name in ("method", "setting", "num_groups")}
        rows.append(
            (
                way_name(row["method"], row["num_groups"], row["setting"]),
                _number(_one(study, "networks", here)),
                mean_text(_mean(row)),
                _difference(study, here),
                mean_text(_mean(_one(study, "relative", here, label="same"))),
            )
        )
    columns = (
        Column("way, groups", "left"),
        Column("networks"),
        Column("total error"),
        Column("less all together"),
        Column("above optimum (%)"),
    )
    notes = tuple(note for note in (study.verdict, *study.notes) if note)
    return Part(f"{study.title}: errors in {study.unit}", columns, tuple(rows), tuple(rules), notes)


def _difference(study: Study, here: dict[str, object]) -> str:
    found = _mean(_one(study, "difference", here))
    p = _one(study, "p_value", here, label="holm")
    sign = ""
    tested = None if p is None else p["value"]
    if found is not None and tested is not None and float(str(tested)) < ALPHA:
        sign = " ▲" if found.value < 0 else " ▼"
    return mean_text(found) + sign


def _lazy(study: Study) -> Part:
    gains = study.kind("improvement", None)
    intervals = sorted(
        {str(s) for s in gains["setting"]}, key=lambda text: float(text.partition("=")[2] or 0)
    )
    sizes = sorted(set(gains["num_groups"]))
    rows = []
    for setting in intervals:
        cells = [
            mean_text(
                _mean(
                    _one(
                        study,
                        "improvement",
                        {"method": "ptg", "setting": setting, "num_groups": size},
                    )
                )
            )
            for size in sizes
        ]
        speed = [
            mean_text(_mean(_one(study, "speedup", {"setting": setting}, label=label)))
            for label in ("forward", "seconds")
        ]
        rows.append((setting.partition("=")[2], *cells, *speed))
    columns = (
        Column("collected at one step in", "left"),
        *(Column(f"{size} groups", "right", "below random (%)") for size in sizes),
        Column("forward passes", "right", "times cheaper"),
        Column("seconds", "right", "times cheaper"),
    )
    return Part(f"{study.title}: lazy collection", columns, tuple(rows))


def _costs(study: Study) -> Part:
    rows: list[Row] = []
    rules: list[int] = []
    for kind in ("needed", "printed"):
        found = study.kind(kind)
        if rows and found.height:
            rules.append(len(rows))
        for (method,), part in found.group_by("method", maintain_order=True):
            cells = dict(part.select("label", "value").iter_rows())
            name = WAYS.get(str(method), str(method))
            rows.append(
                (
                    name if kind == "needed" else f"the paper: {method}",
                    *(_amount(cells.get(what)) for what in ("forward", "backward", "parameter")),
                )
            )
    columns = (
        Column("affinity", "left"),
        *(Column(name) for name in ("forward", "backward", "parameter")),
    )
    title = f"{study.title}: operations a collected step, {len(study.tasks)} tasks"
    return Part(title, columns, tuple(rows), tuple(rules))


def _one(
    study: Study, kind: str, values: dict[str, object], label: str | None = None
) -> dict[str, object] | None:
    """Return the row with these values, if there is one."""
    found = study.kind(kind, None)
    for name, value in values.items():
        found = found.filter(pl.col(name) == value)
    if label is not None:
        found = found.filter(pl.col("label") == label)
    return None if found.is_empty() else found.row(0, named=True)


def _mean(row: dict[str, object] | None) -> Mean | None:
    if row is None or row["value"] is None:
        return None
    value = float(str(row["value"]))
    low, high = row["low"], row["high"]
    ends = (value, value) if low is None or high is None else (float(str(low)), float(str(high)))
    return Mean(value, *ends, int(str(row["count"])))


def _number(row: dict[str, object] | None) -> str:
    return "–" if row is None else _amount(row["value"])


def _amount(value: object) -> str:
    return "–" if value is None else f"{float(str(value)):,.4g}"


def _data(studies: Iterable[Study]) -> pl.DataFrame:
    columns = ("method", "setting", "num_groups", "value", "low", "high", "count", "label")
    return pl.concat(
        study.rows.filter(pl.col("kind").is_in(KINDS)).select(
            pl.lit(study.name).alias("benchmark"),
            pl.lit(study.provenance).alias("provenance"),
            "kind",
            *columns,
        )
        for study in studies
    )
