"""The reference scheduler: Algorithm 1 as a pure state machine.

State in, state out: ``init`` makes a state, ``active`` reads which tasks to update now, ``observe``
takes their gradients, ``refresh`` rebuilds the graph and the schedule. Nothing here draws random
numbers, touches a file or knows a model, so a run can be replayed, tested and compared.

Algorithm 1, line by line
-------------------------
====== ===========================================================================================
line   here
====== ===========================================================================================
1      the gradients that the caller passes are those of the weighted losses
2, 3   ``init``: round 0 starts at step 0 with all tasks in one class, so all run until the first
       refresh (``tau = 1`` has no edges)
4      the caller's loop
5      ``tau_at(t, config.anneal)``; a constant ``config.tau`` without annealing. Only the value at
       the last step before a refresh has an effect, so it is evaluated there
6      ``active``; which t counts is the option ``phase``
7-15   the caller's forward, backward and updates
16-19  ``observe``; which tasks' gradients enter is the option ``observe_tasks``
20     ``needs_refresh``; ``(t + 1) mod R == 0``, or later with ``short_window="extend"``
21     the ``probe`` argument of ``refresh``, by the option ``probe``
22-24  ``refresh``: cosines, graph, colouring
25     ``with_minimum_coverage``
26     ``refresh``: round + 1, round_start = t + 1
====== ===========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.annealing import AnnealConfig, tau_at
from songoku_theory.coloring import color, coloring_info
from songoku_theory.conflict import ConflictGraph, conflict_graph, conflict_graph_from_gram
from songoku_theory.ema import Convention, check_convention, mean_noise_energy, plan_window
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.linalg import gram
from songoku_theory.schedule import (
    Eligible,
    Phase,
    Schedule,
    check_phase,
    periodic_schedule,
    slot_index,
    with_minimum_coverage,
)
from songoku_theory.schedule.policies import Groups, Policy, Situation, get_policy
from songoku_theory.validation import (
    check_beta,
    check_gradient,
    check_gradients,
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
    "SchedulerState",
    "ShortWindow",
    "active",
    "adopt_graph",
    "adopt_schedule",
    "advance",
    "clear_averages",
    "count_gradients",
    "debiased_squares",
    "effective_samples",
    "groups",
    "guaranteed_gap",
    "init",
    "needs_gradients",
    "needs_probe",
    "needs_refresh",
    "observe",
    "observed_tasks",
    "policy_of",
    "refresh",
    "situation",
    "smoothed_gradients",
    "step",
    "threshold",
    "with_n_eff",
]

EmaAtRefresh = Literal["carry", "reset"]
ObserveTasks = Literal["active", "all"]
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
    observe_tasks : {"active", "all"}
        Whose gradients enter the EMA at a step. ``"active"``: only those of the class that runs
        (Algorithm 1 line 17). ``"all"``: every task's (section 4.1, "every task appearing in the
        current mini-batch"; appendix B's window of R gradients of each task).
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


@dataclass(frozen=True, slots=True, eq=False)
class SchedulerState:
    """Everything that the next decision depends on.

    Attributes
    ----------
    step : int
        t, the number of steps observed so far.
    round : int
        r, the number of refreshes so far.
    round_start : int
        t_r, first step of the current window.
    pointer : int
        The slot after the last one that ran.
    tau : float
        Threshold of the current graph.
    schedule : Schedule
    colors : ndarray of int, shape (K,), or None
        Of the last refresh; None before the first one.
    graph : ConflictGraph or None
    unmet_coverage : tuple of int
        Tasks whose minimum coverage no compatible slot could give.
    averages : ndarray, shape (K, d), or None
        The raw recursion of eq. 8; None until the first gradient shows d.
    weight_sum, weight_square_sum : ndarray, shape (K,)
        Of the weights that each task's gradients have in `averages`.
    last_updated : ndarray of int, shape (K,)
        Last step at which each task ran and had a sample; -1 if it never did.
    last_turn : ndarray of int, shape (K,)
        Last step at which each task was picked, with or without a sample; -1 if it never was.
    mean_squares : ndarray, shape (K,)
        The recursion of eq. 8 on the gradients' squared norms; kept for the debiased cosine only.
    """

    step: int
    round: int
    round_start: int
    pointer: int
    tau: float
    schedule: Schedule
    colors: NDArray[np.int64] | None
    graph: ConflictGraph | None
    unmet_coverage: tuple[int, ...]
    averages: NDArray[np.float64] | None
    weight_sum: NDArray[np.float64]
    weight_square_sum: NDArray[np.float64]
    last_updated: NDArray[np.int64]
    last_turn: NDArray[np.int64]
    mean_squares: NDArray[np.float64]


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
        When `target` or `classes` is below 1.

    Examples
    --------
    >>> planned = with_n_eff(SchedulerConfig(num_tasks=4), target=10, classes=2)
    >>> planned.refresh_period, round(planned.beta, 4)
    (22, 0.9048)
    """
    check_period(classes, "classes")
    plan = plan_window(target)
    return replace(config, beta=plan.beta, refresh_period=plan.window * classes)


