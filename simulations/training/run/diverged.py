"""A loss or gradient that is not finite: stop at once, and keep the batch that led to it."""

from __future__ import annotations

from pathlib import Path

from songoku_theory.errors import InvalidInputError, SongokuError

__all__ = ["DivergedError", "NonFiniteScoreError"]


class DivergedError(SongokuError, ArithmeticError):
    """A loss or a gradient is not finite; nothing was updated from it.

    Attributes
    ----------
    task : str
    step : int
    what : str
        "loss" or "gradient".
    """

    def __init__(self, task: str, step: int, what: str, kept: Path | None = None) -> None:
        where = "" if kept is None else f" The batch and the weights are in {kept}."
        super().__init__(
            f"the {what} of task {task!r} at step {step} is not finite, so training stopped before "
            f"that step's update. Lower the learning rate, or look at the task's data and loss."
            f"{where}"
        )
        self.what = what
        self.task = task
        self.step = step


class NonFiniteScoreError(InvalidInputError):
    """A finished network's outputs are not finite, so it has no score."""

    def __init__(self, task: str, split: str, metric: str, value: float) -> None:
        super().__init__(
            f"{metric} of task {task!r} on the {split} split is {value}: the network's "
            f"outputs are not finite. Lower the learning rate."
        )
