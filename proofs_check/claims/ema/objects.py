"""The EMA's objects in exact arithmetic, each written down as the paper prints it.

Nothing here uses a closed form that a claim is about: buffers come from running eq. 8, weights
from reading off what that run did, or from eq. 18 term by term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from songoku_theory.errors import InvalidInputError

__all__ = [
    "AlgorithmRun",
    "Probe",
    "Vector",
    "carried_weights",
    "cosine_text",
    "dot",
    "is_conflict",
    "run_algorithm",
    "run_buffer",
    "sample_size",
    "scaled",
    "signed_square_cosine",
    "vector",
    "window_weights",
    "windowed",
]

Vector = tuple[Fraction, ...]

Probe = Literal["none", "fresh", "reused"]
"""What line 21 of Algorithm 1 does: nothing, one new gradient a task, the last one again."""


def vector(*entries: int | Fraction) -> Vector:
    """Return a vector of exact numbers."""
    return tuple(Fraction(entry) for entry in entries)


def scaled(factor: int | Fraction, v: Vector) -> Vector:
    """Return the vector times a number."""
    return tuple(factor * entry for entry in v)


def dot(u: Vector, v: Vector) -> Fraction:
    """Return the inner product."""
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def run_buffer(gradients: Sequence[Vector], beta: Fraction, start: Vector | None = None) -> Vector:
    """Run eq. 8 over the gradients, oldest first, from `start` (zero if not given).

    Examples
    --------
    >>> run_buffer([vector(4)], Fraction(1, 2))
    (Fraction(2, 1),)
    """
    buffer = start if start is not None else (Fraction(0),) * len(gradients[0])
    for gradient in gradients:
        buffer = tuple(
            beta * old + (1 - beta) * new for old, new in zip(buffer, gradient, strict=True)
        )
    return buffer


def carried_weights(updates: int, beta: Fraction) -> tuple[Fraction, ...]:
    """Read off the weight that eq. 8 gives each of `updates` gradients, oldest first.

    The recursion runs on unit vectors, so the weights are what it does, not a formula.
    """
    units = [
        tuple(Fraction(int(row == column)) for column in range(updates)) for row in range(updates)
    ]
    return run_buffer(units, beta)


def window_weights(window: int, beta: Fraction) -> tuple[Fraction, ...]:
    """Return eq. 18's weights w_1 ... w_R as printed (0 ** 0 = 1)."""
    return tuple(
        (1 - beta) * beta ** (window - t) / (1 - beta**window) for t in range(1, window + 1)
    )


def windowed(gradients: Sequence[Vector], beta: Fraction) -> Vector:
    """Return eq. 18's average of one window of gradients, oldest first."""
    weights = window_weights(len(gradients), beta)
    return tuple(
        sum((w * g[c] for w, g in zip(weights, gradients, strict=True)), Fraction(0))
        for c in range(len(gradients[0]))
    )


def sample_size(weights: Sequence[Fraction]) -> Fraction:
    """Return ``(sum w)**2 / sum(w**2)``: eq. 19's n_eff, for weights of any total."""
    return sum(weights, Fraction(0)) ** 2 / sum((w * w for w in weights), Fraction(0))


def signed_square_cosine(u: Vector, v: Vector) -> Fraction:
    """Return ``cos * |cos|`` of two vectors, rational and in the order of the cosine.

    Raises
    ------
    InvalidInputError
        If a vector is zero: eq. 4 is then 0 / 0.
    """
    if not any(u) or not any(v):
        raise InvalidInputError("expected two vectors that are not zero: eq. 4 is 0/0 otherwise.")
    product = dot(u, v)
    return product * abs(product) / (dot(u, u) * dot(v, v))


def is_conflict(u: Vector, v: Vector, tau: Fraction) -> bool:
    """Decide ``rho > tau`` (eq. 4, 5) exactly, for tau in [0, 1]."""
    return -signed_square_cosine(u, v) > tau * tau


def cosine_text(u: Vector, v: Vector) -> str:
    """Return the cosine as text, exactly: a rational, or the root of one."""
    squared = signed_square_cosine(u, v)
    sign = "-" if squared < 0 else ""
    size = abs(squared)
    root = Fraction(_integer_root(size.numerator), _integer_root(size.denominator))
    return f"{sign}{root}" if root * root == size else f"{sign}sqrt({size})"


def _integer_root(value: int) -> int:
    from math import isqrt

    return max(isqrt(value), 1) if value else 0


