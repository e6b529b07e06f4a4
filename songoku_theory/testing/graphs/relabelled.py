"""The same graphs under other names: a promise must not depend on how tasks are numbered."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from songoku_theory.testing.graphs.case import Case
from songoku_theory.testing.graphs.exhaustive import all_graphs, all_labelled_graphs
from songoku_theory.testing.graphs.large import disconnected_graphs
from songoku_theory.testing.graphs.zoo import zoo

__all__ = ["LABELS", "renamed_graphs", "renumbered_graphs"]

LABELS = ("strings", "shifted", "shuffled", "tuples")
"""How a networkx graph may name its nodes, other than 0..n-1 in order."""


@cache
def renumbered_graphs(seed: int = 0) -> tuple[Case, ...]:
    """Return every labelled graph up to 5 tasks, and the zoo under random numberings.

    Examples
    --------
    >>> len(renumbered_graphs()) > 1099
    True
    """
    rng = np.random.default_rng([seed, 4])
    found = list(all_labelled_graphs())
    for one in (*zoo(), *disconnected_graphs(80)):
        if one.num_tasks <= 1:
            continue
        for _ in range(2):
            order = rng.permutation(one.num_tasks)
            matrix = np.asarray(one.adjacency[np.ix_(order, order)])
            matrix.setflags(write=False)
            found.append(replace(one, name=f"{one.name}, renumbered", adjacency=matrix))
    return tuple(sorted(found, key=lambda c: (c.num_tasks, c.num_edges)))


@cache
def renamed_graphs() -> tuple[Case, ...]:
    """Return small graphs and the zoo, with nodes named by other things than 0..n-1.

    For heuristics that take a networkx graph, whose nodes can be anything.

    Examples
    --------
    >>> sorted({c.labels for c in renamed_graphs()})
    ['shifted', 'shuffled', 'strings', 'tuples']
    """
    sources = [*all_graphs(5), *(c for c in zoo() if c.num_tasks <= 16)]
    found = [
        replace(one, name=f"{one.name}, nodes named by {labels}", labels=labels)
        for one in sources
        for labels in LABELS
    ]
    return tuple(sorted(found, key=lambda c: (c.num_tasks, c.num_edges)))
