"""check_coloring on heuristics that are right, wrong, rude or strange."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

from songoku_theory.coloring import exact_coloring, welsh_powell
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.testing import (
    CheckResult,
    ColoringOptions,
    ColoringSuite,
    Status,
    check_coloring,
    make_subject,
    succeeded,
)
from songoku_theory.testing.graphs import (
    Adjacency,
    all_graphs,
    chromatic_by_counting,
    from_edges,
    multipartite,
)
from songoku_theory.testing.serve import ColoringServer, Request, read_colors
from songoku_theory.testing.shrink import shrink_graph

Thing: TypeAlias = Any  # what heuristics take and return


def failed(results: Sequence[CheckResult]) -> dict[str, CheckResult]:
    return {r.check: r for r in results if r.status is Status.FAIL}


def small(
    function: Callable[..., Thing], *promises: str, input: Thing = "auto"
) -> dict[str, Thing]:
    return failed(check_coloring(function, families=["small"], promises=promises, input=input))


def test_our_own_heuristics_keep_every_promise() -> None:
    """Those without a search go through all of it, among the mutants."""
    families = ("small", "hard", "gradients")
    results = check_coloring("exact", families=families)
    assert succeeded(results), [r for r in results if not r.ok]
    assert {"exact[hard]", "exact-on-multipartite[small]"} <= {r.check for r in results}


def test_checks_follow_from_promises() -> None:
    plain = {r.check for r in check_coloring(lambda adjacency: [0], families=["small"])}
    assert plain == {
        f"{rule}[small]"
        for rule in (
            "runs",
            "in-time",
            "one-colour-per-task",
            "whole-numbers",
            "input-untouched",
            "contiguous",
            "proper",
            "delta+1",
            "deterministic",
            "stateless",
        )
    }
    suite = ColoringSuite(
        make_subject(welsh_powell, promises=("proper",)), ColoringOptions(families=("hard",))
    )
    assert suite.names()[-1] == "proper[hard]"
    assert [r.check for r in suite.run()] == suite.names()


def test_names_are_known_without_running_anything() -> None:
    def never(adjacency: Adjacency) -> list[int]:
        raise AssertionError("it ran")

    suite = ColoringSuite(make_subject(never, input="adjacency"))
    names = suite.names()
    assert len(names) == len(set(names)) > 60
    assert "renamed" not in suite.families
    assert "processes" not in suite.families  # a local function can't be imported elsewhere


def test_a_failure_comes_with_the_smallest_graph_that_shows_it() -> None:
    def eight_colors(adjacency: Adjacency) -> Thing:
        return welsh_powell(adjacency) % 8

    found = failed(check_coloring(eight_colors, families=["hard"]))["proper[hard]"]
    assert found.counterexample is not None
    assert found.counterexample.edges() == tuple((i, j) for i in range(9) for j in range(i + 1, 9))
    assert "shrunk from" in found.reason
    assert found.counterexample.colors is not None
    inside = [e for e in found.counterexample.edges() if _same(found, e)]
    assert inside
    assert f"tasks {inside[0][0]} and {inside[0][1]} conflict" in found.reason


def _same(found: CheckResult, edge: tuple[int, int]) -> bool:
    colors = found.counterexample.colors if found.counterexample else None
    return colors is not None and colors[edge[0]] == colors[edge[1]]


def test_right_on_small_graphs_and_wrong_on_large_ones() -> None:
    def forgets_the_last(adjacency: Adjacency) -> Thing:
        colors = welsh_powell(adjacency)
        if len(colors) > 100:
            colors[-1] = colors[0]
        return colors

    found = failed(check_coloring(forgets_the_last, families=["small", "hard", "large"]))
    assert set(found) == {"proper[large]"}
    shown = found["proper[large]"].counterexample
    assert shown is not None
    assert shown.num_tasks == 101
    assert len(shown.edges()) == 1


def test_right_on_one_piece_and_wrong_on_several() -> None:
    def offsets(adjacency: Adjacency) -> list[int]:
        graph = nx.from_numpy_array(adjacency)
        colors = [0] * len(adjacency)
        for index, part in enumerate(map(sorted, nx.connected_components(graph))):
            for node, color in nx.greedy_color(graph.subgraph(part)).items():
                colors[node] = color + (index > 3)
        return colors

    found = failed(check_coloring(offsets, families=["hard", "disconnected"]))
    assert "delta+1[disconnected]" in found
    assert not any(name.endswith("[hard]") and name.startswith("proper") for name in found)


@pytest.mark.parametrize(
    ("result", "rule", "words"),
    [
        (lambda a: [0] * (len(a) - 1), "one-colour-per-task", "0 colours for 1 task"),
        (lambda a: [0] * (len(a) + 1), "one-colour-per-task", "2 colours for 1 task"),
        (lambda a: {}, "one-colour-per-task", "no colour for node 0"),
        (lambda a: dict.fromkeys(range(len(a) + 1), 0), "one-colour-per-task", "is no node"),
        (lambda a: None, "one-colour-per-task", "NoneType"),
        (lambda a: "0" * len(a), "one-colour-per-task", "str"),
        (lambda a: np.zeros((len(a), 1)), "one-colour-per-task", "shape (1, 1)"),
        (lambda a: (k for k in range(len(a))), "one-colour-per-task", "generator"),
        (lambda a: set(range(len(a))), "one-colour-per-task", "set"),
        (lambda a: [0.0] * len(a), "whole-numbers", "0.0 (float)"),
        (lambda a: np.full(len(a), np.nan), "whole-numbers", "nan"),
        (lambda a: [False] * len(a), "whole-numbers", "bool"),
        (lambda a: ["red"] * len(a), "whole-numbers", "red (str)"),
        (lambda a: range(1, len(a) + 1), "contiguous", "[1]"),
        (lambda a: [-1] * len(a), "contiguous", "[-1]"),
        (lambda a: [10**30] * len(a), "contiguous", "1000000"),
        (lambda a: range(len(a)), "delta+1", "2 colours"),
        (lambda a: [0] * len(a), "proper", "tasks 0 and 1 conflict"),
        (lambda a: 1 / 0, "runs", "ZeroDivisionError"),
    ],
)
def test_what_is_wrong_with_a_result_is_said(
    result: Callable[[Adjacency], object], rule: str, words: str
) -> None:
    found = small(result, input="adjacency")
    assert words in found[f"{rule}[small]"].reason


def test_every_kind_of_result_is_read() -> None:
    for given in (
        [1, 0],
        (1, 0),
        np.asarray([1, 0], dtype=np.int8),
        {0: 1, 1: 0},
        range(1, -1, -1),
    ):
        assert read_colors(given, [0, 1]) == ((1, 0), "", "")
    assert read_colors(np.asarray([1, 0], dtype=object), [0, 1])[0] == (1, 0)
    # A sequence follows the graph's own order of nodes.
    assert read_colors([5, 6], ["b", "a"], order=["a", "b"])[0] == (6, 5)


def test_a_changed_input_is_seen_in_matrices_and_graphs() -> None:
    def clears(adjacency: Adjacency) -> Thing:
        colors = welsh_powell(adjacency)
        adjacency[0] = False
        return colors

    def removes_a_node(graph: nx.Graph) -> dict[Thing, int]:
        colors: dict[Thing, int] = nx.greedy_color(graph)
        graph.remove_node(next(iter(graph)))
        return colors

    def weighs_edges(graph: nx.Graph) -> dict[Thing, int]:
        nx.set_edge_attributes(graph, 1.0, "weight")
        return dict(nx.greedy_color(graph))

    assert "entries of the adjacency" in small(clears)["input-untouched[small]"].reason
    assert "nodes" in small(removes_a_node)["input-untouched[small]"].reason
    assert "edges" in small(weighs_edges)["input-untouched[small]"].reason


def test_one_that_hangs_is_stopped_and_named_and_not_waited_for_again() -> None:
    def waits_for_a_path(adjacency: Adjacency) -> Thing:
        while adjacency.sum() == 2:
            pass
        return welsh_powell(adjacency)

    results = check_coloring(
        waits_for_a_path, families=["small", "disconnected"], time_limit=0.3, input="adjacency"
    )
    found = failed(results)
    assert "no answer within 0.3 s" in found["in-time[small]"].reason
    shown = found["in-time[small]"].counterexample
    assert shown is not None
    assert len(shown.edges()) == 1


def test_one_that_always_hangs_costs_little() -> None:
    def hangs(adjacency: Adjacency) -> Thing:
        while True:
            pass

    results = check_coloring(hangs, time_limit=0.2)
    assert "in-time[small]" in failed(results)
    later = [r for r in results if r.family == "large"]
    assert later
    assert all(r.status is Status.ERROR and "did not answer" in r.reason for r in later)
    assert not succeeded(results)


def test_one_that_dies_is_reported_with_how_it_ended() -> None:
    import os

    def dies(adjacency: Adjacency) -> Thing:
        if adjacency.sum() == 6:
            os.abort()
        return welsh_powell(adjacency)

    found = small(dies)
    assert "SIGABRT" in found["runs[small]"].reason


def test_hidden_state_is_told_from_chance() -> None:
    def make(turns: bool) -> Callable[[Adjacency], Thing]:
        calls = [0]

        def heuristic(adjacency: Adjacency) -> Thing:
            calls[0] += 1
            colors = welsh_powell(adjacency)
            late = calls[0] > 500 and turns
            return int(colors.max()) - colors if late else colors

        return heuristic

    assert small(make(False)) == {}
    assert "stateless[small]" in small(make(True))


def test_a_change_after_thousands_of_calls_is_seen() -> None:
    calls = [0]

    def tires(adjacency: Adjacency) -> list[int]:
        calls[0] += 1
        colors = [0] * len(adjacency)
        for task in range(1, len(adjacency)):
            taken = {colors[k] for k in range(task) if adjacency[task, k]}
            colors[task] = next(c for c in range(len(adjacency)) if c not in taken)
        return [max(colors) - c for c in colors] if calls[0] == 3000 else colors

    found = failed(check_coloring(tires, families=["repeated"]))
    assert "call 3000" in found["stateless[repeated]"].reason


def test_promises_on_special_graphs() -> None:
    def first_fit_by_index(adjacency: Adjacency) -> list[int]:
        colors: list[int] = []
        for task in range(len(adjacency)):
            taken = {colors[k] for k in range(task) if adjacency[task, k]}
            colors.append(next(c for c in range(len(adjacency)) if c not in taken))
        return colors

    assert small(first_fit_by_index, "+exact-on-multipartite") == {}
    bipartite = small(first_fit_by_index, "+exact-on-bipartite")["exact-on-bipartite[small]"]
    assert bipartite.counterexample is not None
    assert bipartite.counterexample.num_tasks == 4  # a path is the smallest
    exact = small(first_fit_by_index, "+exact")["exact[small]"]
    assert "the chromatic number allows 2" in exact.reason
    assert small(exact_coloring, "exact") == {}


def test_an_oracle_of_its_own_judges_exactness() -> None:
    """An exact solver that shares the built-in one's mistake would not be caught by it."""
    for graph in all_graphs(5):
        assert graph.chromatic == chromatic_by_counting(graph.adjacency)
    server = ColoringServer(exact_coloring, "adjacency")
    assert len(set(server(Request(multipartite(1, 1, 1))).colors or ())) == 3


