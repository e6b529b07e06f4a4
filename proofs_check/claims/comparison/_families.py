"""Problems to try a statement on: every small one on a line, random quadratics, curved losses.

Three kinds, all exact: quadratics (constant Hessians), and twice continuously differentiable
losses on a line whose second derivatives are piecewise linear, so that L and L_r are read off
the knots and F is integrated exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np

from proofs_check.claims.comparison._problem import Problem, Vector, dot, plus, total
from proofs_check.counterexamples import load, rational

__all__ = [
    "Curve",
    "Matrix",
    "all_problems",
    "curved",
    "curved_problems",
    "is_bounded_by",
    "line_problems",
    "plane_problems",
    "quadratic",
    "read_problem",
    "stored_problems",
]

Matrix = tuple[Vector, ...]

_TRIPLES = (
    *((1, 0, 1), (0, 1, 1), (-1, 0, 1), (0, -1, 1), (3, 4, 5), (-4, 3, 5)),
    *((-3, -4, 5), (4, -3, 5), (-5, 12, 13), (12, 5, 13), (0, 0, 1)),
)
UNITS: tuple[Vector, ...] = tuple((Fraction(a, c), Fraction(b, c)) for a, b, c in _TRIPLES)
"""Directions with rational norm, and the zero vector."""


def apply(matrix: Matrix, v: Vector) -> Vector:
    """Return the product of a matrix and a vector."""
    if len(v) == 1:
        return (matrix[0][0] * v[0],)
    return tuple(dot(row, v) for row in matrix)


def is_bounded_by(matrix: Matrix, bound: Fraction) -> bool:
    """Decide whether a symmetric 1x1 or 2x2 matrix has operator norm at most `bound`.

    Examples
    --------
    >>> is_bounded_by(((Fraction(3), Fraction(4)), (Fraction(4), Fraction(-3))), Fraction(5))
    True
    """
    if len(matrix) == 1:
        return abs(matrix[0][0]) <= bound
    (a, b), (_, c) = matrix
    return all(
        bound + s * a >= 0 and bound + s * c >= 0 and (bound + s * a) * (bound + s * c) >= b * b
        for s in (1, -1)
    )


def quadratic(
    hessians: Sequence[Matrix],
    gradients: Sequence[Vector],
    eta: Fraction,
    smoothness: Fraction,
    lipschitz: Sequence[Fraction],
) -> Problem:
    """Return groups ``G_r(u) = A_r u + b_r``.

    Raises
    ------
    ArithmeticError
        If a constant is smaller than the norm that it should bound.
    """
    dim = len(gradients[0])
    summed: Matrix = tuple(
        tuple(sum((a[i][j] for a in hessians), Fraction(0)) for j in range(dim)) for i in range(dim)
    )
    slope = total(list(gradients))
    fits = is_bounded_by(summed, smoothness) and all(
        is_bounded_by(a, bound) for a, bound in zip(hessians, lipschitz, strict=True)
    )
    if not fits:
        raise ArithmeticError("a Lipschitz constant is smaller than the norm that it should bound.")

    def group(r: int) -> Callable[[Vector], Vector]:
        return lambda u: plus(apply(hessians[r], u), gradients[r])

    return Problem(
        groups=tuple(group(r) for r in range(len(gradients))),
        gradient=lambda u: plus(apply(summed, u), slope),
        objective=lambda u: dot(u, apply(summed, u)) / 2 + dot(slope, u),
        dim=dim,
        eta=eta,
        smoothness=smoothness,
        lipschitz=tuple(lipschitz),
        jacobians=tuple(hessians),
        third=(Fraction(0),) * len(gradients),
        name=f"A = {_show(hessians)}, G(x) = {_show(gradients)}, eta = {eta}, L = {smoothness}",
    )


def _show(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(_show(item) for item in value)}]"
    return str(value)


class Curve:
    """A group gradient on a line whose derivative is piecewise linear and continuous.

    The derivative goes through the points (knot, slope) and is constant outside of them.
    """

    __slots__ = ("at_start", "knots", "slopes")

    def __init__(
        self, at_start: Fraction, knots: Sequence[Fraction], slopes: Sequence[Fraction]
    ) -> None:
        self.at_start = at_start
        self.knots = tuple(knots)
        self.slopes = tuple(slopes)

    def slope(self, u: Fraction) -> Fraction:
        """Return the derivative of the group gradient at u."""
        if u <= self.knots[0]:
            return self.slopes[0]
        for left, right, low, high in self._pieces():
            if u <= right:
                return low + (high - low) * (u - left) / (right - left)
        return self.slopes[-1]

    def _pieces(self) -> list[tuple[Fraction, Fraction, Fraction, Fraction]]:
        return list(zip(self.knots, self.knots[1:], self.slopes, self.slopes[1:], strict=False))

    def third(self) -> Fraction:
        """Return the largest change of the slope per unit."""
        changes = (abs(d - c) / (b - a) for a, b, c, d in self._pieces())
        return max(changes, default=Fraction(0))

    def value(self, u: Fraction) -> Fraction:
        """Return the group gradient at u."""
        return self.at_start + self._integrals(u)[0]

    def potential(self, u: Fraction) -> Fraction:
        """Return the group's loss at u, 0 at the start."""
        return self.at_start * u + self._integrals(u)[1]

    def _integrals(self, u: Fraction) -> tuple[Fraction, Fraction]:
        """Integrate the slope from 0 to u once, and twice: exact, piece by piece."""
        sign = 1 if u >= 0 else -1
        low, high = min(Fraction(0), u), max(Fraction(0), u)
        cuts = [low, *(k for k in self.knots if low < k < high), high]
        once = twice = Fraction(0)
        legs = list(pairwise(cuts))
        for left, right in legs if sign == 1 else [(b, a) for a, b in reversed(legs)]:
            width, a, b = right - left, self.slope(left), self.slope(right)
            # the slope is linear on a leg: its double integral from `left` is a/3 + b/6
            twice += once * width + width * width * (a / 3 + b / 6)
            once += width * (a + b) / 2
        return once, twice


