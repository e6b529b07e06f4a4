"""Whether the groupings of many graphs are the planted one, in tensors and without a loop.

*Colour classes.* Welsh-Powell takes the tasks by falling degree (ties by index) and gives each the
lowest colour that no neighbour taken before it has. Let no edge join two tasks of a planted group
(else no colouring has that group as a class). Then the classes are the planted groups if and only
if every task i has, in every group whose first task comes before the first of i's own group, a
neighbour taken before i.

If so, by induction in the order of taking, every task gets the number of groups that began before
its own: those colours are forbidden to it, its own group's is not, and later groups' are larger.
Conversely, if the classes are the groups, a group's first task finds all colours in use forbidden
(it takes a new one, and took the lowest free), so groups are numbered in the order in which they
begin; and a task that got its group's number had all smaller ones forbidden, each by a neighbour
taken before it.

*Components.* Let no edge join two groups. The components are the groups if and only if each group
is connected: squaring the reflexive adjacency matrix ceil(log2(size - 1)) times reaches everything
that a path within a group reaches.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.generators.planted import PlantedTasks

__all__ = ["PlantedGroups", "recovered"]


@dataclass(frozen=True, slots=True)
class PlantedGroups:
    """The planted grouping on a device.

    Attributes
    ----------
    together : Tensor of bool, shape (K, K)
    members : Tensor of float32, shape (K, m)
        1 where the task is in the group: for matrix products, whose counts are exact.
    labels : Tensor of int64, shape (K,)
    fatal : Tensor of bool, shape (K, K)
        Pairs on which an edge rules the grouping out.
    earlier_index : Tensor of bool, shape (K, K)
        Whether the column's index is smaller than the row's.
    by_color : bool
    doublings : int
        Squarings that reach the end of any path in a group.
    """

    together: Tensor
    members: Tensor
    labels: Tensor
    fatal: Tensor
    earlier_index: Tensor
    by_color: bool
    doublings: int

    @classmethod
    def of(cls, planted: PlantedTasks, device: torch.device) -> PlantedGroups:
        """Move a planted grouping to a device."""
        distinct, host_labels = torch.unique(
            torch.as_tensor(planted.labels.copy()), return_inverse=True
        )
        groups = int(distinct.numel())
        longest = int(torch.bincount(host_labels).max()) - 1
        members = torch.nn.functional.one_hot(host_labels, groups).to(torch.float32)
        labels = host_labels.to(device)
        together = labels[:, None] == labels[None, :]
        by_color = planted.model == "multipartite"
        index = torch.arange(labels.numel(), device=device)
        return cls(
            together=together,
            members=members.to(device),
            labels=labels,
            fatal=together if by_color else ~together,
            earlier_index=index[None, :] < index[:, None],
            by_color=by_color,
            doublings=(longest - 1).bit_length() if longest > 0 else 0,
        )


def recovered(adjacencies: Tensor, groups: PlantedGroups) -> Tensor:
    """Say for each graph whether its grouping is the planted one, up to names.

    Parameters
    ----------
    adjacencies : Tensor of bool, shape (N, K, K)
        Simple graphs (not checked).
    groups : PlantedGroups

    Returns
    -------
    Tensor of bool, shape (N,)
        As `simulations.sampling.tally.recovered_partitions`.

    Source
    ------
    SON-GOKU, section 4.3, Theorems 3 and 4; Welsh and Powell (1967). The proofs are in the module's
    docstring.

    Examples
    --------
    >>> import numpy as np
    >>> from simulations.generators import plant_multipartite
    >>> tasks = plant_multipartite([2, 2], dim=4, tau=0.2, gamma=0.3)
    >>> groups = PlantedGroups.of(tasks, torch.device("cpu"))
    >>> right = torch.as_tensor(tasks.graph.adjacency.copy())
    >>> recovered(torch.stack([right, ~right, torch.zeros_like(right)]), groups).tolist()
    [True, False, False]
    """
    possible = ~(adjacencies & groups.fatal).flatten(1).any(dim=1)
    judge = _colored_right if groups.by_color else _connected_right
    return possible & judge(adjacencies, groups)


def _colored_right(adjacencies: Tensor, groups: PlantedGroups) -> Tensor:
    degrees = adjacencies.sum(dim=2)
    here, there = degrees[:, :, None], degrees[:, None, :]
    before = (there > here) | ((there == here) & groups.earlier_index)  # column before row
    # (N, K, m): does a task have a neighbour in the group that was taken before it?
    stopped = (adjacencies & before).to(torch.float32) @ groups.members > 0
    # A group begins with the member before which the fewest tasks are taken.
    place = before.sum(dim=2)
    tasks = groups.members.shape[0]
    outside = torch.where(groups.members > 0, place[:, :, None], tasks)
    first = outside.amin(dim=1)
    mine = first[:, groups.labels]
    needed = first[:, None, :] < mine[:, :, None]
    return (stopped | ~needed).flatten(1).all(dim=1)


def _connected_right(adjacencies: Tensor, groups: PlantedGroups) -> Tensor:
    reach = (adjacencies & groups.together).to(torch.float32)
    reach = reach + torch.eye(reach.shape[1], dtype=reach.dtype, device=reach.device)
    for _ in range(groups.doublings):
        reach = (torch.bmm(reach, reach) > 0).to(torch.float32)
    return ((reach > 0) == groups.together).flatten(1).all(dim=1)
