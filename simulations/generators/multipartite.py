"""Model (B): all pairs of different groups conflict, no pair of one group does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.blocks import BlockCosines
from simulations.generators.planted import (
    PlantedTasks,
    check_cosines,
    check_margin,
    check_sizes,
    choose_cosines,
    plant,
)
from songoku_theory.errors import InvalidInputError

__all__ = ["plant_multipartite"]


def plant_multipartite(
    sizes: Sequence[int],
    dim: int,
    tau: float,
    gamma: float,
    *,
    within: float | Sequence[float] | None = None,
    between: ArrayLike | None = None,
    norms: ArrayLike = 1.0,
    rng: np.random.Generator | None = None,
) -> PlantedTasks:
    """Plant tasks whose population conflict graph is complete multipartite.

    Parameters
    ----------
    sizes : sequence of int
        Tasks in each group, all >= 1; they may differ.
    dim : int
        d, the number of shared parameters.
    tau : float
        Threshold, in [0, 1).
    gamma : float
        Margin, in (0, 1 - tau).
    within : float or sequence of float, optional
        Cosine inside a group, one for all or one a group; >= -(tau - gamma). By default halfway
        between the least one possible and 1, or 1 where `dim` has no room for more.
    between : float or array_like of shape (m, m), optional
        Cosine of two groups; <= -(tau + gamma). By default ``-(tau + gamma)``, at the margin (in
        m - 1 dimensions: the simplex's ``-1 / (m - 1)``).
    norms : float or array_like of shape (K,), default 1
        Lengths of the mean gradients, > 0.
    rng : numpy.random.Generator, optional
        Turns the whole configuration into a uniformly random position.

    Returns
    -------
    PlantedTasks
        Tasks are ordered by group.

    Raises
    ------
    InvalidInputError
        When a cosine breaks the margin, or no vectors in R^d have these cosines; says which
        cosines, how many groups or which dimension are possible.

    Source
    ------
    SON-GOKU, Definition B.2 (B), Assumption 1 (eq. 16). Existence: with equal sizes k it is
    ``between >= -((1 - within) / k + within) / (m - 1)``, hence m <= 1 + 1 / (tau + gamma) groups
    at most; see `simulations.generators.blocks` for the proof and unequal sizes.

    Examples
    --------
    >>> tasks = plant_multipartite([2, 2, 1], dim=8, tau=0.2, gamma=0.1)
    >>> tasks.labels.tolist(), round(tasks.margin, 12), len(tasks.graph.edges())
    ([0, 0, 1, 1, 2], 0.1, 8)
    >>> plant_multipartite([1] * 6, dim=50, tau=0.2, gamma=0.1)
    Traceback (most recent call last):
    ...
    songoku_theory.errors.InvalidInputError: no vectors have these cosines, in any dimension: ...
    """
    sizes = check_sizes(sizes)
    check_margin(tau, gamma)
    num_groups = len(sizes)
    given_within = None if within is None else _per_group(within, num_groups)
    given_between = None if between is None else _per_pair(between, num_groups)

    def build(open_within: float, open_between: float) -> BlockCosines:
        return BlockCosines(
            sizes,
            (open_within,) * num_groups if given_within is None else given_within,
            np.full((num_groups, num_groups), open_between)
            if given_between is None
            else given_between,
        )

    simplex = -1.0 / (num_groups - 1) if between is None and num_groups >= 2 else None
    blocks = choose_cosines(build, simplex, dim, tau, gamma)
    conflicts = ~np.eye(num_groups, dtype=np.bool_)
    groups = np.arange(num_groups)
    return plant("multipartite", blocks, groups, conflicts, dim, tau, gamma, norms, rng)


def _per_group(within: float | Sequence[float], num_groups: int) -> tuple[float, ...]:
    values = np.asarray(within, dtype=np.float64)
    if values.ndim == 0:
        values = np.full(num_groups, float(values))
    if values.shape != (num_groups,):
        raise InvalidInputError(
            f"within should be one number or one a group ({num_groups}); found shape "
            f"{values.shape}."
        )
    check_cosines("within", values)
    return tuple(float(value) for value in values)


def _per_pair(between: ArrayLike, num_groups: int) -> NDArray[np.float64]:
    values = np.asarray(between, dtype=np.float64)
    apart = np.ones(values.shape, dtype=np.bool_)
    if values.ndim == 2:
        np.fill_diagonal(apart, False)
    check_cosines("between", values[apart])
    if values.ndim == 0:
        return np.full((num_groups, num_groups), float(values))
    if values.shape != (num_groups, num_groups):
        raise InvalidInputError(
            f"between should be one number or a matrix of shape ({num_groups}, {num_groups}); "
            f"found shape {values.shape}."
        )
    if not np.array_equal(values, values.T, equal_nan=True):
        raise InvalidInputError("between should be symmetric: cosine(p, q) is cosine(q, p).")
    return values
