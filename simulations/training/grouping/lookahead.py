"""Steps of a run's own optimiser that are taken, looked at, and taken back bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from simulations.training.benchmarks.base import BenchmarkTask
from simulations.training.run.trainer import Trainer
from songoku_theory.errors import InvalidInputError

__all__ = ["Batch", "Gradients", "LookAhead", "Operations"]

Users = tuple[str, ...]


@dataclass(slots=True)
class Operations:
    """What was done, counted as it was done.

    Attributes
    ----------
    forward : int
        Losses of one task (PTG's F); the tasks of a batch share a pass of the trunk.
    backward : int
        Gradients of one task (B).
    parameter : int
        New sets of parameters (C).
    trunk : int
        Passes of a batch through the trunk.
    """

    forward: int = 0
    backward: int = 0
    parameter: int = 0
    trunk: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples of one view.

    Attributes
    ----------
    view : int
    inputs, labels : mapping of Tensor
        By modality, by task.
    """

    view: int
    inputs: Mapping[str, Tensor]
    labels: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Gradients:
    """One task's gradients; None where its loss does not depend on a parameter."""

    shared: tuple[Tensor | None, ...]
    head: tuple[Tensor | None, ...]


@dataclass(slots=True)
class LookAhead:
    """Takes steps from where a run stands.

    Use it between two steps of `Trainer`, inside :meth:`from_here`.

    Parameters
    ----------
    trainer : Trainer
        Of all tasks at each step, their losses summed.

    Attributes
    ----------
    operations : dict from name to Operations
        Counted for whoever an operation was done; ``"all"`` counts each once.

    Raises
    ------
    InvalidInputError
        When the run is of another kind: a step on {i, j} would not be what the run does.
    """

    trainer: Trainer
    operations: dict[str, Operations] = field(default_factory=dict)
    _shared: tuple[nn.Parameter, ...] = field(init=False, repr=False)
    _heads: dict[str, tuple[nn.Parameter, ...]] = field(init=False, repr=False)
    _rng: Tensor | None = field(init=False, default=None, repr=False)
    _weights: list[tuple[nn.Parameter, Tensor]] = field(init=False, repr=False)
    _state: dict[Tensor, dict[str, object]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        plan = self.trainer.plan
        if (
            plan.adatask is not None
            or plan.combine is not None
            or plan.loss_weights
            or plan.config.policy != "all_tasks"
        ):
            raise InvalidInputError(
                "look-ahead steps are those of a run that sums all tasks' losses at each step; "
                "collect affinities on method 'uniform'."
            )
        self._shared = tuple(self.trainer.scheduler.shared_parameters)
        heads = self.trainer.network.heads
        self._heads = {task: tuple(heads[task].parameters()) for task in plan.tasks}

    @property
    def _parameters(self) -> list[nn.Parameter]:
        return [*self._shared, *(p for head in self._heads.values() for p in head)]

    @contextmanager
    def from_here(self) -> Iterator[None]:
        """Set the run's learning rate; put back everything that the block changes.

        That is weights, buffers, gradients, the optimiser's state and settings, and torch's random
        state.
        """
        trainer = self.trainer
        optimiser = trainer.optimiser
        buffers = [(buffer, buffer.clone()) for buffer in trainer.network.buffers()]
        grads = [(p, p.grad) for p in self._parameters]
        groups = [{k: v for k, v in g.items() if k != "params"} for g in optimiser.param_groups]
        self._weights = [(p, p.detach().clone()) for p in self._parameters]
        self._state = {p: _copied(held) for p, held in optimiser.state.items()}
        self._rng, cuda = torch.get_rng_state(), None
        if trainer.device.type == "cuda":
            cuda = torch.cuda.get_rng_state(trainer.device)
        for group in optimiser.param_groups:
            group["lr"] = trainer.config.rate(trainer.steps, trainer.total)
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, kept in buffers:
                    buffer.copy_(kept)
            for p, grad in grads:
                p.grad = grad
            for group, settings in zip(optimiser.param_groups, groups, strict=True):
                group.update(settings)
            torch.set_rng_state(self._rng)
            if cuda is not None:
                torch.cuda.set_rng_state(cuda, trainer.device)
            self._rng, self._weights, self._state = None, [], {}

    @contextmanager
    def step_on(
        self, tasks: Sequence[str], gradients: Mapping[str, Gradients], users: Users = ()
    ) -> Iterator[None]:
        """Be one optimiser step further inside the block: the summed step of some tasks.

        Not to be nested.

        Parameters
        ----------
        tasks : sequence of str
            A task that is named twice counts its shared gradient twice (PTG's eq. 11).
        gradients : mapping from task to Gradients
        users : tuple of str
            Whom the parameter operation counts for.
        """
        optimiser = self.trainer.optimiser
        for index, p in enumerate(self._shared):
            found = [g for t in tasks if (g := gradients[t].shared[index]) is not None]
            p.grad = sum(found[1:], start=found[0].clone()) if found else None
        for task, head in self._heads.items():
            own = gradients[task].head if task in tasks else (None,) * len(head)
            for p, g in zip(head, own, strict=True):
                p.grad = None if g is None else g.clone()
        self._count(users, "parameter", 1)
        optimiser.step()
        try:
            yield
        finally:
            with torch.no_grad():
                for p, kept in self._weights:
                    p.copy_(kept)
            for held in list(optimiser.state):
                if held in self._state:
                    _restore(optimiser.state[held], self._state[held])
                else:
                    del optimiser.state[held]

    @contextmanager
    def head_before(self, task: str) -> Iterator[None]:
        """Give a task's head its weights before the step inside the block, as TAG compares."""
        head = self._heads[task]
        now = [p.detach().clone() for p in head]
        before = dict(self._weights)
        with torch.no_grad():
            for p in head:
                p.copy_(before[p])
        try:
            yield
        finally:
            with torch.no_grad():
                for p, value in zip(head, now, strict=True):
                    p.copy_(value)

    def gradients(
        self, batches: Sequence[Batch], users: Users = ()
    ) -> tuple[dict[str, Gradients], dict[str, float]]:
        """Return each task's gradients and loss, on batches that hold each task once."""
        found: dict[str, Gradients] = {}
        values: dict[str, float] = {}
        for batch in batches:
            features = self.features(batch, users)
            losses = self.losses(batch, features, tuple(batch.labels), users)
            for task, loss in losses.items():
                self._count(users, "backward", 1)
                head = self._heads[task]
                grads = torch.autograd.grad(
                    loss, [*self._shared, *head], retain_graph=True, allow_unused=True
                )
                found[task] = Gradients(grads[: len(self._shared)], grads[len(self._shared) :])
                values[task] = float(loss.detach())
        return found, values

    def features(self, batch: Batch, users: Users = ()) -> Tensor:
        """Pass a batch through the trunk; draws the same numbers each time."""
        if self._rng is not None:
            torch.set_rng_state(self._rng)
        self._count(users, "trunk", 1)
        trainer = self.trainer
        with torch.autocast(trainer.device.type, torch.bfloat16, enabled=trainer.config.amp):
            features: Tensor = trainer.network.trunk(batch.inputs, batch.view)
        return features

    def outputs(
        self, features: Tensor, tasks: Sequence[str], users: Users = ()
    ) -> dict[str, Tensor]:
        """Return some tasks' outputs for features."""
        self._count(users, "forward", len(tasks))
        trainer = self.trainer
        with torch.autocast(trainer.device.type, torch.bfloat16, enabled=trainer.config.amp):
            return {t: y.float() for t, y in trainer.network.outputs(features, tasks).items()}

    def losses(
        self, batch: Batch, features: Tensor, tasks: Sequence[str], users: Users = ()
    ) -> dict[str, Tensor]:
        """Return some tasks' losses on a batch."""
        found = self.outputs(features, tasks, users)
        return {task: self._task(task).loss(found[task], batch.labels[task]) for task in tasks}

    def vector(self, gradients: Gradients) -> Tensor:
        """Return a task's shared gradient as one vector, 0 where it has none."""
        return torch.cat(
            [
                (torch.zeros_like(p) if g is None else g).reshape(-1)
                for p, g in zip(self._shared, gradients.shared, strict=True)
            ]
        )

    def _task(self, name: str) -> BenchmarkTask:
        return self.trainer.data.task(name)

    def _count(
        self, users: Users, what: Literal["forward", "trunk", "backward", "parameter"], amount: int
    ) -> None:
        for user in ("all", *users):
            held = self.operations.setdefault(user, Operations())
            setattr(held, what, getattr(held, what) + amount)


def _copied(state: Mapping[str, object]) -> dict[str, object]:
    return {k: v.clone() if isinstance(v, Tensor) else v for k, v in state.items()}


def _restore(state: dict[str, object], kept: Mapping[str, object]) -> None:
    for name in list(state):
        if name not in kept:
            del state[name]
    for name, value in kept.items():
        held = state.get(name)
        if isinstance(value, Tensor) and isinstance(held, Tensor):
            held.copy_(value)
        else:
            state[name] = value
