"""The scheduler's settings, every choice that the paper leaves open among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from songoku_theory.annealing import AnnealConfig
from songoku_theory.coloring import coloring_info
from songoku_theory.ema import Convention, check_convention, plan_window
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.schedule import Eligible, Phase, check_phase
from songoku_theory.schedule.policies import Policy, get_policy
from songoku_theory.validation import (
    check_beta,
    check_norm_floor,
    check_num_tasks,
    check_period,
    check_tau,
)

__all__ = [
    "Cosine",
    "EmaAtRefresh",
    "Excluded",
    "ObserveTasks",
    "Probe",
    "SchedulerConfig",
    "ShortWindow",
    "policy_of",
    "with_n_eff",
]

EmaAtRefresh = Literal["carry", "reset"]
ObserveTasks = Literal["active", "all", "none"]
Probe = Literal["none", "required"]
ShortWindow = Literal["truncate", "extend", "error"]
Excluded = Literal["first_class", "own_class", "skip"]
Cosine = Literal["plain", "debiased"]

_SLOT_OPTIONS: dict[str, object] = {
    "phase": "global",
    "short_window": "truncate",
    "min_coverage": 0.0,
}


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """The scheduler's settings, every choice that the paper leaves open among them.

    Attributes
    ----------
    num_tasks : int
        K >= 1.
    tau : float
        Conflict threshold in [0, 1]; an edge where cosine < -tau. Not used when `anneal` is given.
    beta : float
        EMA parameter in [0, 1).
    refresh_period : int
        R >= 1, in steps.
    ema : {"carried", "windowed"}
        ``"carried"``: the raw recursion of eq. 8, whose weights sum to ``1 - beta**n`` after n
        updates. ``"windowed"``: divided by that sum, so the weights sum to one (eq. 18). Cosines
        are the same; norms, and so `norm_floor`, are not.
    ema_at_refresh : {"carry", "reset"}
        ``"carry"``: the buffers go on across refreshes (Algorithm 1 never clears them).
        ``"reset"``: they start from zero in each window, as appendix B's recovery theory has it.
    observe_tasks : {"active", "all", "none"}
        Whose gradients enter the EMA at a step. ``"active"``: only those of the class that runs
        (Algorithm 1 line 17). ``"all"``: every task's (section 4.1, "every task appearing in the
        current mini-batch"; appendix B's window of R gradients of each task). ``"none"``: only
        the probes of refreshes (appendix D.3, "if probe gradients are computed only at
        refreshes"); then a step needs one backward pass for its class, whatever its size, and
        an average has one gradient a refresh. Needs ``probe="required"``.
    probe : {"none", "required"}
        Algorithm 1 line 21. ``"required"``: `refresh` takes one more gradient of every task and
        adds it to the EMA. ``"none"``: only what was observed counts.
    phase : {"global", "restart", "carried"}
        Where the cycle stands after a refresh; see ``songoku_theory.schedule.slot_index``.
    short_window : {"truncate", "extend", "error"}
        What to do when R < m, the number of slots. ``"truncate"``: refresh after R steps all the
        same (Algorithm 1); late classes may not be reached. ``"extend"``: refresh only once every
        slot of the window has run. ``"error"``: refuse.
    excluded : {"first_class", "own_class", "skip"}
        What happens to tasks whose smoothed norm is zero or below `norm_floor` (Assumption 4:
        "temporarily excluded from graph construction"). ``"first_class"``: coloured as tasks
        without conflicts, so they join the first class. ``"own_class"``: one extra slot at the
        end of the cycle. ``"skip"``: not updated until a later refresh includes them; with
        ``observe_tasks="active"`` and no probe that is never, so that pair is refused.
    norm_floor : float
        nu of Assumption 4, >= 0.
    min_coverage : float
        f_min of Algorithm 1, share of slots in [0, 1]; 0 switches it off.
    coverage_eligible : {"all", "singletons"}
        See ``songoku_theory.schedule.with_minimum_coverage``.
    anneal : AnnealConfig or None
        Warm-up and annealing; replaces `tau`.
    heuristic : str
        A registered colouring.
    policy : str or Policy
        Who runs at a step, see ``songoku_theory.schedule.policies``. ``"cycle"`` is the paper's.
        ``"single_step"`` sets `beta` to 0.
    cosine : {"plain", "debiased"}
        ``"plain"``: eq. 4. ``"debiased"``: the noise that a finite average keeps is subtracted
        from each squared norm before dividing, see ``songoku_theory.ema.mean_noise_energy``; a
        task whose norm is no larger than its noise has no direction and is left out.

    Raises
    ------
    InvalidInputError
        When a value is out of range, two options contradict each other, or one has no meaning
        for the chosen policy.
    UnknownNameError
        When an option's value is not one of those listed.
    """

    num_tasks: int
    tau: float = 0.2
    beta: float = 0.9
    refresh_period: int = 32
    ema: Convention = "carried"
    ema_at_refresh: EmaAtRefresh = "carry"
    observe_tasks: ObserveTasks = "active"
    probe: Probe = "none"
    phase: Phase = "global"
    short_window: ShortWindow = "truncate"
    excluded: Excluded = "first_class"
    norm_floor: float = 0.0
    min_coverage: float = 0.0
    coverage_eligible: Eligible = "all"
    anneal: AnnealConfig | None = None
    heuristic: str = "welsh_powell"
    policy: str | Policy = "cycle"
    cosine: Cosine = "plain"

    def __post_init__(self) -> None:
        check_num_tasks(self.num_tasks)
        check_tau(self.tau)
        check_beta(self.beta)
        check_period(self.refresh_period)
        check_convention(self.ema)
        check_phase(self.phase)
        check_norm_floor(self.norm_floor)
        if not 0 <= self.min_coverage <= 1:
            raise InvalidInputError(
                f"min_coverage should lie in [0, 1]; found {self.min_coverage!r}."
            )
        for option, value, valid in (
            ("ema_at_refresh", self.ema_at_refresh, get_args(EmaAtRefresh)),
            ("observe_tasks", self.observe_tasks, get_args(ObserveTasks)),
            ("probe", self.probe, get_args(Probe)),
            ("short_window", self.short_window, get_args(ShortWindow)),
            ("excluded", self.excluded, get_args(Excluded)),
            ("coverage_eligible", self.coverage_eligible, get_args(Eligible)),
            ("cosine", self.cosine, get_args(Cosine)),
        ):
            if value not in valid:
                raise unknown_name(option, str(value), valid)
        if self.excluded == "skip" and self.observe_tasks == "active" and self.probe == "none":
            raise InvalidInputError(
                "excluded='skip' with observe_tasks='active' and probe='none' never sees an "
                "excluded task's gradient again, so it would never return. Use "
                "observe_tasks='all', probe='required' or another value of excluded."
            )
        if self.observe_tasks == "none" and self.probe == "none":
            raise InvalidInputError(
                "observe_tasks='none' with probe='none' never sees a gradient, so tasks would "
                "never conflict; set probe='required'."
            )
        coloring_info(self.heuristic)
        policy = get_policy(self.policy)
        policy.check(self.num_tasks, self.refresh_period)
        for name, default in _SLOT_OPTIONS.items():
            value = getattr(self, name)
            if value != default and name not in policy.options:
                raise InvalidInputError(
                    f"{name}={value!r} has no meaning for policy {policy.name!r}; leave it at "
                    f"{default!r}."
                )
        if self.probe == "required" and not policy.needs_graph:
            raise InvalidInputError(
                f"policy {policy.name!r} compares no gradients, so it takes no probe; set "
                f"probe='none'."
            )
        object.__setattr__(self, "beta", policy.beta(self.beta))


def policy_of(config: SchedulerConfig) -> Policy:
    """Return the configured policy.

    Examples
    --------
    >>> policy_of(SchedulerConfig(num_tasks=3)).name
    'cycle'
    """
    return get_policy(config.policy)


def with_n_eff(config: SchedulerConfig, target: float, classes: int = 1) -> SchedulerConfig:
    """Choose `beta` and `refresh_period` for a wanted effective sample size.

    Parameters
    ----------
    config : SchedulerConfig
    target : float
        N >= 1, gradients behind each task's average at a refresh.
    classes : int, default 1
        m, the number of steps for one gradient of each task: 1 with ``observe_tasks="all"``; with
        ``"active"`` the number of colour classes to be expected (Delta + 1 is safe), because then
        a task contributes one gradient a cycle only and the window must be m times as long.

    Returns
    -------
    SchedulerConfig
        With ``refresh_period = classes * R`` of ``plan_window(target)``.

    Raises
    ------
    InvalidInputError
        When `target` or `classes` is below 1, or averages get probes alone: one gradient a refresh,
        however long the window is.

    Examples
    --------
    >>> planned = with_n_eff(SchedulerConfig(num_tasks=4), target=10, classes=2)
    >>> planned.refresh_period, round(planned.beta, 4)
    (22, 0.9048)
    """
    check_period(classes, "classes")
    if config.observe_tasks == "none":
        raise InvalidInputError(
            "with observe_tasks='none' an average gets one gradient a refresh, so no window can be "
            "planned for it; choose beta, with 1 / (1 - beta) refreshes to remember."
        )
    plan = plan_window(target)
    return replace(config, beta=plan.beta, refresh_period=plan.window * classes)
