"""The engine of ``songoku sweep run --cluster ADDRESS``: cells on the workers of a Dask cluster.

The store is written here, by the one process that the user started; workers only send rows back.
Dask runs a cell again when its worker is lost, and a cell's rows do not depend on where or how
often it runs, so the rows are those of one process.
"""

from __future__ import annotations

import json
import pickle
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from simulations.sweep.cluster_worker import Identity, Reply, Request, difference, identity
from simulations.sweep.worker import Outcome, Task, failed, pickled
from songoku_theory.errors import DependencyMissingError, InvalidInputError, SongokuError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["DaskCluster", "connect"]

_CONNECT_SECONDS = 20.0
_COUNT_SECONDS = 2.0


def connect(address: str) -> Client:
    """Connect to the scheduler of a Dask cluster.

    Parameters
    ----------
    address : str
        ``tcp://host:port``, or the path of a scheduler file (``dask scheduler --scheduler-file``).

    Returns
    -------
    distributed.Client

    Raises
    ------
    DependencyMissingError
        When ``distributed`` is not installed.
    InvalidInputError
        When the address is neither, or the file does not name a scheduler.
    SongokuError
        When no scheduler answers.
    """
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise DependencyMissingError(
            "a Dask cluster needs distributed, which is not installed. Install it with: "
            "pip install 'songoku[cluster]'"
        ) from error
    where = address if "://" in address else _scheduler_of(Path(address))
    try:
        # A client that is given no address tries for a long time to close what it never opened.
        get_address_host_port(where, strict=True)
    except ValueError as error:
        raise InvalidInputError(
            f"{where!r} is not the address of a scheduler, such as tcp://host:8786: {error}."
        ) from error
    try:
        return Client(where, timeout=_CONNECT_SECONDS, set_as_default=False, name="songoku")
    except OSError as error:
        raise SongokuError(
            f"no Dask scheduler answers at {address} ({error}). Start one with 'dask scheduler', "
            f"and workers with 'dask worker ADDRESS'; then run the same command again."
        ) from error


def _scheduler_of(file: Path) -> str:
    if not file.is_file():
        raise InvalidInputError(
            f"--cluster should be the address of a scheduler, such as tcp://host:8786, or a "
            f"scheduler file; found {str(file)!r}, and there is no such file."
        )
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            f"{file} is not a scheduler file, as 'dask scheduler --scheduler-file' writes it: "
            f"{type(error).__name__}: {error}."
        ) from error


@dataclass(slots=True, eq=False)
class _Job:
    """A cell under way: what is asked, where it may run, and the future that a caller waits for."""

    key: str
    request: bytes
    allowed: frozenset[str] | None = None
    inner: Future[tuple[str, Reply]] | None = None
    outer: Future[Outcome] = field(default_factory=Future)


