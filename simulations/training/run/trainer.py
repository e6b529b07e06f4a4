"""One training run as a state: network, optimisers, scheduler; a step, and what to save."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from simulations.training.architectures.base import Architecture, Network
from simulations.training.architectures.build import build_network
from simulations.training.benchmarks.base import Loaded
from simulations.training.methods.base import Method, Plan, Setting
from simulations.training.run.config import TrainingConfig
from simulations.training.run.data import Stream, TrainingData
from simulations.training.run.distributed import ALONE, Processes
from simulations.training.run.diverged import DivergedError
from songoku_theory.combine import AdaTask
from songoku_theory.errors import InvalidInputError
from songoku_theory.torch_scheduler import NonFiniteGradientError, TaskScheduler, TorchOptions

__all__ = ["Stepped", "Trainer", "Work", "child_seed"]

DATA, WEIGHTS, ORDER, COMBINER, MEASURE = range(5)
"""Places below a run's seed; what they draw is part of what a result means."""


def child_seed(seed: int, place: int) -> np.random.SeedSequence:
    """Return the seed at a place below a run's."""
    return np.random.SeedSequence(seed, spawn_key=(place,))


@dataclass(slots=True)
class Work:
    """What a run has computed, in passes of one batch through the trunk.

    Attributes
    ----------
    forwards, backwards : int
        Of training steps; a backward pass for several tasks at once counts as one.
    task_updates : int
        Sum over steps of the number of active tasks.
    """

    forwards: int = 0
    backwards: int = 0
    task_updates: int = 0


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step did.

    Attributes
    ----------
    index : int
        t, from 0.
    active : tuple of str
    losses : dict from task to float
        Before the update, without weights.
    refreshed : bool
    """

    index: int
    active: tuple[str, ...]
    losses: dict[str, float]
    refreshed: bool


class _RunTrunk(Protocol):
    def __call__(self, inputs: Mapping[str, Tensor], view: int) -> Tensor: ...


class Trainer:
    """A run of one method on one benchmark with one seed.

    Parameters
    ----------
    loaded : Loaded
    method : Method
    architecture : Architecture
    config : TrainingConfig
    seed : int
    device : torch.device
    compiled : bool
        Compile the trunk for training steps.
    processes : Processes
        Those that train together; the numbers are those of one process up to rounding.

    Raises
    ------
    InvalidInputError
        When the settings don't fit, or there are more processes than examples in a batch.
    """

    def __init__(
        self, loaded: Loaded, method: Method, architecture: Architecture, config: TrainingConfig,
        seed: int, device: torch.device, compiled: bool = False, processes: Processes = ALONE,
    ) -> None:  # fmt: skip
        self.loaded, self.config, self.device = loaded, config, device
        self.data = TrainingData(loaded, config.batch_size, child_seed(seed, ORDER), device)
        self.processes = processes
        if processes.count > self.data.smallest_batch:
            raise InvalidInputError(
                f"{processes.count} processes can't share batches of {self.data.smallest_batch} "
                f"examples; start at most as many as there are examples."
            )
        self.total = config.total_steps(self.data.steps_per_epoch)
        names = tuple(task.name for task in loaded.tasks)
        roles = tuple(task.role.value for task in loaded.tasks)
        self.plan: Plan = method.plan(
            Setting(names, roles, self.total, self.data.steps_per_epoch, seed)
        )
        self.network: Network = build_network(
            architecture, loaded, child_seed(seed, WEIGHTS), self.plan.tasks
        ).to(device)
        processes.synchronise(self.network)
        self.scheduler = TaskScheduler(
            self.network,
            heads={task: self.network.heads[task] for task in self.plan.tasks},
            config=self.plan.config,
            options=TorchOptions(nonfinite_report="step"),
            combine=self.plan.combine,
            generator=np.random.default_rng(child_seed(seed, COMBINER))
            if self.plan.draws
            else None,
            process_group=processes.group,
        )
        self._make_optimisers()
        self.work = Work()
        self._waits = bool(getattr(self.plan.combine, "needs_losses_after", False))
        self._run_trunk: _RunTrunk = self.network.trunk
        if compiled:
            # Each task's gradient is one walk through the graph, so none may free its buffers.
            torch._functorch.config.donated_buffer = False
            self._run_trunk = torch.compile(self.network.trunk)

    def _make_optimisers(self) -> None:
        config = self.config
        shared: list[nn.Parameter] = list(self.scheduler.shared_parameters)
        heads = list(self.network.head_list.parameters())
        options = self.plan.adatask
        self.adatask: AdaTask | None = None
        if options is not None:
            self.adatask = AdaTask(
                shared, len(self.plan.tasks), config.lr, options.betas, options.eps,
                config.weight_decay,
            )  # fmt: skip
        kept = heads if options is not None else [*shared, *heads]
        self.optimiser: torch.optim.Optimizer
        if config.optimiser == "adam":
            self.optimiser = torch.optim.AdamW(kept, lr=config.lr, weight_decay=config.weight_decay)
        else:
            self.optimiser = torch.optim.SGD(
                kept, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay
            )

    @property
    def steps(self) -> int:
        """Finished steps."""
        return self.scheduler.steps

    def step(self) -> Stepped:
        """Train one step.

        Raises
        ------
        DivergedError
            When a loss or gradient is not finite; no weight has moved then.
        """
        index = self.steps
        self._set_rate(self.config.rate(index, self.total))
        self.network.train()
        active, needed = self.scheduler.active(), self.scheduler.needed()
        groups = self.data.grouped(needed)
        values: dict[str, float] = {}
        for number, (view, tasks) in enumerate(groups):
            losses = self._losses(view.index, tasks, index)
            values |= _numbers(losses, index)
            weighted = {t: self._weighted(t, loss) for t, loss in losses.items()}
            try:
                self.scheduler.backward(weighted, more=number + 1 < len(groups))
            except NonFiniteGradientError as error:
                raise DivergedError(error.task, index, "gradient") from error
        if self.adatask is not None:
            self.adatask.step(self.scheduler.task_gradients())
        self.optimiser.step()
        if self._waits:
            self._show_losses_after(active, index)
        try:
            refreshed = self.scheduler.step(self._probe if self.scheduler.needs_probe else None)
        except NonFiniteGradientError as error:  # of a probe; its task's next step would fail too
            raise DivergedError(error.task, index, "gradient") from error
        self.work.task_updates += len(active)
        return Stepped(index, active, {t: values[t] for t in needed}, refreshed)

    def _probe(self, task: str) -> Tensor | None:
        """The task's loss on a batch of its own; one that is not finite is left to the next step,
        which stops before its update.
        """
        view, _ = self.data.grouped([task])[0]
        loss = self._losses(view.index, (task,), self.scheduler.state.round, "probe")[task]
        return loss if math.isfinite(loss.item()) else None

    def _losses(
        self, view: int, tasks: tuple[str, ...], step: int, stream: Stream = "train"
    ) -> dict[str, Tensor]:
        inputs, labels = self.data.batch(
            self.data.views[view], tasks, step, self.processes.share, stream
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.amp):
            features = self._run_trunk(inputs, view)
            outputs = self.network.outputs(features, tasks)
        self.work.forwards += 1
        if features.requires_grad:
            features.register_hook(self._count_backward)  # type: ignore[no-untyped-call]
        parts = {task: outputs[task].float() for task in tasks}
        wholes = self.processes.whole(parts, len(labels[tasks[0]]))
        return {task: self.data.task(task).loss(wholes[task], labels[task]) for task in tasks}

    def _count_backward(self, gradient: Tensor) -> None:
        self.work.backwards += 1

    def _weighted(self, task: str, loss: Tensor) -> Tensor | None:
        weight = self.plan.loss_weights.get(task, 1.0)
        if weight == 0.0:
            return None
        return loss if weight == 1.0 else loss * weight

    @torch.no_grad()
    def _show_losses_after(self, active: Iterable[str], step: int) -> None:
        after: dict[str, float] = {}
        for view, tasks in self.data.grouped(tuple(active)):
            after |= _numbers(self._losses(view.index, tasks, step), step)
        self.scheduler.observe_losses(after)

    def _set_rate(self, rate: float) -> None:
        for optimiser in (self.optimiser, self.adatask):
            for group in [] if optimiser is None else optimiser.param_groups:
                group["lr"] = rate

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next steps depend on, and the work done."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "adatask": None if self.adatask is None else self.adatask.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "work": asdict(self.work),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned; on a CPU bit for bit."""
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        if self.adatask is not None:
            self.adatask.load_state_dict(saved["adatask"])
        self.scheduler.load_state_dict(saved["scheduler"])
        self.work = Work(**saved["work"])


def _numbers(losses: Mapping[str, Tensor], step: int) -> dict[str, float]:
    found: list[float] = torch.stack([loss.detach() for loss in losses.values()]).tolist()
    values = dict(zip(losses, found, strict=True))
    for task, value in values.items():
        if not math.isfinite(value):
            raise DivergedError(task, step, "loss")
    return values
