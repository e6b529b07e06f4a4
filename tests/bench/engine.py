"""Sweeps: workers, what store and engine add to a cell, and a hundred thousand cells."""

from __future__ import annotations

import atexit
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from timing import Pair, Row, UnmeasuredError

from simulations.sweep.cell import Cell
from simulations.sweep.engine import InProcess, LocalProcesses, usable_cores
from simulations.sweep.estimate import task_of
from simulations.sweep.experiment import Experiment, Param, Scalar
from simulations.sweep.grid import Grid, expand
from simulations.sweep.preset import parse_preset, preset_cells
from simulations.sweep.run import run_cells
from simulations.sweep.store import StoreWriter
from simulations.sweep.stream import stream
from simulations.sweep.worker import run_task

__all__ = ["ROWS"]

CELL_SECONDS, CELLS = 0.05, 40
LARGE = 100_000
LIMIT_SECONDS, LIMIT_MIB = 5.0, 1024
PRESET = """
[[sweep]]
experiment = "recovery"
[sweep.fixed]
num_groups = 2
group_size = 2
dim = 16
trials = 1
[sweep.grid]
window = { range = [1, 101] }
replicate = { range = [0, 1000] }
"""


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[dict[str, float]]:
    """Keep a core busy for 50 ms of its own time, as a simulation does."""
    end = time.process_time() + CELL_SECONDS
    total = 0.0
    rng = np.random.default_rng(seed)
    while time.process_time() < end:
        total += float(rng.random())
    return [{"total": total}]


BUSY = Experiment(
    name="busy",
    version=1,
    doc="50 ms of a core.",
    params={"n": Param(type=int, doc="Any number.")},
    columns={"total": float},
    run=run,  # type: ignore[arg-type]
    statistics="None.",
)


def _cells(count: int = CELLS) -> list[Cell]:
    # A worker can import this module by this name only, not as the script that was started.
    import engine

    return expand(replace(BUSY, run=engine.run), Grid(axes={"n": range(count)}))


class Warm(LocalProcesses):
    """Workers that were started beforehand and stay: a sweep of hours starts them once."""

    def start(self) -> None:
        if self._threads is None:
            super().start()

    def stop(self, *, at_once: bool) -> None:
        pass


def _workers() -> Pair:
    if usable_cores() < 2:
        raise UnmeasuredError("this process may use one core only")
    tasks = [task_of(cell) for cell in _cells()]
    two, one = Warm(2), Warm(1)

    def ours() -> object:
        return list(stream(tasks, two))

    return Pair(ours, lambda: list(stream(tasks, one)), reset=lambda: None)


def _overhead(make: Callable[[], InProcess | LocalProcesses], workers: int) -> Callable[[], Pair]:
    def prepare() -> Pair:
        if usable_cores() < workers:
            raise UnmeasuredError(f"this process may use fewer than {workers} cores")
        cells = _cells()
        folder = _folder()
        engine = make()
        count = 0

        def ours() -> object:
            nonlocal count
            count += 1
            return run_cells(cells, folder / f"{count}.sqlite", engine)

        def theirs() -> object:
            share = cells[: len(cells) // workers]
            return [cell.experiment.run(cell.params, cell.seed()) for cell in share]

        return Pair(ours, theirs, reset=lambda: None)

    return prepare


def _folder() -> Path:
    """Make a folder that goes when the bench ends."""
    held = tempfile.TemporaryDirectory(prefix="songoku-bench-")
    atexit.register(held.cleanup)
    return Path(held.name)


@cache
def _large() -> tuple[Path, Path]:
    """A store of a hundred thousand finished cells, and its preset; made once, not simulated."""
    folder = _folder()
    preset, store = folder / "large.toml", folder / "large.sqlite"
    preset.write_text(PRESET, encoding="utf-8")
    cells = preset_cells(parse_preset(PRESET, "large", "large"))
    assert len(cells) == LARGE
    first = run_task(task_of(cells[0]))
    with StoreWriter(store) as writer:
        writer.declare(cells[0].experiment)
        for cell in cells:
            writer.write(cell, replace(first, key=cell.key))
    return preset, store


def _command(*arguments: str) -> Callable[[], Pair]:
    def prepare() -> Pair:
        preset, store = _large()
        words = [
            {"PRESET": str(preset), "OUT": str(store.with_name("out.parquet"))}.get(word, word)
            for word in arguments
        ]
        command = [sys.executable, "-m", "songoku_theory.cli", "sweep", *words]
        command += ["--store", str(store)]

        def ours() -> object:
            return subprocess.run(command, check=True, capture_output=True)

        def note() -> str:
            most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            kept = "yes" if most <= LIMIT_MIB else "no"
            return f"x {LIMIT_SECONDS / 10:g} s; at most {most:.0f} MiB so far, <= 1 GiB: {kept}"

        return Pair(ours, lambda: time.sleep(LIMIT_SECONDS / 10), note, reset=lambda: None)

    return prepare


ROWS = (
    Row(
        "engine-workers",
        f"{CELLS} cells of 50 ms on two workers",
        "the same on one worker",
        "at least",
        1.8,
        _workers,
    ),
    Row(
        "engine-overhead",
        f"{CELLS} cells of 50 ms in this process, stored",
        "the same calls in a loop",
        "at most",
        1.1,
        _overhead(InProcess, 1),
    ),
    Row(
        "engine-overhead-2",
        f"{CELLS} cells of 50 ms on two workers, stored",
        "half of the calls in a loop",
        "at most",
        1.1,
        _overhead(lambda: Warm(2), 2),
    ),
    *(
        Row(
            f"engine-100k-{name}",
            f"sweep {name}, {LARGE:,} cells, as a command",
            "a tenth of 5 s on the clock",
            "at most",
            10.0,
            _command(*arguments),
        )
        for name, arguments in (
            ("status", ("status", "PRESET")),
            ("resume", ("run", "PRESET", "--workers", str(min(2, os.cpu_count() or 1)))),
            ("export", ("export", "--experiment", "recovery", "--out", "OUT", "--force")),
        )
    ),
)
