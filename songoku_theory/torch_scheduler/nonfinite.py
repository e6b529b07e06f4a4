"""Gradients that are not finite: counted always, and raised if that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from songoku_theory.errors import InvalidInputError

__all__ = ["NonFiniteGradientError", "NonFiniteLog"]


class NonFiniteGradientError(InvalidInputError, ArithmeticError):
    """A task's gradient holds a NaN or an infinity.

    Attributes
    ----------
    task : str
    step : int
    """

    def __init__(self, task: str, step: int, others: int) -> None:
        more = f" (and {others} more)" if others else ""
        super().__init__(
            f"the gradient of task {task!r} at step {step} is not finite{more}. It entered no "
            f"average. Look at that task's inputs and loss or lower the learning rate; to train "
            f"on, choose nonfinite='skip' (leave the task out of the step) or 'count'. (A gradient "
            f"scaler goes into backward(losses, scaler=scaler), with losses that are not scaled.)"
        )
        self.task = task
        self.step = step


@dataclass(slots=True)
class NonFiniteLog:
    """How often each task's gradient was not finite, and when last.

    Attributes
    ----------
    counts : dict from task to int
    last_step : dict from task to int
    """

    counts: dict[str, int] = field(default_factory=dict)
    last_step: dict[str, int] = field(default_factory=dict)

    def note(self, task: str, step: int) -> None:
        """Count one."""
        self.counts[task] = self.counts.get(task, 0) + 1
        self.last_step[task] = step

    @property
    def total(self) -> int:
        """Over all tasks."""
        return sum(self.counts.values())
