"""Batches of a benchmark's views: in an order that follows from the seed and the step alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from simulations.training.benchmarks.base import BenchmarkTask, Loaded, Samples, Split
from simulations.training.determinism import torch_stream
from songoku_theory.errors import InvalidInputError

__all__ = ["BatchOrder", "Share", "Stream", "TrainingData", "View", "views_of"]

_PROBE = 2**31  # no number of an epoch, which stands there in the training order
_RESIDENT_BYTES = 4 << 30  # of inputs and labels on an accelerator; more stay on the host


Stream = Literal["train", "probe"]

Share = Callable[[int], slice]
"""From the number of examples in a batch to those that this process computes."""


def _everything(total: int) -> slice:
    return slice(0, total)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Tasks that share their inputs, example by example.

    Attributes
    ----------
    index : int
    tasks : tuple of BenchmarkTask
    """

    index: int
    tasks: tuple[BenchmarkTask, ...]

    def length(self, split: Split) -> int:
        """Return the number of examples."""
        return len(self.tasks[0].splits[split])


def views_of(loaded: Loaded) -> tuple[View, ...]:
    """Return the views of a benchmark, in the order in which its tasks name them.

    Raises
    ------
    InvalidInputError
        When tasks of one view differ in length.
    """
    names = list(dict.fromkeys(task.view for task in loaded.tasks))
    views = []
    for index, name in enumerate(names):
        tasks = tuple(task for task in loaded.tasks if task.view == name)
        for split, samples in tasks[0].splits.items():
            lengths = {task.name: len(task.splits[split]) for task in tasks}
            if set(lengths.values()) != {len(samples)}:
                raise InvalidInputError(
                    f"tasks of view {name!r} should have the same {split} examples; found "
                    f"{lengths}."
                )
        views.append(View(index, tasks))
    return tuple(views)


