"""Networks for the benchmarks: a shared trunk, a head for each task; one architecture a file.

To add one: a frozen dataclass of its options with a method ``trunk``, named below.
"""

from simulations.training.architectures.base import Architecture, Features, Network, Trunk
from simulations.training.architectures.build import (
    available_architectures,
    build_network,
    get_architecture,
)

__all__ = [
    "Architecture",
    "Features",
    "Network",
    "Trunk",
    "available_architectures",
    "build_network",
    "get_architecture",
]
