"""The conformance suite for conflict rules: from gradients and a threshold to a graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from songoku_theory.conflict import exceeds_threshold, interference
from songoku_theory.testing.graphs import planted_gradients
from songoku_theory.testing.named import NamedCheck, run_checks, settle_promises
from songoku_theory.testing.results import CheckResult

__all__ = ["RULE_PROMISES", "check_conflict_rule"]

Matrix = NDArray[np.float64]
RuleFunction = Callable[[Matrix, float], Any]

RULE_PROMISES: dict[str, str] = {
    "eq-10": "an edge where the cosine lies below -tau, strictly",
    "scale-free": "positive factors, one a task, change nothing",
    "coordinate-free": "a rotation of the space changes nothing",
    "label-free": "the graph of renumbered tasks is the renumbered graph",
    "zero-safe": "a zero gradient has no conflicts and raises no warning",
    "exact-ties": "pairs within rounding of the threshold are decided as in exact arithmetic",
}
"""What a conflict rule can be held to; by default all but ``exact-ties``."""


@dataclass(frozen=True, slots=True)
class _Rule:
    function: RuleFunction

    def __call__(self, rows: Matrix, tau: float) -> NDArray[np.bool_]:
        """The graph, checked to be one, with the gradients left as they were."""
        given = rows.copy()
        found = self.function(given, tau)
        matrix = np.asarray(getattr(found, "adjacency", found))
        if matrix.shape != (len(rows), len(rows)):
            raise ValueError(f"expected a matrix {(len(rows), len(rows))}; found {matrix.shape}")
        if matrix.dtype != np.bool_ and not np.isin(matrix, (0, 1)).all():
            raise ValueError(f"expected only 0 and 1; found {np.unique(matrix)[:4]}")
        matrix = matrix.astype(np.bool_)
        if np.diag(matrix).any():
            task = int(np.argmax(np.diag(matrix)))
            raise ValueError(f"task {task} conflicts with itself")
        if (matrix != matrix.T).any():
            i, j = (int(x) for x in np.argwhere(matrix != matrix.T)[0])
            raise ValueError(f"tasks {i} and {j}: one conflicts with the other, but not back")
        if not np.array_equal(given, rows):
            raise ValueError("it changed the gradients in place")
        return matrix


def _samples(count: int = 20, seed: int = 0) -> list[tuple[float, Matrix]]:
    """Thresholds and gradients with no cosine near the threshold."""
    rng = np.random.default_rng(seed)
    found: list[tuple[float, Matrix]] = []
    while len(found) < count:
        size, dim = int(rng.integers(2, 10)), int(rng.integers(1, 12))
        tau = (0.0, 0.05, 0.2, 0.5, 0.9)[len(found) % 5]
        rows = rng.normal(size=(size, dim))
        if len(found) % 4 == 3:
            groups = int(rng.integers(2, 4))
            rows = planted_gradients(groups, 3, 6, 0.3, rng)
        rho = interference(rows)
        if np.abs(rho - tau)[~np.eye(len(rows), dtype=bool)].min() > 1e-9:
            found.append((tau, rows))
    return found


def _compare(
    found: NDArray[np.bool_], expected: NDArray[np.bool_], rows: Matrix, tau: float
) -> str:
    wrong = np.argwhere(np.triu(found != expected, 1))
    if not wrong.size:
        return ""
    i, j = (int(x) for x in wrong[0])
    cosine = -float(interference(rows)[i, j])
    return (
        f"tasks {i} and {j}: cosine {cosine:.6g}, tau = {tau}: an edge is "
        f"{'expected' if expected[i, j] else 'not expected'} and there is "
        f"{'one' if found[i, j] else 'none'}"
    )


def check_shape(rule: _Rule) -> str:
    """The result is the adjacency matrix of a simple graph, for one task and for many."""
    rng = np.random.default_rng(1)
    for size in (1, 2, 30):
        rule(rng.normal(size=(size, 3)), 0.2)
    return ""


def check_sign(rule: _Rule) -> str:
    """Opposite gradients conflict, parallel and orthogonal ones do not."""
    for tau in (0.0, 0.3, 0.9):
        for rows, expected in (
            ([[1.0, 2.0], [-1.0, -2.0]], True),
            ([[1.0, 2.0], [2.0, 4.0]], False),
            ([[1.0, 0.0], [0.0, 3.0]], False),
        ):
            graph = np.asarray([[False, expected], [expected, False]])
            reason = _compare(rule(np.asarray(rows), tau), graph, np.asarray(rows), tau)
            if reason:
                return reason
    return ""


def check_threshold(rule: _Rule) -> str:
    """Cosines between -tau and tau make no edge, those below -tau do."""
    for cosine in (-0.95, -0.6, -0.3, -0.1, 0.1, 0.3, 0.6, 0.95):
        rows = np.asarray([[1.0, 0.0], [cosine, float(np.sqrt(1.0 - cosine**2))]])
        for tau in (0.0, 0.2, 0.5, 0.8, 1.0):
            edge = cosine < -tau
            reason = _compare(
                rule(rows, tau), np.asarray([[False, edge], [edge, False]]), rows, tau
            )
            if reason:
                return reason
    return ""


def check_close(rule: _Rule) -> str:
    """Cosines 1e-5 on either side of -tau are told apart, which half precision can't."""
    for tau in (0.1, 0.2, 0.5, 0.9):
        for edge, cosine in ((True, -tau - 1e-5), (False, -tau + 1e-5)):
            rows = np.asarray([[1.0, 0.0], [cosine, float(np.sqrt(1.0 - cosine**2))]])
            reason = _compare(
                rule(rows, tau), np.asarray([[False, edge], [edge, False]]), rows, tau
            )
            if reason:
                return reason
    return ""


