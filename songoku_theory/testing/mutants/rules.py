"""Faulty conflict rules: from gradients and a threshold to a graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from songoku_theory.conflict import conflict_graph
from songoku_theory.testing.mutants.model import Kind, Specimen

__all__ = ["RULES"]

Matrix = NDArray[np.float64]
Graph = NDArray[np.bool_]


def cosines_of(rows: Matrix) -> Matrix:
    """Return cosines; a zero gradient has none with anybody."""
    norms = np.linalg.norm(rows, axis=1)
    unit = rows / np.where(norms > 0, norms, 1.0)[:, None]
    product = unit @ unit.T
    return np.asarray((product + product.T) / 2.0)


def no_loops(edges: Graph) -> Graph:
    """Clear the diagonal."""
    np.fill_diagonal(edges, False)
    return edges


def plain_rule(rows: Matrix, tau: float) -> Graph:
    """Put an edge where the cosine lies below -tau."""
    return no_loops(cosines_of(rows) < -tau - 1e-13)


def below_tau(rows: Matrix, tau: float) -> Graph:
    """Put an edge where cos < tau, which at tau = 1 is the complete graph."""
    return no_loops(cosines_of(rows) < tau)


def wrong_sign(rows: Matrix, tau: float) -> Graph:
    """Put an edge where the cosine exceeds tau."""
    return no_loops(cosines_of(rows) > tau)


def not_strict(rows: Matrix, tau: float) -> Graph:
    """Put an edge at cos <= -tau, so that tau = 1 separates opposite tasks."""
    return no_loops(cosines_of(rows) <= -tau + 1e-13)


def absolute_cosine(rows: Matrix, tau: float) -> Graph:
    """Threshold the absolute cosine."""
    return no_loops(np.abs(cosines_of(rows)) > tau)


def not_normalised(rows: Matrix, tau: float) -> Graph:
    """Threshold inner products instead of cosines."""
    product = rows @ rows.T
    return no_loops((product + product.T) / 2.0 < -tau)


def first_norm_twice(rows: Matrix, tau: float) -> Graph:
    """Divide by the first norm twice, as eq. 9 is printed."""
    norms = np.linalg.norm(rows, axis=1)
    safe = np.where(norms > 0, norms, 1.0)
    return no_loops(rows @ rows.T / (safe * safe)[:, None] < -tau - 1e-13)


def absolute_epsilon(rows: Matrix, tau: float) -> Graph:
    """Add 1e-8 to the product of norms, which is all there is to small gradients."""
    norms = np.linalg.norm(rows, axis=1)
    product = rows @ rows.T
    return no_loops((product + product.T) / 2.0 / (np.outer(norms, norms) + 1e-8) < -tau - 1e-13)


def tau_ignored(rows: Matrix, tau: float) -> Graph:
    """Take the default threshold, whatever is asked for."""
    return plain_rule(rows, 0.0)


def squared_threshold(rows: Matrix, tau: float) -> Graph:
    """Compare with the square of tau."""
    return no_loops(cosines_of(rows) < -(tau**2) - 1e-13)


def half_precision(rows: Matrix, tau: float) -> Graph:
    """Round cosines to 16 bits before the comparison."""
    return no_loops(cosines_of(rows).astype(np.float16) < -tau)


def with_loops(rows: Matrix, tau: float) -> Graph:
    """Leave the diagonal in."""
    edges = plain_rule(rows, tau)
    np.fill_diagonal(edges, True)
    return edges


def one_triangle(rows: Matrix, tau: float) -> Graph:
    """Fill one triangle only."""
    return np.triu(plain_rule(rows, tau))


def divides_by_zero(rows: Matrix, tau: float) -> Graph:
    """Divide by the norm of a zero gradient."""
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    product = unit @ unit.T
    return no_loops((product + product.T) / 2.0 < -tau - 1e-13)


def zero_conflicts(rows: Matrix, tau: float) -> Graph:
    """Let a task with a zero gradient conflict with everybody."""
    edges = plain_rule(rows, tau)
    idle = np.linalg.norm(rows, axis=1) == 0
    return no_loops(edges | idle[:, None] | idle[None, :])


def normalises_in_place(rows: Matrix, tau: float) -> Graph:
    """Normalise the caller's gradients."""
    edges = plain_rule(rows, tau)
    norms = np.linalg.norm(rows, axis=1)
    rows /= np.where(norms > 0, norms, 1.0)[:, None]
    return edges


def centred(rows: Matrix, tau: float) -> Graph:
    """Subtract the mean of each gradient's entries: a correlation, not a cosine."""
    return plain_rule(rows - rows.mean(axis=1, keepdims=True), tau)


def neighbours_only(rows: Matrix, tau: float) -> Graph:
    """Compare each task with the next three only."""
    edges = plain_rule(rows, tau)
    index = np.arange(len(rows))
    edges[np.abs(index[:, None] - index[None, :]) > 3] = False
    return edges


def _mutant(function: Callable[..., Graph], seen: bool = False) -> Specimen:
    doc = (function.__doc__ or "").splitlines()[0].rstrip(".")
    return Specimen(doc[0].lower() + doc[1:], Kind.RULE, function, seen=seen)


RULES: tuple[Specimen, ...] = (
    Specimen("conflict_graph", Kind.RULE, conflict_graph, faulty=False),
    Specimen("a plain rule in numpy", Kind.RULE, plain_rule, faulty=False),
    _mutant(below_tau, seen=True),
    _mutant(wrong_sign),
    _mutant(not_strict),
    _mutant(absolute_cosine),
    _mutant(not_normalised),
    _mutant(first_norm_twice),
    _mutant(absolute_epsilon),
    _mutant(tau_ignored, seen=True),
    _mutant(squared_threshold),
    _mutant(half_precision),
    _mutant(with_loops),
    _mutant(one_triangle),
    _mutant(divides_by_zero),
    _mutant(zero_conflicts),
    _mutant(normalises_in_place),
    _mutant(centred),
    _mutant(neighbours_only),
)
"""Correct rules first, then one fault each."""
