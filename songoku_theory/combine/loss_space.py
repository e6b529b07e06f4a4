"""What the loss-space methods share: reading losses, and Adam kept task by task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.arrays import is_tensor, namespace
from songoku_theory.combine.problem import active_indices
from songoku_theory.combine.result import Active, Array
from songoku_theory.errors import InvalidInputError

__all__ = [
    "TaskAdam",
    "adam_step",
    "check_rate",
    "new_adam",
    "read_per_task",
    "scatter",
    "softmax",
    "update_rows",
]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TaskAdam:
    """Adam's moments and step counts, one a task.

    Attributes
    ----------
    first, second : ndarray, shape (K,)
    steps : ndarray of int, shape (K,)
        Steps that the task itself took, which its bias correction counts.
    """

    first: Vector
    second: Vector
    steps: NDArray[np.int64]


def new_adam(num_tasks: int) -> TaskAdam:
    """Return moments before the first step."""
    return TaskAdam(np.zeros(num_tasks), np.zeros(num_tasks), np.zeros(num_tasks, dtype=np.int64))


def adam_step(
    moments: TaskAdam, tasks: NDArray[np.int64], gradient: Vector, learning_rate: float
) -> tuple[TaskAdam, Vector]:
    """Take one Adam step for some tasks (betas 0.9 and 0.999, epsilon 1e-8).

    Parameters
    ----------
    moments : TaskAdam
    tasks : ndarray of int, shape (m,)
    gradient : ndarray, shape (m,)
    learning_rate : float

    Returns
    -------
    moments : TaskAdam
        Rows of other tasks are bitwise the same.
    change : ndarray, shape (m,)
        To be added to the tasks' parameters.
    """
    steps = moments.steps[tasks] + 1
    first = 0.9 * moments.first[tasks] + 0.1 * gradient
    second = 0.999 * moments.second[tasks] + 0.001 * gradient**2
    mean = first / (1.0 - 0.9**steps)
    scale = np.sqrt(second / (1.0 - 0.999**steps)) + 1e-8
    moved = TaskAdam(
        update_rows(moments.first, tasks, first),
        update_rows(moments.second, tasks, second),
        update_rows(moments.steps, tasks, steps),
    )
    return moved, -learning_rate * mean / scale


def update_rows(values: Array, tasks: NDArray[np.int64], new: Array) -> Array:
    """Return a copy with some rows replaced."""
    copy = values.copy()
    copy[tasks] = new
    return copy


def read_per_task(
    values: Array, what: str, num_tasks: int, active: Active
) -> tuple[NDArray[np.int64], Vector]:
    """Read one number for each active task.

    Parameters
    ----------
    values : array_like or tensor, shape (K,)
        Entries of inactive tasks are not read; they may be NaN.
    what : str
        Named in errors.
    num_tasks : int
        K, of the state.
    active : sequence of int, optional

    Returns
    -------
    tasks : ndarray of int, shape (m,)
    chosen : ndarray, shape (m,)

    Raises
    ------
    InvalidInputError
        When the shape is wrong or an active task's entry is not finite.
    """
    host = namespace(values).host(values) if is_tensor(values) else values
    vector = np.asarray(host, dtype=np.float64)
    if vector.shape != (num_tasks,):
        raise InvalidInputError(
            f"{what} should have one entry for each of the {num_tasks} tasks of the state; found "
            f"shape {vector.shape}. Entries of inactive tasks are not read and may be anything."
        )
    tasks = active_indices(active, num_tasks)
    chosen = vector[tasks]
    if not np.isfinite(chosen).all():
        task = int(tasks[np.argmin(np.isfinite(chosen))])
        raise InvalidInputError(
            f"the entry of task {task} in {what} is {vector[task]}; it should be finite. Skip this "
            f"step or leave the task out of `active`; the state did not move."
        )
    return tasks, chosen


def scatter(chosen: Vector, tasks: NDArray[np.int64], reference: Array, num_tasks: int) -> Array:
    """Return (K,) weights with zeros elsewhere, in the library and type of the losses."""
    weights = np.zeros(num_tasks)
    weights[tasks] = chosen
    if is_tensor(reference):
        lib = namespace(reference).lib
        return lib.as_tensor(weights, dtype=reference.dtype, device=reference.device)
    return weights


def softmax(values: Vector) -> Vector:
    """Return the softmax of a vector."""
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum(), dtype=np.float64)


def check_rate(name: str, value: float, smallest: float = 0.0) -> None:
    """Check a positive option.

    Raises
    ------
    InvalidInputError
        When it is not finite or not above `smallest`.
    """
    if not (np.isfinite(value) and value > smallest):
        raise InvalidInputError(f"{name} should be a finite number > {smallest}; found {value!r}.")
