"""Recovery refresh by refresh, as the scheduler runs: who is observed, and what is carried over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.experiments.phase import PLANTS, planted_tasks
from simulations.generators import PlantedTasks
from simulations.sampling import clopper_pearson
from simulations.sampling.batched_coloring import welsh_powell_batch
from simulations.sampling.gram_law import row_grams
from simulations.sampling.tally import recovered_partitions
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.errors import InvalidInputError

__all__ = ["EXPERIMENT", "gradients_seen"]

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

# Numbers held at once (float64: 8 MiB). Part of the meaning of a seed.
BATCH_NUMBERS = 2**20


def gradients_seen(colors: Counts, start: int, window: int) -> Counts:
    """Count how often each task runs in the steps ``start .. start + window - 1``.

    Step t runs class ``t mod m`` (eq. 11).

    Parameters
    ----------
    colors : ndarray of int, shape (N, K)
        Classes 0..m-1 of each trial; m is one more than the largest.
    start, window : int

    Returns
    -------
    ndarray of int, shape (N, K)

    Examples
    --------
    >>> import numpy as np
    >>> gradients_seen(np.array([[0, 1, 2, 0]]), start=4, window=4).tolist()
    [[1, 2, 1, 1]]
    """
    classes = colors.max(axis=1, keepdims=True) + 1
    first = (colors - start) % classes
    return np.asarray(np.maximum(0, -((first - window) // classes)), dtype=np.int64)


@dataclass(slots=True)
class _Averages:
    """The raw recursion of eq. 8 for every task of every trial, with the sums of its weights."""

    values: Array
    weight: Array
    square: Array

    def clear(self) -> None:
        for part in (self.values, self.weight, self.square):
            part[:] = 0.0

    def take(
        self, count: Counts, beta: float, sigma: float, means: Array, rng: np.random.Generator
    ) -> None:
        """Average so many new gradients of each task; their sum is drawn at once, exactly."""
        kept = np.power(beta, count.astype(np.float64))
        new_square = (1.0 - beta) ** 2 * (1.0 - kept**2) / (1.0 - beta**2)
        self.values *= kept[:, :, None]
        self.values += (1.0 - kept)[:, :, None] * means
        noise = rng.standard_normal(self.values.shape)
        self.values += (sigma * np.sqrt(new_square))[:, :, None] * noise
        self.weight = kept * self.weight + (1.0 - kept)
        self.square = kept**2 * self.square + new_square

    @property
    def n_eff(self) -> Array:
        """Effective sample size of each task's own gradients; 0 without any."""
        seen = self.square > 0
        return np.asarray(
            np.where(seen, self.weight**2 / np.where(seen, self.square, 1.0), 0.0),
            dtype=np.float64,
        )


