"""What a colouring may be asked to keep, each rule judged from one graph and one answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from songoku_theory.coloring import welsh_powell_bound
from songoku_theory.testing.graphs import Case
from songoku_theory.testing.isolation import Outcome
from songoku_theory.testing.serve import Answer

__all__ = ["RULES", "Rule", "Verdict", "rules_for"]

Verdict = str | None
"""None: can't be judged from this answer. Empty: kept. Else: how it was broken."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is checked on every graph of a family.

    Attributes
    ----------
    name : str
    promise : str or None
        The promise that it belongs to; None for what every heuristic has to keep.
    doc : str
    judge : callable
        (graph, what happened) -> verdict.
    applies : callable
        Whether the rule says anything about a graph.
    asks_again : bool
        Whether the graph has to be coloured twice in a row.
    """

    name: str
    promise: str | None
    doc: str
    judge: Callable[[Case, Outcome], Verdict]
    applies: Callable[[Case], bool] = lambda graph: True
    asks_again: bool = False


def _answer(outcome: Outcome) -> Answer | None:
    return outcome.value if outcome.kind == "value" else None


def _judge_runs(graph: Case, outcome: Outcome) -> Verdict:
    if outcome.kind == "timeout":
        return None
    return outcome.detail


def _judge_time(graph: Case, outcome: Outcome) -> Verdict:
    return outcome.detail if outcome.kind == "timeout" else ""


def _judge_shape(graph: Case, outcome: Outcome) -> Verdict:
    answer = _answer(outcome)
    return None if answer is None else answer.wrong_shape


def _judge_whole(graph: Case, outcome: Outcome) -> Verdict:
    answer = _answer(outcome)
    return None if answer is None or answer.wrong_shape else answer.not_whole


def _judge_input(graph: Case, outcome: Outcome) -> Verdict:
    answer = _answer(outcome)
    return None if answer is None else answer.changed_input


def _judge_second(graph: Case, outcome: Outcome) -> Verdict:
    answer = _answer(outcome)
    return None if answer is None or answer.colors is None else answer.second


def _on_colors(judge: Callable[[Case, tuple[int, ...]], str]) -> Callable[[Case, Outcome], Verdict]:
    def judged(graph: Case, outcome: Outcome) -> Verdict:
        answer = _answer(outcome)
        return None if answer is None or answer.colors is None else judge(graph, answer.colors)

    return judged


def _contiguous(graph: Case, colors: tuple[int, ...]) -> str:
    used = sorted(set(colors))
    if used == list(range(len(used))):
        return ""
    shown = f"{used[:8]}{'...' if len(used) > 8 else ''}"
    return f"the colours used are {shown}; expected 0..{len(used) - 1}"


def _proper(graph: Case, colors: tuple[int, ...]) -> str:
    values = np.asarray(colors, dtype=object if max(map(abs, colors)) > 2**62 else np.int64)
    same = np.argwhere(np.triu(graph.adjacency, 1) & (values[:, None] == values[None, :]))
    if not same.size:
        return ""
    i, j = (int(x) for x in same[0])
    more = f", and {len(same) - 1} more conflicts lie inside a class" if len(same) > 1 else ""
    return f"tasks {i} and {j} conflict and both have colour {colors[i]}{more}"


def _at_most(
    bound: Callable[[Case], int], what: Callable[[Case], str]
) -> Callable[[Case, tuple[int, ...]], str]:
    def judge(graph: Case, colors: tuple[int, ...]) -> str:
        used, most = len(set(colors)), bound(graph)
        return "" if used <= most else f"{used} colours; {what(graph)} allows {most}"

    return judge


def _known(graph: Case) -> int:
    found = graph.chromatic
    return graph.num_tasks if found is None else found


def _parts(graph: Case) -> int:
    return len(np.unique(graph.adjacency, axis=0))


RULES: tuple[Rule, ...] = (
    Rule("runs", None, "it returns, without an exception, in a process that lives on", _judge_runs),
    Rule("in-time", None, "it returns within the time limit", _judge_time),
    Rule("one-colour-per-task", None, "it returns one colour for each task", _judge_shape),
    Rule("whole-numbers", None, "colours are whole numbers", _judge_whole),
    Rule("input-untouched", None, "it leaves the graph that it was given alone", _judge_input),
    Rule("contiguous", "contiguous", "colours are 0..m-1", _on_colors(_contiguous)),
    Rule("proper", "proper", "no conflict lies inside a class", _on_colors(_proper)),
    Rule(
        "delta+1",
        "delta+1",
        "at most Delta + 1 colours",
        _on_colors(
            _at_most(
                lambda graph: int(graph.degrees.max()) + 1,
                lambda graph: f"Delta + 1 with Delta = {int(graph.degrees.max())}",
            )
        ),
    ),
    Rule(
        "welsh-powell-bound",
        "welsh-powell-bound",
        "at most max_i min(d_i + 1, i) colours",
        _on_colors(
            _at_most(
                lambda graph: welsh_powell_bound(graph.adjacency),
                lambda graph: "Welsh and Powell's bound",
            )
        ),
    ),
    Rule(
        "exact",
        "exact",
        "as few colours as possible",
        _on_colors(_at_most(_known, lambda graph: "the chromatic number")),
        lambda graph: graph.chromatic is not None,
    ),
    Rule(
        "exact-on-multipartite",
        "exact-on-multipartite",
        "as many colours as parts on complete multipartite graphs",
        _on_colors(_at_most(_parts, lambda graph: "the number of parts")),
        lambda graph: graph.is_multipartite,
    ),
    Rule(
        "exact-on-bipartite",
        "exact-on-bipartite",
        "at most two colours on bipartite graphs",
        _on_colors(_at_most(lambda graph: 2, lambda graph: "a bipartite graph")),
        lambda graph: graph.is_bipartite,
    ),
    Rule(
        "deterministic",
        "deterministic",
        "the same graph twice in a row gives the same colours",
        _judge_second,
        asks_again=True,
    ),
)
"""Every rule that is judged graph by graph, in the order of the report."""


def rules_for(promises: frozenset[str]) -> tuple[Rule, ...]:
    """Return the rules that apply to a heuristic with these promises.

    Examples
    --------
    >>> [rule.name for rule in rules_for(frozenset({"proper"}))][-1]
    'proper'
    """
    return tuple(rule for rule in RULES if rule.promise is None or rule.promise in promises)
