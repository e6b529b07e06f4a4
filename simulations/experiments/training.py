"""One training run of a benchmark with a method and a seed: a cell of Table 1."""

from __future__ import annotations

from simulations.sweep.experiment import Experiment
from simulations.training.run.stored import COLUMNS
from simulations.training.table.cells import PARAMS, check, cost, run_training

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="training",
    version=1,
    doc=(
        "Trains a network on one of the papers' benchmarks with one method and one seed, and "
        "records scores, losses, classes and work. 'songoku table1' plans these cells: it tunes "
        "each method first (experiment 'tuning'), and prints the table. Initial weights, order of "
        "data and subset follow from the param 'seed' alone, so runs of different methods with the "
        "same seed are pairs. The kinds of rows are listed in simulations/training/run/stored.py."
    ),
    params=PARAMS,
    columns=COLUMNS,
    run=run_training,
    statistics=(
        "One run, recorded; no interval and no test of its own. 'songoku table1': means over "
        "seeds with 95 % t intervals; paired t tests against Uniform of the same seeds, corrected "
        "by Holm's procedure over all comparisons of a benchmark, alpha = 0.05."
    ),
    cost=cost,
    check=check,
    measures_time=True,
)
