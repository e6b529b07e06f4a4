"""Small problems in exact arithmetic: quadratic tasks, and every path of a two-point noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from proofs_check.counterexamples import rational
from proofs_check.model import Assumption

__all__ = [
    "SMOOTH",
    "STEP",
    "UNBIASED",
    "Tasks",
    "Vector",
    "dot",
    "noisy_paths",
    "plus",
    "read_tasks",
    "show",
    "times",
]

Vector = tuple[Fraction, ...]


def dot(u: Vector, v: Vector) -> Fraction:
    """Return the inner product."""
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def plus(*vectors: Vector) -> Vector:
    """Return the sum."""
    return tuple(sum(column, Fraction(0)) for column in zip(*vectors, strict=True))


def times(factor: Fraction | int, v: Vector) -> Vector:
    """Return the vector times a number."""
    return tuple(factor * x for x in v)


def show(v: Vector) -> str:
    """Write a vector for people."""
    return str(v[0]) if len(v) == 1 else f"({', '.join(map(str, v))})"


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks f_k(x) = sum over coordinates of h (x - c)²/2, with curvatures h and centres c.

    Every Hessian is diagonal, so the smoothness of F is the largest absolute coordinate of the
    summed curvatures, exactly.
    """

    curvatures: tuple[Vector, ...]
    centres: tuple[Vector, ...]

    def loss(self, x: Vector) -> Fraction:
        """Return F(x)."""
        return sum(
            (
                h * (a - c) ** 2 / 2
                for hs, cs in zip(self.curvatures, self.centres, strict=True)
                for h, c, a in zip(hs, cs, x, strict=True)
            ),
            Fraction(0),
        )

    def gradient(self, k: int, x: Vector) -> Vector:
        """Return the gradient of f_k."""
        return tuple(
            h * (a - c) for h, c, a in zip(self.curvatures[k], self.centres[k], x, strict=True)
        )

    def group(self, members: Sequence[int], x: Vector) -> Vector:
        """Return the summed gradient of some tasks."""
        return plus(*(self.gradient(k, x) for k in members))

    def full(self, x: Vector) -> Vector:
        """Return the gradient of F."""
        return self.group(range(len(self.centres)), x)

    @property
    def smoothness(self) -> Fraction:
        """Return L of F."""
        return max(abs(h) for h in plus(*self.curvatures))

    @property
    def least(self) -> Fraction:
        """Return inf F; every summed curvature has to be positive."""
        total = plus(*self.curvatures)
        weighted = plus(
            *(
                tuple(h * c for h, c in zip(hs, cs, strict=True))
                for hs, cs in zip(self.curvatures, self.centres, strict=True)
            )
        )
        return self.loss(tuple(w / h for w, h in zip(weighted, total, strict=True)))


def read_tasks(data: Mapping[str, Any]) -> Tasks:
    """Read a counterexample's tasks."""
    return Tasks(
        tuple(tuple(rational(h) for h in row) for row in data["curvatures"]),
        tuple(tuple(rational(c) for c in row) for row in data["centres"]),
    )


def noisy_paths(
    start: Fraction,
    gradient: Callable[[Fraction], Fraction],
    eta: Fraction,
    noise: Fraction,
    steps: int,
) -> list[list[Fraction]]:
    """Return every path of SGD on the line with noise +-`noise`, each with probability 2^-steps.

    Each path has ``steps + 1`` points. The noise has mean zero and variance ``noise**2``.
    """
    paths = []
    for signs in product((1, -1), repeat=steps):
        path = [start]
        for sign in signs:
            path.append(path[-1] - eta * (gradient(path[-1]) + sign * noise))
        paths.append(path)
    return paths


SMOOTH = Assumption("L-smooth", "F is L-smooth in θ, and the heads stay as they are")
UNBIASED = Assumption(
    "unbiased, bounded variance", "E[g_t | θ_t] = ∇F(θ_t) and E‖g_t - ∇F(θ_t)‖² ≤ σ² (eq. 102)"
)
STEP = Assumption("step size", "η = c/√T with 0 < c ≤ 1/L")
