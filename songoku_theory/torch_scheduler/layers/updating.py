"""From gradients that were taken to every ``.grad`` of the update, through the combiner if any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from songoku_theory.combine import Combined, CombineError
from songoku_theory.errors import InvalidInputError
from songoku_theory.torch_scheduler.combining import Shown, Weights
from songoku_theory.torch_scheduler.intake import Intake
from songoku_theory.torch_scheduler.layers.setup import Setup, Step
from songoku_theory.torch_scheduler.nonfinite import NonFiniteGradientError
from songoku_theory.torch_scheduler.update import clear_gradients, set_gradients

__all__ = ["Updating"]


class Updating(Setup):
    """Eq. 6, and what a combiner or an optimiser needs to see."""

    @property
    def combined(self) -> Combined[Any] | None:
        """The last answer of the combiner: weights (K,), status and residual; None before it."""
        return None if self._combining is None else self._combining.last

    def _finish(self, step: Step, intake: Intake) -> None:
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
        step.updated = [
            (p, p._version) for p in self._parts.shared.parameters if p.grad is not None
        ]

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
        if not combining.weighs_losses:
            # A zero row would stop MGDA's update, and count in a mean.
            kept = [k for k in kept if intake.reaches(k)]
            if not kept:
                return None
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

    def _raise(self, bad: set[int]) -> None:
        """Drop the step, so that it can be repeated, and name the first task."""
        for k in sorted(bad):
            self._log.note(self.tasks[k], self.steps)
        if self._combining is not None:
            self._combining.undo()
        clear_gradients(self._parts)
        self._open = None
        raise NonFiniteGradientError(self.tasks[min(bad)], self.steps, len(bad) - 1)

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
