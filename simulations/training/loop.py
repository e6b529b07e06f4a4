"""Algorithm 1's loop around a real model. It knows tasks and gradients, not what they are about.

Only what the scheduler asks for is computed: the active tasks' losses at a step, every task's
where the average observes all of them, and one probe of every task at a refresh that takes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.training.gradients import TaskGradient, task_gradient
from simulations.training.models.multitask import MultiTaskModel
from simulations.training.tasks import Task
from songoku_theory import scheduler as reference
from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig, SchedulerState

__all__ = ["LoopConfig", "Streams", "TrainingStep", "evaluate", "train"]


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """What the loop itself needs.

    Attributes
    ----------
    steps : int
        T >= 1.
    batch_size : int
        Examples in a task's sub-batch.
    lr : float
        eta of eq. 6, constant.
    """

    steps: int
    batch_size: int
    lr: float


@dataclass(frozen=True, slots=True)
class Streams:
    """Where sub-batches come from: each task has its own stream, and another for its probes.

    So the n-th update of a task uses the same examples whatever the schedule is, and probing
    does not change what is trained on.

    Attributes
    ----------
    train, probe : sequence of torch.Generator, length K
    """

    train: Sequence[torch.Generator]
    probe: Sequence[torch.Generator]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingStep:
    """What happened at one step.

    Attributes
    ----------
    index : int
        t, from 0.
    active : tuple of int
        S_t.
    losses : dict from task to float
        Every loss that was computed for the step itself, before its update.
    gradients : dict from task to ndarray, shape (d,)
        What the scheduler observed.
    probe : ndarray, shape (K, d), or None
        Taken after the update, at a refresh that asks for it.
    measured : SchedulerState or None
        At a refresh, the new round with the averages that its graph was made from still in
        place; differs from `state` only where a refresh clears them.
    state : SchedulerState
        After the step and its refresh.
    """

    index: int
    active: tuple[int, ...]
    losses: dict[int, float]
    gradients: dict[int, NDArray[np.float32]]
    probe: NDArray[np.float32] | None
    measured: SchedulerState | None
    state: SchedulerState


def train(
    model: MultiTaskModel,
    tasks: Sequence[Task],
    schedule: SchedulerConfig,
    config: LoopConfig,
    streams: Streams,
) -> Iterator[TrainingStep]:
    """Train `model` in place, one step for each value that is taken from the iterator.

    Parameters
    ----------
    model : MultiTaskModel
        With one head for each task.
    tasks : sequence of Task, length K
    schedule : SchedulerConfig
        For K tasks.
    config : LoopConfig
    streams : Streams

    Yields
    ------
    TrainingStep

    Raises
    ------
    InvalidInputError
        When the numbers of tasks, heads and streams differ, or a loss or gradient is not finite
        (names the task and the step).

    Source
    ------
    SON-GOKU, Algorithm 1; the update is eq. 6: the *sum* of the active tasks' gradients moves the
    shared parameters, and each active task's own gradient moves its head. Nothing else moves.
    """
    _check_sizes(model, tasks, schedule, streams)
    state = reference.init(schedule)
    everyone = tuple(range(schedule.num_tasks))
    keep_averages = replace(schedule, ema_at_refresh="carry")

    def gradient_of(task: int, step: int, generator: torch.Generator) -> TaskGradient:
        return task_gradient(model, tasks[task], task, step, config.batch_size, generator)

    for index in range(config.steps):
        active = reference.active(schedule, state)
        observed = everyone if schedule.observe_tasks == "all" else active
        found = {k: gradient_of(k, index, streams.train[k]) for k in observed}
        vectors = {k: gradient.vector() for k, gradient in found.items()}
        if schedule.observe_tasks == "none":
            vectors = {}
        next_state = reference.observe(schedule, state, vectors)
        _update(model, {k: found[k] for k in active}, config.lr)

        probe, measured = None, None
        if reference.needs_refresh(schedule, next_state):
            if reference.needs_probe(schedule, state):
                probe = np.stack(
                    [gradient_of(k, index, streams.probe[k]).vector() for k in everyone]
                )
            measured = reference.refresh(keep_averages, next_state, probe)
            next_state = reference.refresh(schedule, next_state, probe)
        losses = {k: gradient.loss for k, gradient in found.items()}
        state = next_state
        yield TrainingStep(index, active, losses, vectors, probe, measured, state)


def _update(model: MultiTaskModel, gradients: dict[int, TaskGradient], lr: float) -> None:
    """Eq. 6, plain SGD."""
    with torch.no_grad():
        for position, parameter in enumerate(model.shared_parameters()):
            total: Tensor = sum(
                (g.shared[position] for g in gradients.values()), torch.zeros_like(parameter)
            )
            parameter.sub_(total, alpha=lr)
        for task, gradient in gradients.items():
            for parameter, part in zip(model.head_parameters(task), gradient.head, strict=True):
                parameter.sub_(part, alpha=lr)


def evaluate(model: MultiTaskModel, tasks: Sequence[Task], part: str) -> tuple[float, ...]:
    """Return each task's metric on its training or test examples.

    Parameters
    ----------
    model : MultiTaskModel
    tasks : sequence of Task
    part : {"train", "test"}

    Returns
    -------
    tuple of float, length K
    """
    results = []
    with torch.no_grad():
        for index, task in enumerate(tasks):
            examples = task.train if part == "train" else task.test
            results.append(task.metric(model(examples.inputs, index), examples.labels))
    return tuple(results)


def _check_sizes(
    model: MultiTaskModel, tasks: Sequence[Task], schedule: SchedulerConfig, streams: Streams
) -> None:
    sizes = {
        "tasks": len(tasks),
        "heads": len(model.heads),
        "scheduled tasks": schedule.num_tasks,
        "training streams": len(streams.train),
        "probe streams": len(streams.probe),
    }
    if len(set(sizes.values())) != 1:
        listed = ", ".join(f"{count} {what}" for what, count in sizes.items())
        raise InvalidInputError(f"expected one of each for every task; found {listed}.")
