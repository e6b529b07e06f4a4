"""Schedules, minimum coverage, gaps within and across refreshes, annealing."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from songoku_theory.annealing import AnnealConfig, tau_at
from songoku_theory.coloring import color
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.schedule import (
    Schedule,
    activation_matrix,
    activation_of_run,
    active_set,
    gap_across,
    periodic_schedule,
    update_gaps,
    with_minimum_coverage,
    worst_gap_across,
    worst_gap_within,
)

Adjacency = NDArray[np.bool_]
colorings = st.lists(st.integers(0, 4), min_size=1, max_size=8).map(
    lambda values: [sorted(set(values)).index(v) for v in values]
)


@given(colorings)
def test_one_period_updates_every_task_once_the_last_class_included(colors: list[int]) -> None:
    schedule = periodic_schedule(colors)
    active = activation_matrix(schedule, schedule.period)
    assert (active.sum(axis=0) == 1).all()
    for t in range(2 * schedule.period):
        assert active_set(schedule, t) == tuple(
            k for k, c in enumerate(colors) if c == t % schedule.period
        )


@given(data=st.data())
def test_conflicting_tasks_never_run_together(
    data: st.DataObject, graphs: Callable[..., st.SearchStrategy[Adjacency]]
) -> None:
    adjacency = data.draw(graphs())
    active = activation_matrix(periodic_schedule(color(adjacency)), 12)
    together = active.T.astype(int) @ active.astype(int)
    assert not (adjacency & (together > 0)).any()


@given(data=st.data())
def test_a_static_cycle_keeps_every_gap_at_its_number_of_colors(
    data: st.DataObject, graphs: Callable[..., st.SearchStrategy[Adjacency]]
) -> None:
    adjacency = data.draw(graphs())
    schedule = periodic_schedule(color(adjacency))
    report = update_gaps(activation_matrix(schedule, 5 * schedule.period))
    assert set(report.max_gap.tolist()) == {schedule.period}
    assert schedule.period <= int(adjacency.sum(axis=1).max()) + 1
    assert worst_gap_within(schedule).tolist() == report.max_gap.tolist()


@given(
    st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=25),
)
def test_gap_reports_match_a_naive_walk(rows: list[list[bool]]) -> None:
    report = update_gaps(rows)
    for task in range(3):
        times = [t for t, row in enumerate(rows) if row[task]]
        assert report.gaps[task] == tuple(b - a for a, b in pairwise(times))
        waits, run = [0], 0
        for row in rows:
            run = 0 if row[task] else run + 1
            waits.append(run)
        assert report.longest_wait[task] == max(waits)
        assert (task in report.starved) == (not times)


schedules = st.integers(1, 4).flatmap(
    lambda m: st.permutations(list(range(5))).map(
        lambda order: Schedule(
            tuple(tuple(order[i] for i in range(5) if i % m == s) for s in range(m)), 5
        )
    )
)


@given(schedules, schedules, st.integers(0, 30), st.sampled_from(["global", "restart", "carried"]))
def test_gaps_across_a_refresh_are_those_of_the_simulated_run(
    old: Schedule, new: Schedule, extra: int, phase: str
) -> None:
    window = max(old.period, new.period) + extra % 7
    active = activation_of_run([old, new], window, phase)  # type: ignore[arg-type]
    last_slot = (window - 1) % old.period
    first = {"global": window % new.period, "restart": 0}.get(
        phase, window % old.period % new.period
    )
    expected = gap_across(old, new, last_slot, first)
    for task in range(5):
        before = np.flatnonzero(active[:window, task]).max()
        after = window + np.flatnonzero(active[window:, task]).min()
        assert expected[task] == after - before
    assert (expected <= worst_gap_across(old, new, phase)).all()  # type: ignore[arg-type]
    assert (expected <= old.period + new.period - 1).all()


def test_the_bound_across_a_refresh_is_attained() -> None:
    old = Schedule(((0,), (1,), (2,)), 3)
    new = Schedule(((1,), (2,), (0,)), 3)
    assert gap_across(old, new, last_slot=2, first_slot=0).max() == 3 + 3 - 1


def test_restarting_the_cycle_starves_late_classes_and_carrying_it_does_not() -> None:
    three = periodic_schedule([0, 1, 2])
    restart = activation_of_run([three] * 6, 2, "restart")
    assert update_gaps(restart).starved == (2,)
    for phase in ("carried", "global"):
        report = update_gaps(activation_of_run([three] * 6, 2, phase))  # type: ignore[arg-type]
        assert report.starved == ()
        assert report.max_gap.tolist() == [3, 3, 3]


def test_the_global_phase_jumps_when_the_number_of_classes_changes_and_carried_does_not() -> None:
    two, three = periodic_schedule([0, 1, 0]), periodic_schedule([0, 1, 2])
    # The second window starts at t = 4: 4 mod 3 = 1, while slot 1 was the last of the two.
    jump = activation_of_run([two, three], 4, "global")
    carried = activation_of_run([two, three], 4, "carried")
    assert jump[4].tolist() == [False, True, False]
    assert carried[4].tolist() == [True, False, False]


@given(data=st.data(), f_min=st.floats(0, 1), eligible=st.sampled_from(["all", "singletons"]))
def test_minimum_coverage_never_creates_a_conflict_and_is_met_or_reported(
    data: st.DataObject,
    f_min: float,
    eligible: str,
    graphs: Callable[..., st.SearchStrategy[Adjacency]],
) -> None:
    adjacency = data.draw(graphs(7))
    schedule = periodic_schedule(color(adjacency))
    result = with_minimum_coverage(schedule, adjacency, f_min, eligible)  # type: ignore[arg-type]
    singles = {slot[0] for slot in schedule.slots if len(slot) == 1}
    for slot, before in zip(result.schedule.slots, schedule.slots, strict=True):
        assert not adjacency[np.ix_(slot, slot)].any()
        assert set(before) <= set(slot)
        assert eligible == "all" or set(slot) - set(before) <= singles
    for task in range(len(adjacency)):
        frequency = result.frequencies[task]
        if task in result.unmet:
            # nothing more could be done: every other slot holds a conflict
            assert frequency < f_min
            for slot in result.schedule.slots:
                assert task in slot or adjacency[task, list(slot)].any()
        elif eligible == "all" or task in singles:
            assert frequency >= f_min - 1e-9


def test_two_duplicated_tasks_that_conflict_do_not_share_a_slot() -> None:
    # 0 is compatible with 1 and 2, which conflict: both may join slot (0,), but not together.
    adjacency = np.asarray([[0, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=bool)
    schedule = Schedule(((0,), (1,), (2,)), 3)
    result = with_minimum_coverage(schedule, adjacency, 2 / 3)
    assert result.schedule.slots == ((0, 1), (0, 1), (2,))
    assert result.unmet == (2,)


@pytest.mark.parametrize("f_min", [-0.1, 1.1, float("nan")])
def test_a_share_outside_its_range_is_refused(f_min: float) -> None:
    with pytest.raises(InvalidInputError, match="f_min"):
        with_minimum_coverage(periodic_schedule([0]), [[0]], f_min)


def test_a_schedule_that_holds_a_conflict_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="slot 0 of the schedule holds a conflict"):
        with_minimum_coverage(Schedule(((0, 1),), 2), [[0, 1], [1, 0]], 0.5)


@pytest.mark.parametrize(
    ("slots", "fault"),
    [((), "at least one slot"), (((),), "no task"), (((0, 0),), "repeats"), (((2,),), "outside")],
)
def test_a_broken_schedule_is_refused(slots: tuple[tuple[int, ...], ...], fault: str) -> None:
    with pytest.raises(InvalidInputError, match=fault):
        Schedule(slots, 2)


def test_a_task_without_a_slot_has_no_bounded_gap() -> None:
    with pytest.raises(InvalidInputError, match="task 1 stands in no slot"):
        worst_gap_within(Schedule(((0,),), 2))


def test_an_unknown_phase_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'carried'"):
        activation_of_run([periodic_schedule([0])], 2, "carry")  # type: ignore[arg-type]


@pytest.mark.parametrize("active", [[], [[]], [1, 0], [[2, 0]], [[0.5, 1.0]]])
def test_activations_of_another_shape_are_refused(active: object) -> None:
    with pytest.raises(InvalidInputError, match="active"):
        update_gaps(active)  # type: ignore[arg-type]


@given(
    st.floats(0.01, 1),
    st.integers(0, 20),
    st.integers(0, 40),
    st.sampled_from(["log_time", "geometric"]),
)
def test_annealing_starts_at_one_never_rises_and_ends_at_its_target(
    target: float, warm_up: int, steps: int, shape: str
) -> None:
    config = AnnealConfig(target, warm_up, steps, shape)  # type: ignore[arg-type]
    values = [tau_at(t, config) for t in range(warm_up + steps + 3)]
    assert values[:warm_up] == [1.0] * warm_up
    assert all(a >= b - 1e-12 for a, b in pairwise(values))
    assert values[warm_up + steps :] == [target] * 3
    assert all(target - 1e-12 <= v <= 1 for v in values)


def test_both_anneals_are_logarithmic_in_their_own_sense() -> None:
    log_time = AnnealConfig(0.0, 0, 100)
    falls = [1 - tau_at(2**k - 1, log_time) for k in range(7)]
    np.testing.assert_allclose(np.diff(falls), math.log(2) / math.log(101))
    geometric = AnnealConfig(0.01, 0, 100, "geometric")
    logs = [math.log(tau_at(t, geometric)) for t in range(100)]
    np.testing.assert_allclose(np.diff(logs), math.log(0.01) / 100)


def test_bad_anneals_are_refused() -> None:
    for arguments in ((1.5,), (0.2, -1), (0.2, 0, -1), (0.2, 0.5), (0.0, 0, 10, "geometric")):
        with pytest.raises(InvalidInputError):
            AnnealConfig(*arguments)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="log_time"):
        AnnealConfig(0.2, 0, 0, "log")  # type: ignore[arg-type]


def test_exhaustive_small_cycles_meet_the_bound_across_refreshes_exactly() -> None:
    """All pairs of one-slot-a-task cycles with up to 3 slots: the worst gap is attained."""
    for m_old, m_new in product((1, 2, 3), repeat=2):
        worst = 0
        for old_colors in product(range(m_old), repeat=3):
            for new_colors in product(range(m_new), repeat=3):
                if len(set(old_colors)) == m_old and len(set(new_colors)) == m_new:
                    old, new = periodic_schedule(old_colors), periodic_schedule(new_colors)
                    worst = max(worst, int(worst_gap_across(old, new, "global").max()))
        assert worst == m_old + m_new - 1
