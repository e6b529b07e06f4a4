"""Initial weights from a generator that is passed in; torch's global one is never touched."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from songoku_theory.errors import InvalidInputError

__all__ = ["built", "draw_weights"]

M = TypeVar("M", bound=nn.Module)


def built(make: Callable[[], M], generator: torch.Generator) -> M:
    """Build a module without drawing anything, then draw its weights.

    Parameters
    ----------
    make : callable
        Builds the module; its tensors hold nothing yet.
    generator : torch.Generator
        On the CPU.

    Examples
    --------
    >>> first = built(lambda: nn.Linear(3, 2), torch.Generator().manual_seed(0))
    >>> again = built(lambda: nn.Linear(3, 2), torch.Generator().manual_seed(0))
    >>> bool((first.weight == again.weight).all())
    True
    """
    with torch.device("meta"):
        module = make()
    module.to_empty(device="cpu")
    draw_weights(module, generator)
    return module


@torch.no_grad()
def draw_weights(module: nn.Module, generator: torch.Generator) -> None:
    """Set every parameter and buffer of a module, layer by layer in their order.

    Weights of convolutions and linear layers have variance 2 / fan_in (He et al., 2015), those of
    layers marked ``is_output = True`` 1 / fan_in; recurrent weights are uniform in
    ``+-1/sqrt(units)``. Biases are 0 (a forget gate's 1), scales 1.

    Parameters
    ----------
    module : Module
    generator : torch.Generator

    Raises
    ------
    InvalidInputError
        When a layer holds tensors that nothing here sets.
    """
    for name, layer in module.named_modules():
        own = {
            **dict(layer.named_parameters(recurse=False)),
            **dict(layer.named_buffers(recurse=False)),
        }
        if not own:
            continue
        custom = getattr(layer, "draw_weights", None)
        if callable(custom):
            custom(generator)
        elif isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            gain = 1.0 if getattr(layer, "is_output", False) else 2.0
            fan_in = layer.weight[0].numel()
            layer.weight.normal_(0.0, math.sqrt(gain / fan_in), generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()
        elif isinstance(layer, nn.GroupNorm | nn.LayerNorm):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
        elif isinstance(layer, nn.LSTM):
            _draw_lstm(layer, generator)
        else:
            raise InvalidInputError(
                f"nothing says how the weights of layer {name!r} ({type(layer).__name__}) are "
                f"drawn; give it a method draw_weights(generator)."
            )


def _draw_lstm(layer: nn.LSTM, generator: torch.Generator) -> None:
    bound = 1.0 / math.sqrt(layer.hidden_size)
    for name, values in layer.named_parameters(recurse=False):
        if name.startswith("weight"):
            values.uniform_(-bound, bound, generator=generator)
        else:
            values.zero_()
            # An open forget gate: gradients reach the first days of a window from the start.
            if name.startswith("bias_ih"):
                _forget_gate(values, layer.hidden_size).fill_(1.0)


def _forget_gate(bias: Tensor, size: int) -> Tensor:
    return bias[size : 2 * size]
