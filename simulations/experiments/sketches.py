"""What sketches of the gradients cost and what they get wrong (appendix D.5)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulations.generators.checks import check_whole
from simulations.sketches.drifting import incremental
from simulations.sketches.others import frequent_directions, representatives, sampled
from simulations.sketches.projections import gaussian, sparse
from simulations.sketches.settings import Settings, planted
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory.bounds.complexity import gram_operations
from songoku_theory.errors import InvalidInputError

__all__ = ["EXPERIMENT"]

METHODS = (
    "gaussian",
    "sparse",
    "fd_rows",
    "fd_columns",
    "sampled",
    "sampled_classes",
    "sampled_bounds",
    "representatives",
    "incremental",
    "incremental_paper",
)


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: the same averages, once with the exact Gram matrix and once with the sketch.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row.

    Raises
    ------
    InvalidInputError
        When such tasks can't exist.
    """
    settings = Settings.of(params)
    place, noise, own = (np.random.default_rng(child) for child in seed.spawn(3))
    recomputed = 1.0
    if settings.method == "gaussian":
        judge = gaussian(settings, place, noise, own)
    elif settings.method == "sparse":
        judge = sparse(settings, place, noise, own)
    elif settings.method.startswith("fd"):
        judge = frequent_directions(settings, place, noise)
    elif settings.method.startswith("sampled"):
        judge = sampled(settings, place, noise, own)
    elif settings.method == "representatives":
        judge = representatives(settings, place, noise)
    else:
        judge, recomputed = incremental(settings, place, noise)
    exact = gram_operations(settings.num_tasks, settings.dim)
    row = judge.row(settings.num_tasks, exact, settings.num_tasks * settings.dim)
    return [row | {"recomputed": recomputed}]


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When there are fewer than two tasks, no vectors with the wanted cosines, or a projection
        of size 1.
    """
    settings = Settings.of(params)
    check_whole("num_groups x group_size", settings.num_tasks, 2, "a pair needs two tasks")
    if settings.method in ("gaussian", "sparse") and settings.size < 2:
        raise InvalidInputError("size should be at least 2: of single numbers all cosines are +-1.")
    planted(settings, min(settings.dim, settings.num_tasks), np.random.default_rng(0))


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {name: param.default for name, param in EXPERIMENT.params.items()}
    >>> cost(base) < cost({**base, "method": "sparse"})
    True
    """
    settings = Settings.of(params)
    numbers = settings.num_tasks * settings.dim
    a_trial = 3e-4 + 2e-7 * settings.num_tasks**2
    if settings.method == "gaussian":
        return 0.15 + settings.trials * a_trial
    a_trial += 2e-8 * numbers
    if settings.method == "sparse":
        a_trial += 8e-8 * numbers
    elif settings.method == "fd_columns":
        a_trial += 2e-4 * settings.dim / settings.size
    elif settings.method.startswith("incremental"):
        a_trial *= 0.5 * settings.refreshes
    return 2e-3 + settings.trials * a_trial


_INTERVALS = ("graph_same", "colors_same", "partition_exact", "partition_exact_full")

EXPERIMENT = Experiment(
    name="sketches",
    version=1,
    doc=(
        "Build the conflict graph of the same noisy averages twice, from the exact Gram matrix and "
        "from a sketch of appendix D.5 (random projection, Frequent Directions on rows or columns, "
        "sampled pairs with and without refinement, representatives, incremental updates), and "
        "count what differs: cosines, edges, colours, groups; multiply-adds and numbers held. "
        "Cells that differ in the sketch alone see the same averages (the Gaussian projection, "
        "drawn by its law, sees others)."
    ),
    params={
        "method": Param(
            type=str,
            default="gaussian",
            choices=METHODS,
            doc="the sketch; incremental_paper compares rows with the last refresh, as D.5.4 does",
        ),
        "size": Param(
            type=int, default=64, low=1, doc="r of a projection, l of Frequent Directions"
        ),
        "pair_factor": Param(
            type=float,
            default=1.0,
            low=0,
            low_open=True,
            doc="c: sampled methods look at c K ln K pairs first",
        ),
        "threshold": Param(
            type=float,
            default=0.1,
            low=0,
            high=1,
            doc="eta: incremental methods recompute rows that moved by more than this share",
        ),
        "rebuild_every": Param(
            type=int, default=0, low=0, doc="refreshes between full rebuilds; 0: never"
        ),
        "model": Param(
            type=str,
            default="multipartite",
            choices=("multipartite", "component"),
            doc="model of Definition B.2; component: two conflicting camps in each group",
        ),
        "num_groups": Param(type=int, default=3, low=1, doc="m, groups"),
        "group_size": Param(type=int, default=8, low=1, doc="tasks in each group"),
        "dim": Param(type=int, default=1024, low=1, doc="d, shared parameters"),
        "tau": Param(type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold"),
        "gamma": Param(
            type=float, default=0.15, low=0, low_open=True, high=1, high_open=True, doc="margin"
        ),
        "noise_energy": Param(
            type=float,
            default=0.1,
            low=0,
            doc="s^2 d / m_0^2: an average's squared noise over its squared mean (m_0 is 1)",
        ),
        "window": Param(
            type=int, default=32, low=1, doc="R, steps between refreshes; incremental methods only"
        ),
        "beta": Param(
            type=float,
            default=0.99,
            low=0,
            high=1,
            high_open=True,
            doc="EMA parameter, carried over refreshes; incremental methods only",
        ),
        "drift": Param(
            type=float,
            default=0.0,
            low=0,
            doc="radians a mean turns in a refresh, in a plane of its own; incremental only",
        ),
        "refreshes": Param(
            type=int, default=24, low=1, doc="refreshes in a trial; incremental methods only"
        ),
        "trials": Param(type=int, default=200, low=2, doc="independent repetitions in a cell"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "num_tasks": int,
        **{f"{name}{end}": kind for name in _INTERVALS
           for end, kind in (("", int), ("_lo", float), ("_hi", float))},
        "proper": int,
        "flips": float,
        "flips_lo": float,
        "flips_hi": float,
        "expected_flips": float,
        "false_edges": float,
        "missed_edges": float,
        "max_error_mean": float,
        "max_error_max": float,
        "bound": float,
        "bound_broken": int,
        "paper_bound": float,
        "paper_bound_broken": int,
        "operations": float,
        "exact_operations": int,
        "held": int,
        "exact_held": int,
        "recomputed": float,
    },
    run=run,
    statistics=(
        "n = trials independent repetitions a cell. graph_same (the sketch's graph is the exact "
        "Gram matrix's), colors_same (so are Welsh-Powell's classes), partition_exact (they are "
        "the planted groups) and partition_exact_full (the exact Gram matrix's classes are) are "
        "counts with exact binomial (Clopper-Pearson) intervals _lo, _hi of coverage >= 95% "
        "(alpha = 0.05) for their own cell, not adjusted for the number of cells. A trial of an "
        "incremental method counts if it is so at every refresh. flips is the mean number of "
        "edges too many and too few (a refresh), with a 95% interval by Student's t over trials "
        "(approximate: rare flips come in bunches). "
        "proper, bound_broken and paper_bound_broken are counts of trials. The largest cosine "
        "error of a trial has its mean and maximum over trials. bound: for gaussian the union "
        "bound's at probability 95%, otherwise certain. operations are multiply-adds, mean over "
        "trials."
    ),
    cost=cost,
    check=check,
    seed_axes=(
        "model",
        "num_groups",
        "group_size",
        "dim",
        "tau",
        "gamma",
        "noise_energy",
        "replicate",
    ),
)  # fmt: skip
