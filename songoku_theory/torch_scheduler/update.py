"""From gradients that were taken to the ``.grad`` that an optimiser reads (eq. 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from songoku_theory.errors import InvalidInputError
from songoku_theory.torch_scheduler.buffers import Buffers
from songoku_theory.torch_scheduler.gram import row_products
from songoku_theory.torch_scheduler.intake import Intake
from songoku_theory.torch_scheduler.parameters import ModelParameters
from songoku_theory.torch_scheduler.ranks import Ranks

__all__ = ["Combine", "clear_gradients", "set_gradients"]

Combine = Callable[[Tensor, tuple[int, ...]], Tensor]
"""From the active gradients' inner products (n, n) and their tasks' indices to n weights."""


def clear_gradients(parts: ModelParameters) -> None:
    """Set every ``.grad`` of the shared parameters and of all heads to None."""
    for p in parts.shared.parameters:
        p.grad = None
    for head in parts.heads:
        for p in head:
            p.grad = None


def set_gradients(
    parts: ModelParameters,
    buffers: Buffers,
    ranks: Ranks,
    intake: Intake,
    average_rows: bool,
    combine: Combine | None,
    inverse_scale: Tensor | None,
) -> None:
    """Set the ``.grad`` of the shared parameters and of the kept tasks' heads.

    Parameters
    ----------
    parts : ModelParameters
    buffers : Buffers
    ranks : Ranks
    intake : Intake
        Settled.
    average_rows : bool
        Average each task's row over the processes, rather than the sum alone.
    combine : callable or None
        None: the plain sum.
    inverse_scale : Tensor, shape (), or None
        What undoes a gradient scaler.
    """
    kept = intake.kept()
    if intake.from_rows:
        if intake.handling.masks:
            for task in kept:
                buffers.row(task).masked_fill_(intake.bad[task], 0.0)
        if average_rows:
            _average_rows(buffers, ranks, intake)
        _add_up(buffers, kept, combine, inverse_scale)
        if not average_rows:
            ranks.mean_(buffers.total)
    else:
        ranks.mean_(buffers.total)
        if average_rows:
            _average_rows(buffers, ranks, intake)
    touched = intake.touched(kept)
    if kept:
        views = buffers.total_views
        for i, (p, view) in enumerate(zip(parts.shared.parameters, views, strict=True)):
            if p.requires_grad and (i in touched or ranks.several):
                p.grad = view if view.dtype == p.dtype else view.to(p.dtype)
    for p, gradient in intake.head_gradients(kept):
        p.grad = gradient


def _average_rows(buffers: Buffers, ranks: Ranks, intake: Intake) -> None:
    if ranks.several and buffers.rows is not None:
        for task in sorted(intake.present):
            ranks.mean_(buffers.row(task))


def _add_up(
    buffers: Buffers,
    kept: Sequence[int],
    combine: Combine | None,
    inverse_scale: Tensor | None,
) -> None:
    total = buffers.total
    if not kept:
        total.zero_()
        return
    if combine is None:
        total.copy_(buffers.row(kept[0]))
        for task in kept[1:]:
            total.add_(buffers.row(task))
        return
    products = row_products(torch.stack([buffers.row(task) for task in kept])).values
    if inverse_scale is not None:
        products = products * inverse_scale.double().square()
    weights = combine(products, tuple(kept))
    if weights.shape != (len(kept),):
        raise InvalidInputError(
            f"combine should return one weight for each of the {len(kept)} active tasks; found "
            f"shape {tuple(weights.shape)}."
        )
    total.zero_()
    for weight, task in zip(weights.to(total), kept, strict=True):
        total.addcmul_(buffers.row(task), weight)
