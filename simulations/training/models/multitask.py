"""A shared trunk with a head for each task: theta and phi_1 ... phi_K of the paper."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["MultiTaskModel"]


class MultiTaskModel(nn.Module):
    """Any trunk, any heads.

    Parameters
    ----------
    trunk : nn.Module
        Holds all shared parameters, theta.
    heads : sequence of nn.Module
        ``heads[k]`` holds task k's own, phi_k.
    """

    def __init__(self, trunk: nn.Module, heads: Sequence[nn.Module]) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleList(heads)

    def forward(self, inputs: Tensor, task: int) -> Tensor:
        """Return task `task`'s outputs for a batch of inputs."""
        outputs: Tensor = self.heads[task](self.trunk(inputs))
        return outputs

    def shared_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return theta, in the one order that every gradient vector uses."""
        return tuple(self.trunk.parameters())

    def head_parameters(self, task: int) -> tuple[nn.Parameter, ...]:
        """Return phi_k."""
        return tuple(self.heads[task].parameters())
