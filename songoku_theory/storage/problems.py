"""SQLite's errors in words that say what to do."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from songoku_theory.errors import StoreError

__all__ = ["store_problems"]

_SAFE = "What was stored before is unchanged."


@contextmanager
def store_problems(path: Path, doing: str) -> Iterator[None]:
    """Turn any SQLite or file-system error inside the block into one clear `StoreError`.

    Parameters
    ----------
    path : Path
        The store, named in the message.
    doing : str
        What was being done, e.g. ``"reading"``.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_explain(path, doing, error)) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"{doing} the store {path} failed: {_full(path)}") from error
        raise StoreError(
            f"{doing} the store {path} failed: {error.strerror or error}. {_SAFE} Check that the "
            f"folder {path.parent} exists and that you may write there, or name another store "
            f"with --store."
        ) from error


def _explain(path: Path, doing: str, error: sqlite3.Error) -> str:
    # The name is missing where Python itself raised, e.g. on a closed connection.
    code = getattr(error, "sqlite_errorname", "") or ""
    start = f"{doing} the store {path} failed"
    if code == "SQLITE_FULL" or (code.startswith("SQLITE_IOERR") and _no_space(path)):
        return f"{start}: {_full(path)}"
    if code.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN", "SQLITE_AUTH")):
        return (
            f"{start}: {error}. {_SAFE} Check that {path} is a file that you may write, in a "
            f"folder that you may write, or name another store with --store."
        )
    if code.startswith("SQLITE_NOTADB"):
        return f"{path} is not a store: it is not an SQLite file. Name another with --store."
    if code.startswith("SQLITE_CORRUPT"):
        return (
            f"{start}: the file is damaged ({error}). Nothing was changed. Rescue what can be "
            f"read with: sqlite3 {path} .recover | sqlite3 rescued.sqlite; or name another store "
            f"with --store and run the sweep again."
        )
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            f"{start}: another program holds it open for writing ({error}). {_SAFE} Wait for it "
            f"or close it, then run the same command again."
        )
    return f"{start}: {error}{f' ({code})' if code else ''}. {_SAFE}"


def _full(path: Path) -> str:
    return (
        f"the disk (or the store's size limit) is full. {_SAFE} Free some space in {path.parent}, "
        f"then run the same command again; it resumes."
    )


def _no_space(path: Path) -> bool:
    try:
        return shutil.disk_usage(os.fspath(path.parent)).free < 1 << 20
    except OSError:
        return False
