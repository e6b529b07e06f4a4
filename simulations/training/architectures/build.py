"""From a name and options to a network with its initial weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from simulations.training.architectures.base import Architecture, Network, Trunk
from simulations.training.architectures.cnn_bilstm import CnnBiLstm
from simulations.training.architectures.fusion import CnnFusion, VectorFusion
from simulations.training.architectures.heads import build_head, fits
from simulations.training.architectures.initial import built
from simulations.training.architectures.resnet import ResNet18
from simulations.training.architectures.resnet_maps import ResNet18Maps
from simulations.training.architectures.transformer import PatchTransformer
from simulations.training.benchmarks.base import Loaded
from simulations.training.determinism import torch_stream
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["available_architectures", "build_network", "get_architecture"]

_ARCHITECTURES: dict[str, type[Any]] = {
    "resnet18": ResNet18,
    "resnet18_maps": ResNet18Maps,
    "cnn_fusion": CnnFusion,
    "cnn_bilstm": CnnBiLstm,
    "patch_transformer": PatchTransformer,
    "vector_fusion": VectorFusion,
}


def available_architectures() -> tuple[str, ...]:
    """Return the names that `get_architecture` answers to, in order.

    Examples
    --------
    >>> available_architectures()
    ('cnn_bilstm', 'cnn_fusion', 'patch_transformer', 'resnet18', 'resnet18_maps', 'vector_fusion')
    """
    return tuple(sorted(_ARCHITECTURES))


def get_architecture(name: str, options: Mapping[str, object] | None = None) -> Architecture:
    """Return an architecture's options.

    Raises
    ------
    UnknownNameError
        When there is no such architecture, or it has no such option.
    InvalidInputError
        When a value is out of range.

    Examples
    --------
    >>> get_architecture("resnet18", {"width": 0.25})
    ResNet18(width=0.25, stem_stride=1)
    """
    if name not in _ARCHITECTURES:
        raise unknown_name("architecture", name, _ARCHITECTURES)
    kind = _ARCHITECTURES[name]
    valid = [f.name for f in fields(kind)]
    for option in options or {}:
        if option not in valid:
            raise unknown_name(f"option of {name}", option, valid)
    architecture: Architecture = kind(**(options or {}))
    return architecture


def build_network(
    architecture: Architecture,
    loaded: Loaded,
    seed: np.random.SeedSequence,
    tasks: tuple[str, ...] | None = None,
) -> Network:
    """Return a network for a benchmark, with its initial weights.

    The trunk and every head draw from streams of their own. So they start from the same weights
    for the same seed, whatever the method is and whichever tasks are trained.

    Parameters
    ----------
    architecture : Architecture
    loaded : Loaded
    seed : numpy.random.SeedSequence
    tasks : tuple of str, optional
        Which of the benchmark's tasks get a head; by default all.

    Returns
    -------
    Network
        On the CPU, float32.

    Raises
    ------
    InvalidInputError
        When the architecture does not fit the benchmark: names both, and what would fit.
    """
    num_views = len({task.view for task in loaded.tasks})
    problem = _misfit(architecture, loaded, num_views)
    if problem is not None:
        fitting = ", ".join(_fitting(loaded, num_views)) or "none"
        raise InvalidInputError(
            f"architecture {_name_of(architecture)} does not fit benchmark {loaded.name}: "
            f"{problem} Architectures that fit it: {fitting}."
        )
    trunk = built(lambda: architecture.trunk(loaded.input_shapes, num_views), torch_stream(seed, 0))
    heads = {}
    for number, task in enumerate(loaded.tasks):
        if tasks is None or task.name in tasks:
            heads[task.name] = built(
                lambda task=task: build_head(  # type: ignore[misc]
                    task.head, task.num_outputs, trunk.features
                ),
                torch_stream(seed, 1, number),
            )
    return Network(trunk, heads)


def _name_of(architecture: Architecture) -> str:
    names = [name for name, kind in _ARCHITECTURES.items() if type(architecture) is kind]
    return names[0] if names else type(architecture).__name__


def _misfit(architecture: Architecture, loaded: Loaded, num_views: int) -> str | None:
    """Return why inputs or heads don't fit; the trunk is laid out without weights."""
    try:
        with torch.device("meta"):
            trunk: Trunk = architecture.trunk(loaded.input_shapes, num_views)
    except InvalidInputError as error:
        return str(error)
    for task in loaded.tasks:
        if not fits(task.head, trunk.features):
            return (
                f"task {task.name!r} asks for outputs of kind {task.head.value!r}, and the trunk "
                f"gives one {trunk.features.kind} for the whole example."
            )
    return None


def _fitting(loaded: Loaded, num_views: int) -> list[str]:
    return [
        name
        for name in available_architectures()
        if _misfit(get_architecture(name), loaded, num_views) is None
    ]
