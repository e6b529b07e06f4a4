"""Appendix C in one dimension: L = eta = 1, x = 0, ``G_r(u) = g_r + h_r u``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.adversary.statement import Statement

__all__ = ["ONE_DIM"]

Values = NDArray[Any]  # floats, or objects (Fraction)

TWO = ("g1", "g2", "h1", "h2")
THREE = ("g1", "g2", "g3", "h1", "h2", "h3")
KINKED = ("a", "b", "f", "k_plus", "k_minus")


def _smooth(points: Values) -> Values:
    """|h1 + h2| <= L = 1."""
    bend = points[:, 2] + points[:, 3]
    return np.stack([1 - bend, 1 + bend], axis=1)


def _convex(points: Values) -> Values:
    """h_r >= 0, h1 + h2 <= 1."""
    return np.stack([points[:, 2], points[:, 3], 1 - points[:, 2] - points[:, 3]], axis=1)


def _value(points: Values, place: Values) -> Values:
    """F(place) - F(0)."""
    g1, g2, h1, h2 = points.T
    return np.asarray((g1 + g2) * place + (h1 + h2) * place * place / 2)


def _aggregated(points: Values) -> Values:
    return _value(points, -points[:, 0] - points[:, 1])


def _scheduled(points: Values, swapped: bool = False) -> Values:
    g1, g2, h1, h2 = points.T
    first, second, bend = (g2, g1, h1) if swapped else (g1, g2, h2)
    return _value(points, -first - (second - bend * first))


def _start_gap(points: Values) -> Values:
    """UB_sch - UB_agg at the start of the refresh: ``-L g1 g2 + (h1 + h2) g1 g2``."""
    g1, g2, h1, h2 = points.T
    return np.asarray((h1 + h2 - 1) * g1 * g2)


def _path_gap(points: Values) -> Values:
    """UB_sch - UB_agg along the path (eq. 49 for m = 2)."""
    g1, g2, h1, h2 = points.T
    later = g2 - h2 * g1
    scheduled = -(g1 + g2) * (g1 + later) + (g1**2 + later**2) / 2 + (h1 + h2) * g1 * later
    return np.asarray(scheduled + (g1 + g2) ** 2 / 2)


def _energy_error(g2: Values, error: Values) -> Values:
    return np.asarray((2 * abs(g2) * error + error**2) / 2)


def _penalty(points: Values) -> Values:
    """R_2 by eq. 56."""
    g1, g2, _, h2 = points.T
    error = abs(h2 * g1)
    return np.asarray((abs(g1) + abs(g2)) * error + _energy_error(g2, error))


def _corrected_penalty(points: Values) -> Values:
    g1, g2, _, h2 = points.T
    error = abs(h2 * g1)
    return np.asarray(abs(g1 + g2) * error + _energy_error(g2, error) + abs(g1) * error)


def _excess(points: Values) -> Values:
    """F(0) - F* of the strongly convex quadratic: g^2 / (2h), and mu = h."""
    slope, bend = points[:, 0] + points[:, 1], points[:, 2] + points[:, 3]
    return np.asarray(slope**2 / (2 * bend))


def _contracted(points: Values) -> Values:
    """Eq. 61's bound on the new excess; the factor is ``1 - 2 mu (1 - 1/2) = 1 - mu``."""
    return np.asarray((1 - points[:, 2] - points[:, 3]) * _excess(points))


def _strongly(points: Values) -> Values:
    return np.asarray((points[:, 2] + points[:, 3])[:, None])


def _conflict(points: Values) -> Values:
    return np.asarray((-points[:, 0] * points[:, 1])[:, None])


def _holds_57(points: Values) -> Values:
    inner = (points[:, 2] + points[:, 3]) * points[:, 0] * points[:, 1]
    return np.concatenate([_smooth(points), -inner[:, None]], axis=1)


def _holds_59(points: Values) -> Values:
    return np.asarray((-_start_gap(points) - _penalty(points))[:, None])


def _criterion(points: Values) -> Values:
    """-<grad F, grad Phi>."""
    g1, g2, h1, h2 = points.T
    return np.asarray((-(g1 + g2) * (h1 * g2 + h2 * g1))[:, None])


def _mean_gain(points: Values) -> Values:
    both = _scheduled(points) + _scheduled(points, swapped=True)
    return np.asarray(_aggregated(points) - both / 2)


def _smooth_three(points: Values) -> Values:
    bend = points[:, 3] + points[:, 4] + points[:, 5]
    return np.stack([1 - bend, 1 + bend], axis=1)


def _growth(points: Values) -> tuple[Values, Values, Values]:
    """|G_3(x_2)|, eq. 55's bound on it and the corrected one."""
    g1, g2, g3, _, h2, h3 = points.T
    second = g2 - h2 * g1
    found = abs(g3 - h3 * (g1 + second))
    printed = abs(g3) + abs(h3) * (abs(g1) + abs(g2))
    return found, printed, printed + abs(h3) * abs(h2) * abs(g1)


