"""Tasks with exact quadratic losses, one step of training, and the gains of eq. 3 and 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any, Literal

from proofs_check.counterexamples import rational
from proofs_check.model import Assumption
from songoku_theory.errors import InvalidInputError

__all__ = [
    "LEARNING_RATE",
    "LIPSCHITZ",
    "LOWER_BOUND",
    "Rule",
    "Task",
    "Vector",
    "dot",
    "four_squares",
    "gain",
    "read_tasks",
    "step",
]

Vector = tuple[Fraction, ...]

Rule = Literal["sum", "mean", "repeated"]
"""How a step joins the gradients of a group: their sum over the *set* of its tasks (eq. 4 with the
update of appendix A), their mean over that set, or their sum over the list of sources followed by
the target, so that a target among the sources counts twice."""


@dataclass(frozen=True, slots=True)
class Task:
    """A loss c + ⟨b, φ⟩ + ½ Σ h_k φ_k² of the shared parameters."""

    constant: Fraction
    slope: Vector
    curvature: Vector

    def loss(self, phi: Vector) -> Fraction:
        """Return the loss at `phi`."""
        bend = sum((h * x * x for h, x in zip(self.curvature, phi, strict=True)), Fraction(0))
        return self.constant + dot(self.slope, phi) + bend / 2

    def gradient(self, phi: Vector) -> Vector:
        """Return the gradient at `phi`."""
        return tuple(b + h * x for b, h, x in zip(self.slope, self.curvature, phi, strict=True))


def dot(u: Sequence[Fraction], v: Sequence[Fraction]) -> Fraction:
    """Return the inner product."""
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def step(
    tasks: Sequence[Task], members: Sequence[int], phi: Vector, eta: Fraction, rule: Rule
) -> Vector:
    """Take one gradient step on the tasks `members`."""
    chosen = list(members) if rule == "repeated" else sorted(set(members))
    scale = eta / len(chosen) if rule == "mean" else eta
    rows = [tasks[k].gradient(phi) for k in chosen]
    return tuple(
        x - scale * sum(column) for x, column in zip(phi, zip(*rows, strict=True), strict=True)
    )


def gain(
    tasks: Sequence[Task],
    sources: Sequence[int],
    target: int,
    phi: Vector,
    eta: Fraction,
    rule: Rule = "sum",
) -> Fraction:
    """Return the gain of eq. 4 from the tasks `sources` to `target`; eq. 3 for one source."""
    together = step(tasks, (*sources, target), phi, eta, rule)
    alone = step(tasks, (target,), phi, eta, rule)
    return 1 - tasks[target].loss(together) / tasks[target].loss(alone)


def read_tasks(rows: Sequence[Mapping[str, Any]]) -> tuple[Task, ...]:
    """Read a counterexample's tasks."""

    def vector(values: Sequence[object]) -> Vector:
        return tuple(rational(value) for value in values)

    return tuple(
        Task(rational(row["constant"]), vector(row["slope"]), vector(row["curvature"]))
        for row in rows
    )


def four_squares(value: int) -> tuple[int, int, int, int]:
    """Return four integers whose squares add up to `value` (Lagrange: they exist).

    Examples
    --------
    >>> four_squares(7)
    (2, 1, 1, 1)
    """
    for a in range(isqrt(value), -1, -1):
        for b in range(min(a, isqrt(value - a * a)), -1, -1):
            two = value - a * a - b * b
            for c in range(min(b, isqrt(two)), -1, -1):
                d = isqrt(two - c * c)
                if d * d == two - c * c:
                    return a, b, c, d
    raise InvalidInputError(f"expected an integer of at least 0; found {value}.")


LIPSCHITZ = Assumption(
    "l-Lipschitz",
    "every loss is differentiable and l-Lipschitz in the shared parameters",
    lambda gradients, bound: all(dot(g, g) <= bound * bound for g in gradients),
)
LOWER_BOUND = Assumption(
    "loss at least C", "L_j(φ_{j}, θ_j) ≥ C > 0 after the step of j alone", lambda loss: loss > 0
)
LEARNING_RATE = Assumption("one gradient step", "η > 0, one step of gradient descent")
