"""Planted tasks: mean gradients together with the truth that an estimate should find."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.blocks import BlockCosines
from simulations.generators.checks import check_number, check_whole
from simulations.generators.feasibility import advice, least_within
from simulations.generators.realise import realise
from songoku_theory.conflict import ConflictGraph
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_tau

__all__ = [
    "Model",
    "PlantedTasks",
    "check_cosines",
    "check_margin",
    "check_sizes",
    "choose_cosines",
    "plant",
]

Model = Literal["multipartite", "component"]

# 0.1 + 0.2 > 0.3 in floats; a cosine that misses a bound by this much was meant to meet it.
SLACK = 1e-12


@dataclass(frozen=True, slots=True)
class PlantedTasks:
    """K mean gradients and what is true of them.

    Attributes
    ----------
    model : {"multipartite", "component"}
        Which of the two models of Definition B.2.
    means : ndarray, shape (K, d)
        mu_i of eq. 14.
    cosines : ndarray, shape (K, K)
        C* of eq. 15 as wanted; `means` has it to rounding.
    norms : ndarray, shape (K,)
        Their lengths; m_0 of Assumption 4 is the smallest.
    labels : ndarray of int, shape (K,)
        The true grouping P*: group of each task, 0..m-1.
    blocks : ndarray of int, shape (K,)
        Tasks of a block agree: the groups in the multipartite model, the camps inside the
        components in the component model.
    graph : ConflictGraph
        The population conflict graph G*, planted (not estimated from `means`).
    tau, gamma : float
        Threshold and the margin asked for.
    """

    model: Model
    means: NDArray[np.float64]
    cosines: NDArray[np.float64]
    norms: NDArray[np.float64]
    labels: NDArray[np.int64]
    blocks: NDArray[np.int64]
    graph: ConflictGraph
    tau: float
    gamma: float

    @property
    def num_tasks(self) -> int:
        """K."""
        return int(self.means.shape[0])

    @property
    def dim(self) -> int:
        """d."""
        return int(self.means.shape[1])

    @property
    def num_groups(self) -> int:
        """m."""
        return int(self.labels.max()) + 1

    @property
    def min_norm(self) -> float:
        """m_0 of Assumption 4."""
        return float(self.norms.min())

    @property
    def margin(self) -> float:
        """The margin realised, ``min |rho_ij - tau|`` over pairs; infinite for a single task."""
        if self.num_tasks < 2:
            return math.inf
        pairs = np.triu_indices(self.num_tasks, 1)
        return float(np.abs(-self.cosines[pairs] - self.tau).min())

    def relabelled(self, order: ArrayLike) -> PlantedTasks:
        """Return the same tasks in another order.

        Parameters
        ----------
        order : array_like of int, shape (K,)
            A permutation; task k of the result is task ``order[k]`` of this.

        Returns
        -------
        PlantedTasks

        Raises
        ------
        InvalidInputError
            When `order` is not a permutation of ``0..K-1``.
        """
        chosen = np.asarray(order)
        if sorted(chosen.ravel().tolist()) != list(range(self.num_tasks)):
            raise InvalidInputError(
                f"order should be a permutation of 0..{self.num_tasks - 1}; found {order!r}."
            )
        both = np.ix_(chosen, chosen)
        return PlantedTasks(
            self.model,
            self.means[chosen],
            self.cosines[both],
            self.norms[chosen],
            self.labels[chosen],
            self.blocks[chosen],
            ConflictGraph(self.graph.adjacency[both], self.graph.included[chosen], self.graph.tau),
            self.tau,
            self.gamma,
        )


def check_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Check the sizes of the groups: at least one group, each of at least one task.

    Raises
    ------
    InvalidInputError
        When they are not.
    """
    found = tuple(sizes)
    if not found:
        raise InvalidInputError("sizes should name at least one group; found none.")
    for group, size in enumerate(found):
        check_whole(f"the size of group {group}", size)
    return tuple(int(size) for size in found)


