"""Graphs to try colourings on: exhaustive, hard, from gradients, large, in pieces, renumbered."""

from songoku_theory.testing.graphs.case import (
    Adjacency,
    Case,
    case,
    chromatic_by_counting,
    from_edges,
    from_networkx,
)
from songoku_theory.testing.graphs.exhaustive import all_graphs, all_labelled_graphs
from songoku_theory.testing.graphs.gradients import gradient_graphs, planted_gradients
from songoku_theory.testing.graphs.large import disconnected_graphs, large_graphs, union
from songoku_theory.testing.graphs.relabelled import LABELS, renamed_graphs, renumbered_graphs
from songoku_theory.testing.graphs.worst_cases import (
    crown,
    forced_crown,
    grundy_tree,
    published_worst_cases,
)
from songoku_theory.testing.graphs.zoo import (
    kneser,
    multipartite,
    mycielski,
    paley,
    queens,
    zoo,
)

__all__ = [
    "LABELS",
    "Adjacency",
    "Case",
    "all_graphs",
    "all_labelled_graphs",
    "case",
    "chromatic_by_counting",
    "crown",
    "disconnected_graphs",
    "forced_crown",
    "from_edges",
    "from_networkx",
    "gradient_graphs",
    "grundy_tree",
    "kneser",
    "large_graphs",
    "multipartite",
    "mycielski",
    "paley",
    "planted_gradients",
    "published_worst_cases",
    "queens",
    "renamed_graphs",
    "renumbered_graphs",
    "union",
    "zoo",
]
