"""Graphs on which the classical heuristics are known to do badly, with their chromatic numbers."""

from __future__ import annotations

from functools import cache

import numpy as np

from songoku_theory.testing.graphs.case import Adjacency, Case, case, from_edges

__all__ = ["crown", "forced_crown", "grundy_tree", "published_worst_cases"]

# "hc": every implementation of the heuristic needs too many colours; "shc": some implementation.
# Hansen and Kuplinsky (1991), "The smallest hard-to-color graph", for largest-first; Janczewski,
# Kubale, Manuszewski and Piwakowski (2001) for DSATUR; the others are collected by Kosowski and
# Manuszewski (2004), "Classical coloring of graphs". Nodes are numbered from 1, as printed there.
_PUBLISHED: dict[str, tuple[int, str]] = {
    "slightly hard for random order": (4, "12 23 34"),
    "slightly hard for random order with interchange": (6, "12 15 16 23 34 45 46 56"),
    "slightly hard for largest-first": (6, "14 16 23 25 34"),
    "hard for largest-first": (7, "13 14 16 17 23 25 26 27 34 35 45"),
    "slightly hard for largest-first with interchange": (7, "12 15 16 23 27 34 37 45 46 56"),
    "hard for largest-first with interchange": (
        9,
        "12 15 16 17 23 28 29 34 38 39 45 46 47 56",
    ),
    "slightly hard for smallest-last": (6, "12 13 14 23 25 36 45 46 56"),
    "hard for smallest-last": (8, "12 13 15 17 23 24 28 34 35 46 48 56 57 67 68 78"),
    "slightly hard for smallest-last with interchange": (
        7,
        "12 13 15 17 23 26 34 45 46 57 67",
    ),
    "hard for smallest-last with interchange": (
        9,
        "12 13 14 15 23 27 28 29 36 37 39 45 46 48 49 56 57 58 67 69 78 89",
    ),
    "slightly hard for DSATUR": (7, "12 15 16 23 27 34 37 45 46 56"),
    "hard for DSATUR": (8, "12 13 14 15 23 24 26 57 58 67 68 78"),
    "hard for greedy independent sets": (6, "15 25 36 46 56"),
    "slightly hard for connected sequential": (5, "12 15 23 24 25 34 45"),
}


def crown(size: int) -> Adjacency:
    """Return a complete bipartite graph less a perfect matching, partners side by side.

    Tasks 2i and 2i + 1 are the pair without an edge. Two colours suffice; first-fit in index order
    takes `size`.

    Parameters
    ----------
    size : int
        Pairs, so there are ``2 * size`` tasks.

    Source
    ------
    Johnson (1974), "Worst case behavior of graph coloring algorithms".

    Examples
    --------
    >>> from songoku_theory.coloring import chromatic_number, first_fit
    >>> int(first_fit(crown(5), range(10)).max()) + 1, chromatic_number(crown(5))
    (5, 2)
    """
    pair, side = np.divmod(np.arange(2 * size), 2)
    return np.asarray((side[:, None] != side[None, :]) & (pair[:, None] != pair[None, :]))


def forced_crown(size: int) -> Adjacency:
    """Return a crown with leaves that leave largest-first no choice: `size` colours, not 2.

    Pair i has ``2 * (size - i)`` leaves on each side, so the pairs' degrees decrease strictly and
    however ties are broken the pairs come one after the other.

    Examples
    --------
    >>> from songoku_theory.coloring import chromatic_number, welsh_powell
    >>> int(welsh_powell(forced_crown(5)).max()) + 1, chromatic_number(forced_crown(5))
    (5, 2)
    """
    core = crown(size)
    edges = [(int(i), int(j)) for i, j in np.argwhere(core)]
    nodes = 2 * size
    for task in range(2 * size):
        for _ in range(2 * (size - task // 2)):
            edges.append((task, nodes))
            nodes += 1
    return from_edges(nodes, edges)


def grundy_tree(colors: int) -> Adjacency:
    """Return a tree on which first-fit in index order takes `colors` colours, not 2.

    Built from trees for 1, 2, ..., colors - 1 whose roots are joined to one new root.

    Source
    ------
    Gyarfas and Lehel (1988), "On-line and first fit colorings of graphs".

    Examples
    --------
    >>> from songoku_theory.coloring import first_fit
    >>> tree = grundy_tree(5)
    >>> len(tree), int(first_fit(tree, range(len(tree))).max()) + 1
    (16, 5)
    """
    edges: list[tuple[int, int]] = []

    def build(height: int, first: int) -> int:
        """Number a tree's nodes from `first` on; the root is the last, its number is returned."""
        roots, free = [], first
        for lower in range(1, height):
            roots.append(build(lower, free))
            free = roots[-1] + 1
        edges.extend((root, free) for root in roots)
        return free

    root = build(colors, 0)
    return from_edges(root + 1, edges)


@cache
def published_worst_cases() -> tuple[Case, ...]:
    """Return the smallest (slightly) hard-to-colour graphs for each classical heuristic.

    Examples
    --------
    >>> by_name = {c.name: c for c in published_worst_cases()}
    >>> from songoku_theory.coloring import welsh_powell
    >>> hard = by_name["the smallest graph hard for largest-first"]
    >>> int(welsh_powell(hard.adjacency).max()) + 1, hard.chromatic
    (4, 3)
    """
    found = []
    for name, (size, text) in _PUBLISHED.items():
        edges = [(int(pair[0]) - 1, int(pair[1]) - 1) for pair in text.split()]
        found.append(case(f"the smallest graph {name}", from_edges(size, edges)))
    return tuple(found)
