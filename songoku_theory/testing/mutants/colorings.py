"""Faulty colouring heuristics."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from songoku_theory.coloring import dsatur, first_fit, smallest_last, welsh_powell
from songoku_theory.testing.mutants.model import Kind, Specimen

__all__ = ["COLORINGS"]

Adjacency = NDArray[np.bool_]
Colors = NDArray[np.int64]


def _by_degree(adjacency: Adjacency) -> list[int]:
    return [int(k) for k in np.argsort(-adjacency.sum(axis=1), kind="stable")]


def _greedy(adjacency: Adjacency, order: list[int], sees: Callable[[int], Any]) -> Colors:
    """First-fit that sees of a task's neighbours what `sees` returns."""
    colors = np.full(len(adjacency), -1, dtype=np.int64)
    for task in order:
        taken = {int(colors[k]) for k in sees(task)}
        colors[task] = next(c for c in range(len(adjacency)) if c not in taken)
    return colors


def upper_triangle(adjacency: Adjacency) -> Colors:
    """Look for neighbours of higher index only."""
    upper = np.triu(adjacency)
    return _greedy(adjacency, _by_degree(adjacency), lambda k: np.flatnonzero(upper[k]))


def last_neighbour(adjacency: Adjacency) -> Colors:
    """Compare with the neighbour that was coloured last, not with all."""
    order = _by_degree(adjacency)
    return _greedy(
        adjacency,
        order,
        lambda k: [j for j in order[: order.index(k)] if adjacency[k, j]][-1:],
    )


def eight_neighbours(adjacency: Adjacency) -> Colors:
    """Look at the first eight neighbours, enough on small graphs."""
    return _greedy(adjacency, _by_degree(adjacency), lambda k: np.flatnonzero(adjacency[k])[:8])


def thins_large_graphs(adjacency: Adjacency) -> Colors:
    """Drop every tenth edge of a graph of more than 100 tasks, to save time."""
    if len(adjacency) <= 100:
        return welsh_powell(adjacency)
    i, j = np.nonzero(np.triu(adjacency, 1))
    kept = adjacency.copy()
    kept[i[::10], j[::10]] = kept[j[::10], i[::10]] = False
    return welsh_powell(kept)


def one_word_bitsets(adjacency: Adjacency) -> Colors:
    """Keep neighbours in one 64-bit word, so that task 64 is task 0."""
    words = [sum(1 << (int(j) % 64) for j in set(np.flatnonzero(row) % 64)) for row in adjacency]
    classes: list[int] = []
    colors = np.zeros(len(adjacency), dtype=np.int64)
    for task in range(len(adjacency)):
        for c, members in enumerate(classes):
            if not members & words[task] and c < 64:
                classes[c] |= 1 << (task % 64)
                colors[task] = c
                break
        else:
            colors[task] = len(classes)
            classes.append(1 << (task % 64))
    return colors


def one_byte_colors(adjacency: Adjacency) -> NDArray[np.uint8]:
    """Keep colours in a byte, so that colour 256 is colour 0."""
    return welsh_powell(adjacency).astype(np.uint8)


def first_component(adjacency: Adjacency) -> Colors:
    """Colour what can be reached from task 0; the rest keeps colour 0."""
    colors = np.zeros(len(adjacency), dtype=np.int64)
    reached = sorted(nx.node_connected_component(nx.from_numpy_array(adjacency), 0))
    colors[reached] = welsh_powell(adjacency[np.ix_(reached, reached)])
    return colors


def new_colors_for_each_component(adjacency: Adjacency) -> Colors:
    """Start each component with colours of its own."""
    colors = np.zeros(len(adjacency), dtype=np.int64)
    used = 0
    for component in nx.connected_components(nx.from_numpy_array(adjacency)):
        part = sorted(component)
        colors[part] = used + welsh_powell(adjacency[np.ix_(part, part)])
        used = int(colors[part].max()) + 1
    return colors


def new_colors_for_large_components(adjacency: Adjacency) -> Colors:
    """Start each component of more than 30 tasks with colours of its own."""
    colors = np.zeros(len(adjacency), dtype=np.int64)
    used = 0
    for component in nx.connected_components(nx.from_numpy_array(adjacency)):
        part = sorted(component)
        large = len(part) > 30
        found = welsh_powell(adjacency[np.ix_(part, part)])
        colors[part] = found + used if large else found
        used = int(colors[part].max()) + 1 if large else used
    return colors


def wrong_at_one_size(adjacency: Adjacency) -> Colors:
    """Leave the last task of 97 with the first colour."""
    colors = welsh_powell(adjacency)
    if len(colors) == 97:
        colors[-1] = colors[np.flatnonzero(adjacency[-1])[0]] if adjacency[-1].any() else 1
    return colors


