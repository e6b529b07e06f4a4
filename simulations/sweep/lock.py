"""One writer at a time, and a second one is told who it is."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from songoku_theory.errors import StoreError
from songoku_theory.storage.problems import store_problems

__all__ = ["holder", "writer_lock"]


@contextmanager
def writer_lock(store: Path) -> Iterator[None]:
    """Hold the right to write to a store.

    The operating system releases it when the process ends, however it ends. Two files stand
    beside the store: ``NAME.lock`` is what is locked, ``NAME.writer`` says who has locked it.

    Raises
    ------
    StoreError
        When another process holds it, or the folder can't be written.
    """
    lock = FileLock(store.with_name(store.name + ".lock"))
    with store_problems(store, "locking"):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(
                f"the store {store} is being written by {holder(store) or 'another process'}. "
                f"Wait until that has finished, or name another store with --store. Reading "
                f"(status, show, export) works meanwhile."
            ) from None
    note = _note(store)
    try:
        with store_problems(store, "locking"):
            note.write_text(json.dumps(_myself()), encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def holder(store: Path) -> str | None:
    """Return who last took the right to write and has not given it back, in words."""
    try:
        found = json.loads(_note(store).read_text(encoding="utf-8"))
        return (
            f"process {found['process']} on {found['host']} since {found['since']} "
            f"({found['command']})"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(store: Path) -> Path:
    return store.with_name(store.name + ".writer")


def _myself() -> dict[str, object]:
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
    }