def test_node_names_do_not_matter_to_a_good_heuristic_on_graphs() -> None:
    def counts_nodes(graph: nx.Graph) -> list[int]:
        return [int(c) for _, c in sorted(nx.greedy_color(graph).items())]

    found = failed(check_coloring(counts_nodes, families=["small", "renamed"]))
    assert set(found) == {"proper[renamed]"}
    assert found["proper[renamed]"].counterexample is not None
    assert found["proper[renamed]"].counterexample.labels == "shuffled"
    # Where nodes are always 0..n-1 it may be let off.
    promises = ["no-any-node-names"]
    assert "renamed" not in ColoringSuite(make_subject(counts_nodes, promises=("proper",))).families
    assert succeeded(check_coloring(counts_nodes, families=["small", "renamed"], promises=promises))


def test_hypothesis_searches_and_shrinks() -> None:
    def no_cycles_of_five(adjacency: Adjacency) -> Thing:
        colors = welsh_powell(adjacency)
        return colors if colors.max() < 3 else np.minimum(colors, 2)

    found = failed(check_coloring(no_cycles_of_five, families=["hypothesis"]))
    shown = found["proper[hypothesis]"].counterexample
    assert shown is not None
    assert shown.num_tasks <= 6


def test_without_a_child_process_for_debuggers() -> None:
    results = check_coloring(welsh_powell, families=["hard"], isolate=False)
    assert succeeded(results)


