"""One training run on real data with the reference scheduler, recorded step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from simulations.training.datasets import available_datasets
from simulations.training.options import CHOICES, DOCS, TraceOptions
from simulations.training.rows import COLUMNS

__all__ = ["EXPERIMENT", "options_of"]


def options_of(params: Mapping[str, Scalar]) -> TraceOptions:
    """Return a cell's params as options, checked.

    Raises
    ------
    InvalidInputError
        When one of them is out of range.
    """
    found: dict[str, Any] = {field.name: params[field.name] for field in fields(TraceOptions)}
    return TraceOptions(**found).check()


def _check(params: Mapping[str, Scalar]) -> None:
    options_of(params)


def _run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    from simulations.training.traced import traced_run  # torch: only where a cell runs

    return traced_run(options_of(params), seed)


def _cost(params: Mapping[str, Scalar]) -> float:
    return float(params["steps"])


_CHOICES: dict[str, tuple[Scalar, ...]] = {**CHOICES, "dataset": available_datasets()}

EXPERIMENT = Experiment(
    name="trace",
    version=2,
    doc=(
        "Trains a small network with several tasks on a real data set, the reference scheduler "
        "choosing the class of tasks at each step; records EMA cosines, conflict graph, classes "
        "and threshold at each refresh, population gradients, noise, curvature and gain at some "
        "of them, active tasks and losses at each step, gaps and metrics at the end. The kinds of "
        "rows are listed in simulations/training/rows.py."
    ),
    params={
        name: Param(type=type(default), default=default, choices=_CHOICES.get(name), doc=DOCS[name])
        for name, default in TraceOptions().as_params().items()
    },
    columns=COLUMNS,
    run=_run,
    statistics="One run, recorded; no interval and no test. Repeat over seeds to claim anything.",
    cost=_cost,
    seed_axes=("dataset", "seed"),
    check=_check,
)