def check_margin(tau: float, gamma: float) -> None:
    """Check a threshold and a margin: ``0 <= tau``, ``0 < gamma < 1 - tau`` (Assumption 1).

    Raises
    ------
    InvalidInputError
        When they are out of range.
    """
    check_tau(tau)
    check_number("gamma", gamma)
    if not 0 < gamma < 1 - tau:
        raise InvalidInputError(
            f"gamma should lie strictly between 0 and 1 - tau = {1 - tau:g} (Assumption 1); found "
            f"gamma = {gamma}. Cosines below -(tau + gamma) must exist, so keep tau + gamma < 1."
        )


def check_cosines(name: str, values: ArrayLike) -> None:
    """Check wanted cosines: finite and in [-1, 1].

    Raises
    ------
    InvalidInputError
        When one is not.
    """
    for value in np.asarray(values, dtype=np.float64).ravel().tolist():
        check_number(f"{name} cosine", value)
        if abs(value) > 1:
            raise InvalidInputError(f"{name} cosine should lie in [-1, 1]; found {value:g}.")


def choose_cosines(
    build: Callable[[float, float], BlockCosines],
    simplex: float | None,
    dim: int,
    tau: float,
    gamma: float,
) -> BlockCosines:
    """Fill in the cosines that a request leaves open.

    Conflicting cosines default to ``-(tau + gamma)``, exactly at the margin. The within cosine
    defaults to halfway between the least one that is possible (and that the margin allows) and 1;
    where `dim` has no room for that many directions, to 1 (a block's tasks then share one
    direction), and if that still is too much, the conflicting cosines to those of a regular
    simplex, which saves one dimension more.

    Parameters
    ----------
    build : callable
        ``build(within, between)``: the request with these two in the places left open (what the
        caller was given stays).
    simplex : float or None
        ``-1 / (c - 1)`` for c mutually conflicting blocks, if the conflicting cosine is open.
    dim : int
    tau, gamma : float

    Returns
    -------
    BlockCosines
        Not yet known to exist: the caller reports an impossible one.
    """
    at_margin = -(tau + gamma)
    easiest = build(1.0, at_margin)
    least = least_within(easiest, max(gamma - tau, -1.0))
    if least is None:
        return easiest
    for within, between in (
        (0.5 * (least + 1.0), at_margin),
        (1.0, at_margin),
        (1.0, simplex),
    ):
        if between is None or between > at_margin:
            continue
        blocks = build(within, between)
        if blocks.exists and blocks.rank <= dim:
            return blocks
    return easiest


def plant(
    model: Model,
    blocks: BlockCosines,
    groups: NDArray[np.int64],
    conflicts: NDArray[np.bool_],
    dim: int,
    tau: float,
    gamma: float,
    norms: ArrayLike,
    rng: np.random.Generator | None,
) -> PlantedTasks:
    """Check a block request against margin, geometry and dimension, and realise it.

    Parameters
    ----------
    model : {"multipartite", "component"}
    blocks : BlockCosines
    groups : ndarray of int, shape (B,)
        True group of each block.
    conflicts : ndarray of bool, shape (B, B)
        Block pairs that are meant to conflict; the others are meant not to.
    dim : int
    tau, gamma : float
    norms : array_like, scalar or shape (K,)
    rng : numpy.random.Generator or None
        Position in space; None for the first coordinates.

    Returns
    -------
    PlantedTasks

    Raises
    ------
    InvalidInputError
        When a cosine breaks the margin, when no such vectors exist, or when `dim` is too small;
        says what is possible.
    """
    check_whole("dim", dim)
    lengths = _check_norms(norms, blocks.num_tasks)
    _check_cosines_keep_margin(blocks, conflicts, tau, gamma)
    wanted = f"{_describe(blocks, conflicts)} (tau = {tau:g}, gamma = {gamma:g})"
    if not blocks.exists:
        raise InvalidInputError(
            f"no vectors have these cosines, in any dimension: {wanted} would need a Gram matrix "
            f"with an eigenvalue {blocks.eigenvalues[0]:.4g}, and a Gram matrix has none below 0. "
            + advice(blocks, conflicts, groups)
        )
    rank = blocks.rank
    if dim < rank:
        smallest = blocks.with_within(1.0)
        fewer = (
            f" Or within = 1 (one direction for each block), which needs {smallest.rank}."
            if smallest.exists and smallest.rank < rank
            else ""
        )
        raise InvalidInputError(
            f"{wanted} spans {rank} dimensions; found dim = {dim}. The smallest dim for these "
            f"cosines is {rank}.{fewer}"
        )
    labels = blocks.labels
    adjacency = np.asarray(conflicts[labels[:, None], labels[None, :]], dtype=np.bool_)
    cosines = blocks.matrix
    return PlantedTasks(
        model=model,
        means=realise(cosines, int(dim), lengths, rank, rng),
        cosines=cosines,
        norms=lengths,
        labels=np.asarray(groups[labels], dtype=np.int64),
        blocks=labels,
        graph=ConflictGraph(adjacency, np.ones(blocks.num_tasks, dtype=np.bool_), float(tau)),
        tau=float(tau),
        gamma=float(gamma),
    )


