"""Counterexamples: shrunk, stored as JSON, and replayed in exact arithmetic.

A file ``STEM.json`` here holds::

    {"claim": id, "kind": which replayer, "summary": text,
     "data": {...}, "violates": text, "found_by": text}

Numbers in ``data`` are integers, or rationals as strings ``"p/q"``; a float is refused. A
claim module registers a replayer for each ``kind`` with :func:`replayer`: a function from
``data`` to a :class:`Replay` that recomputes everything from the data alone, step by step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = [
    "Counterexample",
    "Replay",
    "Replayer",
    "available",
    "directory",
    "load",
    "rational",
    "replay",
    "replayer",
]

_FIELDS = ("claim", "kind", "summary", "data", "violates", "found_by")


@dataclass(frozen=True, slots=True)
class Counterexample:
    """One stored counterexample."""

    stem: str
    claim: str
    kind: str
    summary: str
    data: Mapping[str, Any]
    violates: str
    found_by: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What an exact replay says: each step in words, and whether the claim is violated."""

    steps: tuple[str, ...]
    violated: bool


Replayer = Callable[[Mapping[str, Any]], Replay]

_REPLAYERS: dict[str, Replayer] = {}


def replayer(kind: str) -> Callable[[Replayer], Replayer]:
    """Register the function that replays counterexamples of one kind.

    Parameters
    ----------
    kind : str
        The ``kind`` of the files that it can replay; one function a kind.

    Raises
    ------
    InvalidInputError
        If another function already answers to that kind.
    """

    def register(function: Replayer) -> Replayer:
        known = _REPLAYERS.get(kind)
        if known is not None and (known.__module__, known.__qualname__) != (
            function.__module__,
            function.__qualname__,
        ):
            raise InvalidInputError(
                f"two functions replay counterexamples of kind {kind!r}: "
                f"{known.__module__}.{known.__qualname__} and "
                f"{function.__module__}.{function.__qualname__}. Rename one of the kinds."
            )
        _REPLAYERS[kind] = function
        return function

    return register


def directory() -> Path:
    """Return the folder that holds the counterexample files."""
    return Path(__file__).parent


def available() -> tuple[str, ...]:
    """Return the stems of all stored counterexamples, sorted."""
    return tuple(sorted(path.stem for path in directory().glob("*.json")))


def rational(value: object) -> Fraction:
    """Read an exact number: an integer or a string ``"p/q"``.

    Parameters
    ----------
    value : int or str
        A float is refused: it would not be what the counterexample's author meant.

    Returns
    -------
    Fraction

    Raises
    ------
    InvalidInputError
        If it is anything else.

    Examples
    --------
    >>> rational("3/4") + rational(1)
    Fraction(7, 4)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, str):
        try:
            if set(value) <= set("0123456789/-"):
                return Fraction(value)
        except (ValueError, ZeroDivisionError):
            pass
    raise InvalidInputError(
        f"a counterexample's numbers should be integers or rationals as strings like '3/4'; "
        f"found {value!r}."
    )


def load(stem: str) -> Counterexample:
    """Read one counterexample.

    Parameters
    ----------
    stem : str
        File name without ``.json``.

    Returns
    -------
    Counterexample

    Raises
    ------
    UnknownNameError
        If there is no such file; the nearest name is given.
    InvalidInputError
        If the file is not what this module documents.
    """
    if stem not in available():
        raise unknown_name("counterexample", stem, available())
    path = directory() / f"{stem}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"{path} should be a JSON object with {', '.join(_FIELDS)}; it can't be read: "
            f"{error}. Restore it from version control."
        ) from error
    found = sorted(content) if isinstance(content, dict) else type(content).__name__
    if not isinstance(content, dict) or set(content) != set(_FIELDS):
        raise InvalidInputError(
            f"{path} should be a JSON object with exactly the keys {', '.join(_FIELDS)}; "
            f"found {found}."
        )
    return Counterexample(stem=stem, **content)


def replay(stem: str) -> Replay:
    """Replay one counterexample in exact arithmetic.

    Parameters
    ----------
    stem : str
        File name without ``.json``.

    Returns
    -------
    Replay
        The steps in words, and whether the claim is violated.

    Raises
    ------
    UnknownNameError
        If the file or its replayer is missing.
    """
    example = load(stem)
    if example.kind not in _REPLAYERS:
        # The claim modules register their replayers when they are imported; they import this
        # module, so it can only ask for them now.
        from proofs_check.registry import all_claims

        all_claims()
    if example.kind not in _REPLAYERS:
        raise unknown_name(f"kind (of counterexample {stem!r})", example.kind, _REPLAYERS)
    return _REPLAYERS[example.kind](example.data)
