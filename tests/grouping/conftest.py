"""Brute force, and random small problems with every kind of constraint."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from songoku_theory.grouping import GroupingProblem, faults, objective

Rng = np.random.Generator


def _brute_force(problem: GroupingProblem) -> float:
    """The best objective over all families of groups; -inf where none meets the constraints."""
    n = problem.num_tasks
    groups = [g for size in range(1, n + 1) for g in itertools.combinations(range(n), size)]
    worth = {group: objective(problem, [group]) for group in groups}
    best = -math.inf
    for m in [problem.num_groups] if problem.num_groups else range(1, n + 1):
        families = (
            itertools.product(groups, repeat=m)
            if problem.identities
            else itertools.combinations_with_replacement(groups, m)
        )
        for family in families:
            total = sum(worth[group] for group in family)
            if total > best and not faults(problem, family):
                best = total
    return best


def _random_problem(rng: Rng) -> GroupingProblem:
    """One to five tasks; most kinds of constraint are present in a third of the draws each."""
    m = int(rng.integers(1, 4)) if rng.random() < 0.8 else None
    n = int(rng.integers(1, 6 if m != 3 else 5)) if m else int(rng.integers(1, 5))
    several = m is not None and rng.random() < 0.4
    options: dict[str, Any] = {"num_groups": m, "distinct": bool(rng.random() < 0.7)}
    options["overlap"] = m is not None and bool(rng.random() < 0.5)
    if rng.random() < 0.4:
        options["costs"] = rng.integers(0, 5, (n, m) if several and m else n)
        options["limits"] = rng.integers(3, 13, m if several else None)
    if rng.random() < 0.3:
        options["min_size"] = rng.integers(1, 3, m) if several else int(rng.integers(1, 3))
    if rng.random() < 0.3:
        options["max_size"] = rng.integers(1, n + 1, m) if several else int(rng.integers(1, n + 1))
    pairs = list(itertools.combinations(range(n), 2))
    for name in ("must_link", "cannot_link"):
        if pairs and rng.random() < 0.3:
            chosen = rng.choice(len(pairs), size=min(len(pairs), 2), replace=False)
            options[name] = [pairs[i] for i in chosen[: int(rng.integers(1, 3))]]
    if rng.random() < 0.3:
        worth = rng.integers(-20, 20, 1 << n).astype(float)
        return GroupingProblem(
            value=lambda group: float(worth[sum(1 << i for i in group)]), num_tasks=n, **options
        )
    return GroupingProblem(rng.integers(-9, 10, (n, n)) + rng.integers(0, 4), **options)


@pytest.fixture(scope="session")
def brute_force() -> Callable[[GroupingProblem], float]:
    """Return the best objective, by trying all families of groups."""
    return _brute_force


@pytest.fixture(scope="session")
def random_problem() -> Callable[[Rng], GroupingProblem]:
    """Return a small random problem."""
    return _random_problem
