"""Who runs in a step, and whether the step was told all that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from songoku_theory import scheduler as core
from songoku_theory.errors import InvalidInputError
from songoku_theory.torch_scheduler.layers.setup import Setup, Step

__all__ = ["Turns"]


class Turns(Setup):
    """Line 6 of Algorithm 1: the active tasks, by name."""

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
        With ``"none"`` they are summed up by one backward pass.

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

    def _current(self) -> Step:
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
            self._open = Step(groups, tuple(needed), observes)
        return self._open

    def _check_told(self, step: Step) -> None:
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
