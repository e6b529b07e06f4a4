"""Read a store: never writes, and works while a sweep is writing."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songoku_theory.errors import (
    DependencyMissingError,
    InvalidInputError,
    StoreError,
    UnknownNameError,
    unknown_name,
)
from songoku_theory.storage.codec import TYPE_NAMES, Scalar, digest
from songoku_theory.storage.problems import store_problems
from songoku_theory.storage.schema import (
    APPLICATION_ID,
    CELLS,
    DONE,
    EXPERIMENTS,
    SCHEMA_VERSION,
)

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "check_header",
    "check_identity",
    "connect_read_only",
    "experiments",
    "open_read_only",
    "param_types",
    "read_cells",
    "read_rows",
]

StorePath = str | os.PathLike[str]

_SQLITE_MAGIC = b"SQLite format 3\x00"


def open_read_only(path: StorePath) -> sqlite3.Connection:
    """Open a store for reading.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    sqlite3.Connection
        Refuses every write. Close it.

    Raises
    ------
    StoreError
        When there is no file, or it is not a store, is damaged, or is of another version.
    """
    file = Path(path)
    check_header(file)
    with store_problems(file, "opening"):
        connection = connect_read_only(file)
        try:
            check_identity(connection, file)
        except BaseException:
            connection.close()
            raise
    return connection


def check_header(file: Path) -> None:
    """Check, without SQLite, that a file exists and starts as an SQLite file does.

    Raises
    ------
    StoreError
        When it does not.
    """
    with store_problems(file, "opening"):
        if not file.exists():
            raise StoreError(
                f"there is no store at {file.absolute()}. Make one with 'songoku sweep run quick "
                f"--store {file}', or name another with --store (or SONGOKU_STORE)."
            )
        if file.is_dir():
            raise StoreError(f"{file} is a folder; a store is one file. Name it with --store.")
        with file.open("rb") as stream:
            start = stream.read(len(_SQLITE_MAGIC))
    if not start:
        raise StoreError(
            f"{file} is empty: no sweep has written to it yet. Run 'songoku sweep run quick "
            f"--store {file}'."
        )
    if start != _SQLITE_MAGIC:
        raise StoreError(
            f"{file} is not a store: expected an SQLite file; it starts with {start!r}. Name "
            f"another with --store."
        )


def check_identity(connection: sqlite3.Connection, file: Path) -> None:
    """Check that an SQLite file is a store of this version.

    Raises
    ------
    StoreError
        When it is another program's, empty, or of another version.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application == 0 and tables == 0:
            raise StoreError(
                f"{file} is empty: no sweep has written to it yet. Run 'songoku sweep run quick "
                f"--store {file}'."
            )
        raise StoreError(
            f"{file} is an SQLite file but not a songoku store (application id {application:#x}; "
            f"expected {APPLICATION_ID:#x}). Name another with --store."
        )
    if version != SCHEMA_VERSION:
        newer = "a newer" if version > SCHEMA_VERSION else "an older"
        raise StoreError(
            f"{file} was written by {newer} songoku: its format is version {version}, this one "
            f"reads version {SCHEMA_VERSION}. Use that songoku, or name another store with "
            f"--store; the file was not touched."
        )


def experiments(path: StorePath) -> list[str]:
    """Return the names of the experiments that have finished cells in a store, sorted.

    Raises
    ------
    StoreError
        When the store can't be read.
    """
    with closing(open_read_only(path)) as connection, store_problems(Path(path), "reading"):
        return [
            name
            for (name,) in connection.execute(
                f"SELECT DISTINCT experiment FROM {CELLS} WHERE status = ? ORDER BY experiment",
                (DONE,),
            )
        ]