def test_expected_failures_are_marked() -> None:
    def alone(adjacency: Adjacency) -> range:
        return range(len(adjacency))

    results = check_coloring(
        alone, families=["small"], expected_failures={"delta+1": "meant that way"}
    )
    assert succeeded(results)
    with pytest.raises(UnknownNameError):
        check_coloring(alone, families=["small"], expected_failures={"delta": "typo"})


def test_bad_arguments_are_refused_by_name() -> None:
    for arguments in (
        {"families": ["smal"]},
        {"promises": ["propper"]},
        {"input": "matrix"},
    ):
        with pytest.raises(UnknownNameError):
            check_coloring(welsh_powell, **arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="time_limit"):
        check_coloring(welsh_powell, time_limit=0.0)
    with pytest.raises(InvalidInputError, match="should be a function"):
        check_coloring(7)  # type: ignore[arg-type]


def test_what_it_takes_is_decided_by_annotation_name_or_trial() -> None:
    def annotated(x: nx.Graph) -> dict[Thing, int]:
        return dict(nx.greedy_color(x))

    def named(G: Thing) -> dict[Thing, int]:
        return dict(nx.greedy_color(G))

    def neither(x: Thing) -> dict[Thing, int]:
        return dict(nx.greedy_color(x))

    def misnamed(graph: Thing) -> Thing:
        return welsh_powell(graph)

    assert make_subject(annotated).why.startswith("its first parameter is annotated")
    assert make_subject(named).why == "its first parameter is called 'G'"
    assert (make_subject(neither).input, make_subject(misnamed).input) == ("networkx", "adjacency")
    assert "tried" in make_subject(neither).why
    assert make_subject(neither, input="adjacency").input == "adjacency"


