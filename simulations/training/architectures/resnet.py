"""ResNet-18 for small images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from simulations.training.architectures.base import Features, Trunk
from simulations.training.architectures.norm import ViewNorm2d
from songoku_theory.errors import InvalidInputError

__all__ = ["ResNet18"]

_STAGES = 4
_BLOCKS = 2


@dataclass(frozen=True, slots=True)
class ResNet18:
    """ResNet-18 with a stem for 32 x 32 images: 3 x 3, stride 1, no pooling.

    Attributes
    ----------
    width : float
        Multiplies the 64, 128, 256, 512 channels; 1 is ResNet-18. > 0.

    Source
    ------
    He et al. (2016), section 4.2 for the stem on small images; SON-GOKU, appendix J.2.

    Differs from
    ------------
    Statistics of batch normalisation: see ``ViewNorm2d``.
    """

    width: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.width <= 8:
            raise InvalidInputError(f"width should lie in (0, 8]; found {self.width!r}.")

    def trunk(self, shapes: Mapping[str, tuple[int, ...]], num_views: int) -> Trunk:
        """Return the network up to its pooled features; see `Architecture.trunk`."""
        if len(shapes) != 1 or len(next(iter(shapes.values()))) != 3:
            raise InvalidInputError(
                f"ResNet-18 takes one modality of images (channels, h, w); found {dict(shapes)}."
            )
        ((modality, shape),) = shapes.items()
        return _ResNet(modality, shape[0], max(1, round(64 * self.width)), num_views)


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


class _ResNet(Trunk):
    def __init__(self, modality: str, channels_in: int, channels: int, num_views: int) -> None:
        super().__init__(Features("vector", channels * 2 ** (_STAGES - 1)))
        self.modality = modality
        self.stem = nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False)
        self.norm = ViewNorm2d(channels, num_views)
        blocks, before = [], channels
        for stage in range(_STAGES):
            for block in range(_BLOCKS):
                stride = 2 if stage > 0 and block == 0 else 1
                after = channels * 2**stage
                blocks.append(_Block(before, after, stride, num_views))
                before = after
        self.blocks = nn.ModuleList(blocks)

    def forward(self, inputs: Mapping[str, Tensor], view: int) -> Tensor:
        x = functional.relu(self.norm(self.stem(inputs[self.modality]), view))
        for block in self.blocks:
            x = block(x, view)
        return x.mean(dim=(2, 3))
