"""Propositions 6 and 7 and what is read into them (section 5.1, appendix E)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.adversary.statement import Statement

__all__ = ["DESCENT"]

Values = NDArray[Any]  # floats, or objects (Fraction)


def _grams(points: Values, size: int, dim: int) -> Values:
    """Inner products of the vectors that the first ``size * dim`` coordinates hold."""
    vectors = points[:, : size * dim].reshape(len(points), size, dim)
    return np.asarray((vectors[:, :, None, :] * vectors[:, None, :, :]).sum(axis=-1))


def _names(size: int, dim: int) -> tuple[str, ...]:
    axes = "xyz"[:dim] if dim > 1 else ("",)
    return tuple(f"g{k + 1}{axis}" for k in range(size) for axis in axes)


def _energy(grams: Values) -> Values:
    return np.asarray(sum(grams[:, k, k] for k in range(grams.shape[1])))


def _ratio(grams: Values) -> Values:
    return np.asarray(grams.sum(axis=(1, 2)) / _energy(grams))


def _compatible(grams: Values, tau: Values, size: int) -> Values:
    """Eq. 76 without a root: ``<g_i, g_j>_-^2 <= tau^2 |g_i|^2 |g_j|^2``; and 0 <= tau."""
    rows = [
        tau**2 * grams[:, i, i] * grams[:, j, j] - np.minimum(grams[:, i, j], 0) ** 2
        for i, j in combinations(range(size), 2)
    ]
    return np.stack([*rows, tau], axis=1)


def _class(name: str, doc: str, size: int, bound: Any) -> Statement:  # noqa: ANN401
    """A lower bound on the ratio for a compatible class of `size` vectors in the plane."""
    return Statement(
        name=name,
        doc=doc,
        variables=(*_names(size, 2), "tau"),
        slack=lambda x: _ratio(_grams(x, size, 2)) - bound(_grams(x, size, 2), x[:, -1]),
        premises=lambda x: _compatible(_grams(x, size, 2), x[:, -1], size),
        strict=lambda x: np.stack([_energy(_grams(x, size, 2)), 1 - x[:, -1]], axis=1),
        scale_free=True,
    )


def _tau_eff(grams: Values) -> Values:
    negative = np.maximum(-grams, 0)
    diagonal = sum(negative[:, k, k] for k in range(grams.shape[1]))
    return np.asarray((negative.sum(axis=(1, 2)) - diagonal) / _energy(grams))


def _first_slope(points: Values) -> Values:
    grams = _grams(points, 2, 2)
    return np.asarray(grams[:, 0].sum(axis=1) / _energy(grams))


def _pair_premises(points: Values) -> Values:
    return _compatible(_grams(points, 2, 2), points[:, -1], 2)


def _certified(points: Values) -> Values:
    grams, tau = _grams(points, 2, 2), points[:, -1]
    enough = grams[:, 0, 0] - tau**2 * grams[:, 1, 1]
    return np.concatenate([_pair_premises(points), enough[:, None]], axis=1)


def _pair_strict(points: Values) -> Values:
    return np.stack([_energy(_grams(points, 2, 2)), 1 - points[:, -1]], axis=1)


def _in_conflict(points: Values) -> Values:
    """-g1 g2 > tau |g1| |g2| in one dimension, 0 <= tau < 1."""
    first, second, tau = points.T
    return np.stack([-first * second - tau * abs(first * second), 1 - tau], axis=1)


def _both_steps(points: Values) -> Values:
    """<grad F, G_S> + <grad F, G_rest> over the energy, S the first two of three."""
    grams = _grams(points, 3, 2)
    inside = grams[:, :2].sum(axis=(1, 2))
    return np.asarray((inside + grams[:, 2].sum(axis=1)) / _energy(grams))


DESCENT: tuple[Statement, ...] = (
    _class(
        "class_descends",
        "Proposition 6, eq. 77, for three compatible gradients in the plane.",
        3,
        lambda grams, tau: 1 - 2 * tau,
    ),
    _class(
        "class_descends_data",
        "Proposition 7, eq. 89, for three gradients in the plane.",
        3,
        lambda grams, tau: 1 - _tau_eff(grams),
    ),
    _class(
        "class_descends_any_size",
        "Wrong on purpose: Proposition 6 with 1 - tau for a class of three.",
        3,
        lambda grams, tau: 1 - tau,
    ),
    Statement(
        name="member_descends",
        doc="Section 5.1 read for a member: in a compatible pair, tau < 1, <g1, g1 + g2> >= 0.",
        variables=(*_names(2, 2), "tau"),
        slack=_first_slope,
        premises=_pair_premises,
        strict=_pair_strict,
        scale_free=True,
    ),
    Statement(
        name="member_certified",
        doc="Ours: the same where also ||g1|| >= tau ||g2||.",
        variables=(*_names(2, 2), "tau"),
        slack=_first_slope,
        premises=_certified,
        strict=_pair_strict,
        scale_free=True,
    ),
    Statement(
        name="objective_descends",
        doc=(
            "Section 5 read for F: of two conflicting tasks, each its own class, the step of the "
            "first does not raise F = L1 + L2 to first order."
        ),
        variables=("g1", "g2", "tau"),
        slack=lambda x: x[:, 0] * (x[:, 0] + x[:, 1]),
        premises=lambda x: x[:, 2:],
        strict=_in_conflict,
    ),
    Statement(
        name="cycle_descends",
        doc="Ours: the steps of all classes together do not raise F to first order.",
        variables=_names(3, 2),
        slack=_both_steps,
        strict=lambda x: _energy(_grams(x, 3, 2))[:, None],
        scale_free=True,
    ),
)
