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

from songoku_theory.scheduler.adoption import adopt_graph, adopt_schedule
from songoku_theory.scheduler.config import (
    Cosine,
    EmaAtRefresh,
    Excluded,
    ObserveTasks,
    Probe,
    SchedulerConfig,
    ShortWindow,
    policy_of,
    with_n_eff,
)
from songoku_theory.scheduler.observation import (
    advance,
    clear_averages,
    count_gradients,
    observe,
    run_slots,
    smoothed_gradients,
)
from songoku_theory.scheduler.refreshing import (
    debiased_squares,
    needs_probe,
    needs_refresh,
    refresh,
    step,
    threshold,
)
from songoku_theory.scheduler.state import SchedulerState, effective_samples, init
from songoku_theory.scheduler.turns import (
    active,
    groups,
    guaranteed_gap,
    needs_averages,
    needs_gradients,
    observed_tasks,
    situation,
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
    "needs_averages",
    "needs_gradients",
    "needs_probe",
    "needs_refresh",
    "observe",
    "observed_tasks",
    "policy_of",
    "refresh",
    "run_slots",
    "situation",
    "smoothed_gradients",
    "step",
    "threshold",
    "with_n_eff",
]
