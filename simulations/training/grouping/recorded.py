"""Comparisons that come along: exported once, shown and stored without training.

A benchmark's comparison is ``BENCHMARK.csv``, the rows of the experiment ``grouping``, and
``BENCHMARK.json``: the params of their cell, where and when it was made, and the digest of the
rows, without which a file that was cut off at the end of a line would pass for a whole one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

from simulations.experiments import get_experiment
from simulations.sweep.cell import make_cell
from simulations.sweep.experiment import Row, RowValue
from simulations.sweep.run import plan
from simulations.sweep.store import StoreWriter
from simulations.sweep.worker import Outcome
from simulations.training.grouping.rows import COLUMNS
from simulations.training.grouping.study import Study
from simulations.training.run.checkpoint import write_whole
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.storage import open_read_only
from songoku_theory.storage.codec import encode_rows
from songoku_theory.storage.problems import store_problems

__all__ = ["available_recorded", "export", "load_recorded", "read_csv", "write_csv"]

_FOLDER = "simulations.training"
_UNUSED = -1


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows; floats with all their digits, nothing where a kind does not use a column."""
    write_whole(path, csv_text(rows).encode())


def csv_text(rows: Sequence[Row]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_written(row[name]) for name in COLUMNS])
    return text.getvalue()


def _written(value: RowValue) -> str:
    if value is None or (isinstance(value, int) and value == _UNUSED):
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def read_csv(text: str, source: str) -> list[Row]:
    """Return the rows of a CSV that `csv_text` made.

    Raises
    ------
    InvalidInputError
        When it has other columns, a line has more or fewer of them, or a value is not of its
        column's kind.
    """
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames is None or list(reader.fieldnames) != list(COLUMNS):
        raise InvalidInputError(
            f"{source} should have the columns {', '.join(COLUMNS)}; found "
            f"{', '.join(reader.fieldnames or ()) or 'none'}."
        )
    rows: list[Row] = []
    for number, held in enumerate(reader, start=2):
        if None in held or None in held.values():
            raise InvalidInputError(
                f"{source}, line {number}: {len(COLUMNS)} columns are expected; found "
                f"{'more' if None in held else 'fewer'}. The file is truncated or changed."
            )
        try:
            rows.append({name: _read(held[name], kind) for name, kind in COLUMNS.items()})
        except (ValueError, TypeError) as error:
            raise InvalidInputError(f"{source}, line {number}: {error}.") from error
    return rows


def _read(text: str, kind: type) -> RowValue:
    if kind is str:
        return text
    if kind is int:
        return int(text) if text else _UNUSED
    return float(text) if text else None


def export(folder: Path, study: Study, store: Path, rows: Sequence[Row]) -> None:
    """Write a stored comparison with its params and provenance.

    Parameters
    ----------
    folder : Path
    study : Study
    store : Path
        Holds the comparison.
    rows : sequence of Row

    Raises
    ------
    InvalidInputError
        When the store does not hold it.
    """
    cell = study.cell()
    with closing(open_read_only(store)) as connection, store_problems(store, "reading"):
        held = connection.execute(
            "SELECT finished_at, seconds, value FROM cells JOIN provenance ON provenance_id = id "
            "WHERE key = ?",
            (cell.key,),
        ).fetchone()
        trained = connection.execute(
            "SELECT DISTINCT value FROM provenance JOIN cells ON provenance_id = id "
            "WHERE experiment LIKE 'grouping_%' AND params LIKE ?",
            (f'%"benchmark":"{study.benchmark}"%',),
        ).fetchall()
    if held is None:
        raise InvalidInputError(
            f"{store} does not hold this comparison; run it without --recorded."
        )
    finished, _, made_by = held
    about = {
        "experiment": cell.experiment.name,
        "version": cell.experiment.version,
        "params": cell.params,
        "finished_at": finished,
        "provenance": json.loads(made_by),
        "trained_by": sorted({str(json.loads(text).get("commit")) for (text,) in trained}),
    }
    written = csv_text(rows)
    about["sha256"] = _digest(written)
    write_whole(folder / f"{study.benchmark}.csv", written.encode())
    text = json.dumps(about, indent=2, ensure_ascii=False, sort_keys=True)
    write_whole(folder / f"{study.benchmark}.json", (text + "\n").encode())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def available_recorded() -> tuple[str, ...]:
    """Return the benchmarks whose comparisons come along."""
    folder = files(_FOLDER) / "recorded" / "grouping"
    if not folder.is_dir():
        return ()
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(".csv"))
    return tuple(sorted(name.removesuffix(".csv") for name in names))


def load_recorded(benchmark: str, store: Path) -> list[Row]:
    """Return the rows of a comparison that comes along, and put them into a store.

    A store that holds the comparison already, run or recorded, is left as it is.

    Raises
    ------
    UnknownNameError
        When none comes along for the benchmark.
    InvalidInputError
        When its files don't fit this version of the experiment.
    """
    if benchmark not in available_recorded():
        raise unknown_name("recorded comparison", benchmark, available_recorded())
    text, about = _read_files(benchmark)
    rows = read_csv(text, f"{benchmark}.csv")
    if _digest(text) != about["sha256"]:
        raise InvalidInputError(
            f"{benchmark}.csv is not what {benchmark}.json was written with (sha256 differs): it "
            f"is truncated or changed. Install songoku again, or run without --recorded."
        )
    experiment = get_experiment("grouping")
    if about["version"] != experiment.version:
        raise InvalidInputError(
            f"the recorded comparison of {benchmark} is of version {about['version']} of the "
            f"experiment grouping; this is version {experiment.version}. Run it again."
        )
    cell = make_cell(experiment, about["params"])
    if plan([cell], store).pending:
        outcome = Outcome(
            cell.key, encode_rows(rows, experiment.columns), len(rows), None, 0.0,
            json.dumps({**about["provenance"], "recorded": about["finished_at"]}, sort_keys=True),
        )  # fmt: skip
        with StoreWriter(store) as writer:
            writer.declare(experiment)
            writer.write(cell, outcome)
    return rows


def _read_files(benchmark: str) -> tuple[str, dict[str, Any]]:
    """Return a comparison's rows as text, and what is said of them."""
    folder = files(_FOLDER) / "recorded" / "grouping"
    again = "Install songoku again, or run without --recorded."
    try:
        text = (folder / f"{benchmark}.csv").read_text(encoding="utf-8")
        about = json.loads((folder / f"{benchmark}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, not JSON
        raise InvalidInputError(
            f"the recorded comparison of {benchmark} can't be read: {error}. {again}"
        ) from error
    needed = ("finished_at", "params", "provenance", "sha256", "version")
    missing = [name for name in needed if not isinstance(about, dict) or name not in about]
    if missing:
        raise InvalidInputError(f"{benchmark}.json lacks {', '.join(missing)}. {again}")
    return text, about
