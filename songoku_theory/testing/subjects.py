"""The heuristic under test: found by name, with the kind of input that it takes."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np

from songoku_theory.coloring import (
    available_colorings,
    coloring_info,
    get_coloring,
)
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.testing.graphs import Case, case, from_edges
from songoku_theory.testing.isolation import Worker
from songoku_theory.testing.named import settle_promises
from songoku_theory.testing.serve import ColoringServer, InputKind, Request

__all__ = [
    "COLORING_PROMISES",
    "DEFAULT_PROMISES",
    "Subject",
    "load_heuristic",
    "load_object",
    "make_subject",
    "promises_of",
]

DEFAULT_PROMISES = frozenset({"proper", "deterministic", "contiguous", "delta+1", "any-node-names"})
"""What a plain function is taken to promise; the last for networkx graphs alone."""

COLORING_PROMISES: dict[str, str] = {
    "proper": "no edge inside a colour class",
    "deterministic": "the same graph gives the same colours, whatever was coloured before",
    "contiguous": "colours are 0..m-1, all used",
    "delta+1": "at most Delta + 1 colours",
    "welsh-powell-bound": "at most 1 + max_i min(d_i, i - 1) colours, degrees descending",
    "exact": "as few colours as possible",
    "exact-on-multipartite": "as few colours as possible on complete multipartite graphs",
    "exact-on-bipartite": "at most two colours on bipartite graphs",
    "any-node-names": "a networkx graph may name its nodes by other things than 0..n-1",
}
"""The promises that can be checked: those of ``songoku_theory.coloring`` and two more."""

_NETWORKX_NAMES = ("g", "graph", "nx_graph", "network")
_MATRIX_NAMES = ("adjacency", "adjacency_matrix", "adj", "a", "matrix", "m", "conflicts", "w")
_MATRIX_HINTS = (
    "ndarray",
    "NDArray",
    "ArrayLike",
    "Matrix",
    "Adjacency",
    "np.",
    "Sequence",
    "list",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A heuristic ready to be checked.

    Attributes
    ----------
    function : callable
    name : str
    input : {"adjacency", "networkx"}
    why : str
        How the kind of input was decided.
    promises : frozenset of str
    promised_by : str
        Where the promises come from.
    """

    function: Callable[..., Any]
    name: str
    input: InputKind
    why: str
    promises: frozenset[str]
    promised_by: str

    @property
    def server(self) -> ColoringServer:
        """The handler that colours graphs in a child process."""
        return ColoringServer(self.function, self.input)


def load_object(target: str) -> Any:  # noqa: ANN401 - whatever the user's module holds
    """Import what ``package.module:name`` or ``path/to/file.py:name`` names.

    Parameters
    ----------
    target : str
        The name may be dotted: ``module:namespace.function``.

    Returns
    -------
    object

    Raises
    ------
    InvalidInputError
        When the text has another form, the module can't be imported, or it lacks the name.

    Examples
    --------
    >>> load_object("math:sqrt")(4.0)
    2.0
    """
    place, colon, name = target.partition(":")
    if not colon or not place or not name:
        raise InvalidInputError(
            f"expected package.module:name or path/to/file.py:name; found {target!r}."
        )
    found = _import(place)
    for part in name.split("."):
        if not hasattr(found, part):
            names = [n for n in dir(found) if not n.startswith("_")]
            raise unknown_name(f"name in {place}", part, names)
        found = getattr(found, part)
    return found


def load_heuristic(target: str) -> Callable[..., Any]:
    """Return the registered colouring of that name, or what ``module:name`` names.

    Raises
    ------
    InvalidInputError
        As :func:`load_object`.
    UnknownNameError
        When no colouring is registered under the name.

    Examples
    --------
    >>> load_heuristic("dsatur").__name__
    'dsatur'
    """
    found = load_object(target) if ":" in target else get_coloring(target)
    if not callable(found):
        raise InvalidInputError(f"{target} should be a function; found {type(found).__name__}.")
    return cast("Callable[..., Any]", found)


def _import(place: str) -> Any:  # noqa: ANN401 - a module
    try:
        if place.endswith(".py"):
            return _import_file(place)
        here = os.getcwd()
        if here not in sys.path:  # a console script does not look where it was started
            sys.path.insert(0, here)
        return importlib.import_module(place)
    except Exception as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == place.partition(".")[0]
        hint = (
            " Install the package, start songoku in the folder that holds it, or name the file: "
            "path/to/file.py:name."
            if missing
            else ""
        )
        raise InvalidInputError(
            f"{place} could not be imported: {type(error).__name__}: {error}.{hint}"
        ) from error


def _import_file(path: str) -> Any:  # noqa: ANN401 - a module
    if not os.path.isfile(path):
        raise InvalidInputError(f"there is no file {path}.")
    folder, base = os.path.split(os.path.abspath(path))
    if folder not in sys.path:  # so that it can import its neighbours
        sys.path.insert(0, folder)
    module = importlib.import_module(base.removesuffix(".py"))
    loaded = os.path.abspath(str(getattr(module, "__file__", "")))
    if loaded != os.path.abspath(path):
        raise ImportError(f"a module of that name was found before it, {loaded}; rename the file")
    return module


