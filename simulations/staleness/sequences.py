"""Where the conflict graph of each refresh comes from: fixed, redrawn, drifting, or an adversary.

The adversary sees everything: the policy, who waits since when, and the schedule that each graph
would lead to. At every refresh it takes, among relabellings of one graph, the one under which the
task that has waited longest waits longest still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.staleness.play import Graph, NextGraph, first_turn
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.schedule.policies import Policy, Situation

__all__ = ["MODELS", "SEQUENCES", "GraphModel", "graph_source"]

MODELS = ("random", "multipartite")
SEQUENCES = ("static", "redrawn", "drifting", "adversarial")


@dataclass(frozen=True, slots=True)
class GraphModel:
    """What one graph is like.

    Attributes
    ----------
    model : {"random", "multipartite"}
        ``random``: each pair conflicts with probability `density`. ``multipartite``: equal groups
        in which nobody conflicts and between which everybody does, in a random order of tasks, so
        that the number of classes is `num_groups` for certain.
    num_tasks : int
        K.
    density : float
        In [0, 1]; of ``random``.
    num_groups : int
        m; of ``multipartite``. Divides K.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    """

    model: str
    num_tasks: int
    density: float = 0.3
    num_groups: int = 3

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise unknown_name("graph model", self.model, MODELS)
        if self.num_tasks < 1 or not 0 <= self.density <= 1:
            raise InvalidInputError(
                f"a graph needs at least one task and a density in [0, 1]; found "
                f"{self.num_tasks} and {self.density}."
            )
        if self.model == "multipartite" and (
            self.num_groups < 1 or self.num_tasks % self.num_groups
        ):
            raise InvalidInputError(
                f"num_groups should divide num_tasks ({self.num_tasks}); found {self.num_groups}."
            )

    def draw(self, rng: np.random.Generator) -> Graph:
        """Draw a graph.

        Examples
        --------
        >>> two = GraphModel("multipartite", 4, num_groups=2).draw(np.random.default_rng(0))
        >>> two.sum(axis=1).tolist()
        [2, 2, 2, 2]
        """
        if self.model == "random":
            return self.conflicts(rng.random((self.num_tasks, self.num_tasks)))
        groups = rng.permutation(np.arange(self.num_tasks) % self.num_groups)
        return np.asarray(groups[:, None] != groups[None, :])

    def conflicts(self, uniform: NDArray[np.float64]) -> Graph:
        """Return the graph whose pairs have a number (in the upper triangle) below `density`."""
        upper = np.triu(uniform < self.density, 1)
        return np.asarray(upper | upper.T)


def graph_source(
    sequence: str, model: GraphModel, churn: float, policy: Policy, rng: np.random.Generator
) -> NextGraph:
    """Return what hands over the graph of each refresh of one run.

    Parameters
    ----------
    sequence : {"static", "redrawn", "drifting", "adversarial"}
    model : GraphModel
    churn : float
        Of ``drifting``, in [0, 1]: the share of pairs (``random``) or of tasks (``multipartite``)
        that are drawn anew at each refresh.
    policy : Policy
        Known to the adversary.
    rng : numpy.random.Generator

    Raises
    ------
    UnknownNameError
        When there is no such sequence.
    """
    if sequence == "adversarial":
        return _Adversary(model.draw(rng), policy)
    sources: dict[str, Callable[[], Iterator[Graph]]] = {
        "static": lambda: _static(model, rng),
        "redrawn": lambda: _redrawn(model, rng),
        "drifting": lambda: _drifting(model, churn, rng),
    }
    if sequence not in sources:
        raise unknown_name("graph sequence", sequence, SEQUENCES)
    graphs = sources[sequence]()
    return lambda before, opens: next(graphs)


def _static(model: GraphModel, rng: np.random.Generator) -> Iterator[Graph]:
    graph = model.draw(rng)
    while True:
        yield graph


def _redrawn(model: GraphModel, rng: np.random.Generator) -> Iterator[Graph]:
    while True:
        yield model.draw(rng)


def _drifting(model: GraphModel, churn: float, rng: np.random.Generator) -> Iterator[Graph]:
    size = model.num_tasks
    uniform = rng.random((size, size))
    groups = rng.permutation(np.arange(size) % model.num_groups)
    while True:
        if model.model == "random":
            yield model.conflicts(uniform)
            anew = rng.random((size, size)) < churn
            uniform = np.where(anew, rng.random((size, size)), uniform)
        else:
            yield np.asarray(groups[:, None] != groups[None, :])
            moved = np.flatnonzero(rng.random(size) < churn)
            groups[moved] = groups[rng.permutation(moved)]


class _Adversary:
    """Relabels its graph at each refresh, to the harm of the task that has waited longest.

    Every place in the graph is tried for that task: it changes places with whoever is there.
    """

    def __init__(self, graph: Graph, policy: Policy) -> None:
        self._graph = graph
        self._policy = policy

    def __call__(self, before: Situation, opens: Callable[[Graph], Situation]) -> Graph:
        # Of those who have waited equally long the last: Welsh-Powell's ties favour the first.
        victim = int(np.flatnonzero(before.last_turn == before.last_turn.min())[-1])
        worst, longest = self._graph, -1
        for graph in self._candidates(before, victim):
            opened = opens(graph)
            limit = max(before.window, opened.schedule.period)
            waits = first_turn(self._policy, opened, victim, limit)
            if waits > longest:
                worst, longest = graph, waits
        self._graph = worst
        return worst

    def _candidates(self, before: Situation, victim: int) -> Iterator[Graph]:
        yield self._beside_the_oldest(before, victim)
        for place in range(before.num_tasks):
            node_of = np.arange(before.num_tasks)
            node_of[[victim, place]] = place, victim
            yield self._graph[np.ix_(node_of, node_of)]

    def _beside_the_oldest(self, before: Situation, victim: int) -> Graph:
        """Put the victim where most conflicts are, with those who waited longest around it."""
        place = int(np.argmax(self._graph.sum(axis=1)))
        around = np.flatnonzero(self._graph[place])
        elsewhere = np.setdiff1d(np.arange(before.num_tasks), [place, *around])
        others = [k for k in np.argsort(before.last_turn, kind="stable") if k != victim]
        node_of = np.empty(before.num_tasks, dtype=np.int64)
        node_of[victim] = place
        node_of[others] = [*around, *elsewhere]
        return self._graph[np.ix_(node_of, node_of)]
