"""The families of graphs that a heuristic is run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from songoku_theory.testing.graphs import (
    Case,
    all_graphs,
    disconnected_graphs,
    gradient_graphs,
    large_graphs,
    renamed_graphs,
    renumbered_graphs,
    zoo,
)

__all__ = ["FAMILIES", "Family", "graphs_of"]


@dataclass(frozen=True, slots=True)
class Family:
    """A named set of graphs.

    Attributes
    ----------
    name : str
    doc : str
    graphs : callable
        (largest number of tasks, seed) -> graphs, smallest first.
    only_networkx : bool
        Whether it says something about heuristics on networkx graphs alone.
    """

    name: str
    doc: str
    graphs: Callable[[int, int], tuple[Case, ...]]
    only_networkx: bool = False


def _upto(graphs: tuple[Case, ...], most: int) -> tuple[Case, ...]:
    return tuple(graph for graph in graphs if graph.num_tasks <= most)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("small", "every graph of up to 7 tasks", lambda most, seed: all_graphs()),
        Family("hard", "a zoo of hard graphs", lambda most, seed: _upto(zoo(), most)),
        Family(
            "gradients",
            "conflict graphs made from gradients",
            lambda most, seed: _upto(gradient_graphs(seed), most),
        ),
        Family("disconnected", "graphs in several pieces", disconnected_graphs),
        Family("large", "graphs of up to 1,200 tasks", large_graphs),
        Family(
            "renumbered",
            "the same graphs, tasks in another order",
            lambda most, seed: _upto(renumbered_graphs(seed), most),
        ),
        Family(
            "renamed",
            "networkx graphs whose nodes are no 0..n-1",
            lambda most, seed: _upto(renamed_graphs(), most),
            only_networkx=True,
        ),
    )
}
"""In the order in which they are run: small graphs first, so that a counterexample is small."""


def graphs_of(family: str, max_tasks: int = 1200, seed: int = 0) -> tuple[Case, ...]:
    """Return the graphs of a family, smallest first.

    Examples
    --------
    >>> len(graphs_of("small"))
    1252
    """
    return FAMILIES[family].graphs(max_tasks, seed)
