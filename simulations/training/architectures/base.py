"""A trunk that all tasks share, a head for each task, and what a trunk hands to the heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor, nn

from songoku_theory.errors import unknown_name

__all__ = ["Architecture", "Features", "Network", "Trunk"]


@dataclass(frozen=True, slots=True)
class Features:
    """What a trunk gives for a batch of n examples.

    Attributes
    ----------
    kind : {"vector", "tokens", "map"}
        ``"vector"``: (n, width). ``"tokens"``: (n, length, width). ``"map"``: (n, width, *grid).
    width : int
    length : int
        Of tokens.
    grid : tuple of int
        Height and width of a map.
    image : tuple of int
        Height and width of what a map is decoded to.
    decoder : int
        Channels that a decoder of a map starts with.
    """

    kind: Literal["vector", "tokens", "map"]
    width: int
    length: int = 1
    grid: tuple[int, int] = (1, 1)
    image: tuple[int, int] = (1, 1)
    decoder: int = 1


class Trunk(nn.Module):
    """Holds all shared parameters.

    Parameters
    ----------
    features : Features
    """

    def __init__(self, features: Features) -> None:
        super().__init__()
        self.features = features

    def forward(self, inputs: Mapping[str, Tensor], view: int) -> Tensor:
        """Return the features of a batch.

        Parameters
        ----------
        inputs : mapping from modality to Tensor, shape (n, ...)
        view : int
            Which of the benchmark's views the examples belong to; for layers that keep statistics.
        """
        raise TypeError(f"{type(self).__name__} has no forward of its own.")  # pragma: no cover


class Architecture(Protocol):
    """Options of an architecture: a frozen dataclass."""

    def trunk(self, shapes: Mapping[str, tuple[int, ...]], num_views: int) -> Trunk:
        """Return the trunk; its weights are set by the caller.

        Parameters
        ----------
        shapes : mapping from modality to the shape of one example
        num_views : int

        Raises
        ------
        InvalidInputError
            When the architecture does not fit these inputs.
        """
        ...


class Network(nn.Module):
    """One trunk, one head a task.

    Parameters
    ----------
    trunk : Trunk
    heads : mapping from task to Module
        Heads stay in this order. Names may hold any character (``return_BRK.B``).
    """

    def __init__(self, trunk: Trunk, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.trunk = trunk
        self.names = tuple(heads)
        self.head_list = nn.ModuleList(heads.values())

    @property
    def heads(self) -> dict[str, nn.Module]:
        """Each task's head, by name."""
        return dict(zip(self.names, self.head_list, strict=True))

    def forward(
        self, inputs: Mapping[str, Tensor], view: int, tasks: Sequence[str]
    ) -> dict[str, Tensor]:
        """Return the outputs of some tasks of one view, after one pass through the trunk.

        Raises
        ------
        UnknownNameError
            When there is no head of that name.
        """
        return self.outputs(self.trunk(inputs, view), tasks)

    def outputs(self, features: Tensor, tasks: Sequence[str]) -> dict[str, Tensor]:
        """Return the outputs of some tasks for features of the trunk."""
        heads = self.heads
        for task in tasks:
            if task not in heads:
                raise unknown_name("task", task, heads)
        return {task: heads[task](features) for task in tasks}
