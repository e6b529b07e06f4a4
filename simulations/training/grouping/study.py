"""A comparison on one benchmark: which cells it needs, in which order, and what follows from them.

Nothing here trains or stores: whoever asks says how cells become rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.experiments import get_experiment
from simulations.sweep.cell import Cell, make_cell
from simulations.sweep.experiment import Row, Scalar
from simulations.training.grouping.costs import cost_rows, speedup_rows
from simulations.training.grouping.decide import (
    Decision,
    check_feasible,
    decide,
    decide_hoa,
)
from simulations.training.grouping.judge import enumerated_decisions, judged, whole_decisions
from simulations.training.grouping.networks import Networks
from simulations.training.grouping.options import GroupingOptions
from simulations.training.grouping.rows import number, row, whole
from simulations.training.grouping.verdict import verdict
from simulations.training.run.settings import Settings
from songoku_theory.errors import InvalidInputError
from songoku_theory.storage.codec import canonical_json

__all__ = ["Fetch", "Study", "study_of", "study_rows"]

Fetch = Callable[[str, Sequence[Cell]], list[list[Row]]]
"""From a name for what is done, and cells, to the rows of each cell."""

RANDOM = 17
"""Place below a run's seed from which random groups are drawn."""

_RUN = ("architecture", "options", "data", "training")
_COLLECT = ("interval", "quantity", "measured_on", "validation_examples", "intervals", "sampled")


@dataclass(frozen=True, slots=True)
class Study:
    """What is compared, with every setting.

    Attributes
    ----------
    benchmark, preset : str
    run : mapping
        ``architecture``, ``options`` (of it), ``data``, ``training``.
    son_goku : mapping
        Options of the method son_goku.
    options : GroupingOptions
    """

    benchmark: str
    preset: str
    run: Mapping[str, Any]
    son_goku: Mapping[str, Any]
    options: GroupingOptions

    @classmethod
    def of(cls, params: Mapping[str, Scalar]) -> Study:
        """Return the study of a cell of the experiment ``grouping``."""
        found = json.loads(str(params["settings"]))
        return cls(
            str(params["benchmark"]),
            str(params["preset"]),
            {name: found[name] for name in _RUN},
            found["son_goku"],
            GroupingOptions.of(found["grouping"]),
        )

    def cell(self) -> Cell:
        """Return the cell of the whole."""
        settings = {
            **self.run,
            "son_goku": dict(self.son_goku),
            "grouping": self.options.as_table(),
        }
        params = {
            "benchmark": self.benchmark,
            "preset": self.preset,
            "settings": canonical_json(settings),
        }
        return make_cell(get_experiment("grouping"), params)

    def affinity_cell(self, seed: int) -> Cell:
        """Return the cell of one joint run."""
        table = self.options.as_table()
        settings = {
            **self.run,
            "method": dict(self.son_goku),
            "collect": {name: table[name] for name in _COLLECT},
        }
        params = {
            "benchmark": self.benchmark,
            "seed": seed,
            "settings": canonical_json(settings),
        }
        return make_cell(get_experiment("grouping_affinity"), params)

    def network_cell(self, tasks: Sequence[str], schedule: str, seed: int) -> Cell:
        """Return the cell of one network."""
        method = dict(self.son_goku) if schedule == "son_goku" else {}
        params = {
            "benchmark": self.benchmark,
            "tasks": json.dumps(list(tasks), ensure_ascii=False),
            "schedule": schedule,
            "seed": seed,
            "settings": canonical_json({**self.run, "method": method}),
        }
        return make_cell(get_experiment("grouping_network"), params)


def study_of(settings: Settings, benchmark: str, preset: str, options: GroupingOptions) -> Study:
    """Return a study with a preset's settings, checked as far as nothing has to be read.

    Raises
    ------
    UnknownNameError
        When the benchmark, architecture or an option does not exist.
    InvalidInputError
        When a value is out of range.
    """
    from simulations.training.architectures import get_architecture
    from simulations.training.grouping.collector import CollectOptions
    from simulations.training.methods import get_method
    from simulations.training.run.config import TrainingConfig
    from simulations.training.run.settings import with_data_options

    with_data_options(benchmark, settings.data(benchmark))
    training = settings.training(benchmark)
    _check_intervals(options, TrainingConfig.of(training).steps)
    architecture, given = settings.architecture(benchmark)
    get_architecture(architecture, given)
    son_goku = settings.method(benchmark, "son_goku")
    get_method("son_goku", son_goku)
    CollectOptions(
        options.interval, False, options.quantity, options.measured_on,  # type: ignore[arg-type]
        options.validation_examples,
    )  # fmt: skip
    run = {
        "architecture": architecture,
        "options": given,
        "data": settings.data(benchmark),
        "training": training,
    }
    return Study(benchmark, preset, run, son_goku, options)


