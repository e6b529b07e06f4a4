"""Engines run cells: this process, worker processes, or any ``concurrent.futures.Executor``.

A Dask cluster is the engine of `simulations.sweep.cluster`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import ExitStack
from typing import Protocol

from simulations.sweep.children import Children
from simulations.sweep.worker import Outcome, Task, one_thread, pickled, run_pickled, run_task
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
        """How many cells run at once; may change while it runs."""

    def start(self) -> None:
        """Get ready."""

    def submit(self, task: Task) -> Future[Outcome]:
        """Hand out one cell; raises BrokenExecutor when no more can be handed out.

        The future's BrokenExecutor says that a worker died with the cell, its SongokuError that
        the engine is of no use any more.
        """

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
    """Any executor.

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


class LocalProcesses:
    """Worker processes on this machine, one thread each, started as they are needed.

    They are fresh interpreters, not forks: a fork would copy the locks of numpy's and torch's
    threads in whatever state they are, and hold on to the lock of the store.

    Parameters
    ----------
    workers : int
    cell_timeout : float, optional
        Seconds that a cell may take before its process is killed and the cell recorded as failed.
    """

    def __init__(self, workers: int, cell_timeout: float | None = None) -> None:
        self._workers = workers
        self._cell_timeout = cell_timeout
        self._children = Children(cell_timeout)
        self._threads: ThreadPoolExecutor | None = None

    @property
    def workers(self) -> int:
        """How many cells run at once."""
        return self._workers

    def start(self) -> None:
        """Get ready; a process starts with the first cell that it gets."""
        self._children = Children(self._cell_timeout)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="cell")

    def submit(self, task: Task) -> Future[Outcome]:
        """Hand out one cell."""
        assert self._threads is not None
        return self._threads.submit(self._children.run, task.key, pickled(task))

    def restart(self) -> None:
        """Nothing to do: a process that died has been replaced, and it took no other with it."""

    def stop(self, *, at_once: bool) -> None:
        """Stop the processes; `at_once` kills the cells that run."""
        assert self._threads is not None
        if at_once:
            self._children.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._children.close()
