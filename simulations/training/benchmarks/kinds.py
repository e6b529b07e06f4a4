"""Losses and metrics of the benchmarks' tasks, one builder a kind of task; maps: `pixel_kinds`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from simulations.training.benchmarks.base import (
    BenchmarkTask,
    Head,
    Metric,
    Role,
    Samples,
    Split,
)
from simulations.training.tasks import accuracy
from songoku_theory.errors import InvalidInputError

__all__ = [
    "check_range",
    "class_distance",
    "class_entropy",
    "classes",
    "error_rate",
    "label_entropy",
    "log_loss",
    "many_labels",
    "mean_absolute_error",
    "micro_f1",
    "root_mean_square_error",
    "series",
    "values",
    "yes_or_no",
]

Splits = Mapping[Split, Samples]


def classes(
    name: str, role: Role, doc: str, view: str, splits: Splits, num: int, *, ordered: bool = False
) -> BenchmarkTask:
    """Return a task of telling classes apart: cross-entropy; accuracy.

    Parameters
    ----------
    name, role, doc, view, splits
        See `BenchmarkTask`; labels int64 in ``0..num-1``.
    num : int
        Classes.
    ordered : bool
        The classes are 0 < 1 < 2 ...: adds the mean absolute distance between the class said and
        the class meant (the paper's MAE on STOCKS), and the cross-entropy in nats, which tells
        networks apart that all say the most frequent class.

    Raises
    ------
    InvalidInputError
        When a label is out of range.
    """
    check_range(name, splits, 0, num - 1)
    metrics = [Metric("accuracy", True, accuracy)]
    test = splits["test"].labels
    chance = int(torch.bincount(test).max()) / len(test)
    if ordered:
        # By chance: how often the training examples have each class, whatever the input.
        shares = torch.bincount(splits["train"].labels, minlength=num).double()
        said = (shares / shares.sum()).clamp(min=1e-12).log().expand(len(test), num)
        metrics += [
            Metric("MAE of classes", False, class_distance, class_distance(said, test)),
            Metric("log loss (nats)", False, class_entropy, class_entropy(said, test)),
        ]
    return BenchmarkTask(
        name, role, doc, view, Head.CLASS, num, splits, functional.cross_entropy, tuple(metrics),
        chance,
    )  # fmt: skip


def class_distance(outputs: Tensor, labels: Tensor) -> float:
    """Return the mean distance between the class said and the class meant.

    Source
    ------
    SON-GOKU paper, appendix J.5 (Low 0, Medium 1, High 2).

    Examples
    --------
    >>> class_distance(torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]), torch.tensor([0, 0]))
    1.0
    """
    return float((outputs.argmax(dim=1) - labels).abs().double().mean())


def class_entropy(outputs: Tensor, labels: Tensor) -> float:
    """Return the cross-entropy of a whole split in nats, in double precision.

    Examples
    --------
    >>> math.isclose(class_entropy(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])), math.log(3))
    True
    """
    return float(functional.cross_entropy(outputs.double(), labels))


def many_labels(
    name: str, role: Role, doc: str, view: str, splits: Splits, num: int
) -> BenchmarkTask:
    """Return a task of any number of labels an example: binary cross-entropy; micro F1.

    The loss is summed over an example's labels, so that it is in nats an example, as the
    cross-entropy of a task of classes is; a mean over labels would make it `num` times lighter.

    Raises
    ------
    InvalidInputError
        When a label is neither 0 nor 1, or there are not `num` of them.
    """
    _check_zeros_and_ones(name, splits, num)
    # By chance: say the labels that more than half of the training examples have.
    said = (splits["train"].labels.mean(dim=0) > 0.5).float() * 2 - 1
    test = splits["test"].labels
    metrics = (
        Metric("micro F1", True, micro_f1),
        Metric("macro F1", True, macro_f1),
        Metric("accuracy of each label", True, _each_label),
    )
    return BenchmarkTask(
        name, role, doc, view, Head.MANY_LABELS, num, splits, label_entropy, metrics,
        micro_f1(said.expand_as(test), test),
    )  # fmt: skip


def label_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the binary cross-entropy, summed over labels, mean over examples.

    Examples
    --------
    >>> loss = label_entropy(torch.zeros(5, 20), torch.ones(5, 20))
    >>> math.isclose(float(loss), 20 * math.log(2), rel_tol=1e-6)
    True
    """
    found = functional.binary_cross_entropy_with_logits(outputs, labels, reduction="sum")
    return found / len(labels)


