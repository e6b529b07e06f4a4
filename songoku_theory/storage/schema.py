"""The format of a store: one SQLite file, one row of ``cells`` for each simulated cell."""

from __future__ import annotations

from typing import Final

__all__ = [
    "APPLICATION_ID",
    "CELLS",
    "DDL",
    "DEFAULT_STORE",
    "DONE",
    "EXPERIMENTS",
    "FAILED",
    "PROVENANCE",
    "SCHEMA_VERSION",
]

SCHEMA_VERSION: Final = 1
"""Kept in the file as ``PRAGMA user_version``; a reader refuses any other."""

APPLICATION_ID: Final = 0x534F4E47
"""``b"SONG"``, kept in the file's header: tells a store from any other SQLite file."""

DEFAULT_STORE: Final = "runs/store.sqlite"
"""Where commands look when neither ``--store`` nor ``SONGOKU_STORE`` says otherwise."""

CELLS: Final = "cells"
EXPERIMENTS: Final = "experiments"
PROVENANCE: Final = "provenance"

DONE: Final = "done"
FAILED: Final = "failed"

# `rows` comes last: SQLite keeps a long text in pages of its own, so scans that only want the
# columns before it never read them. The index answers "what is there, and with which bits"
# without touching the table.
DDL: Final[tuple[str, ...]] = (
    f"""
    CREATE TABLE {EXPERIMENTS} (
        name        TEXT NOT NULL,
        version     INTEGER NOT NULL,
        declaration TEXT NOT NULL,  -- canonical JSON: types of params and columns, seed axes
        statistics  TEXT NOT NULL,  -- what was declared about n, alpha and the test beforehand
        PRIMARY KEY (name, version)
    ) STRICT
    """,
    f"""
    CREATE TABLE {PROVENANCE} (
        id    INTEGER PRIMARY KEY,
        value TEXT NOT NULL UNIQUE  -- canonical JSON: versions, commit, platform
    ) STRICT
    """,
    f"""
    CREATE TABLE {CELLS} (
        key           TEXT PRIMARY KEY NOT NULL,  -- 32 hex digits of the hash of what is asked
        experiment    TEXT NOT NULL,
        version       INTEGER NOT NULL,
        status        TEXT NOT NULL CHECK (status IN ('{DONE}', '{FAILED}')),
        seconds       REAL NOT NULL,              -- time of the simulation itself
        finished_at   TEXT NOT NULL,              -- ISO 8601, UTC
        provenance_id INTEGER NOT NULL REFERENCES {PROVENANCE} (id),
        params        TEXT NOT NULL,              -- canonical JSON
        error         TEXT,                       -- traceback of a failed cell
        digest        TEXT,                       -- 32 hex digits of the hash of `rows`
        num_rows      INTEGER NOT NULL,
        rows          TEXT,                       -- canonical JSON, one list a column
        CHECK ((status = '{DONE}') = (rows IS NOT NULL)),
        CHECK ((status = '{FAILED}') = (error IS NOT NULL))
    ) STRICT
    """,
    f"CREATE INDEX cells_summary ON {CELLS} (experiment, version, status, key, digest)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
"""Statements that turn an empty file into a store; run in one transaction."""
