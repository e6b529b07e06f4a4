"""What a training loop needs to know of a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import Combiner

__all__ = ["AdaTaskOptions", "Method", "Plan", "Setting"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a method may depend on, beside its own options.

    Attributes
    ----------
    tasks : tuple of str
    roles : tuple of str
        Of each task: "main", "positive" or "negative".
    steps : int
        T of the whole run.
    steps_per_epoch : int
    seed : int
        Of the run.
    """

    tasks: tuple[str, ...]
    roles: tuple[str, ...]
    steps: int
    steps_per_epoch: int
    seed: int


@dataclass(frozen=True, slots=True)
class AdaTaskOptions:
    """The shared parameters are moved by AdaTask in place of the run's optimiser.

    Attributes
    ----------
    betas : (float, float)
    eps : float
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: who runs, how gradients are joined, with which weights.

    Attributes
    ----------
    config : SchedulerConfig
        For `tasks`.
    tasks : tuple of str
        Those that are trained.
    combine : str, combiner, callable or None
        See ``TaskScheduler``.
    draws : bool
        The combiner draws random numbers.
    loss_weights : mapping from task to float
        Constant factors of losses; tasks that are not named have 1.
    adatask : AdaTaskOptions or None
    """

    config: SchedulerConfig
    tasks: tuple[str, ...]
    combine: Combiner | None = None
    draws: bool = False
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    adatask: AdaTaskOptions | None = None


class Method(Protocol):
    """Options of a method: a frozen dataclass."""

    def plan(self, setting: Setting) -> Plan:
        """Return what the loop does.

        Raises
        ------
        InvalidInputError
            When the options don't fit the benchmark.
        """
        ...
