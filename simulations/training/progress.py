"""How far a run is, told to whoever listens; a cell that a sweep runs has nobody listening."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["listening", "tell"]

Listener = Callable[[int, int], None]

_listener: ContextVar[Listener | None] = ContextVar("training_progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call ``listener(steps done, steps in all)`` for every `tell` in the body.

    Examples
    --------
    >>> heard = []
    >>> with listening(lambda done, total: heard.append((done, total))):
    ...     tell(1, 2)
    >>> tell(2, 2)
    >>> heard
    [(1, 2)]
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(done: int, total: int) -> None:
    """Report that `done` of `total` steps are done."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total)