@dataclass(frozen=True, slots=True)
class AlgorithmRun:
    """What Algorithm 1's buffers hold at the refreshes.

    Attributes
    ----------
    buffers : tuple
        For each refresh, a vector a task.
    samples : tuple
        For each refresh, for each task, the gradients its buffer is made of: pairs of label
        (a step's number, or ``"probe n"``) and weight, oldest first.
    classes : tuple
        For each round (from round 0), its colour classes.
    """

    buffers: tuple[tuple[Vector, ...], ...]
    samples: tuple[tuple[tuple[tuple[str, Fraction], ...], ...], ...]
    classes: tuple[tuple[tuple[int, ...], ...], ...]

    def window_counts(self, refresh: int, window: int) -> tuple[int, ...]:
        """Count, for each task, the step gradients of the window before a refresh (from 0)."""
        steps = {str(t) for t in range(refresh * window, (refresh + 1) * window)}
        return tuple(sum(label in steps for label, _ in task) for task in self.samples[refresh])


def run_algorithm(
    gradients: Sequence[Sequence[Vector]],
    window: int,
    beta: Fraction,
    tau: Fraction,
    refreshes: int,
    probe: Probe = "none",
) -> AlgorithmRun:
    """Run Algorithm 1's EMA lines as printed, exactly.

    Lines 2-3 (round 0 has one class with all tasks), 6 (``S_t`` is class ``t mod m``), 16-19 (only
    active tasks update), 20-24 (refresh when ``(t + 1) mod R = 0``; buffers are never reset).

    Parameters
    ----------
    gradients : sequence
        ``gradients[k][t]``: what task k's gradient is at step t; a fresh probe at a refresh
        after step t takes ``gradients[k][t]`` again as a new sample of the same mean.
    window : int
        R.
    beta, tau : Fraction
        The threshold is tau at every refresh (annealing done).
    refreshes : int
        How many refreshes to run to.
    probe : {"none", "fresh", "reused"}

    Returns
    -------
    AlgorithmRun
    """
    tasks = range(len(gradients))
    dim = len(gradients[0][0])
    state: list[Vector] = [(Fraction(0),) * dim for _ in tasks]
    made_of: list[list[tuple[str, Fraction]]] = [[] for _ in tasks]
    classes: list[tuple[tuple[int, ...], ...]] = [(tuple(tasks),)]
    buffers: list[tuple[Vector, ...]] = []
    samples: list[tuple[tuple[tuple[str, Fraction], ...], ...]] = []

    def update(task: int, gradient: Vector, label: str) -> None:
        state[task] = run_buffer([gradient], beta, state[task])
        old = [(name, beta * weight) for name, weight in made_of[task]]
        if old and old[-1][0] == label:  # the same gradient again, not a new sample
            old[-1] = (label, old[-1][1] + (1 - beta))
        else:
            old.append((label, 1 - beta))
        made_of[task] = old

    for t in range(window * refreshes):
        current = classes[-1]
        for task in current[t % len(current)]:
            update(task, gradients[task][t], str(t))
        if (t + 1) % window == 0:
            for task in tasks:
                if probe == "fresh":
                    update(task, gradients[task][t], f"probe {len(buffers)}")
                elif probe == "reused" and made_of[task]:
                    latest = made_of[task][-1][0]
                    update(task, gradients[task][int(latest)], latest)
            buffers.append(tuple(state))
            samples.append(tuple(tuple(items) for items in made_of))
            classes.append(_welsh_powell(state, tau))
    return AlgorithmRun(tuple(buffers), tuple(samples), tuple(classes))


def _welsh_powell(vectors: Sequence[Vector], tau: Fraction) -> tuple[tuple[int, ...], ...]:
    """Colour the conflict graph, largest degree first; a zero vector conflicts with nobody."""
    tasks = range(len(vectors))
    neighbours = {
        i: {
            j
            for j in tasks
            if i != j
            and any(vectors[i])
            and any(vectors[j])
            and is_conflict(vectors[i], vectors[j], tau)
        }
        for i in tasks
    }
    classes: list[list[int]] = []
    for task in sorted(tasks, key=lambda i: (-len(neighbours[i]), i)):
        home = next((c for c in classes if not neighbours[task] & set(c)), None)
        if home is None:
            classes.append([task])
        else:
            home.append(task)
    return tuple(tuple(sorted(members)) for members in classes)
