"""From a coarse feature map to a map of outputs as large as the image."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from simulations.training.architectures.base import Features

__all__ = ["MapDecoder", "MapMean", "Resize", "bilinear"]

_FEWEST = 16
_GROUPS = 8


class MapDecoder(nn.Module):
    """Doublings with convolutions up to half the image's size, then a linear resize to all of it.

    Parameters
    ----------
    features : Features
        Of kind "map".
    num_outputs : int
        Channels of the result.

    Notes
    -----
    It sees the coarse map only, and no finer ones of the encoder: the paper speaks of upsampling
    by 32. Its normalisation keeps no statistics (groups of channels), so that a decoder is the
    same function in training and at evaluation. Repeating pixels and the resize as a product of
    matrices give the same bits each time on a GPU, which built-in interpolation does not.
    """

    def __init__(self, features: Features, num_outputs: int) -> None:
        super().__init__()
        sizes = _sizes(features.grid, features.image)
        channels = features.decoder
        layers = [_convolution(features.width, channels)]
        for size in sizes:
            after = max(channels // 2, min(channels, _FEWEST))
            layers += [nn.Sequential(_Double(size), _convolution(channels, after))]
            channels = after
        self.layers = nn.Sequential(*layers)
        self.out = nn.Conv2d(channels, num_outputs, 1)
        self.out.is_output = True  # type: ignore[assignment]  # no ReLU follows
        self.resize = Resize(sizes[-1] if sizes else features.grid, features.image)

    def forward(self, x: Tensor) -> Tensor:
        resized: Tensor = self.resize(self.out(self.layers(x)))
        return resized


def _sizes(grid: tuple[int, int], image: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the sizes after each doubling, finest last: the image's halves, rounded up.

    Examples
    --------
    >>> _sizes((2, 3), (13, 17))
    [(4, 5), (7, 9)]
    """
    sizes = []
    size = ((image[0] + 1) // 2, (image[1] + 1) // 2)
    while size[0] > grid[0] or size[1] > grid[1]:
        sizes.append(size)
        size = ((size[0] + 1) // 2, (size[1] + 1) // 2)
    return sizes[::-1]


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.GroupNorm(math.gcd(after, _GROUPS), after),
        nn.ReLU(),
    )


class _Double(nn.Module):
    """Each pixel becomes 2 x 2; a last odd row or column is cut."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        grown = x[:, :, :, None, :, None].expand(n, channels, height, 2, width, 2)
        grown = grown.reshape(n, channels, 2 * height, 2 * width)
        return grown[:, :, : self.size[0], : self.size[1]]


class Resize(nn.Module):
    """Bilinear interpolation from one size to another, as two products with fixed matrices.

    Parameters
    ----------
    before, after : tuple of int
        Height and width.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        super().__init__()
        self.before, self.after = before, after
        for name, axis in (("rows", 0), ("columns", 1)):
            # Not saved: they follow from the sizes.
            self.register_buffer(name, torch.empty(after[axis], before[axis]), persistent=False)

    def draw_weights(self, generator: torch.Generator) -> None:
        """Set the matrices; draws nothing."""
        self.rows.copy_(bilinear(self.before[0], self.after[0]))
        self.columns.copy_(bilinear(self.before[1], self.after[1]))

    def forward(self, x: Tensor) -> Tensor:
        return self.rows @ (x @ self.columns.T)


def bilinear(before: int, after: int) -> Tensor:
    """Return the matrix (after, before) of linear interpolation between middles of pixels.

    Examples
    --------
    >>> bilinear(2, 4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    place = ((torch.arange(after).double() + 0.5) * before / after - 0.5).clamp(0, before - 1)
    distance = (place[:, None] - torch.arange(before)).abs()
    return (1 - distance).clamp(min=0).float()


class MapMean(nn.Module):
    """The mean over all places of a map, (n, channels)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))
