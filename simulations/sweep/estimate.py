"""How long cells take: from what is stored, from what has run, or from timing one."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulations.sweep.cell import Cell
from simulations.sweep.engine import InProcess
from simulations.sweep.experiment import Experiment, Scalar
from simulations.sweep.worker import Task
from songoku_theory.errors import InvalidInputError
from songoku_theory.storage import inventory

__all__ = ["Rate", "TimeLeft", "cost_of", "stored_rate", "task_of", "timed_rate"]

_WORTH_REPEATING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds for one unit of an experiment's declared cost, and where that is known from."""

    seconds_per_cost: float
    basis: str


def task_of(cell: Cell) -> Task:
    """Return what a worker needs to run a cell."""
    return Task(
        cell.key, cell.params, cell.entropy, cell.experiment.run, dict(cell.experiment.columns)
    )


def cost_of(experiment: Experiment, params: Mapping[str, Scalar]) -> float:
    """Return the declared cost of a setting.

    Raises
    ------
    InvalidInputError
        When the experiment's cost is not a positive number.
    """
    cost = float(experiment.cost(params))
    if not (math.isfinite(cost) and cost > 0):
        raise InvalidInputError(
            f"the cost of experiment {experiment.name!r} should be a positive number; found "
            f"{cost} for {dict(params)}."
        )
    return cost


def stored_rate(connection: sqlite3.Connection, experiment: Experiment) -> Rate | None:
    """Return the rate of the cells that finished last, or None when none has."""
    found = inventory.recent_seconds(connection, experiment.name, experiment.version)
    if not found:
        return None
    cost = sum(cost_of(experiment, params) for params, _ in found)
    return Rate(
        sum(seconds for _, seconds in found) / cost, f"the {len(found)} stored cells run last"
    )


def timed_rate(experiment: Experiment, cells: Sequence[Cell]) -> Rate:
    """Run the cheapest cell here, for its time alone; its rows are thrown away.

    Raises
    ------
    InvalidInputError
        When that cell fails.
    """
    cheapest = min(cells, key=lambda cell: cost_of(experiment, cell.params))
    engine = InProcess()
    engine.start()
    try:
        seconds = _seconds(engine, cheapest)
        if seconds < _WORTH_REPEATING_SECONDS:
            seconds = _seconds(engine, cheapest)  # the first time also imported things
    finally:
        engine.stop(at_once=False)
    return Rate(
        seconds / cost_of(experiment, cheapest.params),
        f"timing the cheapest cell ({seconds:.2g} s)",
    )


def _seconds(engine: InProcess, cell: Cell) -> float:
    outcome = engine.submit(task_of(cell)).result()
    if outcome.error is not None:
        raise InvalidInputError(
            f"the expected time is not known: the cheapest cell fails. {cell.describe()}: "
            f"{inventory.last_line(outcome.error)}"
        )
    return outcome.seconds


class TimeLeft:
    """The time left of a sweep, from the costs of its cells.

    Parameters
    ----------
    cells : sequence of Cell
        What is to run.
    rates : mapping of experiment name to Rate
        What is known before the first cell finishes.
    workers : int
        May be set anew when workers come or go.
    """

    def __init__(self, cells: Sequence[Cell], rates: Mapping[str, Rate], workers: int) -> None:
        self.workers = workers
        self._prior = {name: rate.seconds_per_cost for name, rate in rates.items()}
        self._left: dict[str, float] = {}
        for cell in cells:
            name = cell.experiment.name
            self._left[name] = self._left.get(name, 0.0) + cost_of(cell.experiment, cell.params)
        self._spent: dict[str, float] = {}
        self._paid: dict[str, float] = {}
        self._start = time.monotonic()

    def finished(self, cell: Cell, seconds: float) -> None:
        """Note that a cell has finished."""
        name = cell.experiment.name
        cost = cost_of(cell.experiment, cell.params)
        self._left[name] = max(0.0, self._left[name] - cost)
        self._spent[name] = self._spent.get(name, 0.0) + seconds
        self._paid[name] = self._paid.get(name, 0.0) + cost

    def work(self) -> float | None:
        """Return the seconds of computing left, or None while an experiment's rate is unknown."""
        total = 0.0
        for name, cost in self._left.items():
            if name in self._paid:
                total += cost * self._spent[name] / self._paid[name]
            elif name in self._prior:
                total += cost * self._prior[name]
            elif cost > 0:
                return None
        return total

    def seconds(self) -> float | None:
        """Return the seconds left on the clock, or None while they are unknown."""
        work = self.work()
        if work is None:
            return None
        # Handing out and storing take time as well; how much shows on the clock.
        spent = sum(self._spent.values())
        elapsed = time.monotonic() - self._start
        workers = max(1, self.workers)
        overhead = max(1.0, elapsed * workers / spent) if spent > 0 and elapsed > 2 else 1.0
        return work / workers * overhead