def yes_or_no(name: str, role: Role, doc: str, view: str, splits: Splits) -> BenchmarkTask:
    """Return a task with one answer, yes or no: binary cross-entropy; error rate, log loss.

    Parameters
    ----------
    name, role, doc, view, splits
        See `BenchmarkTask`; labels (n, 1), 1 for yes and 0 for no.

    Raises
    ------
    InvalidInputError
        When a label is neither 0 nor 1, or there is more than one an example.
    """
    _check_zeros_and_ones(name, splits, 1)
    test = splits["test"].labels
    said = torch.full_like(test, 1.0 if float(splits["train"].labels.mean()) > 0.5 else -1.0)
    metrics = (
        Metric("error rate", False, error_rate),
        Metric("log loss (nats)", False, log_loss),
        Metric("F1", True, micro_f1),
    )
    return BenchmarkTask(
        name, role, doc, view, Head.MANY_LABELS, 1, splits, label_entropy, metrics,
        error_rate(said, test),
    )  # fmt: skip


def error_rate(outputs: Tensor, labels: Tensor) -> float:
    """Return the share of wrong answers; logits above 0 say yes.

    Examples
    --------
    >>> error_rate(torch.tensor([[1.0], [-1.0], [2.0], [0.0]]), torch.tensor([[1], [0], [0], [1]]))
    0.5
    """
    return float(((outputs > 0) != (labels > 0.5)).double().mean())


def log_loss(outputs: Tensor, labels: Tensor) -> float:
    """Return `label_entropy` of a whole split, in double precision."""
    return float(label_entropy(outputs.double(), labels.double()))


def _f1(said: Tensor, meant: Tensor, dims: tuple[int, ...]) -> Tensor:
    hit = (said * meant).sum(dims)
    return 2 * hit / (said.sum(dims) + meant.sum(dims)).clamp(min=1)


def micro_f1(outputs: Tensor, labels: Tensor) -> float:
    """Return the F1 over all labels of all examples together; logits above 0 count as said.

    Examples
    --------
    >>> micro_f1(torch.tensor([[1.0, -1.0]]), torch.tensor([[1.0, 1.0]]))  # 1 of 2 found, no other
    0.6666666666666666
    """
    return float(_f1((outputs > 0).double(), labels.double(), (0, 1)))


def macro_f1(outputs: Tensor, labels: Tensor) -> float:
    """Return the mean over labels of each one's F1."""
    return float(_f1((outputs > 0).double(), labels.double(), (0,)).mean())


def _each_label(outputs: Tensor, labels: Tensor) -> float:
    return float(((outputs > 0) == (labels > 0.5)).double().mean())


def values(name: str, role: Role, doc: str, view: str, splits: Splits, unit: str) -> BenchmarkTask:
    """Return a regression of one or more numbers: mean squared error; mean absolute error.

    Parameters
    ----------
    unit : str
        Of the labels, for the metric's name.
    """
    return _regression(name, role, doc, view, splits, unit, Head.VALUES)


def series(name: str, role: Role, doc: str, view: str, splits: Splits, unit: str) -> BenchmarkTask:
    """Return a forecast of a series' next steps: mean squared error; mean absolute error."""
    return _regression(name, role, doc, view, splits, unit, Head.SERIES)


def _regression(
    name: str, role: Role, doc: str, view: str, splits: Splits, unit: str, head: Head
) -> BenchmarkTask:
    for split, samples in splits.items():
        if samples.labels.dim() != 2 or not bool(samples.labels.isfinite().all()):
            raise InvalidInputError(
                f"task {name!r}: {split} labels should be finite numbers in rows; found shape "
                f"{tuple(samples.labels.shape)}."
            )
    centre = splits["train"].labels.double().mean(dim=0, keepdim=True)
    test = splits["test"].labels
    metrics = (
        Metric(f"MAE ({unit})", False, mean_absolute_error),
        Metric(f"RMSE ({unit})", False, root_mean_square_error),
    )
    return BenchmarkTask(
        name, role, doc, view, head, test.shape[1], splits, functional.mse_loss, metrics,
        mean_absolute_error(centre.expand(test.shape), test),
    )  # fmt: skip


def mean_absolute_error(outputs: Tensor, labels: Tensor) -> float:
    """Return the mean absolute difference."""
    return float((outputs.double() - labels.double()).abs().mean())


def root_mean_square_error(outputs: Tensor, labels: Tensor) -> float:
    """Return the root of the mean squared difference."""
    return math.sqrt(float((outputs.double() - labels.double()).square().mean()))


def _check_zeros_and_ones(name: str, splits: Splits, num: int) -> None:
    for split, samples in splits.items():
        found = samples.labels
        if found.shape[1:] != (num,) or not bool(((found == 0) | (found == 1)).all()):
            raise InvalidInputError(
                f"task {name!r}: {split} labels should be {num} zeros and ones an example; "
                f"found shape {tuple(found.shape)}, values from {float(found.min()):g} to "
                f"{float(found.max()):g}."
            )


def check_range(name: str, splits: Splits, lowest: int, highest: int) -> None:
    """Refuse labels outside ``lowest..highest``.

    Raises
    ------
    InvalidInputError
    """
    for split, samples in splits.items():
        low, high = int(samples.labels.min()), int(samples.labels.max())
        if low < lowest or high > highest:
            raise InvalidInputError(
                f"task {name!r}: {split} labels should lie in {lowest}..{highest}; found "
                f"{low}..{high}."
            )
