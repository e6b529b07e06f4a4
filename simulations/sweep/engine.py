"""Engines run cells: this process, worker processes, or any ``concurrent.futures.Executor``."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from typing import Protocol

from simulations.sweep.worker import (
    Outcome,
    Task,
    one_thread,
    pickled,
    run_pickled,
    run_task,
    start_worker,
)
from songoku_theory.errors import SongokuError

__all__ = ["Engine", "ExecutorEngine", "InProcess", "LocalProcesses", "usable_cores"]

_START_SECONDS = 120.0


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Engine(Protocol):
    """Where cells run. Started, used and stopped by one caller."""

    @property
    def workers(self) -> int:
        """How many cells run at once."""

    def start(self) -> None:
        """Get ready."""

    def submit(self, task: Task) -> Future[Outcome]:
        """Hand out one cell; raises BrokenExecutor when a worker has died meanwhile."""

    def restart(self) -> None:
        """Get ready again after a worker died; raises SongokuError when that is no use."""

    def stop(self, *, at_once: bool) -> None:
        """Stop: after what runs has finished, or at once, abandoning that."""


class InProcess:
    """This process, one cell at a time: nothing to start, and a debugger works."""

    workers = 1

    def __init__(self) -> None:
        self._held = ExitStack()

    def start(self) -> None:
        """Keep this process to one thread until `stop`."""
        self._held.enter_context(one_thread())

    def submit(self, task: Task) -> Future[Outcome]:
        """Run the cell now."""
        future: Future[Outcome] = Future()
        future.set_result(run_task(task))
        return future

    def restart(self) -> None:
        """Nothing can have died."""

    def stop(self, *, at_once: bool) -> None:
        """Give the threads back."""
        self._held.close()


class ExecutorEngine:
    """Any executor, for example a Dask cluster's ``client.get_executor``.

    Parameters
    ----------
    make : callable () -> Executor
        Called again when the executor breaks.
    workers : int
        How many cells it runs at once.
    """

    def __init__(self, make: Callable[[], Executor], workers: int) -> None:
        self._make = make
        self._workers = workers
        self._executor: Executor | None = None

    @property
    def workers(self) -> int:
        """How many cells run at once."""
        return self._workers

    @property
    def executor(self) -> Executor:
        """The executor in use."""
        if self._executor is None:
            self._executor = self._make()
        return self._executor

    def start(self) -> None:
        """Make the executor."""
        self._executor = self._make()

    def submit(self, task: Task) -> Future[Outcome]:
        """Hand out one cell."""
        return self.executor.submit(run_pickled, task.key, pickled(task))

    def restart(self) -> None:
        """Replace a broken executor, and see that the new one works.

        Raises
        ------
        SongokuError
            When the new one's workers die before they have been given any cell.
        """
        self.stop(at_once=True)
        self.start()
        try:
            self._ping().result(timeout=_START_SECONDS)
        except (BrokenExecutor, FutureTimeoutError) as error:
            raise SongokuError(
                "worker processes die as soon as they start. What finished before is stored. Try "
                "--workers 1, which needs no other process and shows the cause."
            ) from error

    def stop(self, *, at_once: bool) -> None:
        """Stop the executor."""
        self.executor.shutdown(wait=not at_once, cancel_futures=True)

    def _ping(self) -> Future[int]:
        return self.executor.submit(os.getpid)


class LocalProcesses(ExecutorEngine):
    """Worker processes on this machine, one thread each.

    Processes are spawned, not forked: a fork would copy the locks of numpy's and torch's threads
    in whatever state they are, and hold on to the lock of the store.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        super().__init__(
            lambda: ProcessPoolExecutor(
                workers, mp_context=get_context("spawn"), initializer=start_worker
            ),
            workers,
        )

    def submit(self, task: Task) -> Future[Outcome]:
        """Hand out one cell."""
        with _children_deaf_to_ctrl_c():
            return super().submit(task)

    def stop(self, *, at_once: bool) -> None:
        """Stop the pool; `at_once` kills its workers."""
        if at_once:
            # Public only from Python 3.14 on (`kill_workers`). Without it the interpreter would
            # wait, at its exit, for cells whose result nobody wants.
            processes = getattr(self.executor, "_processes", None) or {}
            for process in list(processes.values()):
                process.kill()
        self.executor.shutdown(wait=True, cancel_futures=True)

    def _ping(self) -> Future[int]:
        with _children_deaf_to_ctrl_c():
            return super()._ping()


@contextmanager
def _children_deaf_to_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back while a process may be spawned.

    A terminal sends Ctrl-C to the workers too. They ignore it once they are up; the mask, which
    a child inherits, covers the half second before that.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(
        signal, "pthread_sigmask"
    ):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
