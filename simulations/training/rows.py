"""What a run records, as rows of one long table.

============== ======================================================= ==================
kind           one row for                                             columns that it uses
============== ======================================================= ==================
provenance     the run                                                 label: EXACT, NEAR or SYNTH
data           the run                                                 label: what it is
task_name      each task                                               i, label
task_about     each task                                               i, label
chance         each task: its metric without looking at the input      i, value
tau            each round: the threshold in force                      refresh, step, value
class          each round and task: its colour                         refresh, step, i, value
cosine         each refresh and pair i < j: EMA cosine                 refresh, step, i, j, value
edge           each refresh and pair i < j: 1 in conflict, else 0      refresh, step, i, j, value
norm           each refresh and task: norm of its EMA                  refresh, step, i, value
n_eff          each refresh and task: gradients' worth in its EMA      refresh, step, i, value
mean_norm      each measurement and task: ||mu_i||                     refresh, step, i, value
mean_cosine    each measurement and pair i < j: cosine of the mu       refresh, step, i, j, value
noise_total    each measurement and task: trace of the covariance      refresh, step, i, value
noise_top      ... and its largest eigenvalue                          refresh, step, i, value
drift          each measurement but the first and task: how far        refresh, step, i, value
               mu_i has moved since the last one
objective      each measurement: F                                     refresh, step, value
aggregated     ... F after one aggregated step (eq. 41)                refresh, step, value
scheduled      ... F after one step a class (eq. 43)                   refresh, step, value
smoothness     ... largest curvature of F (a lower bound on L)         refresh, step, value
class_smoothness  each measurement and class: the same of its sum      refresh, step, i, value
class_norm     ... ||G_i||                                             refresh, step, i, value
class_dot      each measurement and classes i < j: <G_i, G_j>          refresh, step, i, j, value
class_cross    ... <H G_i, G_j>                                        refresh, step, i, j, value
order_slope    each measurement: second-order gain of this order       refresh, step, value
phi_slope      ... <grad F, grad Phi>, its mean over orders, doubled   refresh, step, value
step_descent   each measurement and class: <grad F(x), G_i(x)> at the  refresh, step, i, value
               point x of its turn
step_norm      ... ||G_i(x)||                                          refresh, step, i, value
rate           each measurement: eta (``songoku train``)               refresh, step, value
batches        ... batches of a view that stand for all of them        refresh, step, value
mean_error     each measurement and task: standard error of mu_i       refresh, step, i, value
noise_dot      ... and pair i < j that shares its batches: mean inner  refresh, step, i, j, value
               product of their noises
unmeasured     ... what could not be measured, and why                 refresh, step, label
setting        each setting of the schedule: NAME=VALUE                label
active         each step and active task                               step, i, value (1)
loss           each step and loss that was computed for it             step, i, value
gap            each task: most steps from one update to its next       i, value
updates        each task: number of updates                            i, value
metric         each task, on test examples at the end                  i, value, label
train_metric   each task, on training examples at the end              i, value, label
============== ======================================================= ==================

``songoku trace`` writes all of them, but for those named for ``songoku train``, which writes from
``setting`` to ``updates`` into ``refreshes.csv``; see `refreshes` and `probes` in
``simulations.training.run``. There a `class` is the slot that the task runs in.

A measurement (``simulations.training.measure``, ``simulations.training.run.probes``) is taken at
some of the refreshes, at the parameters right after it. `refresh` 0 is the start, where every task
is in one class and there is no graph; refresh r is the r-th refresh. `step` of a refresh is the
first step that its classes rule. Where a column says nothing, it is -1 (`refresh`, `step`, `i`,
`j`) or missing (`value`, `label`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulations.sweep.experiment import Row
from songoku_theory.linalg import cosines, gram
from songoku_theory.schedule import update_gaps
from songoku_theory.scheduler import (
    SchedulerConfig,
    SchedulerState,
    effective_samples,
    smoothed_gradients,
)

if TYPE_CHECKING:  # they need torch; the list of experiments, which reads COLUMNS, must not
    from simulations.training.datasets.base import Dataset
    from simulations.training.loop import TrainingStep
    from simulations.training.measure import Measured
    from simulations.training.tasks import Task

__all__ = [
    "COLUMNS",
    "active_rows",
    "gap_rows",
    "graph_rows",
    "measured_rows",
    "metric_rows",
    "refresh_rows",
    "setting_rows",
    "start_rows",
    "step_rows",
    "task_rows",
    "unmeasured_row",
]

COLUMNS: dict[str, type] = {
    "kind": str,
    "refresh": int,
    "step": int,
    "i": int,
    "j": int,
    "value": float,
    "label": str,
}


_NUMBERS = (
    "objective", "aggregated", "scheduled", "smoothness", "order_slope", "phi_slope", "rate",
    "batches",
)  # fmt: skip


def _row(
    kind: str,
    *,
    refresh: int = -1,
    step: int = -1,
    i: int = -1,
    j: int = -1,
    value: float | None = None,
    label: str | None = None,
) -> Row:
    return {
        "kind": kind,
        "refresh": refresh,
        "step": step,
        "i": i,
        "j": j,
        "value": None if value is None else float(value),
        "label": label,
    }


def task_rows(dataset: Dataset, tasks: Sequence[Task]) -> list[Row]:
    """Return the rows that say what was trained on what."""
    rows = [
        _row("provenance", label=dataset.provenance.value),
        _row("data", label=dataset.doc),
    ]
    for i, task in enumerate(tasks):
        rows.append(_row("task_name", i=i, label=task.name))
        rows.append(_row("task_about", i=i, label=task.doc))
        rows.append(_row("chance", i=i, value=task.chance, label=task.metric_name))
    return rows


def step_rows(step: TrainingStep) -> list[Row]:
    """Return the rows of one step: who was active, and every loss computed for it."""
    return [_row("active", step=step.index, i=i, value=1.0) for i in step.active] + [
        _row("loss", step=step.index, i=i, value=loss) for i, loss in sorted(step.losses.items())
    ]


def refresh_rows(config: SchedulerConfig, measured: SchedulerState | None) -> list[Row]:
    """Return the rows of one round: threshold and classes, and what they were made from.

    Parameters
    ----------
    config : SchedulerConfig
    measured : SchedulerState or None
        After a refresh, with the averages that its graph was made from. None: the start.

    Returns
    -------
    list of Row
    """
    if measured is None or measured.graph is None or measured.colors is None:
        return start_rows(config.num_tasks)
    found = cosines(gram(smoothed_gradients(config, measured)), config.norm_floor)
    return graph_rows(
        measured.round,
        measured.step,
        measured.tau,
        measured.colors,
        found.values,
        found.norms,
        effective_samples(measured),
        measured.graph.adjacency,
    )


def start_rows(num_tasks: int) -> list[Row]:
    """Return the rows of round 0: every task in one class, and no graph."""
    return [_row("tau", refresh=0, step=0, value=1.0)] + [
        _row("class", refresh=0, step=0, i=i, value=0.0) for i in range(num_tasks)
    ]


def graph_rows(
    refresh: int,
    step: int,
    tau: float,
    classes: NDArray[np.int64],
    found: NDArray[np.float64],
    norms: NDArray[np.float64],
    samples: NDArray[np.float64],
    edges: NDArray[np.bool_],
) -> list[Row]:
    """Return the rows of one refresh.

    Parameters
    ----------
    refresh, step : int
        Its number, and the first step that its classes rule.
    tau : float
    classes : ndarray of int, shape (K,)
    found : ndarray, shape (K, K)
        Cosines of the averages.
    norms, samples : ndarray, shape (K,)
        Of the averages, and the effective number of gradients in each.
    edges : ndarray of bool, shape (K, K)

    Returns
    -------
    list of Row
    """
    here = partial(_row, refresh=refresh, step=step)
    rows = [here("tau", value=tau)]
    for i in range(len(norms)):
        rows.append(here("class", i=i, value=classes[i]))
        rows.append(here("norm", i=i, value=norms[i]))
        rows.append(here("n_eff", i=i, value=samples[i]))
        for j in range(i + 1, len(norms)):
            rows.append(here("cosine", i=i, j=j, value=found[i, j]))
            rows.append(here("edge", i=i, j=j, value=edges[i, j]))
    return rows


def setting_rows(settings: Mapping[str, object]) -> list[Row]:
    """Return one row a setting of the schedule: ``NAME=VALUE``."""
    return [_row("setting", label=f"{name}={value}") for name, value in settings.items()]


def active_rows(active: NDArray[np.bool_]) -> list[Row]:
    """Return a row for each turn: step and task, in order of steps.

    Parameters
    ----------
    active : ndarray of bool, shape (T, K)
    """
    return [
        _row("active", step=int(step), i=int(i), value=1.0)
        for step, i in zip(*np.nonzero(active), strict=True)
    ]


def measured_rows(
    refresh: int,
    step: int,
    found: Measured,
    colors: Sequence[int],
    before: Measured | None,
    moved: NDArray[np.float64] | None = None,
) -> list[Row]:
    """Return the rows of one measurement.

    Parameters
    ----------
    refresh, step : int
        Which refresh, and the first step that its classes rule.
    found : Measured
    colors : sequence of int, length K
        The classes that it was taken with.
    before : Measured or None
        The last one, for the drift.
    moved : ndarray, shape (K,), optional
        The drift itself, where the last one is no longer there.
    """
    here = partial(_row, refresh=refresh, step=step)
    if before is not None:
        moved = np.linalg.norm(found.means - before.means, axis=1)
    rows = [
        here(kind, value=value) for kind in _NUMBERS if (value := getattr(found, kind)) is not None
    ]
    means = cosines(gram(found.means))
    for i in range(len(found.means)):
        rows.append(here("mean_norm", i=i, value=means.norms[i]))
        rows.append(here("noise_total", i=i, value=found.noise_total[i]))
        rows.append(here("noise_top", i=i, value=found.noise_top[i]))
        if moved is not None:
            rows.append(here("drift", i=i, value=float(moved[i])))
        if found.mean_error is not None:
            rows.append(here("mean_error", i=i, value=found.mean_error[i]))
        for j in range(i + 1, len(found.means)):
            rows.append(here("mean_cosine", i=i, j=j, value=means.values[i, j]))
            if found.noise_dot is not None:
                rows.append(here("noise_dot", i=i, j=j, value=found.noise_dot[i, j]))
    groups = np.stack([found.means[np.asarray(colors) == r].sum(axis=0) for r in _classes(colors)])
    between = gram(groups)
    for i in _classes(colors):
        rows.append(here("class_norm", i=i, value=np.sqrt(between[i, i])))
        if found.class_smoothness is not None:
            rows.append(here("class_smoothness", i=i, value=found.class_smoothness[i]))
        rows.append(here("step_descent", i=i, value=found.step_descent[i]))
        rows.append(here("step_norm", i=i, value=found.step_norm[i]))
        for j in range(i + 1, len(groups)):
            rows.append(here("class_dot", i=i, j=j, value=between[i, j]))
            if found.cross is not None:
                rows.append(here("class_cross", i=i, j=j, value=found.cross[i, j]))
    return rows


def unmeasured_row(refresh: int, step: int, why: str) -> Row:
    """Return the row that says what a measurement lacks."""
    return _row("unmeasured", refresh=refresh, step=step, label=why)


def _classes(colors: Sequence[int]) -> range:
    return range(max(colors) + 1)


def gap_rows(active: NDArray[np.bool_]) -> list[Row]:
    """Return each task's largest gap and number of updates.

    Parameters
    ----------
    active : ndarray of bool, shape (T, K)
    """
    report = update_gaps(active)
    rows: list[Row] = []
    for i in range(active.shape[1]):
        rows.append(_row("gap", i=i, value=report.max_gap[i]))
        rows.append(_row("updates", i=i, value=report.counts[i]))
    return rows


def metric_rows(kind: str, tasks: Sequence[Task], values: Sequence[float]) -> list[Row]:
    """Return each task's metric."""
    return [
        _row(kind, i=i, value=value, label=task.metric_name)
        for i, (task, value) in enumerate(zip(tasks, values, strict=True))
    ]
