"""Every error that songoku raises on purpose, under one root.

A message says what was expected, what was found, where, and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DependencyMissingError",
    "InvalidInputError",
    "SongokuError",
    "StoreError",
    "UnknownNameError",
    "unknown_name",
]

_LISTED_AT_MOST = 24  # a longer list hides the hint


class SongokuError(Exception):
    """Root of all errors that songoku raises on purpose."""


class InvalidInputError(SongokuError, ValueError):
    """A value, array or file does not satisfy what its receiver documents."""


class UnknownNameError(InvalidInputError, KeyError):
    """A name (preset, heuristic, option, key, claim) that nothing answers to."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class DependencyMissingError(SongokuError, ImportError):
    """An optional package is needed for what was asked."""


class StoreError(SongokuError):
    """A store of rows can't be read or written; what was stored before is unchanged."""


def unknown_name(what: str, found: str, valid: Iterable[str]) -> UnknownNameError:
    """Build the error for a name that nothing answers to, naming the nearest valid ones.

    Parameters
    ----------
    what : str
        What kind of thing was asked for, e.g. ``"preset"``.
    found : str
        The name as it was given.
    valid : iterable of str
        Every name that would have worked.

    Returns
    -------
    UnknownNameError
        To be raised by the caller, so that the traceback starts there.

    Examples
    --------
    >>> print(unknown_name("heuristic", "welsh_powel", ["dsatur", "welsh_powell"]))
    unknown heuristic 'welsh_powel'. Did you mean 'welsh_powell'? Valid: dsatur, welsh_powell.
    >>> print(unknown_name("claim", "C-3", [f"C-{n}" for n in range(30, 90)]))
    unknown claim 'C-3'. Did you mean 'C-83'? 60 are valid; the nearest: C-83, ...
    """
    names = sorted(valid)
    close = difflib.get_close_matches(found, names, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    if not names:
        listing = " There are none."
    elif len(names) <= _LISTED_AT_MOST:
        listing = f" Valid: {', '.join(names)}."
    else:
        nearest = difflib.get_close_matches(found, names, n=5, cutoff=0.0)
        listing = f" {len(names)} are valid; the nearest: {', '.join(nearest)}."
    return UnknownNameError(f"unknown {what} {found!r}.{hint}{listing}")
