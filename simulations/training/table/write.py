"""Print the table on a terminal; write it as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulations.training.table.claims import Answer
from simulations.training.table.grids import Grid
from simulations.training.table.plan import Request, Tuned
from simulations.training.table.scores import BenchTable, Compared
from simulations.training.table.statistics import LEVEL, Estimate
from songoku_theory.errors import StoreError

__all__ = ["as_csv", "as_json", "as_markdown", "print_grids", "write_text"]


def print_grids(grids: Sequence[Grid]) -> None:
    """Print grids on standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a file or a pipe has no width of its own
    for grid in grids:
        table = Table(title=grid.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for heading in grid.header:
            table.add_column(heading, overflow="fold")
        for row in grid.rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
        for note in grid.notes:
            console.print(Text(note))
        console.print()


def as_markdown(grids: Sequence[Grid]) -> str:
    """Return grids as Markdown."""
    parts = []
    for grid in grids:
        lines = [f"## {grid.title}", "", _line(grid.header), _line(["---"] * len(grid.header))]
        lines += [_line(row) for row in grid.rows]
        for note in grid.notes:
            lines += ["", note]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


_COLUMNS = (
    "benchmark", "provenance", "comparison", "split", "method", "column", "metric",
    "higher_is_better", "seeds", "mean", "low", "high", "difference", "difference_low",
    "difference_high", "p", "p_holm", "paper",
)  # fmt: skip


def as_csv(tables: Sequence[BenchTable]) -> str:
    """Return every number of the tables, one line a method, column and comparison."""
    from simulations.training.table.names import title_of
    from songoku_theory.published import METHOD_NAMES, TABLE_1

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for table in tables:
        for line in table.methods:
            for comparison, split, cells in (
                ("equal steps", "test", line.at_steps),
                ("equal work", "validation", line.at_work),
            ):
                for column, cell in zip(table.columns, cells, strict=True):
                    name = METHOD_NAMES.get(line.method)
                    printed = (
                        TABLE_1[name][column.paper]
                        if name is not None and column.paper is not None
                        else ""
                    )
                    writer.writerow(
                        [
                            table.benchmark, table.provenance, comparison, split,
                            title_of(line.method), " ".join(column.tasks), column.metric,
                            int(column.higher_is_better), len(cell.values),
                            *_three(cell.mean), *_three(cell.difference), _text(cell.p),
                            _text(cell.p_holm), printed,
                        ]
                    )  # fmt: skip
            gain = line.delta_m
            if gain is not None:
                writer.writerow(
                    [
                        table.benchmark, table.provenance, "equal steps", "test",
                        title_of(line.method), "all main tasks", "delta_m (%)", 1, gain.seeds,
                        *_three(gain), *[""] * 6,
                    ]
                )  # fmt: skip
    return text.getvalue()


def _three(found: Estimate | None) -> list[str]:
    if found is None:
        return ["", "", ""]
    return [_text(found.mean), _text(found.low), _text(found.high)]


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def as_json(
    request: Request, tables: Sequence[BenchTable], found: Sequence[Tuned],
    said: Sequence[Answer],
) -> dict[str, Any]:  # fmt: skip
    """Return everything as plain values."""
    tuning = request.settings.tuning()
    return {
        "preset": request.preset,
        "seeds": list(request.seeds),
        "device": request.device,
        "statistics": {
            "intervals": f"t, {LEVEL:g}",
            "tests": "paired t against Uniform, Holm over a benchmark's methods and columns",
        },
        "tuning": {
            "seed": tuning.seed,
            "share": tuning.share,
            "candidates": tuning.count,
            "chosen": [
                {
                    **asdict(one.entry),
                    "chosen": None if one.chosen is None else dict(one.chosen),
                    "gains": list(one.choice.gains),
                }
                for one in found
            ],
        },
        "benchmarks": [_bench(table) for table in tables],
        "claims": [asdict(one) for one in said],
    }


def _bench(table: BenchTable) -> dict[str, Any]:
    return {
        "benchmark": table.benchmark,
        "provenance": table.provenance,
        "notes": list(table.notes),
        "steps": table.steps,
        "comparisons": table.comparisons,
        "detectable": table.detectable,
        "columns": [
            {**asdict(column), "tasks": list(column.tasks), "title": column.title}
            for column in table.columns
        ],
        "methods": [
            {
                "method": line.method,
                "equal_steps": [_compared(cell) for cell in line.at_steps],
                "equal_work": [_compared(cell) for cell in line.at_work],
                "equal_work_step": _keyed(line.work_step),
                "delta_m": None if line.delta_m is None else asdict(line.delta_m),
                "delta_m_by_seed": _keyed(line.delta_m_values),
                "backwards": line.backwards,
                "seconds": line.seconds,
                "diverged": list(line.diverged),
                "missing": list(line.missing),
                "remark": line.remark,
                "every_candidate_diverged": line.untuned,
                "settings": [dict(one) for one in line.settings],
            }
            for line in table.methods
        ],
    }


def _compared(cell: Compared) -> dict[str, Any]:
    return {**asdict(cell), "values": _keyed(cell.values)}


def _keyed(values: Any) -> dict[str, Any]:  # noqa: ANN401 - mapping from seed to number
    return {str(seed): value for seed, value in values.items()}


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises
    ------
    StoreError
        When it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"can't write {path}: {error}.") from error
