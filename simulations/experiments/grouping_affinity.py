"""One training run of all tasks together, with every affinity between them collected on the way.

============== ============================================= =====================================
kind           one row for                                   columns that it uses
============== ============================================= =====================================
provenance     the data                                      label: EXACT, NEAR or SYNTH
note           each remark on the data                       label
task_name      each task                                     i, label
metric         each task: its error                          i, label; value 1 where it is 1 - a
                                                             metric of which more is better, else 0
chance         each task: its error without the input        i, value
affinity       each affinity and pair: the gain from i to j  method, setting, i, j, value, count
class          each refresh and task: SON-GOKU's colour      step, i, value
operations     each affinity and kind of operation           method, setting, label, value, count
probe          each task: the gain from all the others at    i, label, value, count
               once: measured, sum, average
seconds        training and collecting, of the clock         label: training or collecting, value
============== ============================================= =====================================

See ``simulations/training/grouping/rows.py`` for their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from simulations.training.benchmarks import available_benchmarks

__all__ = ["EXPERIMENT"]


def _run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    from simulations.training.grouping.affinity_cell import run_affinity  # torch

    return run_affinity(params)


EXPERIMENT = Experiment(
    name="grouping_affinity",
    version=1,
    doc=(
        "Trains all tasks of a benchmark together and collects transfer gains (PTG, Definition 3) "
        "by look-ahead steps of the run's optimiser, TAG's affinities, cosines of gradients and of "
        "smoothed gradients, and SON-GOKU's classes; the run itself is not changed by a bit. "
        "Counts what that costs."
    ),
    params={
        "benchmark": Param(type=str, choices=available_benchmarks(), doc="what is trained"),
        "seed": Param(type=int, low=0, doc="of weights, data order and sampling"),
        "settings": Param(
            type=str, doc="JSON: architecture, data, training and collection options"
        ),
    },
    columns={
        "kind": str,
        "method": str,
        "setting": str,
        "step": int,
        "i": int,
        "j": int,
        "value": float,
        "count": int,
        "label": str,
    },
    run=_run,
    statistics="One run, recorded; no interval and no test. Repeat over seeds to claim anything.",
    measures_time=True,
)
