"""The picture of a real run: which refresh is shown, and that colours only rename classes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper_figures._trace_rows import Round, aligned_classes, read_run
from paper_figures.engine.source_rows import MissingRowsError
from songoku_theory.errors import InvalidInputError


def _ruled(colors: list[int]) -> Round:
    return Round(0, 0, 0.1, np.array(colors), None, None)


def _partition(colors: list[int]) -> set[frozenset[int]]:
    return {frozenset(i for i, c in enumerate(colors) if c == name) for name in set(colors)}


_COLORINGS = st.integers(1, 6).flatmap(
    lambda tasks: st.lists(
        st.lists(st.integers(0, 5), min_size=tasks, max_size=tasks), min_size=1, max_size=6
    )
)


@given(_COLORINGS)
def test_aligning_renames_classes_and_moves_no_task(colorings: list[list[int]]) -> None:
    rounds = tuple(_ruled(colors) for colors in colorings)
    for colors, aligned in zip(colorings, aligned_classes(rounds), strict=True):
        assert _partition(aligned.tolist()) == _partition(colors)


@given(_COLORINGS, st.permutations(range(6)))
def test_a_grouping_that_stays_keeps_its_names(
    colorings: list[list[int]], renamed: list[int]
) -> None:
    first = colorings[0]
    again = [renamed[color] for color in first]
    one, two = aligned_classes((_ruled(first), _ruled(again)))
    assert one.tolist() == two.tolist()


def test_a_run_is_read_whole(rows: dict[str, pl.DataFrame]) -> None:
    run = read_run(rows["trace"])
    assert run.tasks == ("upright", "turned", "mixed")
    assert [ruled.first_step for ruled in run.rounds] == [0, 2, 4]
    assert [ruled.conflicts for ruled in run.rounds] == [0, 1, 2]
    assert run.rounds[0].cosines is None
    assert run.data == "three made-up tasks, SYNTH"
    for ruled in run.rounds[1:]:
        assert ruled.cosines is not None
        assert ruled.edges is not None
        np.testing.assert_array_equal(ruled.cosines, ruled.cosines.T)
        expected = (ruled.cosines < -ruled.tau) & ~np.eye(3, dtype=bool)
        np.testing.assert_array_equal(ruled.edges, expected)


def test_of_several_runs_the_smallest_seed_is_shown(rows: dict[str, pl.DataFrame]) -> None:
    trace = rows["trace"]
    other = trace.with_columns(pl.lit("0" * 32).alias("key"), pl.lit(5).alias("seed"))
    both = pl.concat([other, trace.cast(other.schema)])
    assert read_run(both).key == trace["key"][0]


def test_a_run_without_a_refresh_names_the_command(rows: dict[str, pl.DataFrame]) -> None:
    started = rows["trace"].filter(pl.col("refresh") < 1)
    with pytest.raises(MissingRowsError, match="songoku trace"):
        read_run(started)


def test_rows_that_contradict_each_other_are_refused(rows: dict[str, pl.DataFrame]) -> None:
    trace = rows["trace"]
    unnamed = trace.filter((pl.col("kind") != "task_name") | (pl.col("i") != 1))
    with pytest.raises(InvalidInputError, match="one name for each task"):
        read_run(unnamed)
    unclassed = trace.filter((pl.col("kind") != "class") | (pl.col("i") != 2))
    with pytest.raises(InvalidInputError, match="refresh 0: expected a class for each of 3"):
        read_run(unclassed)
