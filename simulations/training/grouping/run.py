"""From a preset to rows: cells through the sweep machinery, read back from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path

from simulations.sweep.cell import Cell
from simulations.sweep.experiment import Row
from simulations.sweep.run import Report, plan
from simulations.sweep.store import StoreWriter
from simulations.sweep.worker import Task, run_task
from simulations.training.grouping.study import Study, study_rows
from simulations.training.run.settings import Settings, available_presets, load_settings, over
from songoku_theory.errors import InvalidInputError, SongokuError, unknown_name
from songoku_theory.storage import open_read_only
from songoku_theory.storage.codec import decode_rows
from songoku_theory.storage.problems import store_problems
from songoku_theory.storage.schema import CELLS, DONE

__all__ = ["PACKAGE", "Run", "grouping_settings", "run_study", "stored_rows"]

PACKAGE = "simulations.training.grouping"
"""Whose folder ``presets`` holds those of grouping."""

Run = Callable[[str, Sequence[Cell]], Report]
"""Runs what is not stored yet of some cells, under a name."""


def grouping_settings(preset: str, file: Path | None = None) -> Settings:
    """Return the training preset of a name, the grouping preset over it, then a user's file.

    Raises
    ------
    UnknownNameError
        When there is no such preset, or a table names something that does not exist.
    InvalidInputError
        When a file can't be read or is not TOML.
    """
    names = available_presets(PACKAGE)
    if preset not in names:
        raise unknown_name("preset", preset, names)
    with as_file(files(PACKAGE) / "presets" / f"{preset}.toml") as own:
        settings = over(load_settings(preset), own)
    named = Settings(settings.tables, f"preset {preset}")
    if file is None:
        return named
    found = over(named, file)
    tables = [found.tables, *found.tables.get("benchmark", {}).values()]
    for value in (table.get("grouping", {}) for table in tables):
        if not isinstance(value, dict):
            raise InvalidInputError(f"{file}: grouping should be a table; found {value!r}.")
    return found


def run_study(study: Study, tasks: Sequence[str], store: Path, run: Run) -> list[Row]:
    """Run what is not stored of a study, store what follows, and return its rows.

    Parameters
    ----------
    study : Study
    tasks : sequence of str
        The benchmark's.
    store : Path
    run : callable

    Raises
    ------
    SongokuError
        When a cell failed: says which and why. What finished is stored.
    Stopped
        When a signal stopped it.
    """
    whole = study.cell()
    if not plan([whole], store).pending:
        return stored_rows(store, [whole])[0]

    def fetch(what: str, cells: Sequence[Cell]) -> list[list[Row]]:
        report = run(what, cells)
        if report.failed:
            cell, why = report.failures[0]
            raise SongokuError(
                f"{report.failed} of {len(cells)} runs failed, the first of them "
                f"{_short(cell)}: {why}. The same command tries them again; see one with "
                f"'songoku sweep show {cell.key[:8]} --store {store}'."
            )
        return stored_rows(store, cells)

    rows = study_rows(study, tasks, fetch)
    task = Task(whole.key, whole.params, whole.entropy, lambda params, seed: rows,
                whole.experiment.columns)  # fmt: skip
    outcome = run_task(task)
    if outcome.error is not None:
        raise SongokuError(f"the rows of the comparison can't be stored: {outcome.error}")
    with StoreWriter(store) as writer:
        writer.declare(whole.experiment)
        writer.write(whole, outcome)
    return rows


def _short(cell: Cell) -> str:
    params = cell.params
    tasks = f", tasks {params['tasks']}" if "tasks" in params else ""
    return f"{params['benchmark']} seed {params.get('seed', '')}{tasks} ({cell.key[:8]})"


def stored_rows(store: Path, cells: Sequence[Cell]) -> list[list[Row]]:
    """Return the rows of stored cells, in their order.

    Raises
    ------
    SongokuError
        When one is not there.
    """
    found: list[list[Row]] = []
    with closing(open_read_only(store)) as connection, store_problems(store, "reading"):
        for cell in cells:
            held = connection.execute(
                f"SELECT rows FROM {CELLS} WHERE key = ? AND status = ?", (cell.key, DONE)
            ).fetchone()
            if held is None:
                raise SongokuError(f"{_short(cell)} is not in {store}; run the command again.")
            table = decode_rows(held[0])
            found.append([
                dict(zip(table, values, strict=True))
                for values in zip(*table.values(), strict=True)
            ])  # fmt: skip
    return found