def init(config: SchedulerConfig) -> SchedulerState:
    """Return the state before the first step: all tasks in one class (Algorithm 1, lines 2-3).

    Parameters
    ----------
    config : SchedulerConfig

    Returns
    -------
    SchedulerState

    Examples
    --------
    >>> active(config := SchedulerConfig(num_tasks=3), init(config))
    (0, 1, 2)
    """
    return SchedulerState(
        step=0,
        round=0,
        round_start=0,
        pointer=0,
        tau=1.0,
        schedule=policy_of(config).first_schedule(config.num_tasks),
        colors=None,
        graph=None,
        unmet_coverage=(),
        averages=None,
        weight_sum=np.zeros(config.num_tasks),
        weight_square_sum=np.zeros(config.num_tasks),
        last_updated=np.full(config.num_tasks, -1, dtype=np.int64),
        last_turn=np.full(config.num_tasks, -1, dtype=np.int64),
        mean_squares=np.zeros(config.num_tasks),
    )


def _current_slot(config: SchedulerConfig, state: SchedulerState) -> int:
    return slot_index(
        config.phase, state.step, state.round_start, state.pointer, state.schedule.period
    )


def active(config: SchedulerConfig, state: SchedulerState) -> tuple[int, ...]:
    """Return S_t, the tasks to update at this step (Algorithm 1 line 6, eq. 11).

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    tuple of int
        In increasing order, never empty. All groups together where the policy runs several.
    """
    ran = groups(config, state)
    return ran[0] if len(ran) == 1 else tuple(sorted(k for group in ran for k in group))


def groups(config: SchedulerConfig, state: SchedulerState) -> Groups:
    """Return the groups to update at this step, one after the other; nearly always just one.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    tuple of tuple of int

    Examples
    --------
    >>> groups(config := SchedulerConfig(num_tasks=3), init(config))
    ((0, 1, 2),)
    """
    return policy_of(config).groups(situation(config, state))


def situation(config: SchedulerConfig, state: SchedulerState) -> Situation:
    """Return what the policy may look at.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    Situation
    """
    adjacency = None if state.graph is None else state.graph.adjacency
    runnable = np.ones(config.num_tasks, dtype=np.bool_)
    if state.graph is not None and not state.graph.included.all():
        included = state.graph.included
        if config.excluded == "skip":
            runnable = included
        elif config.excluded == "own_class":
            # Tasks without a direction run together, and with nobody else.
            adjacency = state.graph.adjacency | (included[:, None] != included[None, :])
    extend = config.short_window == "extend"
    return Situation(
        step=state.step,
        round_start=state.round_start,
        pointer=state.pointer,
        phase=config.phase,
        schedule=state.schedule,
        adjacency=adjacency,
        runnable=runnable,
        last_turn=state.last_turn,
        window=max(config.refresh_period, state.schedule.period if extend else 1),
    )


def guaranteed_gap(config: SchedulerConfig) -> float:
    """Return a bound on every gap of every run with these settings, in steps.

    Parameters
    ----------
    config : SchedulerConfig

    Returns
    -------
    float
        ``inf`` where the settings promise nothing, so that a task may starve.

    Examples
    --------
    >>> guaranteed_gap(SchedulerConfig(num_tasks=5, refresh_period=32))
    9.0
    >>> guaranteed_gap(SchedulerConfig(num_tasks=5, refresh_period=4))
    inf
    >>> guaranteed_gap(SchedulerConfig(num_tasks=5, refresh_period=4, policy="oldest_first"))
    5.0
    """
    policy = policy_of(config)
    if config.excluded == "skip" and policy.needs_graph:
        return float("inf")
    reaches_all = config.short_window in ("extend", "error")
    window = max(config.refresh_period, config.num_tasks if reaches_all else 1)
    return policy.gap_always(config.num_tasks, window)


