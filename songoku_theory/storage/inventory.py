"""What is in a store, without reading any rows."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields

from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.storage.codec import Scalar
from songoku_theory.storage.schema import CELLS, DONE, EXPERIMENTS, FAILED, PROVENANCE

__all__ = [
    "CellRecord",
    "Summary",
    "failures",
    "find_key",
    "fingerprint",
    "read_cell",
    "recent_seconds",
    "statuses",
    "summaries",
]

_MIN_PREFIX = 4
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """How many cells of one version of one experiment are stored, and which bits they hold."""

    experiment: str
    version: int
    done: int
    failed: int
    seconds: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class CellRecord:
    """Everything that is stored of one cell; `columns` are the names of the rows' columns."""

    key: str
    experiment: str
    version: int
    status: str
    seconds: float
    finished_at: str
    params: Mapping[str, Scalar]
    error: str | None
    digest: str | None
    num_rows: int
    rows: str | None
    provenance: Mapping[str, object]
    columns: tuple[str, ...]


def summaries(connection: sqlite3.Connection) -> list[Summary]:
    """Return one `Summary` for each experiment and version, sorted.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of `songoku_theory.storage.open_read_only`.
    """
    counts: dict[tuple[str, int], dict[str, int]] = {}
    seconds: dict[tuple[str, int], float] = {}
    for name, version, status, count, spent in connection.execute(
        f"SELECT experiment, version, status, count(*), sum(seconds) FROM {CELLS} "
        f"GROUP BY experiment, version, status ORDER BY experiment, version"
    ):
        counts.setdefault((name, version), {DONE: 0, FAILED: 0})[status] = count
        seconds[name, version] = seconds.get((name, version), 0.0) + spent
    return [
        Summary(
            name,
            version,
            found[DONE],
            found[FAILED],
            seconds[name, version],
            fingerprint(connection, name, version),
        )
        for (name, version), found in counts.items()
    ]


def fingerprint(connection: sqlite3.Connection, experiment: str, version: int) -> str:
    """Return 16 hex digits that two stores share exactly if they hold the same cells' same bits."""
    hashed = hashlib.sha256()
    for key, digest in connection.execute(
        f"SELECT key, digest FROM {CELLS} WHERE experiment = ? AND version = ? AND status = ? "
        f"ORDER BY key",
        (experiment, version, DONE),
    ):
        hashed.update(f"{key} {digest}\n".encode())
    return hashed.hexdigest()[:16]


def statuses(connection: sqlite3.Connection, experiment: str, version: int) -> dict[str, str]:
    """Return the status of each stored cell of an experiment's version, by key."""
    return dict(
        connection.execute(
            f"SELECT key, status FROM {CELLS} WHERE experiment = ? AND version = ?",
            (experiment, version),
        )
    )


def recent_seconds(
    connection: sqlite3.Connection, experiment: str, version: int, limit: int = 500
) -> list[tuple[dict[str, Scalar], float]]:
    """Return params and seconds of the cells that finished last, newest first."""
    found = connection.execute(
        f"SELECT params, seconds FROM {CELLS} WHERE experiment = ? AND version = ? "
        f"AND status = ? ORDER BY rowid DESC LIMIT ?",
        (experiment, version, DONE, limit),
    )
    return [(json.loads(params), seconds) for params, seconds in found]


def failures(connection: sqlite3.Connection, limit: int) -> list[tuple[str, str, str]]:
    """Return (experiment, key, last line of the traceback) of failed cells."""
    found = connection.execute(
        f"SELECT experiment, key, error FROM {CELLS} WHERE status = ? "
        f"ORDER BY experiment, key LIMIT ?",
        (FAILED, limit),
    )
    return [(name, key, last_line(error)) for name, key, error in found]


def last_line(error: str) -> str:
    """Return the line of a traceback that says what went wrong.

    Examples
    --------
    >>> last_line("Traceback ...\\n  File ...\\nValueError: no\\n")
    'ValueError: no'
    """
    lines = [line for line in error.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"


def find_key(connection: sqlite3.Connection, prefix: str) -> str:
    """Return the key that starts with some hex digits.

    Raises
    ------
    InvalidInputError
        When fewer than 4 digits are given, or several keys start so.
    UnknownNameError
        When no key does; names the nearest.
    """
    wanted = prefix.strip().lower()
    if len(wanted) < _MIN_PREFIX or not set(wanted) <= set("0123456789abcdef"):
        raise InvalidInputError(
            f"a key is 32 hex digits, of which the first {_MIN_PREFIX} or more will do; found "
            f"{prefix!r}. Keys stand in the column 'key' of an export."
        )
    matches = [
        key
        for (key,) in connection.execute(
            f"SELECT key FROM {CELLS} WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
            (wanted, wanted + "g", _SHOWN + 1),
        )
    ]
    if len(matches) == 1:
        return str(matches[0])
    if not matches:
        near = _nearest(connection, wanted)
        raise UnknownNameError(
            f"no cell has a key that starts with {wanted!r}."
            + (f" The nearest is {near}." if near else " The store is empty.")
        )
    shown = ", ".join(matches[:_SHOWN]) + (", ..." if len(matches) > _SHOWN else "")
    raise InvalidInputError(f"several keys start with {wanted!r}: {shown}. Give more digits.")


def read_cell(connection: sqlite3.Connection, key: str) -> CellRecord:
    """Return everything that is stored of a cell.

    Parameters
    ----------
    connection : sqlite3.Connection
    key : str
        Whole, as `find_key` returns it.
    """
    found = connection.execute(
        f"SELECT key, experiment, version, status, seconds, finished_at, params, error, digest, "
        f"num_rows, rows, value, declaration FROM {CELLS} "
        f"JOIN {PROVENANCE} ON provenance_id = id "
        f"JOIN {EXPERIMENTS} USING (version) WHERE name = experiment AND key = ?",
        (key,),
    ).fetchone()
    if found is None:
        raise UnknownNameError(f"no cell has the key {key!r}.")
    fields = {
        field.name: value for field, value in zip(dataclass_fields(CellRecord), found, strict=True)
    }
    fields["params"] = json.loads(fields["params"])
    fields["provenance"] = json.loads(fields["provenance"])
    fields["columns"] = tuple(name for name, _ in json.loads(fields["columns"])["columns"])
    return CellRecord(**fields)


def _nearest(connection: sqlite3.Connection, wanted: str) -> str | None:
    """Return the key that shares the longest start; one of the two neighbours in order does."""
    neighbours = [
        key
        for query in (
            f"SELECT key FROM {CELLS} WHERE key >= ? ORDER BY key LIMIT 1",
            f"SELECT key FROM {CELLS} WHERE key < ? ORDER BY key DESC LIMIT 1",
        )
        for (key,) in connection.execute(query, (wanted,))
    ]

    def shared(key: str) -> int:
        return next((i for i, (a, b) in enumerate(zip(key, wanted, strict=False)) if a != b), 32)

    return max(neighbours, key=shared, default=None)
