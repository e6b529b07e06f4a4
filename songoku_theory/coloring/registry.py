"""The registry of colouring heuristics: plain functions, found by name.

A heuristic is a function from a boolean adjacency matrix to one colour per node. The decorator
only adds a name and the promises that the function makes; it changes nothing else. A package of
yours can register one by importing :func:`coloring`, or offer it to the command line through the
entry-point group ``songoku.colorings``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import check_adjacency_bits, check_coloring_result
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = [
    "PROMISES",
    "ColoringFunction",
    "ColoringInfo",
    "available_colorings",
    "color",
    "coloring",
    "coloring_info",
    "get_coloring",
]

ColoringFunction = Callable[[NDArray[np.bool_]], Sequence[int] | NDArray[np.int64]]
F = TypeVar("F", bound=Callable[..., Sequence[int] | NDArray[np.int64]])

PROMISES: dict[str, str] = {
    "proper": "no edge inside a colour class",
    "deterministic": "the same graph gives the same colours",
    "delta+1": "at most Delta + 1 colours",
    "welsh-powell-bound": "at most 1 + max_i min(d_i, i - 1) colours, degrees descending",
    "exact": "as few colours as possible",
    "exact-on-multipartite": "as few colours as possible on complete multipartite graphs",
    "exact-on-bipartite": "at most two colours on bipartite graphs",
}


@dataclass(frozen=True, slots=True)
class ColoringInfo:
    """A registered heuristic.

    Attributes
    ----------
    name : str
    function : callable
        ``(K, K) bool -> K colours``.
    promises : frozenset of str
        Keys of ``PROMISES``; the conformance checks pick what to test by them.
    summary : str
        First line of the function's docstring.
    """

    name: str
    function: ColoringFunction
    promises: frozenset[str]
    summary: str


_REGISTRY: dict[str, ColoringInfo] = {}


def coloring(
    name: str, promises: Iterable[str] = ("proper", "deterministic", "delta+1")
) -> Callable[[F], F]:
    """Register a heuristic under a name.

    Parameters
    ----------
    name : str
        Not yet taken.
    promises : iterable of str
        Keys of ``PROMISES``.

    Returns
    -------
    callable
        A decorator that returns the function unchanged.

    Raises
    ------
    UnknownNameError
        When a promise is not one of ``PROMISES``.
    InvalidInputError
        When the name is taken by another function.
    """
    kept = frozenset(promises)
    for promise in kept:
        if promise not in PROMISES:
            raise unknown_name("promise", promise, PROMISES)

    def register(function: F) -> F:
        taken = _REGISTRY.get(name)
        if taken is not None and taken.function is not function:
            raise InvalidInputError(
                f"a coloring named {name!r} is registered already; choose another name."
            )
        lines = (function.__doc__ or "").strip().splitlines()
        _REGISTRY[name] = ColoringInfo(name, function, kept, lines[0] if lines else "")
        return function

    return register


@cache
def _load_plugins() -> None:
    for point in entry_points(group="songoku.colorings"):
        point.load()


def coloring_info(name: str) -> ColoringInfo:
    """Return a registered heuristic with its promises.

    Raises
    ------
    UnknownNameError
        When nothing is registered under `name`; the message names the nearest.
    """
    if name not in _REGISTRY:
        _load_plugins()
    if name not in _REGISTRY:
        raise unknown_name("coloring", name, _REGISTRY)
    return _REGISTRY[name]


def get_coloring(name: str) -> ColoringFunction:
    """Return the function registered under `name`.

    Raises
    ------
    UnknownNameError
        When nothing is registered under `name`.
    """
    return coloring_info(name).function


def available_colorings() -> tuple[str, ...]:
    """Return the names of all registered heuristics, in order."""
    _load_plugins()
    return tuple(sorted(_REGISTRY))


def color(
    adjacency: ArrayLike, heuristic: str | ColoringFunction = "welsh_powell"
) -> NDArray[np.int64]:
    """Colour a conflict graph and check the result.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)
        Of a simple graph.
    heuristic : str or callable
        A registered name, or any function from adjacency to colours. It gets a copy.

    Returns
    -------
    ndarray of int, shape (K,)
        Colours 0..m-1; a proper colouring, whatever the heuristic did.

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid, or the heuristic returned something else than a proper
        colouring.
    UnknownNameError
        When no heuristic has that name.

    Examples
    --------
    >>> color([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    array([1, 0, 1])
    """
    matrix, bits = check_adjacency_bits(adjacency)
    function = get_coloring(heuristic) if isinstance(heuristic, str) else heuristic
    label = heuristic if isinstance(heuristic, str) else getattr(heuristic, "__name__", "callable")
    return check_coloring_result(matrix, function(matrix.copy()), label, bits)
