"""Run many cells on an engine, and survive the death of a worker."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait

from simulations.sweep.engine import Engine
from simulations.sweep.worker import Outcome, Task, failed
from songoku_theory.errors import SongokuError

__all__ = ["stream"]

_POLL_SECONDS = 0.2
_STRIKES = 2


def stream(tasks: Iterable[Task], engine: Engine) -> Generator[Outcome | None, None, None]:
    """Run tasks on an engine and yield each outcome as soon as it is there.

    At most twice as many tasks as workers are under way, so little is lost when everything stops
    and nothing piles up in memory.

    When a worker dies (out of memory, ``kill -9``) what it ran is suspected, and where a whole
    pool breaks with it, all that was under way. Suspects run again, one at a time with nothing
    beside them; one that is under way at a second death is recorded as failed.

    Parameters
    ----------
    tasks : iterable of Task
        Taken as they are needed.
    engine : Engine
        Started here, and stopped however this ends.

    Yields
    ------
    Outcome or None
        None every now and then while nothing finishes, so that the caller can show the time.

    Raises
    ------
    SongokuError
        When the engine is of no use any more: workers die as soon as they start, or a cluster's
        scheduler is gone.
    """
    dispatch = _Dispatch(tasks, engine)
    finished = False
    engine.start()
    try:
        while dispatch.fill():
            outcomes = dispatch.collect()
            yield from outcomes
            if not outcomes:
                yield None
        finished = True
    finally:
        engine.stop(at_once=not finished)


class _Dispatch:
    """Who is under way, who waits, and who is suspected of killing its worker."""

    def __init__(self, tasks: Iterable[Task], engine: Engine) -> None:
        self._engine = engine
        self._fresh = iter(tasks)
        self._returned: deque[Task] = deque()  # handed out to a pool that was broken already
        self._suspects: deque[Task] = deque()
        self._strikes: dict[str, int] = {}
        self._alone = False
        self._broken = False
        self._dead: list[tuple[Task, str]] = []
        self._fatal: SongokuError | None = None
        self._running: dict[Future[Outcome], Task] = {}

    def fill(self) -> bool:
        """Hand out tasks up to the window; return whether anything is left to wait for."""
        if self._fatal is not None:
            raise self._fatal
        workers = self._engine.workers
        window = 1 if workers == 1 else 2 * workers
        while not self._broken and len(self._running) < window:
            task = self._next()
            if task is None:
                break
            try:
                self._running[self._engine.submit(task)] = task
            except BrokenExecutor:
                self._returned.appendleft(task)
                self._broken = True
        return bool(self._running) or self._broken

    def collect(self) -> list[Outcome]:
        """Wait a moment and return what finished; after a death, go on once all else is in."""
        outcomes: list[Outcome] = []
        if self._running:
            done, _ = wait(self._running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            self._take(done, outcomes)
        if self._broken and not self._running and self._fatal is None:
            outcomes += self._after_death()
        return outcomes

    def _next(self) -> Task | None:
        if self._running and (self._alone or self._suspects):
            return None
        self._alone = bool(self._suspects)
        if self._suspects:
            return self._suspects.popleft()
        return self._returned.popleft() if self._returned else next(self._fresh, None)

    def _take(self, done: Iterable[Future[Outcome]], outcomes: list[Outcome]) -> None:
        for future in done:
            task = self._running.pop(future)
            try:
                outcomes.append(future.result())
            except BrokenExecutor as error:
                self._broken = True
                self._dead.append((task, str(error)))
            except SongokuError as error:
                self._fatal = error  # raised once what finished beside it has been passed on
            except Exception:  # noqa: BLE001 - an engine's own failure, kept with its traceback
                outcomes.append(failed(task.key, traceback.format_exc()))

    def _after_death(self) -> list[Outcome]:
        self._engine.restart()
        self._broken = False
        guilty = []
        for task, how in self._dead:
            self._strikes[task.key] = self._strikes.get(task.key, 0) + 1
            if self._strikes[task.key] < _STRIKES:
                self._suspects.append(task)
            else:
                guilty.append(
                    failed(
                        task.key,
                        f"the worker process died {_STRIKES} times while it ran this cell, the "
                        f"second time with nothing else running: out of memory, or killed from "
                        f"outside{f' ({how})' if how else ''}.",
                    )
                )
        self._dead.clear()
        return guilty