def needs_gradients(config: SchedulerConfig, state: SchedulerState) -> bool:
    """Say whether gradients observed from now on can still change a decision.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    bool
        False for a policy without a graph, and once a policy that colours once has done so.
    """
    policy = policy_of(config)
    return policy.needs_graph and not (policy.refreshes == "once" and state.round > 0)


def observed_tasks(config: SchedulerConfig, state: SchedulerState) -> tuple[int, ...]:
    """Return the tasks whose gradients :func:`observe` expects at this step.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    tuple of int
        In increasing order; empty where no gradient is needed.
    """
    if not needs_gradients(config, state):
        return ()
    if config.observe_tasks == "all":
        return tuple(range(config.num_tasks))
    return active(config, state)


def observe(
    config: SchedulerConfig,
    state: SchedulerState,
    gradients: Mapping[int, ArrayLike],
    missing: Iterable[int] = (),
) -> SchedulerState:
    """Add this step's gradients to the averages and move on one step (lines 16-19).

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    gradients : mapping from task to array_like, shape (d,)
        Of the shared parameters: for the active tasks, or for all with ``observe_tasks="all"``.
        May be empty where the policy needs none (:func:`needs_gradients`).
    missing : iterable of int, optional
        Tasks that should have a gradient but had no sample in this step's batch. Their averages
        do not move.

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        When a gradient is missing without being named, is one too many, has another length, or is
        not finite. The state that was passed in is unchanged, so the step can be repeated.
    """
    ran = active(config, state)
    expected = set(ran) if config.observe_tasks == "active" else set(range(config.num_tasks))
    absent = set(missing)
    optional = not gradients and not needs_gradients(config, state)
    if not optional and (set(gradients) != expected - absent or not absent <= expected):
        raise InvalidInputError(
            f"step {state.step} expects the gradients of tasks {sorted(expected)} "
            f"(observe_tasks={config.observe_tasks!r}); found {sorted(gradients)}"
            + (f" with {sorted(absent)} named as missing" if absent else "")
            + ". Ask songoku_theory.scheduler.active(config, state) which tasks to run; name "
            "tasks without samples in `missing`."
        )
    dim = None if state.averages is None else int(state.averages.shape[1])
    checked: dict[int, NDArray[np.floating]] = {}
    for task in sorted(gradients):
        checked[task] = check_gradient(gradients[task], task, state.step, dim)
        dim = checked[task].shape[0]
    return advance(config, _move_averages(config, state, checked), absent)


def advance(
    config: SchedulerConfig, state: SchedulerState, missing: Iterable[int] = ()
) -> SchedulerState:
    """Move on one step: note who had a turn, and who an update. No average moves.

    Split from :func:`observe` for averages that are kept elsewhere, on a GPU say.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    missing : iterable of int, optional
        Active tasks that were not updated.

    Returns
    -------
    SchedulerState
    """
    ran = active(config, state)
    absent = set(missing)
    turns, last = state.last_turn.copy(), state.last_updated.copy()
    turns[list(ran)] = state.step
    last[[k for k in ran if k not in absent]] = state.step
    return replace(
        state,
        step=state.step + 1,
        pointer=(_current_slot(config, state) + 1) % state.schedule.period,
        last_updated=last,
        last_turn=turns,
    )


def count_gradients(
    config: SchedulerConfig, state: SchedulerState, tasks: Iterable[int]
) -> SchedulerState:
    """Note that one more gradient of each of the tasks has entered its average.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    tasks : iterable of int

    Returns
    -------
    SchedulerState
        With the sums of weights moved on; no average moves.
    """
    chosen = list(tasks)
    weight_sum, square_sum = state.weight_sum.copy(), state.weight_square_sum.copy()
    weight_sum[chosen] = config.beta * weight_sum[chosen] + (1.0 - config.beta)
    square_sum[chosen] = config.beta**2 * square_sum[chosen] + (1.0 - config.beta) ** 2
    return replace(state, weight_sum=weight_sum, weight_square_sum=square_sum)


