"""Instances to descend on: an objective, a start, and the classes that the scheduler would make."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.objectives import (
    Coupling,
    LeastSquaresTasks,
    MultiTaskObjective,
    PlateauTasks,
    SineSquareTasks,
    TiltedTasks,
    WaveTasks,
    conflicting_slopes,
    plant_network,
    plant_quadratics,
    total_gradient,
    total_loss,
)
from songoku_theory.coloring import welsh_powell
from songoku_theory.conflict import conflict_graph
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["OBJECTIVES", "Problem", "Recipe", "class_cosine", "plant_problem"]

ROWS_A_TASK = 2
"""Equations of each task in the objectives made of rows; d >= 2 K keeps them independent."""

NETWORK_INPUTS = 6
WITHIN = 0.8
"""Cosine of tasks of one group, in planted quadratics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What decides an instance, apart from its random numbers.

    Parameters
    ----------
    objective : str
        One of `OBJECTIVES`.
    groups, group_size : int
        Planted groups of tasks that agree, and tasks in each; K is their product.
    dim : int
        d; for ``network`` the width, and d = 6 width.
    conflict : float
        How far the groups pull apart: length of the part of each group's gradient that cancels in
        grad F, relative to |grad F| at the start.
    coupling : str
        Of curvatures, for ``quadratic``: see `plant_quadratics`.
    condition : float
        Ratio of a task's largest and smallest curvature, for ``quadratic``; >= 1.
    bend : float
        Curvature of the groups that cancels in F, relative to L.
    tau : float
        Threshold of the conflict graph at the start.
    distance : float
        For ``plateau``: how far away the bowl is.
    """

    objective: str
    groups: int
    group_size: int
    dim: int
    conflict: float
    coupling: Coupling
    condition: float
    bend: float
    tau: float
    distance: float

    @property
    def num_tasks(self) -> int:
        """K."""
        return self.groups * self.group_size


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """An objective, where descent starts, and the scheduler's classes at the start.

    Attributes
    ----------
    objective : MultiTaskObjective
    start : ndarray, shape (d,)
    members : ndarray of bool, shape (m, K)
        Classes of Welsh and Powell's colouring of the conflict graph at the start, in the order of
        their colours; fixed from then on.
    """

    objective: MultiTaskObjective
    start: NDArray[np.float64]
    members: NDArray[np.bool_]

    @property
    def gap(self) -> float:
        """F(x_0) - F*."""
        return float(total_loss(self.objective, self.start)) - self.objective.constants.optimum

    @property
    def start_square(self) -> float:
        """|grad F(x_0)|^2."""
        return float((total_gradient(self.objective, self.start) ** 2).sum())

    def class_smoothness(self) -> NDArray[np.float64]:
        """L_r of Assumption 6, class by class, shape (m,)."""
        tasks = [np.flatnonzero(chosen).tolist() for chosen in self.members]
        return np.array([self.objective.group_smoothness(group) for group in tasks])


def class_cosine(groups: int, conflict: float) -> float:
    """Return the cosine of two groups' gradients ``grad F / m + conflict |grad F| v_r``.

    The v_r are the unit corners of a simplex, so the second part cancels in the sum.

    Examples
    --------
    >>> class_cosine(3, 0.0), round(class_cosine(3, 100.0), 3)
    (1.0, -0.5)
    """
    even = 1.0 / groups**2
    return (even - conflict**2 / (groups - 1)) / (even + conflict**2) if groups > 1 else 1.0


def _quadratic(
    recipe: Recipe, rng: np.random.Generator
) -> tuple[MultiTaskObjective, NDArray[np.float64]]:
    size = recipe.group_size
    inside = WITHIN if size > 1 else 1.0
    # Sums of `size` unit vectors at the cosine `inside` have this length, squared and divided.
    between = class_cosine(recipe.groups, recipe.conflict) * (1.0 + (size - 1) * inside) / size
    if recipe.groups > 1 and between > inside:
        between = inside
    labels = np.repeat(np.arange(recipe.groups), size)
    cosines = np.where(labels[:, None] == labels, inside, between)
    np.fill_diagonal(cosines, 1.0)
    spectrum = np.geomspace(1.0 / recipe.condition, 1.0, recipe.dim)
    return plant_quadratics(cosines, spectrum, recipe.coupling, rng), np.zeros(recipe.dim)


def _rows(
    recipe: Recipe, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shape = (recipe.num_tasks, ROWS_A_TASK)
    return rng.standard_normal((*shape, recipe.dim)) / math.sqrt(recipe.dim), (
        2.0 * rng.standard_normal(shape)
    )


def _sine_square(
    recipe: Recipe, rng: np.random.Generator
) -> tuple[MultiTaskObjective, NDArray[np.float64]]:
    return SineSquareTasks(*_rows(recipe, rng)), np.zeros(recipe.dim)


def _least_squares(
    recipe: Recipe, rng: np.random.Generator
) -> tuple[MultiTaskObjective, NDArray[np.float64]]:
    return LeastSquaresTasks(*_rows(recipe, rng)), np.zeros(recipe.dim)


def _waves(
    recipe: Recipe, rng: np.random.Generator
) -> tuple[MultiTaskObjective, NDArray[np.float64]]:
    shape = (recipe.num_tasks, recipe.dim)
    heights = rng.random(shape) / recipe.num_tasks
    tasks = WaveTasks(np.eye(recipe.dim), heights, rng.uniform(-1.0, 1.0, shape))
    return tasks, rng.uniform(-np.pi, np.pi, recipe.dim)


def _plateau(
    recipe: Recipe, rng: np.random.Generator
) -> tuple[MultiTaskObjective, NDArray[np.float64]]:
    slopes = np.zeros((recipe.num_tasks, recipe.dim))
    start = np.zeros(recipe.dim)
    start[0] = 1.0 + recipe.distance
    return PlateauTasks(np.full(recipe.num_tasks, 1.0 / recipe.num_tasks), slopes), start


def _network(
    recipe: Recipe, rng: np.random.Generator
) -> tuple[MultiTaskObjective, NDArray[np.float64]]:
    tasks = plant_network(recipe.num_tasks, 2, NETWORK_INPUTS, recipe.dim, rng, distance=0.5)
    return tasks, tasks.start.copy()


OBJECTIVES: dict[
    str, Callable[[Recipe, np.random.Generator], tuple[MultiTaskObjective, NDArray[np.float64]]]
] = {
    "quadratic": _quadratic,
    "least_squares": _least_squares,
    "sine_square": _sine_square,
    "network": _network,
    "waves": _waves,
    "plateau": _plateau,
}


def least_dim(recipe: Recipe) -> int:
    """Return the smallest `dim` that an objective of this recipe needs."""
    match recipe.objective:
        case "quadratic":
            return recipe.num_tasks
        case "least_squares" | "sine_square":
            return ROWS_A_TASK * recipe.num_tasks
        case "plateau":
            return recipe.groups
        case "network":
            return max(8, ROWS_A_TASK * recipe.num_tasks)
        case _:
            return max(1, recipe.groups - 1)


def plant_problem(recipe: Recipe, rng: np.random.Generator) -> Problem:
    """Plant an instance: the objective, its tilts and bends, and the classes at the start.

    Parameters
    ----------
    recipe : Recipe
    rng : numpy.random.Generator

    Returns
    -------
    Problem

    Raises
    ------
    InvalidInputError
        When the dimension is too small.
    UnknownNameError
        When there is no such objective.
    """
    if recipe.objective not in OBJECTIVES:
        raise unknown_name("objective", recipe.objective, OBJECTIVES)
    if recipe.dim < least_dim(recipe):
        raise InvalidInputError(
            f"objective {recipe.objective!r} with {recipe.num_tasks} tasks in {recipe.groups} "
            f"groups needs dim >= {least_dim(recipe)}; found {recipe.dim}."
        )
    base, start = OBJECTIVES[recipe.objective](recipe, rng)
    objective = _pulled_apart(base, start, recipe, rng)
    graph = conflict_graph(objective.gradients(start), recipe.tau)
    colors = welsh_powell(graph.adjacency)
    return Problem(objective, start, np.arange(colors.max() + 1)[:, None] == colors[None, :])


def _pulled_apart(
    base: MultiTaskObjective, start: NDArray[np.float64], recipe: Recipe, rng: np.random.Generator
) -> MultiTaskObjective:
    """Add the conflict and the curvature that cancel in F."""
    tilted = recipe.objective != "quadratic" and recipe.conflict > 0  # those are planted so
    if recipe.groups < 2 or not (tilted or recipe.bend > 0):
        return base
    slopes = np.zeros((recipe.groups, base.dim))
    if tilted:
        steep = float(np.linalg.norm(total_gradient(base, start)))
        # The plateau's first coordinate stays its own: there every step is 1 / K of the way.
        free = slice(1, None) if recipe.objective == "plateau" else slice(None)
        slopes[:, free] = conflicting_slopes(
            recipe.groups, slopes[:, free].shape[1], recipe.conflict * steep, rng
        )
    bends = None
    if recipe.bend > 0:
        bends = rng.standard_normal((recipe.groups, base.dim, base.dim))
        bends = bends + bends.transpose(0, 2, 1)
        bends -= bends.mean(axis=0)
        largest = float(np.linalg.norm(bends, ord=2, axis=(1, 2)).max())
        bends *= recipe.bend * base.constants.smoothness / largest
        slopes -= bends @ start  # bent around the start: the conflict there stays what it was
    size = recipe.group_size
    shared = None if bends is None else np.repeat(bends, size, axis=0) / size
    return TiltedTasks(base, np.repeat(slopes, size, axis=0) / size, shared)