class BatchOrder:
    """Which examples step t takes: each epoch a fresh permutation, its last, short batch left.

    It depends on nothing but seed, view and step: not on who was active before. So every method
    sees the same batches, and a run that is resumed needs no state for it.

    Parameters
    ----------
    length : int
        Examples.
    batch_size : int
    seed : numpy.random.SeedSequence
        Of this view.

    Examples
    --------
    >>> order = BatchOrder(5, 2, np.random.SeedSequence(0))
    >>> order.per_epoch, len(set(torch.cat([order.at(0), order.at(1)]).tolist()))
    (2, 4)
    """

    def __init__(self, length: int, batch_size: int, seed: np.random.SeedSequence) -> None:
        self.length = length
        self.batch_size = min(batch_size, length)
        self.per_epoch = max(1, length // self.batch_size)
        self._seed = seed
        self._epoch = -1
        self._permutation = torch.empty(0, dtype=torch.int64)

    def at(self, step: int) -> Tensor:
        """Return the examples of a step, int64 (batch_size,)."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            generator = torch_stream(self._seed, epoch)
            self._permutation = torch.randperm(self.length, generator=generator)
            self._epoch = epoch
        return self._permutation[place * self.batch_size : (place + 1) * self.batch_size]


class TrainingData:
    """A benchmark's examples, batch by batch on a device.

    Parameters
    ----------
    loaded : Loaded
    batch_size : int
    seed : numpy.random.SeedSequence
        Fixes the order.
    device : torch.device
        Small benchmarks are moved there as a whole.
    """

    def __init__(
        self, loaded: Loaded, batch_size: int, seed: np.random.SeedSequence, device: torch.device
    ) -> None:
        self.views = views_of(loaded)
        self.device = device
        self._place = {task.name: (view, task) for view in self.views for task in view.tasks}
        self._orders, self._probe_orders = (
            [
                BatchOrder(
                    view.length("train"),
                    batch_size,
                    np.random.SeedSequence(
                        seed.entropy, spawn_key=(*seed.spawn_key, view.index, *below)
                    ),
                )
                for view in self.views
            ]
            for below in ((), (_PROBE,))
        )
        self._moved: dict[int, Tensor] = {}
        self._resident = device.type != "cpu" and _bytes(self.views) <= _RESIDENT_BYTES

    @property
    def smallest_batch(self) -> int:
        """Of the view with the fewest examples in a batch."""
        return min(order.batch_size for order in self._orders)

    @property
    def steps_per_epoch(self) -> int:
        """Of the view with the most training examples."""
        return max(order.per_epoch for order in self._orders)

    def grouped(self, tasks: Sequence[str]) -> list[tuple[View, tuple[str, ...]]]:
        """Return tasks by the view that they share, in the order of views."""
        return [
            (view, chosen)
            for view in self.views
            if (chosen := tuple(t.name for t in view.tasks if t.name in tasks))
        ]

    def task(self, name: str) -> BenchmarkTask:
        """Return a task by its name."""
        return self._place[name][1]

    def batch(
        self, view: View, tasks: Sequence[str], step: int, share: Share = _everything,
        stream: Stream = "train",
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:  # fmt: skip
        """Return a batch of a view: inputs by modality (of a share), labels by task (all).

        Parameters
        ----------
        view : View
        tasks : sequence of str
        step : int
            Number of the batch in its stream.
        share : Share
        stream : {"train", "probe"}
            Of training examples both, in orders of their own.
        """
        orders = self._orders if stream == "train" else self._probe_orders
        return self._take(view, tasks, "train", orders[view.index].at(step), share)

    def all(
        self,
        view: View,
        tasks: Sequence[str],
        split: Split,
        at_most: int,
        size: int,
        share: Share = _everything,
    ) -> Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]:
        """Go through a split in order, in batches.

        Parameters
        ----------
        view : View
        tasks : sequence of str
        split : {"train", "validation", "test"}
        at_most : int
            Examples, evenly spaced over the split; 0 for all.
        size : int
            Of a batch.
        share : Share
            Whose inputs are wanted; labels are those of the whole batch.
        """
        length = view.length(split)
        kept = torch.arange(length)
        if 0 < at_most < length:
            kept = torch.arange(at_most) * length // at_most
        for start in range(0, len(kept), size):
            yield self._take(view, tasks, split, kept[start : start + size], share)

    def examples(
        self, view: View, tasks: Sequence[str], index: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return training examples of a view by their numbers, as `batch` does."""
        return self._take(view, tasks, "train", index, _everything)

    def _take(
        self, view: View, tasks: Sequence[str], split: Split, index: Tensor, share: Share
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        first = self._samples(view.tasks[0].splits[split])
        if self._resident:
            index = index.to(self.device)
        inputs, _ = first.at(index[share(len(index))])
        labels = {
            name: self._on_device(self.task(name).splits[split].labels, index) for name in tasks
        }
        return {m: x.to(self.device) for m, x in inputs.items()}, labels

    def _on_device(self, labels: Tensor, index: Tensor) -> Tensor:
        return (self._keep(labels) if self._resident else labels)[index].to(self.device)

    def _samples(self, samples: Samples) -> Samples:
        if not self._resident:
            return samples
        return Samples(
            {m: self._keep(x) for m, x in samples.inputs.items()},
            self._keep(samples.labels),
            {m: (self._keep(a), self._keep(b)) for m, (a, b) in samples.affine.items()},
        )

    def _keep(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self._moved:
            self._moved[id(tensor)] = tensor.to(self.device)
        return self._moved[id(tensor)]


def _bytes(views: Sequence[View]) -> int:
    tensors: dict[int, Tensor] = {}
    for view in views:
        for task in view.tasks:
            for samples in task.splits.values():
                for values in (*samples.inputs.values(), samples.labels):
                    tensors[id(values)] = values
    return sum(values.numel() * values.element_size() for values in tensors.values())
