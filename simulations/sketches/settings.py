"""The params of a cell of ``sketches``, read once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.generators import PlantedTasks, plant_component, plant_multipartite
from simulations.sweep.experiment import Scalar
from songoku_theory.linalg import gram

__all__ = ["Settings", "planted", "vector_trials"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One cell; see the experiment's params."""

    method: str
    size: int
    pair_factor: float
    threshold: float
    rebuild_every: int
    model: str
    num_groups: int
    group_size: int
    dim: int
    tau: float
    gamma: float
    noise_energy: float
    window: int
    beta: float
    drift: float
    refreshes: int
    trials: int

    @classmethod
    def of(cls, params: Mapping[str, Scalar]) -> Settings:
        """Read the params of a cell."""
        return cls(
            method=str(params["method"]),
            size=int(params["size"]),
            pair_factor=float(params["pair_factor"]),
            threshold=float(params["threshold"]),
            rebuild_every=int(params["rebuild_every"]),
            model=str(params["model"]),
            num_groups=int(params["num_groups"]),
            group_size=int(params["group_size"]),
            dim=int(params["dim"]),
            tau=float(params["tau"]),
            gamma=float(params["gamma"]),
            noise_energy=float(params["noise_energy"]),
            window=int(params["window"]),
            beta=float(params["beta"]),
            drift=float(params["drift"]),
            refreshes=int(params["refreshes"]),
            trials=int(params["trials"]),
        )

    @property
    def num_tasks(self) -> int:
        """K."""
        return self.num_groups * self.group_size

    @property
    def noise_scale(self) -> float:
        """s, the noise of one coordinate of an average: its energy s^2 d is `noise_energy`."""
        return math.sqrt(self.noise_energy / self.dim)


def planted(settings: Settings, dim: int, rng: np.random.Generator) -> PlantedTasks:
    """Plant unit mean gradients, and shuffle the tasks: an order that knows the groups would help.

    Parameters
    ----------
    settings : Settings
    dim : int
        In which to place them; where only inner products matter, K dimensions do.
    rng : numpy.random.Generator

    Returns
    -------
    PlantedTasks
    """
    plant = plant_component if settings.model == "component" else plant_multipartite
    sizes = (settings.group_size,) * settings.num_groups
    tasks = plant(sizes, dim, settings.tau, settings.gamma, rng=rng)
    return tasks.relabelled(rng.permutation(tasks.num_tasks))


def vector_trials(
    tasks: PlantedTasks, settings: Settings, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Draw averages, the means and isotropic noise, once a trial.

    Yields
    ------
    vectors : ndarray, shape (K, d)
    gram : ndarray, shape (K, K)
    """
    for _ in range(settings.trials):
        vectors = tasks.means + settings.noise_scale * rng.standard_normal(tasks.means.shape)
        yield vectors, gram(vectors)
