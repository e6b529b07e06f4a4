"""Exact gradients: integer vectors whose conflict graph is a wanted graph.

A counterexample on graphs alone might be one that no gradients produce. So each stored one
carries gradient vectors, and its replay starts by computing the conflict graph from them,
in integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.claims.coloring._graphs import Graph, edges_of, from_edges
from proofs_check.counterexamples import rational
from songoku_theory.errors import InvalidInputError

__all__ = ["conflict_graph", "inner", "read_gradients", "read_tau", "realise"]

Number = int | Fraction

Vector = tuple[Number, ...]


def inner(left: Sequence[Number], right: Sequence[Number]) -> Number:
    """Return the inner product."""
    return sum(a * b for a, b in zip(left, right, strict=True))


def conflict_graph(gradients: Sequence[Sequence[Number]], tau: Fraction) -> Graph:
    """Return the conflict graph: an edge iff ``-cos > tau``, decided without a root (eq. 5).

    Source
    ------
    SON-GOKU, sections 3.1.1-3.1.2, eq. 4, 5, 10.

    Examples
    --------
    >>> one, two = Fraction(1), Fraction(2)
    >>> conflict_graph([(two, one), (-one, -two)], Fraction(4, 5))  # cosine -4/5: not an edge
    (0, 0)
    >>> conflict_graph([(two, one), (-one, -two)], Fraction(3, 4))
    (2, 1)
    """
    norms = [inner(g, g) for g in gradients]
    limit, scale = tau.numerator**2, tau.denominator**2
    edges = []
    for i in range(len(gradients)):
        for j in range(i + 1, len(gradients)):
            product = inner(gradients[i], gradients[j])
            if product < 0 and product**2 * scale > limit * norms[i] * norms[j]:
                edges.append((i, j))
    return from_edges(len(gradients), edges)


def realise(graph: Graph) -> tuple[Vector, ...]:
    """Return integer gradients whose conflict graph is ``graph`` for every ``tau < 1/Delta``.

    One coordinate an edge: ``+1`` for its lower end, ``-1`` for its upper end; and one
    coordinate for a task without conflicts. Then the cosine is ``-1/sqrt(d_i d_j)`` on an
    edge and 0 elsewhere.
    """
    edges = edges_of(graph)
    lonely = [task for task, mask in enumerate(graph) if not mask]
    vectors = [[0] * (len(edges) + len(lonely)) for _ in graph]
    for position, (i, j) in enumerate(edges):
        vectors[i][position] = 1
        vectors[j][position] = -1
    for position, task in enumerate(lonely, start=len(edges)):
        vectors[task][position] = 1
    return tuple(tuple(vector) for vector in vectors)


def _plain(number: Fraction) -> Number:
    """Return an integer as int: the arithmetic is the same and several times faster."""
    return number.numerator if number.denominator == 1 else number


def read_gradients(rows: Sequence[Sequence[object]]) -> tuple[Vector, ...]:
    """Read gradients from a counterexample's data.

    Raises
    ------
    InvalidInputError
        If they are not non-zero vectors of one length.
    """
    vectors: tuple[Vector, ...] = tuple(
        tuple(_plain(rational(entry)) for entry in row) for row in rows
    )
    if not vectors or len({len(vector) for vector in vectors}) != 1:
        raise InvalidInputError(
            f"gradients should be one or more vectors of one length; found lengths "
            f"{[len(vector) for vector in vectors]}."
        )
    zero = [task for task, vector in enumerate(vectors) if not any(vector)]
    if zero:
        raise InvalidInputError(f"gradients should not be zero; those of tasks {zero} are.")
    return vectors


def read_tau(data: Mapping[str, Any], key: str = "tau") -> Fraction:
    """Read a threshold from a counterexample's data: in ``[0, 1)``.

    Raises
    ------
    InvalidInputError
        If it lies outside.
    """
    tau = rational(data[key])
    if not 0 <= tau < 1:
        raise InvalidInputError(f"{key} should lie in [0, 1); found {tau}.")
    return tau
