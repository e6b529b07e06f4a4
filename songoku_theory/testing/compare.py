"""A heuristic beside the built-in ones: colours, regret, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from songoku_theory.coloring import available_colorings, get_coloring
from songoku_theory.testing.graphs import Case, gradient_graphs, large_graphs, zoo
from songoku_theory.testing.isolation import Worker
from songoku_theory.testing.serve import Answer, ColoringServer, Request
from songoku_theory.testing.subjects import Subject

__all__ = ["Comparison", "compare_colorings"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One heuristic's row.

    Attributes
    ----------
    name : str
    solved : int
        Graphs that it coloured properly within the time limit.
    colors : int
        Sum over the graphs that every compared heuristic solved.
    exact : int
        Graphs with a known number of colours on which it needs no more.
    known : int
        How many of its graphs have one.
    mean_regret : float or None
        Colours beyond the exact number, a graph; None where no exact number is known.
    worst_regret : int
    worst_graph : str
        Where that was; empty for no regret.
    milliseconds : float
        Median for one graph.
    """

    name: str
    solved: int
    colors: int
    exact: int
    known: int
    mean_regret: float | None
    worst_regret: int
    worst_graph: str
    milliseconds: float


def comparison_graphs() -> tuple[Case, ...]:
    """Return what is compared on: hard graphs, graphs from gradients, some larger ones."""
    larger = [graph for graph in large_graphs() if graph.num_tasks <= 200]
    some = [graph for graph in (*zoo(), *gradient_graphs()) if graph.num_edges]
    return (*some, *larger)


def compare_colorings(
    subject: Subject, time_limit: float = 10.0, graphs: Sequence[Case] | None = None
) -> list[Comparison]:
    """Run a heuristic and the built-in ones on the same graphs.

    The built-in exact colouring is left out: it is what regret is measured against.

    Parameters
    ----------
    subject : Subject
    time_limit : float
        Seconds for one graph.
    graphs : sequence of Case, optional

    Returns
    -------
    list of Comparison
        The heuristic first, then the built-in ones by name.

    Examples
    --------
    >>> from songoku_theory.testing import make_subject
    >>> [row.name for row in compare_colorings(make_subject("dsatur"), graphs=zoo()[:3])]
    ['dsatur', 'geometric', 'representative', 'smallest_last', 'welsh_powell']
    """
    chosen = comparison_graphs() if graphs is None else tuple(graphs)
    servers = {subject.name: subject.server}
    for name in available_colorings():
        if name != "exact" and get_coloring(name) is not subject.function:
            servers[name if name not in servers else f"{name} (built in)"] = ColoringServer(
                get_coloring(name), "adjacency"
            )
    answers = {name: _run(server, chosen, time_limit) for name, server in servers.items()}
    able = [row for row in answers.values() if any(found is not None for found in row)]
    common = [k for k in range(len(chosen)) if all(row[k] is not None for row in able)]
    return [_row(name, chosen, row, common) for name, row in answers.items()]


def _run(
    server: ColoringServer, graphs: Sequence[Case], time_limit: float
) -> list[tuple[int, float] | None]:
    """Colours and seconds on each graph; None where it gave no proper colouring."""
    found: list[tuple[int, float] | None] = []
    with Worker(server, time_limit) as worker:
        # The first call pays for imports and compilation; it is not what a user waits for.
        worker.call(Request(graphs[0].adjacency))
        requests = [Request(graph.adjacency) for graph in graphs]
        for graph, outcome in zip(graphs, worker.map(requests), strict=True):
            answer = None if outcome is None else outcome.value
            if not isinstance(answer, Answer) or answer.colors is None:
                found.append(None)
                continue
            colors = answer.colors
            proper = all(
                colors[i] != colors[j]
                for i, j in zip(*graph.adjacency.nonzero(), strict=True)
                if i < j
            )
            found.append((len(set(colors)), answer.seconds) if proper else None)
    return found


def _row(
    name: str,
    graphs: Sequence[Case],
    answers: Sequence[tuple[int, float] | None],
    common: Sequence[int],
) -> Comparison:
    solved = [(graph, *found) for graph, found in zip(graphs, answers, strict=True) if found]
    regrets = [
        (used - graph.chromatic, graph.name)
        for graph, used, _ in solved
        if graph.chromatic is not None
    ]
    worst, where = max(regrets, key=lambda pair: pair[0], default=(0, ""))
    return Comparison(
        name=name,
        solved=len(solved),
        colors=sum(found[0] for k in common if (found := answers[k]) is not None),
        exact=sum(regret <= 0 for regret, _ in regrets),
        known=len(regrets),
        mean_regret=sum(r for r, _ in regrets) / len(regrets) if regrets else None,
        worst_regret=worst,
        worst_graph=where if worst > 0 else "",
        milliseconds=1000.0 * median(s for _, _, s in solved) if solved else float("nan"),
    )
