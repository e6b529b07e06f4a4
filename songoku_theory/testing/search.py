"""Graphs drawn by hypothesis, which looks for the smallest that fails."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from songoku_theory.errors import DependencyMissingError
from songoku_theory.testing.graphs import Adjacency
from songoku_theory.testing.strategies import (
    bipartite_graphs,
    disconnected_graphs,
    graphs,
    multipartite_graphs,
)

__all__ = ["hypothesis_is_installed", "search_graphs"]


def hypothesis_is_installed() -> bool:
    """Say whether :func:`search_graphs` can run."""
    return find_spec("hypothesis") is not None


def search_graphs(
    breaks: Callable[[Adjacency], bool], examples: int = 150, max_tasks: int = 14
) -> None:
    """Show graphs to `breaks` until it says True, then ever smaller ones that may do the same.

    Parameters
    ----------
    breaks : callable
        Adjacency -> whether it breaks something. What it saw it has to remember by itself.
    examples : int
    max_tasks : int

    Raises
    ------
    DependencyMissingError
        When hypothesis is not installed.
    """
    try:
        from hypothesis import HealthCheck, Phase, Verbosity, given, settings
    except ImportError as error:
        raise DependencyMissingError(
            "searching for graphs needs hypothesis: pip install hypothesis."
        ) from error

    drawn = (
        graphs(max_tasks=max_tasks)
        | multipartite_graphs().map(lambda pair: pair[0])
        | bipartite_graphs()
        | disconnected_graphs()
    )

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=False,
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn)
    def holds(matrix: Adjacency) -> None:
        if breaks(matrix):
            raise _BrokenError

    try:
        holds()
    except _BrokenError:
        return


class _BrokenError(AssertionError):
    """Tells hypothesis that a graph is worth shrinking."""
