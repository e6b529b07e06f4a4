"""SON-GOKU, its combinations, and what tells whether the schedule is what helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulations.training.methods.base import AdaTaskOptions, Plan, Setting
from songoku_theory.annealing import AnnealConfig, AnnealShape
from songoku_theory.combine import GradNorm, GradNormWarmStart, PCGrad
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule import Phase
from songoku_theory.schedule.policies import Policy, RandomGroups
from songoku_theory.scheduler import ObserveTasks, SchedulerConfig

__all__ = [
    "OldestFirst",
    "RandomGroupsMethod",
    "SingleStep",
    "SonGoku",
    "SonGokuAdaTask",
    "SonGokuGradNorm",
    "SonGokuPCGrad",
    "StaticOneShot",
]


@dataclass(frozen=True, slots=True)
class SonGoku:
    """SON-GOKU: one class of tasks without conflicts at each step, recoloured every R steps.

    Attributes
    ----------
    tau : float
        Target threshold.
    beta : float
        Of the averages.
    refresh_period : int
        R, in steps.
    warm_up : float
        Share of the run with tau = 1, T_warm of section 4.4.2.
    anneal : float
        Share of the run over which tau then falls to its target.
    anneal_shape : {"log_time", "geometric"}
    observe_tasks : {"active", "all", "none"}
        ``"none"``: a probe of every task at each refresh, and one backward pass a step.
    min_coverage : float
    phase : {"global", "restart", "carried"}
    heuristic : str

    Source
    ------
    SON-GOKU, Algorithm 1. The paper gives no values of tau, beta, T_warm for its experiments;
    R = 32 is Table 2's.
    """

    tau: float = 0.2
    beta: float = 0.9
    refresh_period: int = 32
    warm_up: float = 0.05
    anneal: float = 0.1
    anneal_shape: AnnealShape = "log_time"
    observe_tasks: ObserveTasks = "active"
    min_coverage: float = 0.0
    phase: Phase = "global"
    heuristic: str = "welsh_powell"

    policy: ClassVar[str] = "cycle"

    def __post_init__(self) -> None:
        for name in ("warm_up", "anneal"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInputError(
                    f"{name} is a share of the run and should lie in [0, 1]; found "
                    f"{getattr(self, name)!r}."
                )

    def schedule(self, setting: Setting, policy: str | Policy | None = None) -> SchedulerConfig:
        """Return the scheduler's settings for a run."""
        anneal = None
        if self.warm_up or self.anneal:
            anneal = AnnealConfig(
                self.tau,
                round(self.warm_up * setting.steps),
                round(self.anneal * setting.steps),
                self.anneal_shape,
            )
        return SchedulerConfig(
            num_tasks=len(setting.tasks),
            tau=self.tau,
            beta=self.beta,
            refresh_period=self.refresh_period,
            anneal=anneal,
            observe_tasks=self.observe_tasks,
            probe="required" if self.observe_tasks == "none" else "none",
            min_coverage=self.min_coverage,
            phase=self.phase,
            heuristic=self.heuristic,
            policy=self.policy if policy is None else policy,
        )

    def plan(self, setting: Setting) -> Plan:
        """Return the schedule, and the plain sum of eq. 6."""
        return Plan(self.schedule(setting), setting.tasks)


@dataclass(frozen=True, slots=True)
class StaticOneShot(SonGoku):
    """Static one-shot: the first colouring at the target threshold, for good.

    Source
    ------
    SON-GOKU, section 6.4.1.
    """

    policy: ClassVar[str] = "static"


@dataclass(frozen=True, slots=True)
class SingleStep(SonGoku):
    """Single-step: history H = 1, so the graph comes from each task's latest gradient.

    Source
    ------
    SON-GOKU, section 6.4.2.
    """

    policy: ClassVar[str] = "single_step"


@dataclass(frozen=True, slots=True)
class OldestFirst(SonGoku):
    """Oldest first on the same graph: each step runs those that waited longest and don't conflict.

    Source
    ------
    Not in the paper; a policy beside its cycle.
    """

    policy: ClassVar[str] = "oldest_first"


@dataclass(frozen=True, slots=True)
class RandomGroupsMethod(SonGoku):
    """Random groups, as many and as large as the colour classes: is it the graph that helps?

    Source
    ------
    Not in the paper; a control.
    """

    def plan(self, setting: Setting) -> Plan:
        """Return the schedule; the run's seed draws the groups."""
        policy = RandomGroups(seed=setting.seed)
        return Plan(SonGoku.schedule(self, setting, policy), setting.tasks)


@dataclass(frozen=True, slots=True)
class SonGokuPCGrad(SonGoku):
    """SON-GOKU + PCGrad: surgery inside the class that runs.

    Source
    ------
    SON-GOKU, section 6.3, combination 3.
    """

    def plan(self, setting: Setting) -> Plan:
        """Return the schedule with PCGrad."""
        return Plan(self.schedule(setting), setting.tasks, PCGrad(), draws=True)


@dataclass(frozen=True, slots=True)
class SonGokuAdaTask(SonGoku):
    """SON-GOKU + AdaTask: accumulators a task, moved for the class that runs.

    Source
    ------
    SON-GOKU, section 6.3, combination 1.
    """

    def plan(self, setting: Setting) -> Plan:
        """Return the schedule with AdaTask."""
        return Plan(self.schedule(setting), setting.tasks, "sum", adatask=AdaTaskOptions())


@dataclass(frozen=True, slots=True)
class SonGokuGradNorm(SonGoku):
    """SON-GOKU + GradNorm warm start: every task under GradNorm for some epochs, then the schedule.

    Attributes
    ----------
    warm_epochs : float
        The paper's 3.
    alpha : float
        GradNorm's.

    Source
    ------
    SON-GOKU, section 6.3, combination 2.
    """

    warm_epochs: float = 3.0
    alpha: float = 1.5

    def plan(self, setting: Setting) -> Plan:
        """Return the schedule with the warm start."""
        if not 0 <= self.warm_epochs < float("inf"):
            raise InvalidInputError(
                f"warm_epochs should be a finite number >= 0; found {self.warm_epochs!r}."
            )
        steps = round(self.warm_epochs * setting.steps_per_epoch)
        rule = GradNormWarmStart(steps=steps, gradnorm=GradNorm(alpha=self.alpha))
        return Plan(self.schedule(setting), setting.tasks, rule)
