"""What a scheduler under test looks like, and how it is driven.

Anyone's scheduler fits with a few lines of adapter: a factory takes :class:`Settings` and returns
an object that says who runs and takes the gradients of one step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from songoku_theory import scheduler as core
from songoku_theory.errors import InvalidInputError

__all__ = [
    "Factory",
    "GradientsOf",
    "ReferenceScheduler",
    "Run",
    "SchedulerLike",
    "SchedulerSubject",
    "Settings",
    "Stream",
    "drive",
    "reference_factory",
]

Vector = NDArray[np.float64]
GradientsOf = Literal["active", "all"]
Stream = Callable[[int], NDArray[np.float64]]
"""From a step to the gradients of all tasks at it, shape (K, d)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that every scheduler of this method has.

    Attributes
    ----------
    num_tasks : int
        K.
    tau : float
        An edge where the cosine lies below ``-tau``.
    beta : float
        EMA parameter: ``m <- beta m + (1 - beta) g``.
    refresh_period : int
        R, in steps.
    """

    num_tasks: int
    tau: float = 0.2
    beta: float = 0.9
    refresh_period: int = 8


class SchedulerLike(Protocol):
    """A scheduler under test."""

    def active(self) -> Sequence[int]:
        """Return the tasks to update at this step."""
        ...

    def step(self, gradients: Mapping[int, Vector]) -> None:
        """Take the gradients of this step, task by task, and move on."""
        ...


Factory = Callable[[Settings], SchedulerLike]


@dataclass(frozen=True, slots=True)
class SchedulerSubject:
    """A factory, and whose gradients its schedulers take at a step."""

    factory: Factory
    gradients: GradientsOf = "active"


class ReferenceScheduler:
    """The pure scheduler of ``songoku_theory.scheduler`` as a scheduler under test.

    Parameters
    ----------
    config : SchedulerConfig

    Examples
    --------
    >>> reference = ReferenceScheduler(core.SchedulerConfig(num_tasks=2, refresh_period=1))
    >>> reference.step({0: np.array([1.0]), 1: np.array([-1.0])})
    >>> reference.active()
    (1,)
    """

    def __init__(self, config: core.SchedulerConfig) -> None:
        self.config = config
        self.state = core.init(config)

    def active(self) -> tuple[int, ...]:
        """Return the tasks to update at this step."""
        return core.active(self.config, self.state)

    def step(self, gradients: Mapping[int, Vector]) -> None:
        """Take the gradients of this step."""
        self.state = core.step(self.config, self.state, gradients)


def reference_factory(settings: Settings) -> ReferenceScheduler:
    """Return Algorithm 1 with the given settings and every other option at its default."""
    return ReferenceScheduler(
        core.SchedulerConfig(
            num_tasks=settings.num_tasks,
            tau=settings.tau,
            beta=settings.beta,
            refresh_period=settings.refresh_period,
        )
    )


@dataclass(frozen=True, slots=True)
class Run:
    """Who ran at each step.

    Attributes
    ----------
    active : tuple of tuple of int
        In increasing order.
    """

    active: tuple[tuple[int, ...], ...]

    def waits(self, num_tasks: int) -> list[int]:
        """Return each task's longest run of steps without an update, both ends included."""
        longest = [0] * num_tasks
        since = [0] * num_tasks
        for ran in self.active:
            for task in range(num_tasks):
                since[task] = 0 if task in ran else since[task] + 1
                longest[task] = max(longest[task], since[task])
        return longest


def drive(
    subject: SchedulerSubject,
    settings: Settings,
    stream: Stream,
    steps: int,
    *,
    scheduler: SchedulerLike | None = None,
    overwrite: bool = False,
) -> Run:
    """Run a scheduler on a stream of gradients.

    Parameters
    ----------
    subject : SchedulerSubject
    settings : Settings
    stream : callable
        Step -> (K, d).
    steps : int
    scheduler : SchedulerLike, optional
        One that exists already; by default a new one.
    overwrite : bool
        Fill the arrays with other numbers after each step, as a training loop that reuses its
        buffers does.

    Returns
    -------
    Run

    Raises
    ------
    InvalidInputError
        When what it calls active is no set of tasks, asking it twice gives two answers, or it
        changes the gradients that it gets.
    """
    under_test = subject.factory(settings) if scheduler is None else scheduler
    history = []
    for t in range(steps):
        ran = read_active(under_test.active(), settings.num_tasks, t)
        if read_active(under_test.active(), settings.num_tasks, t) != ran:
            raise InvalidInputError(f"step {t}: asked twice who is active, it gives two answers.")
        rows = stream(t)
        wanted = ran if subject.gradients == "active" else range(settings.num_tasks)
        given = {k: np.array(rows[k], dtype=np.float64) for k in wanted}
        under_test.step(given)
        for k, vector in given.items():
            if vector.tobytes() != np.asarray(rows[k], dtype=np.float64).tobytes():
                raise InvalidInputError(f"step {t}: it changed the gradient of task {k} in place.")
            if overwrite:
                vector[:] = 1e6 * (1.0 + np.arange(vector.size))
        history.append(ran)
    return Run(tuple(history))


def read_active(found: object, num_tasks: int, step: int) -> tuple[int, ...]:
    """Read an active set.

    Raises
    ------
    InvalidInputError
        When it is empty, or holds anything but different tasks of 0..K-1.
    """
    if not isinstance(found, Sequence | np.ndarray | set | frozenset):
        raise InvalidInputError(
            f"step {step}: active() should return tasks; it returned {type(found).__name__}."
        )
    tasks = list(found)
    whole = all(isinstance(k, int | np.integer) and not isinstance(k, bool) for k in tasks)
    if not tasks:
        raise InvalidInputError(f"step {step}: nobody is active.")
    if not whole or len({*tasks}) != len(tasks) or not all(0 <= k < num_tasks for k in tasks):
        raise InvalidInputError(
            f"step {step}: the active set {tasks!r} is no set of tasks 0..{num_tasks - 1}."
        )
    return tuple(sorted(int(k) for k in tasks))
