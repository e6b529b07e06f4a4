"""Networks with a shared trunk and a head for each task; one architecture a file."""

from simulations.training.models.mlp import build_mlp
from simulations.training.models.multitask import MultiTaskModel

__all__ = ["MultiTaskModel", "build_mlp"]
