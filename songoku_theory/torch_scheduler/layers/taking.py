"""Losses or gradients in: the backward passes of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.torch_scheduler.capture import all_finite, check_loss, gradients_of
from songoku_theory.torch_scheduler.intake import Handling, Intake
from songoku_theory.torch_scheduler.layers.setup import Step, inverse_scale_of
from songoku_theory.torch_scheduler.layers.turns import Turns
from songoku_theory.torch_scheduler.layers.updating import Updating
from songoku_theory.torch_scheduler.update import clear_gradients

__all__ = ["Taking"]

T = TypeVar("T")


class Taking(Turns, Updating):
    """Lines 7 to 15 of Algorithm 1."""

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
            step.scaler, step.inverse_scale = scaler, inverse_scale_of(scaler, self.device)
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

    def _check_scaler(self, step: Step, scaler: object) -> None:
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

    def _check_names(self, step: Step, given: Mapping[str, T | None]) -> list[tuple[int, T | None]]:
        if not isinstance(given, Mapping):
            raise InvalidInputError(
                f"expected a mapping from task to loss (or gradient), so that tasks can be told "
                f"apart; found {type(given).__name__}. Write backward({{t: loss_of[t](...) for t "
                f"in scheduler.active()}})."
            )
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

    def _intake(self, step: Step) -> Intake:
        """Return the group's intake; at the first call, clear every gradient."""
        if len(step.intakes) > step.index:
            if step.was_taken():
                raise InvalidInputError(
                    f"the shared parameters were changed since the last call of backward, and step "
                    f"{self.steps} is still open, so these gradients would be added to the old "
                    f"ones. Call scheduler.step() after optimizer.step(). (If the forward pass "
                    f"itself changes parameters, pass more=True to all calls but the last.)"
                )
            return step.intakes[step.index]
        step.updated.clear()
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
