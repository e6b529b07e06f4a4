"""Runs without gradients are the scheduler's runs; every gap is counted once, beside its bound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulations.experiments.staleness import EXPERIMENT
from simulations.staleness import GraphModel, graph_source, play, tally_gaps
from simulations.staleness.play import History, first_turn
from simulations.sweep.cell import make_cell
from songoku_theory import scheduler as sgk
from songoku_theory.conflict import ConflictGraph
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.schedule import update_gaps
from songoku_theory.schedule.policies import (
    Cycle,
    OldestFirst,
    Policy,
    RandomGroups,
    available_policies,
    get_policy,
)

POLICIES = available_policies()
Graph = NDArray[np.bool_]


def recorded(policy: Policy, model: GraphModel, seed: int, **options) -> tuple[History, list]:
    """Give a run on redrawn graphs, and the graphs that it was given."""
    graphs: list[Graph] = []
    source = graph_source("redrawn", model, 0.0, policy, np.random.default_rng(seed))

    def noted(before, opens):
        graphs.append(source(before, opens))
        return graphs[-1]

    return play(policy, noted, num_tasks=model.num_tasks, **options), graphs


def by_scheduler(config: sgk.SchedulerConfig, graphs: list[Graph], steps: int) -> Graph:
    state, given_ = sgk.init(config), iter(graphs)
    active = np.zeros((steps, config.num_tasks), dtype=np.bool_)
    for t in range(steps):
        active[t, list(sgk.active(config, state))] = True
        state = sgk.advance(config, state)
        if sgk.needs_refresh(config, state) and t < steps - 1:
            graph = next(given_, np.zeros((config.num_tasks, config.num_tasks), dtype=np.bool_))
            everyone = np.ones(config.num_tasks, dtype=np.bool_)
            state = sgk.adopt_graph(config, state, ConflictGraph(graph, everyone, 0.2))
    return active


@given(
    st.sampled_from(POLICIES),
    st.integers(1, 7),
    st.integers(1, 6),
    st.sampled_from(["global", "restart", "carried"]),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_a_run_is_the_schedulers_run(
    name: str, num_tasks: int, period: int, phase: str, extend: bool, seed: int
) -> None:
    policy = RandomGroups(seed=seed % 1000) if name == "random_groups" else get_policy(name)
    phase = phase if "phase" in policy.options else "global"
    extend = extend and "short_window" in policy.options and policy.refreshes == "periodic"
    history, graphs = recorded(
        policy, GraphModel("random", num_tasks, 0.5), seed,
        refresh_period=period, rounds=4, phase=phase, extend=extend,
    )  # fmt: skip
    config = sgk.SchedulerConfig(
        num_tasks=num_tasks, refresh_period=period, policy=policy, phase=phase,  # type: ignore[arg-type]
        short_window="extend" if extend else "truncate",
    )  # fmt: skip
    expected = by_scheduler(config, graphs, history.active.shape[0])
    assert np.array_equal(history.active, expected)
    edges = [window.start for window in history.windows] + [history.windows[-1].stop]
    assert edges == sorted(set(edges))
    assert edges[-1] == history.active.shape[0]


@given(st.sampled_from(POLICIES), st.integers(1, 8), st.integers(0, 2**32))
def test_gaps_are_counted_once_and_keep_their_bounds(name: str, period: int, seed: int) -> None:
    policy = get_policy(name)
    model = GraphModel("random", 6, 0.5)
    history, _ = recorded(policy, model, seed, refresh_period=period, rounds=5)
    found = tally_gaps(history, policy, policy.gap_always(6, period))
    report = update_gaps(history.active)
    lengths = sorted(gap for (_, gap), count in found.gaps.items() for _ in range(count))
    warm_up = 0
    if len(history.windows) > 1:
        warm_up = (update_gaps(history.active[:period]).counts - 1).clip(0).sum()
    every = sorted(gap for gaps in report.gaps for gap in gaps)
    # what is left out are the warm-up's gaps, all 1 where all tasks run
    assert sum(every) - sum(lengths) >= warm_up
    assert len(every) - len(lengths) == warm_up
    assert found.over_bound.total() == 0
    assert found.longest_wait == report.longest_wait.max()
    later = history.active[history.windows[min(1, len(history.windows) - 1)].start :]
    assert found.starved == tuple(np.flatnonzero(~later.any(axis=0)))


def test_a_gap_above_its_bound_is_found() -> None:
    """A policy that promises less than it waits is caught, gap by gap."""

    class Boastful(Cycle):
        def gap_within(self, situation):
            return super().gap_within(situation) - 1.0

    policy = Boastful()
    model = GraphModel("multipartite", 6, num_groups=3)
    history, _ = recorded(policy, model, 0, refresh_period=9, rounds=4)
    found = tally_gaps(history, policy, float("inf"))
    within = sum(count for (kind, _), count in found.gaps.items() if kind == "within")
    assert within == 4 * 6 * 2
    assert sum(n for (kind, _), n in found.over_bound.items() if kind == "within") == within


def test_windows_without_a_turn_are_exactly_the_classes_that_do_not_fit() -> None:
    for period in range(1, 6):
        cell = make_cell(
            EXPERIMENT,
            {"model": "multipartite", "num_groups": 6, "refresh_period": period, "runs": 3},
        )
        row = EXPERIMENT.run(cell.params, cell.seed())[-1]
        assert row["misses"] * 6 == row["chances"] * (6 - period)


@pytest.mark.parametrize("phase", ["global", "restart", "carried"])
def test_the_adversary_starves_the_cycle_below_r_equals_m_and_nobody_else(phase: str) -> None:
    """n = 5 runs a cell; the adversary tries every place, so it does not depend on luck."""
    base = {"model": "multipartite", "num_groups": 4, "rounds": 10, "runs": 5}
    base |= {"sequence": "adversarial"}

    def starved(**more: object) -> int:
        cell = make_cell(EXPERIMENT, {**base, **more})
        return EXPERIMENT.run(cell.params, cell.seed())[-1]["starved_runs"]

    for period in range(1, 4):
        assert starved(refresh_period=period, phase=phase) == 5
        assert starved(refresh_period=period, phase=phase, short_window="extend") == 0
        assert starved(refresh_period=period, policy="oldest_first") == 0
    assert starved(refresh_period=4, phase=phase) == 0


@given(st.integers(1, 6), st.integers(0, 2**32), st.sampled_from(["global", "restart", "carried"]))
def test_the_short_way_to_a_first_turn_is_the_long_way(period: int, seed: int, phase: str) -> None:
    model = GraphModel("random", 6, 0.5)
    history, _ = recorded(Cycle(), model, seed, refresh_period=period, rounds=5, phase=phase)
    for window in history.windows:
        for task in range(6):
            steps = window.stop - window.start
            turns = np.flatnonzero(history.active[window.start : window.stop, task])
            expected = int(turns[0]) if turns.size else steps
            assert first_turn(Cycle(), window.situation, task, steps) == expected


def test_graphs_are_what_their_model_says() -> None:
    rng = np.random.default_rng(1)
    model = GraphModel("multipartite", 12, num_groups=3)
    policy = OldestFirst()
    for sequence in ("static", "redrawn", "drifting"):
        source = graph_source(sequence, model, 0.3, policy, rng)
        graphs = [source(None, None) for _ in range(6)]  # type: ignore[arg-type]
        assert all((graph.sum(axis=1) == 8).all() for graph in graphs)
        same = [np.array_equal(a, b) for a, b in pairwise(graphs)]
        assert all(same) == (sequence == "static")
    still = graph_source("drifting", GraphModel("random", 9, 0.4), 0.0, policy, rng)
    assert np.array_equal(still(None, None), still(None, None))  # type: ignore[arg-type]


def test_what_can_not_be_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="should divide num_tasks"):
        EXPERIMENT.check(make_cell(EXPERIMENT, {"model": "multipartite", "num_groups": 5}).params)
    with pytest.raises(InvalidInputError, match="no meaning for policy 'oldest_first'"):
        EXPERIMENT.check(
            make_cell(EXPERIMENT, {"policy": "oldest_first", "phase": "restart"}).params
        )
    with pytest.raises(UnknownNameError, match="Did you mean 'drifting'"):
        graph_source("drift", GraphModel("random", 2), 0, Cycle(), np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="at least 1"):
        play(Cycle(), lambda *_: None, num_tasks=2, refresh_period=1, rounds=0)  # type: ignore[arg-type]
