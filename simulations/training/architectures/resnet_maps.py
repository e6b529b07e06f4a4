"""ResNet-18 that keeps its last feature map, for tasks that ask something of each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from simulations.training.architectures.base import Features, Trunk
from simulations.training.architectures.fusion import check_sizes
from simulations.training.architectures.resnet import (
    STAGES,
    Encoder,
    channels_of,
    check_flag,
    check_stride,
    check_width,
    shown,
    the_images,
)
from songoku_theory.errors import InvalidInputError

__all__ = ["ResNet18Maps"]


@dataclass(frozen=True, slots=True)
class ResNet18Maps:
    """A shared ResNet-18 encoder; every task decodes its last map for itself.

    Attributes
    ----------
    width : float
        Multiplies the encoder's 64, 128, 256, 512 channels; 1 is ResNet-18. > 0.
    stem_stride : {1, 2, 4}
        As in `ResNet18`. The map is 8 times as coarse as the stem: with 4 a decoder upsamples 32
        times, as the paper's do.
    decoder : int
        Channels of a decoder on the coarsest map; each doubling halves them (see ``MapDecoder``).
    channels_last : bool
        As in `ResNet18`.

    Source
    ------
    SON-GOKU, appendix J.1: "A ResNet-18 backbone trained from scratch", "task-specific decoder
    heads", 32x upsampling. Nothing more is said of the decoders.

    Differs from
    ------------
    Statistics of batch normalisation: see ``ViewNorm2d``.
    """

    width: float = 1.0
    stem_stride: int = 4
    decoder: int = 256
    channels_last: bool = False

    def __post_init__(self) -> None:
        check_width(self.width)
        check_stride(self.stem_stride)
        check_sizes({"decoder": self.decoder})
        check_flag("channels_last", self.channels_last)

    def __repr__(self) -> str:
        return shown(self)

    def trunk(self, shapes: Mapping[str, tuple[int, ...]], num_views: int) -> Trunk:
        """Return the network up to its last map; see `Architecture.trunk`."""
        modality, shape = the_images(shapes)
        channels = channels_of(self.width)
        # Each halving rounds up, and halvings in turn round as one division does.
        stride = self.stem_stride * 2 ** (STAGES - 1)
        features = Features(
            "map",
            channels * 2 ** (STAGES - 1),
            grid=(-(-shape[1] // stride), -(-shape[2] // stride)),
            image=(shape[1], shape[2]),
            decoder=self.decoder,
        )
        return _Maps(
            features, modality, shape[0], channels, self.stem_stride, num_views, self.channels_last
        )


class _Maps(Encoder):
    def forward(self, inputs: Mapping[str, Tensor], view: int) -> Tensor:
        x = inputs[self.modality]
        if tuple(x.shape[2:]) != self.features.image:
            raise InvalidInputError(
                f"this network was built for images of {_size(self.features.image)} pixels; found "
                f"{_size(x.shape[2:])}. Build one for that size, or resize the images."
            )
        return self.encoded(x, view)


def _size(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))
