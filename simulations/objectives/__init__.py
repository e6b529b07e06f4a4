"""The home of objectives: K losses with exact gradients, Hessians, minima and constants.

An objective answers `MultiTaskObjective`: batched `losses` and `gradients`, `hessian_vectors`, and
`constants` (L, L_k, mu, F*, how they are certified and where they hold).

| objective | convex | PL | constants |
|---|---|---|---|
| `QuadraticTasks`, `plant_quadratics` | yes (the sum) | yes | exact |
| `LeastSquaresTasks` | yes | yes, not strongly convex | exact |
| `SineSquareTasks` | no | yes | mu proved in rationals, L exact |
| `NetworkTasks`, `plant_network` | no | on a ball | certified on the ball |
| `WaveTasks` | no | no | exact, gradients bounded |
| `PlateauTasks` | yes | no | exact, gradients bounded; worst case of the rates |

`plant_quadratics` sets the conflict of gradients and the coupling of curvatures apart from each
other; `TiltedTasks` does the same to any objective without changing the sum. `gradient_noise` makes
gradients stochastic.
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
from simulations.objectives.least_squares import LeastSquaresTasks
from simulations.objectives.network import NetworkTasks, plant_network
from simulations.objectives.noise import GradientNoise, gradient_noise
from simulations.objectives.plant_quadratics import COUPLINGS, Coupling, plant_quadratics
from simulations.objectives.plateau import PlateauTasks
from simulations.objectives.quadratic import QuadraticTasks
from simulations.objectives.sine_square import SineSquareTasks
from simulations.objectives.tilted import TiltedTasks, conflicting_slopes
from simulations.objectives.waves import WaveTasks

__all__ = [
    "COUPLINGS",
    "Ball",
    "Constants",
    "Coupling",
    "GradientNoise",
    "LeastSquaresTasks",
    "MultiTaskObjective",
    "NetworkTasks",
    "PlateauTasks",
    "QuadraticTasks",
    "SineSquareTasks",
    "TiltedTasks",
    "WaveTasks",
    "conflicting_slopes",
    "dense_hessians",
    "gradient_noise",
    "plant_network",
    "plant_quadratics",
    "total_gradient",
    "total_loss",
]
