"""Per-task gradients: g_k of the shared parameters, h_k of the task's own head (eq. 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.training.models.multitask import MultiTaskModel
from simulations.training.tasks import Task
from songoku_theory.errors import InvalidInputError

__all__ = ["TaskGradient", "task_gradient"]


@dataclass(frozen=True, slots=True, eq=False)
class TaskGradient:
    """One task's loss on one sub-batch, and its gradients.

    Attributes
    ----------
    loss : float
    shared : tuple of Tensor
        g_k, shaped as ``model.shared_parameters()``.
    head : tuple of Tensor
        h_k, shaped as ``model.head_parameters(k)``.
    """

    loss: float
    shared: tuple[Tensor, ...]
    head: tuple[Tensor, ...]

    def vector(self) -> NDArray[np.float32]:
        """Return g_k as one vector, shape (d,): what the scheduler observes."""
        flat = torch.cat([part.reshape(-1) for part in self.shared])
        return np.asarray(flat.numpy(force=True), dtype=np.float32)


def task_gradient(
    model: MultiTaskModel,
    task: Task,
    index: int,
    step: int,
    batch_size: int,
    generator: torch.Generator,
) -> TaskGradient:
    """Draw a sub-batch of one task and return its loss and gradients; nothing is updated.

    Parameters
    ----------
    model : MultiTaskModel
    task : Task
    index : int
        Which head is the task's.
    step : int
        Named in the error.
    batch_size : int
    generator : torch.Generator
        Draws the sub-batch.

    Returns
    -------
    TaskGradient

    Raises
    ------
    InvalidInputError
        When the loss is not finite: names the task and the step.

    Source
    ------
    SON-GOKU, eq. 7 and the definition of h_k below it.
    """
    inputs, labels = task.train.batch(batch_size, generator)
    loss = task.loss(model(inputs, index), labels)
    value = float(loss.detach())
    if not np.isfinite(value):
        raise InvalidInputError(
            f"the loss of task {task.name!r} is {value} at step {step}: the run diverged. "
            f"Lower the learning rate (lr), or look for non-finite inputs of this task."
        )
    shared = model.shared_parameters()
    gradients = torch.autograd.grad(loss, (*shared, *model.head_parameters(index)))
    return TaskGradient(value, gradients[: len(shared)], gradients[len(shared) :])
