"""Gaps of a run against their bounds, on schedules whose gaps are known or brute-forced."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulations.training.gaps import Window, check_gaps
from songoku_theory.schedule import activation_of_run, periodic_schedule, update_gaps


def windows_of(colorings, period, steps):
    return [
        Window(k * period, min((k + 1) * period, steps), tuple(colors), max(colors))
        for k, colors in enumerate(colorings)
    ]


def run_of(colorings, period, steps, phase):
    schedules = [periodic_schedule(colors) for colors in colorings]
    return activation_of_run(schedules, period, phase)[:steps]


def test_one_graph_for_ever_keeps_proposition_8():
    active = run_of([(0, 1, 2)], 12, 12, "global")
    found = check_gaps(active, windows_of([(0, 1, 2)], 12, 12))
    assert (found.largest_within, found.within_bound, found.windows_held) == (3, 3, 1)
    assert found.bounds == found.largest == (3, 3, 3)
    assert found.held
    assert found.beyond_cycle == 0


def test_a_gap_across_a_refresh_can_be_longer_than_every_cycle():
    # Task 1 runs at step 1, is then moved to the front of a cycle that stands at its end.
    colorings, period = [(0, 1), (1, 0)], 3
    active = run_of(colorings, period, 6, "global")
    found = check_gaps(active, windows_of(colorings, period, 6))
    assert found.largest == tuple(update_gaps(active).max_gap)
    assert max(found.largest) == 3
    assert found.longest_cycle == 2
    assert found.beyond_cycle == 1
    assert found.windows_held == 2
    assert found.held
    assert found.bounds == (3, 3)


def test_a_gap_that_the_longer_cycle_on_either_side_explains_is_not_counted():
    for colorings in ([(0, 0, 0), (0, 1, 2)], [(0, 1, 2), (0, 0, 0)]):
        active = run_of(colorings, 6, 12, "restart")
        found = check_gaps(active, windows_of(colorings, 6, 12), "restart")
        assert max(found.largest) == 3
        assert found.beyond_cycle == 0


def test_a_window_shorter_than_its_cycle_has_no_bound():
    colorings = [(0, 1, 2)] * 3
    active = run_of(colorings, 2, 6, "restart")
    found = check_gaps(active, windows_of(colorings, 2, 6), "restart")
    assert found.bounds is None
    assert found.held is None


def test_a_broken_bound_is_seen():
    active = np.array([[1, 1], [1, 0], [1, 0], [1, 1]], dtype=bool)
    found = check_gaps(active, [Window(0, 4, (0, 1), 1)])
    assert found.windows_held == 0
    assert found.held is False


def test_a_gap_across_a_refresh_beyond_its_bound_is_seen():
    active = np.array([[1], [0], [0], [1]], dtype=bool)
    found = check_gaps(active, [Window(0, 2, (0,), 0), Window(2, 4, (0,), 0)])
    assert found.windows_held == 2
    assert found.held is False


@st.composite
def runs(draw):
    tasks = draw(st.integers(1, 5))
    coloring = st.lists(st.integers(0, 3), min_size=tasks, max_size=tasks).map(
        lambda colors: tuple(sorted(set(colors)).index(c) for c in colors)
    )
    colorings = draw(st.lists(coloring, min_size=1, max_size=5))
    period = draw(st.integers(4, 9))  # at most four classes
    last = draw(st.integers(1, period))
    steps = period * (len(colorings) - 1) + last
    return colorings, period, steps, draw(st.sampled_from(["global", "restart", "carried"]))


@given(runs())
def test_the_bounds_hold_for_every_run_of_the_paper_s_cycle(run):
    colorings, period, steps, phase = run
    active = run_of(colorings, period, steps, phase)
    found = check_gaps(active, windows_of(colorings, period, steps), phase)
    assert found.held
    cycles = [max(colors) + 1 for colors in colorings]
    either_side = [a + b - 1 for a, b in pairwise(cycles)]
    assert max(found.bounds) <= max([*cycles, *either_side])
