"""Child processes that run cells for this one: each can be killed, and who died of what is known.

A process pool can't be told to stop one cell, and when one of its processes dies all of it breaks.
Here every cell has a process to itself while it runs, so a cell that hangs is stopped alone, and
one that takes its process with it (out of memory, a crash in compiled code) is named at once.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from simulations.sweep.messages import READY, STARTED, read_message, write_message
from simulations.sweep.worker import Outcome, failed, one_thread_environment
from songoku_theory.errors import SongokuError

__all__ = ["ChildDiedError", "Children", "NoChildError"]

_START_SECONDS = 120.0
_PROGRAM = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from simulations.sweep.child_main import main; main()"
)


class ChildDiedError(BrokenExecutor):
    """The process that ran a cell died; the cell may be to blame, or who killed it."""


class NoChildError(SongokuError):
    """Child processes can't be started here at all."""


class _LeftIdleError(Exception):
    """The child had left, unneeded for long, when it was asked."""


@dataclass(slots=True)
class _Alarm:
    """Whether the time was up."""

    struck: bool = False


class _Child:
    """One child process; used by one thread at a time."""

    def __init__(self) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **one_thread_environment()},
                # A group of its own: Ctrl-C at the terminal does not reach it, and what a cell
                # starts ends with it.
                start_new_session=True,
            )
        except OSError as error:
            raise NoChildError(f"a worker process can't be started: {error}.") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._ready = False
        self._struck = False

    @property
    def usable(self) -> bool:
        return not self._struck and self._process.poll() is None

    def run(self, key: str, task: bytes, limit: float | None) -> Outcome:
        """Run one cell; killed, with the whole process, after `limit` seconds."""
        with self._within(_START_SECONDS):
            if not self._ready:
                self._ready = read_message(self._answers) == READY
                if not self._ready:
                    raise NoChildError(
                        f"worker processes die as soon as they start ({self._end()}). What "
                        f"finished before is stored. Try --workers 1, which needs no other "
                        f"process and shows the cause."
                    )
            with suppress(OSError):  # a process that is gone shows below
                write_message(self._requests, pickle.dumps((key, task)))
            if read_message(self._answers) != STARTED:
                how = self._end()
                if self._process.returncode == 0:
                    raise _LeftIdleError
                raise ChildDiedError(f"{how} while it imported the cell's module")
        with self._within(limit) as alarm:
            answer = read_message(self._answers)
        if answer is not None:
            outcome = pickle.loads(answer)
            assert isinstance(outcome, Outcome)
            return outcome
        how = self._end()
        if alarm.struck:
            assert limit is not None
            return failed(
                key,
                f"the cell ran longer than {limit:g} s (--cell-timeout); it was stopped, and its "
                f"process with it.",
                limit,
            )
        raise ChildDiedError(how)

    @contextmanager
    def _within(self, seconds: float | None) -> Iterator[_Alarm]:
        """Kill the process if the block takes longer."""
        alarm = _Alarm()
        if seconds is None:
            yield alarm
            return

        def strike() -> None:
            alarm.struck = self._struck = True
            self._kill()

        timer = threading.Timer(seconds, strike)
        timer.daemon = True
        timer.start()
        try:
            yield alarm
        finally:
            timer.cancel()

    def _end(self) -> str:
        """Wait for the end of a process that closed its pipe, and say how it came."""
        code = self._process.wait()
        if code >= 0:
            return f"exit status {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def kill(self) -> None:
        """End the process now, and wait for that. Its pipes stay with the thread that reads."""
        self._kill()
        self._process.wait()

    def _kill(self) -> None:
        if self._process.poll() is None:
            if hasattr(os, "killpg"):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def close(self) -> None:
        """End the process and give back what it took; nobody may be reading from it."""
        self.kill()
        with suppress(OSError):  # half a message may be left to flush
            self._requests.close()
        self._answers.close()


class Children:
    """Child processes, as many as cells run at once.

    Parameters
    ----------
    cell_timeout : float, optional
        Seconds that a cell may take. None: any time.
    """

    def __init__(self, cell_timeout: float | None = None) -> None:
        self._limit = cell_timeout
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._closed = False

    def run(self, key: str, task: bytes) -> Outcome:
        """Run one cell in a child of its own; several threads may call this at once.

        Parameters
        ----------
        key : str
        task : bytes
            A pickled `Task`.

        Returns
        -------
        Outcome
            A failed one when it took too long.

        Raises
        ------
        ChildDiedError
            When the process died.
        NoChildError
            When no process can be started.
        """
        while True:
            child = self._take()
            try:
                return child.run(key, task, self._limit)
            except _LeftIdleError:
                continue
            finally:
                self._give(child)

    def close(self) -> None:
        """Kill all children, at work or not; later calls of `run` fail."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for child in idle:
            child.close()
        for child in busy:
            child.kill()

    def _take(self) -> _Child:
        with self._lock:
            if self._closed:
                raise ChildDiedError("the sweep is being stopped")
            child = self._idle.pop() if self._idle else _Child()
            self._busy.add(child)
        return child

    def _give(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
            keep = child.usable and not self._closed
            if keep:
                self._idle.append(child)
        if not keep:
            child.close()
