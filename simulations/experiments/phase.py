"""The phase transition in d: where the noise energy of an average hides edges at the margin."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulations.experiments._on_device import grid_counter
from simulations.generators import PlantedTasks, plant_component, plant_multipartite
from simulations.generators.noise import GaussianNoise
from simulations.sampling import GramLaw, clopper_pearson, ema_gram_law, noise_energy_law
from simulations.sampling.grid import GridCounts
from simulations.sweep.device import DEVICE, device_param
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory._numba import accelerated
from songoku_theory.bounds import critical_noise_ratio, dimension_aware_failure, edge_score
from songoku_theory.ema import ema_weights, n_eff
from songoku_theory.errors import InvalidInputError

__all__ = ["EXPERIMENT", "PLANTS", "noise_scales", "planted_tasks"]

PLANTS: dict[str, Callable[..., PlantedTasks]] = {
    "multipartite": plant_multipartite,
    "component": plant_component,
}


def _num_tasks(params: Mapping[str, Scalar]) -> int:
    return int(params["num_groups"]) * int(params["group_size"])


def planted_tasks(params: Mapping[str, Scalar]) -> PlantedTasks:
    """Plant a cell's tasks in at most K coordinates, which hold the means of any d.

    Isotropic noise looks the same from everywhere, so a law needs no more. Cells of a sweep share
    a few geometries; each is planted once.

    Raises
    ------
    InvalidInputError
        When such tasks can't exist.
    """
    return _plant(
        str(params["model"]),
        (int(params["group_size"]),) * int(params["num_groups"]),
        min(int(params["dim"]), _num_tasks(params)),
        float(params["tau"]),
        float(params["gamma"]),
    )


@cache
def _plant(model: str, sizes: tuple[int, ...], room: int, tau: float, gamma: float) -> PlantedTasks:
    return PLANTS[model](sizes, room, tau, gamma)


def noise_scales(params: Mapping[str, Scalar]) -> NDArray[np.float64]:
    """Return s at each point: lambda = s^2 d from `low` to `high` times gamma / tau, in ratio."""
    critical = critical_noise_ratio(float(params["tau"]), float(params["gamma"]))
    ratios = np.geomspace(float(params["low"]), float(params["high"]), int(params["points"]))
    return np.asarray(np.sqrt(ratios * critical / int(params["dim"])), dtype=np.float64)


def _counts(
    params: Mapping[str, Scalar],
    planted: PlantedTasks,
    scales: NDArray[np.float64],
    rng: np.random.Generator,
) -> GridCounts:
    dim, tau, trials = int(params["dim"]), float(params["tau"]), int(params["trials"])
    weights = ema_weights(int(params["window"]), float(params["beta"]))
    law = ema_gram_law(GaussianNoise(1.0), planted.means, weights, dim)
    assert isinstance(law, GramLaw)
    debias = noise_energy_law(weights, dim) if params["cosine"] == "debiased" else None
    count = grid_counter(params, rng)
    if params["random_numbers"] == "common":
        return count(law, planted, scales, [tau], trials, debias)
    each = [count(law, planted, [s], [tau], trials, debias) for s in scales.tolist()]
    return GridCounts(
        trials,
        np.concatenate([found.graph_exact for found in each], axis=1),
        np.concatenate([found.edge_kept for found in each], axis=1),
    )


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: one row for each noise energy.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict

    Raises
    ------
    InvalidInputError
        When such tasks can't exist.
    """
    planted, scales = planted_tasks(params), noise_scales(params)
    found = _counts(params, planted, scales, np.random.default_rng(seed))
    effective = float(n_eff(int(params["window"]), float(params["beta"])))
    dim, tau, gamma = int(params["dim"]), float(params["tau"]), float(params["gamma"])
    weakest = float(planted.cosines[planted.graph.adjacency].max())
    rows: list[Row] = []
    for place, scale in enumerate(scales.tolist()):
        graph, edge = int(found.graph_exact[0, place]), int(found.edge_kept[0, place])
        graph_lo, graph_hi = clopper_pearson(graph, found.trials)
        edge_lo, edge_hi = clopper_pearson(edge, found.trials)
        failure = dimension_aware_failure(scale, dim, tau, planted.margin, planted.num_tasks)
        rows.append(
            {
                "noise_energy": scale**2 * dim,
                "relative_energy": scale**2 * dim * tau / gamma,
                "noise_scale": scale,
                "sigma": scale * math.sqrt(effective),
                "n_eff": effective,
                "num_tasks": planted.num_tasks,
                "num_edges": len(planted.graph.edges()),
                "edge_score": float(edge_score(scale, dim, tau, -tau - weakest)),
                "graph_exact": graph,
                "graph_lo": graph_lo,
                "graph_hi": graph_hi,
                "edge_kept": edge,
                "edge_lo": edge_lo,
                "edge_hi": edge_hi,
                "sharper_failure": failure if params["cosine"] == "plain" else None,
            }
        )
    return rows


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When there is no edge, no critical energy (tau = 0), or no such vectors.
    """
    if int(params["num_groups"]) < 2 and params["model"] == "multipartite":
        raise InvalidInputError("without two groups there is no edge to lose: num_groups >= 2.")
    if float(params["tau"]) == 0:
        raise InvalidInputError(
            "tau = 0 has no phase transition: noise shrinks a cosine but keeps its sign. tau > 0."
        )
    if float(params["low"]) >= float(params["high"]):
        raise InvalidInputError(
            f"low should be smaller than high; found {params['low']} and {params['high']}."
        )
    if not planted_tasks(params).graph.edges():
        raise InvalidInputError("these groups have no edge to lose; use larger groups.")


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {name: param.default for name, param in EXPERIMENT.params.items()}
    >>> cost({**base, "random_numbers": "independent"}) > cost(base)
    True
    """
    pairs, trials = _num_tasks(params) ** 2, int(params["trials"])
    draws = 1 if params["random_numbers"] == "common" else int(params["points"])
    pair = 1.2e-8 if accelerated() else 2e-6
    seconds = 3e-3 + pair * trials * pairs * draws
    if params["cosine"] == "debiased":
        seconds += 2e-8 * trials * _num_tasks(params) * int(params["window"]) * draws
    return seconds


