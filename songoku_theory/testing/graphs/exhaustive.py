"""Every graph there is, up to a size."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import networkx as nx

from songoku_theory.errors import InvalidInputError
from songoku_theory.testing.graphs.case import Case, case, from_edges, from_networkx

__all__ = ["all_graphs", "all_labelled_graphs"]


@cache
def all_graphs(max_tasks: int = 7) -> tuple[Case, ...]:
    """Return one graph of each kind with 1 to `max_tasks` tasks, smallest first.

    Parameters
    ----------
    max_tasks : int, default 7
        At most 7: 1,252 graphs.

    Raises
    ------
    InvalidInputError
        When more than 7 are asked for.

    Source
    ------
    Read and Wilson (1998), "An Atlas of Graphs", as shipped with networkx.

    Examples
    --------
    >>> len(all_graphs(4)), len(all_graphs())
    (18, 1252)
    """
    if not 1 <= max_tasks <= 7:
        raise InvalidInputError(f"max_tasks should lie in 1..7; found {max_tasks}.")
    atlas = enumerate(nx.graph_atlas_g())
    return tuple(
        case(f"graph {index} of the atlas", from_networkx(graph))
        for index, graph in atlas
        if 1 <= graph.number_of_nodes() <= max_tasks
    )


@cache
def all_labelled_graphs(max_tasks: int = 5) -> tuple[Case, ...]:
    """Return every graph on the tasks 0..n-1 for n up to `max_tasks`, whatever it looks like.

    Parameters
    ----------
    max_tasks : int, default 5
        5 gives 1,099 graphs, 6 would give 33,867.

    Examples
    --------
    >>> len(all_labelled_graphs(3)), len(all_labelled_graphs())
    (11, 1099)
    """
    found = []
    for size in range(1, max_tasks + 1):
        pairs = list(combinations(range(size), 2))
        masks = sorted(range(1 << len(pairs)), key=lambda mask: (mask.bit_count(), mask))
        for mask in masks:
            edges = [pair for bit, pair in enumerate(pairs) if mask >> bit & 1]
            found.append(case(f"labelled graph {mask} on {size} tasks", from_edges(size, edges)))
    return tuple(found)
