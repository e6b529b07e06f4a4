"""Checks of schedulers on many tasks, on tasks by themselves, and over many windows."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from songoku_theory.conflict import conflict_graph, interference
from songoku_theory.testing.named import NamedCheck, global_generators_moved
from songoku_theory.testing.scheduler_subject import SchedulerSubject, Settings, drive

__all__ = ["CROWD_CHECKS"]

Matrix = NDArray[np.float64]


@cache
def _crowds() -> tuple[tuple[str, float, Matrix], ...]:
    """Sizes that pass 16, 32 and 64 bits, numbers of classes that pass 8, tasks by themselves."""
    rng = np.random.default_rng(17)
    quarrel = np.zeros((10, 10))
    quarrel[:4, :4] = np.eye(4) - 0.25
    quarrel[4:, 4:] = np.eye(6)
    found = [
        ("12 tasks that all conflict", 0.05, np.eye(12) - 1.0 / 12.0),
        ("4 tasks that conflict, 6 that agree with everybody", 0.2, quarrel),
    ]
    for size, tau in ((20, 0.3), (36, 0.4), (70, 0.4)):
        rows = rng.normal(size=(size, 4))
        while np.abs(interference(rows) - tau)[~np.eye(size, dtype=bool)].min() <= 1e-6:
            rows = rng.normal(size=(size, 4))
        found.append((f"{size} random tasks", tau, rows))
    return tuple(found)


def check_crowds_apart(subject: SchedulerSubject) -> str:
    """With 10 to 70 tasks, too, no two tasks run together that conflict."""
    for name, tau, rows in _crowds():
        graph = conflict_graph(rows, tau)
        settings = Settings(len(rows), tau=tau, refresh_period=graph.max_degree + 2)
        run = drive(subject, settings, lambda t, r=rows: r, 2 * settings.refresh_period + 4)  # type: ignore[misc]
        for t, ran in enumerate(run.active[settings.refresh_period :], settings.refresh_period):
            inside = np.argwhere(np.triu(graph.adjacency[np.ix_(ran, ran)]))
            if inside.size:
                i, j = (ran[int(k)] for k in inside[0])
                return f"{name}: tasks {i} and {j} conflict and run together at step {t}"
    return ""


def check_crowds_run(subject: SchedulerSubject) -> str:
    """With 10 to 70 tasks, too, everybody runs within two cycles of Delta + 1 steps."""
    for name, tau, rows in _crowds():
        cycle = conflict_graph(rows, tau).max_degree + 1
        settings = Settings(len(rows), tau=tau, refresh_period=cycle + 1)
        run = drive(subject, settings, lambda t, r=rows: r, 4 * settings.refresh_period)  # type: ignore[misc]
        waits = run.waits(len(rows))
        wait = max(waits)
        if wait > 2 * cycle - 1:
            return (
                f"{name}: task {waits.index(wait)} waits {wait} steps; Delta = {cycle - 1} and "
                f"R = {cycle + 1}, so 2 (Delta + 1) - 1 = {2 * cycle - 1} would do"
            )
    return ""


def check_zero_task_runs(subject: SchedulerSubject) -> str:
    """A task whose shared gradient is zero still gets its turns: its head has to be trained."""
    rows = np.asarray([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.1]])
    run = drive(subject, Settings(3, refresh_period=4), lambda t: rows, 40)
    later = {k for ran in run.active[4:] for k in ran}
    if 1 not in later:
        return "the shared gradient of task 1 is zero, and after the first refresh it never runs"
    return ""


def check_every_refresh(subject: SchedulerSubject) -> str:
    """The fortieth refresh follows the gradients as the first one does."""
    period, windows = 3, 40
    apart, along = np.asarray([[1.0, 0.0], [-1.0, 0.2]]), np.asarray([[1.0, 0.0], [1.0, 0.2]])
    agrees = np.random.default_rng(3).random(windows) < 0.5
    settings = Settings(2, tau=0.2, beta=0.0, refresh_period=period)
    run = drive(
        subject, settings, lambda t: along if agrees[t // period] else apart, windows * period
    )
    for t, ran in enumerate(run.active[period:], period):
        before = t // period - 1
        if (len(ran) == 2) != bool(agrees[before]):
            what = "agree" if agrees[before] else "conflict"
            return (
                f"R = {period}: in steps {before * period} to {before * period + period - 1} the "
                f"tasks {what}; after the refresh that follows, number {before + 1}, {ran} run"
            )
    return ""


def check_global_generators(subject: SchedulerSubject) -> str:
    """The global generators of ``random`` and numpy are neither drawn from nor seeded."""
    rows = np.random.default_rng(0).normal(size=(30, 6, 4))
    settings = Settings(6, tau=0.1, refresh_period=5)
    moved = global_generators_moved(lambda: drive(subject, settings, lambda t: rows[t], 30))
    if moved:
        return (
            f"it drew from or seeded the global generator of {moved}, so other code's draws decide "
            f"and are decided; give it a generator of its own"
        )
    return ""


CROWD_CHECKS: tuple[NamedCheck, ...] = (
    NamedCheck("many-tasks-apart", "conflict-free", check_crowds_apart),
    NamedCheck("many-tasks-run", "bounded-gap", check_crowds_run),
    NamedCheck("zero-gradient-runs", "no-starvation", check_zero_task_runs),
    NamedCheck("every-refresh", "on-time", check_every_refresh),
    NamedCheck("global-generators", "deterministic", check_global_generators),
)
