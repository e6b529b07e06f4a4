"""A counterexample as text, DIMACS, a script and a picture; the comparison of heuristics."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from songoku_theory.errors import InvalidInputError
from songoku_theory.testing import (
    CheckResult,
    Counterexample,
    Status,
    compare_colorings,
    make_subject,
    strategies,
)
from songoku_theory.testing.graphs import Adjacency, from_edges, multipartite, zoo
from songoku_theory.testing.render import (
    counterexample_text,
    draw_counterexample,
    from_dimacs,
    python_snippet,
    to_dimacs,
)


def failure(matrix: Adjacency, colors: tuple[int, ...] | None) -> CheckResult:
    shown = Counterexample(matrix, colors, "a graph")
    return CheckResult("proper[small]", Status.FAIL, 'tasks "0" and 1 \\ clash', shown)


@settings(max_examples=50)
@given(strategies.graphs(max_tasks=9))
def test_dimacs_comes_back_as_it_went(matrix: Adjacency) -> None:
    assert np.array_equal(from_dimacs(to_dimacs(matrix, ["two\nlines"])), matrix)


@pytest.mark.parametrize(
    "text", ["", "p edge 2", "e 1 2", "p edge 2 1\ne 1 3", "p edge 2 1\ne 1 1", "q edge 2 1"]
)
def test_what_is_no_dimacs_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        from_dimacs(text)


def test_text_marks_conflicts_inside_a_class() -> None:
    text = counterexample_text(Counterexample(multipartite(1, 1, 1), (0, 1, 0), "a triangle"))
    assert "0       0  1 2!" in text
    assert text.endswith("edges: (0, 1) (0, 2)! (1, 2)")


def test_text_of_a_large_graph_shows_what_matters() -> None:
    graph = multipartite(20, 20)
    colors = (0,) * 21 + (1,) * 19
    text = counterexample_text(Counterexample(graph, colors, "large"))
    assert "20!" in text
    assert "400 conflicts in all" in text
    assert len(text.splitlines()) < 30


def test_a_snippet_is_python_whatever_the_reason_says() -> None:
    script = python_snippet(failure(from_edges(2, [(0, 1)]), (0, 0)), "dsatur")
    compile(script, "snippet", "exec")
    graph_script = python_snippet(failure(from_edges(2, [(0, 1)]), None), "dsatur", "networkx")
    assert "heuristic(graph)" in graph_script


@pytest.mark.parametrize("size", [1, 2, 9, 60])
def test_pictures_are_drawn_at_every_size(tmp_path: Path, size: int) -> None:
    matrix = np.asarray(nx.to_numpy_array(nx.cycle_graph(size)), dtype=bool)
    np.fill_diagonal(matrix, False)
    for colors in (None, (0,) * size, tuple(range(size))):
        draw_counterexample(failure(matrix, colors), tmp_path / "drawn.png", "mine")
        assert (tmp_path / "drawn.png").stat().st_size > 3000


def test_a_picture_shows_conflicts_in_red(tmp_path: Path) -> None:
    from matplotlib.image import imread

    def red(colors: tuple[int, ...]) -> int:
        draw_counterexample(failure(multipartite(1, 1), colors), tmp_path / "a.png", "mine")
        pixels = imread(tmp_path / "a.png")[..., :3]
        return int(((pixels[..., 0] > 0.7) & (pixels[..., 1] < 0.15)).sum())

    assert red((0, 0)) > 1000
    assert red((0, 1)) == 0


def test_the_comparison_measures_regret_against_the_exact_number() -> None:
    def one_more(adjacency: Adjacency) -> list[int]:
        colors = [int(c) for c in nx.greedy_color(nx.from_numpy_array(adjacency)).values()]
        return [*range(len(colors))]

    graphs = [g for g in zoo() if 5 <= g.num_tasks <= 9][:8]
    rows = {row.name: row for row in compare_colorings(make_subject(one_more), graphs=graphs)}
    assert {"one_more", "dsatur", "smallest_last", "welsh_powell"} <= set(rows)
    mine = rows["one_more"]
    expected = [g.num_tasks - (g.chromatic or 0) for g in graphs]
    assert mine.solved == mine.known == len(graphs)
    assert mine.mean_regret == pytest.approx(np.mean(expected))
    assert mine.worst_regret == max(expected)
    assert mine.colors == sum(g.num_tasks for g in graphs)
    assert all((row.mean_regret or 0) >= 0 for row in rows.values())


def test_a_heuristic_that_fails_sometimes_is_compared_on_the_rest() -> None:
    def wrong_on_five(adjacency: Adjacency) -> range | list[int]:
        return [0] * 5 if len(adjacency) == 5 else range(len(adjacency))

    graphs = [g for g in zoo() if 4 <= g.num_tasks <= 6 and g.num_edges]
    rows = {row.name: row for row in compare_colorings(make_subject(wrong_on_five), graphs=graphs)}
    assert rows["wrong_on_five"].solved == sum(g.num_tasks != 5 for g in graphs)
    assert rows["dsatur"].solved == len(graphs)
    assert rows["dsatur"].colors < rows["wrong_on_five"].colors
