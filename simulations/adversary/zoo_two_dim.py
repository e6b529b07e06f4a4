"""Theorem 6 against the truth for convex quadratics in the plane, where F has a minimum.

``G_1(u) = g1 + p p' u``, ``G_2(u) = g2 + t u``, so ``H = p p' + t I``, L = |p|^2 + t <= 1 = eta and
L_2 = t. Roots are avoided by n_r with ``n_r^2 >= |g_r|^2``: eq. 56 grows with the norms, so its
value at n_r is at least R_2 and eq. 59 holds with room to spare.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.adversary.statement import Statement

__all__ = ["TWO_DIM"]

Values = NDArray[Any]  # floats, or objects (Fraction)


def _dot(left: Values, right: Values) -> Values:
    return np.asarray((left * right).sum(axis=1))


def _parts(points: Values) -> tuple[Values, Values, Values, Values]:
    return points[:, 0:2], points[:, 2:4], points[:, 4:6], points[:, 6]


def _hessian(points: Values, vector: Values) -> Values:
    _, _, p, t = _parts(points)
    return np.asarray(p * _dot(p, vector)[:, None] + t[:, None] * vector)


def _value(points: Values, place: Values) -> Values:
    g1, g2, _, _ = _parts(points)
    return np.asarray(_dot(g1 + g2, place) + _dot(place, _hessian(points, place)) / 2)


def _gain(points: Values) -> Values:
    """F(x_agg) - F(x_sch)."""
    g1, g2, _, t = _parts(points)
    later = g2 - t[:, None] * g1
    return np.asarray(_value(points, -g1 - g2) - _value(points, -g1 - later))


def _inner(points: Values) -> Values:
    """I_12."""
    g1, g2, _, _ = _parts(points)
    return _dot(_hessian(points, g1), g2)


def _premises(points: Values) -> Values:
    g1, g2, p, t = _parts(points)
    n1, n2 = points[:, 7], points[:, 8]
    return np.stack(
        [
            1 - _dot(p, p) - t,
            t,
            n1,
            n2,
            n1**2 - _dot(g1, g1),
            n2**2 - _dot(g2, g2),
            -_inner(points),
        ],
        axis=1,
    )


def _holds_59(points: Values) -> Values:
    g1, g2, _, t = _parts(points)
    n1, n2 = points[:, 7], points[:, 8]
    error = t * n1
    penalty = (n1 + n2) * error + (2 * n2 * error + error**2) / 2
    return np.asarray((_dot(g1, g2) - _inner(points) - penalty)[:, None])


TWO_DIM: tuple[Statement, ...] = (
    Statement(
        name="theorem6_truth_convex",
        doc=(
            "Section 5.3: where eq. 57 and 59 hold for a convex quadratic in the plane, "
            "F(x_sch) <= F(x_agg)."
        ),
        variables=("g1x", "g1y", "g2x", "g2y", "px", "py", "t", "n1", "n2"),
        slack=_gain,
        premises=_premises,
        strict=_holds_59,
    ),
)
