"""How long the runs that are left will take: from stored runs of the same kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

from simulations.experiments import get_experiment
from simulations.sweep.cell import Cell
from simulations.sweep.estimate import timed_rate
from simulations.sweep.progress import Progress, shown
from simulations.training.table.cells import cost, load_benchmark, work_of
from songoku_theory.storage import open_read_only
from songoku_theory.storage.inventory import recent_seconds

__all__ = ["Rates", "shown_runs", "stored_rates"]

_EXPERIMENTS = ("tuning", "training")


class Rates:
    """Seconds of a run, by benchmark and method, from what has been timed."""

    def __init__(self) -> None:
        self._method: dict[tuple[str, str], list[float]] = {}
        self._benchmark: dict[str, list[float]] = {}

    def add(self, params: dict[str, object], seconds: float) -> None:
        """Take in a run."""
        benchmark, method = str(params["benchmark"]), str(params["method"])
        known = {name: params[name] for name in ("method", "settings")}
        per_step = seconds / work_of(known)  # type: ignore[arg-type]
        per_cost = seconds / cost(known)  # type: ignore[arg-type]
        self._method.setdefault((benchmark, method), []).append(per_step)
        self._benchmark.setdefault(benchmark, []).append(per_cost)

    def knows(self, benchmark: str) -> bool:
        """Whether a run of this benchmark was timed."""
        return benchmark in self._benchmark

    def seconds(self, cell: Cell) -> float | None:
        """Return the expected seconds of a cell; None when nothing like it was timed."""
        params = cell.params
        benchmark, method = str(params["benchmark"]), str(params["method"])
        own = self._method.get((benchmark, method))
        if own:
            return work_of(params) * sum(own) / len(own)
        beside = self._benchmark.get(benchmark)
        return None if not beside else cost(params) * sum(beside) / len(beside)

    def total(self, cells: Sequence[Cell]) -> float | None:
        """Return the expected seconds of computing; None where a cell's are not known."""
        found = [self.seconds(cell) for cell in cells]
        known = [seconds for seconds in found if seconds is not None]
        return sum(known) if len(known) == len(found) else None

    def time_one(self, cells: Sequence[Cell], data_root: Path) -> float:
        """Run the cheapest of the cells here, for its time alone, and take that in.

        Returns
        -------
        float
            Seconds that reading the data took, which a worker spends once a seed.
        """
        cheapest = min(cells, key=lambda cell: cost(cell.params))
        params = cheapest.params
        data, start = json.loads(str(params["settings"]))["data"], monotonic()
        load_benchmark(data_root, str(params["benchmark"]), data, int(params["seed"]))
        reading = monotonic() - start
        rate = timed_rate(cheapest.experiment, [cheapest])
        seconds = rate.seconds_per_cost * cost(cheapest.params)
        self.add(dict(cheapest.params), seconds)
        return reading


def stored_rates(store: Path) -> Rates:
    """Return what a store's runs took."""
    found = Rates()
    if not store.exists() or store.stat().st_size == 0:
        return found
    with closing(open_read_only(store)) as connection:
        for name in _EXPERIMENTS:
            experiment = get_experiment(name)
            for params, seconds in recent_seconds(connection, name, experiment.version, 2000):
                found.add(dict(params), seconds)
    return found


@contextmanager
def shown_runs(
    pending: Sequence[Cell], rates: Rates, workers: int, label: str, later: float
) -> Iterator[Progress]:
    """Show progress with the time left of this stage and of what comes after it.

    Parameters
    ----------
    pending : sequence of Cell
        In the order in which they run.
    rates : Rates
    workers : int
    label : str
    later : float
        Seconds of computing that follow this stage.
    """
    expected = [rates.seconds(cell) for cell in pending]
    known = [seconds for seconds in expected if seconds is not None]
    start = monotonic()
    with shown(len(pending), label) as inner:

        def update(done: int, failed: int, seconds_left: float | None) -> None:
            ahead = [s for s in expected[done:] if s is not None]
            if len(known) < len(expected):  # nothing like some of them was timed
                inner(done, failed, seconds_left)
                return
            behind = sum(known[:done])
            elapsed = monotonic() - start
            # How the clock has gone against what was expected, once enough has run to tell.
            pace = elapsed * workers / behind if done >= workers and behind > 0 else 1.0
            inner(done, failed, (sum(ahead) + later) / workers * pace)

        yield update
