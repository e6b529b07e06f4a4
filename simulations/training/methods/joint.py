"""Every task at every step: the sum, combiners, fixed weights, AdaTask; and one task alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulations.training.methods.base import AdaTaskOptions, Plan, Setting
from songoku_theory.combine import combiner_info, get_combiner
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.scheduler import SchedulerConfig

__all__ = ["AdaTaskMethod", "Combined", "Scalarised", "SingleTask", "Uniform"]


def _everyone(tasks: tuple[str, ...]) -> SchedulerConfig:
    return SchedulerConfig(num_tasks=len(tasks), policy="all_tasks")


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform: the sum of all losses at each step.

    Source
    ------
    SON-GOKU, appendix K.1. (The sum and the mean differ by a constant factor of the step.)
    """

    def plan(self, setting: Setting) -> Plan:
        """Return all tasks, summed."""
        return Plan(_everyone(setting.tasks), setting.tasks)


@dataclass(frozen=True, slots=True)
class Combined:
    """Every task at every step, joined by a combiner.

    Attributes
    ----------
    rule : str
        A registered combiner.
    options : mapping from option to value
        Of the combiner.
    """

    rule: str
    options: Mapping[str, object] = field(default_factory=dict)

    def plan(self, setting: Setting) -> Plan:
        """Return all tasks, combined."""
        info = combiner_info(self.rule)
        draws = info.space == "gram" and "deterministic" not in info.promises
        rule = get_combiner(self.rule, self.options)
        return Plan(_everyone(setting.tasks), setting.tasks, rule, draws)


@dataclass(frozen=True, slots=True)
class AdaTaskMethod:
    """AdaTask: every task at every step, with Adam's accumulators kept a task each.

    Source
    ------
    Yang et al. (2023), Algorithm 2.
    """

    def plan(self, setting: Setting) -> Plan:
        """Return all tasks, with AdaTask for the shared parameters."""
        return Plan(_everyone(setting.tasks), setting.tasks, "sum", adatask=AdaTaskOptions())


@dataclass(frozen=True, slots=True)
class Scalarised:
    """Unitary scalarisation: a weighted sum of losses, the weights fixed beforehand.

    Attributes
    ----------
    weights : mapping from task or role to float
        > 0, or 0 for a task that is left out of the sum. A task's own entry goes before its
        role's ("main", "positive", "negative"); 1 without either. Nothing searches for
        them: tune them on validation losses, with no larger budget than other methods have.

    Source
    ------
    Kurin et al. (2022), "In Defense of the Unitary Scalarization for Deep Multi-Task Learning";
    Xin et al. (2022), "Do Current Multi-Task Optimization Methods in Deep Learning Even Help?".
    """

    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.weights, Mapping):
            raise InvalidInputError(
                f"weights should be a table from task or role to number; found {self.weights!r}."
            )

    def plan(self, setting: Setting) -> Plan:
        """Return all tasks, weighted."""
        valid = (*setting.tasks, *dict.fromkeys(setting.roles))
        for name, value in self.weights.items():
            if name not in valid:
                raise unknown_name("task or role", name, valid)
            number = not isinstance(value, bool) and isinstance(value, int | float)
            if not (number and math.isfinite(value) and value >= 0):
                raise InvalidInputError(
                    f"the weight of {name!r} should be a finite number >= 0; found {value!r}."
                )
        weights = {
            task: float(self.weights.get(task, self.weights.get(role, 1.0)))
            for task, role in zip(setting.tasks, setting.roles, strict=True)
        }
        if not any(weights.values()):
            raise InvalidInputError("every task's weight is 0, so there is nothing to train.")
        return Plan(_everyone(setting.tasks), setting.tasks, loss_weights=weights)


@dataclass(frozen=True, slots=True)
class SingleTask:
    """Single-task: one network for one task, the baseline of Delta_m.

    Attributes
    ----------
    task : str
        Which; ``songoku train --method single_task`` trains one network after the other.

    Source
    ------
    Maninis et al. (2019), "Attentive Single-Tasking of Multiple Tasks", eq. 6 for Delta_m.
    """

    task: str

    def plan(self, setting: Setting) -> Plan:
        """Return the task alone."""
        if self.task not in setting.tasks:
            raise unknown_name("task", self.task, setting.tasks)
        return Plan(_everyone((self.task,)), (self.task,))
