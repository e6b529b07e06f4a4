"""Intermediate fusion: an encoder for each modality, projected, joined, and a small MLP."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from simulations.training.architectures.base import Features, Trunk
from songoku_theory.errors import InvalidInputError

__all__ = ["CnnFusion", "Fused", "VectorFusion", "check_sizes"]


def check_sizes(sizes: Mapping[str, int]) -> None:
    """Refuse a size below 1.

    Raises
    ------
    InvalidInputError
        Names it.
    """
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidInputError(f"{name} should be a whole number >= 1; found {value!r}.")


class Fused(Trunk):
    """Encoders whose outputs are projected, joined and sent through a hidden layer.

    Parameters
    ----------
    encoders : mapping from modality to Module
        From (n, ...) to (n, features).
    sizes : mapping from modality to int
        Features of each.
    embedding, hidden : int
    """

    def __init__(
        self, encoders: Mapping[str, nn.Module], sizes: Mapping[str, int], embedding: int,
        hidden: int,
    ) -> None:  # fmt: skip
        super().__init__(Features("vector", hidden))
        self.modalities = tuple(encoders)
        self.encoders = nn.ModuleList(encoders.values())
        self.projections = nn.ModuleList(nn.Linear(sizes[m], embedding) for m in encoders)
        self.join = nn.Sequential(
            nn.Linear(embedding * len(encoders), hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
        )  # fmt: skip

    def forward(self, inputs: Mapping[str, Tensor], view: int) -> Tensor:
        parts = [
            project(encode(inputs[modality])).relu()
            for modality, encode, project in zip(
                self.modalities, self.encoders, self.projections, strict=True
            )
        ]
        joined: Tensor = self.join(torch.cat(parts, dim=1))
        return joined


@dataclass(frozen=True, slots=True)
class CnnFusion:
    """AV-MNIST's network: 4 convolutions for the image, 2 for the spectrogram, fused by an MLP.

    Attributes
    ----------
    channels : int
        Of the first convolution; each later one has twice as many.
    embedding : int
        Length that each modality is projected to.
    hidden : int
        Units of the MLP.
    image, audio : str
        The two modalities.

    Source
    ------
    SON-GOKU, appendix J.3, after Vielzeuf et al. (2018). Sizes are not given there.
    """

    channels: int = 16
    embedding: int = 64
    hidden: int = 128
    image: str = "image"
    audio: str = "audio"

    def __post_init__(self) -> None:
        check_sizes({n: getattr(self, n) for n in ("channels", "embedding", "hidden")})

    def trunk(self, shapes: Mapping[str, tuple[int, ...]], num_views: int) -> Trunk:
        """Return the fused network; see `Architecture.trunk`."""
        flat = [len(shape) != 3 for shape in shapes.values()]
        if set(shapes) != {self.image, self.audio} or any(flat):
            raise InvalidInputError(
                f"this network takes {self.image!r} and {self.audio!r}, each (channels, h, w); "
                f"found {dict(shapes)}."
            )
        layers = {self.image: 4, self.audio: 2}
        encoders, sizes = {}, {}
        for modality, depth in layers.items():
            encoders[modality], sizes[modality] = _cnn(shapes[modality], self.channels, depth)
        return Fused(encoders, sizes, self.embedding, self.hidden)


def _cnn(shape: tuple[int, ...], channels: int, depth: int) -> tuple[nn.Module, int]:
    """Return convolutions with halving pools down to 4 x 4 at most, and the features they give."""
    layers: list[nn.Module] = []
    before, size = shape[0], shape[1:]
    for level in range(depth):
        after = channels * 2**level
        groups = math.gcd(after, 8)
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(groups, after), nn.ReLU()]
        if min(size) >= 4:
            layers.append(nn.MaxPool2d(2))
            size = (size[0] // 2, size[1] // 2)
        before = after
    pooled = (min(size[0], 4), min(size[1], 4))
    layers += [_GridMean(size, pooled), nn.Flatten()]
    return nn.Sequential(*layers), before * pooled[0] * pooled[1]


class _GridMean(nn.Module):
    """Means over cells of a grid; unlike adaptive pooling, the same bits each time on a GPU."""

    def __init__(self, size: tuple[int, ...], cells: tuple[int, int]) -> None:
        super().__init__()
        self.cells = cells
        self.cut = (size[0] // cells[0] * cells[0], size[1] // cells[1] * cells[1])

    def forward(self, x: Tensor) -> Tensor:
        n, channels = x.shape[:2]
        (rows, columns), (high, wide) = self.cells, self.cut
        cut = x[:, :, :high, :wide]
        return cut.reshape(n, channels, rows, high // rows, columns, wide // columns).mean((3, 5))


@dataclass(frozen=True, slots=True)
class VectorFusion:
    """For modalities that are feature vectors already (MM-IMDb's VGG16 and word2vec features).

    Attributes
    ----------
    encoder : int
        Units of each modality's hidden layer.
    embedding, hidden : int
        As in `CnnFusion`.

    Source
    ------
    SON-GOKU, appendix J.3 and J.4. Sizes are not given there.
    """

    encoder: int = 256
    embedding: int = 128
    hidden: int = 256

    def __post_init__(self) -> None:
        check_sizes({n: getattr(self, n) for n in ("encoder", "embedding", "hidden")})

    def trunk(self, shapes: Mapping[str, tuple[int, ...]], num_views: int) -> Trunk:
        """Return the fused network; see `Architecture.trunk`."""
        encoders = {
            modality: nn.Sequential(
                nn.Flatten(), nn.Linear(math.prod(shape), self.encoder), nn.ReLU()
            )
            for modality, shape in shapes.items()
        }
        return Fused(encoders, dict.fromkeys(shapes, self.encoder), self.embedding, self.hidden)
