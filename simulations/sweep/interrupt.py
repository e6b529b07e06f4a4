"""Ctrl-C and SIGTERM: stop soon, once, and never in the middle of storing a cell."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

__all__ = ["StopSignals", "Stopped"]


class Stopped(BaseException):
    """The user or the system asked to stop. Not an Exception: no simulation can swallow it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class StopSignals:
    """While in the ``with``, SIGINT and SIGTERM raise `Stopped`, once.

    Later ones are ignored, so that cleaning up is not cut short. A signal that was ignored before
    (as for a job in the background) stays ignored; outside the main thread nothing changes.

    Parameters
    ----------
    waits : bool, default False
        Raise nothing; who made this looks at `received` where it can stop.
    """

    def __init__(self, waits: bool = False) -> None:
        self._waits = waits
        self._before: dict[int, signal._HANDLER] = {}
        self._shielded = False
        self._signum: int | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for signum in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(signum) != signal.SIG_IGN:
                    self._before[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    @property
    def received(self) -> int | None:
        """The first signal that came, if any."""
        return self._signum

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Put a signal off until the end of the block."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False
        if self._signum is not None and not self._waits:
            raise Stopped(self._signum)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self._signum is not None:
            return
        self._signum = signum
        if not (self._shielded or self._waits):
            raise Stopped(signum)
