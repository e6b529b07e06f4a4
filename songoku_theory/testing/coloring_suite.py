"""The conformance suite for colouring heuristics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

from songoku_theory.errors import DependencyMissingError, InvalidInputError, unknown_name
from songoku_theory.testing.families import FAMILIES, graphs_of
from songoku_theory.testing.graphs import Adjacency, Case, case
from songoku_theory.testing.isolation import Outcome, Worker
from songoku_theory.testing.processes import compare_processes, importable_name
from songoku_theory.testing.results import (
    CheckResult,
    Counterexample,
    Status,
    apply_expectations,
)
from songoku_theory.testing.rules import Rule, rules_for
from songoku_theory.testing.search import hypothesis_is_installed, search_graphs
from songoku_theory.testing.serve import Answer, InputKind, Request
from songoku_theory.testing.shrink import shrink_graph
from songoku_theory.testing.subjects import Subject, make_subject

__all__ = ["ColoringOptions", "ColoringSuite", "check_coloring"]

ALL_FAMILIES = (*FAMILIES, "hypothesis", "repeated", "processes")
_STATELESS_SAMPLE = 250
_PROCESS_CHECKS = {
    "range": "deterministic[processes]",
    "strings": "deterministic[processes-renamed]",
}
_TWICE_UP_TO = 150
"""Graphs with more tasks are coloured once: slow heuristics are not to be slower."""
_REPEAT_AT_MOST = 10_000
_REPEAT_SECONDS = 0.5
_TWICE_AT_MOST = 400
"""Of a larger family only so many graphs are coloured twice in a row."""
_PATIENCE = 8


@dataclass(frozen=True, slots=True)
class ColoringOptions:
    """How a heuristic is checked.

    Attributes
    ----------
    time_limit : float
        Seconds for one graph.
    families : tuple of str or None
        Which families of graphs; None means all that make sense.
    max_tasks : int
        Larger graphs are left out of the families ``large`` and ``disconnected``.
    seed : int
        Of the random graphs.
    examples : int
        How many graphs hypothesis draws.
    isolate : bool
        False runs the heuristic in this process, without a time limit.
    start_method : {"fork", "spawn"} or None
    shrink : bool
        Make failing graphs smaller; False saves time where only the verdict counts.
    """

    time_limit: float = 10.0
    families: tuple[str, ...] | None = None
    max_tasks: int = 1200
    seed: int = 0
    examples: int = 150
    isolate: bool = True
    start_method: Literal["fork", "spawn"] | None = None
    shrink: bool = True

    def __post_init__(self) -> None:
        if not self.time_limit > 0:
            raise InvalidInputError(f"time_limit should be > 0 seconds; found {self.time_limit!r}.")
        if self.max_tasks < 7:
            raise InvalidInputError(f"max_tasks should be at least 7; found {self.max_tasks!r}.")
        if self.examples < 1:
            raise InvalidInputError(f"examples should be at least 1; found {self.examples!r}.")
        for family in self.families or ():
            if family not in ALL_FAMILIES:
                raise unknown_name("family of graphs", family, ALL_FAMILIES)


@dataclass(slots=True)
class _Tally:
    """What one rule has seen of one family."""

    rule: Rule
    judged: int = 0
    relevant: int = 0
    broken: tuple[Case, Outcome, str] | None = None

    def see(self, graph: Case, outcome: Outcome | None) -> bool:
        """Judge one answer; True when it is the first that breaks the rule."""
        if not self.rule.applies(graph):
            return False
        if self.rule.asks_again and outcome is not None and _asked_once(outcome):
            return False
        self.relevant += 1
        verdict = None if outcome is None else self.rule.judge(graph, outcome)
        if verdict is None:
            return False
        self.judged += 1
        if verdict and self.broken is None and outcome is not None:
            self.broken = (graph, outcome, verdict)
            return True
        return False


@dataclass(slots=True)
class ColoringSuite:
    """All checks of one heuristic; a family is run when it is first asked for.

    Attributes
    ----------
    subject : Subject
    options : ColoringOptions
    """

    subject: Subject
    options: ColoringOptions = field(default_factory=ColoringOptions)
    _done: dict[str, list[CheckResult]] = field(default_factory=dict)
    _broken_rules: set[str] = field(default_factory=set)
    _lost: int = 0
    _hopeless: str = ""
    _shared: Worker | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that follow from the promises."""
        return rules_for(self.subject.promises)

    @property
    def families(self) -> tuple[str, ...]:
        """The families that will be run, in order."""
        wanted = self.options.families
        return tuple(
            name for name in ALL_FAMILIES if self._makes_sense(name) and name in (wanted or (name,))
        )

    def _makes_sense(self, family: str) -> bool:
        wanted = self.options.families or ()
        if family == "hypothesis":
            if family in wanted and not hypothesis_is_installed():
                raise DependencyMissingError(
                    "the family 'hypothesis' needs hypothesis: pip install hypothesis."
                )
            return hypothesis_is_installed()
        if family == "repeated":
            return self._checks_state
        if family == "processes":
            return self._checks_state and self._importable is not None
        return self._renames or not FAMILIES[family].only_networkx

    @property
    def _labels(self) -> tuple[str, ...]:
        return tuple(_PROCESS_CHECKS) if self._renames else ("range",)

    @property
    def _renames(self) -> bool:
        return self.subject.input == "networkx" and "any-node-names" in self.subject.promises

    @property
    def _importable(self) -> str | None:
        return importable_name(self.subject.function)

    def names(self) -> list[str]:
        """Return the names of all checks, without running any."""
        found: list[str] = []
        for family in self.families:
            if family == "processes":
                found += [_PROCESS_CHECKS[labels] for labels in self._labels]
                continue
            if family == "repeated":
                found.append("stateless[repeated]")
                continue
            graphs = () if family == "hypothesis" else self._graphs(family)
            found += [
                f"{rule.name}[{family}]"
                for rule in self.rules
                if family == "hypothesis" or any(rule.applies(graph) for graph in graphs)
            ]
            if self._checks_state and family != "hypothesis":
                found.append(f"stateless[{family}]")
        return found

    @property
    def _checks_state(self) -> bool:
        return "deterministic" in self.subject.promises

    def run(self, on_family: Callable[[str], None] | None = None) -> list[CheckResult]:
        """Run every family; return the results in order.

        Parameters
        ----------
        on_family : callable, optional
            Told the name of each family before it is run.

        Returns
        -------
        list of CheckResult
        """
        found: list[CheckResult] = []
        with self._worker() as worker:
            self._shared = worker  # one process for all, so that it has seen much when it ends
            try:
                for family in self.families:
                    if on_family is not None:
                        on_family(family)
                    found += self.family(family)
            finally:
                self._shared = None
        return found

    def result(self, name: str) -> CheckResult:
        """Return one check's result, after running its family if that was not done yet.

        Raises
        ------
        UnknownNameError
            When there is no such check.
        """
        family = name.partition("[")[2].rstrip("]").removesuffix("-renamed")
        if family in self.families:
            for result in self.family(family):
                if result.check == name:
                    return result
        raise unknown_name("check", name, self.names())

    def family(self, family: str) -> list[CheckResult]:
        """Return the results of one family, run at most once."""
        if family not in self._done:
            self._done[family] = self._run_family(family)
        return self._done[family]

    def _graphs(self, family: str) -> tuple[Case, ...]:
        graphs = graphs_of(family, self.options.max_tasks, self.options.seed)
        if "exact" not in self.subject.promises:
            return graphs
        # As few colours as possible for any large graph is not to be asked of anybody: only where
        # the graph is small, or a clique proves the number.
        return tuple(g for g in graphs if g.num_tasks <= 12 or (g.chromatic or 0) == g.clique)

    def _worker(self) -> Worker:
        return Worker(
            self.subject.server,
            self.options.time_limit,
            isolate=self.options.isolate,
            start_method=self.options.start_method,
        )

    def _run_family(self, family: str) -> list[CheckResult]:
        if self._hopeless:
            names = [n for n in self.names() if n.endswith((f"[{family}]", f"[{family}-renamed]"))]
            return [CheckResult(n, Status.ERROR, f"not tried: {self._hopeless}") for n in names]
        if family == "processes":
            return [self._check_processes(labels) for labels in self._labels]
        with nullcontext(self._shared) if self._shared else self._worker() as worker:
            if family == "hypothesis":
                return self._search(worker)
            if family == "repeated":
                return [self._check_repeated(worker)]
            graphs = self._graphs(family)
            outcomes = self._color_all(worker, graphs)
            tallies = [_Tally(rule) for rule in self.rules]
            for graph, outcome in zip(graphs, outcomes, strict=True):
                for tally in tallies:
                    tally.see(graph, outcome)
            found = [self._conclude(worker, t, family) for t in tallies if t.relevant]
            if self._checks_state:
                found.append(self._check_state(worker, family, graphs, outcomes))
            self._judge_hope(graphs, outcomes)
        return found

    def _color_all(self, worker: Worker, graphs: Sequence[Case]) -> list[Outcome | None]:
        again = any(rule.asks_again for rule in self.rules)
        stride = -(-len(graphs) // _TWICE_AT_MOST)
        requests = [
            Request(
                graph.adjacency,
                graph.labels,
                again and graph.num_tasks <= _TWICE_UP_TO and index % stride == 0,
            )
            for index, graph in enumerate(graphs)
        ]
        patience = max(1, min(2, _PATIENCE - self._lost))
        outcomes = list(worker.map(requests, patience))
        self._lost += sum(o is not None and o.kind in ("timeout", "died") for o in outcomes)
        return outcomes

    def _judge_hope(self, graphs: Sequence[Case], outcomes: Sequence[Outcome | None]) -> None:
        if not any(o is not None and o.kind == "value" for o in outcomes):
            first = next((o.detail for o in outcomes if o is not None), "nothing was tried")
            self._hopeless = f"it did not answer on a single graph before ({first})"
        elif self._lost >= _PATIENCE:
            self._hopeless = f"its process was lost {self._lost} times before"

    def _conclude(self, worker: Worker, tally: _Tally, family: str) -> CheckResult:
        name = f"{tally.rule.name}[{family}]"
        if tally.broken is not None:
            result = self._report(worker, name, tally)
            self._broken_rules.add(tally.rule.name)
            return result
        if not tally.judged:
            return CheckResult(
                name, Status.ERROR, "not decided: no answer that it could be read from"
            )
        silent = tally.relevant - tally.judged
        note = f"{silent} of {tally.relevant} graphs gave nothing to judge" if silent else ""
        return CheckResult(name, Status.PASS, note, cases=tally.judged)

    def _report(self, worker: Worker, name: str, tally: _Tally) -> CheckResult:
        """Describe a failure, on the smallest graph that shows it."""
        if tally.broken is None:
            raise InvalidInputError("there is no failure to report.")
        graph, outcome, verdict = tally.broken
        where, note = _describe(graph), ""
        known = tally.rule.name in self._broken_rules  # a smaller family has shown it already
        if self.options.shrink and not known and not tally.rule.asks_again:
            alone = self._again(worker, tally.rule, graph)
            if alone is None and tally.rule.name == "in-time":
                note = "; in time when it was tried again"
            elif alone is None:
                note = "; not when it is the first graph of a process, so it keeps state"
            elif graph.num_tasks > 2:
                smaller, shrunk = self._shrink(worker, tally.rule, graph, outcome)
                if shrunk is not None:
                    where = f"{_sizes(smaller)}, shrunk from {graph.name}"
                    graph, (outcome, verdict) = smaller, shrunk
        return CheckResult(
            name,
            Status.FAIL,
            f"{verdict} ({where}){note}",
            Counterexample(graph.adjacency, _colors(outcome), where, graph.labels),
            tally.judged,
        )

    def _again(self, worker: Worker, rule: Rule, graph: Case) -> tuple[Outcome, str] | None:
        """Colour a graph in a new process; None if the rule is kept there."""
        worker.restart()
        outcome = worker.call(Request(graph.adjacency, graph.labels, rule.asks_again))
        verdict = rule.judge(graph, outcome) if rule.applies(graph) else None
        return (outcome, verdict) if verdict else None

    def _shrink(
        self, worker: Worker, rule: Rule, graph: Case, outcome: Outcome
    ) -> tuple[Case, tuple[Outcome, str] | None]:
        limit = worker.time_limit
        if rule.name == "in-time":
            worker.time_limit = limit / 10.0

        def fails(matrices: Sequence[Adjacency]) -> Iterator[bool]:
            smaller = [_like(graph, matrix) for matrix in matrices]
            requests = [Request(one.adjacency, one.labels, rule.asks_again) for one in smaller]
            for one, new in zip(smaller, worker.map(requests, len(requests)), strict=True):
                yield (
                    new is not None
                    and rule.applies(one)
                    and _alike(rule, outcome, new, rule.judge(one, new))
                )

        matrix = shrink_graph(graph.adjacency, fails)
        worker.time_limit = limit
        if matrix is graph.adjacency:
            return graph, None
        smaller = _like(graph, matrix)
        return smaller, self._again(worker, rule, smaller)

    def _check_state(
        self,
        worker: Worker,
        family: str,
        graphs: Sequence[Case],
        outcomes: Sequence[Outcome | None],
    ) -> CheckResult:
        """Colour some of the graphs once more, in a new process and in another order."""
        name = f"stateless[{family}]"
        known = [
            (graph, outcome)
            for graph, outcome in zip(graphs, outcomes, strict=True)
            if outcome is not None
            and _colors(outcome) is not None
            and graph.num_tasks <= _TWICE_UP_TO
        ]
        if not known:
            return CheckResult(name, Status.ERROR, "not decided: no colours to compare")
        stride = max(1, len(known) // _STATELESS_SAMPLE)
        sample = known[::-1][::stride]
        worker.restart()
        requests = [Request(graph.adjacency, graph.labels) for graph, _ in sample]
        changed = []
        for (graph, before), after in zip(sample, worker.map(requests), strict=True):
            old, new = _colors(before), None if after is None else _colors(after)
            if old is not None and new is not None and old != new:
                changed.append((graph, old, new))
        if not changed:
            return CheckResult(name, Status.PASS, cases=len(sample))
        graph, old, new = min(changed, key=lambda found: found[0].num_tasks)
        at = next(k for k, (a, b) in enumerate(zip(old, new, strict=True)) if a != b)
        return CheckResult(
            name,
            Status.FAIL,
            f"in a new process, which colours the graphs in another order, the answer is another: "
            f"task {at} has colour {old[at]} or {new[at]} ({_describe(graph)})",
            Counterexample(graph.adjacency, new, _describe(graph), graph.labels),
            len(sample),
        )

    def _check_repeated(self, worker: Worker) -> CheckResult:
        """Colour one small graph thousands of times: does the answer ever change?"""
        name = "stateless[repeated]"
        graph = next(g for g in graphs_of("hard") if g.num_tasks == 5)
        seconds = min(_REPEAT_SECONDS, self.options.time_limit / 2.0)
        outcome = worker.call(Request(graph.adjacency, repeat=(_REPEAT_AT_MOST, seconds)))
        if outcome.kind != "value" or outcome.value.colors is None:
            return CheckResult(name, Status.ERROR, f"not decided: {outcome.detail or 'no colours'}")
        answer: Answer = outcome.value
        if not answer.second:
            return CheckResult(name, Status.PASS, cases=answer.calls)
        where = _describe(graph)
        return CheckResult(
            name,
            Status.FAIL,
            f"{answer.second} ({where})",
            Counterexample(graph.adjacency, answer.colors, where),
            answer.calls,
        )

    def _search(self, worker: Worker) -> list[CheckResult]:
        tallies = {rule.name: _Tally(rule) for rule in self.rules}
        again = any(rule.asks_again for rule in self.rules)
        lost = 0

        def breaks(matrix: Adjacency) -> bool:
            nonlocal lost
            if lost >= 3:
                return False
            graph = case("a graph drawn by hypothesis", matrix)
            outcome = worker.call(Request(graph.adjacency, graph.labels, again))
            lost += outcome.kind in ("timeout", "died")
            broke = False
            for tally in tallies.values():
                found = _Tally(tally.rule)
                broke |= found.see(graph, outcome)
                tally.relevant += found.relevant
                tally.judged += found.judged
                if found.broken is not None and _is_smaller(found.broken[0], tally.broken):
                    tally.broken = found.broken
            return broke

        search_graphs(breaks, self.options.examples, min(14, self.options.max_tasks))
        found = []
        for tally in tallies.values():
            name = f"{tally.rule.name}[hypothesis]"
            if tally.broken is None:
                found.append(self._conclude(worker, tally, "hypothesis"))
                continue
            graph, outcome, verdict = tally.broken
            where = _describe(graph)
            shown = Counterexample(graph.adjacency, _colors(outcome), where)
            found.append(
                CheckResult(name, Status.FAIL, f"{verdict} ({where})", shown, tally.judged)
            )
        return found

    def _check_processes(self, labels: str) -> CheckResult:
        name = _PROCESS_CHECKS[labels]
        target = self._importable
        graphs = [g for g in graphs_of("hard") if 4 <= g.num_tasks <= 40][::4]
        if target is None:
            return CheckResult(name, Status.ERROR, "it can't be imported in another process")
        found = compare_processes(
            target, self.subject.input, graphs, labels, self.options.time_limit
        )
        if isinstance(found, str):
            return CheckResult(name, Status.ERROR, f"not decided: {found}")
        if found is None:
            return CheckResult(name, Status.PASS, cases=len(graphs))
        graph, first, second = found
        where = _describe(graph) + ("" if labels == "range" else f", nodes named by {labels}")
        return CheckResult(
            name,
            Status.FAIL,
            f"two processes give different colours, {_short(first)} and {_short(second)}; so it "
            f"depends on the order of a set, on the clock or on chance ({where})",
            Counterexample(graph.adjacency, second, where, labels),
            len(graphs),
        )


def _asked_once(outcome: Outcome) -> bool:
    return isinstance(outcome.value, Answer) and outcome.value.second is None


def _short(colors: tuple[int, ...]) -> str:
    shown = ", ".join(str(c) for c in colors[:16])
    return f"[{shown}{', ...' if len(colors) > 16 else ''}]"


def _like(graph: Case, matrix: Adjacency) -> Case:
    return case("part of it", matrix, labels=graph.labels)


def _alike(rule: Rule, old: Outcome, new: Outcome, verdict: str | None) -> bool:
    """Is it the same failure? An exception has to be of the same type."""
    if not verdict:
        return False
    if rule.name != "runs":
        return True
    return old.kind == new.kind and old.detail.partition(":")[0] == new.detail.partition(":")[0]


def _is_smaller(graph: Case, than: tuple[Case, Outcome, str] | None) -> bool:
    size = (graph.num_tasks, graph.num_edges)
    return than is None or size < (than[0].num_tasks, than[0].num_edges)


def _colors(outcome: Outcome) -> tuple[int, ...] | None:
    answer = outcome.value
    return answer.colors if isinstance(answer, Answer) else None


def _describe(graph: Case) -> str:
    return f"{graph.name}: {_sizes(graph)}"


def _sizes(graph: Case) -> str:
    tasks = "1 task" if graph.num_tasks == 1 else f"{graph.num_tasks} tasks"
    edges = "1 conflict" if graph.num_edges == 1 else f"{graph.num_edges} conflicts"
    return f"{tasks}, {edges}"


def check_coloring(
    target: str | Callable[..., Any],
    *,
    promises: Iterable[str] = (),
    input: InputKind | Literal["auto"] = "auto",
    expected_failures: Mapping[str, str] | None = None,
    families: Collection[str] | None = None,
    time_limit: float = 10.0,
    max_tasks: int = 1200,
    seed: int = 0,
    isolate: bool = True,
    start_method: Literal["fork", "spawn"] | None = None,
) -> list[CheckResult]:
    """Run every check that a colouring heuristic's promises call for.

    A heuristic is a function of one argument, a boolean adjacency matrix or a networkx graph, that
    returns one colour a task: as a sequence, an array, or a dict from node to colour.

    Parameters
    ----------
    target : callable or str
        The function, the name of a registered colouring, ``package.module:name`` or
        ``path/to/file.py:name``.
    promises : iterable of str, optional
        By default those that ``@coloring`` declared; for a plain function ``proper``,
        ``deterministic``, ``contiguous``, ``delta+1``, and on networkx graphs ``any-node-names``.
        Names alone replace these; ``+name``
        adds one and ``no-name`` takes one away. Valid: the keys of ``COLORING_PROMISES``.
    input : {"auto", "adjacency", "networkx"}
        ``"auto"`` decides by the first parameter's annotation or name, and by trying.
    expected_failures : mapping from name to reason, optional
        A check's full name (``"proper[large]"``) or its rule (``"proper"``). A failure is then
        expected; that it does not fail is an ``unexpected-pass``.
    families : collection of str, optional
        Only these families of graphs: ``small``, ``hard``, ``gradients``, ``disconnected``,
        ``large``, ``renumbered``, ``renamed``, ``hypothesis``, ``repeated``, ``processes``.
    time_limit : float, default 10
        Seconds for one graph, after which it counts as hanging.
    max_tasks : int, default 1200
        Larger graphs are left out.
    seed : int, default 0
        Of the random graphs.
    isolate : bool, default True
        Run it in a child process. False, for debuggers, gives up the time limit.
    start_method : {"fork", "spawn"}, optional
        How the child is started; ``"spawn"`` where the heuristic uses threads of its own.

    Returns
    -------
    list of CheckResult
        Small graphs first. ``succeeded`` sums it up, ``to_json`` makes it plain data.

    Raises
    ------
    InvalidInputError
        When the target is no function of one argument or can't be imported.
    UnknownNameError
        When a promise, a family or an expected failure has no such name; names the nearest.
    DependencyMissingError
        When the family ``hypothesis`` is asked for and hypothesis is not installed. It is left
        out otherwise.

    Examples
    --------
    >>> def everybody_alone(adjacency):
    ...     return list(range(len(adjacency)))
    >>> failed = [r for r in check_coloring(everybody_alone, families=["small"]) if not r.ok]
    >>> failed[0].check, failed[0].counterexample.num_tasks
    ('delta+1[small]', 2)
    """
    subject = make_subject(
        target, promises=tuple(promises), input=input, isolate=isolate, time_limit=time_limit
    )
    options = ColoringOptions(
        time_limit=time_limit,
        families=None if families is None else tuple(families),
        max_tasks=max_tasks,
        seed=seed,
        isolate=isolate,
        start_method=start_method,
    )
    return apply_expectations(ColoringSuite(subject, options).run(), expected_failures)
