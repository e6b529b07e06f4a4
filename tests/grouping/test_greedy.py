"""The local search keeps every constraint; its bound is one; it finds small optima."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from songoku_theory.grouping import (
    GroupingProblem,
    best_average_bound,
    faults,
    greedy,
    partition_bound,
    solve,
    solve_milp,
    subset_dp,
    upper_bound,
)
from songoku_theory.grouping.local_search import improve
from songoku_theory.grouping.search_state import SearchState, penalty_weight
from songoku_theory.grouping.units import merged

Draw = Callable[[np.random.Generator], GroupingProblem]


def test_small_problems(random_problem: Draw) -> None:
    rng = np.random.default_rng(21)
    solved = best = 0
    for _ in range(150):
        problem = random_problem(rng)
        exact = subset_dp(problem)
        found = greedy(problem, starts=6)
        if exact.status == "infeasible":
            assert found.status in ("infeasible", "timeout")
            continue
        solved += 1
        assert found.status in ("optimal", "feasible"), problem
        assert faults(problem, found.groups) == ()
        assert found.objective <= exact.objective + 1e-9
        best += found.objective >= exact.objective - 1e-9
        assert found.bound >= exact.objective - 1e-9
    assert solved > 75
    assert best >= 0.97 * solved  # it is a heuristic


@pytest.mark.parametrize("num_groups", [2, 4, None])
def test_bounds_hold_and_steps_lower_them(num_groups: int | None) -> None:
    rng = np.random.default_rng(4)
    gaps: list[tuple[float, float]] = []
    for draw in range(8):
        problem = GroupingProblem(
            rng.standard_normal((10, 10)) + (draw % 2),
            num_groups=num_groups,
            max_size=6 if draw % 3 else None,
            cannot_link=[(0, 1)] if draw % 4 == 0 else (),
        )
        best = subset_dp(problem).objective
        plain = partition_bound(problem)
        tight = partition_bound(problem, target=best)
        assert plain > tight >= best - 1e-9
        assert best_average_bound(problem) >= best - 1e-9
        gaps += [(plain - best, tight - best)]
    before, after = np.sum(gaps, axis=0)
    assert after < 0.6 * before


def test_bound_with_overlap_holds() -> None:
    rng = np.random.default_rng(6)
    for num_groups in (1, 2, 3):
        problem = GroupingProblem(
            rng.standard_normal((7, 7)), num_groups=num_groups, overlap=True, distinct=False
        )
        assert upper_bound(problem) >= subset_dp(problem).objective - 1e-9


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_scores_of_changes_are_those_after_the_change(overlap: bool, several: bool) -> None:
    rng = np.random.default_rng(2)
    n, m = 9, 3
    problem = GroupingProblem(
        rng.standard_normal((n, n)),
        num_groups=m,
        overlap=overlap,
        costs=rng.random((n, m) if several else n),
        limits=[1.5, 2.0, 2.5] if several else 2.0,
        min_size=2,
        max_size=4,
        must_link=[(0, 3), (5, 6)],
        cannot_link=[(1, 2), (0, 4)],
    )
    units = merged(problem)
    inside = rng.random((len(units.tasks), m)) < 0.4
    state = SearchState(problem, units, penalty_weight(problem, units), inside.copy())
    for u in range(len(units.tasks)):
        for j in range(m):
            changed = inside.copy()
            changed[u, j] = not changed[u, j]
            after = SearchState(problem, units, state.weight, changed).base[j]
            told = state.less[u, j] if inside[u, j] else state.more[u, j]
            assert told == pytest.approx(after, rel=1e-9, abs=1e-9)
    before = float(state.base.sum())
    assert improve(state, np.inf) >= before


def test_seventy_tasks_with_every_constraint() -> None:
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((70, 3))
    problem = GroupingProblem(
        factors @ factors.T,
        num_groups=6,
        costs=rng.integers(1, 5, 70),
        limits=[40, 35, 35, 35, 35, 30],
        min_size=4,
        max_size=20,
        must_link=[(0, 1), (1, 2), (10, 20)],
        cannot_link=[(3, 4), (4, 5), (3, 5)],
    )
    found = greedy(problem, time_limit=5.0, starts=2)
    assert found.status == "feasible"
    assert faults(problem, found.groups) == ()
    assert 0 < found.gap < 0.5 * found.objective


def test_places_tasks_by_integer_programming_where_the_search_does_not() -> None:
    # Three groups of exactly one third of the cost each: one way to do it, up to names.
    costs = [20, 19, 1, 12, 17, 11, 13, 15, 12]
    problem = GroupingProblem(np.eye(9), num_groups=3, costs=costs, limits=40)
    found = greedy(problem, time_limit=10.0, starts=1)
    assert found.status in ("feasible", "optimal")
    impossible = GroupingProblem(np.eye(9), num_groups=3, costs=[*costs[:-1], 13], limits=40)
    assert greedy(impossible, time_limit=10.0, starts=1).status == "infeasible"


def test_auto_takes_the_better_of_two_beyond_dynamic_programming() -> None:
    rng = np.random.default_rng(1)
    gains = rng.standard_normal((21, 21))
    problem = GroupingProblem(gains, num_groups=7, max_size=3, min_size=3)
    found = solve(problem, time_limit=4.0)
    assert found.status in ("feasible", "optimal")
    assert faults(problem, found.groups) == ()
    assert found.bound >= found.objective


def test_milp_says_how_far_it_got() -> None:
    rng = np.random.default_rng(1)
    problem = GroupingProblem(rng.standard_normal((18, 18)), num_groups=5)
    found = solve_milp(problem, time_limit=1.0)
    best = subset_dp(problem).objective
    assert found.status in ("feasible", "timeout", "optimal")
    assert found.bound >= best - 1e-6
    assert found.objective <= best + 1e-6
