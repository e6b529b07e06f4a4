"""Oldest first: the independent set that is greedy in the time since the last turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from songoku_theory.schedule.policies.base import Groups, Policy, Situation

__all__ = ["OldestFirst", "greedy_independent_set"]


def greedy_independent_set(
    adjacency: NDArray[np.bool_], order: Sequence[int] | NDArray[np.int64]
) -> tuple[int, ...]:
    """Take nodes in the given order, each unless a neighbour was taken before.

    Parameters
    ----------
    adjacency : ndarray of bool, shape (K, K)
    order : sequence of int
        Nodes, each at most once; those that are not named are not taken.

    Returns
    -------
    tuple of int
        In increasing order. Maximal among the nodes named.

    Examples
    --------
    >>> path = np.asarray([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    >>> greedy_independent_set(path, [0, 1, 2]), greedy_independent_set(path, [1, 0, 2])
    ((0, 2), (1,))
    """
    blocked = np.zeros(adjacency.shape[0], dtype=np.bool_)
    taken = []
    for node in order:
        if not blocked[node]:
            taken.append(int(node))
            blocked |= adjacency[node]
    return tuple(sorted(taken))


@dataclass(frozen=True, slots=True)
class OldestFirst(Policy):
    """Each step runs the greedy independent set in decreasing age; ties go to the lower index.

    The age of a task is the number of steps since its last turn. A task that waits is blocked by a
    neighbour at least as old, which from then on is younger; so each neighbour blocks it once.

    Gaps: at most deg(v) + 1 inside a window, |N_old(v) u N_new(v)| + 1 over a refresh, and K for
    any refresh period and any graphs: no task starves.

    Source
    ------
    Not in the paper: a policy beside its cycle.

    Differs from
    ------------
    The paper's cycle runs every class once in m steps; this runs each task once in deg(v) + 1, so
    a task without conflicts runs at every step, whatever the others do.
    """

    name: ClassVar[str] = "oldest_first"
    promise: ClassVar[str] = (
        "gap <= deg(v) + 1 inside a window, <= |N_old(v) u N_new(v)| + 1 over a refresh, "
        "<= K always"
    )

    def groups(self, situation: Situation) -> Groups:
        """Return the independent set as one group."""
        runnable = np.flatnonzero(situation.runnable)
        if situation.adjacency is None:
            return (tuple(runnable.tolist()),)
        order = runnable[np.argsort(situation.last_turn[runnable], kind="stable")]
        return (greedy_independent_set(situation.adjacency, order),)

    def gap_within(self, situation: Situation) -> NDArray[np.float64]:
        """Return ``deg(v) + 1``."""
        degrees = situation.neighbours().sum(axis=1)
        return np.where(situation.runnable, degrees + 1.0, np.inf)

    def gap_across(self, old: Situation, new: Situation) -> NDArray[np.float64]:
        """Return ``|N_old(v) u N_new(v)| + 1``, or K where a gap may span more than one refresh.

        A task has a turn within the first ``deg(v) + 1`` steps of any window, if it is that long.
        """
        before, after = old.neighbours(), new.neighbours()
        union = (before | after).sum(axis=1) + 1.0
        reached = (old.window > before.sum(axis=1)) & (new.window > after.sum(axis=1))
        bound = np.where(reached, union, float(old.num_tasks))
        return np.where(old.runnable & new.runnable, bound, np.inf)

    def gap_always(self, num_tasks: int, window: int) -> float:
        """Return K: each of the K - 1 others blocks a waiting task once, whatever the graphs."""
        return float(num_tasks)
