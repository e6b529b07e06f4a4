"""Grouping tasks: this package's exact solvers beside HiGHS on PTG's eq. 9, and absolute reaches.

    .venv/bin/python tests/bench/grouping.py

Reaches of a single solver (seconds, memory, gap) have nothing to be a ratio to; they are printed
as they come, by the command above and under the table of ``make bench``.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import numpy as np
from numpy.typing import NDArray
from timing import Pair, Row

from songoku_theory.grouping import (
    Grouping,
    GroupingProblem,
    branch_and_bound,
    greedy,
    solve_milp,
    subset_dp,
)
from songoku_theory.grouping.linear_model import LinearModel, Solved

__all__ = ["ROWS", "reaches"]

THEIR_LIMIT = 2.0  # seconds; longer only raises a ratio that is above its reach already


def gains(num_tasks: int, seed: int = 0) -> NDArray[np.float64]:
    """Directed gains of tasks with four hidden directions, and noise."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((num_tasks, 4))
    noise = rng.standard_normal((num_tasks, num_tasks))
    return np.asarray(hidden @ hidden.T / 4.0 + 0.2 * noise)


def plain_linearisation(problem: GroupingProblem, time_limit: float) -> Solved:
    """Eq. 9 with each product ``Z = X X`` and ``P = y Z`` replaced by its McCormick rows."""
    s, n, m = problem.symmetric_gains, problem.num_tasks, problem.num_groups
    assert s is not None
    assert m is not None
    model = LinearModel()
    x = [[model.variable(whole=True) for _ in range(m)] for _ in range(n)]
    for row in x:
        model.row([(v, 1.0) for v in row], 1.0, 1.0)
    for j in range(m):
        y = model.variable()
        model.row([(y, 1.0)], 1.0 / n, 1.0)
        size: list[tuple[int, float]] = []
        for i in range(n):
            for k in range(n):
                z, p = model.variable(), model.variable(float(s[i, k]))
                model.row([(z, 1.0), (x[i][j], -1.0)], -np.inf, 0.0)
                model.row([(z, 1.0), (x[k][j], -1.0)], -np.inf, 0.0)
                model.row([(z, 1.0), (x[i][j], -1.0), (x[k][j], -1.0)], -1.0, np.inf)
                model.row([(p, 1.0), (z, -1.0)], -np.inf, 0.0)
                model.row([(p, 1.0), (y, -1.0)], -np.inf, 0.0)
                model.row([(p, 1.0), (y, -1.0), (z, -1.0)], -1.0, np.inf)
                if i == k:
                    size.append((p, 1.0))
        model.row(size, 1.0, 1.0)
    return model.solve(time_limit)


def _against_plain() -> Pair:
    problem = GroupingProblem(gains(14), num_groups=4)

    def note() -> str:
        best = subset_dp(problem).objective
        theirs = plain_linearisation(problem, THEIR_LIMIT)
        proved = theirs.status == "optimal"
        stopped = "" if proved else f"theirs stopped at {THEIR_LIMIT:g} s, a lower bound of the "
        return f"{stopped}ratio; optimum {best:.3f}, their bound {theirs.bound:.3f}"

    return Pair(
        lambda: subset_dp(problem),
        lambda: plain_linearisation(problem, THEIR_LIMIT),
        note,
        reset=lambda: None,
    )


def _against(solver: Callable[[GroupingProblem], Grouping]) -> Callable[[], Pair]:
    def prepare() -> Pair:
        problem = GroupingProblem(gains(9), num_groups=3)

        def note() -> str:
            both = subset_dp(problem), solver(problem)
            same = abs(both[0].objective - both[1].objective) < 1e-6
            return f"both {both[0].status}, same value: {'yes' if same else 'NO'}"

        return Pair(lambda: subset_dp(problem), lambda: solver(problem), note)

    return prepare


ROWS = (
    Row(
        "grouping-14",
        "optimal grouping, 14 tasks in 4 groups",
        "scipy milp, eq. 9 linearised",
        "at least",
        100,
        _against_plain,
    ),
    Row(
        "grouping-9-milp",
        "optimal grouping, 9 tasks in 3 groups",
        "own integer program",
        "at least",
        None,
        _against(lambda p: solve_milp(p, enumerated=False)),
    ),
    Row(
        "grouping-9-bb",
        "optimal grouping, 9 tasks in 3 groups",
        "branch and bound",
        "at least",
        None,
        _against(branch_and_bound),
    ),
)


def _seconds(problem: GroupingProblem, times: int) -> tuple[float, Grouping]:
    found = subset_dp(problem)  # numba is loaded and its code compiled once a machine
    taken = []
    for _ in range(times):
        start = perf_counter()
        found = subset_dp(problem)
        taken.append(perf_counter() - start)
    return median(taken), found


def reaches() -> Iterator[str]:
    """Measure what has no rival: one line each."""
    for overlap in (False, True):
        shown = []
        for m in range(2, 7):
            problem = GroupingProblem(gains(9), num_groups=m, overlap=overlap)
            seconds, found = _seconds(problem, 11)
            shown.append(f"{m}: {1e3 * seconds:.2g} ms ({found.status})")
        how = "with" if overlap else "without"
        yield f"grouping: 9 tasks {how} overlap, by groups (<= 100 ms): {', '.join(shown)}"
    seconds, found = _seconds(GroupingProblem(gains(20)), 3)
    unit = 2**30 if sys.platform == "darwin" else 2**20  # bytes there, kilobytes elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    yield (
        f"grouping: 20 tasks, any number of groups (<= 30 s, 4 GiB): {found.status} in "
        f"{seconds:.3g} s; peak memory of the process {peak:.2g} GiB"
    )
    for m in (8, None):
        answer = greedy(GroupingProblem(gains(200), num_groups=m), time_limit=55.0)
        count = "any number of" if m is None else m
        yield (
            f"grouping: 200 tasks, {count} groups (60 s): {answer.status} in "
            f"{answer.seconds:.3g} s, {answer.objective:.4g}, bound {answer.bound:.4g}"
        )


if __name__ == "__main__":
    for line in reaches():
        click.echo(line)
