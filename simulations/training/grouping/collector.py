"""Every affinity at once, from one pass over a training run that it does not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.training.grouping.lookahead import Batch, Gradients, LookAhead
from simulations.training.run.trainer import Trainer
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_period

__all__ = [
    "CollectOptions",
    "Collected",
    "Collector",
    "MeasuredOn",
    "Quantity",
    "draw_tasks",
]

Array = NDArray[np.float64]
Quantity = Literal["loss", "metric"]
MeasuredOn = Literal["step", "validation"]

PTG, SELF, TAG, COSINE, PROBE = "ptg", "ptg_paper", "tag", "cosine", "probe"


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """What is measured after a look-ahead step, and when.

    Attributes
    ----------
    interval : int
        Steps from one collection to the next (PTG 5.4).
    sampling : bool
        At each collection draw T uniformly from 1 to n, then T tasks, and collect among them only
        (PTG 4.3).
    quantity : {"loss", "metric"}
        L_j of Definition 3: the task's loss, or its first metric. For a metric of which more is
        better the sign is turned, so that a positive gain is a gain (PTG-O1-ACC-R).
    measured_on : {"step", "validation"}
        The step's own batch, or validation examples, the same at every step.
    validation_examples : int
        How many of them, evenly spaced.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    UnknownNameError
        When one is not of those listed.
    """

    interval: int = 1
    sampling: bool = False
    quantity: Quantity = "loss"
    measured_on: MeasuredOn = "step"
    validation_examples: int = 256

    def __post_init__(self) -> None:
        check_period(self.interval, "interval")
        check_period(self.validation_examples, "validation_examples")
        if not isinstance(self.sampling, bool):
            raise InvalidInputError(f"sampling should be true or false; found {self.sampling!r}.")
        if self.quantity not in get_args(Quantity):
            raise unknown_name("quantity", str(self.quantity), get_args(Quantity))
        if self.measured_on not in get_args(MeasuredOn):
            raise unknown_name("measured_on", str(self.measured_on), get_args(MeasuredOn))


@dataclass(frozen=True, slots=True)
class Collected:
    """What one step gave; NaN where a task was not drawn.

    Attributes
    ----------
    step : int
    before : ndarray, shape (n,)
        L_j before the step.
    alone : ndarray, shape (n,)
        After a step on j alone.
    joint : ndarray, shape (n, n)
        ``[i, j]``: L_j after a step on i and j; on the diagonal after one that counts j twice.
    after : ndarray, shape (n, n)
        ``[i, j]``: L_j after a step on i alone, with j's own parameters before it (TAG).
    together : ndarray, shape (n,)
        After a step on all tasks that were drawn.
    gram : ndarray, shape (n, n)
        Inner products of the tasks' shared gradients.
    drawn : tuple of int
    """

    step: int
    before: Array
    alone: Array
    joint: Array
    after: Array
    together: Array
    gram: Array
    drawn: tuple[int, ...]


def draw_tasks(rng: np.random.Generator, num_tasks: int) -> tuple[int, ...]:
    """Draw T uniformly from 1 to n, then T of the n tasks.

    Source
    ------
    PTG, 4.3 and appendix E.2.
    """
    size = int(rng.integers(1, num_tasks + 1))
    return tuple(sorted(rng.choice(num_tasks, size=size, replace=False).tolist()))


class Collector:
    """Collects affinities before steps of a run; the run goes on as if it had not.

    Parameters
    ----------
    trainer : Trainer
        Of method 'uniform', with at least two tasks.
    options : CollectOptions
    rng : numpy.random.Generator
        Draws the tasks of sampled collection.

    Raises
    ------
    InvalidInputError
        When the run is of another kind, or there is one task.

    Source
    ------
    PTG, Definition 3, eq. 3-5; 4.3; TAG: Fifty et al. (2021).
    """

    def __init__(self, trainer: Trainer, options: CollectOptions, rng: np.random.Generator) -> None:
        self.trainer, self.options, self._rng = trainer, options, rng
        self.tasks = trainer.plan.tasks
        if len(self.tasks) < 2:
            raise InvalidInputError(
                f"grouping needs at least two tasks; found {len(self.tasks)}: "
                f"{', '.join(self.tasks)}."
            )
        self.ahead = LookAhead(trainer)
        self._measured: list[Batch] | None = None

    @property
    def operations(self) -> dict[str, tuple[int, int, int, int]]:
        """Forward, backward, parameter and trunk operations so far, for each affinity and all."""
        return {
            name: (held.forward, held.backward, held.parameter, held.trunk)
            for name, held in self.ahead.operations.items()
        }

    def due(self) -> bool:
        """Say whether the run stands before a step at which affinities are collected."""
        return self.trainer.steps % self.options.interval == 0

    def draw(self) -> tuple[int, ...]:
        """Draw the tasks that a step collects among: all, or a random subset of random size."""
        n = len(self.tasks)
        return draw_tasks(self._rng, n) if self.options.sampling else tuple(range(n))

    def collect(self) -> tuple[Collected, Tensor]:
        """Look ahead from where the run stands.

        Returns
        -------
        Collected
        Tensor, shape (n, d)
            The tasks' shared gradients, on the host; 0 for tasks that were not drawn.

        Raises
        ------
        InvalidInputError
            When a loss is not > 0, so that the ratio of eq. 3 has no meaning.
        """
        ahead, n = self.ahead, len(self.tasks)
        drawn = self.draw()
        chosen = tuple(self.tasks[i] for i in drawn)
        before, alone, together = (np.full(n, np.nan) for _ in range(3))
        joint, after, gram = (np.full((n, n), np.nan) for _ in range(3))
        users = (PTG, SELF, TAG, COSINE)
        with ahead.from_here():
            batches = self._batches(chosen)
            gradients, losses = ahead.gradients(batches, users)
            measured = self._measured_batches(chosen, batches)
            vectors = torch.zeros(
                (n, sum(p.numel() for p in self.trainer.scheduler.shared_parameters))
            )
            for i, task in zip(drawn, chosen, strict=True):
                vectors[i] = ahead.vector(gradients[task]).float().cpu()
            with torch.no_grad():
                if self.options.quantity == "loss" and measured is batches:
                    held = losses
                else:
                    held = self._values(measured, chosen, (TAG,))
                for i, task in zip(drawn, chosen, strict=True):
                    before[i] = held[task]
                self._singles(gradients, measured, drawn, alone, after)
                self._pairs(gradients, measured, drawn, joint)
                with ahead.step_on(chosen, gradients, (PROBE,)):
                    found = self._values(measured, chosen, (PROBE,))
                for i, task in zip(drawn, chosen, strict=True):
                    together[i] = found[task]
        kept = np.asarray(drawn)
        inner = vectors[list(drawn)].double()
        gram[np.ix_(kept, kept)] = (inner @ inner.T).numpy()
        self._check_positive(before, "before the step")
        self._check_positive(alone, "after a step on it alone")
        step = self.trainer.steps
        return Collected(step, before, alone, joint, after, together, gram, drawn), vectors

    def _singles(
        self, gradients: dict[str, Gradients], measured: Sequence[Batch],
        drawn: tuple[int, ...], alone: Array, after: Array,
    ) -> None:  # fmt: skip
        """One step on each task: its loss with its head after, all losses with theirs before."""
        names = tuple(self.tasks[i] for i in drawn)
        for i in drawn:
            task = self.tasks[i]
            with self.ahead.step_on((task,), gradients, (PTG, SELF, TAG)):
                for batch in measured:
                    users = (PTG, SELF, TAG) if task in batch.labels else (TAG,)
                    features = self.ahead.features(batch, users)
                    if task in batch.labels:
                        alone[i] = self._value(batch, features, (task,), (PTG, SELF))[task]
                    with self.ahead.head_before(task):
                        inside = tuple(t for t in names if t in batch.labels)
                        for name, value in self._value(batch, features, inside, (TAG,)).items():
                            after[i, self.tasks.index(name)] = value

    def _pairs(
        self, gradients: dict[str, Gradients], measured: Sequence[Batch],
        drawn: tuple[int, ...], joint: Array,
    ) -> None:  # fmt: skip
        for place, i in enumerate(drawn):
            for j in drawn[: place + 1]:
                pair = (self.tasks[j], self.tasks[i])
                users = (PTG, SELF) if i != j else (SELF,)
                with self.ahead.step_on(pair, gradients, users):
                    found = self._values(measured, tuple(dict.fromkeys(pair)), users)
                joint[i, j] = found[self.tasks[j]]
                joint[j, i] = found[self.tasks[i]]

    def _values(
        self, batches: Sequence[Batch], tasks: tuple[str, ...], users: tuple[str, ...]
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        for batch in batches:
            inside = tuple(t for t in tasks if t in batch.labels)
            if inside:
                features = self.ahead.features(batch, users)
                found |= self._value(batch, features, inside, users)
        return found

    def _value(
        self, batch: Batch, features: Tensor, tasks: tuple[str, ...], users: tuple[str, ...]
    ) -> dict[str, float]:
        if self.options.quantity == "loss":
            losses = self.ahead.losses(batch, features, tasks, users)
            return {task: float(loss) for task, loss in losses.items()}
        outputs = self.ahead.outputs(features, tasks, users)
        return {
            task: self.trainer.data.task(task).metrics[0].measure(
                outputs[task].cpu(), batch.labels[task].cpu()
            )
            for task in tasks
        }  # fmt: skip

    def _batches(self, tasks: tuple[str, ...]) -> list[Batch]:
        data = self.trainer.data
        return [
            Batch(view.index, *data.batch(view, inside, self.trainer.steps))
            for view, inside in data.grouped(tasks)
        ]

    def _measured_batches(self, tasks: tuple[str, ...], batches: list[Batch]) -> list[Batch]:
        if self.options.measured_on == "step":
            return batches
        if self._measured is None:
            data, most = self.trainer.data, self.options.validation_examples
            self._measured = [
                Batch(view.index, *next(iter(data.all(view, inside, "validation", most, most))))
                for view, inside in data.grouped(self.tasks)
            ]
        return self._measured

    def _check_positive(self, values: Array, when: str) -> None:
        bad = np.flatnonzero(~np.isnan(values) & ~(np.isfinite(values) & (values > 0)))
        if bad.size:
            name, what = self.tasks[bad[0]], self.options.quantity
            raise InvalidInputError(
                f"the {what} of task {name!r} is {values[bad[0]]:g} {when} at step "
                f"{self.trainer.steps}; the ratio of eq. 3 has a meaning for one > 0 only. Measure "
                f"{'a loss > 0' if what == 'metric' else 'it on more examples'}, or leave the task "
                f"out."
            )
