"""What a training run needs to know of a task: its examples, its loss, its metric.

A data set hands the loop a tuple of these; the loop never learns what the examples are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from songoku_theory.errors import InvalidInputError

__all__ = ["Examples", "Task", "accuracy", "classification", "permute_labels", "quarter_turns"]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Inputs and labels in the same order.

    Attributes
    ----------
    inputs : Tensor, shape (n, ...)
    labels : Tensor, shape (n, ...)

    Raises
    ------
    InvalidInputError
        When there is no example, or the two differ in length.
    """

    inputs: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels) or len(self.labels) == 0:
            raise InvalidInputError(
                f"expected as many labels as inputs, and at least one; found {len(self.inputs)} "
                f"inputs and {len(self.labels)} labels."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw a sub-batch, independently and with replacement (the B_k of eq. 7).

        Parameters
        ----------
        size : int
            >= 1.
        generator : torch.Generator
            Moves on by one draw of `size` indices.

        Returns
        -------
        tuple of Tensor
            Inputs ``(size, ...)`` and labels ``(size, ...)``.
        """
        index = torch.randint(len(self), (size,), generator=generator)
        return self.inputs[index], self.labels[index]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One task of a multi-task run.

    Attributes
    ----------
    name : str
    doc : str
        What it asks for, and what is natural or made up about it.
    train, test : Examples
        From different images.
    num_outputs : int
        Outputs of its head.
    loss : callable
        ``loss(outputs, labels) -> scalar Tensor``, the mean over a batch.
    metric : callable
        ``metric(outputs, labels) -> float``.
    metric_name : str
    chance : float
        What the metric gives without looking at the input.
    """

    name: str
    doc: str
    train: Examples
    test: Examples
    num_outputs: int
    loss: Callable[[Tensor, Tensor], Tensor]
    metric: Callable[[Tensor, Tensor], float]
    metric_name: str
    chance: float


def accuracy(outputs: Tensor, labels: Tensor) -> float:
    """Return the share of rows whose largest output is at the label.

    Examples
    --------
    >>> accuracy(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), torch.tensor([1, 1]))
    0.5
    """
    return int((outputs.argmax(dim=1) == labels).sum()) / len(labels)


def classification(name: str, doc: str, train: Examples, test: Examples, num_classes: int) -> Task:
    """Return a task of telling classes apart: cross-entropy, accuracy.

    Parameters
    ----------
    name, doc : str
    train, test : Examples
        Labels of dtype int64 in ``0..num_classes-1``.
    num_classes : int

    Returns
    -------
    Task
        Its chance level is the share of the commonest class in `test`.

    Raises
    ------
    InvalidInputError
        When a label is out of range.
    """
    for which, examples in (("train", train), ("test", test)):
        low, high = int(examples.labels.min()), int(examples.labels.max())
        if low < 0 or high >= num_classes:
            raise InvalidInputError(
                f"task {name!r}: {which} labels should lie in 0..{num_classes - 1}; found "
                f"{low}..{high}."
            )
    chance = int(torch.bincount(test.labels).max()) / len(test)
    return Task(
        name,
        doc,
        train,
        test,
        num_classes,
        torch.nn.functional.cross_entropy,
        accuracy,
        "accuracy",
        chance,
    )


def quarter_turns(images: Tensor) -> tuple[Tensor, Tensor]:
    """Turn every image by 0, 90, 180 and 270 degrees, counter-clockwise.

    Parameters
    ----------
    images : Tensor, shape (n, ..., side, side)

    Returns
    -------
    tuple of Tensor
        Images ``(4 n, ..., side, side)``, all of one angle together, and the number of quarter
        turns of each, ``(4 n,)`` int64.

    Examples
    --------
    >>> turned, turns = quarter_turns(torch.tensor([[[1, 2], [3, 4]]]))
    >>> turned[1].tolist(), turns.tolist()
    ([[2, 4], [1, 3]], [0, 1, 2, 3])
    """
    turned = torch.cat([torch.rot90(images, k, (-2, -1)) for k in range(4)])
    return turned, torch.arange(4).repeat_interleave(len(images))


def permute_labels(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Hand the labels out again at random: example n gets the label of example ``p(n)``.

    The classes keep their sizes and lose all relation to the images, so nothing but the single
    images can be learnt. (Renaming the classes would be no conflict at all: a head can rename.)

    Parameters
    ----------
    labels : Tensor, shape (n,)
    generator : torch.Generator

    Returns
    -------
    Tensor, shape (n,)
    """
    return labels[torch.randperm(len(labels), generator=generator)]
