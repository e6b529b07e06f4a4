"""One refresh in exact arithmetic: group gradients, the two trajectories, and appendix C's terms.

No Hessian is formed: by the fundamental theorem of calculus (eq. 45)

    eta * int_0^1 <H(y - t eta v) v, w> dt = <grad F(y) - grad F(y - eta v), w>,

so eq. 44, 49 and 51 need gradients only, for every F. Problems start at the origin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise
from math import isqrt

__all__ = [
    "Problem",
    "Vector",
    "aggregated",
    "bound_agg",
    "bound_path",
    "bound_sch",
    "bound_start",
    "cross_sum",
    "dot",
    "inner_sum",
    "interaction",
    "minus",
    "norm",
    "plus",
    "scheduled",
    "starts",
    "steps",
    "times",
    "total",
    "walk",
]

Vector = tuple[Fraction, ...]
Order = tuple[int, ...]

_memory = lru_cache(maxsize=1 << 15)
"""Many claims look at the same problems: what is computed of one is kept."""


def dot(u: Vector, v: Vector) -> Fraction:
    """Return the inner product."""
    if len(u) == 1 == len(v):
        return u[0] * v[0]
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def plus(u: Vector, v: Vector) -> Vector:
    """Return the sum."""
    return tuple(a + b for a, b in zip(u, v, strict=True))


def times(factor: Fraction | int, v: Vector) -> Vector:
    """Return a multiple."""
    return tuple(factor * a for a in v)


def minus(u: Vector, v: Vector) -> Vector:
    """Return the difference."""
    return tuple(a - b for a, b in zip(u, v, strict=True))


def total(vectors: Sequence[Vector]) -> Vector:
    """Return the sum of at least one vector."""
    return tuple(sum(entries, Fraction(0)) for entries in zip(*vectors, strict=True))


def norm(v: Vector) -> Fraction:
    """Return the Euclidean norm of a vector whose norm is rational.

    Raises
    ------
    ArithmeticError
        If it is not: a problem that is checked against norms has to be made of such vectors.

    Examples
    --------
    >>> norm((Fraction(3, 5), Fraction(-4, 5)))
    Fraction(1, 1)
    """
    square = dot(v, v)
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    if root * root != square:
        raise ArithmeticError(f"the norm of {v} is not rational.")
    return root


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Groups, their sum's potential, and the constants of appendix C.

    Attributes
    ----------
    groups : tuple of callables
        ``G_r(u)``, one a group, exact.
    gradient : callable
        ``grad F(u)``, the sum of the groups.
    objective : callable
        ``F(u)``, exact.
    dim : int
    eta : Fraction
        Step size > 0.
    smoothness : Fraction
        L: the gradient of F is L-Lipschitz.
    lipschitz : tuple of Fraction
        L_r, one a group.
    jacobians : tuple of matrices
        ``DG_r(x)`` at the start, symmetric.
    third : tuple of Fraction
        Lipschitz constants of the Jacobians; 0 for affine groups.
    name : str
        What it is, for messages.
    """

    groups: tuple[Callable[[Vector], Vector], ...]
    gradient: Callable[[Vector], Vector]
    objective: Callable[[Vector], Fraction]
    dim: int
    eta: Fraction
    smoothness: Fraction
    lipschitz: tuple[Fraction, ...]
    jacobians: tuple[tuple[Vector, ...], ...]
    third: tuple[Fraction, ...]
    name: str

    @property
    def size(self) -> int:
        """The number m of groups."""
        return len(self.groups)

    @property
    def constant_hessian(self) -> bool:
        """Whether all groups are affine."""
        return not any(self.third)

    @property
    def start(self) -> Vector:
        """The point x at which the refresh begins."""
        return (Fraction(0),) * self.dim


@_memory
def starts(problem: Problem, order: Order | None = None) -> tuple[Vector, ...]:
    """Return ``G_r(x)``, in the order of the refresh."""
    chosen = range(problem.size) if order is None else order
    return tuple(problem.groups[r](problem.start) for r in chosen)


