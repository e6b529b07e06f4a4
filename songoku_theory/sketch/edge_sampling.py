"""Conflict graphs from some of the cosines: sample pairs first, then evaluate what is in doubt.

A first pass over random pairs gives a graph with edges missing: a pair that was not looked at may
be a conflict. What to look at next depends on what has to be certain:

``"none"``
    Nothing: the first pass alone.
``"classes"``
    The *schedule*: colour the graph, look at every pair that would run together, and repeat until
    no such pair is unknown. The colouring is then proper on the true graph; it need not be the
    colouring that the true graph would have got.
``"bounds"``
    The *graph*: angles obey the triangle inequality, so the angle of a pair lies between
    ``max_k |a_ik - a_kj|`` and ``min_k (a_ik + a_kj)`` over the known ones. Pairs whose interval
    straddles the threshold are looked at, nearest to it first, until none is left.

Without a refinement nothing is certain; with one, the work is what the instance asks for, up to all
pairs (cosines near 0, as of unrelated tasks, tell nothing about third pairs).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring import welsh_powell
from songoku_theory.coloring.registry import ColoringFunction
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_gradients, check_num_tasks, check_tau

__all__ = [
    "PairCosines",
    "Refine",
    "SampledGraph",
    "angle_bounds",
    "pair_cosines",
    "sampled_conflict_graph",
    "suggested_pairs",
]

Refine = Literal["none", "classes", "bounds"]

PairCosines = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
"""From index arrays (n,), (n,) to the cosines of those pairs, (n,)."""

_SLACK = 1e-9  # radians: angles come from rounded cosines


@dataclass(frozen=True, slots=True, eq=False)
class SampledGraph:
    """A conflict graph and how much of it was looked at.

    Attributes
    ----------
    adjacency : ndarray of bool, shape (K, K)
        Known edges; a pair that is not known counts as no edge.
    evaluated : ndarray of bool, shape (K, K)
        Pairs whose cosine was computed; symmetric, False on the diagonal.
    known : ndarray of bool, shape (K, K)
        Pairs that are certain: evaluated, or decided by the triangle inequality.
    first, refined : int
        Pairs evaluated in the first pass and after it.
    rounds : int
        Refinement rounds.
    """

    adjacency: NDArray[np.bool_]
    evaluated: NDArray[np.bool_]
    known: NDArray[np.bool_]
    first: int
    refined: int
    rounds: int

    @property
    def pairs(self) -> int:
        """Cosines computed."""
        return self.first + self.refined


def suggested_pairs(num_tasks: int, factor: float = 1.0) -> int:
    """Return ``factor K ln K`` pairs, at least K - 1 and at most all.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    SON-GOKU, appendix D.5.3: "only O(K log K) randomly chosen task pairs".

    Examples
    --------
    >>> suggested_pairs(40), 40 * 39 // 2
    (148, 780)
    """
    check_num_tasks(num_tasks)
    if not (math.isfinite(factor) and factor > 0):
        raise InvalidInputError(f"factor should be a finite number > 0; found {factor!r}.")
    wanted = math.ceil(factor * num_tasks * math.log(max(num_tasks, 2)))
    return min(max(wanted, num_tasks - 1), num_tasks * (num_tasks - 1) // 2)


def pair_cosines(vectors: ArrayLike) -> PairCosines:
    """Return a function that computes the cosines of chosen pairs of rows.

    Parameters
    ----------
    vectors : array_like, shape (K, d)
        A zero row has cosine 0 with every other: no conflict.

    Returns
    -------
    callable

    Raises
    ------
    InvalidInputError
        When a row is not finite.

    Examples
    --------
    >>> cosine = pair_cosines([[1.0, 0.0], [-3.0, 4.0]])
    >>> cosine(np.array([0]), np.array([1]))
    array([-0.6])
    """
    rows = check_gradients(vectors).astype(np.float64, copy=True)
    norms = np.linalg.norm(rows, axis=1)
    rows /= np.where(norms > 0, norms, 1.0)[:, None]

    def cosines(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
        # Pair by pair: gathering the rows of all pairs would copy them several times over.
        pairs = zip(first.tolist(), second.tolist(), strict=True)
        found = np.fromiter((rows[i] @ rows[j] for i, j in pairs), np.float64, len(first))
        return np.asarray(np.clip(found, -1.0, 1.0), dtype=np.float64)

    return cosines


def angle_bounds(angles: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bound all angles by the known ones, with one step of the triangle inequality on the sphere.

    Parameters
    ----------
    angles : array_like, shape (K, K)
        Radians, symmetric; NaN where not known, 0 on the diagonal.

    Returns
    -------
    lower, upper : ndarray, shape (K, K)
        Equal where known; 0 and pi where nothing is known. Costs O(K^3) and no product of length d.

    Examples
    --------
    >>> a = np.array([[0.0, 0.1, np.nan], [0.1, 0.0, 1.0], [np.nan, 1.0, 0.0]])
    >>> low, high = angle_bounds(a)
    >>> round(float(low[0, 2]), 12), round(float(high[0, 2]), 12)
    (0.9, 1.1)
    """
    known = np.asarray(angles, dtype=np.float64)
    size = known.shape[0]
    lower, upper = np.zeros((size, size)), np.full((size, size), np.pi)
    for k in range(size):
        to_k = known[k]
        seen = np.flatnonzero(~np.isnan(to_k))
        block = np.ix_(seen, seen)
        one, other = to_k[seen][:, None], to_k[seen][None, :]
        upper[block] = np.minimum(upper[block], one + other)
        lower[block] = np.maximum(lower[block], np.abs(one - other))
        # Two angles above pi together: the way round the other side is shorter.
        upper[block] = np.minimum(upper[block], 2.0 * np.pi - one - other)
    given = ~np.isnan(known)
    lower[given], upper[given] = known[given], known[given]
    return lower, upper


