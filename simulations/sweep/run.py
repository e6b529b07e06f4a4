"""Run what is not stored yet, and store it."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from simulations.sweep.cell import Cell
from simulations.sweep.engine import Engine, InProcess, LocalProcesses
from simulations.sweep.estimate import Rate, TimeLeft, stored_rate, task_of
from simulations.sweep.experiment import Experiment
from simulations.sweep.interrupt import Stopped, StopSignals
from simulations.sweep.progress import Progress, silent
from simulations.sweep.store import StoreWriter
from simulations.sweep.stream import stream
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.storage import open_read_only
from songoku_theory.storage.inventory import last_line, statuses
from songoku_theory.storage.problems import store_problems
from songoku_theory.storage.schema import DONE, FAILED

__all__ = ["Plan", "Report", "check_cells", "local_engine", "plan", "run_cells"]

_KEPT_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep would do.

    Parameters
    ----------
    total : int
        Cells asked for.
    pending : tuple of Cell
        Those of them that are not stored, or failed the last time.
    retried : int
        How many of the pending ones failed the last time.
    rates : dict of experiment name to Rate
        For the experiments of which finished cells are stored.
    """

    total: int
    pending: tuple[Cell, ...]
    retried: int
    rates: dict[str, Rate]

    @property
    def stored(self) -> int:
        """Cells asked for that are stored already."""
        return self.total - len(self.pending)


@dataclass(frozen=True, slots=True)
class Report:
    """What a sweep did.

    Parameters
    ----------
    plan : Plan
    done, failed : int
        Cells that ended, well or not, in this run.
    failures : list of (Cell, str)
        The first few failed ones, each with the last line of its traceback.
    seconds : float
        On the clock.
    signum : int, optional
        The signal that stopped it before its end.
    """

    plan: Plan
    done: int
    failed: int
    failures: list[tuple[Cell, str]] = field(default_factory=list)
    seconds: float = 0.0
    signum: int | None = None

    @property
    def left(self) -> int:
        """Cells that did not come to run."""
        return len(self.plan.pending) - self.done - self.failed


def local_engine(workers: int, cell_timeout: float | None = None) -> Engine:
    """Return the engine for a number of workers on this machine.

    Parameters
    ----------
    workers : int
        >= 1. One is this process itself, unless cells have a time limit: only a process apart can
        be stopped.
    cell_timeout : float, optional
        Seconds that a cell may take, > 0.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    """
    if workers < 1:
        raise InvalidInputError(f"workers should be at least 1; found {workers}.")
    if cell_timeout is None:
        return InProcess() if workers == 1 else LocalProcesses(workers)
    if not (math.isfinite(cell_timeout) and cell_timeout > 0):
        raise InvalidInputError(
            f"cell_timeout should be a positive number of seconds; found {cell_timeout}."
        )
    return LocalProcesses(workers, cell_timeout)


def plan(cells: Sequence[Cell], store: Path) -> Plan:
    """Find out what is to run, without writing anything.

    Parameters
    ----------
    cells : sequence of Cell
    store : Path
        May not exist yet.

    Raises
    ------
    StoreError
        When there is a file that can't be read as a store.
    """
    if not store.exists() or (store.is_file() and store.stat().st_size == 0):
        return Plan(len(cells), tuple(cells), 0, {})
    with closing(open_read_only(store)) as connection, store_problems(store, "reading"):
        return _plan(cells, connection)


def run_cells(
    cells: Sequence[Cell],
    store: Path,
    engine: Engine,
    show: Callable[[Plan], AbstractContextManager[Progress]] = lambda plan: nullcontext(silent),
) -> Report:
    """Run the cells that are not stored yet; store each as it finishes.

    Parameters
    ----------
    cells : sequence of Cell
        With different keys.
    store : Path
        Made if it does not exist.
    engine : Engine
    show : callable (plan) -> context manager of Progress, optional
        Called once it is known what is to run.

    Returns
    -------
    Report
        Also when Ctrl-C or SIGTERM ended it early. Cells that fail are recorded as failed and
        counted; they do not stop the others.

    Raises
    ------
    StoreError
        When the store can't be opened or written; what finished before is stored.
    InvalidInputError
        When a cell's combination of params can't exist; nothing has run then.
    """
    start = time.monotonic()
    with StopSignals() as signals, StoreWriter(store) as writer:
        with store_problems(store, "reading"):
            todo = _plan(cells, writer.connection)
        check_cells(todo.pending)
        for experiment in _experiments(cells):
            writer.declare(experiment)
        by_key = {cell.key: cell for cell in todo.pending}
        counts = {DONE: 0, FAILED: 0}
        failures: list[tuple[Cell, str]] = []
        signum: int | None = None
        try:
            if todo.pending:
                left = TimeLeft(todo.pending, todo.rates, engine.workers)
                outcomes = stream(map(task_of, todo.pending), engine)
                with show(todo) as progress, closing(outcomes):
                    for outcome in outcomes:
                        left.workers = engine.workers
                        cell = None if outcome is None else by_key.pop(outcome.key, None)
                        if outcome is not None and cell is not None:
                            with signals.shielded():
                                writer.write(cell, outcome)
                                counts[DONE if outcome.error is None else FAILED] += 1
                                if outcome.error is not None and len(failures) < _KEPT_FAILURES:
                                    failures.append((cell, last_line(outcome.error)))
                            left.finished(cell, outcome.seconds)
                        progress(counts[DONE] + counts[FAILED], counts[FAILED], left.seconds())
        except Stopped as stopped:
            signum = stopped.signum
    return Report(todo, counts[DONE], counts[FAILED], failures, time.monotonic() - start, signum)


def check_cells(cells: Sequence[Cell]) -> None:
    """Ask each cell's experiment whether its combination of params can exist.

    Raises
    ------
    InvalidInputError
        For the first that can't.
    """
    for cell in cells:
        check = cell.experiment.check
        if check is not None:
            try:
                check(cell.params)
            except UnknownNameError as error:
                raise UnknownNameError(f"cell {cell.describe()}: {error}") from error
            except InvalidInputError as error:
                raise InvalidInputError(f"cell {cell.describe()}: {error}") from error


def _plan(cells: Sequence[Cell], connection: sqlite3.Connection) -> Plan:
    stored: dict[str, str] = {}
    rates: dict[str, Rate] = {}
    for experiment in _experiments(cells):
        stored |= statuses(connection, experiment.name, experiment.version)
        rate = stored_rate(connection, experiment)
        if rate is not None:
            rates[experiment.name] = rate
    pending = tuple(cell for cell in cells if stored.get(cell.key) != DONE)
    retried = sum(stored.get(cell.key) == FAILED for cell in pending)
    return Plan(len(cells), pending, retried, rates)


def _experiments(cells: Sequence[Cell]) -> list[Experiment]:
    found: dict[str, Experiment] = {}
    for cell in cells:
        found.setdefault(cell.experiment.name, cell.experiment)
    return list(found.values())
