"""The table from stored runs: means, differences from Uniform, Delta_m, and equal work."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from simulations.training.run.evaluate import delta_m
from simulations.training.table.cells import SINGLE_TASK
from simulations.training.table.columns import Column, columns_of
from simulations.training.table.plan import UNIFORM, Entry, Request, Tuned
from simulations.training.table.runs import Run
from simulations.training.table.stages import Bench
from simulations.training.table.statistics import Estimate, detectable, estimate, holm, paired_p

__all__ = ["BenchTable", "Compared", "MethodScores", "bench_table", "by_seed"]

BySeed = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Compared:
    """A method's numbers in a column.

    Attributes
    ----------
    values : mapping from seed to float
        In the column's unit, not yet in per cent.
    mean : Estimate or None
    difference : Estimate or None
        From Uniform of the same seeds; its sign is the metric's, not yet that of "better".
    p, p_holm : float or None
        Of the paired test, alone and corrected over all comparisons of the benchmark.
    """

    values: BySeed
    mean: Estimate | None
    difference: Estimate | None = None
    p: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True, slots=True)
class MethodScores:
    """A method's line.

    Attributes
    ----------
    method : str
    at_steps : tuple of Compared
        Test scores at the end, one a column.
    at_work : tuple of Compared
        Validation scores when it had done as much work as Uniform's whole run, one a column.
    work_step : mapping from seed to int
        The evaluation that `at_work` is of.
    delta_m : Estimate or None
        In per cent, over the main tasks.
    delta_m_values : mapping from seed to float
    backwards : float or None
        Mean number of backward passes of a run.
    seconds : float or None
        Mean seconds of its training steps.
    diverged, missing : tuple of int
        Seeds.
    remark : str
        What a reader must know of how it was trained.
    untuned : bool
        All its candidates diverged, so that there is nothing to run.
    settings : tuple of mapping
        What tuning chose; of single_task, for each task.
    """

    method: str
    at_steps: tuple[Compared, ...]
    at_work: tuple[Compared, ...]
    work_step: Mapping[int, int]
    delta_m: Estimate | None
    delta_m_values: BySeed
    backwards: float | None
    seconds: float | None
    diverged: tuple[int, ...]
    missing: tuple[int, ...]
    remark: str
    untuned: bool
    settings: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class BenchTable:
    """A benchmark's part of the table.

    Attributes
    ----------
    benchmark, provenance : str
    notes : tuple of str
    seeds : tuple of int
    steps : int
    columns : tuple of Column
    chance : tuple of float or None
        One a column.
    methods : tuple of MethodScores
    comparisons : int
        That Holm's procedure corrected for.
    detectable : float or None
        The smallest true difference, in standard deviations of paired differences, that the first
        step of Holm finds with a power of 80 %.
    """

    benchmark: str
    provenance: str
    notes: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int
    columns: tuple[Column, ...]
    chance: tuple[float | None, ...]
    methods: tuple[MethodScores, ...]
    comparisons: int
    detectable: float | None

    def method(self, name: str) -> MethodScores | None:
        """Return a method's line, if it has one."""
        return next((line for line in self.methods if line.method == name), None)


def by_seed(runs: Iterable[Run]) -> dict[int, Run]:
    """Return runs by their seed."""
    return {int(run.params["seed"]): run for run in runs}


def bench_table(
    request: Request, bench: Bench, found: Sequence[Tuned], runs: Mapping[str, Run]
) -> BenchTable | None:
    """Return a benchmark's table.

    Parameters
    ----------
    request : Request
    bench : Bench
    found : sequence of Tuned
        Of this benchmark.
    runs : mapping from key to Run
        Stored runs of the experiment ``training``.

    Returns
    -------
    BenchTable or None
        None when no run of it is stored.
    """
    stored: dict[Entry, dict[int, Run]] = {}
    for one in found:
        keys = [cell.key for cell in request.training_cells(one)]
        stored[one.entry] = by_seed(runs[key] for key in keys if key in runs)
    whole = [
        run
        for entry, seeds in stored.items()
        for run in seeds.values()
        if run.finished and entry.method != SINGLE_TASK
    ]
    if not whole:
        return None
    columns = columns_of(bench.name, whole[0].main)
    uniform = stored.get(Entry(bench.name, UNIFORM), {})
    single = {entry.task: seeds for entry, seeds in stored.items() if entry.method == SINGLE_TASK}
    lines = [
        _line(request, method, found, stored, columns, uniform, single)
        for method in request.methods
        if any(one.entry.method == method for one in found)
    ]
    compared = [line for line in lines if line.method != UNIFORM]
    corrected = _corrected(compared)
    return BenchTable(
        bench.name,
        whole[0].provenance,
        whole[0].notes,
        request.seeds,
        int(whole[0].work.get("steps", 0)),
        columns,
        tuple(_chance(column, whole[0]) for column in columns),
        tuple(corrected.get(line.method, line) for line in lines),
        len(compared) * len(columns),
        detectable(len(request.seeds), max(1, len(compared) * len(columns))),
    )


