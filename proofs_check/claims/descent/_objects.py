"""Sets of gradients in exact arithmetic: compatibility, conflict ratio, and how to draw them.

Inequalities between norms are decided without roots: by signs and squares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, product

import numpy as np

from proofs_check.counterexamples import rational
from proofs_check.model import Assumption

__all__ = [
    "COMPATIBLE",
    "NOT_ALL_ZERO",
    "TAUS",
    "Vector",
    "compatible",
    "conflict_ratio",
    "dot",
    "draw_vectors",
    "integer_sets",
    "read_vectors",
    "show",
    "squares",
    "total",
    "vectors_of",
]

Vector = tuple[Fraction, ...]

TAUS = (Fraction(0), Fraction(1, 10), Fraction(1, 4), Fraction(1, 2), Fraction(9, 10))


def dot(u: Sequence[Fraction], v: Sequence[Fraction]) -> Fraction:
    """Return the inner product."""
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def total(vectors: Sequence[Vector]) -> Vector:
    """Return the sum."""
    return tuple(sum(column, Fraction(0)) for column in zip(*vectors, strict=True))


def squares(vectors: Sequence[Vector]) -> Fraction:
    """Return the sum of the squared norms."""
    return sum((dot(v, v) for v in vectors), Fraction(0))


def compatible(vectors: Sequence[Vector], tau: Fraction) -> bool:
    """Decide eq. 76: every inner product is at least -tau times the product of the norms."""
    return all(
        (p := dot(u, v)) >= 0 or p * p <= tau * tau * dot(u, u) * dot(v, v)
        for u, v in combinations(vectors, 2)
    )


def conflict_ratio(vectors: Sequence[Vector]) -> Fraction:
    """Return tau_eff of eq. 88 (ordered pairs); the vectors are not all zero."""
    negative = sum((max(-dot(u, v), Fraction(0)) for u, v in combinations(vectors, 2)), Fraction(0))
    return 2 * negative / squares(vectors)


def vectors_of(flat: Sequence[Fraction], dim: int) -> tuple[Vector, ...]:
    """Cut a list of numbers into vectors."""
    return tuple(tuple(flat[i : i + dim]) for i in range(0, len(flat), dim))


def integer_sets(size: int, dim: int, most: int) -> Iterator[tuple[Vector, ...]]:
    """Yield every multiset of `size` integer vectors with entries up to `most`, not all zero."""
    points = [
        tuple(Fraction(x) for x in point) for point in product(range(-most, most + 1), repeat=dim)
    ]
    for chosen in combinations_with_replacement(points, size):
        if any(any(v) for v in chosen):
            yield chosen


def draw_vectors(rng: np.random.Generator, size: int, dim: int) -> list[float]:
    """Draw vectors of widely different lengths that mostly point against one another."""
    vectors = rng.standard_normal((size, dim))
    vectors -= rng.uniform(0.0, 1.2) * vectors.mean(axis=0)
    vectors *= np.exp(rng.normal(0.0, 1.0, size=(size, 1)))
    return [float(x) for x in vectors.ravel()]


def read_vectors(rows: Sequence[Sequence[object]]) -> tuple[Vector, ...]:
    """Read a counterexample's vectors."""
    return tuple(tuple(rational(entry) for entry in row) for row in rows)


def show(vectors: Sequence[Vector]) -> str:
    """Write vectors for people."""
    return ", ".join(f"({', '.join(map(str, v))})" for v in vectors)


COMPATIBLE = Assumption(
    "tau-compatible", "⟨g_i, g_j⟩ ≥ -τ ‖g_i‖ ‖g_j‖ for all i ≠ j in S, 0 ≤ τ < 1", compatible
)
NOT_ALL_ZERO = Assumption(
    "not all zero",
    "some gradient of S is not zero (eq. 88 divides by Σ ‖g_k‖²)",
    lambda vectors: squares(vectors) > 0,
)
