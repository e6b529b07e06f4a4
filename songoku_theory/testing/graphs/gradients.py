"""Conflict graphs as training makes them: from gradients, by the rule of the paper."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from songoku_theory.conflict import conflict_graph
from songoku_theory.testing.graphs.case import Case, case

__all__ = ["gradient_graphs", "planted_gradients"]


def planted_gradients(
    num_groups: int, group_size: int, dim: int, noise: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return gradients in groups that agree inside and pull apart between each other.

    The groups' directions are the corners of a simplex, which have cosine ``-1 / (m - 1)`` with
    each other, so with little noise and a threshold below that the graph is complete multipartite.

    Parameters
    ----------
    num_groups : int
        m >= 2.
    group_size : int
    dim : int
        At least m.
    noise : float
        Norm of the noise relative to the gradients'.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (num_groups * group_size, dim)
        Tasks of all groups shuffled.

    Examples
    --------
    >>> planted_gradients(3, 2, 8, 0.1, np.random.default_rng(0)).shape
    (6, 8)
    """
    corners = np.zeros((num_groups, dim))
    corners[:, :num_groups] = np.eye(num_groups) - 1.0 / num_groups
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    tasks = np.repeat(corners, group_size, axis=0)
    blur = rng.normal(size=tasks.shape)
    tasks = tasks + noise * blur / np.linalg.norm(blur, axis=1, keepdims=True)
    return np.asarray(tasks[rng.permutation(len(tasks))])


@cache
def gradient_graphs(seed: int = 0) -> tuple[Case, ...]:
    """Return conflict graphs of random, planted and partly missing gradients, smallest first.

    Examples
    --------
    >>> any(c.is_multipartite and c.num_edges for c in gradient_graphs())
    True
    """
    rng = np.random.default_rng([seed, 1])
    found = []
    for size in (4, 8, 12, 24, 40):
        for dim in (2, 3, 16):
            for tau in (0.0, 0.2):
                gradients = rng.normal(size=(size, dim))
                name = f"conflicts of {size} random gradients in {dim} dimensions, tau = {tau}"
                found.append(case(name, conflict_graph(gradients, tau).adjacency))
    for groups, size in ((2, 3), (3, 4), (4, 5), (5, 8)):
        tau = 0.5 / (groups - 1)
        for noise in (0.0, 0.05, 0.5, 2.0):
            gradients = planted_gradients(groups, size, 24, noise, rng)
            name = f"conflicts of {groups} planted groups of {size}, noise {noise}"
            found.append(case(name, conflict_graph(gradients, tau).adjacency))
    absent = rng.normal(size=(15, 3))
    absent[::4] = 0.0
    found.append(
        case("conflicts of 15 gradients, some of them zero", conflict_graph(absent, 0.1).adjacency)
    )
    return tuple(sorted(found, key=lambda c: (c.num_tasks, c.num_edges)))
