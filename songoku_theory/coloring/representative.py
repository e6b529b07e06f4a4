"""Grouping by representatives: a task is compared with one task of each group, not with all.

If "no conflict" is an equivalence (the graph is complete multipartite, as in the paper's recovery
theorem) one comparison decides for a whole group: at most K m cosines find the groups, where the
conflict graph takes K (K - 1) / 2. If it is not, a group may hold a conflict; comparing with every
member until one conflicts makes it first-fit in the order of the tasks, proper on any graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import check_adjacency
from songoku_theory.coloring.registry import coloring
from songoku_theory.validation import check_num_tasks

__all__ = ["Conflicts", "RepresentativeGroups", "representative", "representative_groups"]

Conflicts = Callable[[int, NDArray[np.int64]], NDArray[np.bool_]]
"""From a task and others (n,) to whether it conflicts with each, (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class RepresentativeGroups:
    """Groups and what they took.

    Attributes
    ----------
    colors : ndarray of int, shape (K,)
        Group of each task, by first task.
    comparisons : int
        Pairs that were compared.
    representatives : tuple of int
        First task of each group.
    """

    colors: NDArray[np.int64]
    comparisons: int
    representatives: tuple[int, ...]


def representative_groups(
    conflicts: Conflicts, num_tasks: int, every_member: bool = False
) -> RepresentativeGroups:
    """Group tasks by asking about few pairs.

    Each task joins the first group whose representative it does not conflict with, or becomes the
    representative of a new one.

    Parameters
    ----------
    conflicts : callable
        Asked about one task and one or more others at a time.
    num_tasks : int
        K.
    every_member : bool, default False
        Ask about the group's other members too before joining it: then the groups hold no conflict
        on any graph, and are those of first-fit in index order.

    Returns
    -------
    RepresentativeGroups
        On a complete multipartite graph with m parts: the parts, after at most
        ``K m - m (m + 1) / 2`` comparisons (without `every_member`).

    Raises
    ------
    InvalidInputError
        When `num_tasks` is below 1.

    Source
    ------
    Ours, for the model of SON-GOKU, Theorem 4.

    Examples
    --------
    >>> group = np.asarray([0, 1, 0, 1, 1, 0])
    >>> found = representative_groups(lambda task, others: group[others] != group[task], 6)
    >>> found.colors.tolist(), found.comparisons
    ([0, 1, 0, 1, 1, 0], 7)
    """
    check_num_tasks(num_tasks)
    members: list[list[int]] = []
    colors = np.zeros(num_tasks, dtype=np.int64)
    asked = 0
    for task in range(num_tasks):
        for index, group in enumerate(members):
            asked += 1
            if conflicts(task, np.asarray(group[:1]))[0]:
                continue
            if every_member and len(group) > 1:
                found = conflicts(task, np.asarray(group[1:]))
                asked += len(group) - 1 if not found.any() else int(np.argmax(found)) + 1
                if found.any():
                    continue
            group.append(task)
            colors[task] = index
            break
        else:
            colors[task] = len(members)
            members.append([task])
    return RepresentativeGroups(colors, asked, tuple(group[0] for group in members))


@coloring(
    "representative", promises=("proper", "deterministic", "delta+1", "exact-on-multipartite")
)
def representative(adjacency: ArrayLike) -> NDArray[np.int64]:
    """Group by representatives, then members: first-fit in the order of the tasks.

    Parameters
    ----------
    adjacency : array_like, shape (K, K)

    Returns
    -------
    ndarray of int, shape (K,)

    Raises
    ------
    InvalidInputError
        When the adjacency is not valid.

    Source
    ------
    :func:`representative_groups` with every member asked.

    Examples
    --------
    >>> representative([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]).tolist()
    [0, 1, 0, 1]
    """
    matrix = check_adjacency(adjacency)

    def conflicts(task: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray(matrix[task, others], dtype=np.bool_)

    return representative_groups(conflicts, matrix.shape[0], every_member=True).colors
