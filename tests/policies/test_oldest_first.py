"""Oldest first: who runs, and the three gap guarantees, exhaustively on small graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from songoku_theory import scheduler as sgk
from songoku_theory.conflict import ConflictGraph
from songoku_theory.schedule import Schedule, update_gaps
from songoku_theory.schedule.policies import OldestFirst, Situation, greedy_independent_set

Adjacency = NDArray[np.bool_]
Graphs = Callable[[int], list[Adjacency]]
Run = Callable[[sgk.SchedulerConfig, Sequence[Adjacency], int], NDArray[np.bool_]]

POLICY = OldestFirst()


def simulate(
    graphs: Sequence[Adjacency], last_turn: Sequence[int], steps_of: Sequence[int]
) -> list[list[int]]:
    """Turns of each task: graph i is in force for steps_of[i] steps, from given last turns."""
    size = graphs[0].shape[0]
    last = np.asarray(last_turn, dtype=np.int64)
    turns: list[list[int]] = [[int(t)] for t in last]
    t = 0
    for graph, steps in zip(graphs, steps_of, strict=True):
        for _ in range(steps):
            (group,) = POLICY.groups(at(graph, last, t, size))
            last[list(group)] = t
            for k in group:
                turns[k].append(t)
            t += 1
    return turns


def at(graph: Adjacency, last: NDArray[np.int64], step: int, size: int) -> Situation:
    everyone = Schedule((tuple(range(size)),), size)
    runnable = np.ones(size, dtype=np.bool_)
    return Situation(step, 0, 0, "global", everyone, graph, runnable, last, 1)


def gaps(turns: list[int], start: int, stop: int) -> list[int]:
    """Gaps between turns, with the time that is left until `stop` as an unfinished one."""
    inside = [t for t in turns if t >= start]
    return [b - a for a, b in zip(inside, [*inside[1:], stop], strict=True)]


def test_the_oldest_task_runs_and_ties_go_to_the_lower_index() -> None:
    path = np.asarray([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.bool_)
    assert POLICY.groups(at(path, np.asarray([3, 1, 3]), 4, 3)) == ((1,),)
    assert POLICY.groups(at(path, np.asarray([1, 1, 1]), 4, 3)) == ((0, 2),)
    assert POLICY.groups(at(path, np.asarray([2, 1, 0]), 4, 3)) == ((0, 2),)


def test_the_independent_set_takes_only_nodes_that_are_named() -> None:
    empty = np.zeros((4, 4), dtype=np.bool_)
    assert greedy_independent_set(empty, [3, 1]) == (1, 3)


def test_each_group_is_a_maximal_independent_set(all_graphs: Graphs) -> None:
    for graph in all_graphs(4):
        last = np.full(4, -1)
        for t in range(6):
            (group,) = POLICY.groups(at(graph, last, t, 4))
            outside = [k for k in range(4) if k not in group]
            assert not graph[np.ix_(group, group)].any()
            assert all(graph[k, list(group)].any() for k in outside)
            last[list(group)] = t


def test_static_graphs_up_to_five_nodes_keep_deg_plus_one(all_graphs: Graphs) -> None:
    """Exhaustive over the 1,099 labelled graphs with 1 to 5 nodes, from the start of a run."""
    for size in range(1, 6):
        for graph in all_graphs(size):
            steps = 2 * size + 3
            turns = simulate([graph], [-1] * size, [steps])
            degrees = graph.sum(axis=1)
            for k in range(size):
                assert turns[k][1] <= degrees[k]  # the first wait, too
                assert max(gaps(turns[k], 0, steps)) <= degrees[k] + 1


def test_static_graphs_keep_deg_plus_one_from_any_ages(all_graphs: Graphs) -> None:
    """Exhaustive over graphs with 4 nodes and the 75 orders of their last turns, with ties."""
    orders = {
        tuple(sorted(set(ages)).index(a) for a in ages) for ages in product(range(4), repeat=4)
    }
    assert len(orders) == 75
    for graph in all_graphs(4):
        degrees = graph.sum(axis=1)
        for ages in orders:
            turns = simulate([graph], [-1 - a for a in ages], [7])
            for k in range(4):
                assert turns[k][1] <= degrees[k]
                assert max(gaps(turns[k], 0, 7)) <= degrees[k] + 1


def test_one_refresh_keeps_the_union_of_both_neighbourhoods(all_graphs: Graphs) -> None:
    """Exhaustive: all pairs of graphs with 4 nodes, the refresh after 1, 2 or 3 steps."""
    graphs = all_graphs(4)
    for old, new in product(graphs, repeat=2):
        both = (old | new).sum(axis=1)
        for length in range(1, 4):
            turns = simulate([old, new], [-1] * 4, [length, 4])
            for k in range(4):
                assert max(gaps(turns[k], 0, length + 4)) <= both[k] + 1


def test_any_sequence_of_graphs_keeps_k(all_graphs: Graphs) -> None:
    """Exhaustive: every sequence of four graphs on 3 nodes, one a step, then once more."""
    for graphs in product(all_graphs(3), repeat=4):
        turns = simulate([*graphs, *graphs], [-1] * 3, [1] * 8)
        for k in range(3):
            assert max(gaps(turns[k], 0, 8)) <= 3


@given(st.data())
def test_any_graphs_and_refresh_period_keep_k_and_the_union_bound(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    pairs = size * (size - 1) // 2

    def graph() -> Adjacency:
        bits = data.draw(st.integers(0, 2**pairs - 1))
        matrix = np.zeros((size, size), dtype=np.bool_)
        matrix[np.triu_indices(size, 1)] = [bool(bits >> b & 1) for b in range(pairs)]
        return matrix | matrix.T

    lengths = data.draw(st.lists(st.integers(1, size + 2), min_size=1, max_size=5))
    sequence = [graph() for _ in lengths]
    in_force = [g for g, length in zip(sequence, lengths, strict=True) for _ in range(length)]
    end = len(in_force)
    turns = simulate(sequence, [-1] * size, lengths)
    for k in range(size):
        # From one turn up to the next, or to the end of the run.
        for before, after in zip(turns[k], [*turns[k][1:], end], strict=True):
            blockers = {
                int(j) for t in range(max(before, 0), after) for j in np.flatnonzero(in_force[t][k])
            }
            assert after - before <= min(size, len(blockers) + 1)


def test_the_paper_s_cycle_starves_where_oldest_first_does_not(run_on_graphs: Run) -> None:
    """R = 2 with three classes and a restarted phase: class 2 never runs under the cycle."""
    triangle = ~np.eye(3, dtype=np.bool_)
    cycle = sgk.SchedulerConfig(num_tasks=3, refresh_period=2, phase="restart")
    oldest = sgk.SchedulerConfig(num_tasks=3, refresh_period=2, policy="oldest_first")
    graphs = [triangle] * 30
    assert update_gaps(run_on_graphs(cycle, graphs, 40)[2:]).starved == (2,)
    assert update_gaps(run_on_graphs(oldest, graphs, 40)[2:]).max_gap.max() <= 3


def test_a_task_without_samples_has_had_its_turn_and_does_not_block_its_neighbours() -> None:
    triangle = ~np.eye(3, dtype=np.bool_)
    config = sgk.SchedulerConfig(num_tasks=3, refresh_period=100, policy="oldest_first")
    state = sgk.adopt_graph(
        config, sgk.init(config), ConflictGraph(triangle, np.ones(3, dtype=np.bool_), 0.2)
    )
    ran = []
    for _ in range(6):
        ran.append(sgk.active(config, state))
        state = sgk.advance(config, state, missing={0} & set(ran[-1]))
    assert ran == [(0,), (1,), (2,)] * 2
    assert state.last_updated.tolist() == [-1, 4, 5]
    assert state.last_turn.tolist() == [3, 4, 5]