class DaskCluster:
    """A Dask cluster as an engine; workers may come and go while it runs.

    Parameters
    ----------
    address : str
        As `connect` takes it.
    cell_timeout : float, optional
        Seconds that a cell may take before it is stopped and recorded as failed.
    announce : callable (str), optional
        Told, in a sentence, which workers are refused and when there is none.
    """

    def __init__(
        self,
        address: str,
        cell_timeout: float | None = None,
        announce: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._address = address
        self._cell_timeout = cell_timeout
        self._announce = announce
        self._session = uuid.uuid4().hex[:12]
        self._client: Client
        self._executor: Executor
        self._errands = _errands()
        # Handing out again asks the scheduler, which Dask's own threads must not wait for.
        self._again = ThreadPoolExecutor(1, thread_name_prefix="hand-out")
        self._lock = threading.Lock()
        self._jobs: set[_Job] = set()
        self._refused: dict[str, str] = {}
        self._threads: dict[str, int] = {}
        self._counted = -_COUNT_SECONDS
        self._stopped = True

    @property
    def workers(self) -> int:
        """How many cells run at once: the workers' threads, counted every other second."""
        if time.monotonic() - self._counted > _COUNT_SECONDS and not self._stopped:
            self._count()
        if not self._stopped and self._client.status != "running":
            # Dask drops what was under way when it loses the scheduler, but is slow to say so.
            with self._lock:
                jobs = list(self._jobs)
            for job in jobs:
                self._end(job, self._lost(None))
        good = sum(n for name, n in self._threads.items() if name not in self._refused)
        return max(1, good)

    def start(self) -> None:
        """Connect, and look at the workers that are there; wait for none.

        Raises
        ------
        InvalidInputError, DependencyMissingError
            As `connect`.
        SongokuError
            When no scheduler answers, or there are workers and none of them may run cells.
        """
        self._client = connect(self._address)
        self._executor = self._client.get_executor(pure=False)
        self._stopped = False
        try:
            self._look()
        except BaseException:
            self.stop(at_once=True)
            raise

    def _look(self) -> None:
        wanted = identity()
        for address, found in self._client.run(self._errands.identify, on_error="return").items():
            why = difference(found, wanted) if isinstance(found, dict) else str(found)
            if why is not None:
                self._refuse(address, why)
        self._count()
        if self._threads:
            self._allowed()
        else:
            self._announce("the cluster has no worker yet; cells run as soon as one joins")

    def submit(self, task: Task) -> Future[Outcome]:
        """Hand out one cell."""
        request = Request(self._session, task.key, pickled(task), self._cell_timeout)
        job = _Job(task.key, pickle.dumps(request))
        with self._lock:
            self._jobs.add(job)
        self._hand_out(job)
        return job.outer

    def restart(self) -> None:
        """Nothing to do: the scheduler replaces what a lost worker had."""

    def stop(self, *, at_once: bool) -> None:
        """Stop the cells that run, and let go of the cluster; it stays as it was found."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            jobs = list(self._jobs)
        for job in jobs:
            if job.inner is not None:
                job.inner.cancel()
        self._again.shutdown(wait=True, cancel_futures=True)
        # A scheduler that is gone can't be asked, and then nobody waits for the cells either.
        with suppress(OSError, ValueError, RuntimeError):
            if self._client.status == "running":
                self._client.run(self._errands.close, self._session, on_error="ignore")
        self._client.close()

    def _hand_out(self, job: _Job) -> None:
        try:
            job.allowed = self._allowed()
            where = {} if job.allowed is None else {"workers": sorted(job.allowed)}
            job.inner = self._executor.submit(self._errands.run, identity(), job.request, **where)
        except SongokuError as error:
            self._end(job, error)
        except (OSError, ValueError, RuntimeError) as error:
            self._end(job, self._lost(error))
        else:
            job.inner.add_done_callback(lambda inner: self._came(job, inner))

    def _came(self, job: _Job, inner: Future[tuple[str, Reply]]) -> None:
        """Pass on what came of a hand-out. Runs in Dask's thread: nothing here may wait."""
        if inner is not job.inner or self._stopped:
            return
        if inner.cancelled():
            self._end(job, self._lost(None))
            return
        error = inner.exception()
        if error is not None:
            self._end(job, _given_up(job, error))
            return
        worker, (kind, found) = inner.result()
        if isinstance(found, bytes):
            outcome = pickle.loads(found)
            assert isinstance(outcome, Outcome)
            self._end(job, outcome)
        else:
            assert kind == "refused"
            self._refuse(worker, found)
            self._later(self._hand_out, job)

    def _later(self, function: Callable[[_Job], None], job: _Job) -> None:
        with suppress(RuntimeError):  # stopped meanwhile
            self._again.submit(function, job)

    def _end(self, job: _Job, found: Outcome | BaseException) -> None:
        with self._lock:
            if job not in self._jobs:
                return
            self._jobs.discard(job)
        if isinstance(found, Outcome):
            job.outer.set_result(found)
        else:
            job.outer.set_exception(found)

    def _refuse(self, address: str, why: str) -> None:
        with self._lock:
            known = address in self._refused
            self._refused[address] = why
        if not known:
            self._announce(f"worker {address} is refused: {why}")

    def _allowed(self) -> frozenset[str] | None:
        """Return the workers that may run cells; None for all.

        Raises
        ------
        SongokuError
            When there are workers, and all of them are refused.
        """
        if not self._refused:
            return None
        self._count()
        good = frozenset(self._threads) - self._refused.keys()
        if not good:
            listed = "; ".join(f"{name}: {why}" for name, why in list(self._refused.items())[:5])
            raise SongokuError(
                f"no worker of the cluster may run cells of this sweep ({listed}). Rows are only "
                f"the same everywhere if the code is: install the same songoku on the workers, "
                f"start them again, and run the same command again."
            )
        return good

    def _count(self) -> None:
        """Ask the scheduler for its workers; free the cells that wait for one that is gone."""
        self._counted = time.monotonic()
        if self._client.status == "running":  # else it would wait for the scheduler's return
            with suppress(OSError, ValueError, RuntimeError):
                self._threads = dict(self._client.nthreads())
        with self._lock:
            stranded = [
                job
                for job in self._jobs
                if job.allowed is not None and not job.allowed & self._threads.keys()
            ]
        for job in stranded:
            inner, job.inner = job.inner, None
            if inner is not None:
                inner.cancel()
                self._later(self._hand_out, job)

    def _lost(self, error: BaseException | None) -> SongokuError:
        why = f" ({error})" if error is not None else ""
        return SongokuError(
            f"the connection to the Dask scheduler is lost{why}. What finished before is stored. "
            f"Start the scheduler again if it has died, and run the same command again."
        )


def _given_up(job: _Job, error: BaseException) -> Outcome:
    """Return the failure of a cell that Dask gave up."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        why = (
            f"each Dask worker that was given this cell died with it, the last of them "
            f"{error.last_worker.address}: out of memory, or killed from outside."
        )
    else:
        why = f"the Dask cluster could not run this cell: {type(error).__name__}: {error}"
    return failed(job.key, why)


@dataclass(frozen=True, slots=True)
class _Errands:
    """What workers are asked to do."""

    identify: Callable[[], Identity | str]
    run: Callable[[Identity, bytes], tuple[str, Reply]]
    close: Callable[[str], None]


def _errands() -> _Errands:
    """Return functions that Dask sends by value, because they stand inside this one.

    Dask sends any other function by name, and a worker that can't import that name loses its
    connection and its cells. These it can load, and then say what is wrong.
    """

    def identify() -> Identity | str:
        try:
            from simulations.sweep.cluster_worker import identity
        except ImportError as error:
            return f"songoku can't be imported there ({error})"
        return identity()

    def run(wanted: Identity, request: bytes) -> tuple[str, Reply]:
        from distributed import get_worker

        worker = str(get_worker().address)
        try:
            from simulations.sweep.cluster_worker import serve
        except ImportError as error:
            return worker, ("refused", f"songoku can't be imported there ({error})")
        return worker, serve(wanted, request)

    def close(session: str) -> None:
        from simulations.sweep.cluster_worker import close_session

        close_session(session)

    return _Errands(identify, run, close)