def _kinked(points: Values) -> tuple[Values, Values, Values]:
    """F(x_3), UB_sch of eq. 49 and the telescoped bound, for classes a, b, F' - a - b."""
    a, b, f, plus, minus = points.T

    def slope(u: Values) -> Values:
        return np.asarray(f + plus * np.maximum(u, 0) + minus * np.minimum(u, 0))

    def value(u: Values) -> Values:
        up, down = np.maximum(u, 0), np.minimum(u, 0)
        return np.asarray(f * u + (plus * up * up + minus * down * down) / 2)

    first, second = -a, -a - b
    c = slope(second) - a - b
    energy = (a**2 + b**2 + c**2) / 2
    near, far = f - slope(-a), f - slope(-b)
    printed = -f * (a + b + c) + energy + near * (b + c) + far * c
    telescoped = -f * a - slope(first) * b - slope(second) * c + energy
    return value(second - c), printed, telescoped


def _kinks(points: Values) -> Values:
    plus, minus = points[:, 3], points[:, 4]
    return np.stack([1 - plus, 1 + plus, 1 - minus, 1 + minus], axis=1)


ONE_DIM: tuple[Statement, ...] = (
    Statement(
        name="conflict_favours_schedule",
        doc="Section 5.3: if two convex groups conflict, F(x_sch) <= F(x_agg).",
        variables=TWO,
        slack=lambda x: _aggregated(x) - _scheduled(x),
        premises=_convex,
        strict=_conflict,
    ),
    Statement(
        name="bound_never_worse",
        doc="Section 5.3: at a common linearisation the scheduled bound is never worse.",
        variables=TWO,
        slack=lambda x: -_start_gap(x),
        premises=_convex,
    ),
    Statement(
        name="theorem6_truth",
        doc="Section 5.3: where eq. 57 and 59 hold, F(x_sch) <= F(x_agg).",
        variables=TWO,
        slack=lambda x: _aggregated(x) - _scheduled(x),
        premises=_holds_57,
        strict=_holds_59,
    ),
    Statement(
        name="lemma3",
        doc="Lemma 3: for m = 2, UB_sch of eq. 44 bounds F(x_sch).",
        variables=TWO,
        slack=lambda x: _path_gap(x) - (x[:, 0] + x[:, 1]) ** 2 / 2 - _scheduled(x),
        premises=_smooth,
    ),
    Statement(
        name="eq56",
        doc="Proposition 4: eq. 56 bounds the start substitution error, m = 2.",
        variables=TWO,
        slack=lambda x: _penalty(x) - (_path_gap(x) - _start_gap(x)),
        premises=_smooth,
    ),
    Statement(
        name="eq56_corrected",
        doc="Ours: the same with the error inside the integrals counted.",
        variables=TWO,
        slack=lambda x: _corrected_penalty(x) - (_path_gap(x) - _start_gap(x)),
        premises=_smooth,
    ),
    Statement(
        name="eq61_scheduled",
        doc="Section 5.3: under PL the scheduled refresh contracts by eq. 61's factor.",
        variables=TWO,
        slack=lambda x: _contracted(x) - _excess(x) - _scheduled(x),
        premises=_convex,
        strict=_strongly,
    ),
    Statement(
        name="eq63_start",
        doc="Eq. 63 with both bounds at the start of the refresh.",
        variables=TWO,
        slack=lambda x: _contracted(x) + _start_gap(x) - _excess(x) - _scheduled(x),
        premises=_convex,
        strict=_strongly,
    ),
    Statement(
        name="eq63_path",
        doc="Eq. 63 with UB_sch along the path, m = 2.",
        variables=TWO,
        slack=lambda x: _contracted(x) + _path_gap(x) - _excess(x) - _scheduled(x),
        premises=_convex,
        strict=_strongly,
    ),
    Statement(
        name="criterion_decides",
        doc=(
            "Not claimed: at eta = 1/L the sign of <grad F, grad Phi> decides for the mean over "
            "orders (true for small eta only)."
        ),
        variables=TWO,
        slack=_mean_gain,
        premises=_convex,
        strict=_criterion,
    ),
    Statement(
        name="eq55",
        doc="Eq. 48 and 55 for r = 3: growth by the gradients at the start.",
        variables=THREE,
        slack=lambda x: _growth(x)[1] - _growth(x)[0],
        premises=_smooth_three,
    ),
    Statement(
        name="eq55_corrected",
        doc="Ours: growth by the gradients along the path.",
        variables=THREE,
        slack=lambda x: _growth(x)[2] - _growth(x)[0],
        premises=_smooth_three,
    ),
    Statement(
        name="eq49",
        doc=(
            "UB_sch of eq. 49 bounds F(x_sch) for m = 3; F' = f + k_plus max(u, 0) + k_minus "
            "min(u, 0), classes a, b and the rest."
        ),
        variables=KINKED,
        slack=lambda x: _kinked(x)[1] - _kinked(x)[0],
        premises=_kinks,
    ),
    Statement(
        name="eq49_telescoped",
        doc="Ours: the bound with the Hessian along the path.",
        variables=KINKED,
        slack=lambda x: _kinked(x)[2] - _kinked(x)[0],
        premises=_kinks,
    ),
)
