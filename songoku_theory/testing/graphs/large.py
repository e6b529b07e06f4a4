"""Graphs beyond what a heuristic is usually tried on: large, and in several pieces."""

from __future__ import annotations

from functools import cache

import networkx as nx
import numpy as np

from songoku_theory.testing.graphs.case import Adjacency, Case, case, from_networkx
from songoku_theory.testing.graphs.worst_cases import crown
from songoku_theory.testing.graphs.zoo import multipartite, mycielski

__all__ = ["disconnected_graphs", "large_graphs", "union"]


def union(*parts: Adjacency) -> Adjacency:
    """Return the graph that has the given ones side by side, with no edge between them.

    Examples
    --------
    >>> union(multipartite(1, 1), multipartite(1)).astype(int).tolist()
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    size = sum(len(part) for part in parts)
    whole = np.zeros((size, size), dtype=np.bool_)
    start = 0
    for part in parts:
        whole[start : start + len(part), start : start + len(part)] = part
        start += len(part)
    return whole


def shuffled(matrix: Adjacency, rng: np.random.Generator) -> Adjacency:
    """Return the same graph with its tasks in a random order."""
    order = rng.permutation(len(matrix))
    return np.asarray(matrix[np.ix_(order, order)])


def random_graph(size: int, density: float, rng: np.random.Generator) -> Adjacency:
    """Return a random graph: each pair is an edge with probability `density`."""
    upper = np.triu(rng.random((size, size)) < density, 1)
    return np.asarray(upper | upper.T)


@cache
def large_graphs(max_tasks: int = 1200, seed: int = 0) -> tuple[Case, ...]:
    """Return graphs of 60 to 1,200 tasks, smallest first.

    Sizes and numbers of colours pass what a byte, a recursion or a quadratic table can hold:
    256 colours, more than 1,000 tasks in a row; and every size around 64 and 128 is there, for
    faults at one size.

    Parameters
    ----------
    max_tasks : int, default 1200
        Larger graphs are left out.
    seed : int

    Examples
    --------
    >>> max(c.num_tasks for c in large_graphs())
    1200
    """
    rng = np.random.default_rng([seed, 2])
    path = from_networkx(nx.path_graph(1200))
    tree = from_networkx(nx.full_rary_tree(3, 1093))
    planted = multipartite(*[20] * 8)
    found = [
        case("random graph of 60 tasks, density 0.5", random_graph(60, 0.5, rng)),
        case("random graph of 120 tasks, density 0.1", random_graph(120, 0.1, rng)),
        case("random graph of 120 tasks, density 0.9", random_graph(120, 0.9, rng)),
        case("random graph of 300 tasks, density 0.03", random_graph(300, 0.03, rng)),
        case("random graph of 200 tasks, density 0.5", random_graph(200, 0.5, rng)),
        case("random graph of 600 tasks, density 0.01", random_graph(600, 0.01, rng)),
        case("everybody against everybody, 270 tasks", multipartite(*[1] * 270), 270),
        case("300 tasks without a conflict", multipartite(300), 1),
        case("star of 400", multipartite(1, 399), 2),
        case("8 groups of 20, shuffled", shuffled(planted, rng), 8),
        case("crown of 120 tasks", crown(60), 2),
        case("complete bipartite of 120, shuffled", shuffled(multipartite(40, 80), rng), 2),
        case("Mycielski's graph of 8 colours", mycielski(8), 8),
        case("grid of 20 x 25", from_networkx(nx.grid_2d_graph(20, 25)), 2),
        case("path of 1200 tasks", path, 2),
        case("tree of 1093 tasks, shuffled", shuffled(tree, rng), 2),
    ]
    sizes = np.random.default_rng([seed, 4])
    found += [
        case(f"one of each size: {n} tasks", random_graph(n, min(0.5, 6.0 / n), sizes))
        for n in (*range(61, 137), *range(190, 194), *range(254, 259), 511, 512, 513, 1025)
    ]
    kept = [c for c in found if c.num_tasks <= max_tasks]
    return tuple(sorted(kept, key=lambda c: (c.num_tasks, c.num_edges)))


@cache
def disconnected_graphs(max_tasks: int = 1200, seed: int = 0) -> tuple[Case, ...]:
    """Return graphs in several pieces, some of them single tasks, smallest first.

    Examples
    --------
    >>> disconnected_graphs()[0].name
    'two tasks without a conflict'
    """
    rng = np.random.default_rng([seed, 3])
    edge, triangle, single = multipartite(1, 1), multipartite(1, 1, 1), multipartite(1)
    cycle, clique = from_networkx(nx.cycle_graph(5)), multipartite(*[1] * 6)
    large = multipartite(*[1] * 40)
    found = [
        case("two tasks without a conflict", union(single, single), 1),
        case("an edge and a task by itself", union(edge, single), 2),
        case("a task by itself and an edge", union(single, edge), 2),
        case("two edges", union(edge, edge), 2),
        case("a task by itself and a triangle", union(single, triangle), 3),
        case("an edge, then a triangle", union(edge, triangle), 3),
        case("a triangle, then an edge", union(triangle, edge), 3),
        case("two triangles", union(triangle, triangle), 3),
        case("a cycle of 5, a clique of 6, three tasks", union(cycle, clique, *[single] * 3), 6),
        case("ten edges, shuffled", shuffled(union(*[edge] * 10), rng), 2),
        case("20 tasks by themselves, a clique of 6", union(*[single] * 20, clique), 6),
        case("cliques of 1 to 8", union(*[multipartite(*[1] * k) for k in range(1, 9)]), 8),
        case("crowns of 6 to 14 tasks", union(*[crown(k) for k in range(3, 8)]), 2),
        case("three of Mycielski's graphs", union(*[mycielski(k) for k in (4, 5, 3)]), 5),
        case("multipartite pieces", union(multipartite(3, 4), multipartite(2, 2, 5), single), 3),
        case("80 edges, 40 tasks, shuffled", shuffled(union(*[edge] * 80, *[single] * 40), rng), 2),
        case("60 triangles, shuffled", shuffled(union(*[triangle] * 60), rng), 3),
        case("random graph of 400 tasks, density 0.002", random_graph(400, 0.002, rng)),
        case("three paths of 70", union(*[from_networkx(nx.path_graph(70))] * 3), 2),
        case("two cliques of 40, three tasks", union(*[large] * 2, *[single] * 3), 40),
    ]  # fmt: skip
    kept = [c for c in found if c.num_tasks <= max_tasks]
    return tuple(sorted(kept, key=lambda c: (c.num_tasks, c.num_edges)))
