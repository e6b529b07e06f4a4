"""F of a benchmark's run, with its derivatives, on a fixed choice of training batches.

F is the sum over tasks of the mean loss over `batches` batches of the task's view; each batch is a
block of one permutation of the training examples, as an epoch has them, and passes in training
mode. So a layer that normalises by its batch (``ViewNorm2d``) does here what it does in training,
and a batch's noise is the run's. The blocks are the same at every measurement of a run: what moves
between two measurements is the network. All of it is done on copies; heads are held still.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from simulations.training.architectures.base import Network
from simulations.training.determinism import torch_stream
from simulations.training.run.data import TrainingData, View

__all__ = ["Population"]

Groups = Sequence[Sequence[str]]

_STEP = 1e-8


class Population:
    """F at the network's present parameters, and near them.

    Parameters
    ----------
    network : Network
        Copied; its parameters are read again by `follow`.
    shared : sequence of str
        Names of the shared parameters.
    tasks : sequence of str
    data : TrainingData
    batches : int
        Of each view; 0 for a whole epoch.
    batch_size : int
    seed : numpy.random.SeedSequence
        Draws the permutations.

    Attributes
    ----------
    point : Tensor, shape (d,)
        The shared parameters, float64.
    """

    def __init__(
        self, network: Network, shared: Sequence[str], tasks: Sequence[str], data: TrainingData,
        batches: int, batch_size: int, seed: np.random.SeedSequence,
    ) -> None:  # fmt: skip
        self.tasks, self._data = tuple(tasks), data
        self._names = tuple(shared)
        self._single = copy.deepcopy(network).train()
        self._double = copy.deepcopy(network).double().train()
        self._own, self._wide = self._parameters(self._single), self._parameters(self._double)
        self._blocks: dict[int, list[Tensor]] = {}
        self.available: dict[int, int] = {}
        for view, _ in data.grouped(self.tasks):
            length = view.length("train")
            size = min(batch_size, length)
            order = torch.randperm(length, generator=torch_stream(seed, view.index))
            blocks = [order[at : at + size] for at in range(0, length - size + 1, size)]
            self.available[view.index] = len(blocks)
            self._blocks[view.index] = blocks[: batches or len(blocks)]
        self.follow(network)

    def _parameters(self, network: nn.Module) -> list[nn.Parameter]:
        named = dict(network.named_parameters())
        return [named[name] for name in self._names]

    def follow(self, network: Network) -> None:
        """Take over a network's present parameters, heads included."""
        state = network.state_dict()
        self._single.load_state_dict(state)
        self._double.load_state_dict(state)
        self.point = _flat(self._own).detach()

    def count(self, view: View) -> int:
        """Return the number of blocks of a view."""
        return len(self._blocks[view.index])

    def views(self) -> list[tuple[View, tuple[str, ...]]]:
        """Return the views, each with its tasks."""
        return self._data.grouped(self.tasks)

    def place(self, point: Tensor) -> None:
        """Move the shared parameters."""
        self.point = point
        for parameters in (self._own, self._wide):
            at = 0
            with torch.no_grad():
                for p in parameters:
                    p.copy_(point[at : at + p.numel()].view_as(p))
                    at += p.numel()

    def value(self) -> float:
        """Return F, in float64: differences that are small beside F are read from it."""
        total = 0.0
        with torch.no_grad():
            for _, count, losses in self._passes(self._double, self.tasks):
                total += float(torch.stack(list(losses.values())).sum()) / count
        return total

    def gradients(self, groups: Groups) -> Tensor:
        """Return the gradient of each group's part of F, float64 (groups, d)."""
        found = torch.zeros((len(groups), len(self.point)), dtype=torch.float64)
        found = found.to(self.point.device)
        everyone = [task for group in groups for task in group]
        for _, count, losses in self._passes(self._single, everyone):
            for g, total in _sums(groups, losses):
                found[g] += _flat(self._grad(total, retain_graph=True)) / count
        return found

    def batch_gradients(self, view: View, tasks: Sequence[str], most: int) -> Iterator[Tensor]:
        """Yield each block's gradients of a view's tasks, float64 (tasks, d); `most` blocks."""
        for _, _, losses in self._passes(self._single, tasks, most):
            yield torch.stack(
                [_flat(self._grad(losses[task], retain_graph=True)) for task in tasks]
            )

    def curvature(self, group: Sequence[str], vectors: Tensor, most: int | None = None) -> Tensor:
        """Return H v for some vectors, with H the Hessian of a group's part of F.

        Parameters
        ----------
        group : sequence of str
        vectors : Tensor, shape (n, d)
        most : int, optional
            Blocks of each view; by default all. Then H is that of the mean over these alone.

        Returns
        -------
        Tensor, shape (n, d), float64

        Raises
        ------
        RuntimeError
            torch's, where an operation has no second derivative.
        """
        found = torch.zeros_like(vectors)
        for _, count, losses in self._passes(self._single, group, most):
            total = torch.stack([losses[task] for task in losses]).sum()
            slope = self._grad(total, create_graph=True)
            kept = [(p, s) for p, s in zip(self._own, slope, strict=True) if s.requires_grad]
            if not kept:  # a loss that is linear in every shared parameter
                continue
            for n, vector in enumerate(vectors):
                parts = dict(zip(self._own, self._split(vector), strict=True))
                second = torch.autograd.grad(
                    [s for _, s in kept], self._own, [parts[p] for p, _ in kept],
                    retain_graph=True, allow_unused=True,
                )  # fmt: skip
                found[n] += _flat(_filled(second, self._own)) / count
        return found

    def curvature_gap(self, generator: torch.Generator) -> float:
        """Return how far H v is from the difference of two gradients, relative to the latter.

        Along one direction, on a block of each view, near the present point: not at it, where
        initial biases of zero can lie on the kinks of ReLUs. The step is so short that hardly any
        unit changes sides. Some operations give a wrong second derivative without saying so.
        """
        before = self.point
        drawn = torch.randn(2, len(before), generator=generator, dtype=torch.float64)
        away, direction = drawn.to(before.device)
        direction = direction / direction.norm()
        near = before + 1e-3 * before.abs().mean() * away
        try:
            self.place(near)
            found = self.curvature(self.tasks, direction[None], 1)[0]
            ends = []
            for sign in (1.0, -1.0):
                self.place(near + sign * _STEP * direction)
                ends.append(self._wide_gradient())
        finally:
            self.place(before)
        truth = (ends[0] - ends[1]) / (2.0 * _STEP)
        return float((found - truth).norm() / truth.norm().clamp(min=1e-12))

    def _wide_gradient(self) -> Tensor:
        found = torch.zeros_like(self.point)
        for _, _, losses in self._passes(self._double, self.tasks, 1):
            total = torch.stack(list(losses.values())).sum()
            parts = torch.autograd.grad(total, self._wide, allow_unused=True)
            found += _flat(_filled(parts, self._wide))
        return found

    def _passes(
        self, network: Network, tasks: Sequence[str], most: int | None = None
    ) -> Iterator[tuple[View, int, dict[str, Tensor]]]:
        """Yield, block by block, the losses of a view's tasks, and how many blocks there are."""
        dtype = next(network.parameters()).dtype
        for view, chosen in self._data.grouped(tasks):
            blocks = self._blocks[view.index][:most]
            for index in blocks:
                inputs, labels = self._data.examples(view, chosen, index)
                outputs = network({m: x.to(dtype) for m, x in inputs.items()}, view.index, chosen)
                yield (
                    view,
                    len(blocks),
                    {
                        task: self._data.task(task).loss(outputs[task], _as(labels[task], dtype))
                        for task in chosen
                    },
                )

    def _grad(
        self, total: Tensor, retain_graph: bool = False, create_graph: bool = False
    ) -> list[Tensor]:
        found = torch.autograd.grad(
            total, self._own, retain_graph=retain_graph or create_graph,
            create_graph=create_graph, allow_unused=True,
        )  # fmt: skip
        return _filled(found, self._own)

    def _split(self, vector: Tensor) -> list[Tensor]:
        parts, at = [], 0
        for p in self._own:
            parts.append(vector[at : at + p.numel()].view_as(p).to(p.dtype))
            at += p.numel()
        return parts


def _sums(groups: Groups, losses: dict[str, Tensor]) -> Iterator[tuple[int, Tensor]]:
    """Each group's sum of the losses that are there."""
    for number, group in enumerate(groups):
        mine = [losses[task] for task in group if task in losses]
        if mine:
            yield number, torch.stack(mine).sum()


def _as(labels: Tensor, dtype: torch.dtype) -> Tensor:
    return labels.to(dtype) if labels.is_floating_point() else labels


def _filled(found: Sequence[Tensor | None], like: Sequence[Tensor]) -> list[Tensor]:
    """A parameter that a loss does not depend on has gradient zero."""
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, like, strict=True)]


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts]).double()
