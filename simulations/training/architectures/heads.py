"""Heads: from a trunk's features to a task's outputs."""

from __future__ import annotations

from torch import Tensor, nn

from simulations.training.architectures.base import Features
from simulations.training.architectures.decoder import MapDecoder, MapMean
from simulations.training.architectures.transformer import Attention, FeedForward, Table
from simulations.training.benchmarks.base import Head
from songoku_theory.errors import InvalidInputError

__all__ = ["build_head", "fits"]

_HEADS_OF_ATTENTION = 4
_STEPS_A_QUERY = 8
_OF_PIXELS = (Head.PIXEL_CLASS, Head.PIXEL_VALUES)


def fits(kind: Head, features: Features) -> bool:
    """Return whether a head of that kind can be built on these features."""
    return kind not in _OF_PIXELS or features.kind == "map"


def build_head(kind: Head, num_outputs: int, features: Features) -> nn.Module:
    """Return a head; its weights are set by the caller.

    Parameters
    ----------
    kind : Head
    num_outputs : int
        Classes, labels, values or steps.
    features : Features
        Of the trunk. From a vector every head is a linear layer. From tokens a series has a
        decoder, and the others see the tokens' mean. From a map, outputs at each pixel have a
        decoder, and the others see the map's mean.

    Raises
    ------
    InvalidInputError
        When no head of that kind fits these features.
    """
    if not fits(kind, features):
        raise InvalidInputError(
            f"a task with outputs of kind {kind.value!r} needs features at each pixel; this trunk "
            f"gives a {features.kind}. Choose another architecture."
        )
    if features.kind == "vector":
        return _linear(features.width, num_outputs)
    if features.kind == "map":
        if kind in _OF_PIXELS:
            return MapDecoder(features, num_outputs)
        return nn.Sequential(MapMean(), _linear(features.width, num_outputs))
    if kind is Head.SERIES:
        return _SeriesDecoder(features.width, num_outputs)
    return nn.Sequential(_TokenMean(), _linear(features.width, num_outputs))


def _linear(width: int, num_outputs: int) -> nn.Linear:
    layer = nn.Linear(width, num_outputs)
    layer.is_output = True  # type: ignore[assignment]  # no ReLU follows
    return layer


class _TokenMean(nn.Module):
    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(dim=1)


class _SeriesDecoder(nn.Module):
    """Learnt queries, one for every few future steps, attend to the past's tokens."""

    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        queries = -(-steps // _STEPS_A_QUERY)
        heads = _HEADS_OF_ATTENTION if width % _HEADS_OF_ATTENTION == 0 else 1
        self.steps = steps
        self.queries = Table(queries, width)
        self.norm = nn.LayerNorm(width)
        self.attention, self.feed = Attention(width, heads), FeedForward(width)
        self.out = _linear(width, _STEPS_A_QUERY)

    def forward(self, tokens: Tensor) -> Tensor:
        asking = self.queries().expand(len(tokens), -1, -1)
        found = asking + self.attention(asking, tokens)
        found = found + self.feed(self.norm(found))
        return self.out(found).flatten(1)[:, : self.steps]  # type: ignore[no-any-return]
