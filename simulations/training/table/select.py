"""Which candidate of a method is chosen: one rule for all, and validation scores alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulations.training.table.runs import Run, TaskInfo
from songoku_theory.errors import InvalidInputError

__all__ = ["RULE", "Choice", "Reference", "choose", "gain", "reference_of"]

RULE = (
    "the candidate with the largest mean, over the main tasks, of the relative gain in the task's "
    "first metric on the validation split over Uniform's first candidate that did not diverge; of "
    "equals, by the tasks' next metrics in turn"
)

Reference = Mapping[tuple[str, str], float]
"""Main task and metric to the score that gains are relative to."""


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


def validation_score(run: Run, task: TaskInfo, metric: str | None = None) -> float | None:
    """Return a metric of a task, the first unless told, on the validation split at the end."""
    return run.last("validation", task.name, metric or task.metric)


def reference_of(uniform: Sequence[Run]) -> Reference | None:
    """Return the scores that gains are relative to; None when every run of Uniform diverged."""
    for run in uniform:
        if run.finished:
            found = {
                (task.name, metric): validation_score(run, task, metric)
                for task in run.main
                for metric in task.metrics
            }
            if all(found[task.name, task.metric] is not None for task in run.main):
                return {name: value for name, value in found.items() if value is not None}
    return None


def gain(run: Run, reference: Reference | None, place: int = 0) -> float | None:
    """Return a candidate's mean relative gain over its main tasks, as a fraction.

    Parameters
    ----------
    run : Run
    reference : Reference or None
    place : int
        Which of each task's metrics, from 0; tasks that have no so many are left out.

    Returns
    -------
    float or None
        None for a run that diverged, and where no task has that metric.

    A single-task run has one task, so the mean is of that one. Where the reference is 0 (or where
    there is none, because every run of Uniform diverged) the gain is the difference itself.
    """
    if not run.finished:
        return None
    gains = []
    for task in run.main:
        if place >= len(task.metrics):
            continue
        metric = tuple(task.metrics)[place]
        value = validation_score(run, task, metric)
        if value is None:
            return None
        base = 0.0 if reference is None else reference.get((task.name, metric), 0.0)
        difference = value - base if task.metrics[metric] else base - value
        gains.append(difference / abs(base) if base else difference)
    return sum(gains) / len(gains) if gains else None


def choose(candidates: Sequence[Run], reference: Reference | None) -> Choice:
    """Choose; of equals by the tasks' next metrics in turn, and at last the first.

    Networks that all answer with the most frequent class are equals in accuracy and differ in
    their log loss.

    Raises
    ------
    InvalidInputError
        When a candidate failed: its budget was not spent, so the choice would not be fair.
    """
    for run in candidates:
        if run.error is not None:
            raise InvalidInputError(f"candidate {run.key[:8]} failed: {run.error}")
    gains = tuple(gain(run, reference) for run in candidates)
    metrics = max((len(task.metrics) for run in candidates for task in run.main), default=0)
    rated = []
    for number, value in enumerate(gains):
        if value is not None:
            later = [gain(candidates[number], reference, place) for place in range(1, metrics)]
            # A score that is no number (infinite or NaN log loss) counts as the worst.
            rated.append((value, *(-math.inf if g is None else g for g in later), -number))
    return Choice(-int(max(rated)[-1]) if rated else None, gains)
