"""One training run of all tasks together, with affinities collected, as a cell."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from simulations.sweep.experiment import Row, Scalar
from simulations.training.benchmarks.base import BenchmarkTask
from simulations.training.determinism import deterministic
from simulations.training.grouping.affinities import (
    Affinity,
    GroupWatch,
    affinities,
    probes,
)
from simulations.training.grouping.collector import (
    Collected,
    CollectOptions,
    Collector,
    draw_tasks,
)
from simulations.training.grouping.network_cell import chance_error, loaded_for, trainer_for
from simulations.training.methods import get_method
from simulations.training.methods.base import Setting
from simulations.training.methods.scheduled import SonGoku
from simulations.training.run.trainer import Trainer

__all__ = ["SAMPLING", "run_affinity"]

SAMPLING = 16
"""Place below a run's seed from which sampled collection draws; the run's own are 0 to 3."""

_OPERATIONS = ("forward", "backward", "parameter", "trunk")


def run_affinity(params: Mapping[str, Scalar]) -> list[Row]:
    """Train and collect; see the experiment ``grouping_affinity``.

    Raises
    ------
    InvalidInputError
        When there is one task, or a loss is not > 0.
    DivergedError
        When a loss or gradient is not finite.
    """
    settings = json.loads(str(params["settings"]))
    seed = int(params["seed"])
    with deterministic():
        loaded = loaded_for(params, settings)
        trainer = trainer_for(loaded, get_method("uniform"), settings, seed)
        collect = settings["collect"]
        known = {f.name for f in fields(CollectOptions)}
        options = CollectOptions(**{k: v for k, v in collect.items() if k in known})
        run = _Run(trainer, options, seed, SonGoku(**settings["method"]))
        run.to_the_end()
        rows = _task_rows(trainer)
        rows += run.rows(collect["intervals"], collect["sampled"])
    return rows


class _Run:
    """A run under way, and what it gave so far."""

    def __init__(
        self, trainer: Trainer, options: CollectOptions, seed: int, son_goku: SonGoku
    ) -> None:
        self.trainer, self.options = trainer, options
        self._sampling = np.random.SeedSequence(seed, spawn_key=(SAMPLING,))
        self.collector = Collector(trainer, options, np.random.default_rng(self._sampling))
        self.collections = -(-trainer.total // options.interval)
        tasks = trainer.plan.tasks
        setting = Setting(
            tasks, ("main",) * len(tasks), self.collections, trainer.data.steps_per_epoch, seed
        )
        self.watch = GroupWatch(son_goku, setting)
        self.steps: list[Collected] = []
        self.seconds = {"training": 0.0, "collecting": 0.0}

    def to_the_end(self) -> None:
        while self.trainer.steps < self.trainer.total:
            if self.collector.due():
                start = time.perf_counter()
                found, vectors = self.collector.collect()
                self.watch.observe(found.step, vectors.numpy(), found.drawn)
                self.steps.append(found)
                self.seconds["collecting"] += time.perf_counter() - start
            start = time.perf_counter()
            self.trainer.step()
            self.seconds["training"] += time.perf_counter() - start

    def rows(self, intervals: Sequence[int], sampled: bool) -> list[Row]:
        """Return everything, and what lazy and sampled collection would have given.

        As collecting changes nothing, those are what it gave at fewer steps or tasks.
        """
        more = self._more_is_better()
        found = affinities(self.steps, more) | {"ema_cosine": self.watch.affinity()}
        rows = [r for name, held in found.items() for r in _affinity_rows(name, held)]
        for interval in intervals:
            kept = [s for s in self.steps if s.step % interval == 0]
            rows += _affinity_rows("ptg", affinities(kept, more)["ptg"], f"interval={interval}")
            rows += self._lazy_operations(interval, len(kept))
        if sampled and not self.options.sampling:
            rng = np.random.default_rng(self._sampling)
            kept = [masked(s, draw_tasks(rng, len(s.alone))) for s in self.steps]
            rows += _affinity_rows("ptg_sampled", affinities(kept, more)["ptg"])
            rows += _operation_rows("ptg_sampled", _sampled_operations(kept), len(kept))
        for name, amounts in self._operations().items():
            rows += _operation_rows(name, amounts, len(self.steps))
        n, steps = len(self.collector.tasks), self.trainer.total
        # All tasks' losses and gradients at each step; one backward pass serves them all.
        rows += _operation_rows("training", (steps * n, steps * n, steps), steps)
        for label, values in probes(self.steps, more).items():
            rows += [_row("probe", float(v), i=i, label=label) for i, v in enumerate(values)]
        for held in self.watch.classes:
            rows += [
                _row("class", float(c), step=held.step, i=i) for i, c in enumerate(held.colors)
            ]
        return rows + [_row("seconds", v, label=name) for name, v in self.seconds.items()]

    def _more_is_better(self) -> list[bool]:
        if self.options.quantity == "loss":
            return [False] * len(self.collector.tasks)
        data = self.trainer.data
        return [data.task(t).metrics[0].higher_is_better for t in self.collector.tasks]

    def _operations(self) -> dict[str, tuple[int, int, int, int]]:
        found = self.collector.operations
        forward, backward, parameter, trunk = found["cosine"]
        averages = sum(len(s.drawn) for s in self.steps)
        return found | {"ema_cosine": (forward, backward, parameter + averages, trunk)}

    def _lazy_operations(self, interval: int, collected: int) -> list[Row]:
        per_step = [amount / len(self.steps) for amount in self.collector.operations["ptg"]]
        amounts = [amount * collected for amount in per_step]
        return _operation_rows("ptg", amounts, collected, f"interval={interval}")


def masked(step: Collected, drawn: tuple[int, ...]) -> Collected:
    """Return what a step would have given if it had collected among some tasks only."""
    kept = np.zeros(len(step.alone), dtype=bool)
    kept[list(drawn)] = True
    pairs = kept[:, None] & kept[None, :]
    return Collected(
        step.step,
        np.where(kept, step.before, np.nan),
        np.where(kept, step.alone, np.nan),
        np.where(pairs, step.joint, np.nan),
        np.where(pairs, step.after, np.nan),
        np.full_like(step.together, np.nan),
        np.where(pairs, step.gram, np.nan),
        drawn,
    )


def _sampled_operations(steps: Sequence[Collected]) -> list[float]:
    """Count as `Collector` does for transfer gains among t of n tasks."""
    sizes = [len(step.drawn) for step in steps]
    return [sum(t + t * t for t in sizes), sum(sizes), sum(t * (t + 1) // 2 for t in sizes)]


def _task_rows(trainer: Trainer) -> list[Row]:
    tasks: Sequence[BenchmarkTask] = trainer.loaded.tasks
    rows = [_row("provenance", label=trainer.loaded.provenance.value)]
    rows += [_row("note", label=note) for note in trainer.loaded.notes]
    for i, task in enumerate(tasks):
        metric = task.metrics[0]
        rows.append(_row("task_name", i=i, label=task.name))
        rows.append(_row("metric", float(metric.higher_is_better), i=i, label=metric.name))
        rows.append(_row("chance", chance_error(task), i=i))
    return rows


def _affinity_rows(name: str, found: Affinity, setting: str = "") -> list[Row]:
    n = len(found.gains)
    return [
        _row(
            "affinity", float(found.gains[i, j]), method=name, setting=setting, i=i, j=j,
            count=int(found.counts[i, j]),
        )
        for i in range(n)
        for j in range(n)
        if np.isfinite(found.gains[i, j])
    ]  # fmt: skip


def _operation_rows(
    name: str, amounts: Sequence[float], collected: int, setting: str = ""
) -> list[Row]:
    return [
        _row(
            "operations", float(amount), method=name, setting=setting, label=label, count=collected
        )
        for label, amount in zip(_OPERATIONS, amounts, strict=False)
    ]


def _row(
    kind: str,
    value: float | None = None,
    *,
    method: str = "",
    setting: str = "",
    step: int = -1,
    i: int = -1,
    j: int = -1,
    count: int = -1,
    label: str = "",
) -> Row:
    return {
        "kind": kind,
        "method": method,
        "setting": setting,
        "step": step,
        "i": i,
        "j": j,
        "value": value,
        "count": count,
        "label": label,
    }
