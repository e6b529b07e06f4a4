"""What runs on the workers of a Dask cluster. Each cell has a child process of the worker."""

from __future__ import annotations

import hashlib
import pickle
import socket
import threading
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from simulations.sweep.children import ChildDiedError, Children, NoChildError
from simulations.sweep.worker import failed

__all__ = ["Identity", "Reply", "Request", "close_session", "difference", "identity", "serve"]

Identity = dict[str, str]
Reply = tuple[str, str | bytes]

_SAME = ("songoku", "numpy", "scipy", "networkx")
"""Packages whose version may show in a cell's bits."""
_ATTEMPTS = 2

_sessions: dict[str, Children] = {}
_closed: set[str] = set()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Request:
    """One cell, for whichever worker gets it.

    Attributes
    ----------
    session : str
        Of the sweep; its children can be stopped without touching another sweep's.
    key : str
    task : bytes
        A pickled `Task`.
    cell_timeout : float or None
        Seconds.
    """

    session: str
    key: str
    task: bytes
    cell_timeout: float | None


@cache
def identity() -> Identity:
    """Return what must be the same everywhere for the same bits: versions and our source code."""
    found = {"source": _source_digest()}
    for name in _SAME:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def difference(found: Identity, wanted: Identity) -> str | None:
    """Say how a worker's identity differs from the one that is wanted; None if it does not.

    Examples
    --------
    >>> here = {"songoku": "0.2", "numpy": "2.4", "source": "aa"}
    >>> difference({**here, "numpy": "2.3"}, here)
    'it has numpy 2.3, not 2.4'
    >>> difference({**here, "source": "bb"}, here)
    'it has songoku 0.2 too, but other source code (bb, not aa)'
    """
    parts = [
        f"{name} {found.get(name, 'absent')}, not {wanted[name]}"
        for name in wanted
        if name != "source" and found.get(name) != wanted[name]
    ]
    if parts:
        return f"it has {'; '.join(parts)}"
    if found.get("source") != wanted["source"]:
        return (
            f"it has songoku {wanted['songoku']} too, but other source code "
            f"({found.get('source')}, not {wanted['source']})"
        )
    return None


def serve(wanted: Identity, request: bytes) -> Reply:
    """Run one cell in a child process of this worker, if this is the same code as the client's.

    A cell whose process dies runs once more here; what dies twice is recorded as failed, so that
    it can't take one worker after the other with it.

    Parameters
    ----------
    wanted : dict
        The client's `identity`.
    request : bytes
        A pickled `Request`.

    Returns
    -------
    tuple
        ``("outcome", pickled Outcome)`` or ``("refused", why)``.
    """
    why = difference(identity(), wanted)
    if why is not None:
        return "refused", why
    asked = pickle.loads(request)
    assert isinstance(asked, Request)
    children = _children(asked)
    how = ""
    for _ in range(_ATTEMPTS):
        try:
            return "outcome", pickle.dumps(children.run(asked.key, asked.task))
        except NoChildError as error:
            return "refused", str(error)
        except ChildDiedError as error:
            how = str(error)
    outcome = failed(
        asked.key,
        f"the process that ran this cell died {_ATTEMPTS} times on worker {socket.gethostname()}: "
        f"out of memory, or killed from outside ({how}).",
    )
    return "outcome", pickle.dumps(outcome)


def close_session(session: str) -> None:
    """Kill the children of a sweep on this worker, at work or not."""
    with _lock:
        _closed.add(session)
        children = _sessions.pop(session, None)
    if children is not None:
        children.close()


def _children(request: Request) -> Children:
    with _lock:
        if request.session in _closed:
            return _stopped()
        return _sessions.setdefault(request.session, Children(request.cell_timeout))


def _stopped() -> Children:
    """Return children that run nothing: a cell that was handed out just before the end."""
    children = Children()
    children.close()
    return children


def _source_digest() -> str:
    """Return 12 hex digits of the source of the packages that run cells."""
    import simulations
    import songoku_theory

    hashed = hashlib.sha256()
    for package in (simulations, songoku_theory):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            hashed.update(f"{package.__name__}/{path.relative_to(folder).as_posix()}\n".encode())
            hashed.update(path.read_bytes())
    return hashed.hexdigest()[:12]
