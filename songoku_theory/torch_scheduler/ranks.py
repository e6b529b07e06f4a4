"""What several processes agree on: who had a sample, whose gradient is finite, the graph.

Every process then takes the same decisions, because a decision depends on these and on the step
alone: never on time, on local data or on which process it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from songoku_theory.conflict import ConflictGraph
from songoku_theory.errors import InvalidInputError

__all__ = ["Ranks"]

_PART = 1 << 22


class Ranks:
    """The processes of a run; with one process everything here does nothing.

    Parameters
    ----------
    group : ProcessGroup or None
        None: this process alone.
    device : torch.device
        Where what is exchanged lies.
    """

    def __init__(self, group: dist.ProcessGroup | None, device: torch.device) -> None:
        self.group = group
        self.device = device
        self.count = 1 if group is None else dist.get_world_size(group)

    @property
    def several(self) -> bool:
        """Whether there is more than one process."""
        return self.count > 1

    def agree_on_setup(self, numbers: Sequence[int]) -> None:
        """Check that every process describes the same tasks and parameters.

        Raises
        ------
        InvalidInputError
            When they differ.
        """
        if not self.several:
            return
        mine = torch.tensor([*numbers, *(-n for n in numbers)], device=self.device)
        largest = mine.clone()
        dist.all_reduce(largest, op=dist.ReduceOp.MAX, group=self.group)
        if not torch.equal(mine, largest):
            raise InvalidInputError(
                "the processes differ in their tasks, shared parameters or settings; build the "
                "same model and the same scheduler on each."
            )

    def any_of(self, flags: Tensor) -> Tensor:
        """Return which flags are set on any process."""
        if not self.several:
            return flags
        numbers = flags.to(self.device, torch.uint8)
        dist.all_reduce(numbers, op=dist.ReduceOp.MAX, group=self.group)
        return numbers.to(flags.device, torch.bool)

    def mean_(self, tensor: Tensor) -> Tensor:
        """Replace a tensor by its mean over the processes; return it."""
        if not self.several:
            return tensor
        if tensor.device == self.device:
            dist.all_reduce(tensor, op=dist.ReduceOp.SUM, group=self.group)
            return tensor.div_(self.count)
        # Kept on the host, exchanged on the device.
        flat = tensor.view(-1)
        for first in range(0, flat.numel(), _PART):
            part = flat[first : first + _PART]
            moved = part.to(self.device)
            dist.all_reduce(moved, op=dist.ReduceOp.SUM, group=self.group)
            part.copy_(moved.div_(self.count))
        return tensor

    def mean_of_all_(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their means, in one exchange a dtype."""
        if not self.several:
            return
        for dtype in sorted({t.dtype for t in tensors}, key=str):
            alike = [t for t in tensors if t.dtype == dtype]
            flat = torch.cat([t.reshape(-1).to(self.device) for t in alike])
            self.mean_(flat)
            first = 0
            for tensor in alike:
                tensor.copy_(flat[first : first + tensor.numel()].view(tensor.shape))
                first += tensor.numel()

    def of_first_(self, tensor: Tensor) -> Tensor:
        """Replace a tensor by the first process's; return it."""
        if self.several:
            first = 0 if self.group is None else dist.get_global_rank(self.group, 0)
            dist.broadcast(tensor, src=first, group=self.group)
        return tensor

    def graph_of_first(self, graph: ConflictGraph) -> ConflictGraph:
        """Return the graph of the first process.

        All have the same averages. But processes on unlike hardware may round their products
        differently, and one flipped edge can recolour half of the graph.
        """
        if not self.several:
            return graph
        both = np.vstack([graph.adjacency, graph.included[None, :]])
        numbers = torch.as_tensor(both.astype(np.uint8), device=self.device)
        agreed = self.of_first_(numbers).cpu().numpy().astype(np.bool_)
        return ConflictGraph(agreed[:-1], agreed[-1], graph.tau)