@_memory
def walk(problem: Problem, order: Order | None = None) -> tuple[Vector, ...]:
    """Return ``x_0, ..., x_m`` of eq. 43."""
    points = [problem.start]
    for r in range(problem.size) if order is None else order:
        points.append(minus(points[-1], times(problem.eta, problem.groups[r](points[-1]))))
    return tuple(points)


@_memory
def steps(problem: Problem, order: Order | None = None) -> tuple[Vector, ...]:
    """Return ``G_r(x_{r-1})``: the gradients with which eq. 43 steps."""
    points = walk(problem, order)
    return tuple(times(1 / problem.eta, minus(a, b)) for a, b in pairwise(points))


def scheduled(problem: Problem, order: Order | None = None) -> Vector:
    """Return x_sch, eq. 43."""
    return walk(problem, order)[-1]


def aggregated(problem: Problem) -> Vector:
    """Return x_agg, eq. 41."""
    return minus(problem.start, times(problem.eta, total(starts(problem))))


@_memory
def bound_agg(problem: Problem) -> Fraction:
    """Return UB_agg as printed in eq. 50."""
    slope = problem.gradient(problem.start)
    step = total(starts(problem))
    eta = problem.eta
    return (
        problem.objective(problem.start)
        - eta * dot(slope, step)
        + problem.smoothness * eta * eta / 2 * dot(step, step)
    )


@_memory
def _turned(problem: Problem, base: Vector, step: Vector) -> Vector:
    """``eta int_0^1 H(base - t eta step) step dt``, as a difference of gradients."""
    there = minus(base, times(problem.eta, step))
    return minus(problem.gradient(base), problem.gradient(there))


def interaction(problem: Problem, first: Vector, second: Vector) -> Fraction:
    """Return eq. 51's integral from x along ``first``, against ``second``."""
    return dot(_turned(problem, problem.start, first), second) / problem.eta


def cross_sum(problem: Problem, moves: Sequence[Vector], bases: Sequence[Vector]) -> Fraction:
    """Sum the integrals over pairs p < q, each from its base along ``moves[p]``."""
    turned = [_turned(problem, base, move) for base, move in zip(bases, moves, strict=True)]
    pairs = combinations(range(len(moves)), 2)
    return sum((dot(turned[p], moves[q]) for p, q in pairs), Fraction(0)) / problem.eta


def _bound(problem: Problem, moves: Sequence[Vector], bases: Sequence[Vector]) -> Fraction:
    slope, eta = problem.gradient(problem.start), problem.eta
    energy = sum((dot(move, move) for move in moves), Fraction(0))
    return (
        problem.objective(problem.start)
        - eta * dot(slope, total(moves))
        + problem.smoothness * eta * eta / 2 * energy
        + eta * eta * cross_sum(problem, moves, bases)
    )


@_memory
def bound_sch(problem: Problem, order: Order | None = None) -> Fraction:
    """Return UB_sch as printed in eq. 49: every integral starts at x."""
    moves = steps(problem, order)
    return _bound(problem, moves, [problem.start] * len(moves))


@_memory
def bound_path(problem: Problem, order: Order | None = None) -> Fraction:
    """Return eq. 49 with each integral along its own leg ``x_{p-1} -> x_p``."""
    return _bound(problem, steps(problem, order), walk(problem, order)[:-1])


@_memory
def bound_start(problem: Problem, order: Order | None = None) -> Fraction:
    """Return eq. 49 with every ``G_r(x_{r-1})`` replaced by ``G_r(x)``."""
    moves = starts(problem, order)
    return _bound(problem, moves, [problem.start] * len(moves))


def inner_sum(vectors: Sequence[Vector]) -> Fraction:
    """Return the sum of the inner products over pairs p < q."""
    return sum((dot(u, v) for u, v in combinations(vectors, 2)), Fraction(0))
