"""What happens in the child process: one graph in, one answer out, and whether the input survived.

Nothing here judges. The answer says in plain data what the heuristic did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from songoku_theory.testing.graphs.case import Adjacency

__all__ = ["Answer", "ColoringServer", "InputKind", "Request", "labelled_graph", "read_colors"]

InputKind = Literal["adjacency", "networkx"]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One graph to colour.

    Attributes
    ----------
    adjacency : ndarray of bool, shape (n, n)
    labels : str
        How a networkx graph names its nodes; ``"range"`` is 0..n-1.
    again : bool
        Colour it a second time right after, to compare.
    repeat : tuple of int and float, or None
        Colour it so many times more, but no longer than so many seconds, and compare.
    """

    adjacency: Adjacency
    labels: str = "range"
    again: bool = False
    repeat: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a heuristic did with one graph.

    Attributes
    ----------
    colors : tuple of int, or None
        In the order of the tasks; None when the result was not one whole number a task.
    wrong_shape : str
        Why the result is not one colour a task; empty if it is.
    not_whole : str
        Why the colours are not whole numbers; empty if they are.
    changed_input : str
        What it changed in its input; empty if nothing.
    second : str or None
        How the second answer differs; empty if it does not, None if there was none.
    seconds : float
        Of the first call.
    calls : int
        How often the graph was coloured.
    """

    colors: tuple[int, ...] | None
    wrong_shape: str = ""
    not_whole: str = ""
    changed_input: str = ""
    second: str | None = None
    seconds: float = 0.0
    calls: int = 1


@dataclass(frozen=True, slots=True)
class ColoringServer:
    """Calls a heuristic; picklable when the heuristic is."""

    function: Callable[..., Any]
    input: InputKind

    def __call__(self, request: Request) -> Answer:
        """Colour one graph, and again if asked."""
        kept: list[Any] = []
        first = self._color(request, kept)
        if not request.again and request.repeat is None:
            return first
        times, seconds = request.repeat or (1, float("inf"))
        end, calls, difference = time.perf_counter() + seconds, 1, ""
        while not difference and calls <= times and (calls == 1 or time.perf_counter() < end):
            calls += 1
            difference = _difference(first, self._color(request), calls)
        if not difference and kept:
            difference = self._overwritten(request, first, kept[0])
        return replace(first, second=difference, calls=calls)

    def _overwritten(self, request: Request, first: Answer, found: object) -> str:
        """Say whether the first answer changes when a graph without conflicts is coloured."""
        # That this other graph fails is for other requests to find.
        with suppress(Exception):
            self._color(replace(request, adjacency=np.zeros_like(request.adjacency)))
        _, nodes = labelled_graph(request.adjacency, request.labels)
        order = None if self.input == "adjacency" else _insertion_order(request)
        now = read_colors(found, nodes, order)[0]
        if now == first.colors:
            return ""
        return (
            "the colours that it had returned changed when another graph was coloured: they lie "
            "in a buffer that is used again"
        )

    def _color(self, request: Request, kept: list[Any] | None = None) -> Answer:
        keep: list[Any] = [] if kept is None else kept
        return (
            self._with_matrix(request, keep)
            if self.input == "adjacency"
            else self._with_graph(request, keep)
        )

    def _with_matrix(self, request: Request, kept: list[Any]) -> Answer:
        matrix = request.adjacency.copy()
        started = time.perf_counter()
        found = self.function(matrix)
        seconds = time.perf_counter() - started
        kept.append(found)
        colors, shape, whole = read_colors(found, list(range(len(matrix))))
        changed = ""
        if not np.array_equal(matrix, request.adjacency):
            count = int((matrix != request.adjacency).sum())
            changed = f"it changed {count} entries of the adjacency matrix that it was given"
        return Answer(colors, shape, whole, changed, None, seconds)

    def _with_graph(self, request: Request, kept: list[Any]) -> Answer:
        graph, nodes = labelled_graph(request.adjacency, request.labels)
        before = _contents(graph)
        started = time.perf_counter()
        found = self.function(graph)
        seconds = time.perf_counter() - started
        kept.append(found)
        colors, shape, whole = read_colors(found, nodes, list(before[0]))
        changed = ""
        for what, old, new in zip(
            ("nodes or their attributes", "edges or their attributes", "graph attributes"),
            before,
            _contents(graph),
            strict=True,
        ):
            if old != new:
                changed = f"it changed the {what} of the graph that it was given"
        return Answer(colors, shape, whole, changed, None, seconds)


def _insertion_order(request: Request) -> list[Hashable]:
    return list(labelled_graph(request.adjacency, request.labels)[0])


def _contents(graph: nx.Graph) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]:
    nodes = {node: dict(data) for node, data in graph.nodes(data=True)}
    edges = {frozenset((u, v)): dict(data) for u, v, data in graph.edges(data=True)}
    return nodes, edges, dict(graph.graph)


def labelled_graph(adjacency: Adjacency, labels: str = "range") -> tuple[nx.Graph, list[Hashable]]:
    """Return a networkx graph, and the node of each task.

    Parameters
    ----------
    adjacency : ndarray of bool, shape (n, n)
    labels : {"range", "strings", "shifted", "shuffled", "tuples"}
        ``"shuffled"`` keeps 0..n-1 and inserts the nodes in another order.

    Examples
    --------
    >>> graph, nodes = labelled_graph(np.zeros((2, 2), dtype=bool), "strings")
    >>> nodes, list(graph)
    (['task 0', 'task 1'], ['task 0', 'task 1'])
    """
    size = len(adjacency)
    nodes: list[Hashable] = list(range(size))
    order = nodes
    if labels == "strings":
        order = nodes = [f"task {k}" for k in range(size)]
    elif labels == "shifted":
        order = nodes = [10 * k + 7 for k in range(size)]
    elif labels == "tuples":
        order = nodes = [(k // 3, k % 3) for k in range(size)]
    elif labels == "shuffled":
        order = [nodes[k] for k in np.random.default_rng(size).permutation(size)]
    graph = nx.Graph()
    graph.add_nodes_from(order)
    graph.add_edges_from((nodes[i], nodes[j]) for i, j in np.argwhere(np.triu(adjacency, 1)))
    return graph, nodes


def read_colors(
    found: object, nodes: Sequence[Hashable], order: Sequence[Hashable] | None = None
) -> tuple[tuple[int, ...] | None, str, str]:
    """Read what a heuristic returned: a sequence, an array, or a dict from node to colour.

    Parameters
    ----------
    found : object
    nodes : sequence
        The node of each task.
    order : sequence, optional
        The nodes in the graph's own order, which a sequence of colours follows.

    Returns
    -------
    colors : tuple of int, or None
    wrong_shape : str
    not_whole : str

    Examples
    --------
    >>> read_colors({"a": 1, "b": 0}, ["a", "b"])
    ((1, 0), '', '')
    >>> read_colors([0, 1.5], [0, 1])
    (None, '', 'it returned 1.5 (float) as the colour of task 1')
    >>> read_colors([0], [0, 1])
    (None, 'it returned 1 colours for 2 tasks', '')
    """
    if isinstance(found, Mapping):
        missing = [node for node in nodes if node not in found]
        if missing:
            return None, f"it returned no colour for node {missing[0]!r}", ""
        if len(found) != len(nodes):
            extra = next(node for node in found if node not in set(nodes))
            return None, f"it returned a colour for {extra!r}, which is no node", ""
        values: list[object] = [found[node] for node in nodes]
    else:
        flat = _flat(found)
        if isinstance(flat, str):
            return None, flat, ""
        if len(flat) != len(nodes):
            return None, f"it returned {len(flat)} colours for {len(nodes)} tasks", ""
        values = flat
        if order is not None and list(order) != list(nodes):
            at = dict(zip(order, flat, strict=True))
            values = [at[node] for node in nodes]
    for task, value in enumerate(values):
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
            kind = type(value).__name__
            return None, "", f"it returned {value!s} ({kind}) as the colour of task {task}"
    return tuple(int(value) for value in values), "", ""  # type: ignore[call-overload]


def _flat(found: object) -> list[object] | str:
    """The entries of a sequence or an array, or what is wrong with it."""
    kind = type(found).__name__
    if isinstance(found, np.ndarray) or (hasattr(found, "__array__") and hasattr(found, "shape")):
        array: NDArray[Any] = np.asarray(found)
        if array.ndim != 1:
            return f"it returned an array of shape {array.shape}; expected one axis"
        return list(array)
    if isinstance(found, Sequence) and not isinstance(found, str | bytes):
        return list(found)
    return f"it returned {kind}; expected a sequence, an array or a dict from node to colour"


def _difference(first: Answer, other: Answer, call: int) -> str:
    if first.colors is None or first.colors == other.colors:
        return ""
    if other.colors is None:
        return f"call {call} with the same graph: {other.wrong_shape or other.not_whole}"
    at = next(k for k, (a, b) in enumerate(zip(first.colors, other.colors, strict=True)) if a != b)
    when = "the same graph twice in a row" if call == 2 else f"the same graph again, call {call}"
    return f"{when}: task {at} has colour {first.colors[at]} first, then {other.colors[at]}"
