"""Which tasks should share a network: affinities, groups, costs, errors and the optimum.

One cell is a whole comparison on one benchmark, over all seeds. Its kinds of rows are listed in
``simulations/training/grouping/rows.py``. ``songoku group`` makes the cell from the stored cells of
``grouping_affinity`` and ``grouping_network``; running it from a sweep trains them all in one go,
with the same rows but for those of seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from simulations.training.benchmarks import available_benchmarks
from simulations.training.grouping.rows import COLUMNS

__all__ = ["EXPERIMENT"]


def _run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    from simulations.training.grouping.whole import whole_study  # torch: only where a cell runs

    return whole_study(params)


EXPERIMENT = Experiment(
    name="grouping",
    version=1,
    doc=(
        "Groups a benchmark's tasks by affinities measured on a training run (transfer gain, TAG, "
        "cosine, higher-order approximation, SON-GOKU's EMA cosines), trains a network for each "
        "group, and compares test errors with all tasks together, single tasks, random groups, "
        "SON-GOKU's schedule and, where every set of tasks was trained, the best of all groupings. "
        "The kinds of rows are listed in simulations/training/grouping/rows.py."
    ),
    params={
        "benchmark": Param(type=str, choices=available_benchmarks(), doc="what is trained"),
        "preset": Param(type=str, default="small", doc="where the settings come from"),
        "settings": Param(
            type=str, doc="JSON: seeds, architecture, data, training, method and grouping options"
        ),
    },
    columns=COLUMNS,
    run=_run,
    statistics=(
        "n = seeds. One seed is one repetition of everything: affinities, groups and networks. A "
        "seed's total is the sum of its tasks' test errors (random groups: mean over draws). Means "
        "have 95% intervals by Student's t over seeds. difference is paired by seed with all tasks "
        "together; p_value is its two-sided paired t test, alpha = 0.05, by Holm's procedure over "
        "all ways with setting '' but together and optimum. Runs of 5.3 and 5.4 have intervals "
        "and no test. optimum is chosen by mean test errors, so it is biased downwards. Seeds "
        "share the data: nothing is said of other data."
    ),
    measures_time=True,
)
