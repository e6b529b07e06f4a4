"""One network for a set of tasks, as a cell."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from simulations.sweep.experiment import Row, Scalar
from simulations.training.architectures import get_architecture
from simulations.training.benchmarks.base import BenchmarkTask, Loaded, Metric
from simulations.training.determinism import deterministic
from simulations.training.grouping.subset import TaskSubset
from simulations.training.methods import get_method
from simulations.training.methods.base import Method
from simulations.training.run.config import TrainingConfig
from simulations.training.run.evaluate import evaluate, measure_statistics
from simulations.training.run.trainer import Trainer
from simulations.training.table.cells import DATA_ROOT, load_benchmark

__all__ = ["chance_error", "error_of", "loaded_for", "run_network", "trainer_for"]


def error_of(metric: Metric, value: float) -> float:
    """Return a metric's value so that less is better: itself, or 1 - it.

    Examples
    --------
    >>> error_of(Metric("accuracy", True, lambda y, t: 0.0), 0.75)
    0.25
    """
    return 1.0 - value if metric.higher_is_better else value


def chance_error(task: BenchmarkTask) -> float:
    """Return a task's error without looking at the input."""
    return error_of(task.metrics[0], task.chance)


def loaded_for(params: Mapping[str, Scalar], settings: Mapping[str, Any]) -> Loaded:
    """Return the benchmark as a cell's seed draws it."""
    root = Path(os.environ.get(DATA_ROOT, "data"))
    return load_benchmark(root, str(params["benchmark"]), settings["data"], int(params["seed"]))


def trainer_for(loaded: Loaded, method: Method, settings: Mapping[str, Any], seed: int) -> Trainer:
    """Return a run on the CPU."""
    architecture = get_architecture(settings["architecture"], settings["options"])
    config = TrainingConfig.of(settings["training"])
    return Trainer(loaded, method, architecture, config, seed, torch.device("cpu"))


def run_network(params: Mapping[str, Scalar]) -> list[Row]:
    """Train one network and return its rows; see the experiment ``grouping_network``.

    Raises
    ------
    DivergedError
        When a loss or gradient is not finite.
    """
    settings = json.loads(str(params["settings"]))
    tasks: Sequence[str] = json.loads(str(params["tasks"]))
    with deterministic():
        loaded = loaded_for(params, settings)
        inner = get_method(str(params["schedule"]), settings["method"])
        trainer = trainer_for(
            loaded, TaskSubset(tuple(tasks), inner), settings, int(params["seed"])
        )
        losses: dict[str, list[float]] = {task: [] for task in tasks}
        while trainer.steps < trainer.total:
            for task, loss in trainer.step().losses.items():
                losses[task].append(loss)
        measure_statistics(trainer.network, trainer.data, trainer.plan.tasks)
        return _rows(trainer, losses)


def _rows(trainer: Trainer, losses: Mapping[str, list[float]]) -> list[Row]:
    names = [task.name for task in trainer.loaded.tasks]
    chosen, config = trainer.plan.tasks, trainer.config
    rows: list[Row] = []
    for split in ("validation", "test"):
        # At most as many examples of either: the choice among groups needs no more than the table.
        scores = evaluate(trainer.network, trainer.data, chosen, split, config.test_examples)
        for task in chosen:
            metric = trainer.data.task(task).metrics[0]
            value = error_of(metric, scores[task][metric.name])
            rows.append(_row("error", names.index(task), value, split, metric.name))
    for task in chosen:
        window = losses[task][-config.log_every :]
        rows.append(_row("loss", names.index(task), sum(window) / max(1, len(window))))
    work = trainer.work
    for name, amount in (
        ("forwards", work.forwards),
        ("backwards", work.backwards),
        ("steps", trainer.steps),
    ):
        rows.append(_row("work", -1, float(amount), label=name))
    return rows


def _row(
    kind: str, i: int, value: float, split: str = "", metric: str = "", label: str = ""
) -> Row:
    return {"kind": kind, "i": i, "split": split, "metric": metric, "value": value, "label": label}