EXPERIMENT = Experiment(
    name="phase",
    version=2,
    doc=(
        "Noise of energy lambda = s^2 d / m_0^2 in an average shrinks every population cosine C to "
        "C / (1 + lambda), so an edge at the margin is lost from lambda = gamma / tau on. A cell "
        "crosses that point on a grid of lambda, by the exact law, with the plain or the debiased "
        "cosine. With device = cuda the draws are made and judged in batches on a GPU."
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
        "dim": Param(type=int, default=1024, low=1, doc="d, shared parameters"),
        "tau": Param(type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold"),
        "gamma": Param(
            type=float, default=0.15, low=0, low_open=True, high=1, high_open=True, doc="margin"
        ),
        "low": Param(
            type=float, default=0.05, low=0, low_open=True, doc="least lambda over gamma / tau"
        ),
        "high": Param(
            type=float, default=5.0, low=0, low_open=True, doc="largest lambda over gamma / tau"
        ),
        "points": Param(type=int, default=64, low=2, doc="values of lambda, in equal ratios"),
        "window": Param(
            type=int,
            default=32,
            low=1,
            doc="R, gradients averaged; with beta it sets sigma for each lambda",
        ),
        "beta": Param(
            type=float, default=0.97, low=0, high=1, high_open=True, doc="EMA parameter, windowed"
        ),
        "cosine": Param(
            type=str,
            default="plain",
            choices=("plain", "debiased"),
            doc="debiased: the noise estimated from the window is subtracted from squared norms",
        ),
        "random_numbers": Param(
            type=str,
            default="common",
            choices=("common", "independent"),
            doc="common: each draw serves all values of lambda; independent: a draw for each",
        ),
        "trials": Param(type=int, default=20000, low=1, doc="draws in a cell"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
        DEVICE: device_param(),
    },
    columns={
        "noise_energy": float,
        "relative_energy": float,
        "noise_scale": float,
        "sigma": float,
        "n_eff": float,
        "num_tasks": int,
        "num_edges": int,
        "edge_score": float,
        "graph_exact": int,
        "graph_lo": float,
        "graph_hi": float,
        "edge_kept": int,
        "edge_lo": float,
        "edge_hi": float,
        "sharper_failure": float,
    },
    run=run,
    statistics=(
        "n = trials draws a row. graph_exact counts the draws with the population's graph, "
        "edge_kept those that find one fixed edge at the margin; the intervals are exact binomial "
        "(Clopper-Pearson), 95% each (alpha = 0.05), not adjusted for the number of rows. With "
        "random_numbers = common all rows of a cell see the same draws and are dependent: each "
        "interval holds for its row, differences between rows are less noisy than two intervals "
        "say, and rows of one cell must not be pooled. edge_score is an approximation, "
        "sharper_failure a bound (plain cosine). Rows of another device have other draws of the "
        "same law."
    ),
    cost=cost,
    check=check,
)
