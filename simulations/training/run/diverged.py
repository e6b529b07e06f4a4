"""A loss or gradient that is not finite: stop at once, and keep the batch that led to it."""

from __future__ import annotations

from pathlib import Path

from songoku_theory.errors import SongokuError

__all__ = ["DivergedError"]


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
