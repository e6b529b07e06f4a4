"""What a grouping problem accepts, and what it says when it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.grouping import (
    GroupingProblem,
    branch_and_bound,
    faults,
    group_value,
    solve,
    solve_milp,
    subset_dp,
)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gains": None}, "either gains"),
        ({"value": len}, "either gains"),
        ({"gains": [[1, 2]]}, r"shape \(n, n\)"),
        ({"gains": [[1, np.inf], [0, 1]]}, r"gains\[0, 1\] is inf"),
        ({"gains": None, "value": len}, "num_tasks"),
        ({"num_tasks": 3}, "num_tasks is 3"),
        ({"num_groups": 0}, "num_groups should be a whole number"),
        ({"overlap": True}, "num_groups should be given"),
        ({"costs": [1, 1]}, "given together"),
        ({"costs": [1, -1], "limits": 1}, ">= 0"),
        ({"costs": [1, 1, 1], "limits": 1}, "n = 2"),
        ({"costs": [1, 1], "limits": [1, 2]}, "num_groups is not given"),
        ({"num_groups": 3, "costs": [1, 1], "limits": [1, 2]}, "one number or 3"),
        ({"min_size": 0}, "min_size should be whole"),
        ({"max_size": [1.5]}, "max_size should be whole"),
        ({"must_link": [(0, 2)]}, "must_link should hold"),
        ({"cannot_link": [(1, 1)]}, "different tasks"),
    ],
)
def test_wrong_arguments_are_named(options: dict[str, Any], said: str) -> None:
    arguments: dict[str, Any] = {"gains": [[1, 0], [0, 1]], **options}
    with pytest.raises(InvalidInputError, match=said):
        GroupingProblem(**arguments)


def test_directed_gains_count_by_their_symmetric_part() -> None:
    gains = np.array([[1.0, 4.0], [0.0, 2.0]])
    assert group_value(GroupingProblem(gains), (0, 1)) == 3.5
    assert group_value(GroupingProblem(gains.T), (0, 1)) == 3.5


def test_equal_columns_are_no_identities() -> None:
    costs = np.array([[1, 1], [2, 2]])
    same = GroupingProblem(np.eye(2), num_groups=2, costs=costs, limits=[3, 3])
    assert not same.identities
    assert GroupingProblem(np.eye(2), num_groups=2, costs=costs, limits=[3, 4]).identities


def test_groups_keep_the_place_that_their_budget_has() -> None:
    problem = GroupingProblem(np.eye(2), num_groups=2, costs=[1, 5], limits=[5, 1])
    assert subset_dp(problem).groups == ((1,), (0,))
    assert subset_dp(problem).matrix(2).tolist() == [[0, 1], [1, 0]]


def test_sums_that_reach_a_limit_by_rounding_fit() -> None:
    problem = GroupingProblem(np.ones((2, 2)), num_groups=1, costs=[0.1, 0.2], limits=0.3)
    assert subset_dp(problem).status == "optimal"


def test_faults_name_every_kind() -> None:
    problem = GroupingProblem(
        np.eye(4),
        num_groups=2,
        costs=[1, 1, 1, 1],
        limits=2,
        max_size=2,
        must_link=[(0, 1)],
        cannot_link=[(2, 3)],
    )
    found = faults(problem, ((0, 2, 3), (0,), (1,)))
    for said in (
        "3 groups",
        "in 2 groups",
        "3 tasks",
        "costs 3",
        "one of (0, 1)",
        "both of (2, 3)",
    ):
        assert any(said in fault for fault in found), said
    assert "two groups are equal" in faults(
        GroupingProblem(np.eye(1), num_groups=2, overlap=True), ((0,), (0,))
    )


def test_a_set_function_has_to_be_finite() -> None:
    problem = GroupingProblem(value=lambda group: float("nan"), num_tasks=2, num_groups=1)
    with pytest.raises(InvalidInputError, match="finite number; found nan"):
        subset_dp(problem)


def test_solvers_name_their_limits() -> None:
    big = GroupingProblem(np.eye(21), num_groups=2)
    with pytest.raises(InvalidInputError, match="at most 20"):
        subset_dp(big)
    with pytest.raises(InvalidInputError, match="at most 16"):
        branch_and_bound(big)
    with pytest.raises(UnknownNameError, match="Did you mean 'greedy'"):
        solve(big, method="gredy")
    with pytest.raises(InvalidInputError, match="enumerating"):
        solve_milp(
            GroupingProblem(value=lambda group: 1.0, num_tasks=30, num_groups=2), enumerated=False
        )
