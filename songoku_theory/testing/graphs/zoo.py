"""A zoo of named graphs that are hard to colour, with chromatic numbers from the literature."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import networkx as nx
import numpy as np

from songoku_theory.testing.graphs.case import Adjacency, Case, case, from_edges, from_networkx
from songoku_theory.testing.graphs.worst_cases import (
    crown,
    forced_crown,
    grundy_tree,
    published_worst_cases,
)

__all__ = ["kneser", "multipartite", "mycielski", "paley", "queens", "zoo"]


def mycielski(chromatic: int) -> Adjacency:
    """Return Mycielski's graph with that chromatic number and no triangle.

    Examples
    --------
    >>> len(mycielski(4))
    11
    """
    return from_networkx(nx.mycielski_graph(chromatic))


def queens(size: int) -> Adjacency:
    """Return the graph of the queen's moves on a ``size x size`` board.

    Examples
    --------
    >>> int(queens(5).sum()) // 2
    160
    """
    row, column = np.divmod(np.arange(size * size), size)
    same = [row, column, row + column, row - column]
    moves = np.logical_or.reduce([line[:, None] == line[None, :] for line in same])
    np.fill_diagonal(moves, False)
    return np.asarray(moves, dtype=np.bool_)


def kneser(size: int, subset: int) -> Adjacency:
    """Return Kneser's graph: subsets of `size` things, joined where they share none.

    Its chromatic number is ``size - 2 * subset + 2`` (Lovasz, 1978), far above its cliques.

    Examples
    --------
    >>> len(kneser(5, 2))
    10
    """
    sets = [set(chosen) for chosen in combinations(range(size), subset)]
    pairs = combinations(range(len(sets)), 2)
    return from_edges(len(sets), [(i, j) for i, j in pairs if not sets[i] & sets[j]])


def paley(prime: int) -> Adjacency:
    """Return Paley's graph: numbers modulo a prime (1 mod 4), joined at differences of squares.

    Examples
    --------
    >>> int(paley(13).sum(axis=1)[0])
    6
    """
    squares = np.zeros(prime, dtype=np.bool_)
    squares[[x * x % prime for x in range(1, prime)]] = True
    numbers = np.arange(prime)
    return np.asarray(squares[(numbers[:, None] - numbers[None, :]) % prime])


def multipartite(*sizes: int) -> Adjacency:
    """Return the complete multipartite graph with parts of those sizes, part after part.

    Examples
    --------
    >>> multipartite(1, 2).astype(int).tolist()
    [[0, 1, 1], [1, 0, 0], [1, 0, 0]]
    """
    part = np.repeat(np.arange(len(sizes)), sizes)
    return np.asarray(part[:, None] != part[None, :])


@cache
def zoo() -> tuple[Case, ...]:
    """Return the zoo, smallest graphs first.

    Examples
    --------
    >>> all(c.known is not None for c in zoo() if c.num_tasks > 12)
    True
    """
    found = [*published_worst_cases()]
    found += [case(f"crown of {2 * k} tasks", crown(k), 2) for k in (3, 4, 6, 9, 20)]
    found += [case(f"crown of {k} pairs with leaves", forced_crown(k), 2) for k in (3, 6)]
    found += [case(f"first-fit's tree for {k} colours", grundy_tree(k), 2) for k in (3, 5, 7)]
    found += [case(f"Mycielski's graph of {k} colours", mycielski(k), k) for k in (3, 4, 5, 6)]
    found += [
        case(f"queens on a {k} x {k} board", queens(k), colors)
        for k, colors in ((4, 5), (5, 5), (6, 7), (7, 7), (8, 9))
    ]
    found += [
        case(f"Kneser's graph ({n}, {k})", kneser(n, k), n - 2 * k + 2)
        for n, k in ((5, 2), (6, 2), (7, 2), (7, 3))
    ]
    found += [case(f"Paley's graph of {p}", paley(p), m) for p, m in ((5, 3), (13, 5), (17, 6))]
    found += [
        case(f"complete multipartite {sizes}", multipartite(*sizes), len(sizes))
        for sizes in ((1, 1, 1), (2, 2, 2), (1, 2, 3, 4), (5, 5, 5, 5), (9, 1, 1, 9), (20, 3, 1))
    ]
    found += [
        case(name, from_networkx(graph), colors)
        for name, graph, colors in (
            ("one task", nx.empty_graph(1), 1),
            ("12 tasks without a conflict", nx.empty_graph(12), 1),
            ("everybody against everybody, 13 tasks", nx.complete_graph(13), 13),
            ("odd cycle of 15", nx.cycle_graph(15), 3),
            ("even cycle of 16", nx.cycle_graph(16), 2),
            ("odd wheel of 12", nx.wheel_graph(12), 4),
            ("star of 14", nx.star_graph(13), 2),
            ("Petersen's graph", nx.petersen_graph(), 3),
            ("Chvatal's graph", nx.chvatal_graph(), 4),
            ("the Moser spindle", _moser_spindle(), 4),
            ("Heawood's graph", nx.heawood_graph(), 2),
            ("hypercube of 5 dimensions", nx.hypercube_graph(5), 2),
            ("grid of 5 x 7", nx.grid_2d_graph(5, 7), 2),
            ("dodecahedron", nx.dodecahedral_graph(), 3),
            ("icosahedron", nx.icosahedral_graph(), 4),
            ("rook on a 6 x 6 board", nx.line_graph(nx.complete_bipartite_graph(6, 6)), 6),
            ("sudoku", nx.sudoku_graph(3), 9),
            ("complement of an odd cycle of 9", nx.complement(nx.cycle_graph(9)), 5),
            ("two cliques of 6 and a bridge", nx.barbell_graph(6, 1), 6),
            ("ring of 5 cliques of 4", nx.ring_of_cliques(5, 4), 4),
        )
    ]
    return tuple(sorted(found, key=lambda c: (c.num_tasks, c.num_edges)))


def _moser_spindle() -> nx.Graph:
    edges = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (0, 4), (0, 5), (4, 5), (4, 6), (5, 6), (3, 6)]
    return nx.Graph(edges)
