"""The scheduler for a PyTorch training loop: losses in, who runs next out.

It keeps tensors and nothing else of its own: every decision is one of
``songoku_theory.scheduler``, taken on a graph that was measured on the device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from songoku_theory import scheduler as core
from songoku_theory.combine import Combined, CombineError
from songoku_theory.conflict import ConflictGraph, conflict_graph_from_gram
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.linalg import cosines
from songoku_theory.scheduler import SchedulerConfig, SchedulerState
from songoku_theory.torch_scheduler import checkpoint
from songoku_theory.torch_scheduler.buffers import Buffers
from songoku_theory.torch_scheduler.capture import all_finite, check_loss, gradients_of
from songoku_theory.torch_scheduler.combining import (
    Combiner,
    Generator,
    Shown,
    Weights,
    combining_of,
)
from songoku_theory.torch_scheduler.gram import gram64
from songoku_theory.torch_scheduler.graph import Measured, measure_graph
from songoku_theory.torch_scheduler.intake import Handling, Intake
from songoku_theory.torch_scheduler.memory import MemoryReport, report_of
from songoku_theory.torch_scheduler.nonfinite import NonFiniteGradientError, NonFiniteLog
from songoku_theory.torch_scheduler.options import TorchOptions
from songoku_theory.torch_scheduler.parameters import Selection, split_parameters
from songoku_theory.torch_scheduler.ranks import Ranks
from songoku_theory.torch_scheduler.staleness import GapTracker, StalenessReport
from songoku_theory.torch_scheduler.update import clear_gradients, set_gradients

__all__ = ["TaskScheduler"]

T = TypeVar("T")
STATE_VERSION = 2
_UNREAD_AT_MOST = 256


@dataclass(slots=True)
class _Step:
    """What is due in one step, and what has happened so far."""

    groups: tuple[tuple[int, ...], ...]
    needed: tuple[tuple[int, ...], ...]  # for each group, whose gradients it takes
    observes: bool  # the gradients enter the averages
    index: int = 0
    intakes: list[Intake] = field(default_factory=list)
    scaler: torch.amp.GradScaler | None = None
    inverse_scale: Tensor | None = None


@dataclass(frozen=True, slots=True)
class _Unread:
    """Flags of one intake that the host has not entered into its state yet."""

    step: int
    tasks: tuple[int, ...]
    observed: bool
    updated: frozenset[int]
    flags: Tensor


class TaskScheduler:
    """SON-GOKU for a PyTorch training loop.

    Each step: compute the losses of :meth:`active`, hand them to :meth:`backward` in place of
    ``loss.backward()``, take an optimiser step, call :meth:`step`.

    Parameters
    ----------
    model : Module
        May be compiled, or wrapped in DistributedDataParallel (whose own averaging is then
        switched off: the scheduler averages).
    heads : mapping from task to Module, parameters or filter
        The parameters that belong to each task, in the tasks' order. ``()`` for a task without.
        A filter takes a parameter's name.
    config : SchedulerConfig, optional
        By default ``SchedulerConfig(num_tasks=len(heads))``.
    shared : Module, parameters or filter, optional
        By default everything that belongs to no head.
    options : TorchOptions, optional
    combine : str, combiner or callable, optional
        How the active tasks are combined: the name of a combiner of ``songoku_theory.combine``,
        one with options, or a function of yours from the active gradients' inner products and
        indices (in the order of `heads`) to weights. By default the plain sum of eq. 6. Needs
        ``memory="full"``.
    generator : numpy.random.Generator or torch.Generator, optional
        What a randomised combiner draws from, here and nowhere else. By default numpy's with
        seed 0. Saved with the state.
    process_group : ProcessGroup, optional
        By default that of a DistributedDataParallel `model`, else this process alone.

    Raises
    ------
    InvalidInputError
        When the parts of the model don't fit together, or the settings contradict each other.

    Source
    ------
    SON-GOKU, Algorithm 1; eq. 6 for the update.

    Notes
    -----
    ``.grad`` of the shared parameters and heads is the scheduler's: it is cleared at the first
    :meth:`backward` of a step, so ``zero_grad`` is not needed. A head whose task is not active, or
    has no sample, keeps ``grad = None``; so optimisers leave it alone, momentum and weight decay
    included.

    A combiner's state has a row a task, and moves for the tasks that are combined only. Gram-space
    combiners weigh the shared gradients; loss-space ones the losses, so heads as well, with norms
    of gradients taken over all shared parameters. They read their numbers on the host at each
    step. When a gradient of the class is not finite but stays in the update (``nonfinite="count"``,
    or a gradient scaler), nothing is combined: the update is the sum, which is not finite either.

    Examples
    --------
    >>> trunk, head_a, head_b = nn.Linear(4, 3), nn.Linear(3, 1), nn.Linear(3, 1)
    >>> model = nn.ModuleList([trunk, head_a, head_b])
    >>> scheduler = TaskScheduler(model, heads={"a": head_a, "b": head_b})
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> for _ in range(3):
    ...     features = trunk(torch.ones(2, 4))
    ...     scheduler.backward({t: {"a": head_a, "b": head_b}[t](features).mean()
    ...                         for t in scheduler.active()})
    ...     optimizer.step()
    ...     refreshed = scheduler.step()
    >>> scheduler.steps, scheduler.active()
    (3, ('a', 'b'))

    The paper's three combinations, one line each. SON-GOKU + PCGrad:

    >>> heads = {"a": head_a, "b": head_b}
    >>> scheduler = TaskScheduler(model, heads, combine="pcgrad")

    SON-GOKU + GradNorm warm start: every task under GradNorm for 3 epochs, then the schedule.

    >>> from songoku_theory.combine import AdaTask, GradNormWarmStart
    >>> scheduler = TaskScheduler(model, heads, combine=GradNormWarmStart(steps=3 * 100))

    SON-GOKU + AdaTask: an optimiser of the shared parameters that takes each active task's
    gradient; after ``scheduler.backward(losses)`` write
    ``optimizer.step(scheduler.task_gradients())``.

    >>> scheduler = TaskScheduler(model, heads, combine="sum")
    >>> optimizer = AdaTask(scheduler.shared_parameters, num_tasks=2, lr=1e-3)
    >>> losses = {t: heads[t](trunk(torch.ones(2, 4))).mean() for t in scheduler.active()}
    >>> scheduler.backward(losses)
    >>> optimizer.step(scheduler.task_gradients())
    """

    def __init__(
        self,
        model: nn.Module,
        heads: Mapping[str, Selection],
        config: SchedulerConfig | None = None,
        *,
        shared: Selection | None = None,
        options: TorchOptions | None = None,
        combine: Combiner | None = None,
        generator: Generator | None = None,
        process_group: dist.ProcessGroup | None = None,
    ) -> None:
        self.config = SchedulerConfig(num_tasks=max(1, len(heads))) if config is None else config
        self.options = TorchOptions() if options is None else options
        self._parts = split_parameters(model, heads, shared)
        self.tasks = self._parts.tasks
        self.device = self._parts.shared.device
        self._dtype = self._parts.shared.parameters[0].dtype
        self._index = {name: k for k, name in enumerate(self.tasks)}
        self._combining = combining_of(combine, len(self.tasks), generator)
        self._no_sync = contextlib.ExitStack()
        if isinstance(model, DistributedDataParallel):
            process_group = model.process_group if process_group is None else process_group
            # Its hooks would average one backward pass a step; here there is one a task.
            self._no_sync.enter_context(model.no_sync())
        self._ranks = Ranks(process_group, self.device)
        self._check_settings()
        self._policy = core.policy_of(self.config)
        self._state = core.init(self.config)
        self._buffers = Buffers(
            self._parts.shared,
            len(self.tasks),
            self.options,
            self._policy.needs_graph or self._combining is not None,
            self.config.cosine == "debiased",
        )
        self._gaps = GapTracker(len(self.tasks))
        self._gaps.begin(self._policy, core.situation(self.config, self._state))
        self._log = NonFiniteLog()
        self._unread: list[_Unread] = []
        self._culprits: list[tuple[int, int]] = []
        self._products: Measured | Tensor | None = None
        self._open: _Step | None = None

    def _check_settings(self) -> None:
        options, several = self.options, self._ranks.several
        if self.config.num_tasks != len(self.tasks):
            raise InvalidInputError(
                f"config is for {self.config.num_tasks} tasks; heads names {len(self.tasks)}: "
                f"{', '.join(self.tasks)}."
            )
        offload = options.memory == "offload"
        self._average_rows = several and (
            options.average_ranks == "step" or (options.average_ranks == "auto" and not offload)
        )
        combining = self._combining
        reads = combining is not None and not combining.plain
        waits = several or offload or reads
        self._at_once = options.nonfinite_report == "step" or (
            options.nonfinite_report == "auto" and (waits or self.device.type == "cpu")
        )
        if combining is not None and options.memory != "full":
            raise InvalidInputError(
                f"combine needs every active gradient at once, so memory='full'; found "
                f"memory={options.memory!r}."
            )
        if self._average_rows and offload:
            raise InvalidInputError(
                "memory='offload' averages over processes at a refresh only; set "
                "average_ranks='refresh' or 'auto'."
            )
        if several and not self._average_rows:
            for what, asked in (
                ("combine", combining is not None),
                ("cosine='debiased'", self.config.cosine == "debiased"),
            ):
                if asked:
                    raise InvalidInputError(
                        f"{what} needs each task's gradient averaged over the processes at each "
                        f"step; set average_ranks='step' and memory='full' or 'sketch'."
                    )
        if waits and options.nonfinite_report == "refresh":
            raise InvalidInputError(
                "nonfinite_report='refresh' is for one process with memory='full' or 'sketch' and "
                "no combiner that reads numbers on the host; elsewhere the host waits at each step "
                "anyway. Use 'auto'."
            )
        self._ranks.agree_on_setup([len(self.tasks), self._parts.shared.dim])

    # -- who runs ---------------------------------------------------------------------------------

    @property
    def state(self) -> SchedulerState:
        """The pure scheduler's state; its averages are None, they are kept on the device."""
        return self._state

    @property
    def steps(self) -> int:
        """t, the number of finished steps."""
        return self._state.step

    @property
    def graph(self) -> ConflictGraph | None:
        """The conflict graph in force; None before the first refresh."""
        return self._state.graph

    @property
    def shared_names(self) -> tuple[str, ...]:
        """Names of the shared parameters, in the order of a gradient vector."""
        return self._parts.shared.names

    @property
    def shared_parameters(self) -> tuple[nn.Parameter, ...]:
        """The shared parameters, in the order of a gradient vector."""
        return self._parts.shared.parameters

    @property
    def combined(self) -> Combined[Any] | None:
        """The last answer of the combiner: weights (K,), status and residual; None before it."""
        return None if self._combining is None else self._combining.last

    @property
    def needs_probe(self) -> bool:
        """Whether this step ends with a refresh that takes probe losses."""
        return core.needs_probe(self.config, self._state)

    def active(self) -> tuple[str, ...]:
        """Return S_t, the tasks to update now: compute their losses.

        All of them during a combiner's warm start.

        Returns
        -------
        tuple of str
        """
        step = self._current()
        return self._names(step.groups[step.index])

    def needed(self) -> tuple[str, ...]:
        """Return the tasks whose losses :meth:`backward` needs now.

        With ``observe_tasks="active"`` (the default) these are the active ones; with ``"all"``
        every task's gradient is observed at each step, though only the active ones are updated.

        Returns
        -------
        tuple of str
        """
        step = self._current()
        return self._names(step.needed[step.index])

    def groups(self) -> Iterator[tuple[str, ...]]:
        """Go through the groups of this step, to update one after the other.

        Only the policy ``"sequential"`` has more than one. Take an optimiser step inside the loop,
        and :meth:`step` after it.

        Yields
        ------
        tuple of str
            The group's active tasks.
        """
        step = self._current()
        for index in range(len(step.groups)):
            if index:
                self._check_told(step)
                step.index = index
            yield self._names(step.groups[index])

    def classes(self) -> tuple[tuple[str, ...], ...]:
        """Return the slots of the schedule in force, by task names."""
        return tuple(self._names(slot) for slot in self._state.schedule.slots)

    def _names(self, tasks: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.tasks[k] for k in tasks)

    def _current(self) -> _Step:
        if self._open is None:
            groups = core.groups(self.config, self._state)
            if self._combining is not None and self._combining.runs_everyone():
                groups = (tuple(range(len(self.tasks))),)
            observes = core.needs_gradients(self.config, self._state)
            needed = list(groups)
            if observes and self.config.observe_tasks == "all":
                # The last group also takes the gradients that are only observed.
                others = set(range(len(self.tasks))).difference(*groups)
                needed[-1] = tuple(sorted({*groups[-1], *others}))
            self._open = _Step(groups, tuple(needed), observes)
        return self._open

    def _keeps_rows(self, observes: bool) -> bool:
        """Are gradients of single tasks needed?"""
        return observes or self._combining is not None

    # -- gradients --------------------------------------------------------------------------------

    def backward(
        self,
        losses: Mapping[str, Tensor | None],
        *,
        more: bool = False,
        scaler: torch.amp.GradScaler | None = None,
        shared_graph: bool = True,
    ) -> None:
        """Take the gradients of the losses and set every ``.grad`` of the update (eq. 6).

        Parameters
        ----------
        losses : mapping from task to Tensor or None
            One element each; None for a task that has no sample in this batch. May be called
            several times in a step, with other tasks or further micro-batches: gradients add up.
        more : bool, default False
            Another call follows in this step. Saves work; required on all calls but the last when
            several processes train.
        scaler : GradScaler, optional
            Scales the losses; ``.grad`` is then scaled, as ``scaler.step(optimizer)`` expects. The
            averages get unscaled gradients.
        shared_graph : bool, default True
            The losses come from one forward pass, so its graph is kept until the last of them.
            False frees each loss's own graph at once.

        Raises
        ------
        InvalidInputError
            When a task is unknown or not needed in this step, or a loss is not one number with a
            gradient.
        NonFiniteGradientError
            When a gradient is not finite and that is to be raised at once. The step can then be
            repeated from :meth:`active` on.
        """
        step = self._current()
        given = self._check_names(step, losses)
        for k, loss in given:
            if loss is not None:
                check_loss(loss, self.tasks[k], self.steps)
        self._check_scaler(step, scaler)
        if scaler is not None:
            step.scaler, step.inverse_scale = scaler, _inverse_scale(scaler, self.device)
        intake = self._intake(step)
        if self._combining is not None and self._combining.weighs_losses:
            for k, loss in given:
                if loss is not None:
                    intake.note_loss(k, loss)
        scaled = [
            (k, loss if scaler is None else scaler.scale(loss))
            for k, loss in given
            if loss is not None
        ]
        if intake.keeps_rows:
            self._take_each(intake, scaled, shared_graph)
        elif scaled:
            self._take_sum(intake, scaled, shared_graph)
        intake.told |= {k for k, _ in given}
        if not more:
            self._finish(step, intake)

    def add_gradients(
        self,
        gradients: Mapping[str, Tensor | None],
        losses: Mapping[str, float | Tensor] | None = None,
        *,
        more: bool = False,
    ) -> None:
        """Give gradients that were computed elsewhere, in place of losses.

        Parameters
        ----------
        gradients : mapping from task to Tensor, shape (d,), or None
            Of the shared parameters, in the order of :attr:`shared_names`, each in its parameter's
            own memory layout. Heads are left to the caller.
        losses : mapping from task to number, optional
            Of the tasks that have a gradient; for a combiner that weighs losses, and for none else.
        more : bool, default False
            As in :meth:`backward`.

        Raises
        ------
        InvalidInputError
            When a task is unknown or not needed in this step, a gradient has another shape, or
            losses are missing or have no use.
        NonFiniteGradientError
            As in :meth:`backward`.
        """
        step = self._current()
        given = self._check_names(step, gradients)
        dim = self._parts.shared.dim
        for k, vector in given:
            if vector is not None and vector.shape != (dim,):
                raise InvalidInputError(
                    f"the gradient of task {self.tasks[k]!r} should have shape ({dim},); found "
                    f"{tuple(vector.shape)}."
                )
        values = self._check_losses(losses, {k for k, v in given if v is not None})
        intake = self._intake(step)
        for k, value in values.items():
            intake.note_loss(k, torch.as_tensor(value))
        with torch.no_grad():
            for k, vector in given:
                if vector is not None:
                    parts = self._parts.shared.views(vector.detach().contiguous())
                    intake.take(k, list(parts), [None] * len(self._parts.heads[k]))
        intake.told |= {k for k, _ in given}
        if not more:
            self._finish(step, intake)

    def _check_scaler(self, step: _Step, scaler: object) -> None:
        """One scaler for all gradients of a group, or none: they are added up."""
        if scaler is not None and not isinstance(scaler, torch.amp.GradScaler):
            raise InvalidInputError(f"scaler should be a torch.amp.GradScaler; found {scaler!r}.")
        begun = len(step.intakes) > step.index and bool(step.intakes[step.index].present)
        if begun and scaler is not step.scaler:
            raise InvalidInputError(
                f"step {self.steps} began {'with' if step.scaler else 'without'} a gradient "
                f"scaler; give every call of backward in a step the same one, or none."
            )

    def _check_losses(
        self, losses: Mapping[str, float | Tensor] | None, present: set[int]
    ) -> dict[int, float | Tensor]:
        """Losses by task, where the combiner weighs losses."""
        wanted = self._combining is not None and self._combining.weighs_losses
        if not wanted and losses is not None:
            raise InvalidInputError(
                "add_gradients got losses, but no combiner weighs losses; leave them out."
            )
        if not wanted:
            return {}
        found = {self._number_of(name): value for name, value in (losses or {}).items()}
        if set(found) != present:
            assert self._combining is not None
            raise InvalidInputError(
                f"{self._combining.describe()} weighs losses: give add_gradients the losses of "
                f"{', '.join(self._names(sorted(present))) or 'no task'}; found "
                f"{', '.join(self._names(sorted(found))) or 'none'}."
            )
        return found

    def _number_of(self, name: str) -> int:
        if name not in self._index:
            raise unknown_name("task", str(name), self.tasks)
        return self._index[name]

    def _check_names(
        self, step: _Step, given: Mapping[str, T | None]
    ) -> list[tuple[int, T | None]]:
        for name in given:
            if name not in self._index:
                raise unknown_name("task", str(name), self.tasks)
        needed = step.needed[step.index]
        extra = [name for name in given if self._index[name] not in needed]
        if extra:
            raise InvalidInputError(
                f"task {extra[0]!r} has no part in step {self.steps}; give the losses of "
                f"scheduler.needed() only: {', '.join(self._names(needed))}."
            )
        if self._ranks.several and step.intakes[step.index :] and step.intakes[-1].settled:
            raise InvalidInputError(
                "on several processes, pass more=True to every call of backward in a step but the "
                "last, so that gradients are averaged once."
            )
        return sorted(((self._index[n], value) for n, value in given.items()), key=lambda p: p[0])

    def _intake(self, step: _Step) -> Intake:
        """Return the group's intake; at the first call, clear every gradient."""
        if len(step.intakes) > step.index:
            return step.intakes[step.index]
        self._check_model()
        clear_gradients(self._parts)
        hides = self.options.nonfinite != "count" and step.scaler is None
        intake = Intake(
            self._buffers,
            self._ranks,
            self._parts.heads,
            step.needed[step.index],
            step.groups[step.index],
            self._keeps_rows(step.observes),
            Handling(self._at_once, hides),
        )
        step.intakes.append(intake)
        if self._combining is not None:
            self._combining.begin()
        return intake

    def _check_model(self) -> None:
        first = self._parts.shared.parameters[0]
        now = first.device
        if first.dtype != self._dtype:
            raise InvalidInputError(
                f"the model was turned from {self._dtype} into {first.dtype} after its scheduler "
                f"was made; make the scheduler after that."
            )
        if now != self.device:
            raise InvalidInputError(
                f"the model was moved from {self.device} to {now} after its scheduler was made; "
                f"make the scheduler after moving the model."
            )
        replaced = self._parts.replaced()
        if replaced is not None:
            raise InvalidInputError(
                f"the model no longer holds the shared parameter {replaced!r} that its scheduler "
                f"was made with (sharded, or loaded with assign=True?). Make the scheduler last."
            )
        for name, p in self._parts.frozen:
            if p.requires_grad:
                raise InvalidInputError(
                    f"shared parameter {name!r} was frozen when the scheduler was made, so it has "
                    f"no place in the gradients. Make a new scheduler after unfreezing."
                )

    def _take_each(
        self, intake: Intake, losses: Sequence[tuple[int, Tensor]], shared_graph: bool
    ) -> None:
        """One backward pass a task."""
        for position, (k, loss) in enumerate(losses):
            parameters = self._parts.heads[k] if k in intake.updated else ()
            retain = shared_graph and position < len(losses) - 1
            shared, own = gradients_of(loss, self._parts.shared.parameters, parameters, retain)
            with torch.no_grad():
                intake.take(k, shared, own)

    def _take_sum(
        self, intake: Intake, losses: Sequence[tuple[int, Tensor]], shared_graph: bool
    ) -> None:
        """One backward pass for all tasks, where no gradient of a single one is needed."""
        total = torch.stack([loss.reshape(()) for _, loss in losses]).sum()
        own = list({id(p): p for k, _ in losses for p in self._parts.heads[k]}.values())
        again = self._at_once and shared_graph
        found, heads = gradients_of(total, self._parts.shared.parameters, own, again)
        with torch.no_grad():
            finite = all_finite([g for g in (*found, *heads) if g is not None], self.device)
            if not again or bool(finite):
                intake.take_sum(losses, found, list(zip(own, heads, strict=True)), finite)
                return
        # Whose is it? Only now does that cost a backward pass each.
        self._take_each(intake, losses, shared_graph)

    def _finish(self, step: _Step, intake: Intake) -> None:
        """Set every ``.grad`` from what was taken so far."""
        with self._quiet():
            intake.settle()
            if intake.known_bad and intake.handling.hides and self.options.nonfinite == "raise":
                self._raise(intake.known_bad)
            set_gradients(
                self._parts,
                self._buffers,
                self._ranks,
                intake,
                self._average_rows and intake.keeps_rows,
                lambda kept: self._weigh(intake, kept, step.inverse_scale),
            )

    def _weigh(
        self, intake: Intake, kept: Sequence[int], inverse_scale: Tensor | None
    ) -> Weights | None:
        """Ask the combiner, once for all processes."""
        combining = self._combining
        if combining is None:
            return None
        if not combining.plain and intake.known_bad.intersection(kept):
            combining.undo()
            return None
        assert self._buffers.rows is not None
        shown = Shown(self._buffers.rows, tuple(kept), inverse_scale, lambda: intake.losses(kept))
        weights: Weights | None = None
        trouble: InvalidInputError | CombineError | None = None
        try:
            weights = combining.weigh(shown)
        except (InvalidInputError, CombineError) as error:
            trouble = error
        failed = trouble is not None
        if self._ranks.several:
            failed = bool(self._ranks.any_of(torch.tensor([failed])))
        if failed:
            combining.undo()
            clear_gradients(self._parts)
            self._open = None
            raise trouble or CombineError("the combiner failed in another process.")
        if weights is not None:
            self._ranks.of_first_(weights.update)
        return weights

    def task_gradients(self) -> dict[int, Tensor]:
        """Return the gradient of each task of the update, for an optimiser that takes them one by
        one (``AdaTask``).

        Call it between :meth:`backward` and :meth:`step`. Tasks without a sample, and those left
        out because their gradient is not finite, are not among them. With a gradient scaler the
        gradients are unscaled: ``scaler.step(optimizer, scheduler.task_gradients())``.

        Returns
        -------
        dict from task index to Tensor, shape (d,)
            In the order of :attr:`shared_parameters`, each flattened as ``reshape(-1)`` does. Most
            are views of the scheduler's buffers: they hold until the next :meth:`backward`.

        Raises
        ------
        InvalidInputError
            When there is no update now, or gradients of single tasks are not kept.
        """
        step = self._open
        if step is None or len(step.intakes) <= step.index or not step.intakes[step.index].settled:
            raise InvalidInputError(
                f"step {self.steps} has no gradients yet; call task_gradients after backward and "
                f"before step."
            )
        intake = step.intakes[step.index]
        if not intake.from_rows or (self._ranks.several and not self._average_rows):
            raise InvalidInputError(
                "the gradients of single tasks are not kept here; make the scheduler with "
                "combine='sum' and memory='full', and average_ranks='step' for several processes."
            )
        kept = intake.kept()
        if intake.handling.masks:
            kept = [k for k in kept if not bool(intake.bad[k])]
        found = {k: self._parts.shared.plain(self._buffers.row(k)) for k in kept}
        if step.inverse_scale is not None:
            found = {k: row * step.inverse_scale.to(row) for k, row in found.items()}
        return found

    def observe_losses(self, losses: Mapping[str, float | Tensor]) -> None:
        """Show a combiner that asks for them (FAMO) the losses after the step, on the same batch.

        Call it after ``optimizer.step()`` and before :meth:`step`.

        Parameters
        ----------
        losses : mapping from task to number
            Of the active tasks; those of tasks that were not combined are not read.

        Raises
        ------
        InvalidInputError
            When no combiner asks for them, or one is missing or not finite. (A loss that is not
            finite is left out with ``nonfinite="skip"`` or ``"count"``.)
        """
        combining = self._combining
        if combining is None or not combining.waits:
            raise InvalidInputError("no combiner asks for losses after the step; leave this out.")
        given = {self._number_of(name): value for name, value in losses.items()}
        missing = [k for k in sorted(combining.awaits) if k not in given]
        if missing:
            raise InvalidInputError(
                f"{combining.describe()} needs the loss of task {self.tasks[missing[0]]!r} after "
                f"the step, on the same batch."
            )
        values = torch.full((len(self.tasks),), torch.nan, dtype=torch.float64, device=self.device)
        for k in combining.awaits:
            values[k] = float(torch.as_tensor(given[k]).detach().reshape(()))
        after = self._ranks.mean_(values).cpu().numpy()
        strict = self.options.nonfinite == "raise"
        combining.observe(
            after, [k for k in sorted(combining.awaits) if strict or np.isfinite(after[k])]
        )

    def end_epoch(self) -> None:
        """Tell a combiner that counts in epochs (DWA) that one is over.

        Raises
        ------
        InvalidInputError
            When the combiner knows no epochs, or a step is under way.
        """
        self._check_between_steps("end the epoch")
        if self._combining is None:
            raise InvalidInputError("there is no combiner, so no epoch to end; only DWA has them.")
        self._combining.end_epoch()

    def _raise(self, bad: set[int]) -> None:
        """Drop the step, so that it can be repeated, and name the first task."""
        for k in sorted(bad):
            self._log.note(self.tasks[k], self.steps)
        if self._combining is not None:
            self._combining.undo()
        clear_gradients(self._parts)
        self._open = None
        raise NonFiniteGradientError(self.tasks[min(bad)], self.steps, len(bad) - 1)

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """Neither record gradients nor let autocast shorten float32 products."""
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            yield

    # -- the end of a step ------------------------------------------------------------------------

    def step(self, probe: Callable[[str], Tensor | None] | None = None) -> bool:
        """End the step: move the averages on, and refresh the schedule if that is due.

        Call it after ``optimizer.step()``.

        Parameters
        ----------
        probe : callable, optional
            From a task's name to its loss on a probe batch (None for no sample). Needed with
            ``probe="required"``; called only at a refresh, once for every task.

        Returns
        -------
        bool
            Whether there was a refresh, so that a new schedule is in force.

        Raises
        ------
        InvalidInputError
            When a needed loss was never given, a group of the step was left out, or the probe is
            missing or unwanted.
        NonFiniteGradientError
            When a gradient since the last refresh was not finite and that is to be raised.
        """
        step = self._current()
        self._check_complete(step, probe)
        takes_probe = self.needs_probe
        everyone = tuple(sorted(k for group in step.groups for k in group))
        with self._quiet():
            for intake in step.intakes:
                self._fold(intake, step.observes, step.inverse_scale)
        self._gaps.ran(everyone, self._state.last_turn, self.steps)
        # Who was updated is entered when the flags are read.
        self._state = core.advance(self.config, self._state, missing=everyone, ran=everyone)
        self._open = None
        if self._at_once or len(self._unread) >= _UNREAD_AT_MOST:
            self._read_flags()
        due = core.needs_refresh(self.config, self._state)
        if due:
            self._refresh(probe if takes_probe else None, step.scaler)
        if self._culprits and self.options.nonfinite == "raise" and step.scaler is None:
            task, when = self._culprits[0]
            others, self._culprits = len(self._culprits) - 1, []
            raise NonFiniteGradientError(self.tasks[task], when, others)
        self._culprits = []
        return due

    def _check_told(self, step: _Step) -> None:
        """Every needed task of the current group has a loss, or is known to have no sample."""
        intake = step.intakes[step.index] if len(step.intakes) > step.index else None
        told = set() if intake is None else intake.told
        missing = [k for k in step.needed[step.index] if k not in told]
        if missing:
            raise InvalidInputError(
                f"step {self.steps} got no loss of task {self.tasks[missing[0]]!r}; give backward "
                f"the loss of every task in scheduler.needed(), or None for one without samples."
            )
        if intake is not None and not intake.settled:
            raise InvalidInputError(
                f"the last call of backward at step {self.steps} said more=True, so the gradients "
                f"were never set; leave it out in the last call."
            )
        if self._combining is not None and self._combining.awaits:
            raise InvalidInputError(
                f"{self._combining.describe()} needs the losses after the step, on the same batch: "
                f"call scheduler.observe_losses(losses) after optimizer.step()."
            )

    def _check_complete(self, step: _Step, probe: object) -> None:
        if step.index + 1 < len(step.groups):
            raise InvalidInputError(
                f"policy {self._policy.name!r} has {len(step.groups)} groups at step {self.steps}, "
                f"of which {step.index + 1} ran; loop over scheduler.groups(), with backward and "
                f"the optimiser step inside."
            )
        self._check_told(step)
        if probe is not None and self.config.probe == "none":
            raise InvalidInputError("config.probe is 'none'; set probe='required' to use a probe.")
        if probe is None and self.needs_probe:
            raise InvalidInputError(
                f"step {self.steps} ends with a refresh that takes probes; call "
                f"scheduler.step(probe=...) with a function from a task's name to its probe loss."
            )

    def _fold(self, intake: Intake, observes: bool, inverse_scale: Tensor | None) -> None:
        """Lines 16-19 for one intake; what is not finite moves no average."""
        tasks = tuple(sorted(intake.present))
        if not tasks:
            return
        flags = torch.stack([intake.bad[k] for k in tasks])
        if observes and self._at_once:
            kept = [k for k in tasks if k not in intake.known_bad]
            self._buffers.fold(kept, self.config.beta, inverse_scale, None)
        elif observes:
            self._buffers.fold(tasks, self.config.beta, inverse_scale, intake.bad)
        self._unread.append(_Unread(self.steps, tasks, observes, intake.updated, flags))

    def _read_flags(self) -> None:
        """Enter into the state what the flags since the last look say; one transfer."""
        if not self._unread:
            return
        unread, self._unread = self._unread, []
        answers = iter(torch.cat([entry.flags for entry in unread]).cpu().tolist())
        for entry in unread:
            bad = {k for k in entry.tasks if next(answers)}
            for k in sorted(bad):
                self._log.note(self.tasks[k], entry.step)
                self._culprits.append((k, entry.step))
            good = [k for k in entry.tasks if k not in bad]
            if entry.observed:
                self._state = core.count_gradients(self.config, self._state, good)
            updated = [k for k in good if k in entry.updated]
            last = self._state.last_updated.copy()
            last[updated] = np.maximum(last[updated], entry.step)
            self._state = replace(self._state, last_updated=last)
            self._gaps.updates[updated] += 1

    # -- the refresh ------------------------------------------------------------------------------

    def _refresh(
        self,
        probe: Callable[[str], Tensor | None] | None,
        scaler: torch.amp.GradScaler | None,
    ) -> None:
        """Lines 20-26."""
        if probe is not None:
            self._take_probe(probe, scaler)
        self._read_flags()
        before = core.situation(self.config, self._state)
        if self._policy.needs_graph:
            with self._quiet():
                if self._ranks.several and not self._average_rows:
                    assert self._buffers.averages is not None
                    self._ranks.mean_(self._buffers.averages)
                graph = self._ranks.graph_of_first(self._measure())
            self._state = core.adopt_graph(self.config, self._state, graph)
            if self.config.ema_at_refresh == "reset":
                self._buffers.clear_averages()
                self._state = core.clear_averages(self._state)
        else:
            self._state = core.adopt_schedule(self.config, self._state)
        after = core.situation(self.config, self._state)
        self._gaps.refreshed(self._policy, before, after)
        self._drop_rows()

    def _drop_rows(self) -> None:
        """A policy that colours once needs no gradient of a single task after that."""
        if not self._keeps_rows(core.needs_gradients(self.config, self._state)):
            self._buffers.drop_rows()

    def _take_probe(
        self,
        probe: Callable[[str], Tensor | None],
        scaler: torch.amp.GradScaler | None,
    ) -> None:
        """Line 21: one more gradient of every task, at the parameters as they are now."""
        everyone = range(len(self.tasks))
        handling = Handling(self._at_once, hides=scaler is None)
        intake = Intake(self._buffers, self._ranks, self._parts.heads, everyone, (), True, handling)
        for k, name in enumerate(self.tasks):
            loss = probe(name)
            if loss is None:
                continue
            check_loss(loss, name, self.steps)
            scaled = loss if scaler is None else scaler.scale(loss)
            self._take_each(intake, [(k, scaled)], shared_graph=False)
        with self._quiet():
            intake.settle()
            if self._average_rows:
                for k in sorted(intake.present):
                    self._ranks.mean_(self._buffers.row(k))
            inverse = None if scaler is None else _inverse_scale(scaler, self.device)
            self._fold(intake, True, inverse)

    def _measure(self) -> ConflictGraph:
        """Lines 22-23, on the device."""
        averages = self._buffers.averages
        assert averages is not None
        tau = core.threshold(self.config, self._state)
        weights = self._state.weight_sum
        scale = np.ones(len(self.tasks))
        if self.config.ema == "windowed":
            scale = 1.0 / np.where(weights > 0, weights, 1.0)
        scale = np.where(weights > 0, scale, 0.0)
        if self.config.cosine == "debiased":
            return self._measure_debiased(averages, tau, scale)
        measured = measure_graph(averages, tau, self.config.norm_floor, scale, self.device)
        self._products = measured
        return measured.graph

    def _measure_debiased(
        self, averages: Tensor, tau: float, scale: NDArray[np.float64]
    ) -> ConflictGraph:
        """With the noise taken out of the norms: an estimate, so nothing to decide exactly."""
        assert self._buffers.squares is not None
        found = gram64(averages, device=self.device)
        self._products = found
        products = found.cpu().numpy() * scale[:, None] * scale[None, :]
        squares = self._buffers.squares.numpy(force=True)
        known = replace(self._state, mean_squares=squares)
        np.fill_diagonal(products, core.debiased_squares(self.config, known, np.diag(products)))
        return conflict_graph_from_gram(products, tau, self.config.norm_floor)

    # -- reports ----------------------------------------------------------------------------------

    def staleness(self) -> StalenessReport:
        """Return how long tasks waited, beside what the policy guarantees.

        Returns
        -------
        StalenessReport
            ``str()`` of it is a table.
        """
        self._read_flags()
        return self._gaps.report(
            self.tasks,
            self._policy,
            core.situation(self.config, self._state),
            core.guaranteed_gap(self.config),
        )

    def memory(self) -> MemoryReport:
        """Return what the scheduler holds, in bytes; see also ``compare_memory``."""
        return report_of(self.options.memory, self._buffers.parts(), self.device)

    def nonfinite(self) -> NonFiniteLog:
        """Return how often each task's gradient was not finite."""
        self._read_flags()
        return self._log

    def cosines(self) -> NDArray[np.float64] | None:
        """Return the cosines of the last refresh, shape (K, K); None before the first one.

        Of the averages as they were then (or their sketches), without any debiasing.
        """
        if self._products is None:
            return None
        held = self._products
        products = held.products if isinstance(held, Measured) else held
        return cosines(products.numpy(force=True), 0.0).values

    def effective_samples(self) -> NDArray[np.float64]:
        """Return the effective sample size behind each task's average, shape (K,)."""
        self._read_flags()
        return core.effective_samples(self._state)

    # -- stop and resume --------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next steps depend on, for ``torch.save``.

        Call it between steps. The averages are the scheduler's own tensor, as in an optimiser's
        state; copy it to keep it in memory. With ``average_ranks="refresh"`` each process has
        averages of its own between refreshes and must save them.

        Returns
        -------
        dict

        Raises
        ------
        InvalidInputError
            Between ``backward`` and ``step``.
        """
        self._check_between_steps("save the state")
        self._read_flags()
        return {
            "version": STATE_VERSION,
            "tasks": list(self.tasks),
            "shared": self._layout(),
            "settings": checkpoint.pack_settings(self.config, self.options),
            "state": checkpoint.pack_state(self._state),
            "averages": self._buffers.averages,
            "squares": self._buffers.squares,
            "gaps": {
                name: torch.as_tensor(values.copy()) for name, values in self._gaps.arrays().items()
            },
            "nonfinite": {"counts": dict(self._log.counts), "last": dict(self._log.last_step)},
            "combiner": self._pack_combiner(),
        }

    def _check_between_steps(self, what: str) -> None:
        if self._open is not None and self._open.intakes:
            raise InvalidInputError(
                f"step {self.steps} is under way; {what} after scheduler.step()."
            )

    def _pack_combiner(self) -> dict[str, Any]:
        combining = self._combining
        if combining is None:
            return {"rule": "the plain sum", "state": None, "generator": None}
        return {
            "rule": combining.describe(),
            "state": checkpoint.pack_tree(combining.state),
            "generator": combining.pack_generator(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a saved state; on a CPU bit for bit.

        Parameters
        ----------
        saved : mapping
            From :meth:`state_dict` of a scheduler with the same tasks, shared parameters and
            settings.

        Raises
        ------
        InvalidInputError
            When they differ; names the differences. Nothing is changed then.
        """
        if saved.get("version") != STATE_VERSION:
            raise InvalidInputError(
                f"expected a scheduler's state of version {STATE_VERSION}; found "
                f"{saved.get('version')!r}."
            )
        checkpoint.require_complete(saved)
        names = {"tasks": ", ".join(saved["tasks"])}
        checkpoint.require_same("tasks", names, {"tasks": ", ".join(self.tasks)})
        checkpoint.require_same("shared parameters", saved["shared"], self._layout())
        settings = checkpoint.pack_settings(self.config, self.options)
        checkpoint.require_same("settings", saved["settings"], settings)
        kept = saved["combiner"]
        mine = "the plain sum" if self._combining is None else self._combining.describe()
        checkpoint.require_same("combiner", {"combine": kept["rule"]}, {"combine": mine})
        memory: Any = None
        if self._combining is not None:
            self._combining.check_generator(kept["generator"])
            memory = checkpoint.unpack_tree(kept["state"], self._combining.state)
        self._state = checkpoint.unpack_state(saved["state"], core.init(self.config))
        self._open, self._unread, self._culprits, self._products = None, [], [], None
        if self._combining is not None:
            self._combining.restore(memory, kept["generator"])
        for name in ("averages", "squares"):
            held, there = getattr(self._buffers, name), saved[name]
            if held is not None and there is not None:
                held.copy_(there)
        self._drop_rows()
        self._gaps.restore({name: t.numpy(force=True) for name, t in saved["gaps"].items()})
        self._log = NonFiniteLog(
            dict(saved["nonfinite"]["counts"]), dict(saved["nonfinite"]["last"])
        )

    def _layout(self) -> dict[str, str]:
        shared = self._parts.shared
        return {
            name: str(tuple(p.shape))
            for name, p in zip(shared.names, shared.parameters, strict=True)
        }


def _inverse_scale(scaler: torch.amp.GradScaler, device: torch.device) -> Tensor:
    """What undoes a gradient scaler, without asking the device for the number."""
    one = torch.ones((), device=device)
    return one / scaler.scale(one)
