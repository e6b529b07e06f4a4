"""Which candidate of a method is chosen: one rule for all, and validation scores alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulations.training.table.runs import Run, TaskInfo
from songoku_theory.errors import InvalidInputError

__all__ = ["RULE", "Choice", "Reference", "choose", "gain", "reference_of"]

RULE = (
    "the candidate with the largest mean, over the main tasks, of the relative gain in the task's "
    "first metric on the validation split over Uniform's first candidate that did not diverge"
)

Reference = Mapping[str, float]
"""Main task to the score that gains are relative to."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What tuning found.

    Attributes
    ----------
    chosen : int or None
        Number of the candidate; None when all diverged.
    gains : tuple of float or None
        Of each candidate, a fraction; None for one that diverged.
    """

    chosen: int | None
    gains: tuple[float | None, ...]


def validation_score(run: Run, task: TaskInfo) -> float | None:
    """Return a task's first metric on the validation split, at the end."""
    return run.last("validation", task.name, task.metric)


def reference_of(uniform: Sequence[Run]) -> Reference | None:
    """Return the scores that gains are relative to; None when every run of Uniform diverged."""
    for run in uniform:
        if run.finished:
            found = {task.name: validation_score(run, task) for task in run.main}
            if all(value is not None for value in found.values()):
                return {name: value for name, value in found.items() if value is not None}
    return None


def gain(run: Run, reference: Reference | None) -> float | None:
    """Return a candidate's mean relative gain over its main tasks, as a fraction.

    A single-task run has one task, so the mean is of that one. Where the reference is 0 (or where
    there is none, because every run of Uniform diverged) the gain is the difference itself.
    """
    if not run.finished:
        return None
    gains = []
    for task in run.main:
        value = validation_score(run, task)
        if value is None:
            return None
        base = 0.0 if reference is None else reference[task.name]
        difference = value - base if task.metrics[task.metric] else base - value
        gains.append(difference / abs(base) if base else difference)
    return sum(gains) / len(gains)


def choose(candidates: Sequence[Run], reference: Reference | None) -> Choice:
    """Choose; of equals the first.

    Raises
    ------
    InvalidInputError
        When a candidate failed: its budget was not spent, so the choice would not be fair.
    """
    for run in candidates:
        if run.error is not None:
            raise InvalidInputError(f"candidate {run.key[:8]} failed: {run.error}")
    gains = tuple(gain(run, reference) for run in candidates)
    rated = [(value, -number) for number, value in enumerate(gains) if value is not None]
    return Choice(-max(rated)[1] if rated else None, gains)
