"""Colouring conflict graphs: a registry of heuristics, one a file.

To add one, write a function from a boolean adjacency matrix to colours and decorate it with
:func:`coloring`; see ``welsh_powell.py`` for a whole example.
"""

from songoku_theory.coloring.adjacency import (
    adjacency_bitsets,
    check_adjacency,
    color_classes,
    is_proper,
)
from songoku_theory.coloring.dsatur import dsatur
from songoku_theory.coloring.exact import (
    SearchLimitError,
    chromatic_number,
    exact_coloring,
    greedy_clique,
)
from songoku_theory.coloring.geometric import canonical_cosines, geometric, geometric_rounding
from songoku_theory.coloring.greedy import first_fit
from songoku_theory.coloring.networkx_adapter import NETWORKX_STRATEGIES, networkx_strategy
from songoku_theory.coloring.registry import (
    PROMISES,
    ColoringFunction,
    ColoringInfo,
    available_colorings,
    color,
    coloring,
    coloring_info,
    get_coloring,
)
from songoku_theory.coloring.representative import (
    RepresentativeGroups,
    representative,
    representative_groups,
)
from songoku_theory.coloring.smallest_last import smallest_last
from songoku_theory.coloring.welsh_powell import welsh_powell, welsh_powell_bound

__all__ = [
    "NETWORKX_STRATEGIES",
    "PROMISES",
    "ColoringFunction",
    "ColoringInfo",
    "RepresentativeGroups",
    "SearchLimitError",
    "adjacency_bitsets",
    "available_colorings",
    "canonical_cosines",
    "check_adjacency",
    "chromatic_number",
    "color",
    "color_classes",
    "coloring",
    "coloring_info",
    "dsatur",
    "exact_coloring",
    "first_fit",
    "geometric",
    "geometric_rounding",
    "get_coloring",
    "greedy_clique",
    "is_proper",
    "networkx_strategy",
    "representative",
    "representative_groups",
    "smallest_last",
    "welsh_powell",
    "welsh_powell_bound",
]
