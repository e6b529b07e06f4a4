"""Named checks of schedulers. Each drives one on gradients whose right schedule is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from songoku_theory.conflict import conflict_graph, interference
from songoku_theory.testing.named import NamedCheck
from songoku_theory.testing.scheduler_subject import (
    Run,
    SchedulerSubject,
    Settings,
    Stream,
    drive,
    reference_factory,
)

__all__ = ["DEFAULT_SCHEDULER_PROMISES", "SCHEDULER_CHECKS", "SCHEDULER_PROMISES"]

Matrix = NDArray[np.float64]

SCHEDULER_PROMISES: dict[str, str] = {
    "warm-start": "all tasks run until the first refresh (Algorithm 1, line 3)",
    "conflict-free": "after a refresh, no two tasks run together whose averages conflict",
    "no-false-conflicts": "tasks that do not conflict with anybody are not kept apart",
    "on-time": "the graph is made anew every R steps, and only then",
    "smoothing": "averages decide, and every gradient of an active task enters its average",
    "bounded-gap": "with R > Delta, no task waits longer than two cycles of Delta + 1 steps",
    "no-starvation": "on an unchanging graph every task runs, however short the refresh period",
    "scale-free": "positive factors on gradients change nothing",
    "deterministic": "the same gradients give the same active sets, whoever else is training",
    "settings": "tau, beta and the refresh period are all used",
    "finite": "a NaN or infinite gradient is refused, or at least does no lasting harm",
    "resumes": "saved and loaded, copied or pickled (where it can be), it goes on as it was",
    "algorithm-1": "the very active sets of Algorithm 1 with Welsh-Powell, ties by task index",
}
"""What a scheduler can be held to."""

DEFAULT_SCHEDULER_PROMISES = frozenset(SCHEDULER_PROMISES) - {"algorithm-1"}
"""All but ``algorithm-1``, which other ways to break ties do not keep."""

_FAR_FROM_TAU = 1e-6


def _constant(rows: Sequence[Sequence[float]] | Matrix) -> Stream:
    matrix = np.asarray(rows, dtype=np.float64)
    return lambda step: matrix


@cache
def _random_cases(count: int = 8, seed: int = 5) -> tuple[tuple[float, Matrix], ...]:
    """Thresholds and gradients with no cosine near the threshold, so rounding decides nothing."""
    rng = np.random.default_rng(seed)
    found: list[tuple[float, Matrix]] = []
    while len(found) < count:
        size, dim = int(rng.integers(2, 12)), int(rng.integers(2, 7))
        tau = (0.0, 0.1, 0.3, 0.6)[len(found) % 4]
        rows = rng.normal(size=(size, dim)) * 10.0 ** rng.uniform(-2, 2, size=(size, 1))
        rho = interference(rows)
        if np.abs(rho - tau)[~np.eye(size, dtype=bool)].min() > _FAR_FROM_TAU:
            found.append((tau, rows))
    return tuple(found)


def _together(run: Run, first: int, last: int | None = None) -> set[tuple[int, int]]:
    """Pairs that ran in the same step, from step `first` on."""
    return {(i, j) for ran in run.active[first:last] for i in ran for j in ran if i < j}


def check_valid(subject: SchedulerSubject) -> str:
    """Active sets are sets of tasks, for one task and for many, and gradients are left alone."""
    rng = np.random.default_rng(0)
    for size in (1, 2, 5, 12):
        rows = rng.normal(size=(40, size, 4))
        drive(subject, Settings(size, refresh_period=6), lambda t, r=rows: r[t], 40)  # type: ignore[misc]
    return ""


def check_zero_gradients(subject: SchedulerSubject) -> str:
    """A task whose gradient is zero, or all of them, stop nothing."""
    rows = np.asarray([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.1]])
    drive(subject, Settings(3, refresh_period=4), _constant(rows), 24)
    drive(subject, Settings(3, refresh_period=4), _constant(0.0 * rows), 24)
    return ""


def check_warm_start(subject: SchedulerSubject) -> str:
    """All tasks run until the first refresh."""
    for period in (1, 5, 9):
        settings = Settings(3, tau=0.1, refresh_period=period)
        run = drive(subject, settings, _constant([[1.0, 0.0], [-1.0, 0.1], [0.0, 1.0]]), period)
        for t, ran in enumerate(run.active):
            if ran != (0, 1, 2):
                return f"R = {period}: at step {t}, before any refresh, only {ran} of 3 tasks run"
    return ""


def check_conflict_free(subject: SchedulerSubject) -> str:
    """No two tasks run together whose gradients, constant here, conflict."""
    for tau, rows in _random_cases():
        adjacency = conflict_graph(rows, tau).adjacency
        settings = Settings(len(rows), tau=tau, refresh_period=len(rows) + 1)
        run = drive(subject, settings, _constant(rows), 6 * settings.refresh_period)
        for t, ran in enumerate(run.active[settings.refresh_period :], settings.refresh_period):
            clash = [(i, j) for i in ran for j in ran if i < j and adjacency[i, j]]
            if clash:
                i, j = clash[0]
                cosine = -float(interference(rows)[i, j])
                return (
                    f"tasks {i} and {j} run together at step {t} though their cosine {cosine:.3f} "
                    f"lies below -tau = {-tau} ({len(rows)} tasks, R = {settings.refresh_period})"
                )
    return ""


def check_mild_disagreement(subject: SchedulerSubject) -> str:
    """Tasks with cosines between -tau and tau run together."""
    rows = np.eye(4) * 1.15 - 0.15  # every cosine is about -0.14
    for sign, tau in ((1.0, 0.3), (1.0, 0.6), (-1.0, 0.3)):
        signs = np.asarray([1.0, sign, 1.0, sign])
        used = rows * signs[:, None]
        run = drive(subject, Settings(4, tau=tau, refresh_period=5), _constant(used), 20)
        for t, ran in enumerate(run.active):
            if ran != (0, 1, 2, 3):
                return (
                    f"no cosine lies below -tau = {-tau} (the least is "
                    f"{-float(interference(used).max()):.2f}), and still only {ran} run at step {t}"
                )
    return ""


def check_strict_threshold(subject: SchedulerSubject) -> str:
    """A pair whose cosine is exactly -tau does not conflict; with tau = 1 nobody does."""
    half = [[1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]  # cosine -1/2, without any rounding
    opposite = [[1.0, 2.0], [-1.0, -2.0]]
    for rows, tau in ((half, 0.5), (opposite, 1.0)):
        settings = Settings(2, tau=tau, beta=0.5, refresh_period=4)
        run = drive(subject, settings, _constant(rows), 16)
        for t, ran in enumerate(run.active):
            if ran != (0, 1):
                return (
                    f"tau = {tau} and a cosine of exactly -tau: an edge needs a cosine below -tau, "
                    f"and still only {ran} run at step {t}"
                )
    return ""


def check_refresh_on_time(subject: SchedulerSubject) -> str:
    """A change of the gradients shows at the next multiple of R, not before and not later."""
    apart, along = [[1.0, 0.0], [-1.0, 0.2]], [[1.0, 0.0], [1.0, 0.2]]
    for period in (3, 8):
        settings = Settings(2, tau=0.2, beta=0.0, refresh_period=period)
        change = 3 * period
        run = drive(
            subject,
            settings,
            lambda t, c=change: np.asarray(apart if t < c else along),  # type: ignore[misc]
            6 * period,
        )
        for t, ran in enumerate(run.active):
            expected_together = t < period or t >= change + period
            if (len(ran) == 2) != expected_together:
                return (
                    f"R = {period}: the tasks conflict in steps 0 to {change - 1}, so they should "
                    f"be apart in steps {period} to {change + period - 1} only; at step {t} "
                    f"{ran} run"
                )
    return ""


def _brief_quarrel(period: int) -> Stream:
    """Agreement all along, but for the step before each refresh."""
    along, apart = np.asarray([[1.0, 0.0], [1.0, 0.1]]), np.asarray([[1.0, 0.0], [-1.0, 0.1]])
    return lambda t: apart if t % period == period - 1 else along


def check_averages_decide(subject: SchedulerSubject) -> str:
    """One bad step before a refresh, after many good ones, separates nobody."""
    period = 12
    settings = Settings(2, tau=0.2, beta=0.9, refresh_period=period)
    run = drive(subject, settings, _brief_quarrel(period), 2 * period)
    if any(len(ran) < 2 for ran in run.active):
        return (
            f"the gradients agree in {period - 1} steps of {period} and disagree in the one before "
            f"the refresh; with beta = 0.9 their averages agree, and still the tasks are kept "
            f"apart: only the last gradient counts, or those in between never enter the average"
        )
    return ""


def check_old_gradients_fade(subject: SchedulerSubject) -> str:
    """Many steps of conflict outweigh the agreement before them."""
    period = 40
    settings = Settings(2, tau=0.2, beta=0.8, refresh_period=period)
    along, apart = np.asarray([[1.0, 0.0], [1.0, 0.1]]), np.asarray([[1.0, 0.0], [-1.0, 0.1]])
    run = drive(subject, settings, lambda t: along if t < 25 else apart, period + 4)
    if len(run.active[period]) == 2:
        return (
            "the gradients agree for 25 steps, then conflict for 15; with beta = 0.8 the averages "
            "conflict at the refresh, and still the tasks run together: old gradients do not fade"
        )
    return ""


def check_bounded_gap(subject: SchedulerSubject) -> str:
    """With R > Delta no task waits longer than two cycles of Delta + 1 steps."""
    for tau, rows in _random_cases():
        graph = conflict_graph(rows, tau)
        cycle = graph.max_degree + 1
        settings = Settings(len(rows), tau=tau, refresh_period=cycle + 1)
        run = drive(subject, settings, _constant(rows), 6 * settings.refresh_period)
        wait = max(run.waits(len(rows)))
        if wait > 2 * cycle - 1:
            task = run.waits(len(rows)).index(wait)
            return (
                f"task {task} of {len(rows)} waits {wait} steps; Delta = {cycle - 1} and "
                f"R = {settings.refresh_period}, so 2 (Delta + 1) - 1 = {2 * cycle - 1} would do"
            )
    return ""


def check_no_starvation(subject: SchedulerSubject) -> str:
    """Every task runs on an unchanging graph, even with R below the number of classes."""
    size = 6
    rows = np.eye(size) - 1.0 / size  # all pairs at cosine -1/5: everybody against everybody
    for period in (1, 2, 4, 5):
        settings = Settings(size, tau=0.1, refresh_period=period)
        run = drive(subject, settings, _constant(rows), period + 30 * size)
        for first in (period, period + 20 * size):
            later = {k for ran in run.active[first : first + 10 * size] for k in ran}
            starved = [k for k in range(size) if k not in later]
            if starved:
                return (
                    f"{size} tasks that all conflict, R = {period}: in {10 * size} steps from step "
                    f"{first} on tasks {starved} never run; late classes are not reached before "
                    f"the cycle begins anew"
                )
    return ""


def check_scale(subject: SchedulerSubject) -> str:
    """One factor for all gradients, or one for each task, changes nothing."""
    rng = np.random.default_rng(2)
    for tau, rows in _random_cases(4, seed=8):
        noise = rng.normal(size=(60, *rows.shape)) * 0.2 * np.abs(rows)
        settings = Settings(len(rows), tau=tau, refresh_period=7)
        plain = drive(subject, settings, lambda t, r=rows, n=noise: r + n[t], 60)  # type: ignore[misc]
        own = 2.0 ** rng.integers(-20, 20, size=(len(rows), 1))
        for what, factor in (("2**-40", 2.0**-40), ("2**40", 2.0**40), ("a task's own", own)):
            scaled = drive(
                subject,
                settings,
                lambda t, r=rows, n=noise, f=factor: (r + n[t]) * f,  # type: ignore[misc]
                60,
            )
            if scaled != plain:
                t = _first_difference(plain, scaled)
                return (
                    f"with every gradient times {what} (a power of two, so nothing is rounded) the "
                    f"active set at step {t} is {scaled.active[t]}, not {plain.active[t]}"
                )
    return ""


def _first_difference(one: Run, other: Run) -> int:
    pairs = zip(one.active, other.active, strict=True)
    return next(t for t, (a, b) in enumerate(pairs) if a != b)


def _noisy(size: int, steps: int, seed: int) -> Matrix:
    rng = np.random.default_rng(seed)
    pull = rng.normal(size=(size, 5))
    return np.asarray(pull + 0.7 * rng.normal(size=(steps, size, 5)))


def check_deterministic(subject: SchedulerSubject) -> str:
    """Two runs on the same gradients are the same."""
    rows = _noisy(7, 80, 1)
    settings = Settings(7, tau=0.1, refresh_period=6)
    runs = [drive(subject, settings, lambda t: rows[t], 80) for _ in range(3)]
    for run in runs[1:]:
        if run != runs[0]:
            t = _first_difference(runs[0], run)
            return f"the same gradients again: at step {t} {run.active[t]}, not {runs[0].active[t]}"
    return ""


def check_instances_apart(subject: SchedulerSubject) -> str:
    """Two schedulers that train in turns do what they do alone."""
    settings = Settings(6, tau=0.1, refresh_period=5)
    streams = [_noisy(6, 60, seed) for seed in (3, 4)]
    alone = [drive(subject, settings, lambda t, r=rows: r[t], 60) for rows in streams]  # type: ignore[misc]
    both = [subject.factory(settings) for _ in streams]
    seen: list[list[tuple[int, ...]]] = [[], []]
    for t in range(60):
        for k, (scheduler, rows) in enumerate(zip(both, streams, strict=True)):
            one = drive(subject, settings, lambda _, r=rows, s=t: r[s], 1, scheduler=scheduler)  # type: ignore[misc]
            seen[k].append(one.active[0])
    for k in (0, 1):
        if Run(tuple(seen[k])) != alone[k]:
            t = _first_difference(alone[k], Run(tuple(seen[k])))
            return (
                f"beside another scheduler the active set at step {t} is {seen[k][t]}, alone it is "
                f"{alone[k].active[t]}: they share state"
            )
    return ""


def check_no_references(subject: SchedulerSubject) -> str:
    """Gradients that the caller overwrites after the step have been read by then."""
    rows = _noisy(5, 60, 6)
    settings = Settings(5, tau=0.1, refresh_period=6)
    kept = drive(subject, settings, lambda t: rows[t], 60)
    reused = drive(subject, settings, lambda t: rows[t], 60, overwrite=True)
    if kept != reused:
        t = _first_difference(kept, reused)
        return (
            f"when the caller reuses its gradient buffers, the active set at step {t} is "
            f"{reused.active[t]}, not {kept.active[t]}: it keeps references to them"
        )
    return ""


def check_tau_used(subject: SchedulerSubject) -> str:
    """The threshold that is asked for decides."""
    rows = _constant([[1.0, 0.0], [-0.5, 0.8660254037844386]])  # cosine -1/2
    below = drive(subject, Settings(2, tau=0.3, refresh_period=4), rows, 12)
    above = drive(subject, Settings(2, tau=0.7, refresh_period=4), rows, 12)
    if any(len(ran) > 1 for ran in below.active[4:]):
        return "tau = 0.3 and a cosine of -0.5: the tasks should be kept apart and are not"
    if any(len(ran) < 2 for ran in above.active):
        return "tau = 0.7 and a cosine of -0.5: the tasks should run together and do not"
    return ""


def check_beta_used(subject: SchedulerSubject) -> str:
    """The EMA parameter that is asked for decides."""
    period = 12
    for beta, expected in ((0.0, 1), (0.3, 1), (0.9, 2)):
        settings = Settings(2, tau=0.2, beta=beta, refresh_period=period)
        run = drive(subject, settings, _brief_quarrel(period), period + 1)
        if len(run.active[period]) != expected:
            return (
                f"beta = {beta}: gradients that agree in {period - 1} steps and disagree in the "
                f"last have averages that {'agree' if expected == 2 else 'conflict'}, and "
                f"{run.active[period]} run"
            )
    return ""


def check_period_used(subject: SchedulerSubject) -> str:
    """The refresh period that is asked for decides when the first graph is made."""
    rows = _constant([[1.0, 0.0], [-1.0, 0.2]])
    for period in (2, 7, 20):
        run = drive(subject, Settings(2, tau=0.2, refresh_period=period), rows, 2 * period + 4)
        first = next((t for t, ran in enumerate(run.active) if len(ran) < 2), None)
        if first != period:
            return f"R = {period}: the tasks are first kept apart at step {first}"
    return ""


def check_nonfinite(subject: SchedulerSubject) -> str:
    """A NaN or an infinity is refused; if it is taken, later decisions are right all the same."""
    rows = np.asarray([[1.0, 0.0], [-1.0, 0.2], [0.1, 1.0]])
    for poison in (np.nan, np.inf):
        settings = Settings(3, tau=0.2, beta=0.5, refresh_period=4)

        def stream(t: int, bad: float = poison) -> Matrix:
            if t != 1:
                return rows
            poisoned = rows.copy()
            poisoned[0, 0] = bad
            return poisoned

        under_test, taken = subject.factory(settings), "taken without a word"
        drive(subject, settings, stream, 1, scheduler=under_test)
        try:
            drive(subject, settings, lambda t, s=stream: s(t + 1), 1, scheduler=under_test)  # type: ignore[misc]
        except Exception:  # noqa: BLE001 - to refuse it, with whatever exception, is right
            taken = "refused, but entered an average before that"
        try:
            run = drive(subject, settings, _constant(rows), 40, scheduler=under_test)
        except Exception:  # noqa: BLE001 - and to refuse to go on is right, too
            continue
        if (0, 1) in _together(run, 20):
            return (
                f"a gradient with {poison} at step 1 was {taken}, and tasks 0 and 1, "
                f"which conflict, still run together after step 20"
            )
    return ""


def check_algorithm_1(subject: SchedulerSubject) -> str:
    """The active sets are those of the reference, step by step, on noisy gradients."""
    reference = SchedulerSubject(reference_factory)
    for seed in range(6):
        size = 2 + seed
        rows = _noisy(size, 80, 100 + seed)
        for period in (3, 10):
            settings = Settings(size, tau=0.15, beta=0.8, refresh_period=period)
            found = drive(subject, settings, lambda t, r=rows: r[t], 80)  # type: ignore[misc]
            expected = drive(reference, settings, lambda t, r=rows: r[t], 80)  # type: ignore[misc]
            if found != expected:
                t = _first_difference(expected, found)
                return (
                    f"{size} tasks, R = {period}, step {t}: {found.active[t]} run; Algorithm 1 "
                    f"runs {expected.active[t]}"
                )
    return ""


SCHEDULER_CHECKS: tuple[NamedCheck, ...] = (
    NamedCheck("valid-active-sets", None, check_valid),
    NamedCheck("zero-gradients", None, check_zero_gradients),
    NamedCheck("no-references-kept", None, check_no_references),
    NamedCheck("warm-start", "warm-start", check_warm_start),
    NamedCheck("conflict-free", "conflict-free", check_conflict_free),
    NamedCheck("mild-disagreement", "no-false-conflicts", check_mild_disagreement),
    NamedCheck("strict-threshold", "no-false-conflicts", check_strict_threshold),
    NamedCheck("refresh-on-time", "on-time", check_refresh_on_time),
    NamedCheck("averages-decide", "smoothing", check_averages_decide),
    NamedCheck("old-gradients-fade", "smoothing", check_old_gradients_fade),
    NamedCheck("bounded-gap", "bounded-gap", check_bounded_gap),
    NamedCheck("no-starvation", "no-starvation", check_no_starvation),
    NamedCheck("scale-free", "scale-free", check_scale),
    NamedCheck("deterministic", "deterministic", check_deterministic),
    NamedCheck("instances-apart", "deterministic", check_instances_apart),
    NamedCheck("tau-used", "settings", check_tau_used),
    NamedCheck("beta-used", "settings", check_beta_used),
    NamedCheck("refresh-period-used", "settings", check_period_used),
    NamedCheck("non-finite-gradients", "finite", check_nonfinite),
    NamedCheck("algorithm-1", "algorithm-1", check_algorithm_1),
)
"""Every check of a scheduler, in the order of the report."""
