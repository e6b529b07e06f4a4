"""Affine groups: F at the end of a refresh is a polynomial in the step size, computed exactly.

With ``G_r(u) = A_r u + b_r`` and x = 0, ``x_r = x_{r-1} - eta (A_r x_{r-1} + b_r)``: each
coordinate is a polynomial in eta with rational coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, permutations
from math import factorial

from proofs_check.claims.comparison._problem import Problem, Vector, dot, plus, starts, total
from proofs_check.claims.comparison._terms import drifts, max_moves, norms, sums_before
from proofs_check.methods.polynomial import (
    Polynomial,
    add,
    monomial,
    multiply,
    scale,
    subtract,
)

__all__ = [
    "bound_gap_series",
    "coefficient",
    "end_series",
    "gap_series",
    "jacobian_sum",
    "mean_gap_series",
    "phi_slope",
    "remainder_constant",
    "value_series",
]

Matrix = tuple[Vector, ...]
Series = tuple[Polynomial, ...]
"""One polynomial in eta a coordinate."""


def affine(problem: Problem) -> tuple[tuple[Matrix, Vector], ...]:
    """Return the groups' matrices and vectors.

    Raises
    ------
    ArithmeticError
        If the groups are not affine.
    """
    if not problem.constant_hessian:
        raise ArithmeticError(f"not affine: {problem.name}")
    return tuple(zip(problem.jacobians, starts(problem), strict=True))


def apply(matrix: Matrix, v: Vector) -> Vector:
    """Return the product of a matrix and a vector."""
    return tuple(dot(row, v) for row in matrix)


def _apply(matrix: Matrix, series: Series) -> Series:
    found = []
    for row in matrix:
        entry: Polynomial = ()
        for factor, part in zip(row, series, strict=True):
            entry = add(entry, scale(part, factor))
        found.append(entry)
    return tuple(found)


def _affine_series(matrix: Matrix, vector: Vector, at: Series) -> Series:
    """``A at + b``."""
    turned = _apply(matrix, at)
    return tuple(add(t, monomial(0, b)) for t, b in zip(turned, vector, strict=True))


def moves_series(problem: Problem, order: Sequence[int]) -> list[Series]:
    """Return ``G_r(x_{r-1})`` along the order, as polynomials in eta."""
    groups = affine(problem)
    at: Series = ((),) * problem.dim
    found = []
    for r in order:
        move = _affine_series(*groups[r], at)
        found.append(move)
        at = tuple(subtract(a, multiply(monomial(1), g)) for a, g in zip(at, move, strict=True))
    return found


def end_series(problem: Problem, order: Sequence[int]) -> Series:
    """Return x_sch as a polynomial in eta."""
    at: Series = ((),) * problem.dim
    for move in moves_series(problem, order):
        at = tuple(subtract(a, multiply(monomial(1), g)) for a, g in zip(at, move, strict=True))
    return at


def _dot(u: Series, v: Series) -> Polynomial:
    found: Polynomial = ()
    for a, b in zip(u, v, strict=True):
        found = add(found, multiply(a, b))
    return found


def hessian(problem: Problem) -> Matrix:
    """Return the sum of the groups' matrices."""
    matrices = [matrix for matrix, _ in affine(problem)]
    return tuple(total([m[i] for m in matrices]) for i in range(problem.dim))


def slope(problem: Problem) -> Vector:
    """Return ``grad F(0)``."""
    return total([vector for _, vector in affine(problem)])


def _constant(v: Vector) -> Series:
    return tuple(monomial(0, x) for x in v)


def value_series(problem: Problem, at: Series) -> Polynomial:
    """Return ``F(at) - F(0)`` as a polynomial in eta."""
    half = scale(_dot(at, _apply(hessian(problem), at)), Fraction(1, 2))
    return add(half, _dot(_constant(slope(problem)), at))


def gap_series(problem: Problem, order: Sequence[int]) -> Polynomial:
    """Return ``F(x_sch) - F(x_agg)`` as a polynomial in eta."""
    one_step = tuple(multiply(monomial(1, -1), s) for s in _constant(slope(problem)))
    return subtract(
        value_series(problem, end_series(problem, order)), value_series(problem, one_step)
    )


def mean_gap_series(problem: Problem) -> Polynomial:
    """Return the mean of the gap over all orders."""
    found: Polynomial = ()
    for order in permutations(range(problem.size)):
        found = add(found, gap_series(problem, order))
    return scale(found, Fraction(1, factorial(problem.size)))


def bound_gap_series(problem: Problem, order: Sequence[int]) -> Polynomial:
    """Return ``UB_sch - UB_agg`` as a polynomial in eta; L is the problem's."""
    moves = moves_series(problem, order)
    grad, smooth = _constant(slope(problem)), problem.smoothness
    matrix = hessian(problem)
    found: Polynomial = ()
    for move in moves:
        found = subtract(found, multiply(monomial(1), _dot(grad, move)))
        found = add(found, multiply(monomial(2, smooth / 2), _dot(move, move)))
    for p, q in combinations(range(len(moves)), 2):
        crossing = _dot(_apply(matrix, moves[p]), moves[q])
        found = add(found, multiply(monomial(2), crossing))
    square = dot(slope(problem), slope(problem))
    return subtract(found, add(monomial(1, -square), monomial(2, smooth / 2 * square)))


def coefficient(polynomial: Polynomial, degree: int) -> Fraction:
    """Return one coefficient.

    Examples
    --------
    >>> coefficient(monomial(2, 5), 2), coefficient(monomial(2, 5), 7)
    (Fraction(5, 1), Fraction(0, 1))
    """
    return polynomial[degree] if degree < len(polynomial) else Fraction(0)


def jacobian_sum(problem: Problem, order: Sequence[int]) -> Vector:
    """Return ``sum over p < q of DG_q G_p`` at the start, in the given order."""
    groups = starts(problem)
    found: Vector = (Fraction(0),) * problem.dim
    for p, q in combinations(order, 2):
        found = plus(found, apply(problem.jacobians[q], groups[p]))
    return found


def phi_slope(problem: Problem) -> Vector:
    """Return the gradient of ``Phi = sum over p < q of <G_p, G_q>`` at the start.

    By the product rule: ``grad <G_p, G_q> = DG_p G_q + DG_q G_p``.
    """
    forward = jacobian_sum(problem, range(problem.size))
    return plus(forward, jacobian_sum(problem, range(problem.size)[::-1]))


def remainder_constant(problem: Problem, order: tuple[int, ...]) -> Fraction:
    """Bound ``|F(x_sch) - F(x_agg) - eta^2 <grad F, sum over p < q of DG_q G_p>|``.

    ``|grad F| P + eta L |grad F| Y + L Y^2/2``: Y bounds ``|x_sch - x_agg|``, P what is left of it
    after its second-order term, ``|grad F|`` is bounded by the sum of the groups' norms. With the
    D_r and e_r of :mod:`._terms`, Y = O(eta^2) and P = O(eta^3).
    """
    eta, smooth = problem.eta, problem.smoothness
    moved, errors = max_moves(problem, order), drifts(problem, order)
    whole = eta * sum(errors, Fraction(0))
    rest = eta * sum(
        (
            problem.lipschitz[r] * eta * before + problem.third[r] * far * far / 2
            for r, before, far in zip(order, sums_before(errors), moved, strict=True)
        ),
        Fraction(0),
    )
    gradient = sum(norms(problem, order), Fraction(0))
    return gradient * rest + eta * smooth * gradient * whole + smooth / 2 * whole * whole
