"""Normals and chi variables on a torch device, drawn without asking the device anything.

Rejection needs a loop that runs until nothing is rejected, and to know that, the host has to wait
for the device. Here each row of chi variables is given more proposals than it needs (Marsaglia and
Tsang accept at least 95 percent), and its first accepted ones are moved together. Whether there
were enough is noted on the device and read with the batch's counts. A batch that was short is
drawn anew as a whole. That changes no law: in rejection sampling the accepted values are
independent of *which* proposals were accepted, and being short depends on the latter alone.

torch's own gamma sampler would do on a CPU; on a GPU it draws single-precision uniforms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["DOUBLE", "TorchStream", "proposals_for"]

DOUBLE = torch.float64


def proposals_for(lanes: int) -> int:
    """Return how many proposals a row of so many chi variables gets.

    At an acceptance of 95 percent, the worst (two degrees of freedom), what is accepted lies at
    least 6.7 standard deviations above what is needed, whatever `lanes` is: fewer than one row in
    10**10 is short.

    Examples
    --------
    >>> proposals_for(1), proposals_for(4096)
    (65, 4416)
    """
    return lanes + lanes // 16 + 64


class TorchStream:
    """An endless stream of random numbers on a device.

    Parameters
    ----------
    device : torch.device
    rng : numpy.random.Generator
        Gives the seed, one word.

    Examples
    --------
    >>> import numpy as np
    >>> first, second = (
    ...     TorchStream(torch.device("cpu"), np.random.default_rng(7)) for _ in range(2)
    ... )
    >>> bool((first.chi([5, 1], 100) == second.chi([5, 1], 100)).all()), bool(first.complete)
    (True, True)
    """

    def __init__(self, device: torch.device, rng: np.random.Generator) -> None:
        self.device = device
        seed = int(rng.bit_generator.random_raw())
        self.generator: torch.Generator | None = torch.Generator(device).manual_seed(seed)
        self.complete = torch.ones((), dtype=torch.bool, device=device)
        self._shapes: dict[tuple[float, ...], Tensor] = {}

    def start_batch(self) -> None:
        """Forget whether an earlier batch was short."""
        self.complete = torch.ones((), dtype=torch.bool, device=self.device)

    def normals(self, *shape: int) -> Tensor:
        """Draw standard normals, float64."""
        return torch.randn(shape, generator=self.generator, device=self.device, dtype=DOUBLE)

    def uniforms(self, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1), float64."""
        return torch.rand(shape, generator=self.generator, device=self.device, dtype=DOUBLE)

    def chi(self, dofs: Sequence[float], lanes: int) -> Tensor:
        """Draw roots of chi-square variables.

        Parameters
        ----------
        dofs : sequence of float
            Degrees of freedom of each row, >= 2, or 1; rows of one degree come last.
        lanes : int
            Variables in a row.

        Returns
        -------
        Tensor, shape (len(dofs), lanes)
            Not to be used where `complete` is false.

        Source
        ------
        Marsaglia and Tsang (2000); one degree of freedom is the absolute value of a normal.
        """
        rejecting = [dof for dof in dofs if dof > 1]
        parts = [self._rejected(tuple(rejecting), lanes)] if rejecting else []
        # Degrees of freedom fall from row to row (Bartlett), so a row with one comes last.
        parts += [self.normals(1, lanes).abs_() for dof in dofs if dof == 1]
        empty = torch.empty((0, lanes), dtype=DOUBLE, device=self.device)
        return torch.cat(parts) if parts else empty

    def _rejected(self, dofs: tuple[float, ...], lanes: int) -> Tensor:
        if dofs not in self._shapes:
            column = torch.tensor(dofs, dtype=DOUBLE, device=self.device)[:, None]
            self._shapes[dofs] = 0.5 * column - 1.0 / 3.0
        shape = self._shapes[dofs]
        size = (len(dofs), proposals_for(lanes))
        proposal = self.normals(*size)
        uniform = self.uniforms(*size)
        root = 1.0 + proposal / torch.sqrt(9.0 * shape)
        cube = root**3
        positive = torch.where(root > 0.0, cube, 1.0)
        accepted = (root > 0.0) & (
            torch.log(uniform) < 0.5 * proposal**2 + shape * (1.0 - positive + torch.log(positive))
        )
        place = torch.cumsum(accepted, 1) - 1
        self.complete = self.complete & (place[:, -1] >= lanes - 1).all()
        # Rejected and superfluous ones all go to a place behind the last, which is cut off.
        target = torch.where(accepted & (place < lanes), place, lanes)
        found = torch.ones((len(dofs), lanes + 1), dtype=DOUBLE, device=self.device)
        return found.scatter_(1, target, torch.sqrt(2.0 * shape * positive))[:, :lanes]
