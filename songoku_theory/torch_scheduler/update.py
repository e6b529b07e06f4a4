"""From gradients that were taken to the ``.grad`` that an optimiser reads (eq. 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from songoku_theory.torch_scheduler.buffers import Buffers
from songoku_theory.torch_scheduler.combining import Weights
from songoku_theory.torch_scheduler.intake import Intake
from songoku_theory.torch_scheduler.parameters import ModelParameters
from songoku_theory.torch_scheduler.ranks import Ranks

__all__ = ["clear_gradients", "set_gradients"]


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
    weigh: Callable[[Sequence[int]], Weights | None],
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
    weigh : callable
        From the kept tasks to their weights, None for the plain sum; called when the rows are
        there, and only where the update is added up from them.
    """
    kept = intake.kept()
    weights: Weights | None = None
    if intake.from_rows:
        if intake.handling.masks:
            for task in kept:
                buffers.row(task).masked_fill_(intake.bad[task], 0.0)
        if average_rows:
            _average_rows(buffers, ranks, intake)
        weights = weigh(kept) if kept else None
        _add_up(buffers, kept, weights)
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
    for p, gradient in intake.head_gradients(kept, {} if weights is None else weights.heads):
        p.grad = gradient


def _average_rows(buffers: Buffers, ranks: Ranks, intake: Intake) -> None:
    if ranks.several and buffers.rows is not None:
        for task in sorted(intake.present):
            ranks.mean_(buffers.row(task))


def _add_up(buffers: Buffers, kept: Sequence[int], weights: Weights | None) -> None:
    total = buffers.total
    if not kept:
        total.zero_()
        return
    if weights is None:
        total.copy_(buffers.row(kept[0]))
        for task in kept[1:]:
            total.add_(buffers.row(task))
        return
    total.zero_()
    for weight, task in zip(weights.update.to(total), weights.tasks, strict=True):
        total.addcmul_(buffers.row(task), weight)
