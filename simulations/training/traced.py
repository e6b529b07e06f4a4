"""A whole traced run: options and a seed in, rows out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from simulations.sweep.experiment import Row
from simulations.training.datasets import get_dataset
from simulations.training.datasets.base import Dataset
from simulations.training.determinism import deterministic, torch_stream
from simulations.training.loop import LoopConfig, Streams, TrainingStep, evaluate, train
from simulations.training.measure import Measured, measure
from simulations.training.models import MultiTaskModel, build_mlp
from simulations.training.options import TraceOptions
from simulations.training.progress import tell
from simulations.training.rows import (
    gap_rows,
    measured_rows,
    metric_rows,
    refresh_rows,
    step_rows,
    task_rows,
)
from simulations.training.tasks import Task
from songoku_theory.annealing import AnnealConfig
from songoku_theory.ema import Convention
from songoku_theory.schedule import Phase
from songoku_theory.scheduler import (
    EmaAtRefresh,
    ObserveTasks,
    Probe,
    SchedulerConfig,
    SchedulerState,
)

__all__ = ["prepare", "scheduler_config", "traced_run"]

# Places below the run's seed; the numbers are part of what a stored run means.
_DATA, _INITIAL_WEIGHTS, _TRAIN, _PROBE, _MEASURE = range(5)


def scheduler_config(options: TraceOptions, num_tasks: int) -> SchedulerConfig:
    """Return the scheduler's settings for these options."""
    anneal = None
    if options.warm_up or options.anneal_steps:
        anneal = AnnealConfig(options.tau, options.warm_up, options.anneal_steps)
    return SchedulerConfig(
        num_tasks=num_tasks,
        tau=options.tau,
        beta=options.beta,
        refresh_period=options.refresh_period,
        ema=cast("Convention", options.ema),
        ema_at_refresh=cast("EmaAtRefresh", options.ema_at_refresh),
        observe_tasks=cast("ObserveTasks", options.observe_tasks),
        probe=cast("Probe", options.probe),
        phase=cast("Phase", options.phase),
        anneal=anneal,
        heuristic=options.heuristic,
    )


def prepare(
    options: TraceOptions, seed: np.random.SeedSequence
) -> tuple[Dataset, tuple[Task, ...], MultiTaskModel, Streams]:
    """Read the data, draw the initial weights, and open the streams of sub-batches.

    Parameters
    ----------
    options : TraceOptions
    seed : numpy.random.SeedSequence

    Returns
    -------
    tuple
        Data set, tasks, model, streams.
    """
    dataset = get_dataset(options.dataset)
    tasks = dataset.load(torch_stream(seed, _DATA))
    model = build_mlp(
        tasks[0].train.inputs[0].numel(),
        options.width,
        [task.num_outputs for task in tasks],
        torch_stream(seed, _INITIAL_WEIGHTS),
    )
    streams = Streams(
        train=[torch_stream(seed, _TRAIN, k) for k in range(len(tasks))],
        probe=[torch_stream(seed, _PROBE, k) for k in range(len(tasks))],
    )
    return dataset, tasks, model, streams


def traced_run(options: TraceOptions, seed: np.random.SeedSequence) -> list[Row]:
    """Train once and return everything that was recorded, in long format.

    Parameters
    ----------
    options : TraceOptions
        Checked.
    seed : numpy.random.SeedSequence
        The only source of chance.

    Returns
    -------
    list of Row
        See ``simulations.training.rows`` for the kinds. The same for the same arguments, bit by
        bit, on one machine.

    Raises
    ------
    InvalidInputError
        When the data is not what it should be, or a loss is not finite.
    """
    with deterministic():
        dataset, tasks, model, streams = prepare(options, seed)
        schedule = scheduler_config(options, len(tasks))
        config = LoopConfig(options.steps, options.batch_size, options.lr)
        rows = task_rows(dataset, tasks)
        rows += refresh_rows(schedule, None)
        active = np.zeros((options.steps, len(tasks)), dtype=np.bool_)
        streams_of_noise = [torch_stream(seed, _MEASURE, k) for k in range(len(tasks))]
        last: Measured | None = None
        for step in _with_progress(train(model, tasks, schedule, config, streams), options.steps):
            active[step.index, list(step.active)] = True
            rows += step_rows(step)
            if step.measured is not None:
                rows += refresh_rows(schedule, step.measured)
            state = step.measured
            if _is_due(options, state):
                assert state is not None
                assert state.colors is not None
                colors = [int(color) for color in state.colors]
                found = measure(
                    model,
                    tasks,
                    colors,
                    options.lr,
                    options.batch_size,
                    options.measure_batches,
                    streams_of_noise,
                )
                rows += measured_rows(state.round, state.step, found, colors, last)
                last = found
        rows += gap_rows(active)
        rows += metric_rows("metric", tasks, evaluate(model, tasks, "test"))
        rows += metric_rows("train_metric", tasks, evaluate(model, tasks, "train"))
        return rows


def _is_due(options: TraceOptions, state: SchedulerState | None) -> bool:
    """The first refresh, then every `measure_every`-th after it."""
    if state is None or options.measure_every == 0:
        return False
    return (state.round - 1) % options.measure_every == 0


def _with_progress(steps: Iterator[TrainingStep], total: int) -> Iterator[TrainingStep]:
    for step in steps:
        tell(step.index + 1, total)
        yield step
