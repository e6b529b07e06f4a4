"""The smallest network that shares something: one hidden layer, one linear head a task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from simulations.training.models.multitask import MultiTaskModel

__all__ = ["build_mlp"]


def build_mlp(
    num_inputs: int, width: int, num_outputs: Sequence[int], generator: torch.Generator
) -> MultiTaskModel:
    """Return a multi-task perceptron with freshly drawn weights.

    Parameters
    ----------
    num_inputs : int
        Length of an input vector.
    width : int
        Hidden units of the trunk.
    num_outputs : sequence of int
        Outputs of each task's head.
    generator : torch.Generator
        The only source of the weights; torch's global generator is not touched.

    Returns
    -------
    MultiTaskModel

    Examples
    --------
    >>> model = build_mlp(64, 16, [10, 2], torch.Generator().manual_seed(0))
    >>> sum(p.numel() for p in model.shared_parameters())
    1040
    """
    trunk = nn.Sequential(_linear(num_inputs, width, 2.0, generator), nn.ReLU())
    return MultiTaskModel(trunk, [_linear(width, n, 1.0, generator) for n in num_outputs])


def _linear(fan_in: int, fan_out: int, gain: float, generator: torch.Generator) -> nn.Linear:
    """A linear layer with variance gain / fan_in and no bias at the start (He et al., 2015)."""
    # nn.Linear draws from the global generator when it is built the usual way.
    layer = nn.Linear(fan_in, fan_out, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        layer.weight.normal_(0.0, (gain / fan_in) ** 0.5, generator=generator)
        layer.bias.zero_()
    return layer