def curved(curves: Sequence[Curve], eta: Fraction, smoothness: Fraction | None = None) -> Problem:
    """Return the problem on a line with these groups; L and L_r are the largest slopes."""
    knots = sorted({k for curve in curves for k in curve.knots})
    # sums of piecewise linear slopes are extreme at knots
    least = max(abs(sum((c.slope(k) for c in curves), Fraction(0))) for k in knots)
    bound = least if smoothness is None else smoothness
    if bound < least:
        raise ArithmeticError(f"L = {bound} is smaller than the largest |F''| = {least}.")

    def group(curve: Curve) -> Callable[[Vector], Vector]:
        return lambda u: (curve.value(u[0]),)

    return Problem(
        groups=tuple(group(curve) for curve in curves),
        gradient=lambda u: (sum((curve.value(u[0]) for curve in curves), Fraction(0)),),
        objective=lambda u: sum((curve.potential(u[0]) for curve in curves), Fraction(0)),
        dim=1,
        eta=eta,
        smoothness=bound,
        lipschitz=tuple(max(abs(s) for s in curve.slopes) for curve in curves),
        jacobians=tuple(((curve.slope(Fraction(0)),),) for curve in curves),
        third=tuple(curve.third() for curve in curves),
        name=f"G(x) = {_show([c.at_start for c in curves])}, slopes "
        + "; ".join(f"{_show(c.slopes)} at {_show(c.knots)}" for c in curves)
        + f", eta = {eta}, L = {bound}",
    )


def read_problem(data: Mapping[str, Any]) -> Problem:
    """Read a problem from a counterexample's data.

    ``{"hessians", "gradients", "eta", "L", "lipschitz"}`` or ``{"curves": [{"at_start", "knots",
    "slopes"}], "eta", "L"}``.
    """
    eta, smoothness = rational(data["eta"]), rational(data["L"])
    if "curves" in data:
        return curved(
            [
                Curve(
                    rational(c["at_start"]),
                    [rational(k) for k in c["knots"]],
                    [rational(s) for s in c["slopes"]],
                )
                for c in data["curves"]
            ],
            eta,
            smoothness,
        )
    return quadratic(
        [tuple(tuple(rational(x) for x in row) for row in a) for a in data["hessians"]],
        [tuple(rational(x) for x in b) for b in data["gradients"]],
        eta,
        smoothness,
        [rational(x) for x in data["lipschitz"]],
    )


@cache
def line_problems(groups: int, reach: int) -> tuple[Problem, ...]:
    """Return every quadratic on a line with slopes in -1..1 and gradients in -reach..reach.

    L is the smallest allowed (1 if the slopes cancel); eta is 1/L, for two groups 1/(2L) too.
    """
    found: list[Problem] = []
    for slopes in product((-1, 0, 1), repeat=groups):
        bound = Fraction(max(abs(sum(slopes)), 1))
        for gradients in product(range(-reach, reach + 1), repeat=groups):
            if gradients[0] < 0:  # mirrored: u -> -u
                continue
            for share in (Fraction(1), Fraction(1, 2))[: 4 - groups]:
                found.append(
                    quadratic(
                        [((Fraction(s),),) for s in slopes],
                        [(Fraction(g),) for g in gradients],
                        share / bound,
                        bound,
                        [Fraction(abs(s)) for s in slopes],
                    )
                )
    return tuple(found)


