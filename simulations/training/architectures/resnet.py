"""ResNet-18 for small images: pooled features, and the encoder that other trunks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from simulations.training.architectures.base import Features, Trunk
from simulations.training.architectures.norm import ViewNorm2d
from songoku_theory.errors import InvalidInputError

__all__ = [
    "STAGES",
    "STEM_STRIDES",
    "Encoder",
    "ResNet18",
    "channels_of",
    "check_flag",
    "check_stride",
    "check_width",
    "shown",
    "the_images",
]

STAGES = 4
STEM_STRIDES = (1, 2, 4)
_BLOCKS = 2


@dataclass(frozen=True, slots=True)
class ResNet18:
    """ResNet-18, by default with a stem for 32 x 32 images.

    Attributes
    ----------
    width : float
        Multiplies the 64, 128, 256, 512 channels; 1 is ResNet-18. > 0.
    stem_stride : {1, 2, 4}
        By how much the stem shrinks the image. 1: a convolution of 3 x 3. 2: the same with stride
        2, which quarters the cost. 4: the published stem for large images, 7 x 7 with stride 2 and
        a maximum over 3 x 3 with stride 2.
    channels_last : bool
        Keep a pixel's channels side by side in memory. Faster on CPUs for narrow networks; the same
        numbers up to rounding.

    Source
    ------
    He et al. (2016), table 1, and section 4.2 for the stem on small images; SON-GOKU, appendix J.2.

    Differs from
    ------------
    Statistics of batch normalisation: see ``ViewNorm2d``.
    """

    width: float = 1.0
    stem_stride: int = 1
    channels_last: bool = False

    def __post_init__(self) -> None:
        check_width(self.width)
        check_stride(self.stem_stride)
        check_flag("channels_last", self.channels_last)

    def __repr__(self) -> str:
        return shown(self)

    def trunk(self, shapes: Mapping[str, tuple[int, ...]], num_views: int) -> Trunk:
        """Return the network up to its pooled features; see `Architecture.trunk`."""
        modality, shape = the_images(shapes)
        channels = channels_of(self.width)
        features = Features("vector", channels * 2 ** (STAGES - 1))
        return _Pooled(
            features, modality, shape[0], channels, self.stem_stride, num_views, self.channels_last
        )


def shown(options: Any) -> str:  # noqa: ANN401 - any dataclass
    """Return a dataclass's usual text, without ``channels_last`` where it is off.

    A checkpoint says with this text what it is of; one from before there was the option goes on.
    """
    names = [f.name for f in fields(options) if f.name != "channels_last" or options.channels_last]
    parts = ", ".join(f"{name}={getattr(options, name)!r}" for name in names)
    return f"{type(options).__name__}({parts})"


def check_flag(name: str, value: bool) -> None:
    """Refuse what is neither true nor false.

    Raises
    ------
    InvalidInputError
    """
    if not isinstance(value, bool):
        raise InvalidInputError(f"{name} should be true or false; found {value!r}.")


def check_width(width: float) -> None:
    """Refuse a width outside (0, 8].

    Raises
    ------
    InvalidInputError
    """
    number = isinstance(width, int | float) and not isinstance(width, bool)
    if not (number and 0 < width <= 8):
        raise InvalidInputError(f"width should lie in (0, 8]; found {width!r}.")


def check_stride(stride: int) -> None:
    """Refuse a stride that no stem has.

    Raises
    ------
    InvalidInputError
    """
    if type(stride) is not int or stride not in STEM_STRIDES:
        raise InvalidInputError(
            f"stem_stride should be one of {', '.join(map(str, STEM_STRIDES))}; found {stride!r}."
        )


def channels_of(width: float) -> int:
    """Return the channels of the first stage."""
    return max(1, round(64 * width))


def the_images(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, tuple[int, ...]]:
    """Return the one modality and the shape of its images.

    Raises
    ------
    InvalidInputError
        When there are several modalities, or it is no image.
    """
    if len(shapes) != 1 or len(next(iter(shapes.values()))) != 3:
        raise InvalidInputError(
            f"ResNet-18 takes one modality of images (channels, h, w); found {dict(shapes)}."
        )
    return next(iter(shapes.items()))


class _Block(nn.Module):
    def __init__(self, channels_in: int, channels: int, stride: int, num_views: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = ViewNorm2d(channels, num_views)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = ViewNorm2d(channels, num_views)
        self.short: nn.Conv2d | None = None
        if stride != 1 or channels_in != channels:
            self.short = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.short_norm = ViewNorm2d(channels, num_views)

    def forward(self, x: Tensor, view: int) -> Tensor:
        inner = functional.relu(self.norm1(self.conv1(x), view))
        inner = self.norm2(self.conv2(inner), view)
        short = x if self.short is None else self.short_norm(self.short(x), view)
        return functional.relu(inner + short)


class Encoder(Trunk):
    """ResNet-18 up to its last feature map.

    Parameters
    ----------
    features : Features
    modality : str
    channels_in : int
        Of the image.
    channels : int
        Of the first stage; each later one has twice as many.
    stem_stride : {1, 2, 4}
        As in `ResNet18`.
    num_views : int
    channels_last : bool
        As in `ResNet18`.
    """

    def __init__(
        self, features: Features, modality: str, channels_in: int, channels: int, stem_stride: int,
        num_views: int, channels_last: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(features)
        self.modality = modality
        self.channels_last = channels_last
        kernel = 7 if stem_stride == 4 else 3
        stride = min(stem_stride, 2)
        self.stem = nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, bias=False)
        self.pooled = stem_stride == 4
        self.norm = ViewNorm2d(channels, num_views)
        blocks, before = [], channels
        for stage in range(STAGES):
            for block in range(_BLOCKS):
                stride = 2 if stage > 0 and block == 0 else 1
                after = channels * 2**stage
                blocks.append(_Block(before, after, stride, num_views))
                before = after
        self.blocks = nn.ModuleList(blocks)

    def encoded(self, x: Tensor, view: int) -> Tensor:
        """Return the last map, (n, 8 channels, h, w), of images (n, channels_in, ...)."""
        if self.channels_last:
            # The layers keep the order that they find; weights stay as they are.
            x = x.contiguous(memory_format=torch.channels_last)
        x = functional.relu(self.norm(self.stem(x), view))
        if self.pooled:
            x = functional.max_pool2d(x, 3, 2, 1)
        for block in self.blocks:
            x = block(x, view)
        return x


class _Pooled(Encoder):
    def forward(self, inputs: Mapping[str, Tensor], view: int) -> Tensor:
        return self.encoded(inputs[self.modality], view).mean(dim=(2, 3))
