"""From affinities to groups: every way to group, on one seed's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.grouping.options import GroupingOptions
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.grouping import (
    Grouping,
    GroupingProblem,
    SetFunction,
    higher_order_approximation,
    random_groups,
    solve,
    tabulated,
)
from songoku_theory.grouping.group_gain import PairRule
from songoku_theory.grouping.result import Groups

__all__ = [
    "AFFINITIES",
    "INTERVAL",
    "Decision",
    "Limits",
    "check_feasible",
    "decide",
    "decide_by",
    "decide_hoa",
    "fixed",
    "limits_of",
]

Array = NDArray[np.float64]

AFFINITIES: dict[str, PairRule] = {
    "ptg": "sum",
    "ptg_paper": "paper",
    "ptg_sampled": "sum",
    "tag": "others",
    "cosine": "paper",
    "ema_cosine": "paper",
}
"""What a group is worth by each affinity. The cosines' diagonal, all 1, adds m to eq. 8 whatever
the groups are (PTG-8-DIAG)."""

INTERVAL, MAX_SIZE, MIN_SIZE = "interval", "max_size", "min_size"
PLAIN = ""

_NOT_DRAWN = -1


@dataclass(frozen=True, slots=True)
class Decision:
    """Groups that one way of grouping gave on one seed.

    Attributes
    ----------
    method, setting : str
        See ``simulations/training/grouping/rows.py``.
    num_groups : int
        m; 0: any number.
    seed : int
    answer : Grouping
    draw : int
        Of random groups; else -1.
    schedule : str
        What trains the networks: "uniform" or "son_goku".
    """

    method: str
    setting: str
    num_groups: int
    seed: int
    answer: Grouping
    draw: int = _NOT_DRAWN
    schedule: str = "uniform"


@dataclass(frozen=True, slots=True)
class Limits:
    """Constraints on groups, tasks by number."""

    must_link: tuple[tuple[int, int], ...] = ()
    cannot_link: tuple[tuple[int, int], ...] = ()
    overlap: bool = False
    max_size: int | None = None
    min_size: int = 1

    def problem(
        self, num_tasks: int, num_groups: int | None, objective: Array | SetFunction
    ) -> GroupingProblem:
        """Return formulation 8 with these constraints."""
        known: dict[str, Any] = {
            "num_groups": num_groups,
            "overlap": self.overlap,
            "must_link": self.must_link,
            "cannot_link": self.cannot_link,
            "max_size": self.max_size,
            "min_size": self.min_size,
        }
        if callable(objective):
            return GroupingProblem(value=objective, num_tasks=num_tasks, **known)
        return GroupingProblem(objective, **known)


def limits_of(options: GroupingOptions, tasks: Sequence[str]) -> Limits:
    """Return the constraints of plain runs, tasks by number.

    Raises
    ------
    UnknownNameError
        When a link names no task.
    """

    def number(name: str) -> int:
        if name not in tasks:
            raise unknown_name("task", name, tasks)
        return list(tasks).index(name)

    def pairs(named: Iterable[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
        return tuple((number(a), number(b)) for a, b in named)

    return Limits(pairs(options.must_link), pairs(options.cannot_link), options.overlap)


def check_feasible(options: GroupingOptions, tasks: Sequence[str]) -> None:
    """Refuse numbers of groups and links that can't be met, before anything is trained.

    Raises
    ------
    InvalidInputError
        Says which constraint can't be met.
    """
    n = len(tasks)
    if n < 2:
        raise InvalidInputError(
            f"grouping needs at least two tasks; found {n}: {', '.join(tasks)}."
        )
    limits = limits_of(options, tasks)
    for m in options.num_groups:
        if m > n:
            raise InvalidInputError(
                f"{n} tasks can't fill {m} groups; ask for at most {n} (num_groups in [grouping], "
                f"or --groups)."
            )
        found = solve(limits.problem(n, m, np.zeros((n, n))), options.time_limit)
        if found.status == "infeasible":
            named = ", ".join(f"{i} is {task}" for i, task in enumerate(tasks))
            raise InvalidInputError(
                f"no {m} groups meet the constraints: {found.reason}. (Tasks by number: {named}.)"
            )


def decide(
    options: GroupingOptions, tasks: Sequence[str], seed: int,
    gains: Mapping[tuple[str, str], Array], rng: np.random.Generator,
) -> list[Decision]:  # fmt: skip
    """Return the groups of every way that needs one seed's affinities, and random ones.

    Parameters
    ----------
    options : GroupingOptions
    tasks : sequence of str
    seed : int
    gains : mapping from (affinity, setting) to ndarray, shape (n, n)
    rng : numpy.random.Generator
        Draws the random groups.

    Returns
    -------
    list of Decision

    Raises
    ------
    InvalidInputError
        When a pair of tasks was never collected.
    """
    n, limits = len(tasks), limits_of(options, tasks)
    found: list[Decision] = []
    for method, rule in AFFINITIES.items():
        if (method, PLAIN) not in gains:
            continue
        worth = _objective(gains[method, PLAIN], rule, tasks, method)
        for m in options.num_groups:
            answer = solve(limits.problem(n, m, worth), options.time_limit)
            found.append(Decision(method, PLAIN, m, seed, answer))
            if method == "ptg":
                found.append(
                    Decision("son_goku_in_ptg", PLAIN, m, seed, answer, schedule="son_goku")
                )
    for m in options.num_groups:
        found += _random(limits, n, m, PLAIN, seed, options.random_draws, rng)
    worth = _objective(gains["ptg", PLAIN], "sum", tasks, "ptg")
    sizes = [(MAX_SIZE, size) for size in options.max_sizes if size <= n]
    sizes += [(MIN_SIZE, size) for size in options.min_sizes]
    for what, size in sizes:
        m, setting = min(options.sized_groups, n), f"{what}={size}"
        bound = replace(limits, max_size=size) if what == MAX_SIZE else limits
        bound = replace(bound, min_size=size) if what == MIN_SIZE else bound
        answer = solve(bound.problem(n, m, worth), options.time_limit)
        found.append(Decision("ptg", setting, m, seed, answer))
        if answer.groups:
            found += _random(bound, n, m, setting, seed, options.random_draws, rng)
    for interval in options.intervals:
        setting = f"{INTERVAL}={interval}"
        if ("ptg", setting) in gains:
            worth = _objective(gains["ptg", setting], "sum", tasks, "ptg")
            m = min(options.sized_groups, n)
            answer = solve(limits.problem(n, m, worth), options.time_limit)
            found.append(Decision("ptg", setting, m, seed, answer))
    return found


def _objective(
    gains: Array, rule: PairRule, tasks: Sequence[str], method: str
) -> Array | SetFunction:
    missing = np.argwhere(~np.isfinite(gains))
    if missing.size:
        i, j = (int(x) for x in missing[0])
        raise InvalidInputError(
            f"{method}: no step collected {tasks[i]} and {tasks[j]} together, so their gain is not "
            f"known. Train for more steps, or collect at more of them (interval in [grouping])."
        )
    return gains if rule == "paper" else tabulated(gains, rule)


def _random(
    limits: Limits, n: int, m: int, setting: str, seed: int, draws: int, rng: np.random.Generator
) -> list[Decision]:
    problem = replace(limits, overlap=False).problem(n, m, np.zeros((n, n)))
    found = []
    for draw in range(draws):
        answer = fixed(random_groups(problem, rng), "random")
        found.append(Decision("random", setting, m, seed, answer, draw))
    return found


def fixed(groups: Iterable[tuple[int, ...]], solver: str) -> Grouping:
    """Return groups that nothing was optimised for."""
    chosen: Groups = tuple(sorted(groups))
    return Grouping("feasible", chosen, 0.0, float("inf"), 0.0, solver)


def decide_hoa(
    options: GroupingOptions, tasks: Sequence[str], seed: int, pairs: Array, single: Array
) -> list[Decision]:
    """Return the groups by higher-order approximation, from validation errors.

    Parameters
    ----------
    options : GroupingOptions
    tasks : sequence of str
    seed : int
    pairs : ndarray, shape (n, n)
        ``[i, j]``: the error of j, trained with i.
    single : ndarray, shape (n,)
    """
    worth = higher_order_approximation(pairs, single)
    return decide_by(options, tasks, seed, "hoa", worth, options.num_groups)


def decide_by(
    options: GroupingOptions, tasks: Sequence[str], seed: int, method: str, worth: SetFunction,
    num_groups: Sequence[int],
) -> list[Decision]:  # fmt: skip
    """Return the best groups by a set function; a number of groups of 0 stands for any."""
    limits = limits_of(options, tasks)
    if 0 in num_groups:
        limits = replace(limits, overlap=False)
    return [
        Decision(
            method, PLAIN, m, seed,
            solve(limits.problem(len(tasks), m or None, worth), options.time_limit),
        )
        for m in num_groups
    ]  # fmt: skip
