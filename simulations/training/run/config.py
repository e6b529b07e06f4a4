"""Settings of a training run: those that its numbers depend on, and those of the machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["MachineConfig", "TrainingConfig"]

Optimiser = Literal["adam", "sgd"]
RateSchedule = Literal["constant", "cosine"]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Settings that a run's numbers depend on, the same for every method.

    Attributes
    ----------
    epochs : float or None
        Passes over the largest view's training examples. Either this or `steps`.
    steps : int or None
        T.
    batch_size : int
        Examples in a view's batch; fewer when the split has fewer.
    optimiser : {"adam", "sgd"}
        With Adam's weight decay decoupled (AdamW).
    lr : float
    momentum : float
        Of SGD.
    weight_decay : float
    lr_schedule : {"constant", "cosine"}
        ``"cosine"`` falls to 0 at the last step.
    evaluate_every : int
        Steps from one evaluation on the validation split to the next; 0: at the end only.
    log_every : int
        Steps that a row of mean training losses covers.
    test_examples : int
        At most so many test examples of each task, evenly spaced over the split; 0: all.
    amp : bool
        Forward passes in bfloat16; weights and losses stay float32.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    """

    epochs: float | None = None
    steps: int | None = None
    batch_size: int = 128
    optimiser: Optimiser = "adam"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    lr_schedule: RateSchedule = "constant"
    evaluate_every: int = 0
    log_every: int = 50
    test_examples: int = 0
    amp: bool = False

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise InvalidInputError(
                f"give either epochs or steps; found epochs={self.epochs!r}, steps={self.steps!r}."
            )
        if self.epochs is not None:
            number = isinstance(self.epochs, int | float) and not isinstance(self.epochs, bool)
            if not number or not 0 < self.epochs < math.inf:
                raise InvalidInputError(f"epochs should be a number > 0; found {self.epochs!r}.")
        lowest = {"batch_size": 1, "evaluate_every": 0, "log_every": 1, "test_examples": 0}
        if self.steps is not None:
            lowest["steps"] = 1
        for name, least in lowest.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InvalidInputError(
                    f"{name} should be a whole number >= {least}; found {value!r}."
                )
        for name in ("lr", "momentum", "weight_decay"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidInputError(f"{name} should be a number; found {value!r}.")
            if not 0 <= value < math.inf or (name == "lr" and value == 0):
                raise InvalidInputError(f"{name} is out of range; found {value!r}.")
        if not isinstance(self.amp, bool):
            raise InvalidInputError(f"amp should be true or false; found {self.amp!r}.")
        for name, valid in (
            ("optimiser", get_args(Optimiser)),
            ("lr_schedule", get_args(RateSchedule)),
        ):
            if getattr(self, name) not in valid:
                raise unknown_name(name, str(getattr(self, name)), valid)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> TrainingConfig:
        """Return the settings that a table names, defaults for the rest.

        Raises
        ------
        UnknownNameError
            When a setting does not exist; names the nearest.
        """
        valid = [f.name for f in fields(cls)]
        for name in values:
            if name not in valid:
                raise unknown_name("training setting", name, valid)
        return cls(**values)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Return T."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * steps_per_epoch))

    def rate(self, step: int, total: int) -> float:
        """Return eta_t.

        Examples
        --------
        >>> config = TrainingConfig(steps=4, lr=0.1, lr_schedule="cosine")
        >>> [round(config.rate(t, 4), 3) for t in range(4)]
        [0.1, 0.085, 0.05, 0.015]
        """
        if self.lr_schedule == "constant":
            return self.lr
        return self.lr * 0.5 * (1.0 + math.cos(math.pi * step / total))


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """Where and how fast, not what: a run may go on with other values (on one CPU: same bits).

    Attributes
    ----------
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    compile : bool
        Compile the trunk for training steps.
    max_steps : int or None
        Stop there, keep a checkpoint; the same command without it goes on.
    checkpoint_seconds : float
        Seconds of training from one checkpoint to the next.
    save_model : bool
        Keep the weights of a finished run.
    tensorboard : bool
        Write event files for TensorBoard into the run's folder.
    """

    device: str = "cpu"
    compile: bool = False
    max_steps: int | None = None
    checkpoint_seconds: float = 60.0
    save_model: bool = False
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if self.max_steps is not None and self.max_steps < 1:
            raise InvalidInputError(f"max_steps should be >= 1; found {self.max_steps}.")
