"""What runs inside a child process: one cell after another, until its parent closes the pipe."""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
import traceback
from typing import BinaryIO

from simulations.sweep.messages import READY, STARTED, read_message, write_message
from simulations.sweep.worker import Outcome, Task, failed, prepare_process, run_task

__all__ = ["IDLE_SECONDS", "main"]

IDLE_SECONDS = 600.0
"""A child that nobody has needed for so long leaves; whoever needs one again starts another."""


def main() -> None:
    """Serve cells on standard input and output.

    The parent sends a key and a pickled `Task`. The answer is `STARTED` once the task's module is
    imported, so that a time limit counts the cell alone, and then the pickled `Outcome`.
    """
    requests = sys.stdin.buffer
    # What a simulation prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    prepare_process()
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, inbox), daemon=True).start()
    write_message(answers, READY)
    while True:
        try:
            key, pickled = pickle.loads(inbox.get(timeout=IDLE_SECONDS))
        except queue.Empty:
            os._exit(0)  # an orderly end would wait for the thread that listens
        loaded = _load(key, pickled)
        write_message(answers, STARTED)
        outcome = loaded if isinstance(loaded, Outcome) else run_task(loaded)
        write_message(answers, pickle.dumps(outcome))


def _load(key: str, pickled: bytes) -> Task | Outcome:
    try:
        task = pickle.loads(pickled)
    except Exception:  # noqa: BLE001 - kept with its traceback, and reported
        return failed(key, traceback.format_exc())
    assert isinstance(task, Task)
    return task


def _listen(requests: BinaryIO, inbox: queue.SimpleQueue[bytes]) -> None:
    """Pass on what comes; end this process, whatever it is doing, when its parent is gone."""
    while (message := read_message(requests)) is not None:
        inbox.put(message)
    os._exit(1)