def read_cells(path: StorePath, experiment: str | None = None) -> pl.DataFrame:
    """Return what a store knows of its cells, without their rows.

    Parameters
    ----------
    path : str or path
    experiment : str, optional
        Only this one's.

    Returns
    -------
    polars.DataFrame
        Columns key, experiment, version, status (``done`` or ``failed``), seconds, finished_at,
        params (JSON text), error; sorted by experiment, version and key.

    Raises
    ------
    StoreError
        When the store can't be read.
    UnknownNameError
        When the store holds no cell of that experiment.
    """
    _require_polars()
    import polars as pl

    columns = {
        "key": pl.String,
        "experiment": pl.String,
        "version": pl.Int64,
        "status": pl.String,
        "seconds": pl.Float64,
        "finished_at": pl.String,
        "params": pl.String,
        "error": pl.String,
    }
    query = f"SELECT {', '.join(columns)} FROM {CELLS}"
    order = " ORDER BY experiment, version, key"
    with closing(open_read_only(path)) as connection, store_problems(Path(path), "reading"):
        if experiment is None:
            found = connection.execute(query + order).fetchall()
        else:
            found = connection.execute(
                f"{query} WHERE experiment = ?{order}", (experiment,)
            ).fetchall()
            if not found:
                raise _no_such_experiment(connection, path, experiment)
    return pl.DataFrame(found, schema=columns, orient="row")


def read_rows(
    path: StorePath, experiment: str, where: Mapping[str, Scalar] | None = None
) -> pl.DataFrame:
    """Return the rows of an experiment's finished cells, each beside its cell's params.

    Parameters
    ----------
    path : str or path
    experiment : str
    where : mapping of param to value, optional
        Keep only the cells with these values.

    Returns
    -------
    polars.DataFrame
        Column ``key``, one column a param (alphabetical), then the row's columns in the order
        that the experiment declares. Only the newest version that has finished cells. Sorted by
        params, so that the order does not depend on how the sweep was run.

    Raises
    ------
    StoreError
        When the store can't be read, or a cell's rows are not the ones that were written.
    UnknownNameError
        When the store has no finished cell of that experiment, or `where` names no param.
    """
    _require_polars()
    import polars as pl

    with closing(open_read_only(path)) as connection, store_problems(Path(path), "reading"):
        declaration, found = _finished(connection, path, experiment)
    params: Mapping[str, str] = declaration["params"]
    values: dict[str, list[Any]] = {name: [] for name in params}
    for records in _parsed([text for _, text, *_ in found]):
        for name, column in values.items():
            column.extend(map(itemgetter(name), records))
    cells = _table(
        {"key": "str"} | dict(sorted(params.items())),
        {"key": [key for key, *_ in found]} | values,
    ).with_row_index("_cell")
    for name, value in (where or {}).items():
        if name not in params:
            raise unknown_name(f"param of experiment {experiment!r}", name, params)
        cells = cells.filter(pl.col(name) == _as_type(name, value, params[name]))
    cells = cells.sort([*sorted(params), "key"])

    wanted = [found[index] for index in cells["_cell"]]
    _check_digests(Path(path), wanted)
    names = dict(declaration["columns"])
    table: dict[str, list[Any]] = {name: [] for name in names}
    for tables in _parsed([text for _, _, _, text, _ in wanted]):
        for name, column in table.items():
            column.extend(chain.from_iterable(map(itemgetter(name), tables)))
    rows = _table(names, table)
    counts = pl.Series([count for *_, count in wanted], dtype=pl.UInt32)
    owner = pl.select(pl.int_range(len(wanted), dtype=pl.UInt32).repeat_by(counts).explode())
    repeated = cells.drop("_cell")[owner.to_series().drop_nulls()]
    return pl.concat([repeated, rows], how="horizontal")


def param_types(path: StorePath, experiment: str) -> dict[str, str]:
    """Return the stored type (``int``, ``float``, ``str``, ``bool``) of each param.

    Raises
    ------
    StoreError
        When the store can't be read.
    UnknownNameError
        When the store has no finished cell of that experiment.
    """
    with closing(open_read_only(path)) as connection, store_problems(Path(path), "reading"):
        types: dict[str, str] = _declaration(connection, path, experiment)[1]["params"]
    return types


