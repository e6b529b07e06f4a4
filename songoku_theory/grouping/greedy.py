"""Grouping of hundreds of tasks: local search from several starts, with an upper bound."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from songoku_theory.grouping.bounds import upper_bound
from songoku_theory.grouping.diagnosis import obvious_conflict, why_infeasible
from songoku_theory.grouping.feasible import place_units
from songoku_theory.grouping.local_search import improve
from songoku_theory.grouping.problem import GroupingProblem
from songoku_theory.grouping.result import Grouping, answer, faults
from songoku_theory.grouping.search_state import SearchState, penalty_weight, tasks_of
from songoku_theory.grouping.units import Units, merged

__all__ = ["greedy"]

Bool = NDArray[np.bool_]


def greedy(
    problem: GroupingProblem,
    time_limit: float = inf,
    *,
    starts: int = 12,
    rng: np.random.Generator | None = None,
    optimum: float | None = None,
) -> Grouping:
    """Search for a good grouping, and bound how much better the best one can be.

    Greedy starts (groups around the leading eigenvectors of the gains, and random ones), each
    improved by moves and swaps; then the best one shaken and improved again. Where nothing that is
    found meets all constraints, an integer program without objective places the tasks.

    Parameters
    ----------
    problem : GroupingProblem
    time_limit : float
        Seconds, of which two fifths are kept for the bound.
    starts : int
        First starts, and as many shaken ones.
    rng : Generator, optional
        By default seeded with 0.
    optimum : float, optional
        If it is known: the answer says its regret.

    Returns
    -------
    Grouping
        ``"feasible"`` with a bound (see :func:`songoku_theory.grouping.bounds.upper_bound`);
        ``"optimal"`` where the bound is met; ``"infeasible"`` where that is proved; ``"timeout"``.

    Examples
    --------
    >>> gains = [[1, 3, 0], [3, 1, 0], [0, 0, 1]]
    >>> found = greedy(GroupingProblem(gains, num_groups=2), optimum=5.0)
    >>> found.groups, found.regret
    (((0, 1), (2,)), 0.0)
    """
    begin = perf_counter()
    reason = obvious_conflict(problem)
    if reason:
        return Grouping("infeasible", (), -inf, -inf, perf_counter() - begin, "greedy", reason)
    rng = np.random.default_rng(0) if rng is None else rng
    units = merged(problem)
    deadline = begin + 0.6 * time_limit
    best = _search(problem, units, starts, rng, deadline)
    if best is None:
        placed = place_units(problem, units, begin + time_limit - perf_counter())
        if placed.status == "infeasible":
            why = why_infeasible(problem)
            return Grouping("infeasible", (), -inf, -inf, perf_counter() - begin, "greedy", why)
        if placed.x is not None:
            m = problem.num_groups or problem.num_tasks
            inside = placed.x[: len(units.tasks) * m].reshape(-1, m) > 0.5
            best = _improved(problem, units, inside, begin + time_limit)
    if best is None:
        bound = upper_bound(problem, steps=1)
        return Grouping("timeout", (), -inf, bound, perf_counter() - begin, "greedy")
    worth, groups = best
    bound = upper_bound(problem, worth, deadline=begin + 0.95 * time_limit)
    proved = bound <= worth + 1e-9 * max(1.0, abs(worth))
    found = answer(problem, groups, bound, perf_counter() - begin, "greedy", proved)
    return found if optimum is None else replace(found, regret=optimum - found.objective)


Best = tuple[float, list[tuple[int, ...]]]


def _search(
    problem: GroupingProblem, units: Units, starts: int, rng: np.random.Generator, deadline: float
) -> Best | None:
    best: Best | None = None
    best_inside: Bool | None = None
    for turn in range(2 * starts):
        if turn and perf_counter() > deadline:
            break
        if turn < starts or best_inside is None:
            inside = _start(problem, units, rng, spectral=turn % 2 == 0)
        else:
            inside = _shaken(best_inside, rng, problem.overlap)
        found = _improved(problem, units, inside, deadline)
        if found is not None and (best is None or found[0] > best[0]):
            best, best_inside = found, inside
    return best


def _improved(problem: GroupingProblem, units: Units, inside: Bool, deadline: float) -> Best | None:
    """Improve the start in place; return None where a constraint stays broken."""
    state = SearchState(problem, units, penalty_weight(problem, units), inside)
    improve(state, deadline)
    groups = [tasks_of(units, state.inside[:, j]) for j in range(state.inside.shape[1])]
    if problem.num_groups is None:
        groups = [group for group in groups if group]
    if not all(groups) or faults(problem, tuple(groups)):
        return None
    return float(state.base.sum()), groups


def _start(
    problem: GroupingProblem, units: Units, rng: np.random.Generator, *, spectral: bool
) -> Bool:
    """Put each unit into one group: by its place along leading eigenvectors, or anywhere."""
    count = len(units.tasks)
    m = problem.num_groups or problem.num_tasks
    used = min(m, count) if problem.num_groups else int(rng.integers(1, count + 1))
    own = rng.permutation(np.arange(count) % used)
    if spectral and units.gains is not None and used > 1:
        scaled = units.gains / np.sqrt(np.outer(units.sizes, units.sizes))
        low = max(0, count - used)
        values, vectors = eigh(scaled, subset_by_index=[low, count - 1])
        points = vectors * np.sqrt(np.maximum(values, 0.0))
        centres = points[rng.choice(count, size=used, replace=False)]
        for _ in range(10):
            away = ((points[:, None, :] - centres[None]) ** 2).sum(axis=2)
            own = away.argmin(axis=1)
            for j in range(used):
                if (own == j).any():
                    centres[j] = points[own == j].mean(axis=0)
    inside = np.zeros((count, m), dtype=bool)
    inside[np.arange(count), rng.permutation(m)[own]] = True
    return inside


def _shaken(inside: Bool, rng: np.random.Generator, overlap: bool) -> Bool:
    """Move a tenth of the units, at least two, to random groups."""
    changed = inside.copy()
    count, m = inside.shape
    for u in rng.choice(count, size=min(count, max(2, count // 10)), replace=False):
        if not overlap:
            changed[u] = False
        changed[u, int(rng.integers(m))] = True
    return changed