def sampled_conflict_graph(
    cosines: PairCosines,
    num_tasks: int,
    tau: float,
    pairs: int,
    rng: np.random.Generator,
    refine: Refine = "classes",
    heuristic: ColoringFunction = welsh_powell,
) -> SampledGraph:
    """Build a conflict graph from some of the cosines.

    Parameters
    ----------
    cosines : callable
        See :func:`pair_cosines`.
    num_tasks : int
        K.
    tau : float
        In [0, 1].
    pairs : int
        Random pairs of the first pass, without repetition; see :func:`suggested_pairs`.
    rng : numpy.random.Generator
    refine : {"none", "classes", "bounds"}
        See the module.
    heuristic : callable
        Colours between the rounds of ``"classes"``.

    Returns
    -------
    SampledGraph
        With ``"classes"``, ``heuristic(adjacency)`` is proper on the true graph; with
        ``"bounds"``, `adjacency` is the true graph.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.
    UnknownNameError
        When `refine` is none of the three.

    Source
    ------
    SON-GOKU, appendix D.5.3.

    Differs from
    ------------
    The paper refines pairs "near the threshold or needed to certify connectivity and chromatic
    structure" and does not say how a pair that was not evaluated is known to be near it. Here:
    by the triangle inequality, or because a colouring puts the pair together.

    Examples
    --------
    >>> vectors = np.repeat([[1.0, 0.1], [-1.0, 0.1]], 4, axis=0)
    >>> draw = np.random.default_rng(0)
    >>> found = sampled_conflict_graph(pair_cosines(vectors), 8, 0.5, 8, draw, "bounds")
    >>> int(found.adjacency.sum()) // 2, bool(found.pairs < 28)
    (16, True)
    """
    check_num_tasks(num_tasks)
    check_tau(tau)
    if refine not in get_args(Refine):
        raise unknown_name("refine", str(refine), get_args(Refine))
    rows, columns = (index.astype(np.int64) for index in np.triu_indices(num_tasks, 1))
    if not 0 <= pairs <= rows.size:
        raise InvalidInputError(
            f"pairs should lie in 0..{rows.size} for {num_tasks} tasks; found {pairs}."
        )
    chosen = rng.choice(rows.size, size=pairs, replace=False, shuffle=False)
    looked = _Looked(cosines, num_tasks, tau)
    looked.at(rows[chosen], columns[chosen])
    rounds = 0
    if refine == "classes":
        rounds = _settle_classes(looked, heuristic, rows, columns)
    elif refine == "bounds":
        rounds = _settle_bounds(looked, max(pairs, num_tasks), rows, columns)
    evaluated = ~np.isnan(looked.values)
    np.fill_diagonal(evaluated, False)
    count = int(evaluated.sum()) // 2
    return SampledGraph(looked.edges, evaluated, looked.known, pairs, count - pairs, rounds)


class _Looked:
    """What is known so far."""

    def __init__(self, cosines: PairCosines, num_tasks: int, tau: float) -> None:
        self.cosines = cosines
        self.tau = tau
        self.values = np.full((num_tasks, num_tasks), np.nan)
        np.fill_diagonal(self.values, 1.0)
        self.edges = np.zeros((num_tasks, num_tasks), dtype=np.bool_)
        self.known = np.eye(num_tasks, dtype=np.bool_)

    def at(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        """Evaluate pairs."""
        if not first.size:
            return
        found = self.cosines(first, second)
        for i, j in ((first, second), (second, first)):
            self.values[i, j] = found
            self.edges[i, j] = -found > self.tau
            self.known[i, j] = True


def _settle_classes(
    looked: _Looked,
    heuristic: ColoringFunction,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> int:
    """Look inside the colour classes until nothing there is unknown."""
    rounds = 0
    while True:
        colors = np.asarray(heuristic(looked.edges.copy()))
        unknown = (colors[rows] == colors[columns]) & ~looked.known[rows, columns]
        if not unknown.any():
            return rounds
        looked.at(rows[unknown], columns[unknown])
        rounds += 1


def _settle_bounds(
    looked: _Looked, batch: int, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> int:
    """Look at pairs whose angle may be on either side of the threshold, nearest first."""
    threshold = math.acos(-looked.tau)
    rounds = 0
    while True:
        lower, upper = angle_bounds(np.arccos(looked.values))
        low, high = lower[rows, columns] - _SLACK, upper[rows, columns] + _SLACK
        guessed = np.isnan(looked.values[rows, columns])
        edge, free = guessed & (low > threshold), guessed & (high < threshold)
        for i, j in ((rows, columns), (columns, rows)):
            looked.edges[i[edge], j[edge]] = True
            looked.known[i[edge | free], j[edge | free]] = True
        open_pairs = np.flatnonzero(guessed & ~edge & ~free)
        if not open_pairs.size:
            return rounds
        distance = np.abs((low + high)[open_pairs] / 2.0 - threshold)
        nearest = open_pairs[np.argsort(distance, kind="stable")[:batch]]
        looked.at(rows[nearest], columns[nearest])
        rounds += 1
