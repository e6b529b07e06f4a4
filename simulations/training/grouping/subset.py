"""A method for some of a benchmark's tasks: what a group of them is trained with."""

from __future__ import annotations

from dataclasses import dataclass

from simulations.training.methods.base import Method, Plan, Setting
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["TaskSubset"]


@dataclass(frozen=True, slots=True)
class TaskSubset:
    """Another method, for a set of the benchmark's tasks only.

    Attributes
    ----------
    tasks : tuple of str
        In the benchmark's order.
    inner : Method
        Sees the benchmark as if it had no other tasks.

    Source
    ------
    PTG, eq. 2: each group has shared parameters of its own.
    """

    tasks: tuple[str, ...]
    inner: Method

    def plan(self, setting: Setting) -> Plan:
        """Return the inner method's plan for these tasks.

        Raises
        ------
        UnknownNameError
            When the benchmark has no such task.
        InvalidInputError
            When there is none, or they stand in another order.
        """
        for task in self.tasks:
            if task not in setting.tasks:
                raise unknown_name("task", task, setting.tasks)
        kept = [i for i, task in enumerate(setting.tasks) if task in self.tasks]
        chosen = tuple(setting.tasks[i] for i in kept)
        if not chosen or chosen != self.tasks:
            raise InvalidInputError(
                f"a set of tasks should name at least one, each once and in the benchmark's order; "
                f"found {self.tasks}."
            )
        roles = tuple(setting.roles[i] for i in kept)
        return self.inner.plan(
            Setting(chosen, roles, setting.steps, setting.steps_per_epoch, setting.seed)
        )
