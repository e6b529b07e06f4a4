"""Model (A): the groups are the connected components of the conflict graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulations.generators.blocks import BlockCosines
from simulations.generators.checks import check_whole
from simulations.generators.planted import (
    PlantedTasks,
    check_cosines,
    check_margin,
    check_sizes,
    choose_cosines,
    plant,
)

__all__ = ["plant_component"]


def plant_component(
    sizes: Sequence[int],
    dim: int,
    tau: float,
    gamma: float,
    *,
    camps: int = 2,
    within: float | None = None,
    between: float | None = None,
    across: float = 0.0,
    norms: float | Sequence[float] = 1.0,
    rng: np.random.Generator | None = None,
) -> PlantedTasks:
    """Plant tasks whose groups are the connected components of the conflict graph.

    Each component splits into camps, as equal in size as can be: tasks of a camp agree, tasks of
    different camps of one component conflict, tasks of different components do not conflict.

    Parameters
    ----------
    sizes : sequence of int
        Tasks in each component, all >= 1. A component of one task is an isolated vertex.
    dim : int
        d, the number of shared parameters.
    tau : float
        Threshold, in [0, 1).
    gamma : float
        Margin, in (0, 1 - tau).
    camps : int, default 2
        Camps in a component, >= 2 (a component with fewer tasks has one camp a task).
    within : float, optional
        Cosine inside a camp; >= -(tau - gamma). By default as in `plant_multipartite`.
    between : float, optional
        Cosine between camps of one component; <= -(tau + gamma), which is the default.
    across : float, default 0
        Cosine between components; >= -(tau - gamma).
    norms : float or sequence of float, default 1
        Lengths of the mean gradients, > 0.
    rng : numpy.random.Generator, optional
        Turns the whole configuration into a uniformly random position.

    Returns
    -------
    PlantedTasks
        `labels` are the components, `blocks` the camps; tasks are ordered by both.

    Raises
    ------
    InvalidInputError
        When a cosine breaks the margin, or no vectors in R^d have these cosines; says what is
        possible.

    Source
    ------
    SON-GOKU, Definition B.2 (A).

    Differs from
    ------------
    Assumption 1 (eq. 16) asks that tasks of *different* groups have cosines <= -(tau + gamma),
    that is that they be adjacent, for either model. Under model (A) different groups are different
    components, which are not adjacent: with two or more groups no vectors satisfy both. What
    recovery by components needs, and what is planted here, is a margin around the threshold on
    every pair, with the components connected.

    Examples
    --------
    >>> tasks = plant_component([4, 2, 1], dim=16, tau=0.3, gamma=0.1)
    >>> tasks.labels.tolist(), tasks.blocks.tolist()
    ([0, 0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 3, 4])
    >>> tasks.graph.edges()
    ((0, 2), (0, 3), (1, 2), (1, 3), (4, 5))
    """
    sizes = check_sizes(sizes)
    check_margin(tau, gamma)
    check_whole("camps", camps, 2, "one camp has no conflicts, so it would not be connected")
    for name, value in (("within", within), ("between", between), ("across", across)):
        check_cosines(name, [] if value is None else value)
    camp_sizes: list[int] = []
    owners: list[int] = []
    for component, size in enumerate(sizes):
        parts = min(int(camps), size)
        camp_sizes += [size // parts + (part < size % parts) for part in range(parts)]
        owners += [component] * parts
    groups = np.asarray(owners, dtype=np.int64)
    same_component = groups[:, None] == groups[None, :]
    conflicts = same_component & ~np.eye(len(groups), dtype=np.bool_)

    def build(open_within: float, open_between: float) -> BlockCosines:
        inside = open_within if within is None else float(within)
        conflicting = open_between if between is None else float(between)
        return BlockCosines(
            tuple(camp_sizes),
            (inside,) * len(camp_sizes),
            np.where(same_component, conflicting, float(across)),
        )

    most_camps = int(np.bincount(groups).max())
    simplex = -1.0 / (most_camps - 1) if between is None and most_camps >= 2 else None
    blocks = choose_cosines(build, simplex, dim, tau, gamma)
    return plant("component", blocks, groups, conflicts, dim, tau, gamma, norms, rng)