def _placed(params: Mapping[str, Scalar], rng: np.random.Generator) -> PlantedTasks:
    """The cell's tasks in all their dimensions, turned to a random position."""
    sizes = (int(params["group_size"]),) * int(params["num_groups"])
    plant = PLANTS[str(params["model"])]
    return plant(sizes, int(params["dim"]), float(params["tau"]), float(params["gamma"]), rng=rng)


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: `rounds` refreshes of the scheduler, `trials` times.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row a refresh.

    Raises
    ------
    InvalidInputError
        When such tasks can't exist.
    """
    placement, order, noise = (np.random.default_rng(child) for child in seed.spawn(3))
    planted = _placed(params, placement)
    planted = planted.relabelled(order.permutation(planted.num_tasks))
    rounds, trials = int(params["rounds"]), int(params["trials"])
    totals = np.zeros((rounds, 6))
    per_batch = max(1, BATCH_NUMBERS // planted.means.size)
    for start in range(0, trials, per_batch):
        totals += _batch(params, planted, min(per_batch, trials - start), noise)
    rows: list[Row] = []
    for index, (graph, partition, n_mean, n_least, unseen, classes) in enumerate(totals.tolist()):
        graph_lo, graph_hi = clopper_pearson(round(graph), trials)
        partition_lo, partition_hi = clopper_pearson(round(partition), trials)
        rows.append(
            {
                "round": index + 1,
                "num_tasks": planted.num_tasks,
                "n_eff_mean": n_mean / trials,
                "n_eff_least": n_least / trials,
                "unseen": unseen / trials,
                "classes": classes / trials,
                "graph_exact": round(graph),
                "graph_lo": graph_lo,
                "graph_hi": graph_hi,
                "partition_exact": round(partition),
                "partition_lo": partition_lo,
                "partition_hi": partition_hi,
            }
        )
    return rows


def _batch(
    params: Mapping[str, Scalar], planted: PlantedTasks, trials: int, rng: np.random.Generator
) -> Array:
    """Sums over a batch of trials, shape (rounds, 6): the counts and means of a row."""
    window, beta, sigma = int(params["window"]), float(params["beta"]), float(params["sigma"])
    tasks = planted.num_tasks
    size = (trials, tasks)
    averages = _Averages(np.zeros((*size, planted.dim)), np.zeros(size), np.zeros(size))
    colors = np.zeros(size, dtype=np.int64)  # until the first refresh all tasks are one class
    probe = int(bool(params["probe"]))
    upper = np.triu_indices(tasks, 1)
    truth = planted.graph.adjacency[upper]
    found = np.zeros((int(params["rounds"]), 6))
    for index in range(len(found)):
        if params["ema"] == "reset":
            averages.clear()
        seen = np.full(size, window, dtype=np.int64)
        if params["observe"] == "active":
            seen = gradients_seen(colors, index * window, window)
        averages.take(seen + probe, beta, sigma, planted.means, rng)
        graphs = conflict_adjacency_batch(row_grams(averages.values), planted.tau)
        colors = welsh_powell_batch(graphs)
        n_eff = averages.n_eff
        found[index] = (
            (graphs[:, upper[0], upper[1]] == truth).all(axis=1).sum(),
            recovered_partitions(graphs, planted).sum(),
            n_eff.mean(axis=1).sum(),
            n_eff.min(axis=1).sum(),
            (n_eff == 0).sum(),
            (colors.max(axis=1) + 1).sum(),
        )
    return found


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When there are fewer than two tasks, or no such vectors.
    """
    tasks = int(params["num_groups"]) * int(params["group_size"])
    if tasks < 2:
        raise InvalidInputError("recovery needs at least two tasks; found 1.")
    planted_tasks(params)


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {name: param.default for name, param in EXPERIMENT.params.items()}
    >>> cost({**base, "rounds": 8}) > 1.5 * cost({**base, "rounds": 4})
    True
    """
    tasks = int(params["num_groups"]) * int(params["group_size"])
    a_round = int(params["trials"]) * tasks * (3e-8 * int(params["dim"]) + 1.5e-7 * tasks)
    return 2e-3 + a_round * int(params["rounds"])


EXPERIMENT = Experiment(
    name="recovery_rounds",
    version=1,
    doc=(
        "The scheduler's own loop on planted tasks that stand still: in the first window all tasks "
        "run, then the classes of the last refresh take turns. Averages are reset at a refresh or "
        "carried over, and see every task's gradient or those of the active class only (Algorithm "
        "1, line 17), so that a task's effective sample size is its own. A window's gradients are "
        "averaged in one exact draw, whatever R is (Gaussian noise)."
    ),
    params={
        "model": Param(
            type=str,
            default="multipartite",
            choices=tuple(PLANTS),
            doc="model of Definition B.2; component: two conflicting camps in each group",
        ),
        "num_groups": Param(type=int, default=3, low=1, doc="m, groups"),
        "group_size": Param(type=int, default=4, low=1, doc="tasks in each group"),
        "dim": Param(type=int, default=64, low=1, doc="d, shared parameters"),
        "tau": Param(type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold"),
        "gamma": Param(
            type=float, default=0.15, low=0, low_open=True, high=1, high_open=True, doc="margin"
        ),
        "sigma": Param(
            type=float,
            default=0.25,
            low=0,
            low_open=True,
            doc="standard deviation of a coordinate of one gradient's noise; means have length 1",
        ),
        "window": Param(type=int, default=32, low=1, doc="R, steps from refresh to refresh"),
        "beta": Param(type=float, default=0.97, low=0, high=1, high_open=True, doc="EMA parameter"),
        "ema": Param(
            type=str,
            default="reset",
            choices=("reset", "carried"),
            doc="reset: averages start anew at each refresh; carried: they go on",
        ),
        "observe": Param(
            type=str,
            default="all",
            choices=("all", "active"),
            doc="all: every task's gradient at each step; active: those of the class that runs",
        ),
        "probe": Param(
            type=bool,
            default=False,
            doc="one more gradient of every task at each refresh (Algorithm 1, line 21)",
        ),
        "rounds": Param(type=int, default=6, low=1, doc="refreshes"),
        "trials": Param(type=int, default=1000, low=1, doc="independent repetitions in a cell"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "round": int,
        "num_tasks": int,
        "n_eff_mean": float,
        "n_eff_least": float,
        "unseen": float,
        "classes": float,
        "graph_exact": int,
        "graph_lo": float,
        "graph_hi": float,
        "partition_exact": int,
        "partition_lo": float,
        "partition_hi": float,
    },
    run=run,
    statistics=(
        "n = trials independent runs a cell; the rows of a cell are the refreshes of the same runs "
        "and are dependent. graph_exact and partition_exact are counts with exact binomial "
        "(Clopper-Pearson) 95% intervals (alpha = 0.05), each for its own row. n_eff_mean and "
        "n_eff_least are the mean and the least over the tasks of their own effective sample "
        "sizes, unseen the tasks without any gradient, classes the colours: means over trials."
    ),
    cost=cost,
    check=check,
)
