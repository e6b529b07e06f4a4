"""One network for one set of a benchmark's tasks: its errors at the end.

============== ============================================= =====================================
kind           one row for                                   columns that it uses
============== ============================================= =====================================
error          each task and split: 1 - the task's first     i, split, metric, value
               metric, or the metric, so that less is better
loss           each task: mean over the last training steps  i, value
work           forwards, backwards, steps                    label, value
============== ============================================= =====================================

`i` counts all tasks of the benchmark, not those of the set. Two cells with one seed start from the
same weights of the trunk and see the same batches, whatever their sets.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from simulations.training.benchmarks import available_benchmarks

__all__ = ["EXPERIMENT"]


def _run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    from simulations.training.grouping.network_cell import run_network  # torch

    return run_network(params)


EXPERIMENT = Experiment(
    name="grouping_network",
    version=1,
    doc=(
        "Trains one network for a set of a benchmark's tasks, by the sum of their losses or by "
        "SON-GOKU's schedule; records each task's error on validation and test examples."
    ),
    params={
        "benchmark": Param(type=str, choices=available_benchmarks(), doc="what is trained"),
        "tasks": Param(type=str, doc="JSON list of task names, in the benchmark's order"),
        "schedule": Param(
            type=str, default="uniform", choices=("uniform", "son_goku"), doc="who runs when"
        ),
        "seed": Param(type=int, low=0, doc="of weights and data order"),
        "settings": Param(type=str, doc="JSON: architecture, data, training and method options"),
    },
    columns={
        "kind": str,
        "i": int,
        "split": str,
        "metric": str,
        "value": float,
        "label": str,
    },
    run=_run,
    statistics="One run; no interval and no test. Repeat over seeds to claim anything.",
)
