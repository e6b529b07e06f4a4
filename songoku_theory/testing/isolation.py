"""Run code that can't be trusted in a child process, one request at a time, against the clock.

The code under test may hang, crash, kill its process or keep state between calls. So it lives in a
child: the parent sends requests, waits so long and no longer, and starts a new child when one is
lost.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import multiprocessing as mp
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Literal, Self

from songoku_theory.errors import InvalidInputError

__all__ = ["Handler", "Outcome", "Worker", "describe_error"]

Handler = Callable[[Any], Any]
"""From a request to an answer; both are sent through a pipe, so both are plain data."""

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request.

    Attributes
    ----------
    kind : {"value", "raised", "timeout", "died"}
    value : object
        The handler's answer, for ``"value"``.
    detail : str
        The exception and where it was raised, or how the process ended.
    """

    kind: Literal["value", "raised", "timeout", "died"]
    value: Any = None
    detail: str = ""


def describe_error(error: BaseException) -> str:
    """Return an exception's type, message, and the innermost line that raised it.

    Examples
    --------
    >>> describe_error(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    text = " ".join(str(error).split())
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return message
    last = frames[-1]
    return f"{message} ({os.path.basename(last.filename)}:{last.lineno} in {last.name})"


class Worker:
    """A handler in a child process. Use it as a context manager.

    Parameters
    ----------
    handler : callable
        Without a ``fork`` (Windows) it has to be picklable: a function of a module, say.
    time_limit : float
        Seconds for one request.
    isolate : bool, default True
        False runs the handler in this process: no time limit, no protection; for debuggers.
    start_method : {"fork", "spawn"}, optional
        By default ``"fork"`` where there is one. Code that uses threads of its own (OpenMP) may
        need ``"spawn"``.

    Raises
    ------
    InvalidInputError
        When the time limit is not positive.

    Examples
    --------
    >>> with Worker(abs, time_limit=5.0) as worker:
    ...     [outcome.value for outcome in worker.map([-1, 2])]
    [1, 2]
    """

    def __init__(
        self,
        handler: Handler,
        time_limit: float,
        *,
        isolate: bool = True,
        start_method: Literal["fork", "spawn"] | None = None,
    ) -> None:
        if not time_limit > 0:
            raise InvalidInputError(f"time_limit should be > 0 seconds; found {time_limit!r}.")
        self.time_limit = time_limit
        self.starts = 0
        self._handler = handler
        self._isolate = isolate
        methods = mp.get_all_start_methods()
        self._method = start_method or ("fork" if "fork" in methods else "spawn")
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def map(self, requests: Sequence[Any], give_up_after: int = 3) -> Iterator[Outcome | None]:
        """Answer requests in order, in one child as long as it lives.

        Parameters
        ----------
        requests : sequence
        give_up_after : int, default 3
            Lost children (time limit or death) after which the rest is not tried.

        Yields
        ------
        Outcome or None
            None for a request that was not tried.
        """
        if not self._isolate:
            yield from (_answer(self._handler, request) for request in requests)
            return
        done = lost = 0
        while done < len(requests):
            if lost >= give_up_after:
                yield from [None] * (len(requests) - done)
                return
            batch = list(requests[done : done + _BATCH])
            answers = self._send(batch)
            done += len(answers)
            lost += answers[-1].kind in ("timeout", "died")
            yield from answers

    def call(self, request: Any) -> Outcome:  # noqa: ANN401 - whatever the handler takes
        """Answer one request."""
        if not self._isolate:
            return _answer(self._handler, request)
        return self._send([request])[0]

    def restart(self) -> None:
        """Forget all state: the next request is the first one of a new child."""
        self.stop()

    def stop(self) -> None:
        """End the child, and whatever it has started."""
        process, self._process = self._process, None
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
        if process is None:
            return
        _kill(process)
        process.join()
        process.close()

    def _start(self) -> tuple[BaseProcess, Connection]:
        if self._process is not None and self._pipe is not None:
            return self._process, self._pipe
        context: Any = mp.get_context(self._method)  # its base class does not know Process
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(self._handler, theirs, ours), daemon=False)
        with warnings.catch_warnings():
            # Python 3.12 and later warn about a fork beside threads. The child only runs the code
            # under test; code that needs threads of its own can ask for "spawn".
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                process.start()
            except (AttributeError, TypeError, ImportError) as error:
                raise InvalidInputError(
                    f"the code under test can't be sent to a child process here ({error}). Define "
                    f"it at the top of a module, or pass isolate=False to do without a time limit."
                ) from error
        theirs.close()
        self.starts += 1
        self._process, self._pipe = process, ours
        return process, ours

    def _send(self, batch: list[Any]) -> list[Outcome]:
        """Answers in order, up to the first request that cost the child its life."""
        process, pipe = self._start()
        answers: list[Outcome] = []
        try:
            pipe.send(batch)
            for _ in batch:
                if not pipe.poll(self.time_limit):
                    self.stop()
                    limit = f"no answer within {self.time_limit:g} s"
                    return [*answers, Outcome("timeout", detail=limit)]
                answers.append(pipe.recv())
        except (EOFError, BrokenPipeError, ConnectionResetError):
            process.join(timeout=1.0)
            code = process.exitcode
            self.stop()
            return [*answers, Outcome("died", detail=f"the process ended ({_ending(code)})")]
        return answers


def _ending(code: int | None) -> str:
    if code is None:
        return "its pipe was closed"
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _kill(process: BaseProcess) -> None:
    """End the child's whole session; a child that has not got that far is ended alone."""
    if process.pid is not None and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
                return
    process.kill()


def _serve(handler: Handler, pipe: Connection, parents_end: Connection) -> None:
    """Answer batches until the parent closes its end; runs in the child."""
    with contextlib.suppress(OSError):  # closed already in a spawned child's copy
        parents_end.close()
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is the parent's business, and _kill ends this whole session
    gc.freeze()  # what the parent made is not this child's to collect, nor its pages to copy
    faulthandler.disable()  # the parent says how a child ended
    silence = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the process's life
    sys.stdout = sys.stderr = silence
    for descriptor in (1, 2):  # compiled code writes past sys.stdout
        os.dup2(silence.fileno(), descriptor)
    while True:
        try:
            batch = pipe.recv()
        except (EOFError, OSError):
            return
        for request in batch:
            pipe.send(_answer(handler, request))


def _answer(handler: Handler, request: Any) -> Outcome:  # noqa: ANN401 - whatever it takes
    try:
        return Outcome("value", handler(request))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - recorded: any failure is a finding here
        return Outcome("raised", detail=describe_error(error))
