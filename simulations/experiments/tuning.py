"""One candidate of a method's settings, trained for a share of the steps: how Table 1 is tuned."""

from __future__ import annotations

from simulations.sweep.experiment import Experiment
from simulations.training.run.stored import COLUMNS
from simulations.training.table.cells import PARAMS, check, cost, run_tuning

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="tuning",
    version=1,
    doc=(
        "Trains one candidate of a method's settings, as the experiment 'training' does, with a "
        "seed that the table does not use and for a share of its steps. Its rows hold no test "
        "scores, so nothing can be selected by them. 'songoku table1' plans these cells: as many "
        "for each method, chosen from by validation scores alone."
    ),
    params=PARAMS,
    columns=COLUMNS,
    run=run_tuning,
    statistics=(
        "One run each; the candidate with the largest mean relative gain in the main tasks' first "
        "validation metric is chosen. No test is made of these scores."
    ),
    cost=cost,
    check=check,
    measures_time=True,
)
