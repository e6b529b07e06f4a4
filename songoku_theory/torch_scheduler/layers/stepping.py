"""The end of a step."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from songoku_theory import scheduler as core
from songoku_theory.errors import InvalidInputError
from songoku_theory.torch_scheduler.layers.refreshing import Refreshing
from songoku_theory.torch_scheduler.layers.setup import Step
from songoku_theory.torch_scheduler.nonfinite import NonFiniteGradientError

__all__ = ["Stepping"]

_UNREAD_AT_MOST = 256


class Stepping(Refreshing):
    """Averages first, then the refresh if one is due."""

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

    def _check_complete(self, step: Step, probe: object) -> None:
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
