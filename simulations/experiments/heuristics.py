"""Colours, regret and schedules of every heuristic, on conflict graphs that gradients have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulations.heuristics.instances import FAMILIES, HARD, Settings, hard_graph, instances, plant
from simulations.heuristics.worth import FILL_TO, Tally, least_colors
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory.coloring import color, geometric_rounding, get_coloring, greedy_clique
from songoku_theory.errors import InvalidInputError
from songoku_theory.linalg import cosines

__all__ = ["BUILT_IN", "EXPERIMENT"]

BUILT_IN = ("dsatur", "geometric", "representative", "smallest_last", "welsh_powell")
"""Registered heuristics but the exact one, which regret is measured against."""

FROM_GRADIENTS = "geometric_gradients"
"""Geometric rounding of the gradients' own cosines, not of cosines made up from the graph."""


def _settings(params: Mapping[str, Scalar]) -> Settings:
    return Settings(
        family=str(params["family"]),
        size=int(params["size"]),
        num_groups=int(params["num_groups"]),
        dim=int(params["dim"]),
        tau=float(params["tau"]),
        gamma=float(params["gamma"]),
        sigma=float(params["sigma"]),
        window=int(params["window"]),
        beta=float(params["beta"]),
        trials=int(params["trials"]),
    )


def _names(params: Mapping[str, Scalar]) -> tuple[str, ...]:
    further = [name for name in str(params["also"]).split("+") if name]
    return (*BUILT_IN, *further)


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: the same graphs for every heuristic.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row a heuristic.

    Raises
    ------
    InvalidInputError
        When there are no such graphs, or a heuristic's colouring is not proper.
    """
    settings = _settings(params)
    order, noise, own = (np.random.default_rng(child) for child in seed.spawn(3))
    tallies = {name: Tally(name) for name in (*_names(params), FROM_GRADIENTS)}
    densities, cliques, degrees, as_meant, tau = [], [], [], 0, settings.tau
    size = 0
    for graph in instances(settings, order, noise):
        adjacency, size, tau = graph.adjacency, len(graph.adjacency), graph.tau
        as_meant += graph.as_meant
        densities.append(float(adjacency.sum()) / max(1, size * (size - 1)))
        degrees.append(float(adjacency.sum(axis=1).max()))
        cliques.append(len(greedy_clique(adjacency)))
        least = least_colors(adjacency, graph.known)
        for name in _names(params):
            tallies[name].add(adjacency, color(adjacency, name), least)
        guided = geometric_rounding(adjacency, cosines(graph.gram).values, own)
        tallies[FROM_GRADIENTS].add(adjacency, guided, least)
    shared: Row = {
        "num_tasks": size,
        "threshold": tau,
        "n_eff": settings.effective,
        "as_meant": as_meant,
        "density": float(np.mean(densities)),
        "max_degree": float(np.mean(degrees)),
        "clique_max": max(cliques),
        "clique_limit": 1.0 + 1.0 / tau if tau > 0 else None,
    }
    return [shared | tally.row() for tally in tallies.values()]


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When there are no such tasks or graphs, fewer than two tasks, or an unknown heuristic.
    """
    settings = _settings(params)
    for name in _names(params):
        get_coloring(name)
    if settings.family in HARD:
        hard_graph(settings.family, settings.size)
    elif settings.family == "random":
        if settings.size < 2:
            raise InvalidInputError("heuristics needs at least two tasks; found size = 1.")
    elif plant(settings, settings.dim).num_tasks < 2:
        raise InvalidInputError("heuristics needs at least two tasks: num_groups x size >= 2.")


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> base = {name: param.default for name, param in EXPERIMENT.params.items()}
    >>> cost(base) < cost({**base, "family": "random", "size": 256})
    True
    """
    settings = _settings(params)
    size = settings.size
    if settings.family in HARD:
        size = len(hard_graph(settings.family, settings.size)[0])
    elif settings.family != "random":
        size *= settings.num_groups
    filled = 2e-5 * size**2 if size <= FILL_TO else 0.0
    return 5e-3 + settings.trials * (3e-3 + 1.2e-5 * size**2 + filled)


EXPERIMENT = Experiment(
    name="heuristics",
    version=1,
    doc=(
        "Colour conflict graphs that gradients have with every built-in heuristic (the exact one "
        "is the measure): planted groups seen through noise, random gradients, the simplex (as "
        "many groups as tau + gamma allows), and graphs that are hard to colour, realised by "
        "gradients with cosine -1 / lambda_max on their edges, with tau half of that. One row a "
        "heuristic, the same graphs for all; geometric_gradients rounds the gradients' own "
        "cosines. Times are in the experiment wallclock."
    ),
    params={
        "family": Param(type=str, default="multipartite", choices=FAMILIES, doc="kind of graph"),
        "size": Param(
            type=int,
            default=6,
            low=1,
            doc=(
                "tasks in a group (planted), tasks (random), or the graph's own size: pairs "
                "(crowns), colours (first_fit_tree, mycielski), board (queens), set (kneser, "
                "pairs of it), prime (paley)"
            ),
        ),
        "num_groups": Param(
            type=int, default=3, low=1, doc="m; planted families, simplex takes the most"
        ),
        "dim": Param(type=int, default=256, low=1, doc="d, shared parameters"),
        "tau": Param(
            type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold; not of hard"
        ),
        "gamma": Param(
            type=float,
            default=0.15,
            low=0,
            low_open=True,
            high=1,
            high_open=True,
            doc="margin of planted groups",
        ),
        "sigma": Param(
            type=float,
            default=0.25,
            low=0,
            doc="noise of one coordinate of one gradient; means have norm 1; not of random",
        ),
        "window": Param(type=int, default=64, low=1, doc="R, gradients averaged, in steps"),
        "beta": Param(
            type=float, default=0.99, low=0, high=1, high_open=True, doc="EMA parameter, windowed"
        ),
        "trials": Param(type=int, default=30, low=2, doc="graphs in a cell"),
        "also": Param(
            type=str,
            default="",
            doc="names of further registered heuristics, joined by +",
        ),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "num_tasks": int,
        "threshold": float,
        "n_eff": float,
        "as_meant": int,
        "density": float,
        "max_degree": float,
        "clique_max": int,
        "clique_limit": float,
        "heuristic": str,
        "colors": float,
        "colors_lo": float,
        "colors_hi": float,
        "colors_max": int,
        "exact_known": int,
        "regret": float,
        "regret_lo": float,
        "regret_hi": float,
        "regret_max": int,
        "optimal": int,
        "optimal_lo": float,
        "optimal_hi": float,
        "within_delta": int,
        "work": float,
        "work_filled": float,
        "gap_filled": float,
        "smallest_class": float,
        "worst_edges": str,
        "worst_colors": str,
    },
    run=run,
    statistics=(
        "n = trials graphs a cell, the same for every heuristic (hard families without noise: one "
        "graph in n random task orders). colors and regret are means with 95% intervals by "
        "Student's t over graphs; regret (colours beyond the chromatic number) is over the "
        "exact_known graphs whose chromatic number is proved. optimal counts those with regret 0, "
        "with an exact (Clopper-Pearson) interval of coverage >= 95% (alpha = 0.05). Not adjusted "
        "for the number of cells or heuristics. The cycle has as many steps as colours, and every "
        "task's gap is that; work is tasks a step. work_filled and gap_filled are the same after "
        f"every task was duplicated into all compatible slots (up to {FILL_TO} tasks). as_meant "
        "counts graphs that are the planted or named one."
    ),
    cost=cost,
    check=check,
)
