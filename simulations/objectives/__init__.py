"""The home of objectives: K losses with exact gradients, Hessians, minima and constants.

An objective answers `MultiTaskObjective`: batched `losses` and `gradients`, `hessian_vectors`, and
`constants` (L, L_k, mu, F* and where they hold). `plant_quadratics` sets the conflict of gradients
and the coupling of curvatures apart from each other.
"""

from __future__ import annotations

from simulations.objectives.base import (
    Ball,
    Constants,
    MultiTaskObjective,
    dense_hessians,
    total_gradient,
    total_loss,
)
from simulations.objectives.plant_quadratics import COUPLINGS, Coupling, plant_quadratics
from simulations.objectives.quadratic import QuadraticTasks

__all__ = [
    "COUPLINGS",
    "Ball",
    "Constants",
    "Coupling",
    "MultiTaskObjective",
    "QuadraticTasks",
    "dense_hessians",
    "plant_quadratics",
    "total_gradient",
    "total_loss",
]