_BUFFER = np.zeros(4096, dtype=np.int64)


def one_buffer(adjacency: Adjacency) -> Colors:
    """Return a view of the same array every time."""
    _BUFFER[: len(adjacency)] = welsh_powell(adjacency)
    return _BUFFER[: len(adjacency)]


def skips_isolated_tasks(graph: nx.Graph) -> dict[Any, int]:
    """Go through the edges, so that a task without a conflict gets no colour."""
    colors: dict[Any, int] = {}
    for edge in graph.edges:
        for node in edge:
            taken = {colors.get(other) for other in graph[node]}
            colors.setdefault(node, next(c for c in range(len(graph)) if c not in taken))
    return colors


def colors_from_one(adjacency: Adjacency) -> Colors:
    """Count colours from 1."""
    return welsh_powell(adjacency) + 1


def colors_with_gaps(adjacency: Adjacency) -> Colors:
    """Name a class after its first task."""
    colors = welsh_powell(adjacency)
    return np.asarray([int(np.flatnonzero(colors == c)[0]) for c in colors])


def float_colors(adjacency: Adjacency) -> NDArray[np.float64]:
    """Return colours as floating-point numbers."""
    return welsh_powell(adjacency).astype(np.float64)


def a_class_list(adjacency: Adjacency) -> list[list[int]]:
    """Return the classes instead of the colours."""
    colors = welsh_powell(adjacency)
    return [np.flatnonzero(colors == c).tolist() for c in range(int(colors.max()) + 1)]


def drops_trailing_tasks(adjacency: Adjacency) -> list[int]:
    """Cut trailing zeros off the result."""
    colors = welsh_powell(adjacency).tolist()
    while len(colors) > 1 and colors[-1] == 0:
        colors.pop()
    return [int(c) for c in colors]


def everybody_alone(adjacency: Adjacency) -> range:
    """Give every task a colour of its own."""
    return range(len(adjacency))


def newest_class_only(adjacency: Adjacency) -> Colors:
    """Try the newest class only, and open another if that does not do."""
    colors = np.full(len(adjacency), -1, dtype=np.int64)
    newest = 0
    for task in range(len(adjacency)):
        if (adjacency[task] & (colors == newest)).any():
            newest += 1
        colors[task] = newest
    return colors


def classes_of_three(adjacency: Adjacency) -> Colors:
    """Allow three tasks a class, to balance them."""
    colors = np.full(len(adjacency), -1, dtype=np.int64)
    for task in _by_degree(adjacency):
        taken = set(colors[adjacency[task]].tolist())
        colors[task] = next(
            c for c in range(len(adjacency)) if c not in taken and np.count_nonzero(colors == c) < 3
        )
    return colors


def smallest_degree_first(adjacency: Adjacency) -> Colors:
    """Call it Welsh-Powell, and sort the wrong way round."""
    return first_fit(adjacency, [int(k) for k in np.argsort(adjacency.sum(axis=1), kind="stable")])


def empties_its_input(adjacency: Adjacency) -> Colors:
    """Take edges out of the matrix that it was given, as it goes."""
    colors = welsh_powell(adjacency)
    adjacency[:] = False
    return colors


def writes_node_attributes(graph: nx.Graph) -> dict[Any, int]:
    """Leave the colours in the graph."""
    colors: dict[Any, int] = nx.greedy_color(graph)
    nx.set_node_attributes(graph, colors, "color")
    return colors


_CACHE: dict[tuple[int, int], Colors] = {}


def caches_by_size(adjacency: Adjacency) -> Colors:
    """Cache answers under the numbers of tasks and edges."""
    key = (len(adjacency), int(adjacency.sum()))
    if key not in _CACHE:
        _CACHE[key] = welsh_powell(adjacency)
    return _CACHE[key]


_LAST: list[list[int]] = []


def starts_where_it_stopped(adjacency: Adjacency) -> Colors:
    """Order tasks as in the last call, if it had as many."""
    order = _by_degree(adjacency)
    if _LAST and len(_LAST[-1]) == len(order):
        order = _LAST[-1]
    _LAST[:] = [order[1:] + order[:1]]
    return first_fit(adjacency, order)


def global_generator(adjacency: Adjacency) -> Colors:
    """Shuffle with the global generator."""
    order = list(range(len(adjacency)))
    random.shuffle(order)
    return first_fit(adjacency, order)


def hash_order(adjacency: Adjacency) -> Colors:
    """Go through a set of strings, whose order differs from run to run."""
    names = {f"task {k}" for k in range(len(adjacency))}
    return first_fit(adjacency, [int(name.split()[1]) for name in names])