def _check_norms(norms: ArrayLike, num_tasks: int) -> NDArray[np.float64]:
    lengths = np.asarray(norms, dtype=np.float64)
    if lengths.ndim == 0:
        lengths = np.full(num_tasks, float(lengths))
    if lengths.shape != (num_tasks,):
        raise InvalidInputError(
            f"norms should be one number or one a task, shape ({num_tasks},); found shape "
            f"{lengths.shape}."
        )
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        task = int(np.argmin(np.isfinite(lengths) & (lengths > 0)))
        raise InvalidInputError(
            f"norms should be finite and > 0 (Assumption 4: a task without a direction is in no "
            f"group); found {lengths[task]} for task {task}."
        )
    return lengths.copy()


def _check_cosines_keep_margin(
    blocks: BlockCosines, conflicts: NDArray[np.bool_], tau: float, gamma: float
) -> None:
    within = np.asarray(blocks.within)
    off_diagonal = ~np.eye(blocks.num_blocks, dtype=np.bool_)
    between = blocks.between
    low, high = -(tau + gamma), -(tau - gamma)
    paired = np.asarray(blocks.sizes) >= 2
    if (within[paired] < high - SLACK).any():
        raise InvalidInputError(
            f"within cosines should be >= -(tau - gamma) = {high:g} to keep the margin; found "
            f"{within[paired].min():g}."
        )
    if conflicts.any() and between[conflicts].max() > low + SLACK:
        raise InvalidInputError(
            f"conflicting cosines should be <= -(tau + gamma) = {low:g} to keep the margin; found "
            f"{between[conflicts].max():g}."
        )
    neutral = off_diagonal & ~conflicts
    if neutral.any() and between[neutral].min() < high - SLACK:
        raise InvalidInputError(
            f"cosines across components should be >= -(tau - gamma) = {high:g} to keep the "
            f"margin; found {between[neutral].min():g}."
        )


def _describe(blocks: BlockCosines, conflicts: NDArray[np.bool_]) -> str:
    sizes = ", ".join(str(size) for size in blocks.sizes[:8])
    more = ", ..." if blocks.num_blocks > 8 else ""
    text = (
        f"{blocks.num_blocks} blocks of sizes ({sizes}{more}) with within {_range(blocks.within)}"
    )
    if conflicts.any():
        text += f" and conflicting cosine {_range(blocks.between[conflicts])}"
    neutral = ~np.eye(blocks.num_blocks, dtype=np.bool_) & ~conflicts
    if neutral.any():
        text += f" and {_range(blocks.between[neutral])} across components"
    return text


def _range(values: ArrayLike) -> str:
    array = np.asarray(values, dtype=np.float64)
    low, high = float(array.min()), float(array.max())
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