def _symmetric(rng: np.random.Generator) -> tuple[Matrix, Fraction]:
    """Draw a symmetric 2x2 matrix with rational eigenvalues; return it and its norm."""
    low, high = (Fraction(int(x), 2) for x in rng.integers(-4, 5, size=2))
    c, s = UNITS[int(rng.integers(len(UNITS) - 1))]
    matrix = (
        (low * c * c + high * s * s, (low - high) * c * s),
        ((low - high) * c * s, low * s * s + high * c * c),
    )
    return matrix, max(abs(low), abs(high))


def plane_problems(seed: int, count: int, *, convex: bool = False) -> Iterator[Problem]:
    """Yield random quadratics in the plane with 2 to 4 groups and rational norms."""
    rng = np.random.default_rng([seed, 1])
    for _ in range(count):
        size = int(rng.integers(2, 5))
        drawn = [_symmetric(rng) for _ in range(size)]
        if convex:
            drawn = [_squared(matrix, bound) for matrix, bound in drawn]
        gradients = []
        for _ in range(size):
            scale = Fraction(int(rng.integers(0, 5)), int(rng.integers(1, 4)))
            unit = UNITS[int(rng.integers(len(UNITS)))]
            gradients.append((scale * unit[0], scale * unit[1]))
        bound = _smallest_bound([matrix for matrix, _ in drawn])
        share = Fraction(int(rng.integers(1, 5)), 4)
        yield quadratic(
            [matrix for matrix, _ in drawn],
            gradients,
            share / bound,
            bound,
            [lip for _, lip in drawn],
        )


def _squared(matrix: Matrix, bound: Fraction) -> tuple[Matrix, Fraction]:
    (a, b), (_, c) = matrix
    return ((a * a + b * b, b * (a + c)), (b * (a + c), b * b + c * c)), bound * bound


def _smallest_bound(matrices: Sequence[Matrix]) -> Fraction:
    """Bound the norm of the sum from above, to within 1/64 of it; at least 1/64."""
    summed: Matrix = tuple(
        tuple(sum((m[i][j] for m in matrices), Fraction(0)) for j in range(2)) for i in range(2)
    )
    (a, b), (_, c) = summed
    rough = max(abs(a) + abs(b), abs(c) + abs(b))
    low, high = Fraction(0), max(rough, Fraction(1, 64))
    while high - low > Fraction(1, 64):
        middle = (low + high) / 2
        low, high = (low, middle) if is_bounded_by(summed, middle) else (middle, high)
    return high


def curved_problems(seed: int, count: int, *, convex: bool = False) -> Iterator[Problem]:
    """Yield random twice differentiable problems on a line with 2 to 4 groups."""
    rng = np.random.default_rng([seed, 2])
    for _ in range(count):
        curves = []
        for _ in range(int(rng.integers(2, 5))):
            knots = sorted({Fraction(int(k), 2) for k in rng.integers(-6, 7, size=4)})
            low = 0 if convex else -4
            slopes = [Fraction(int(s), 2) for s in rng.integers(low, 5, size=len(knots))]
            curves.append(Curve(Fraction(int(rng.integers(-4, 5)), 2), knots, slopes))
        least = curved(curves, Fraction(1)).smoothness
        bound = max(least, Fraction(1, 4))
        share = Fraction(int(rng.integers(1, 5)), 4)
        yield curved(curves, share / bound, bound)


STORED = (
    "cmp_48_grows",
    "cmp_49_below",
    "cmp_56_penalty",
    "cmp_59_not_tighter",
    "cmp_5_3_drop",
    "cmp_5_3_never",
    "cmp_rm_negative",
    "ext8_sign",
)


@cache
def stored_problems() -> tuple[Problem, ...]:
    """Return the problems of this family's counterexamples: they may break more."""
    return tuple(read_problem(load(stem).data) for stem in STORED)


@cache
def all_problems(seed: int, full: bool) -> tuple[Problem, ...]:
    """Return problems of all kinds, small ones first."""
    count = 300 if full else 40
    return (
        *stored_problems(),
        *line_problems(2, 2),
        *line_problems(3, 1),
        *plane_problems(seed, count),
        *curved_problems(seed, count),
    )