def _move_averages(
    config: SchedulerConfig, state: SchedulerState, gradients: Mapping[int, NDArray[np.floating]]
) -> SchedulerState:
    """Eq. 8 for the given tasks, with the sums of their weights beside it."""
    if not gradients:
        return state
    dim = next(iter(gradients.values())).shape[0]
    averages = (
        np.zeros((config.num_tasks, dim)) if state.averages is None else state.averages.copy()
    )
    squares = state.mean_squares.copy()
    for task, gradient in gradients.items():
        averages[task] = config.beta * averages[task] + (1.0 - config.beta) * gradient
        if config.cosine == "debiased":
            energy = float(np.square(gradient, dtype=np.float64).sum())
            squares[task] = config.beta * squares[task] + (1.0 - config.beta) * energy
    counted = count_gradients(config, state, gradients)
    return replace(counted, averages=averages, mean_squares=squares)


def smoothed_gradients(config: SchedulerConfig, state: SchedulerState) -> NDArray[np.float64]:
    """Return the averages in the configured convention; a task without gradients has zeros.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    ndarray, shape (K, d)

    Raises
    ------
    InvalidInputError
        When no gradient was observed yet.

    Source
    ------
    SON-GOKU, eq. 8 (``ema="carried"``) and eq. 18 (``ema="windowed"``).
    """
    if state.averages is None:
        raise InvalidInputError(
            "there is no gradient to average yet; call observe at least once, or refresh with a "
            "probe."
        )
    if config.ema == "carried":
        return state.averages.copy()
    total = np.where(state.weight_sum > 0, state.weight_sum, 1.0)
    return np.asarray(state.averages / total[:, None], dtype=np.float64)


def effective_samples(state: SchedulerState) -> NDArray[np.float64]:
    """Return the effective sample size behind each task's average.

    Counts the gradients that the task itself contributed, so it differs from eq. 19 when only
    active tasks are observed.

    Parameters
    ----------
    state : SchedulerState

    Returns
    -------
    ndarray, shape (K,)
        0 for a task without gradients.

    Examples
    --------
    >>> config = SchedulerConfig(num_tasks=1, beta=0.5)
    >>> state = observe(config, init(config), {0: [1.0]})
    >>> effective_samples(observe(config, state, {0: [1.0]})).tolist()
    [1.8]
    """
    squares = np.where(state.weight_square_sum > 0, state.weight_square_sum, 1.0)
    return np.asarray(state.weight_sum**2 / squares, dtype=np.float64)


def _due(config: SchedulerConfig, completed: int, round_start: int, period: int) -> bool:
    """Is a refresh due once `completed` steps have run?"""
    refreshes = policy_of(config).refreshes
    if refreshes == "never" or (refreshes == "once" and round_start > 0):
        return False
    if refreshes == "once" and config.anneal is not None:
        settled = tau_at(max(completed - 1, 0), config.anneal) == config.anneal.tau_target
        if not settled:  # the warm-up's empty graph is not the one to keep
            return False
    if config.short_window == "extend":
        return completed - round_start >= max(config.refresh_period, period)
    return completed > round_start and completed % config.refresh_period == 0


def needs_refresh(config: SchedulerConfig, state: SchedulerState) -> bool:
    """Say whether a refresh is due before the next step (line 20).

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    bool
    """
    return _due(config, state.step, state.round_start, state.schedule.period)


def needs_probe(config: SchedulerConfig, state: SchedulerState) -> bool:
    """Say whether the step about to run ends with a refresh that takes a probe (line 21).

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    bool
    """
    return config.probe == "required" and _due(
        config, state.step + 1, state.round_start, state.schedule.period
    )


def refresh(
    config: SchedulerConfig, state: SchedulerState, probe: ArrayLike | None = None
) -> SchedulerState:
    """Rebuild the conflict graph, the colouring and the schedule (lines 20-26).

    A policy without a graph only makes its next schedule.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    probe : array_like, shape (K, d), optional
        One fresh gradient of every task; required or refused by ``config.probe``.

    Returns
    -------
    SchedulerState
        With the buffers cleared if ``config.ema_at_refresh == "reset"``.

    Raises
    ------
    InvalidInputError
        When the probe is missing, unwanted or not finite; when no gradient was ever observed; or
        when R < m and ``short_window="error"``.
    """
    if not policy_of(config).needs_graph:
        return adopt_schedule(config, _take_probe(config, state, probe))
    probed = _take_probe(config, state, probe)
    adopted = adopt_graph(config, probed, _measure_graph(config, probed))
    return clear_averages(adopted) if config.ema_at_refresh == "reset" else adopted


