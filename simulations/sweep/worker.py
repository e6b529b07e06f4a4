"""One cell, run in whichever process gets it; imports nothing heavy before threads are set."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from simulations.sweep.device import CPU, DEVICE, accelerator
from songoku_theory.errors import InvalidInputError
from songoku_theory.provenance import provenance
from songoku_theory.storage.codec import Row, Scalar, canonical_json, encode_rows

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Outcome",
    "Task",
    "failed",
    "one_thread",
    "one_thread_environment",
    "pickled",
    "prepare_process",
    "provenance_text",
    "run_pickled",
    "run_task",
]

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker needs to run one cell."""

    key: str
    params: Mapping[str, Scalar]
    entropy: int
    run: Callable[[Mapping[str, Scalar], np.random.SeedSequence], list[Row]]
    columns: Mapping[str, type]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one cell: its rows as canonical text, or the traceback of its failure.

    Plain values only, so that it crosses to any other process.
    """

    key: str
    rows: str | None
    num_rows: int
    error: str | None
    seconds: float
    provenance: str


def run_task(task: Task) -> Outcome:
    """Run one cell; a failure of the simulation is part of the outcome."""
    import numpy as np

    start = time.perf_counter()
    rows: str | None = None
    count, failure = 0, None
    try:
        found = task.run(dict(task.params), np.random.SeedSequence(task.entropy))
        count = len(found)
        rows = encode_rows(found, task.columns)
    except (Exception, SystemExit):  # noqa: BLE001 - kept with its traceback, and reported
        failure = traceback.format_exc()
        count = 0
    seconds = time.perf_counter() - start
    device = str(task.params.get(DEVICE, CPU))
    return Outcome(task.key, rows, count, failure, seconds, provenance_text(device))


def run_pickled(key: str, pickled: bytes) -> Outcome:
    """Run a pickled `Task`; one that can't be loaded here is a failed cell, not a dead worker."""
    try:
        task = pickle.loads(pickled)
    except Exception:  # noqa: BLE001 - kept with its traceback, and reported
        return failed(key, traceback.format_exc())
    assert isinstance(task, Task)
    return run_task(task)


def failed(key: str, why: str, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a cell that gave no rows."""
    return Outcome(key, None, 0, why, seconds, provenance_text(CPU))


def prepare_process() -> None:
    """Prepare a process that runs nothing but cells: one thread, deaf to Ctrl-C."""
    # The terminal sends Ctrl-C to every process of the sweep; the parent alone answers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(one_thread_environment())
    _limited_pools()
    _limit_torch(1)


def one_thread_environment() -> dict[str, str]:
    """Return the variables that keep a process's libraries to one thread each."""
    return dict.fromkeys(_THREAD_VARIABLES, "1")


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep this process to one thread inside the block, as a worker is.

    Sums are rounded in an order that depends on the number of threads, so a cell run here gives
    a worker's bits only if it is run as a worker runs it.
    """
    before = {variable: os.environ.get(variable) for variable in _THREAD_VARIABLES}
    torch = sys.modules.get("torch")
    torch_threads = None if torch is None else torch.get_num_threads()
    os.environ.update(one_thread_environment())
    try:
        with _limited_pools():
            _limit_torch(1)
            yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
        if torch_threads is not None:
            _limit_torch(torch_threads)


def _limited_pools() -> AbstractContextManager[object]:
    """Limit the thread pools of libraries that are loaded; the variables reach the others."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def _limit_torch(threads: int) -> None:
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


@cache
def provenance_text(device: str) -> str:
    """Return where a cell's rows come from; with the GPU's name if they come from one."""
    return canonical_json({**provenance(), **accelerator(device)})


def pickled(task: Task) -> bytes:
    """Return a task as bytes for another process.

    Raises
    ------
    InvalidInputError
        When its function is not at the top level of a module.
    """
    if getattr(task.run, "__module__", None) == "__main__":
        raise InvalidInputError(
            f"the run function {task.run!r} stands in the script that was started, where a worker "
            f"can't import it. Move it into a module of its own, or use --workers 1."
        )
    try:
        return pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InvalidInputError(
            f"the run function {task.run!r} can't be sent to a worker ({error}). Define it at the "
            f"top level of a module, or use --workers 1."
        ) from error
