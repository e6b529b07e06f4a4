"""Must-linked tasks merged into one: what a local search moves about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory.grouping.problem import GroupingProblem, components

__all__ = ["Units", "merged"]


@dataclass(frozen=True, slots=True)
class Units:
    """Sets of tasks that are never separated.

    Attributes
    ----------
    tasks : tuple of tuple of int
        The tasks of each of the u units.
    sizes : ndarray, shape (u,)
    gains : ndarray, shape (u, u), or None
        Sum of the symmetric gains between two units.
    costs : ndarray, shape (u, 1) or (u, m)
    apart : ndarray of float, shape (u, u)
        How many cannot-links there are between two units. One within a unit can't be met, which
        ``obvious_conflict`` says before.
    """

    tasks: tuple[tuple[int, ...], ...]
    sizes: NDArray[np.float64]
    gains: NDArray[np.float64] | None
    costs: NDArray[np.float64]
    apart: NDArray[np.float64]


def merged(problem: GroupingProblem) -> Units:
    """Merge the tasks that must-links tie together."""
    tasks = tuple(components(problem))
    member = np.zeros((len(tasks), problem.num_tasks))
    for u, unit in enumerate(tasks):
        member[u, list(unit)] = 1.0
    links = np.zeros((problem.num_tasks, problem.num_tasks))
    for a, b in problem.cannot_link:
        links[a, b] = links[b, a] = 1.0
    gains = problem.symmetric_gains
    return Units(
        tasks=tasks,
        sizes=member.sum(axis=1),
        gains=None if gains is None else member @ gains @ member.T,
        costs=member @ problem.cost,
        apart=member @ links @ member.T,
    )
