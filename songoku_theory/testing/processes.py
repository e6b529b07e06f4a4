"""Does a heuristic give the same colours in another interpreter, with other hash seeds?

A set of strings is walked through in an order that changes from run to run. In one process, or in
children forked from it, that does not show.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from songoku_theory.testing.graphs import Case
from songoku_theory.testing.interpreters import ask_two
from songoku_theory.testing.serve import ColoringServer, InputKind, Request

__all__ = ["compare_processes", "importable_name"]

_START_UP = 60.0
_CODE = "from songoku_theory.testing.processes import answer_on_stdin; answer_on_stdin()"

Found = tuple[Case, tuple[int, ...], tuple[int, ...]]


def importable_name(function: Callable[..., Any]) -> str | None:
    """Return ``module:name`` for a function that another interpreter could import, else None.

    Examples
    --------
    >>> from songoku_theory.coloring import dsatur
    >>> importable_name(dsatur)
    'songoku_theory.coloring.dsatur:dsatur'
    >>> importable_name(lambda adjacency: []) is None
    True
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    if not isinstance(module, str) or module == "__main__" or not name or "<" in name:
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    origin = getattr(sys.modules.get(module), "__spec__", None)
    return f"{module}:{name}" if found is function and origin is not None else None


def compare_processes(
    target: str, input: InputKind, graphs: Sequence[Case], labels: str, time_limit: float
) -> Found | str | None:
    """Colour graphs in two interpreters that differ in PYTHONHASHSEED alone.

    Returns
    -------
    tuple, str or None
        The first difference (graph, colours here, colours there); why it could not be
        decided; or None when all agree.
    """
    question = json.dumps(
        {
            "target": target,
            "input": input,
            "path": sys.path,
            "graphs": [{"size": g.num_tasks, "edges": _edges(g), "labels": labels} for g in graphs],
        }
    )
    limit = _START_UP + time_limit * len(graphs)
    try:
        replies = ask_two(_CODE, question, limit)
    except subprocess.TimeoutExpired:
        return f"no answer within {limit:g} s"
    if replies[-1].status != 0:
        return f"another interpreter could not run it: {replies[-1].complaint}"
    answers = [json.loads(reply.out) for reply in replies]
    if not any(colors is not None for colors in answers[0]):
        return "it gave no colours in another interpreter"
    for graph, first, second in zip(graphs, *answers, strict=True):
        if first is not None and second is not None and first != second:
            return graph, tuple(first), tuple(second)
    return None


def _edges(graph: Case) -> list[list[int]]:
    size = range(graph.num_tasks)
    return [[i, j] for i in size for j in size if i < j and graph.adjacency[i, j]]


def answer_on_stdin() -> None:
    """Read graphs as JSON, write their colours as JSON; run in the other interpreter."""
    from songoku_theory.testing.graphs import from_edges

    question = json.load(sys.stdin)
    sys.path[:] = question["path"]
    module, _, name = question["target"].partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    server = ColoringServer(found, question["input"])
    real, sys.stdout = sys.stdout, sys.stderr  # whatever it prints is not part of the answer
    answers: list[list[int] | None] = []
    for one in question["graphs"]:
        matrix = from_edges(one["size"], [(i, j) for i, j in one["edges"]])
        try:
            colors = server(Request(matrix, one["labels"])).colors
        except Exception:  # noqa: BLE001 - that it fails is another check's finding
            colors = None
        answers.append(None if colors is None else list(colors))
    json.dump(answers, real)
    real.flush()
