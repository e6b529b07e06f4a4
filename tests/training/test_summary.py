"""The summary is made from the rows alone, and says what they say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from simulations.training.summary import summarise
from simulations.training.text import summary_text
from simulations.training.traced import traced_run


@pytest.fixture(scope="module")
def summary(small_rows):
    return summarise(small_rows, 45)


def test_it_does_not_depend_on_the_order_of_the_rows(small_rows, summary):
    shuffled = [small_rows[k] for k in np.random.default_rng(0).permutation(len(small_rows))]
    assert summarise(shuffled, 45) == summary


def test_rounds_hold_classes_and_conflicts(small_rows, summary):
    assert [one.step for one in summary.rounds] == [0, 10, 20, 30, 40]
    assert summary.rounds[0].classes == ((0, 1, 2, 3, 4, 5),)
    for one in summary.refreshes:
        assert sorted(i for members in one.classes for i in members) == list(range(6))
        assert one.conflicts == tuple(p for p, c in sorted(one.cosines.items()) if c < -0.05)
        degree = [sum(k in pair for pair in one.conflicts) for k in range(6)]
        assert one.max_degree == max(degree)
        assert len(one.classes) <= one.max_degree + 1


def test_tasks_hold_their_own_numbers(small_rows, summary):
    for i, task in enumerate(summary.tasks):
        for kind, value in (
            ("metric", task.test),
            ("train_metric", task.train),
            ("chance", task.chance),
            ("updates", task.updates),
        ):
            (row,) = [r for r in small_rows if r["kind"] == kind and r["i"] == i]
            assert row["value"] == value


def test_the_text_names_tasks_data_gaps_and_verdict(summary, small_options):
    text = summary_text(summary, small_options)
    assert "scikit-learn's digits" in text
    assert "[EXACT]" in text
    for task in summary.tasks:
        line = next(line for line in text.splitlines() if line.strip().startswith(task.name))
        assert f"{task.test:.3f}" in line
        assert "held" in line
    assert re.search(r"4 refreshes: \d", text)
    assert "held in 5 of 5 windows" in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_text_says_broken_when_a_gap_is_too_long(summary, small_options):
    broken = replace(summary, gaps=replace(summary.gaps, largest=(99,) * 6))
    text = summary_text(broken, small_options)
    assert text.count("BROKEN") == 7  # each task, and the verdict
    assert "held for every task" not in text


def test_a_run_without_a_refresh_and_one_without_a_bound_say_so(small_options):
    seed = np.random.SeedSequence(0)
    short = replace(small_options, steps=3)
    text = summary_text(summarise(traced_run(short, seed), 3), short)
    assert "No refresh" in text
    crowded = replace(small_options, steps=12, refresh_period=1, tau=0.0)
    text = summary_text(summarise(traced_run(crowded, seed), 12), crowded)
    assert "no bound" in text
    assert "BROKEN" not in text