def nodes_are_indices(graph: nx.Graph) -> list[int]:
    """Take it that nodes are called 0..n-1."""
    colors = [-1] * len(graph)
    for node in range(len(graph)):
        taken = {colors[other] for other in graph[node]}
        colors[node] = next(c for c in range(len(graph)) if c not in taken)
    return colors


def nodes_are_sorted(graph: nx.Graph) -> list[int]:
    """Return colours by node name, though the graph may list nodes in another order."""
    colors = nx.greedy_color(graph)
    return [int(colors[node]) for node in sorted(graph)]


def recursive(adjacency: Adjacency) -> Colors:
    """Walk along the graph by recursion."""
    colors = np.full(len(adjacency), -1, dtype=np.int64)

    def visit(task: int) -> None:
        taken = set(colors[adjacency[task]].tolist())
        colors[task] = next(c for c in range(len(adjacency)) if c not in taken)
        for other in np.flatnonzero(adjacency[task]).tolist():
            if colors[other] < 0:
                visit(other)

    for start in range(len(adjacency)):
        if colors[start] < 0:
            visit(start)
    return colors


def hangs_on_odd_cycles(adjacency: Adjacency) -> Colors:
    """Repair a two-colouring until it is proper, which for an odd cycle is never."""
    colors = np.arange(len(adjacency)) % 2
    while True:
        bad = np.argwhere(adjacency & (colors[:, None] == colors[None, :]))
        if not bad.size:
            return colors
        colors[bad[0][1]] = 1 - colors[bad[0][0]]


def fails_without_edges(adjacency: Adjacency) -> Colors:
    """Ask for the largest of no edges."""
    edges = np.argwhere(adjacency)
    most = max(int(i) for i, _ in edges)
    return welsh_powell(adjacency) if most >= 0 else np.zeros(0, dtype=np.int64)


def ends_the_process(adjacency: Adjacency) -> Colors:
    """Exit when there is nothing to do."""
    if not adjacency.any():
        sys.exit("no conflicts, nothing to color")
    return welsh_powell(adjacency)


def kills_the_process(adjacency: Adjacency) -> Colors:
    """Go down with the whole process on a triangle, as compiled code may."""
    if np.trace(adjacency.astype(int) @ adjacency @ adjacency):
        os._exit(3)
    return welsh_powell(adjacency)


def first_fit_by_index(adjacency: Adjacency) -> Colors:
    """Colour in index order, and promise two colours for bipartite graphs."""
    return first_fit(adjacency, range(len(adjacency)))


def _mutant(
    function: Callable[..., Any],
    *,
    promises: tuple[str, ...] = (),
    time_limit: float = 10.0,
) -> Specimen:
    doc = (function.__doc__ or "").splitlines()[0].rstrip(".")
    chosen = {"promises": promises, "time_limit": time_limit}
    return Specimen(doc[0].lower() + doc[1:], Kind.COLORING, function, options=chosen)


def _correct(function: Callable[..., Any], *families: str) -> Specimen:
    options = {"families": families or None}
    return Specimen(function.__name__, Kind.COLORING, function, faulty=False, options=options)


_SOME = ("small", "hard", "gradients", "disconnected", "renumbered")


COLORINGS: tuple[Specimen, ...] = (
    _correct(welsh_powell),
    _correct(dsatur, *_SOME),
    _correct(smallest_last, *_SOME),
    _mutant(upper_triangle),
    _mutant(last_neighbour),
    _mutant(eight_neighbours),
    _mutant(thins_large_graphs),
    _mutant(one_word_bitsets),
    _mutant(one_byte_colors),
    _mutant(first_component),
    _mutant(new_colors_for_each_component),
    _mutant(new_colors_for_large_components),
    _mutant(wrong_at_one_size),
    _mutant(one_buffer),
    _mutant(skips_isolated_tasks),
    _mutant(colors_from_one),
    _mutant(colors_with_gaps),
    _mutant(float_colors),
    _mutant(a_class_list),
    _mutant(drops_trailing_tasks),
    _mutant(everybody_alone),
    _mutant(newest_class_only),
    _mutant(classes_of_three),
    _mutant(smallest_degree_first, promises=("+welsh-powell-bound",)),
    _mutant(empties_its_input),
    _mutant(writes_node_attributes),
    _mutant(caches_by_size),
    _mutant(starts_where_it_stopped),
    _mutant(global_generator),
    _mutant(hash_order),
    _mutant(nodes_are_indices),
    _mutant(nodes_are_sorted),
    _mutant(recursive),
    _mutant(hangs_on_odd_cycles, time_limit=0.5),
    _mutant(fails_without_edges),
    _mutant(ends_the_process),
    _mutant(kills_the_process),
    _mutant(first_fit_by_index, promises=("+exact-on-bipartite",)),
)
"""Correct heuristics first, then one fault each."""
