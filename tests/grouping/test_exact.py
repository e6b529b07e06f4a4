"""The exact solvers against brute force, and what they answer where nothing is possible."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from songoku_theory._numba import numba_installed, use_numba
from songoku_theory.grouping import (
    PRINTED_GROUPS,
    Grouping,
    GroupingProblem,
    branch_and_bound,
    faults,
    objective,
    solve,
    solve_milp,
    subset_dp,
    worked_example,
)

Solver = Callable[[GroupingProblem], Grouping]
Draw = Callable[[np.random.Generator], GroupingProblem]
Brute = Callable[[GroupingProblem], float]


def _compact(problem: GroupingProblem) -> Grouping:
    """The compact linear model wherever it exists: a set function needs the enumerated one."""
    return solve_milp(problem, enumerated=problem.value is not None)


EXACT: dict[str, Solver] = {
    "subset_dp": subset_dp,
    "milp, enumerated": lambda problem: solve_milp(problem, enumerated=True),
    "milp, compact": _compact,
    "branch_and_bound": branch_and_bound,
    "solve": solve,
}


@pytest.mark.parametrize("name", sorted(EXACT))
def test_agrees_with_brute_force(name: str, random_problem: Draw, brute_force: Brute) -> None:
    rng = np.random.default_rng(8)
    solved = 0
    for _ in range(100):
        problem = random_problem(rng)
        best = brute_force(problem)
        found = EXACT[name](problem)
        if best == -math.inf:
            assert found.status == "infeasible", problem
            assert found.reason
            assert found.groups == ()
            continue
        solved += 1
        assert found.status == "optimal", (problem, found)
        assert found.objective == pytest.approx(best, abs=1e-6), (problem, found)
        assert found.bound == pytest.approx(best, abs=1e-6)
        assert faults(problem, found.groups) == ()
    assert solved > 50


@pytest.mark.skipif(not numba_installed(), reason="numba is not installed")
@pytest.mark.parametrize("overlap", [False, True])
def test_compiled_loops_give_the_same_groups(overlap: bool) -> None:
    rng = np.random.default_rng(3)
    for num_groups in (2, 3, 5):
        problem = GroupingProblem(
            rng.standard_normal((11, 11)), num_groups=num_groups, overlap=overlap
        )
        with use_numba(False):
            plain = subset_dp(problem)
        assert subset_dp(problem).groups == plain.groups
    # Beyond twelve tasks the plain form makes the parts of each set anew.
    free = GroupingProblem(rng.standard_normal((13, 13)))
    with use_numba(False):
        plain = subset_dp(free)
    assert subset_dp(free).groups == plain.groups
    several = GroupingProblem(rng.standard_normal((11, 11)), num_groups=3, max_size=[3, 5, 6])
    with use_numba(False):
        plain = subset_dp(several)
    assert subset_dp(several).groups == plain.groups


@pytest.mark.parametrize("overlap", [False, True])
def test_worked_example_is_not_optimal_as_printed(overlap: bool) -> None:
    problem = worked_example(overlap=overlap)
    assert faults(problem, PRINTED_GROUPS) == ()
    groups = [g for size in range(1, 7) for g in itertools.combinations(range(6), size)]
    worth = {group: objective(problem, [group]) for group in groups}
    spent = {group: problem.cost[list(group), 0].sum() for group in groups}
    best = -math.inf
    for family in itertools.permutations(groups, 3):
        total = sum(worth[g] for g in family)
        fits = all(spent[g] <= b for g, b in zip(family, problem.limit, strict=True))
        if total > best and fits and not faults(problem, family):
            best = total
    found = subset_dp(problem)
    assert found.objective == pytest.approx(best, abs=1e-12)
    assert best > objective(problem, PRINTED_GROUPS) + 0.4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_groups": 3, "min_size": 2}, "3 groups of at least 2 tasks need 6"),
        ({"num_groups": 1, "max_size": 3}, "hold 3 tasks; there are 4"),
        ({"must_link": [(0, 1), (1, 2)], "cannot_link": [(0, 2)]}, "tasks 0 and 2 can't be linked"),
        ({"must_link": [(0, 1), (1, 2)], "max_size": 2}, "must-links tie tasks (0, 1, 2)"),
        ({"costs": [1, 9, 1, 1], "limits": 5}, "too small for task 1"),
        ({"num_groups": 2, "costs": [3, 3, 3, 3], "limits": 5}, "cost at least 12"),
        ({"num_groups": 2, "costs": [3, 3, 3, 1], "limits": 5}, "the number of groups (2), the bu"),
        ({"num_groups": 2, "cannot_link": [(0, 1), (1, 2), (0, 2)]}, "(2), the cannot-links"),
        ({"min_size": 3, "must_link": [(0, 1)], "cannot_link": [(0, 2), (1, 3)]}, "minimum size"),
        ({"num_groups": 16, "overlap": True}, "15 different groups"),
    ],
)
def test_says_which_constraint_cannot_be_met(options: dict[str, object], said: str) -> None:
    found = subset_dp(GroupingProblem(np.eye(4), **options))  # type: ignore[arg-type]
    assert found.status == "infeasible"
    assert said in found.reason


def test_stops_at_the_time_limit() -> None:
    found = subset_dp(GroupingProblem(np.eye(16), num_groups=4), time_limit=0.0)
    assert found.status == "timeout"
    assert found.gap == math.inf


def test_rounded_thirds_do_not_make_the_compact_model_infeasible() -> None:
    # HiGHS's presolve once answered 104/3, with a proof, or "infeasible", for an optimum of 41.
    problem = GroupingProblem(
        [[2, 7, 5], [4, 8, 2], [9, 0, 4]],
        num_groups=3,
        costs=[2, 0, 1],
        limits=4,
        min_size=2,
        overlap=True,
        distinct=False,
        must_link=[(0, 1)],
    )
    assert solve_milp(problem, enumerated=False).objective == pytest.approx(41.0)


def test_solvers_agree_at_the_sizes_of_the_paper() -> None:
    rng = np.random.default_rng(9)
    for num_groups in (2, 3):
        problem = GroupingProblem(rng.standard_normal((9, 9)), num_groups=num_groups)
        best = subset_dp(problem).objective
        assert solve_milp(problem, enumerated=False).objective == pytest.approx(best, abs=1e-6)
        assert branch_and_bound(problem).objective == pytest.approx(best, abs=1e-9)
