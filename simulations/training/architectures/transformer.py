"""A compact transformer over patches of several series."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from simulations.training.architectures.base import Features, Trunk
from simulations.training.architectures.fusion import check_sizes
from songoku_theory.errors import InvalidInputError

__all__ = ["Attention", "FeedForward", "PatchTransformer", "Table"]


@dataclass(frozen=True, slots=True)
class PatchTransformer:
    """An encoder whose tokens are patches of all series together; each task has its own decoder.

    Attributes
    ----------
    patch : int
        Steps a token.
    width : int
        Of a token; a multiple of `heads`.
    heads : int
        Of attention.
    layers : int
        Of the encoder.

    Source
    ------
    PTG, appendix C.1, uses Autoformer, an encoder with a decoder for each task; this is a plain
    transformer of the same shape, small enough for two CPU cores.
    """

    patch: int = 8
    width: int = 64
    heads: int = 4
    layers: int = 2

    def __post_init__(self) -> None:
        check_sizes({name: getattr(self, name) for name in ("patch", "width", "heads", "layers")})
        if self.width % self.heads:
            raise InvalidInputError(
                f"width should be a multiple of heads; found {self.width} and {self.heads}."
            )

    def trunk(self, shapes: Mapping[str, tuple[int, ...]], num_views: int) -> Trunk:
        """Return the encoder; see `Architecture.trunk`."""
        if len(shapes) != 1 or len(next(iter(shapes.values()))) != 2:
            raise InvalidInputError(
                f"this network takes one modality (series, steps); found {dict(shapes)}."
            )
        ((modality, (series, steps)),) = shapes.items()
        if steps < self.patch:
            raise InvalidInputError(
                f"a patch of {self.patch} steps does not fit into a history of {steps}."
            )
        return _Encoder(self, modality, series, steps // self.patch)


class Table(nn.Module):
    """Learnt vectors: positions, or what a decoder asks for.

    Parameters
    ----------
    rows, width : int
    """

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.empty(rows, width))

    def draw_weights(self, generator: torch.Generator) -> None:
        """Draw small normal values."""
        self.values.normal_(0.0, 0.02, generator=generator)

    def forward(self) -> Tensor:
        """Return the vectors, (rows, width)."""
        return self.values


class Attention(nn.Module):
    """Multi-head attention from tokens (n, a, width) to tokens (n, b, width).

    Parameters
    ----------
    width, heads : int
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        for layer in (self.query, self.key, self.value, self.out):
            layer.is_output = True  # type: ignore[assignment]  # no ReLU follows

    def forward(self, asking: Tensor, asked: Tensor) -> Tensor:
        parts = [self._split(self.query(asking)), self._split(self.key(asked))]
        size = parts[0].shape[-1]
        scores = parts[0] @ parts[1].transpose(-1, -2) / math.sqrt(size)
        found = scores.softmax(dim=-1) @ self._split(self.value(asked))
        joined: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return joined

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), x.shape[1], self.heads, -1).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers, token by token.

    Parameters
    ----------
    width : int
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.down.is_output = True  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        down: Tensor = self.down(functional.gelu(self.up(x)))
        return down


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.feed = Attention(width, heads), FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        normal = self.norm1(x)
        x = x + self.attention(normal, normal)
        moved: Tensor = x + self.feed(self.norm2(x))
        return moved


class _Encoder(Trunk):
    def __init__(self, options: PatchTransformer, modality: str, series: int, tokens: int) -> None:
        super().__init__(Features("tokens", options.width, tokens))
        self.modality, self.patch, self.tokens = modality, options.patch, tokens
        self.embed = nn.Linear(series * options.patch, options.width)
        self.positions = Table(tokens, options.width)
        self.layers = nn.Sequential(
            *(_Layer(options.width, options.heads) for _ in range(options.layers))
        )
        self.norm = nn.LayerNorm(options.width)

    def forward(self, inputs: Mapping[str, Tensor], view: int) -> Tensor:
        x = inputs[self.modality]
        # A history that is no multiple of the patch loses its oldest steps.
        x = x[:, :, -self.tokens * self.patch :].reshape(len(x), -1, self.tokens, self.patch)
        x = self.embed(x.transpose(1, 2).flatten(2)) + self.positions()
        coded: Tensor = self.norm(self.layers(x))
        return coded
