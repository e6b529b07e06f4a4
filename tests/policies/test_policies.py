"""Every policy does what it says, and its bounds hold on runs over random graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from songoku_theory import scheduler as sgk
from songoku_theory.annealing import AnnealConfig
from songoku_theory.conflict import ConflictGraph
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.schedule import update_gaps
from songoku_theory.schedule.policies import (
    Cycle,
    Policy,
    RandomGroups,
    available_policies,
    get_policy,
)

Adjacency = NDArray[np.bool_]
Run = Callable[[sgk.SchedulerConfig, Sequence[Adjacency], int], NDArray[np.bool_]]
Config = sgk.SchedulerConfig

GRAPH_POLICIES: tuple[str | Policy, ...] = tuple(
    name for name in available_policies() if get_policy(name).needs_graph
)
TRIANGLE = np.asarray([[1.0, 0.0], [-0.5, 3**0.5 / 2], [-0.5, -(3**0.5) / 2]])


def drive(config: Config, vectors: NDArray[np.float64], steps: int) -> list[tuple[int, ...]]:
    state, ran = sgk.init(config), []
    for _ in range(steps):
        ran.append(sgk.active(config, state))
        gradients = {k: vectors[k] for k in sgk.observed_tasks(config, state)}
        state = sgk.step(config, state, gradients)
    return ran


def test_names_lead_to_policies_and_a_misspelt_one_names_the_nearest() -> None:
    assert {get_policy(name).name for name in available_policies()} == set(available_policies())
    assert get_policy(policy := RandomGroups(2)) is policy
    with pytest.raises(UnknownNameError, match="Did you mean 'oldest_first'"):
        Config(num_tasks=2, policy="oldest_frist")


def test_the_default_policy_is_the_paper_s_cycle() -> None:
    assert sgk.policy_of(Config(num_tasks=3)) == Cycle()
    ran = drive(Config(num_tasks=3, refresh_period=3, tau=0.3), TRIANGLE, 9)
    assert ran == [(0, 1, 2)] * 3 + [(0,), (1,), (2,)] * 2


def test_all_tasks_run_always_and_no_gradient_is_needed() -> None:
    config = Config(num_tasks=3, refresh_period=2, policy="all_tasks")
    assert drive(config, TRIANGLE, 5) == [(0, 1, 2)] * 5
    assert not sgk.needs_gradients(config, sgk.init(config))
    assert sgk.observed_tasks(config, sgk.init(config)) == ()


def test_gradients_that_are_not_needed_may_still_be_given_but_not_in_part() -> None:
    config = Config(num_tasks=3, policy="all_tasks")
    state = sgk.observe(config, sgk.init(config), dict(enumerate(TRIANGLE)))
    assert state.averages is not None
    with pytest.raises(InvalidInputError, match=r"found \[0\]"):
        sgk.observe(config, state, {0: TRIANGLE[0]})


def test_round_robin_runs_one_task_in_turn() -> None:
    config = Config(num_tasks=3, refresh_period=2, policy="round_robin")
    assert drive(config, TRIANGLE, 7) == [(0,), (1,), (2,)] * 2 + [(0,)]


def test_sequential_runs_every_class_of_a_step_in_order() -> None:
    config = Config(num_tasks=3, refresh_period=2, tau=0.3, policy="sequential")
    state = sgk.init(config)
    seen = []
    for _ in range(4):
        seen.append(sgk.groups(config, state))
        assert sgk.active(config, state) == (0, 1, 2)
        state = sgk.step(config, state, dict(enumerate(TRIANGLE)))
    assert seen == [((0, 1, 2),)] * 2 + [((0,), (1,), (2,))] * 2


def test_static_colours_once_and_then_needs_no_gradient() -> None:
    config = Config(num_tasks=3, refresh_period=3, tau=0.3, policy="static")
    state = sgk.init(config)
    for _ in range(3):
        state = sgk.step(config, state, dict(enumerate(TRIANGLE)))
    assert state.round == 1
    assert not sgk.needs_gradients(config, state)
    for _ in range(12):
        assert not sgk.needs_refresh(config, state)
        state = sgk.step(config, state, {})
    assert state.round == 1
    assert sgk.active(config, state) == (0,)


def test_static_does_not_freeze_the_empty_graph_of_the_warm_up() -> None:
    anneal = AnnealConfig(tau_target=0.3, warm_up=4, anneal_steps=3)
    config = Config(num_tasks=3, refresh_period=2, policy="static", anneal=anneal)
    state = sgk.init(config)
    while state.round == 0:
        state = sgk.step(config, state, dict(enumerate(TRIANGLE)))
    assert state.step == 8  # tau is 0.3 from step 7 on; the next multiple of R is 8
    assert state.tau == 0.3


def test_single_step_uses_the_latest_gradient_alone() -> None:
    config = Config(num_tasks=2, refresh_period=2, beta=0.9, policy="single_step")
    assert config.beta == 0.0
    state = sgk.init(config)
    for vectors in ([[1.0, 0.0], [-1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]):
        state = sgk.observe(config, state, dict(enumerate(vectors)))
    assert sgk.smoothed_gradients(config, state).tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_random_groups_are_a_function_of_seed_and_round() -> None:
    def partitions(seed: int) -> list[tuple[tuple[int, ...], ...]]:
        policy = RandomGroups(num_groups=3, seed=seed)
        return [policy.schedule(None, 8, r).slots for r in range(5)]

    assert partitions(1) == partitions(1)
    assert partitions(1) != partitions(2)
    assert len(set(partitions(1))) > 1
    for slots in partitions(1):
        assert sorted(k for slot in slots for k in slot) == list(range(8))
        assert sorted(len(slot) for slot in slots) == [2, 3, 3]


def test_random_groups_of_the_colours_sizes_differ_only_in_their_members() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(9, 4))
    plain = Config(num_tasks=9, refresh_period=1, tau=0.1)
    mixed = replace(plain, policy=RandomGroups(seed=4))
    gradients = dict(enumerate(vectors))
    expected = sgk.step(plain, sgk.init(plain), gradients)
    found = sgk.step(mixed, sgk.init(mixed), gradients)
    assert [len(s) for s in found.schedule.slots] == [len(s) for s in expected.schedule.slots]
    assert sorted(k for s in found.schedule.slots for k in s) == list(range(9))
    assert found.schedule.slots != expected.schedule.slots


def test_random_groups_without_a_graph_are_drawn_anew_at_each_refresh() -> None:
    config = Config(num_tasks=6, refresh_period=3, policy=RandomGroups(num_groups=3, seed=5))
    ran = drive(config, np.zeros((6, 1)), 12)
    windows = [ran[i : i + 3] for i in range(0, 12, 3)]
    assert all(sorted(k for s in window for k in s) == list(range(6)) for window in windows)
    assert len({tuple(sorted(window)) for window in windows}) > 1


@pytest.mark.parametrize(
    "settings",
    [
        {"policy": "oldest_first", "phase": "carried"},
        {"policy": "oldest_first", "min_coverage": 0.5},
        {"policy": "all_tasks", "short_window": "extend"},
        {"policy": "sequential", "phase": "restart"},
        {"policy": "round_robin", "min_coverage": 0.1},
        {"policy": "all_tasks", "probe": "required"},
        {"policy": RandomGroups(num_groups=9)},
    ],
)
def test_an_option_without_meaning_for_the_policy_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        Config(num_tasks=3, **settings)


def test_a_random_group_s_settings_are_checked() -> None:
    with pytest.raises(InvalidInputError, match="num_groups"):
        RandomGroups(num_groups=0)
    with pytest.raises(InvalidInputError, match="seed"):
        RandomGroups(seed=-1)


@pytest.mark.parametrize("excluded", ["first_class", "own_class"])
def test_oldest_first_puts_tasks_without_direction_where_the_option_says(
    excluded: sgk.Excluded,
) -> None:
    config = Config(
        num_tasks=3, refresh_period=1, tau=0.2, policy="oldest_first", excluded=excluded
    )
    vectors = np.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    ran = drive(config, vectors, 4)[1:]
    if excluded == "first_class":
        assert all(2 in tasks for tasks in ran)
    else:
        assert (2,) in ran
        assert all(tasks == (2,) or 2 not in tasks for tasks in ran)


def test_oldest_first_skips_tasks_without_direction_if_asked() -> None:
    config = Config(
        num_tasks=3, refresh_period=1, policy="oldest_first", excluded="skip", observe_tasks="all"
    )
    vectors = np.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    state = sgk.init(config)
    for _ in range(3):
        state = sgk.step(config, state, dict(enumerate(vectors)))
        assert 2 not in sgk.active(config, state)
    bound = sgk.policy_of(config).gap_within(sgk.situation(config, state))
    assert bound.tolist() == [2.0, 2.0, np.inf]
    assert sgk.guaranteed_gap(config) == np.inf


@st.composite
def runs(draw: st.DrawFn) -> tuple[Config, list[Adjacency]]:
    size = draw(st.integers(1, 8))
    name = draw(st.sampled_from([*GRAPH_POLICIES]))
    options: dict[str, Any] = {}
    if "phase" in get_policy(name).options:
        options["phase"] = draw(st.sampled_from(["global", "restart", "carried"]))
        options["short_window"] = draw(st.sampled_from(["truncate", "extend"]))
    config = Config(num_tasks=size, refresh_period=draw(st.integers(1, 10)), policy=name, **options)
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    graphs = []
    for _ in range(4):
        upper = np.triu(rng.random((size, size)) < draw(st.sampled_from([0.2, 0.6, 1.0])), 1)
        graphs.append(upper | upper.T)
    return config, graphs


@given(runs())
def test_every_bound_a_policy_states_holds(case: tuple[Config, list[Adjacency]]) -> None:
    """Gaps inside windows, over each refresh, and over the whole run."""
    config, graphs = case
    policy, size = sgk.policy_of(config), config.num_tasks
    state, given_graphs = sgk.init(config), iter(graphs)
    windows = [sgk.situation(config, state)]
    turn_window: dict[int, int] = {}
    turn_step: dict[int, int] = {}
    always = sgk.guaranteed_gap(config)
    for t in range(4 * max(config.refresh_period, size) + 12):
        for k in sgk.active(config, state):
            if k in turn_step:
                gap = t - turn_step[k]
                assert gap <= always
                before, now = turn_window[k], len(windows) - 1
                if before == now:
                    assert gap <= policy.gap_within(windows[now])[k]
                elif before == now - 1:
                    assert gap <= policy.gap_across(windows[before], windows[now])[k]
                else:  # only where no window promises to reach the task
                    for i in range(before, now):
                        assert (
                            gap
                            <= max(policy.gap_across(windows[i], windows[i + 1])[k], float(size))
                            or policy.gap_across(windows[i], windows[i + 1])[k] == np.inf
                        )
            turn_step[k], turn_window[k] = t, len(windows) - 1
        state = sgk.advance(config, state)
        if sgk.needs_refresh(config, state):
            adjacency = next(given_graphs, graphs[-1])
            graph = ConflictGraph(adjacency, np.ones(size, dtype=np.bool_), 0.2)
            state = sgk.adopt_graph(config, state, graph)
            windows.append(sgk.situation(config, state))
    if always < np.inf:
        assert len(turn_step) == size, "a task never had a turn"


def test_every_policy_says_what_it_promises() -> None:
    for name in available_policies():
        assert "gap" in get_policy(name).promise
    assert sgk.guaranteed_gap(Config(num_tasks=6, policy="all_tasks")) == 1
    assert sgk.guaranteed_gap(Config(num_tasks=6, policy="sequential")) == 1
    assert sgk.guaranteed_gap(Config(num_tasks=6, policy="round_robin")) == 6
    assert sgk.guaranteed_gap(Config(num_tasks=6, policy="static")) == 6
    assert sgk.guaranteed_gap(Config(num_tasks=6, policy="cycle", refresh_period=5)) == np.inf
    extended = Config(num_tasks=6, policy="cycle", refresh_period=5, short_window="extend")
    assert sgk.guaranteed_gap(extended) == 11


def test_a_cycle_of_k_classes_attains_its_bound_over_a_refresh(run_on_graphs: Run) -> None:
    """The bound m_old + m_new - 1 is not just valid: two orders of a clique attain it."""
    size = 4
    full = ~np.eye(size, dtype=np.bool_)
    config = Config(num_tasks=size, refresh_period=6, phase="restart")
    active = run_on_graphs(config, [full] * 5, 24)
    longest = int(update_gaps(active[6:]).max_gap.max())
    assert size < longest <= 2 * size - 1
