"""The sparse random projection of songoku_theory.sketch, on a device."""

from __future__ import annotations

import torch
from torch import Tensor

from songoku_theory.sketch import RandomProjection

__all__ = ["DeviceProjection"]

_AT_ONCE = 1 << 16  # coordinates, so that the indices of one pass stay small


class DeviceProjection:
    """Projects vectors where they are; sums in one fixed order, so a run repeats bit for bit.

    Parameters
    ----------
    projection : RandomProjection
    device : torch.device
    """

    def __init__(self, projection: RandomProjection, device: torch.device) -> None:
        self.size = projection.size
        self.signs = torch.as_tensor(projection.signs(), device=device).view(-1, self.size)
        self.offsets = torch.as_tensor(projection.offsets(), device=device)
        self._places = torch.arange(self.size, device=device)

    def bytes(self) -> int:
        """Return what the signs and offsets take."""
        return self.signs.nbytes + self.offsets.nbytes + self._places.nbytes

    def __call__(self, padded: Tensor) -> Tensor:
        """Return the sketch of a vector that was filled up with zeros to whole blocks.

        Parameters
        ----------
        padded : Tensor, shape (blocks * r,)

        Returns
        -------
        Tensor, shape (r,)
        """
        blocks = padded.view(-1, self.size)
        total = torch.zeros(self.size, dtype=padded.dtype, device=padded.device)
        step = max(1, _AT_ONCE // self.size)
        for first in range(0, blocks.shape[0], step):
            part = slice(first, first + step)
            signed = blocks[part] * self.signs[part]
            places = (self._places - self.offsets[part, None]).remainder_(self.size)
            total += signed.gather(1, places).sum(dim=0)
        return total