def check_strict(rule: _Rule) -> str:
    """A cosine of exactly -tau makes no edge; with tau = 1 there is none at all."""
    half = np.asarray([[1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
    opposite = np.asarray([[1.0, 0.0], [-1.0, 0.0]])
    none = np.zeros((2, 2), dtype=np.bool_)
    return _compare(rule(half, 0.5), none, half, 0.5) or _compare(
        rule(opposite, 1.0), none, opposite, 1.0
    )


def check_definition(rule: _Rule) -> str:
    """Random gradients give the graph that exact arithmetic gives."""
    for tau, rows in _samples():
        expected = np.zeros((len(rows), len(rows)), dtype=np.bool_)
        for i, j in combinations(range(len(rows)), 2):
            expected[i, j] = expected[j, i] = exceeds_threshold(rows[i], rows[j], tau)
        reason = _compare(rule(rows, tau), expected, rows, tau)
        if reason:
            return reason
    return ""


def check_task_scale(rule: _Rule) -> str:
    """Each task's gradient times a power of two of its own gives the same graph."""
    rng = np.random.default_rng(3)
    for tau, rows in _samples(10, seed=4):
        factor = 2.0 ** rng.integers(-60, 60, size=(len(rows), 1))
        reason = _compare(rule(rows * factor, tau), rule(rows, tau), rows, tau)
        if reason:
            return f"after scaling: {reason}"
    return ""


def check_rotation(rule: _Rule) -> str:
    """A rotation of the space gives the same graph."""
    rng = np.random.default_rng(5)
    for tau, rows in _samples(10, seed=6):
        turn, _ = np.linalg.qr(rng.normal(size=(rows.shape[1], rows.shape[1])))
        reason = _compare(rule(rows @ turn, tau), rule(rows, tau), rows, tau)
        if reason:
            return f"after a rotation: {reason}"
    return ""


def check_renumbering(rule: _Rule) -> str:
    """The graph of renumbered tasks is the renumbered graph."""
    rng = np.random.default_rng(7)
    for tau, rows in _samples(10, seed=8):
        order = rng.permutation(len(rows))
        reason = _compare(
            rule(rows[order], tau), rule(rows, tau)[np.ix_(order, order)], rows[order], tau
        )
        if reason:
            return f"after renumbering: {reason}"
    return ""


def check_zero(rule: _Rule) -> str:
    """A zero gradient has no conflicts, raises no warning, and leaves the others as they are."""
    rows = np.asarray([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.1]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = rule(rows, 0.2)
    if graph[1].any():
        return "a task with a zero gradient conflicts with somebody"
    return "" if graph[0, 2] else "beside a zero gradient, the conflict of the others is not seen"


def check_ties(rule: _Rule) -> str:
    """Pairs one rounding away from the threshold are decided as in exact arithmetic."""
    rng = np.random.default_rng(9)
    for _ in range(60):
        first, second = rng.integers(-9, 10, size=(2, 3)).astype(float)
        dot = float(first @ second)
        if dot >= 0:
            continue
        tau = -dot / float(np.sqrt((first @ first) * (second @ second)))
        for near in (np.nextafter(tau, 0.0), tau, np.nextafter(tau, 2.0)):
            if not 0 <= near <= 1:
                continue
            rows = np.stack([first, second])
            edge = exceeds_threshold(first, second, float(near))
            expected = np.asarray([[False, edge], [edge, False]])
            reason = _compare(rule(rows, float(near)), expected, rows, float(near))
            if reason:
                return reason
    return ""


RULE_CHECKS: tuple[NamedCheck, ...] = (
    NamedCheck("simple-graph", None, check_shape),
    NamedCheck("sign", "eq-10", check_sign),
    NamedCheck("threshold", "eq-10", check_threshold),
    NamedCheck("close-to-threshold", "eq-10", check_close),
    NamedCheck("strict", "eq-10", check_strict),
    NamedCheck("definition", "eq-10", check_definition),
    NamedCheck("task-scale", "scale-free", check_task_scale),
    NamedCheck("rotation", "coordinate-free", check_rotation),
    NamedCheck("renumbering", "label-free", check_renumbering),
    NamedCheck("zero-gradient", "zero-safe", check_zero),
    NamedCheck("exact-ties", "exact-ties", check_ties),
)


def check_conflict_rule(
    rule: RuleFunction,
    *,
    promises: Iterable[str] = (),
    expected_failures: Mapping[str, str] | None = None,
    time_limit: float = 60.0,
    isolate: bool = True,
    start_method: Literal["fork", "spawn"] | None = None,
) -> list[CheckResult]:
    """Run every check of a rule that turns gradients into a conflict graph.

    Parameters
    ----------
    rule : callable
        ``(gradients (K, d), tau) -> adjacency (K, K)``, or an object with ``adjacency``.
    promises : iterable of str, optional
        By default all of ``RULE_PROMISES`` but ``exact-ties``.
    expected_failures, time_limit, isolate, start_method
        As in ``check_scheduler``.

    Returns
    -------
    list of CheckResult

    Examples
    --------
    >>> from songoku_theory.conflict import conflict_graph
    >>> from songoku_theory.testing import succeeded
    >>> succeeded(check_conflict_rule(conflict_graph, promises=["+exact-ties"]))
    True
    """
    declared = frozenset(RULE_PROMISES) - {"exact-ties"}
    return run_checks(
        _Rule(rule),
        RULE_CHECKS,
        settle_promises(promises, declared, RULE_PROMISES),
        expected_failures=expected_failures,
        time_limit=time_limit,
        isolate=isolate,
        start_method=start_method,
    )