def _check_intervals(options: GroupingOptions, steps: int | None) -> None:
    """Refuse intervals as long as the run; of epochs the steps are not known yet."""
    long = sorted({n for n in (options.interval, *options.intervals) if steps and n >= steps})
    if long:
        raise InvalidInputError(
            f"an interval should be less than the run's {steps} steps, or affinities are collected "
            f"at the first of them only; found {', '.join(map(str, long))}."
        )


def study_rows(study: Study, tasks: Sequence[str], fetch: Fetch) -> list[Row]:
    """Return all rows of the experiment ``grouping``.

    Parameters
    ----------
    study : Study
    tasks : sequence of str
        The benchmark's.
    fetch : callable

    Raises
    ------
    InvalidInputError
        When the constraints can't be met; nothing is fetched then.
    """
    options, n = study.options, len(tasks)
    check_feasible(options, tasks)
    seeds = range(options.seeds)
    enumerated = n <= options.enumerate_tasks and not options.overlap
    joint = fetch("affinities", [study.affinity_cell(seed) for seed in seeds])
    networks = Networks(n)
    wanted = set(_first_sets(options, n, enumerated))
    _train(study, tasks, networks, {("uniform", s, g) for s in seeds for g in wanted}, fetch,
           "sets of tasks")  # fmt: skip
    decisions: list[Decision] = []
    for seed in seeds:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(RANDOM,)))
        decisions += whole_decisions(n, seed)
        decisions += decide(options, tasks, seed, gains_of(joint[seed], n), rng)
        if options.hoa:
            decisions += decide_hoa(options, tasks, seed, *networks.pairs(seed))
    needed = {(d.schedule, d.seed, g) for d in decisions for g in d.answer.groups}
    _train(study, tasks, networks, needed, fetch, "groups")
    if enumerated:
        decisions += enumerated_decisions(options, tasks, networks)
    classes = {seed: last for seed in seeds if (last := _last_classes(joint[seed]))}
    rows = _copied(joint)
    rows.append(row("enumerated", float(enumerated)))
    rows += cost_rows(joint, decisions, n) + speedup_rows(joint, options)
    rows += _set_errors(networks)
    rows += judged(options, decisions, networks, classes)
    rows.append(row("verdict", label=verdict(rows)))
    return rows


def _first_sets(options: GroupingOptions, n: int, enumerated: bool) -> Iterable[tuple[int, ...]]:
    """Sets that are wanted whatever the affinities say."""
    sizes = range(1, n + 1) if enumerated else (1, 2) if options.hoa else ()
    for size in sizes:
        yield from combinations(range(n), size)


def _train(
    study: Study, tasks: Sequence[str], networks: Networks,
    wanted: Iterable[tuple[str, int, tuple[int, ...]]], fetch: Fetch, what: str,
) -> None:  # fmt: skip
    # By seed, so that a benchmark is read once for each.
    todo = sorted(set(wanted) - set(networks.held), key=lambda key: (key[1], key[0], key[2]))
    cells = [
        study.network_cell([tasks[i] for i in group], schedule, seed)
        for schedule, seed, group in todo
    ]
    if cells:
        for key, rows in zip(todo, fetch(what, cells), strict=True):
            networks.add(*key, rows)


def gains_of(rows: Iterable[Row], n: int) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return the affinity matrices of a joint run; NaN where a pair was never collected."""
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    for held in rows:
        if held["kind"] == "affinity":
            key = (str(held["method"]), str(held["setting"]))
            matrix = found.setdefault(key, np.full((n, n), np.nan))
            matrix[whole(held["i"]), whole(held["j"])] = number(held["value"])
    return found


def _last_classes(rows: Iterable[Row]) -> list[int]:
    found = [(whole(r["step"]), number(r["value"])) for r in rows if r["kind"] == "class"]
    last = max((step for step, _ in found), default=-1)
    return [int(color) for step, color in found if step == last]


_ONCE = ("provenance", "note", "task_name", "metric", "chance")
_EACH = ("affinity", "class", "operations", "probe")


def _copied(joint: Sequence[Sequence[Row]]) -> list[Row]:
    """The joint runs' rows, with their seeds; what is the same for all of them once."""
    rows: list[Row] = []
    for seed, held in enumerate(joint):
        for r in held:
            kind = str(r["kind"])
            if kind in _EACH or (kind in _ONCE and seed == 0):
                rows.append({**row(kind), **r, "seed": seed if kind in _EACH else -1})
    return rows


def _set_errors(networks: Networks) -> list[Row]:
    names = {"uniform": "together", "son_goku": "son_goku"}
    return [
        row(
            "set_error", float(held.test[i]), method=names[schedule], seed=seed, i=i,
            label=" ".join(map(str, group)),
        )
        for (schedule, seed, group), held in sorted(networks.held.items())
        for i in group
    ]  # fmt: skip
