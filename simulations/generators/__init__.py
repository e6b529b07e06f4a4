"""Inputs that know their truth: planted mean gradients and the noise around them.

`plant_multipartite` and `plant_component` return mean gradients with exactly the cosines asked for
(or say why there are none). `simulations.generators.noise` holds the noise laws, and `ema_trials`
averages simulated gradients without ever holding a whole window in memory.
"""

from __future__ import annotations

from simulations.generators.blocks import BlockCosines
from simulations.generators.component import plant_component
from simulations.generators.drift import MeanPath
from simulations.generators.multipartite import plant_multipartite
from simulations.generators.planted import PlantedTasks
from simulations.generators.stream import ema_trials, ema_trials_with_energy

__all__ = [
    "BlockCosines",
    "MeanPath",
    "PlantedTasks",
    "ema_trials",
    "ema_trials_with_energy",
    "plant_component",
    "plant_multipartite",
]