def threshold(config: SchedulerConfig, state: SchedulerState) -> float:
    """Return the tau that a refresh before the next step uses.

    Line 5 sets tau at the last step that ran; line 22 uses it.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    float
    """
    return config.tau if config.anneal is None else tau_at(max(state.step - 1, 0), config.anneal)


def _measure_graph(config: SchedulerConfig, state: SchedulerState) -> ConflictGraph:
    """Lines 22-23, from the averages in the state."""
    smoothed = smoothed_gradients(config, state)
    tau = threshold(config, state)
    if config.cosine == "plain":
        return conflict_graph(smoothed, tau, config.norm_floor)
    products = gram(smoothed)
    np.fill_diagonal(products, debiased_squares(config, state, np.diag(products)))
    return conflict_graph_from_gram(products, tau, config.norm_floor)


def debiased_squares(
    config: SchedulerConfig, state: SchedulerState, squares: ArrayLike
) -> NDArray[np.float64]:
    """Return the squared norms of the smoothed gradients without the noise that they keep.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
        Whose weights and mean squares are used.
    squares : array_like, shape (K,)
        Squared norms of the smoothed gradients, in the configured convention.

    Returns
    -------
    ndarray, shape (K,)
        Not below 0.
    """
    measured = np.asarray(squares, dtype=np.float64)
    total = np.where(state.weight_sum > 0, state.weight_sum, 1.0)
    scale = total**2 if config.ema == "carried" else np.ones(config.num_tasks)
    noise = mean_noise_energy(
        state.mean_squares / total,
        measured / scale,
        np.where(state.weight_sum > 0, state.weight_square_sum / total**2, 1.0),
    )
    return np.maximum(measured - scale * noise, 0.0)


def clear_averages(state: SchedulerState) -> SchedulerState:
    """Start the averages from nothing, as ``ema_at_refresh="reset"`` does after a refresh.

    Parameters
    ----------
    state : SchedulerState

    Returns
    -------
    SchedulerState
    """
    zeros = np.zeros(state.weight_sum.shape)
    return replace(
        state,
        averages=None if state.averages is None else np.zeros_like(state.averages),
        weight_sum=zeros,
        weight_square_sum=zeros.copy(),
        mean_squares=zeros.copy(),
    )


def _take_probe(
    config: SchedulerConfig, state: SchedulerState, probe: ArrayLike | None
) -> SchedulerState:
    if probe is None:
        if config.probe == "required":
            raise InvalidInputError(
                "probe='required' but refresh got no probe; pass one gradient of every task, "
                "shape (K, d), or set probe='none'."
            )
        return state
    if config.probe == "none":
        raise InvalidInputError(
            "probe='none' but refresh got a probe; set probe='required' to use it."
        )
    matrix = check_gradients(probe, state.step)
    expected = None if state.averages is None else state.averages.shape
    if matrix.shape[0] != config.num_tasks or (expected and matrix.shape != expected):
        raise InvalidInputError(
            f"the probe should have shape {expected or (config.num_tasks, 'd')}; found "
            f"{matrix.shape}."
        )
    return _move_averages(config, state, dict(enumerate(matrix)))


def adopt_graph(
    config: SchedulerConfig, state: SchedulerState, graph: ConflictGraph
) -> SchedulerState:
    """Colour a graph and start a new round with its schedule (lines 24-26).

    Split from :func:`refresh` so that a graph measured elsewhere, on a GPU say, leads to the same
    decisions.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    graph : ConflictGraph
        Over the same tasks.

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        When the graph has another number of tasks, every task is excluded and skipped, or R < m
        and ``short_window="error"``.
    """
    if graph.num_tasks != config.num_tasks:
        raise InvalidInputError(
            f"the graph has {graph.num_tasks} tasks, the scheduler {config.num_tasks}."
        )
    colors, colored = _schedule_of(config, graph)
    schedule = policy_of(config).schedule(colored, config.num_tasks, state.round + 1)
    unmet: tuple[int, ...] = ()
    if config.min_coverage > 0:
        coverage = with_minimum_coverage(
            schedule, graph.adjacency, config.min_coverage, config.coverage_eligible
        )
        schedule, unmet = coverage.schedule, coverage.unmet
    if config.short_window == "error" and schedule.period > config.refresh_period:
        raise InvalidInputError(
            f"the schedule has {schedule.period} slots but refresh_period is "
            f"{config.refresh_period}, so some tasks would not be updated in this window "
            f"(short_window='error'). Raise refresh_period or choose short_window='extend'."
        )
    return replace(
        _open_round(state, schedule),
        tau=graph.tau,
        colors=colors,
        graph=graph,
        unmet_coverage=unmet,
    )


