"""Recovery on a whole grid of (R, beta, sigma, tau) from the same draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np

from simulations.experiments._on_device import grid_counter
from simulations.experiments.phase import PLANTS, planted_tasks
from simulations.generators.noise import GaussianNoise
from simulations.sampling import GramLaw, clopper_pearson, ema_gram_law
from simulations.sweep.device import DEVICE, device_param
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory._numba import accelerated
from songoku_theory.ema import n_eff
from songoku_theory.errors import InvalidInputError

__all__ = ["EXPERIMENT", "numbers"]


def numbers(name: str, text: str) -> list[float]:
    """Read numbers between spaces, in order, each once.

    Raises
    ------
    InvalidInputError
        When there is none, one is no number, or one comes twice.

    Examples
    --------
    >>> numbers("betas", "0.9 0.99")
    [0.9, 0.99]
    """
    try:
        found = [float(part) for part in text.split()]
    except ValueError:
        found = []
    if not found or len(set(found)) < len(found) or not all(map(math.isfinite, found)):
        raise InvalidInputError(
            f"{name} should be different numbers between spaces, like '0.9 0.99'; found {text!r}."
        )
    return found


def _axes(params: Mapping[str, Scalar]) -> tuple[list[int], list[float], list[float], list[float]]:
    windows = numbers("windows", str(params["windows"]))
    if not all(window.is_integer() and window >= 1 for window in windows):
        raise InvalidInputError(f"windows should be whole numbers >= 1; found {windows}.")
    betas = numbers("betas", str(params["betas"]))
    if not all(0 <= beta < 1 for beta in betas):
        raise InvalidInputError(f"betas should lie in [0, 1); found {betas}.")
    sigmas = numbers("sigmas", str(params["sigmas"]))
    if not all(sigma > 0 for sigma in sigmas):
        raise InvalidInputError(f"sigmas should be > 0; found {sigmas}.")
    taus = numbers("taus", str(params["taus"])) if params["taus"] else [float(params["tau"])]
    if not all(0 <= tau < 1 for tau in taus):
        raise InvalidInputError(f"taus should lie in [0, 1); found {taus}.")
    return [int(window) for window in windows], betas, sigmas, taus


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: one row for each point of the grid, all from the same draws.

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
        When such tasks can't exist, or a threshold has no margin.
    """
    planted = planted_tasks(params)
    windows, betas, sigmas, taus = _axes(params)
    law = ema_gram_law(GaussianNoise(1.0), planted.means, [1.0], int(params["dim"]))
    assert isinstance(law, GramLaw)
    points = list(itertools.product(windows, betas, sigmas))
    scales = [sigma / math.sqrt(float(n_eff(window, beta))) for window, beta, sigma in points]
    count = grid_counter(params, np.random.default_rng(seed))
    found = count(law, planted, scales, taus, int(params["trials"]), None)
    upper = np.triu_indices(planted.num_tasks, 1)
    rows: list[Row] = []
    for level, tau in enumerate(taus):
        margin = float(np.abs(planted.cosines[upper] + tau).min())
        for place, (window, beta, sigma) in enumerate(points):
            exact = int(found.graph_exact[level, place])
            low, high = clopper_pearson(exact, found.trials)
            rows.append(
                {
                    "window": window,
                    "beta": beta,
                    "sigma": sigma,
                    "threshold": tau,
                    "n_eff": float(n_eff(window, beta)),
                    "noise_scale": scales[place],
                    "margin": margin,
                    "common_draws": True,
                    "graph_exact": exact,
                    "graph_lo": low,
                    "graph_hi": high,
                    "edge_kept": int(found.edge_kept[level, place]),
                }
            )
    return rows


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When an axis can't be read, there are fewer than two tasks, or no such vectors.
    """
    _axes(params)
    if int(params["num_groups"]) * int(params["group_size"]) < 2:
        raise InvalidInputError("recovery needs at least two tasks; found 1.")
    planted_tasks(params)


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {name: param.default for name, param in EXPERIMENT.params.items()}
    >>> cost({**base, "trials": 10}) < cost({**base, "trials": 10**6})
    True
    """
    windows, betas, sigmas, taus = _axes(params)
    points = len(windows) * len(betas) * len(sigmas) * len(taus)
    tasks = int(params["num_groups"]) * int(params["group_size"])
    pair = 6e-9 if accelerated() else 4e-7
    return 3e-3 + int(params["trials"]) * (pair * tasks**2 + 1e-8 * points)


EXPERIMENT = Experiment(
    name="recovery_grid",
    version=2,
    doc=(
        "Recovery of the conflict graph on a whole grid of window, beta, sigma and threshold with "
        "common random numbers: the Gram matrix is quadratic in sigma / sqrt(n_eff), so one draw "
        "from the exact law (Gaussian noise) serves every point. For differences between points, "
        "and for very many trials; `recovery` has independent cells, groupings and other noise. "
        "With device = cuda the draws are made and judged in batches on a GPU."
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
        "dim": Param(type=int, default=256, low=1, doc="d, shared parameters"),
        "tau": Param(
            type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold of the planting"
        ),
        "gamma": Param(
            type=float, default=0.15, low=0, low_open=True, high=1, high_open=True, doc="margin"
        ),
        "windows": Param(type=str, default="8 16 32 64 128 256 512", doc="values of R, in steps"),
        "betas": Param(type=str, default="0.9 0.99 0.999", doc="values of beta"),
        "sigmas": Param(type=str, default="0.25", doc="values of sigma; means have length 1"),
        "taus": Param(type=str, default="", doc="thresholds to judge by; none: tau alone"),
        "trials": Param(type=int, default=100000, low=1, doc="draws, each serving every point"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
        DEVICE: device_param(),
    },
    columns={
        "window": int,
        "beta": float,
        "sigma": float,
        "threshold": float,
        "n_eff": float,
        "noise_scale": float,
        "margin": float,
        "common_draws": bool,
        "graph_exact": int,
        "graph_lo": float,
        "graph_hi": float,
        "edge_kept": int,
    },
    run=run,
    statistics=(
        "n = trials draws, the same for all rows of a cell (common_draws). graph_exact counts "
        "those whose graph is the population's at that threshold; [graph_lo, graph_hi] is exact "
        "binomial (Clopper-Pearson), 95% (alpha = 0.05) for its row. Rows of a cell are dependent: "
        "differences between them are less noisy than two intervals say, and they must not be "
        "pooled. Rows of another device have other draws of the same law."
    ),
    cost=cost,
    check=check,
)