def connect_read_only(file: Path) -> sqlite3.Connection:
    """Open read-only; fall back to `immutable` where SQLite can't keep its index of the log.

    A reader of a WAL store shares a small index file with the writer. Where it may not make one
    (a folder of somebody else, a read-only disk) and the log holds nothing, nobody is writing
    either, so the file can be taken as fixed.
    """
    location = file.absolute().as_uri()
    connection = sqlite3.connect(f"{location}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = file.with_name(file.name + "-wal")
        no_index = error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))
        if not no_index or (log.exists() and log.stat().st_size > 0):
            raise
        return sqlite3.connect(f"{location}?immutable=1", uri=True, isolation_level=None)
    except BaseException:
        connection.close()
        raise
    return connection


def _finished(
    connection: sqlite3.Connection, path: StorePath, experiment: str
) -> tuple[dict[str, Any], list[tuple[str, str, str, str, int]]]:
    """Return the declaration and (key, params, digest, rows, number of rows) of each cell."""
    version, declaration = _declaration(connection, path, experiment)
    found = connection.execute(
        f"SELECT key, params, digest, rows, num_rows FROM {CELLS} "
        f"WHERE experiment = ? AND version = ? AND status = ?",
        (experiment, version, DONE),
    ).fetchall()
    return declaration, found


def _declaration(
    connection: sqlite3.Connection, path: StorePath, experiment: str
) -> tuple[int, dict[str, Any]]:
    """Return the newest version that has finished cells, and what it declared."""
    (version,) = connection.execute(
        f"SELECT max(version) FROM {CELLS} WHERE experiment = ? AND status = ?",
        (experiment, DONE),
    ).fetchone()
    if version is None:
        raise _no_such_experiment(connection, path, experiment)
    (declaration,) = connection.execute(
        f"SELECT declaration FROM {EXPERIMENTS} WHERE name = ? AND version = ?",
        (experiment, version),
    ).fetchone()
    return version, json.loads(declaration)


def _no_such_experiment(
    connection: sqlite3.Connection, path: StorePath, experiment: str
) -> UnknownNameError:
    known = [name for (name,) in connection.execute(f"SELECT DISTINCT experiment FROM {CELLS}")]
    if experiment in known:
        return UnknownNameError(
            f"no cell of experiment {experiment!r} has finished in {path}; all failed. See why "
            f"with 'songoku sweep status --store {path}'."
        )
    return unknown_name(f"experiment (in the store {path})", experiment, known)


def _check_digests(path: Path, cells: Sequence[tuple[str, str, str, str, int]]) -> None:
    for key, _, expected, text, _ in cells:
        if digest(text) != expected:
            raise StoreError(
                f"the rows of cell {key} in {path} are not the ones that were written: their "
                f"digest is {digest(text)}, expected {expected}. The file is damaged or was "
                f"edited. Run the sweep again into another store."
            )


def _parsed(texts: Sequence[str], at_once: int = 50) -> Iterator[list[dict[str, Any]]]:
    """Parse many JSON texts, some as one: twice as fast as each alone, or as all as one."""
    for start in range(0, len(texts), at_once):
        yield json.loads("[" + ",".join(texts[start : start + at_once]) + "]")


def _table(types: Mapping[str, str], columns: Mapping[str, list[Any]]) -> pl.DataFrame:
    import polars as pl

    kinds = {"int": pl.Int64, "float": pl.Float64, "str": pl.String, "bool": pl.Boolean}
    return pl.DataFrame(
        {name: pl.Series(columns[name], dtype=kinds[kind]) for name, kind in types.items()}
    )


def _as_type(name: str, value: Scalar, kind: str) -> Scalar:
    if TYPE_NAMES[type(value)] != kind and not (type(value) is int and kind == "float"):
        raise InvalidInputError(
            f"param {name!r} is of type {kind}; found {value!r} ({type(value).__name__})."
        )
    return float(value) if kind == "float" else value


def _require_polars() -> None:
    try:
        import polars  # noqa: F401
    except ImportError as error:
        raise DependencyMissingError(
            "reading rows needs polars, which is not installed. Install it with: "
            "pip install 'songoku[simulations]'"
        ) from error
