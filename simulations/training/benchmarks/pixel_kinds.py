"""Losses and metrics of tasks that ask something of every pixel."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from simulations.training.benchmarks.base import BenchmarkTask, Head, Metric, Role
from simulations.training.benchmarks.kinds import (
    Splits,
    check_range,
    mean_absolute_error,
    root_mean_square_error,
)
from songoku_theory.errors import InvalidInputError

__all__ = ["depth_map", "heat_map", "mean_iou", "normals_map", "pixel_classes"]


def pixel_classes(
    name: str, role: Role, doc: str, view: str, splits: Splits, num: int
) -> BenchmarkTask:
    """Return a segmentation: cross-entropy of each pixel; mean intersection over union.

    Raises
    ------
    InvalidInputError
        When a label is not in ``-1..num-1`` (-1 is ignored).
    """
    check_range(name, splits, -1, num - 1)

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, labels, ignore_index=-1)

    def iou(outputs: Tensor, labels: Tensor) -> float:
        return mean_iou(outputs.argmax(dim=1), labels, num)

    def right(outputs: Tensor, labels: Tensor) -> float:
        known = labels >= 0
        return float((outputs.argmax(dim=1)[known] == labels[known]).double().mean())

    train, test = splits["train"].labels, splits["test"].labels
    commonest = int(torch.bincount(train[train >= 0].flatten(), minlength=num).argmax())
    metrics = (Metric("mIoU", True, iou), Metric("pixel accuracy", True, right))
    return BenchmarkTask(
        name, role, doc, view, Head.PIXEL_CLASS, num, splits, loss, metrics,
        mean_iou(torch.full_like(test, commonest), test, num),
    )  # fmt: skip


def mean_iou(said: Tensor, meant: Tensor, num: int) -> float:
    """Return the mean over classes of intersection over union, over all pixels together.

    Parameters
    ----------
    said, meant : Tensor of int64, same shape
        Pixels where `meant` is negative do not count.
    num : int
        Classes; one that occurs neither in `said` nor in `meant` does not count.

    Returns
    -------
    float
        In [0, 1]; 0 when no pixel counts.

    Examples
    --------
    >>> mean_iou(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), 3)
    0.5
    """
    known = meant >= 0
    table = torch.bincount(meant[known] * num + said[known], minlength=num * num)
    table = table.reshape(num, num).double()
    hit = table.diagonal()
    union = table.sum(0) + table.sum(1) - hit
    return float((hit / union)[union > 0].mean()) if bool((union > 0).any()) else 0.0


def depth_map(name: str, role: Role, doc: str, view: str, splits: Splits) -> BenchmarkTask:
    """Return a depth regression in metres: L1 where a depth was measured (> 0); RMSE there."""

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        known = labels > 0
        return ((outputs - labels).abs() * known).sum() / known.sum().clamp(min=1)

    def rmse(outputs: Tensor, labels: Tensor) -> float:
        known = labels > 0
        return root_mean_square_error(outputs[known], labels[known]) if bool(known.any()) else 0.0

    def mae(outputs: Tensor, labels: Tensor) -> float:
        known = labels > 0
        return mean_absolute_error(outputs[known], labels[known]) if bool(known.any()) else 0.0

    train, test = splits["train"].labels, splits["test"].labels
    centre = train[train > 0].double().mean()
    metrics = (Metric("RMSE (m)", False, rmse), Metric("MAE (m)", False, mae))
    return BenchmarkTask(
        name, role, doc, view, Head.PIXEL_VALUES, 1, splits, loss, metrics,
        rmse(centre.expand(test.shape), test),
    )  # fmt: skip


def normals_map(name: str, role: Role, doc: str, view: str, splits: Splits) -> BenchmarkTask:
    """Return a surface-normal regression: 1 - cosine; mean angle in degrees.

    A label of length zero marks a pixel whose normal is unknown; it does not count.
    """

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        known = labels.square().sum(1) > 0
        cosine = functional.cosine_similarity(outputs, labels, dim=1)
        return ((1 - cosine) * known).sum() / known.sum().clamp(min=1)

    def angle(outputs: Tensor, labels: Tensor) -> float:
        known = labels.square().sum(1) > 0
        if not bool(known.any()):
            return 0.0
        cosine = functional.cosine_similarity(outputs.double(), labels.double(), dim=1)[known]
        return float(torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))).mean())

    train, test = splits["train"].labels, splits["test"].labels
    centre = train.double().mean(dim=(0, 2, 3)).reshape(1, -1, 1, 1)
    return BenchmarkTask(
        name, role, doc, view, Head.PIXEL_VALUES, 3, splits, loss,
        (Metric("angle error (degrees)", False, angle),), angle(centre.expand(test.shape), test),
    )  # fmt: skip


def heat_map(
    name: str, role: Role, doc: str, view: str, splits: Splits, unit: str
) -> BenchmarkTask:
    """Return a regression of one number a pixel, all of them known: L1; mean absolute error.

    Parameters
    ----------
    name, role, doc, view, splits
        See `BenchmarkTask`; labels (n, 1, h, w).
    unit : str
        Of the labels, for the metric's name.

    Raises
    ------
    InvalidInputError
        When a label is not finite, or there is more than one a pixel.
    """
    for split, samples in splits.items():
        found = samples.labels
        if found.dim() != 4 or found.shape[1] != 1 or not bool(found.isfinite().all()):
            raise InvalidInputError(
                f"task {name!r}: {split} labels should be one finite number a pixel; found shape "
                f"{tuple(found.shape)}."
            )
    test = splits["test"].labels
    # The L1-best constant. A quantile of so many numbers is found by sorting a copy in numpy.
    middle = float(np.median(splits["train"].labels.numpy()))
    metrics = (
        Metric(f"MAE ({unit})", False, mean_absolute_error),
        Metric(f"RMSE ({unit})", False, root_mean_square_error),
    )
    return BenchmarkTask(
        name, role, doc, view, Head.PIXEL_VALUES, 1, splits, functional.l1_loss, metrics,
        mean_absolute_error(torch.full_like(test, middle), test),
    )  # fmt: skip
