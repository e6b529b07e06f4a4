"""Write a store: one process, one transaction a finished cell."""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from simulations.sweep.cell import Cell
from simulations.sweep.experiment import Experiment
from simulations.sweep.lock import writer_lock
from simulations.sweep.worker import Outcome
from songoku_theory.errors import StoreError
from songoku_theory.storage import inventory
from songoku_theory.storage.codec import canonical_json, digest
from songoku_theory.storage.problems import store_problems
from songoku_theory.storage.reader import check_header, check_identity, connect_read_only
from songoku_theory.storage.schema import CELLS, DDL, DONE, EXPERIMENTS, FAILED, PROVENANCE

__all__ = ["StoreWriter"]


class StoreWriter:
    """The one writer of a store; makes the file if there is none. Use it in a ``with``.

    A cell is written in one transaction, so a kill at any moment leaves whole cells. The log is
    not flushed to the disk at each of them (``synchronous = NORMAL``): a power cut may undo the
    last few cells, never damage the others.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    StoreError
        When the file is not a store of this version, is damaged, can't be written, or another
        process writes it. The file is then as it was.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._provenance: dict[str, int] = {}
        self._is_new()  # refuses what is not a store before leaving a lock file beside it
        with ExitStack() as stack:
            with store_problems(self.path, "making"):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(writer_lock(self.path))
            new = self._is_new()
            with store_problems(self.path, "opening"):
                self._connection = stack.enter_context(
                    closing(sqlite3.connect(self.path, isolation_level=None, timeout=10.0))
                )
                self._prepare(new)
            self._held = stack.pop_all()

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self._held.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """For the questions of `songoku_theory.storage.inventory`."""
        return self._connection

    def declare(self, experiment: Experiment) -> None:
        """Note what an experiment's cells look like, before the first of them is written.

        Raises
        ------
        StoreError
            When cells of the same version with other params or columns are stored.
        """
        declared = experiment.declaration()
        with store_problems(self.path, "writing to"):
            found = self._connection.execute(
                f"SELECT declaration FROM {EXPERIMENTS} WHERE name = ? AND version = ?",
                (experiment.name, experiment.version),
            ).fetchone()
            if found is None:
                self._connection.execute(
                    f"INSERT INTO {EXPERIMENTS} VALUES (?, ?, ?, ?)",
                    (
                        experiment.name,
                        experiment.version,
                        canonical_json(declared),
                        experiment.statistics,
                    ),
                )
                return
        stored = json.loads(found[0])
        for what in ("params", "columns", "seed_axes"):
            if _unordered(stored[what]) != _unordered(declared[what]):
                raise StoreError(
                    f"experiment {experiment.name!r} version {experiment.version} was stored in "
                    f"{self.path} with {what} {_show(stored[what])}; it now declares "
                    f"{_show(declared[what])}. Raise its version (old cells stay), or name "
                    f"another store with --store."
                )

    def statuses(self, experiment: Experiment) -> dict[str, str]:
        """Return the status of each stored cell of an experiment, by key."""
        with store_problems(self.path, "reading"):
            return inventory.statuses(self._connection, experiment.name, experiment.version)

    def write(self, cell: Cell, outcome: Outcome) -> None:
        """Store one cell. A finished cell is never replaced; a failed one is.

        Raises
        ------
        StoreError
            When it can't be written; the store is then as it was before.
        """
        with store_problems(self.path, "writing to"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                provenance_id = self._provenance_id(outcome.provenance)
                self._connection.execute(
                    f"INSERT INTO {CELLS} (key, experiment, version, status, seconds, "
                    f"finished_at, provenance_id, params, error, digest, num_rows, rows) "
                    f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                    f"ON CONFLICT (key) DO UPDATE SET status = excluded.status, "
                    f"seconds = excluded.seconds, finished_at = excluded.finished_at, "
                    f"provenance_id = excluded.provenance_id, error = excluded.error, "
                    f"digest = excluded.digest, num_rows = excluded.num_rows, "
                    f"rows = excluded.rows WHERE {CELLS}.status = '{FAILED}'",
                    (
                        cell.key,
                        cell.experiment.name,
                        cell.experiment.version,
                        FAILED if outcome.rows is None else DONE,
                        outcome.seconds,
                        datetime.now(UTC).isoformat(timespec="seconds"),
                        provenance_id,
                        cell.params_text,
                        outcome.error,
                        None if outcome.rows is None else digest(outcome.rows),
                        outcome.num_rows,
                        outcome.rows,
                    ),
                )
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            self._provenance[outcome.provenance] = provenance_id

    def _provenance_id(self, text: str) -> int:
        known = self._provenance.get(text)
        if known is not None:
            return known
        self._connection.execute(
            f"INSERT INTO {PROVENANCE} (value) VALUES (?) ON CONFLICT (value) DO NOTHING", (text,)
        )
        (found,) = self._connection.execute(
            f"SELECT id FROM {PROVENANCE} WHERE value = ?", (text,)
        ).fetchone()
        return int(found)

    def _roll_back(self) -> None:
        # A full disk makes SQLite roll back by itself, and then there is nothing to undo.
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _is_new(self) -> bool:
        """Whether the file is still to be made; refuses, untouched, any that is not a store."""
        with store_problems(self.path, "opening"):
            if not self.path.exists() or (self.path.is_file() and self.path.stat().st_size == 0):
                return True
            check_header(self.path)
            with closing(connect_read_only(self.path)) as connection:
                (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                (application,) = connection.execute("PRAGMA application_id").fetchone()
                if tables == 0 and application == 0:
                    return True  # killed between making the file and its tables
                check_identity(connection, self.path)
        return False

    def _prepare(self, new: bool) -> None:
        connection = self._connection
        if not new:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise StoreError(
                    f"the store {self.path} is damaged ({verdict}); nothing was written to it. "
                    f"Rescue what can be read with: sqlite3 {self.path} .recover | sqlite3 "
                    f"rescued.sqlite; or name another store with --store."
                )
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(
                f"the store {self.path} can't keep a write-ahead log here (found mode {mode!r}); "
                f"a network file system can't. Name a store on a local disk with --store."
            )
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if new:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for statement in DDL:
                    connection.execute(statement)
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise


def _unordered(declared: object) -> object:
    return dict(declared) if isinstance(declared, list) and _is_table(declared) else declared


def _is_table(declared: list[object]) -> bool:
    return all(isinstance(entry, list) and len(entry) == 2 for entry in declared)


def _show(declared: object) -> str:
    found = _unordered(declared)
    if isinstance(found, dict):
        return ", ".join(f"{name} ({type_})" for name, type_ in sorted(found.items()))
    return str(found)