def promises_of(function: object) -> tuple[frozenset[str], str] | None:
    """Return what a function registered with ``@coloring`` promises, and under which name."""
    for name in available_colorings():
        info = coloring_info(name)
        if info.function is function:
            # Without contiguous colours it could not be used: songoku_theory.coloring.color asks.
            return info.promises | {"contiguous"}, name
    return None


def make_subject(
    target: str | Callable[..., Any],
    *,
    promises: tuple[str, ...] = (),
    input: InputKind | Literal["auto"] = "auto",
    isolate: bool = True,
    time_limit: float = 10.0,
) -> Subject:
    """Find a heuristic, decide what it takes and what it promises.

    Parameters
    ----------
    target : str or callable
        A function, the name of a registered colouring, ``package.module:name`` or
        ``path/to/file.py:name``.
    promises : tuple of str
        Names alone replace the declared ones; ``+name`` adds one, ``no-name`` takes one away.
    input : {"auto", "adjacency", "networkx"}
        ``"auto"``: by the annotation or the name of the first parameter, and where it refuses
        that, by trying the other.
    isolate, time_limit
        As for ``check_coloring``; used while trying.

    Returns
    -------
    Subject

    Raises
    ------
    InvalidInputError
        When it is no function of one argument.
    UnknownNameError
        When nothing answers to the name.

    Examples
    --------
    >>> make_subject("welsh_powell").input
    'adjacency'
    """
    if input not in ("auto", *get_args(InputKind)):
        raise unknown_name("input", str(input), ("auto", *get_args(InputKind)))
    function = load_heuristic(target) if isinstance(target, str) else target
    if not callable(function):
        raise InvalidInputError(
            f"{target!r} should be a function from a graph to colours; found "
            f"{type(function).__name__}."
        )
    name = str(getattr(function, "__name__", type(function).__name__))
    registered = promises_of(function)
    declared, by = registered or (DEFAULT_PROMISES, "what a plain function is taken to promise")
    if registered:
        name, by = by, "its @coloring decorator"
    if promises:
        declared, by = settle_promises(promises, declared, COLORING_PROMISES), "as you asked"
    parameter = _only_parameter(function, name)
    if input != "auto":
        return Subject(function, name, input, "as you asked", _fitting(declared, input), by)
    first, why = _guess(parameter)
    kind, why = _try(function, first, why, isolate, min(time_limit, 5.0))
    return Subject(function, name, kind, why, _fitting(declared, kind), by)


def _fitting(promises: frozenset[str], kind: InputKind) -> frozenset[str]:
    """A matrix has no node names to promise anything about."""
    return promises if kind == "networkx" else promises - {"any-node-names"}


def _only_parameter(function: Callable[..., Any], name: str) -> inspect.Parameter | None:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None  # compiled code may not say
    positional = [
        p
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)
    ]
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if not positional or len(needed) > 1:
        raise InvalidInputError(
            f"{name} should take one argument, the graph, and have defaults for the rest; it needs "
            f"{', '.join(needed) or 'none'}. Wrap it, e.g. with functools.partial or a function of "
            f"one argument; for a networkx strategy use songoku_theory.coloring.networkx_strategy."
        )
    return positional[0]


def _guess(parameter: inspect.Parameter | None) -> tuple[InputKind, str]:
    if parameter is None:
        return "adjacency", "it does not say what it takes"
    if parameter.annotation is not parameter.empty:
        hint = parameter.annotation
        text = hint if isinstance(hint, str) else inspect.formatannotation(hint)
        if "Graph" in text.replace("ConflictGraph", ""):
            return "networkx", f"its first parameter is annotated {text}"
        if any(word in text for word in _MATRIX_HINTS):
            return "adjacency", f"its first parameter is annotated {text}"
    lower = parameter.name.lower().lstrip("_")
    if lower in _NETWORKX_NAMES:
        return "networkx", f"its first parameter is called {parameter.name!r}"
    if lower in _MATRIX_NAMES:
        return "adjacency", f"its first parameter is called {parameter.name!r}"
    return "adjacency", "neither annotation nor name say what it takes"


def _probes() -> tuple[Case, ...]:
    path = from_edges(4, [(0, 1), (1, 2), (2, 3)])
    return case("path", path), case("triangle and a task", from_edges(4, [(0, 1), (1, 2), (0, 2)]))


def _try(
    function: Callable[..., Any], first: InputKind, why: str, isolate: bool, time_limit: float
) -> tuple[InputKind, str]:
    other: InputKind = "networkx" if first == "adjacency" else "adjacency"
    if _accepts(function, first, isolate, time_limit):
        return first, why
    if _accepts(function, other, isolate, time_limit):
        return other, f"it was tried: with {_PLAIN[first]} it fails on a path of 4 tasks"
    return first, f"{why}; it fails with the other kind, too"


_PLAIN = {"adjacency": "an adjacency matrix", "networkx": "a networkx graph"}


def _accepts(
    function: Callable[..., Any], kind: InputKind, isolate: bool, time_limit: float
) -> bool:
    """Does it give a proper colouring of two tiny graphs?"""
    with Worker(ColoringServer(function, kind), time_limit, isolate=isolate) as worker:
        for one in _probes():
            outcome = worker.call(Request(one.adjacency))
            if outcome.kind == "timeout":
                return True  # it has taken the input, and is busy with it
            if outcome.kind != "value" or outcome.value.colors is None:
                return False
            colors = np.asarray(outcome.value.colors)
            if (one.adjacency & (colors[:, None] == colors[None, :])).any():
                return False
    return True
