"""Objectives and points with a wanted conflict between the classes' gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.generators.realise import random_frame, realise
from simulations.objectives import (
    COUPLINGS,
    Coupling,
    LeastSquaresTasks,
    MultiTaskObjective,
    QuadraticTasks,
    SineSquareTasks,
    TiltedTasks,
    WaveTasks,
    plant_network,
    plant_quadratics,
)
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["FAMILIES", "Wanted", "check_wanted", "draw_instance"]

Array = NDArray[np.float64]

FAMILIES = ("quadratic", "least_squares", "sine_square", "waves", "network")
CONDITION = 10.0
NETWORK_SAMPLES, NETWORK_INPUTS = 2, 4
"""A network's shared layer has dim = width * NETWORK_INPUTS weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an instance should look like; one task is one class.

    Parameters
    ----------
    family : str
        ``quadratic``: positive definite Hessians. ``least_squares``: over-parameterised, PL.
        ``sine_square``: sums of z^2 + 3 sin^2 z along linear maps, PL but not convex. ``waves``:
        cosines along orthonormal directions, neither. ``network``: a wide two-layer network near
        its start, PL in a ball. All but the first are tilted by slopes that cancel in F.
    num_classes, dim : int
    cosine : float
        Between every two class gradients at the point, > -1 / (m - 1) where the sum has to be
        something (all but quadratics).
    imbalance : float
        Norm of the first class's gradient over the last one's, a geometric series between; > 0.
    coupling : str
        Of the curvatures, one of `COUPLINGS`; quadratics only (else "random").
    strength : float
        In [0, 1]: Hessians are this share of the wanted coupling's, the rest those of "random".
    condition : float
        Largest over smallest eigenvalue of each Hessian, >= 1; quadratics only.
    curvature_ratio : float
        Largest eigenvalue of the first class's Hessian over the last one's, a geometric series
        between; > 0. Quadratics only.
    """

    family: str = "quadratic"
    num_classes: int = 2
    dim: int = 6
    cosine: float = 0.0
    imbalance: float = 1.0
    coupling: str = "random"
    strength: float = 1.0
    condition: float = CONDITION
    curvature_ratio: float = 1.0


def check_wanted(wanted: Wanted) -> None:
    """Refuse what can't exist.

    Raises
    ------
    InvalidInputError
        When m vectors can't have the cosine, or a setting needs quadratics.
    UnknownNameError
        When there is no such family or coupling.
    """
    if wanted.family not in FAMILIES:
        raise unknown_name("family of objectives", wanted.family, FAMILIES)
    if wanted.coupling not in COUPLINGS:
        raise unknown_name("coupling of curvatures", wanted.coupling, COUPLINGS)
    m = wanted.num_classes
    least = -1.0 / (m - 1) if m > 1 else -1.0
    quadratic = wanted.family == "quadratic"
    if not (least if quadratic else least + 1e-6) <= wanted.cosine <= 1.0:
        raise InvalidInputError(
            f"{m} class gradients can all have cosines from {least:.4g} to 1"
            f"{'' if quadratic else ', and a sum that is not zero only above it'}; found "
            f"{wanted.cosine}."
        )
    if wanted.dim < m:
        raise InvalidInputError(f"dim should be at least num_classes = {m}; found {wanted.dim}.")
    if wanted.family == "network" and wanted.dim % NETWORK_INPUTS:
        raise InvalidInputError(
            f"a network has dim = {NETWORK_INPUTS} x width weights; found dim = {wanted.dim}."
        )
    plain = (wanted.coupling, wanted.condition, wanted.curvature_ratio)
    if not quadratic and plain != ("random", CONDITION, 1.0):
        raise InvalidInputError(
            "coupling, condition and curvature_ratio are for family = 'quadratic'; leave them at "
            f"their defaults for {wanted.family!r}."
        )


def _cosines(wanted: Wanted) -> tuple[Array, int]:
    matrix = np.full((wanted.num_classes,) * 2, wanted.cosine)
    np.fill_diagonal(matrix, 1.0)
    return matrix, int((np.linalg.eigvalsh(matrix) > 1e-9).sum())


def _series(first_over_last: float, count: int) -> Array:
    return np.asarray(np.geomspace(1.0, 1.0 / first_over_last, count), dtype=np.float64)


def draw_instance(
    wanted: Wanted, rng: np.random.Generator
) -> tuple[MultiTaskObjective, Array, bool]:
    """Draw an objective and a point.

    Parameters
    ----------
    wanted : Wanted
        Checked by `check_wanted`.
    rng : numpy.random.Generator

    Returns
    -------
    objective : MultiTaskObjective
        One task a class.
    point : ndarray, shape (d,)
    constant_hessian : bool

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> drawn, point, _ = draw_instance(Wanted(family="sine_square", cosine=-0.5), rng)
    >>> first, second = drawn.gradients(point)
    >>> float(round(first @ second / np.linalg.norm(first) / np.linalg.norm(second), 9))
    -0.5
    """
    if wanted.family == "quadratic":
        return _quadratic(wanted, rng), np.zeros(wanted.dim), True
    base, point, constant = _base(wanted, rng)
    own = base.gradients(point)
    tilted = TiltedTasks(base, _summing_to(own.sum(axis=0), wanted, rng) - own)
    return tilted, point, constant


def _base(wanted: Wanted, rng: np.random.Generator) -> tuple[MultiTaskObjective, Array, bool]:
    m, dim = wanted.num_classes, wanted.dim
    if wanted.family == "network":
        network = plant_network(m, NETWORK_SAMPLES, NETWORK_INPUTS, dim // NETWORK_INPUTS, rng)
        return network, network.start, False
    point = rng.standard_normal(dim)
    if wanted.family == "waves":
        heights = rng.uniform(0.2, 1.0, (m, m))
        phases = rng.uniform(-np.pi, np.pi, (m, m))
        return WaveTasks(random_frame(rng, dim, m).T, heights, phases), point, False
    rows = rng.standard_normal((m, 1, dim)) / np.sqrt(dim)
    targets = rng.uniform(-3.0, 3.0, (m, 1))
    if wanted.family == "sine_square":
        return SineSquareTasks(rows, targets), point, False
    return LeastSquaresTasks(rows, targets), point, True


def _summing_to(total: Array, wanted: Wanted, rng: np.random.Generator) -> Array:
    """Class gradients with the wanted cosines and norms whose sum is `total`."""
    matrix, rank = _cosines(wanted)
    norms = _series(wanted.imbalance, wanted.num_classes)
    vectors = realise(matrix, wanted.dim, norms, rank, rng)
    found = vectors.sum(axis=0)
    size, wished = np.linalg.norm(found), np.linalg.norm(total)
    # A reflection that takes the direction of the sum to the wanted one keeps all cosines.
    away = found / size - total / wished
    if np.linalg.norm(away) > 1e-12:
        away /= np.linalg.norm(away)
        vectors = vectors - 2.0 * np.outer(vectors @ away, away)
    return np.asarray(vectors * (wished / size), dtype=np.float64)


def _quadratic(wanted: Wanted, rng: np.random.Generator) -> QuadraticTasks:
    matrix, _ = _cosines(wanted)
    spectrum = np.geomspace(1.0 / wanted.condition, 1.0, wanted.dim)
    norms = _series(wanted.imbalance, wanted.num_classes).tolist()
    seed = rng.integers(2**63)

    def planted(coupling: Coupling) -> QuadraticTasks:
        # One seed: the gradients at the origin are the same under every coupling.
        return plant_quadratics(
            matrix, spectrum, coupling, np.random.default_rng(seed), norms=norms
        )

    coupling: Coupling = wanted.coupling  # type: ignore[assignment]  # checked by check_wanted
    chosen = planted(coupling)
    if wanted.strength == 1.0 and wanted.curvature_ratio == 1.0:
        return chosen
    scales = _series(wanted.curvature_ratio, wanted.num_classes)[:, None, None]
    blend = wanted.strength * chosen.hessians + (1.0 - wanted.strength) * planted("random").hessians
    hessians = scales * blend
    gradients = chosen.gradients(np.zeros(wanted.dim))
    return QuadraticTasks(hessians, -np.linalg.solve(hessians, gradients[..., None])[..., 0])
