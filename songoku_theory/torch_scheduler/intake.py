"""Gradients of some tasks, on their way into the update and into the averages.

One intake serves one group of a step, or the probes of a refresh. It takes gradients as they are
computed, then settles with the other processes who has one and whose is not finite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from songoku_theory.torch_scheduler.buffers import Buffers, add_into
from songoku_theory.torch_scheduler.capture import Gradients, all_finite
from songoku_theory.torch_scheduler.ranks import Ranks

__all__ = ["Handling", "Intake"]


@dataclass(frozen=True, slots=True)
class Handling:
    """How gradients that are not finite are treated.

    Attributes
    ----------
    at_once : bool
        The host looks at each gradient's flag in the step itself.
    hides : bool
        They stay out of the update. (Out of the averages they stay always.)
    """

    at_once: bool
    hides: bool

    @property
    def masks(self) -> bool:
        """Whether the device has to keep them out, because the host doesn't know."""
        return self.hides and not self.at_once


class Intake:
    """What has been taken of one group.

    Parameters
    ----------
    buffers : Buffers
    ranks : Ranks
    heads : sequence of tuple of Parameter
        Of every task.
    tasks : iterable of int
        Whose gradients are expected.
    updated : iterable of int
        Which of them enter the update; the others' are only observed.
    keeps_rows : bool
        Gradients of single tasks are needed (for averages, or by a combiner).
    handling : Handling

    Attributes
    ----------
    told : set of int
        Tasks of which a loss, or the lack of a sample, was reported.
    present : set of int
        Tasks with a gradient.
    bad : dict from int to Tensor
        Flags, on the device: not finite.
    known_bad : set of int
        Those that the host knows of; complete after :meth:`settle` if it looks at once.
    settled : bool
    """

    def __init__(
        self,
        buffers: Buffers,
        ranks: Ranks,
        heads: Sequence[tuple[nn.Parameter, ...]],
        tasks: Iterable[int],
        updated: Iterable[int],
        keeps_rows: bool,
        handling: Handling,
    ) -> None:
        self.tasks = tuple(tasks)
        self.updated = frozenset(updated)
        self.told: set[int] = set()
        self.present: set[int] = set()
        self.bad: dict[int, Tensor] = {}
        self.known_bad: set[int] = set()
        self.settled = False
        self.handling = handling
        # The update is added up from rows, or else while the gradients pass.
        self.from_rows = keeps_rows and not buffers.streams
        self.keeps_rows = keeps_rows
        self._buffers = buffers
        self._ranks = ranks
        self._heads = heads
        self._own: dict[int, Gradients] = {}
        self._touched: dict[int, set[int]] = {}
        self._reach: set[int] = set()
        self._summed: dict[int, tuple[nn.Parameter, Tensor]] = {}
        self._touched_by_sum: set[int] = set()
        self._losses: dict[int, Tensor] = {}
        if not self.from_rows and self.updated:
            buffers.total.zero_()

    # -- taking -----------------------------------------------------------------------------------

    def take(self, task: int, shared: Gradients, own: Gradients) -> None:
        """Take one task's gradients of the shared parameters and of its head.

        Parameters
        ----------
        task : int
        shared, own : list of Tensor or None
        """
        first = task not in self.present
        self.present.add(task)
        updates = task in self.updated
        if updates:
            touched = {i for i, g in enumerate(shared) if g is not None}
            self._touched[task] = self._touched.get(task, set()) | touched
            if touched:
                self._reach.add(task)
            before = self._own.get(task)
            self._own[task] = list(own) if before is None else _added(before, own)
        if self.from_rows:
            self._buffers.fill_row(task, shared, first)
            return
        parts = shared
        if self.keeps_rows:
            passing = self._buffers.fill_passing(shared)
            finite = all_finite([passing, *_some(own)], self._ranks.device)
            self._buffers.store_passing(task, first)
            parts = [
                None if g is None else v
                for g, v in zip(shared, self._buffers.passing_views, strict=True)
            ]
        else:
            finite = all_finite([*_some(shared), *_some(own)], self._ranks.device)
        self._flag(task, finite)
        if updates:
            self._pass_on(parts, finite)

    def note_loss(self, task: int, loss: Tensor) -> None:
        """Note a task's loss; those of further micro-batches add up, as gradients do."""
        value = loss.detach().reshape(()).to(torch.float64)
        before = self._losses.get(task)
        self._losses[task] = value if before is None else before + value

    def losses(self, tasks: Sequence[int]) -> NDArray[np.float64]:
        """Return the tasks' losses, averaged over processes, shape (K,); NaN for the others."""
        values = torch.zeros(len(self._heads), dtype=torch.float64, device=self._ranks.device)
        for task, loss in self._losses.items():
            values[task] = loss
        found = self._ranks.mean_(values).cpu().numpy()
        chosen: NDArray[np.float64] = np.full(len(self._heads), np.nan)
        chosen[list(tasks)] = found[list(tasks)]
        return chosen

    def take_sum(
        self,
        losses: Sequence[tuple[int, Tensor]],
        shared: Gradients,
        own: Sequence[tuple[nn.Parameter, Tensor | None]],
        finite: Tensor,
    ) -> None:
        """Take the gradients of several tasks' summed loss.

        Parameters
        ----------
        losses : sequence of (task, loss)
        shared : list of Tensor or None
        own : sequence of (Parameter, Tensor or None)
            Of all the tasks' heads.
        finite : Tensor of bool, shape ()
            Whether all of the gradients are.
        """
        self.present |= {k for k, _ in losses}
        if self.handling.at_once and bool(finite):
            for task, _ in losses:
                self._flag(task, finite)
        else:
            # Whose is a sum that is not finite? Theirs whose loss is not; everyone's if all are.
            sound = torch.stack(
                [torch.isfinite(loss.detach()).reshape(()).to(finite.device) for _, loss in losses]
            )
            for position, (task, _) in enumerate(losses):
                self._flag(task, finite | (sound[position] & ~sound.all()))
        if self.handling.at_once and self.handling.hides and not bool(finite):
            return
        self._touched_by_sum |= {i for i, g in enumerate(shared) if g is not None}
        self._pass_on(shared, finite)
        for parameter, gradient in own:
            if gradient is not None:
                _add_to(self._summed, parameter, self._masked(gradient, ~finite))

    def _flag(self, task: int, finite: Tensor) -> None:
        before = self.bad.get(task)
        self.bad[task] = ~finite if before is None else before | ~finite

    def _pass_on(self, gradients: Gradients, finite: Tensor) -> None:
        """Add gradients to the update while they pass."""
        if self.handling.hides and self.handling.at_once and not bool(finite):
            return
        if self.handling.masks:
            gradients = [None if g is None else self._masked(g, ~finite) for g in gradients]
        add_into(self._buffers.total_views, gradients)

    def _masked(self, gradient: Tensor, bad: Tensor) -> Tensor:
        if not self.handling.masks:
            return gradient
        return gradient.masked_fill(bad.to(gradient.device), 0.0)

    # -- settling ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Find out, together with the other processes, who is present and who is not finite."""
        if self.from_rows:
            for task in self.tasks:
                if task in self.present:
                    row = self._buffers.row(task)
                    own = _some(self._own.get(task, []))
                    self._flag(task, all_finite([row, *own], self._ranks.device))
        if self._ranks.several:
            self._agree()
        elif self.handling.at_once:
            self.known_bad = {k for k, flag in self.bad.items() if bool(flag)}
        self.settled = True

    def _agree(self) -> None:
        flags = torch.zeros((3, len(self._heads)), dtype=torch.bool, device=self._ranks.device)
        for task in self.present:
            flags[0, task] = True
            flags[1, task] = self.bad[task]
            flags[2, task] = task in self._reach
        flags = self._ranks.any_of(flags)
        answers = flags.cpu().numpy()
        for task in self.tasks:
            if answers[0, task]:
                self.bad[task] = flags[1, task]
                if answers[2, task]:
                    self._reach.add(task)
                if task not in self.present:
                    # Another process has samples of it: this one's part of the mean is zero.
                    self.present.add(task)
                    if self.keeps_rows:
                        self._buffers.row(task).zero_()
        self.known_bad = {k for k in self.tasks if answers[1, k]}

    def kept(self) -> list[int]:
        """Return the tasks that the update is made of, as far as the host knows."""
        return [
            k
            for k in self.tasks
            if k in self.updated
            and k in self.present
            and not (self.handling.hides and k in self.known_bad)
        ]

    def reaches(self, task: int) -> bool:
        """Say whether the task's loss depends on any shared parameter, in some process."""
        return task in self._reach

    def touched(self, kept: Sequence[int]) -> set[int]:
        """Return the shared parameters, by position, that have a gradient in the update."""
        own = (self._touched.get(k, set()) for k in kept)
        return self._touched_by_sum.union(*own)

    def head_gradients(
        self, kept: Sequence[int], weights: Mapping[int, float]
    ) -> list[tuple[nn.Parameter, Tensor]]:
        """Return the gradient of each head parameter of the kept tasks, averaged over processes.

        A parameter of several heads gets the sum. `weights` are those of the tasks that have
        another than 1.
        """
        summed = dict(self._summed)
        for task in kept:
            parameters = self._heads[task]
            own = self._own.get(task, [None] * len(parameters))
            for parameter, gradient in zip(parameters, own, strict=True):
                if gradient is not None:
                    part = self._masked(gradient, self.bad[task])
                    weight = weights.get(task, 1.0)
                    _add_to(summed, parameter, part if weight == 1.0 else part * weight)
                elif self._ranks.several and parameter.requires_grad:
                    # In the exchange every process has to name the same parameters.
                    _add_to(summed, parameter, torch.zeros_like(parameter))
        self._ranks.mean_of_all_([gradient for _, gradient in summed.values()])
        return list(summed.values())


def _add_to(
    summed: dict[int, tuple[nn.Parameter, Tensor]], parameter: nn.Parameter, gradient: Tensor
) -> None:
    before = summed.get(id(parameter))
    # A gradient of autograd's may share its memory with another one, hence the copy.
    total = gradient.clone() if before is None else before[1] + gradient
    summed[id(parameter)] = (parameter, total)


def _some(gradients: Gradients) -> list[Tensor]:
    return [g for g in gradients if g is not None]


def _added(before: Gradients, more: Gradients) -> Gradients:
    return [
        b if a is None else a if b is None else a + b for a, b in zip(before, more, strict=True)
    ]
