"""Errors, intervals, tests and distances: the part of the rows that says who was better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.sweep.experiment import Row
from simulations.training.grouping.decide import INTERVAL, Decision, decide_by, fixed
from simulations.training.grouping.intervals import Interval, holm, paired_p, t_interval
from simulations.training.grouping.networks import Networks
from simulations.training.grouping.options import GroupingOptions
from simulations.training.grouping.rows import row
from songoku_theory.grouping import adjusted_rand

__all__ = ["Way", "judged", "whole_decisions"]

Array = NDArray[np.float64]
ANY = 0
TOGETHER, OPTIMUM, VALIDATION, RANDOM = "together", "optimum", "validation", "random"


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """A way to group, whatever the seed."""

    method: str
    setting: str
    num_groups: int

    @property
    def name(self) -> str:
        """As tests are named."""
        return f"{self.method} {self.setting} {self.num_groups}"


def whole_decisions(num_tasks: int, seed: int) -> list[Decision]:
    """Return what needs no affinity: all together, single tasks, SON-GOKU on all."""
    everyone = fixed([tuple(range(num_tasks))], "none")
    apart = fixed([(i,) for i in range(num_tasks)], "none")
    return [
        Decision(TOGETHER, "", 1, seed, everyone),
        Decision("single", "", num_tasks, seed, apart),
        Decision("son_goku", "", 1, seed, everyone, schedule="son_goku"),
    ]


def enumerated_decisions(
    options: GroupingOptions, tasks: Sequence[str], networks: Networks
) -> list[Decision]:
    """Return the best groupings, by validation errors of each seed and by all test errors.

    Needs a network for every set of tasks.
    """
    seeds = range(options.seeds)
    numbers = [m for m in options.num_groups if m <= len(tasks)] + [ANY]
    found: list[Decision] = []
    for seed in seeds:
        worth = networks.worth("validation", [seed])
        found += decide_by(options, tasks, seed, VALIDATION, worth, numbers)
    for best in decide_by(options, tasks, -1, OPTIMUM, networks.worth("test", seeds), numbers):
        found += [Decision(OPTIMUM, "", best.num_groups, seed, best.answer) for seed in seeds]
    return found


def judged(
    options: GroupingOptions, decisions: Sequence[Decision], networks: Networks,
    classes: Mapping[int, Sequence[int]],
) -> list[Row]:  # fmt: skip
    """Return the rows of errors and comparisons.

    Parameters
    ----------
    options : GroupingOptions
    decisions : sequence of Decision
        Of all seeds, those of `whole_decisions` among them.
    networks : Networks
    classes : mapping from seed to the last classes of SON-GOKU on that run, where there are any
    """
    rows: list[Row] = []
    errors: dict[Way, dict[int, list[Array]]] = defaultdict(lambda: defaultdict(list))
    for decision in decisions:
        rows += _group_rows(decision, classes)
        if decision.answer.groups:
            way = Way(decision.method, decision.setting, decision.num_groups)
            found = networks.test_errors(decision)
            errors[way][decision.seed].append(found)
            if decision.draw < 0:  # those of a random draw can be looked up by its sets
                rows += _error_rows(decision, found)
    every = range(options.seeds)
    # A way that can't be met on some seed (it then says why) has no mean over all of them.
    by_seed = {
        way: [np.mean(of[seed], axis=0) for seed in every]
        for way, of in errors.items()
        if all(seed in of for seed in every)
    }
    totals = {way: [float(e.sum()) for e in found] for way, found in by_seed.items()}
    for way, summed in totals.items():
        rows += [_way_row("total", way, value, seed=seed) for seed, value in enumerate(summed)]
        rows.append(_interval_row("mean", way, t_interval(summed)))
        per_task = np.stack(by_seed[way])
        rows += [
            _interval_row("task_mean", way, t_interval(per_task[:, i].tolist()), i=i)
            for i in range(per_task.shape[1])
        ]
    rows += _compared(totals)
    rows += _distances(totals)
    rows += _improvements(options, totals)
    return rows


def _error_rows(decision: Decision, found: Array) -> list[Row]:
    return [
        row(
            "error", value, method=decision.method, setting=decision.setting,
            num_groups=decision.num_groups, seed=decision.seed, i=i,
        )
        for i, value in enumerate(found)
    ]  # fmt: skip


def _group_rows(decision: Decision, classes: Mapping[int, Sequence[int]]) -> list[Row]:
    answer, way = decision.answer, Way(decision.method, decision.setting, decision.num_groups)
    seed, draw = decision.seed, decision.draw
    rows = [
        row(
            "group", method=way.method, setting=way.setting, num_groups=way.num_groups, seed=seed,
            draw=draw, group=g, i=i,
        )
        for g, group in enumerate(answer.groups)
        for i in group
    ]  # fmt: skip
    solved = answer.solver not in ("none", "random")
    if solved:
        value = answer.objective if answer.groups else None
        rows.append(_way_row("solved", way, value, seed=seed, label=answer.status))
        if answer.groups:
            rows.append(_way_row("bound", way, answer.bound, seed=seed))
            rows.append(_way_row("gap", way, answer.gap, seed=seed))
        else:
            rows.append(_way_row("reason", way, None, seed=seed, label=answer.reason))
    flat = [i for group in answer.groups for i in group]
    if solved and seed in classes and flat and len(flat) == len(set(flat)):
        labels = [next(g for g, group in enumerate(answer.groups) if i in group) for i in
                  range(len(flat))]  # fmt: skip
        rows.append(_way_row("agreement", way, adjusted_rand(labels, classes[seed]), seed=seed))
    return rows


def _compared(totals: Mapping[Way, Sequence[float]]) -> list[Row]:
    """Paired differences from all tasks together."""
    base = totals.get(Way(TOGETHER, "", 1))
    if base is None:
        return []
    rows, raw, by_name = [], {}, {}
    for way, found in totals.items():
        if way.method == TOGETHER:
            continue
        differences = [a - b for a, b in zip(found, base, strict=True)]
        rows.append(_interval_row("difference", way, t_interval(differences)))
        if way.setting == "" and way.method != OPTIMUM:
            raw[way.name], by_name[way.name] = paired_p(differences), way
    adjusted = holm(raw)
    for name, way in by_name.items():
        rows.append(_way_row("p_value", way, raw[name], label="raw"))
        rows.append(_way_row("p_value", way, adjusted[name], label="holm"))
    return rows


def _distances(totals: Mapping[Way, Sequence[float]]) -> list[Row]:
    rows: list[Row] = []
    for way, found in totals.items():
        if way.method == OPTIMUM:
            continue
        for label, m in (("same", way.num_groups), ("any", ANY)):
            best = totals.get(Way(OPTIMUM, "", m))
            if best is None or (label == "same" and m == ANY):
                continue
            distance = [a - b for a, b in zip(found, best, strict=True)]
            percent = [100 * d / b for d, b in zip(distance, best, strict=True) if b > 0]
            rows.append(_interval_row("distance", way, t_interval(distance), label=label))
            if len(percent) == len(distance):
                rows.append(_interval_row("relative", way, t_interval(percent), label=label))
    return rows


def _improvements(options: GroupingOptions, totals: Mapping[Way, Sequence[float]]) -> list[Row]:
    """Lazy collection beside random groupings (PTG, Table 1)."""
    rows: list[Row] = []
    for way, found in totals.items():
        random = totals.get(Way(RANDOM, "", way.num_groups))
        if way.setting.startswith(INTERVAL) and random is not None and min(random) > 0:
            percent = [100 * (r - f) / r for r, f in zip(random, found, strict=True)]
            rows.append(_interval_row("improvement", way, t_interval(percent)))
    return rows


def _way_row(kind: str, way: Way, value: float | None, *, seed: int = -1, label: str = "") -> Row:
    finite = value if value is None or np.isfinite(value) else None
    return row(
        kind, finite, method=way.method, setting=way.setting, num_groups=way.num_groups, seed=seed,
        label=label,
    )  # fmt: skip


def _interval_row(kind: str, way: Way, found: Interval, *, i: int = -1, label: str = "") -> Row:
    return row(
        kind, found.mean, method=way.method, setting=way.setting, num_groups=way.num_groups, i=i,
        low=found.low, high=found.high, count=found.count, label=label,
    )  # fmt: skip