def _line(
    request: Request, method: str, found: Sequence[Tuned],
    stored: Mapping[Entry, Mapping[int, Run]], columns: Sequence[Column],
    uniform: Mapping[int, Run], single: Mapping[str, Mapping[int, Run]],
) -> MethodScores:  # fmt: skip
    mine = [one for one in found if one.entry.method == method]
    runs = [stored[one.entry] for one in mine]
    diverged = {s for seeds in runs for s, run in seeds.items() if run.diverged is not None}
    finished = [
        {s: run for s, run in seeds.items() if run.finished and s not in diverged} for seeds in runs
    ]
    untuned = any(one.chosen is None for one in mine)
    here = set.intersection(*(set(seeds) for seeds in finished)) if finished else set()
    joint = {s: tuple(seeds[s] for seeds in finished) for s in sorted(here)}
    at_steps, at_work = [], []
    work_step: dict[int, int] = {}
    for column in columns:
        base = {s: v for s, r in uniform.items() if (v := _score((r,), column, "test")) is not None}
        values = {s: v for s, rs in joint.items() if (v := _score(rs, column, "test")) is not None}
        at_steps.append(_compared(values, base, method))
        early: dict[int, float] = {}
        base = {}
        for s, rs in joint.items():
            reached = _at_work(rs, uniform.get(s), column)
            last = None if s not in uniform else _score((uniform[s],), column, "validation")
            if reached is not None and last is not None:
                work_step[s], early[s] = reached
                base[s] = last
        at_work.append(_compared(early, base, method))
    gains = {s: v for s, rs in joint.items() if (v := _delta_m(rs, s, single)) is not None}
    backwards = [sum(run.work["backwards"] for run in rs) for rs in joint.values()]
    seconds = [sum(run.training_seconds for run in rs) for rs in joint.values()]
    return MethodScores(
        method, tuple(at_steps), tuple(at_work), work_step,
        None if method == SINGLE_TASK else estimate(list(gains.values())), gains,
        sum(backwards) / len(backwards) if backwards else None,
        sum(seconds) / len(seconds) if seconds else None,
        tuple(sorted(diverged)),
        tuple(s for s in request.seeds if s not in here and s not in diverged),
        next((said for rs in joint.values() for run in rs if (said := _warm_start(run))), ""),
        untuned,
        tuple(dict(one.chosen) for one in mine if one.chosen is not None),
    )  # fmt: skip


def _warm_start(run: Run) -> str:
    """Say when a warm start in epochs takes most of a run: it is another method's run then."""
    from simulations.training.methods import get_method

    if run.params.get("method") != "son_goku_gradnorm":
        return ""
    options = json.loads(run.params["settings"])["method"]
    warm = getattr(get_method("son_goku_gradnorm", options), "warm_epochs", 0.0)
    share = warm * run.work.get("steps_per_epoch", 0.0) / max(1.0, run.work.get("steps", 0.0))
    if share < 0.5:
        return ""
    if share >= 1.0:
        return "GradNorm throughout: the run is shorter than its warm start"
    return f"GradNorm for {100 * share:.0f} % of the run: its warm start"


def _score(runs: Sequence[Run], column: Column, split: str) -> float | None:
    """Mean over the column's tasks of the last score; the runs together hold each task once."""
    values = []
    for task in column.tasks:
        held = [v for run in runs if (v := run.last(split, task, column.metric)) is not None]
        if not held:
            return None
        values.append(held[0])
    return sum(values) / len(values)


def _at_work(runs: Sequence[Run], uniform: Run | None, column: Column) -> tuple[int, float] | None:
    """The last evaluation on the validation split by which no more work was done than Uniform's."""
    if uniform is None or len(runs) != 1:
        return None
    run, budget = runs[0], uniform.work.get("backwards", 0.0)
    spent = run.work_at.get("backwards", {})
    curves = [run.scores.get(("validation", task, column.metric), {}) for task in column.tasks]
    steps = [
        step for step, work in spent.items() if work <= budget and all(step in c for c in curves)
    ]
    if not steps:
        return None
    last = max(steps)
    return last, sum(curve[last] for curve in curves) / len(curves)


def _compared(values: BySeed, base: BySeed, method: str) -> Compared:
    mean = estimate(list(values.values()))
    if method == UNIFORM:
        return Compared(values, mean)
    differences = [value - base[s] for s, value in values.items() if s in base]
    return Compared(values, mean, estimate(differences), paired_p(differences))


def _corrected(lines: Sequence[MethodScores]) -> dict[str, MethodScores]:
    """Fill in the corrected p values: one family for equal steps, one for equal work."""
    adjusted: dict[str, list[tuple[Compared, ...]]] = {line.method: [] for line in lines}
    for kind in ("at_steps", "at_work"):
        cells = [cell for line in lines for cell in getattr(line, kind)]
        values = iter(holm([cell.p for cell in cells]))
        for line in lines:
            adjusted[line.method].append(
                tuple(replace(cell, p_holm=next(values)) for cell in getattr(line, kind))
            )
    found = {}
    for line in lines:
        at_steps, at_work = adjusted[line.method]
        found[line.method] = replace(line, at_steps=at_steps, at_work=at_work)
    return found


def _delta_m(
    runs: Sequence[Run], seed: int, single: Mapping[str, Mapping[int, Run]]
) -> float | None:
    """Delta_m over the main tasks' first metrics, against single-task networks of this seed."""
    found: dict[str, float] = {}
    alone: dict[str, float] = {}
    higher: dict[str, bool] = {}
    for run in runs:
        for task in run.main:
            other = single.get(task.name, {}).get(seed)
            mine = run.last("test", task.name, task.metric)
            beside = None if other is None else other.last("test", task.name, task.metric)
            if mine is None or beside is None:
                return None
            found[task.name], alone[task.name] = mine, beside
            higher[task.name] = task.metrics[task.metric]
    return delta_m(found, alone, higher)


def _chance(column: Column, run: Run) -> float | None:
    values = [task.chances.get(column.metric) for task in run.main if task.name in column.tasks]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(column.tasks) else None
