"""Runs as small CSV files that travel with the source, and back into a store.

A benchmark has two files. ``BENCHMARK-runs.csv`` has a line a run: its number, key, experiment,
version, params, seconds and where it was made. ``BENCHMARK-rows.csv`` has their rows; one that
several runs share stands there once, with the numbers of all of them (``0-3 7``), and so does a
provenance (``as run 0``). Kept is what the table and its figures are made from, floats of the
table's runs to 7 digits and those of tuning runs, which decide what is chosen, to the last; so a
run that was loaded from here has the key and the provenance of the one that was recorded, and not
its very bits.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from simulations.experiments import get_experiment
from simulations.sweep.cell import Cell, make_cell
from simulations.sweep.store import StoreWriter
from simulations.sweep.worker import Outcome
from simulations.training.run.stored import COLUMNS
from songoku_theory.errors import InvalidInputError, StoreError
from songoku_theory.storage import open_read_only
from songoku_theory.storage.codec import Row, RowValue, canonical_json, decode_rows, encode_rows
from songoku_theory.storage.inventory import CellRecord, read_cell
from songoku_theory.storage.problems import store_problems
from songoku_theory.storage.schema import DONE

__all__ = ["export", "load", "recorded_folder", "recorded_seeds"]

_RUNS = (
    "run", "key", "experiment", "version", "params", "seconds", "finished_at", "provenance",
)  # fmt: skip
_ROWS = ("runs", *COLUMNS)

_KINDS = (
    "provenance", "data", "digest", "note", "task_name", "task_role", "chance", "higher_is_better",
    "score", "work", "work_at", "seconds", "class", "loss", "diverged",
    "setting", "tau", "norm", "n_eff", "cosine", "edge", "gap", "updates",
)  # fmt: skip
"""In the order in which they are written: what other rows refer to comes first."""

_OF_REFRESHES = _KINDS[_KINDS.index("setting") :]
_SEEN_INTO = ("son_goku", "single_step", "random_groups")
"""Methods whose refreshes are kept as well: those that the figures of refreshes show."""

_DIGITS = 7
_NOTHING = -1  # of a whole number; written as nothing
_AS_RUN = "as run "


def recorded_folder(preset: str) -> Path:
    """Return the folder of the runs of a preset that come along.

    Raises
    ------
    InvalidInputError
        When none were recorded.
    """
    folder = Path(str(files("simulations.training") / "recorded" / preset))
    if not folder.is_dir():
        raise InvalidInputError(
            f"no runs of preset {preset!r} come along; train them with 'songoku table1 --preset "
            f"{preset}'."
        )
    return folder


def export(cells: Iterable[Cell], store: Path, folder: Path) -> dict[str, int]:
    """Write those of the cells that are stored.

    Parameters
    ----------
    cells : iterable of Cell
    store : Path
    folder : Path
        Made where needed; files of the same names are replaced.

    Returns
    -------
    dict
        Benchmark to number of runs.

    Raises
    ------
    StoreError
        When the store can't be read or a file can't be written.
    """
    found: dict[str, list[CellRecord]] = {}
    with closing(open_read_only(store)) as connection, store_problems(store, "reading"):
        held = {key for (key,) in connection.execute("SELECT key FROM cells")}
        for cell in cells:
            if cell.key in held:
                record = read_cell(connection, cell.key)
                if record.status == DONE:
                    found.setdefault(str(record.params["benchmark"]), []).append(record)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for benchmark, records in found.items():
            _write(folder / f"{benchmark}-runs.csv", _RUNS, _runs(records))
            _write(folder / f"{benchmark}-rows.csv", _ROWS, _shared(records))
    except OSError as error:
        raise StoreError(f"can't write to {folder}: {error}.") from error
    return {benchmark: len(records) for benchmark, records in found.items()}


def _runs(records: Sequence[CellRecord]) -> Iterator[list[object]]:
    """A line a run; of equal provenances the first stands for all."""
    seen: dict[str, int] = {}
    for number, record in enumerate(records):
        made = json.dumps(dict(record.provenance), sort_keys=True)
        first = seen.setdefault(made, number)
        yield [
            number, record.key, record.experiment, record.version,
            json.dumps(dict(record.params), sort_keys=True), f"{record.seconds:.3f}",
            record.finished_at, made if first == number else f"{_AS_RUN}{first}",
        ]  # fmt: skip


def _shared(records: Sequence[CellRecord]) -> Iterator[list[object]]:
    """Each different row once, beside the runs that have it."""
    holders: dict[tuple[RowValue, ...], list[int]] = {}
    for number, record in enumerate(records):
        assert record.rows is not None
        table = decode_rows(record.rows)
        exact = record.experiment == "tuning"
        main, last = _main_tasks(table), _last_step(table)
        for values in zip(*(table[name] for name in COLUMNS), strict=True):
            row = dict(zip(COLUMNS, values, strict=True))
            on_the_way = row["kind"] == "score" and row["step"] != last and row["i"] not in main
            if _kept(row, str(record.params["method"])) and not on_the_way:
                key = values if exact else tuple(_rounded(value) for value in values)
                holders.setdefault(key, []).append(number)
    place = {kind: number for number, kind in enumerate(_KINDS)}
    for values in sorted(holders, key=lambda values: place[str(values[0])]):
        yield [_ranges(holders[values]), *map(_short, values)]


def _short(value: RowValue) -> RowValue:
    return "" if value is None or (value == _NOTHING and isinstance(value, int)) else value


def _main_tasks(table: Mapping[str, Sequence[RowValue]]) -> set[RowValue]:
    roles = zip(table["kind"], table["i"], table["label"], strict=True)
    return {i for kind, i, label in roles if kind == "task_role" and label == "main"}


def _last_step(table: Mapping[str, Sequence[RowValue]]) -> RowValue:
    """Of an evaluation; curves are kept of main tasks alone."""
    steps = zip(table["kind"], table["step"], strict=True)
    return max((int(step or 0) for kind, step in steps if kind == "score"), default=-1)


def _kept(row: Mapping[str, RowValue], method: str) -> bool:
    """Leave out what neither the table nor its figures are made from."""
    if row["kind"] == "work_at":
        return row["label"] == "backwards"
    if row["kind"] in _OF_REFRESHES:
        return method in _SEEN_INTO
    return row["kind"] in _KINDS


def _rounded(value: RowValue) -> RowValue:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _ranges(numbers: Sequence[int]) -> str:
    """Write increasing numbers as ranges.

    Examples
    --------
    >>> _ranges([0, 1, 2, 5, 7, 8])
    '0-2 5 7-8'
    """
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def _numbers(text: str) -> list[int]:
    """Read what `_ranges` wrote.

    Examples
    --------
    >>> _numbers("0-2 5 7-8")
    [0, 1, 2, 5, 7, 8]
    """
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _write(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([repr(v) if isinstance(v, float) else v for v in line] for line in lines)
    path.write_text(text.getvalue(), encoding="utf-8")


def recorded_seeds(folder: Path) -> tuple[int, ...]:
    """Return the seeds of a folder's runs of the table, in order; none where there are no files."""
    found: set[int] = set()
    for path in sorted(folder.glob("*-runs.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                if line.get("experiment") == "training" and line.get("params"):
                    found.add(int(json.loads(line["params"])["seed"]))
    return tuple(sorted(found))


def load(folder: Path, store: Path) -> tuple[int, int]:
    """Put recorded runs into a store; a run that is there stays as it is.

    Parameters
    ----------
    folder : Path
        As `export` wrote it.
    store : Path
        Made if it does not exist.

    Returns
    -------
    tuple of int
        Runs that were added, and runs that were there.

    Raises
    ------
    InvalidInputError
        When a file is missing, cut off or not what it should be, or was recorded by a version
        whose cells have other keys.
    StoreError
        When the store can't be written.
    """
    paths = sorted(folder.glob("*-runs.csv"))
    if not paths:
        raise InvalidInputError(f"{folder} holds no recorded runs (expected BENCHMARK-runs.csv).")
    ready: list[tuple[Cell, Outcome]] = []
    for path in paths:
        ready += _recorded(path)
    added = 0
    with StoreWriter(store) as writer:
        for experiment in {cell.experiment.name: cell.experiment for cell, _ in ready}.values():
            writer.declare(experiment)
        held = {
            key
            for experiment in ("tuning", "training")
            for key, status in writer.statuses(get_experiment(experiment)).items()
            if status == DONE
        }
        for cell, outcome in ready:
            if cell.key not in held:
                writer.write(cell, outcome)
                added += 1
    return added, len(ready) - added


def _recorded(path: Path) -> list[tuple[Cell, Outcome]]:
    beside = path.with_name(path.name.replace("-runs.csv", "-rows.csv"))
    rows: dict[int, list[Row]] = {}
    where = str(beside)
    try:
        for line in _lines(beside, _ROWS):
            row = {name: _value(name, line[name], type_) for name, type_ in COLUMNS.items()}
            for number in _numbers(line["runs"]):
                rows.setdefault(number, []).append(row)
        where = str(path)
        made: dict[str, str] = {}
        found = []
        for line in _lines(path, _RUNS):
            text = line["provenance"]
            made[line["run"]] = made[text.removeprefix(_AS_RUN)] if _AS_RUN in text[:7] else text
            found.append(_cell(line, rows, made[line["run"]]))
        return found
    except (OSError, UnicodeDecodeError, csv.Error, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            f"{where} can't be read as recorded runs ({type(error).__name__}: {error}). Restore it "
            f"from the repository, or record it again with --export."
        ) from error


def _lines(path: Path, header: Sequence[str]) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != tuple(header):
            raise ValueError(f"expected the columns {', '.join(header)}")
        for line in reader:
            if None in line or None in line.values():
                raise ValueError(f"line {reader.line_num} is cut off, or has too much")
            yield line


def _value(name: str, text: str, type_: type) -> RowValue:
    if text == "" and name not in ("split", "metric"):
        return _NOTHING if type_ is int else None
    found: RowValue = type_(text)
    return found


def _cell(
    line: Mapping[str, str], rows: Mapping[int, list[Row]], made: str
) -> tuple[Cell, Outcome]:
    experiment = get_experiment(line["experiment"])
    cell = make_cell(experiment, json.loads(line["params"]))
    if int(line["version"]) != experiment.version or cell.key != line["key"]:
        raise ValueError(
            f"run {line['run']} was recorded with key {line['key'][:8]}, and its params have key "
            f"{cell.key[:8]} now: what a run means has changed since"
        )
    mine = rows.get(int(line["run"]), [])
    if not mine:
        raise ValueError(f"run {line['run']} has no rows")
    return cell, Outcome(
        cell.key, encode_rows(mine, COLUMNS), len(mine), None, float(line["seconds"]),
        canonical_json(json.loads(made)),
    )  # fmt: skip
