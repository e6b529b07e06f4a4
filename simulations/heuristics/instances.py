"""Conflict graphs that gradients have: planted, random, and hard ones that were realised.

Any graph is the conflict graph of some gradients (`canonical_cosines`): with cosines
``-1 / lambda_max`` on its edges and 0 elsewhere, and tau at half of that. So the graphs that are
hard for colouring heuristics can happen to a scheduler, at a small tau.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.generators import PlantedTasks, plant_component, plant_multipartite
from simulations.generators.noise import GaussianNoise
from simulations.sampling import ema_gram_law
from simulations.sampling.gram_law import GramLaw
from songoku_theory.coloring import canonical_cosines
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.ema import n_eff
from songoku_theory.errors import InvalidInputError
from songoku_theory.testing.graphs import (
    crown,
    forced_crown,
    grundy_tree,
    kneser,
    mycielski,
    paley,
    queens,
)

__all__ = ["FAMILIES", "HARD", "Instance", "Settings", "hard_graph", "instances"]

Graph = NDArray[np.bool_]
Matrix = NDArray[np.float64]


def _queens(size: int) -> tuple[Graph, int | None]:
    return queens(size), {4: 5, 5: 5, 6: 7, 7: 7, 8: 9}.get(size)


HARD: dict[str, tuple[int, Callable[[int], tuple[Graph, int | None]]]] = {
    "crown": (2, lambda size: (crown(size), 2 if size > 1 else 1)),
    "forced_crown": (2, lambda size: (forced_crown(size), 2)),
    "first_fit_tree": (2, lambda size: (grundy_tree(size), 2)),
    "mycielski": (2, lambda size: (mycielski(size), size)),
    "queens": (2, _queens),
    "kneser": (3, lambda size: (kneser(size, 2), size - 2)),
    "paley": (5, lambda size: (paley(size), None)),
}
"""Least size, and the graph of a size with its chromatic number where a theorem gives it."""

PLANTED = ("multipartite", "component", "simplex")
FAMILIES = (*PLANTED, "random", *HARD)


@dataclass(frozen=True, slots=True)
class Settings:
    """One cell; see the experiment's params."""

    family: str
    size: int
    num_groups: int
    dim: int
    tau: float
    gamma: float
    sigma: float
    window: int
    beta: float
    trials: int

    @property
    def effective(self) -> float:
        """n_eff of the averages."""
        return float(n_eff(self.window, self.beta))

    @property
    def noise_scale(self) -> float:
        """s, the noise of one coordinate of an average."""
        return self.sigma / math.sqrt(self.effective)


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One conflict graph and the gradients behind it.

    Attributes
    ----------
    gram : ndarray, shape (K, K)
        Of the averages.
    adjacency : ndarray of bool, shape (K, K)
    tau : float
        The threshold that made it.
    known : int or None
        Its chromatic number, where a theorem gives it.
    as_meant : bool
        The graph is the planted or named one.
    """

    gram: Matrix
    adjacency: Graph
    tau: float
    known: int | None
    as_meant: bool


def hard_graph(family: str, size: int) -> tuple[Graph, int | None]:
    """Return a named graph and its chromatic number where a theorem gives it.

    Raises
    ------
    InvalidInputError
        When there is none of that size.

    Examples
    --------
    >>> hard_graph("kneser", 5)[0].shape, hard_graph("kneser", 5)[1]
    ((10, 10), 3)
    """
    least, build = HARD[family]
    if size < least:
        raise InvalidInputError(f"size should be at least {least} for {family}; found {size}.")
    prime = all(size % k for k in range(2, math.isqrt(size) + 1))
    if family == "paley" and (size % 4 != 1 or not prime):
        raise InvalidInputError(
            f"Paley's graph needs a prime size of the form 4 k + 1 (5, 13, 17, 29, ...); found "
            f"{size}."
        )
    return build(size)


def plant(settings: Settings, dim: int) -> PlantedTasks:
    """Plant groups of `size` tasks; for ``simplex``, as many groups as tau + gamma allows.

    Raises
    ------
    InvalidInputError
        When such tasks can't exist.
    """
    if settings.family == "simplex":
        groups = math.floor(1.0 + 1.0 / (settings.tau + settings.gamma) + 1e-9)
        return plant_multipartite(
            (settings.size,) * groups,
            dim,
            settings.tau,
            settings.gamma,
            within=1.0,
            between=-1.0 / (groups - 1),
        )
    build = plant_component if settings.family == "component" else plant_multipartite
    return build((settings.size,) * settings.num_groups, dim, settings.tau, settings.gamma)


def instances(
    settings: Settings, order: np.random.Generator, noise: np.random.Generator
) -> Iterator[Instance]:
    """Draw the graphs of a cell, tasks in a fresh random order each time.

    Parameters
    ----------
    settings : Settings
    order, noise : numpy.random.Generator

    Yields
    ------
    Instance
    """
    known: int | None = None
    meant: Graph | None = None
    tau = settings.tau
    law: GramLaw
    if settings.family == "random":
        law = GramLaw(np.zeros((settings.size, 0)), 1.0, settings.dim)
    elif settings.family in PLANTED:
        groups = settings.num_groups * settings.size
        tasks = plant(settings, min(settings.dim, groups) if groups > 1 else settings.dim)
        meant = np.asarray(tasks.graph.adjacency)
        law = _law(tasks.means, settings)
    else:
        meant, known = hard_graph(settings.family, settings.size)
        cosines = canonical_cosines(meant)
        tau = -float(cosines.min()) / 2.0
        values, axes = np.linalg.eigh(cosines)
        law = _law(axes * np.sqrt(np.clip(values, 0.0, None)), settings)
    for _ in range(settings.trials):
        gram = law.sample(noise, 1)[0]
        places = order.permutation(len(gram))
        both = np.ix_(places, places)
        gram = gram[both]
        adjacency = conflict_adjacency_batch(gram[None], tau)[0]
        as_meant = meant is None or bool(np.array_equal(adjacency, meant[both]))
        yield Instance(gram, adjacency, tau, known if as_meant else None, as_meant)


def _law(means: Matrix, settings: Settings) -> GramLaw:
    """Return the law of the averages' Gram matrix; without noise it has one value."""
    if settings.sigma == 0.0:
        return GramLaw(means, 0.0, 0)
    dim = max(settings.dim, means.shape[1])
    law = ema_gram_law(GaussianNoise(settings.noise_scale), means, [1.0], dim)
    assert isinstance(law, GramLaw)
    return law