def adopt_schedule(config: SchedulerConfig, state: SchedulerState) -> SchedulerState:
    """Start a new round with the next schedule of a policy that needs no graph.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        When the policy does need a graph.
    """
    schedule = policy_of(config).schedule(None, config.num_tasks, state.round + 1)
    return _open_round(state, schedule)


def _open_round(state: SchedulerState, schedule: Schedule) -> SchedulerState:
    """Line 26, with the slots of the new window."""
    return replace(
        state,
        round=state.round + 1,
        round_start=state.step,
        pointer=state.pointer % schedule.period,
        schedule=schedule,
    )


def _schedule_of(
    config: SchedulerConfig, graph: ConflictGraph
) -> tuple[NDArray[np.int64], Schedule]:
    """Colours and slots of a graph, with the excluded tasks where the option puts them."""
    left_out = np.flatnonzero(~graph.included)
    if left_out.size == 0 or config.excluded == "first_class":
        colors = color(graph.adjacency, config.heuristic)
        return colors, periodic_schedule(colors)
    kept = np.flatnonzero(graph.included)
    colors = np.full(graph.num_tasks, -1, dtype=np.int64)
    if kept.size:
        colors[kept] = color(graph.adjacency[np.ix_(kept, kept)], config.heuristic)
    if config.excluded == "own_class":
        colors[left_out] = colors.max() + 1
        return colors, periodic_schedule(colors)
    if not kept.size:
        raise InvalidInputError(
            f"all {graph.num_tasks} tasks have a smoothed norm of zero or below norm_floor = "
            f"{config.norm_floor}, and excluded='skip' leaves none to run. Lower norm_floor or "
            f"choose excluded='first_class'."
        )
    slots = tuple(
        tuple(int(k) for k in np.flatnonzero(colors == c)) for c in range(int(colors.max()) + 1)
    )
    return colors, Schedule(slots, graph.num_tasks)


def step(
    config: SchedulerConfig,
    state: SchedulerState,
    gradients: Mapping[int, ArrayLike],
    probe: ArrayLike | None = None,
) -> SchedulerState:
    """Observe one step's gradients, then refresh if one is due.

    Parameters
    ----------
    config : SchedulerConfig
    state : SchedulerState
    gradients : mapping from task to array_like, shape (d,)
        As in :func:`observe`.
    probe : array_like, shape (K, d), optional
        Given exactly when :func:`needs_probe` said so before the step.

    Returns
    -------
    SchedulerState

    Raises
    ------
    InvalidInputError
        As in :func:`observe` and :func:`refresh`.

    Examples
    --------
    Two tasks pull apart, a third stands aside; after R = 2 steps the pair is separated:

    >>> config = SchedulerConfig(num_tasks=3, tau=0.5, beta=0.5, refresh_period=2)
    >>> state = init(config)
    >>> pull = {0: [1.0, 0.0], 1: [-1.0, 0.1], 2: [0.0, 1.0]}
    >>> for _ in range(4):
    ...     run = active(config, state)
    ...     state = step(config, state, {k: pull[k] for k in run})
    ...     print(run)
    (0, 1, 2)
    (0, 1, 2)
    (0, 2)
    (1,)
    """
    observed = observe(config, state, gradients)
    if needs_refresh(config, observed):
        return refresh(config, observed, probe)
    if probe is not None:
        raise InvalidInputError(
            f"step {state.step} does not end with a refresh, so it takes no probe; ask "
            f"songoku_theory.scheduler.needs_probe(config, state) first."
        )
    return observed