def test_what_can_be_called_with_one_argument() -> None:
    def with_option(adjacency: Adjacency, seed: int = 0) -> Thing:
        return welsh_powell(adjacency)

    def with_two(adjacency: Adjacency, seed: int) -> Thing:
        return welsh_powell(adjacency)

    class Heuristic:
        def __call__(self, adjacency: Adjacency) -> Thing:
            return welsh_powell(adjacency)

    for fine in (with_option, Heuristic(), functools.partial(with_two, seed=1)):
        assert make_subject(fine).input == "adjacency"
    with pytest.raises(InvalidInputError, match="it needs adjacency, seed"):
        make_subject(with_two)


def test_names_are_imported_from_modules_and_files(users_folder: Path) -> None:
    assert make_subject("users_heuristics:right").input == "networkx"
    assert make_subject(f"{users_folder}/users_heuristics.py:right_on_a_matrix").name == (
        "right_on_a_matrix"
    )
    with pytest.raises(UnknownNameError, match="Did you mean 'right'"):
        make_subject("users_heuristics:rigth")
    with pytest.raises(InvalidInputError, match="could not be imported"):
        make_subject("no_such_module_anywhere:f")
    with pytest.raises(InvalidInputError, match="no file"):
        make_subject("nowhere/at_all.py:f")


def test_shrinking_stops_at_its_limits_and_keeps_failing() -> None:
    def has_an_edge(graphs: Sequence[Adjacency]) -> Thing:
        return (bool(graph.any()) for graph in graphs)

    start = multipartite(6, 6)
    assert shrink_graph(start, has_an_edge).astype(int).tolist() == [[0, 1], [1, 0]]
    stopped = shrink_graph(start, has_an_edge, max_tries=2)
    assert stopped.any()
    assert len(stopped) <= 12
    alone = from_edges(1, [])
    assert len(shrink_graph(alone, lambda graphs: (True for _ in graphs))) == 1
