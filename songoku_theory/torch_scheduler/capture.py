"""Gradients of one task's loss, without touching any ``.grad``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from songoku_theory.errors import InvalidInputError

__all__ = ["Gradients", "all_finite", "check_loss", "gradients_of"]

Gradients = list[Tensor | None]


def check_loss(loss: Tensor, task: str, step: int) -> None:
    """Check that a loss is one number that depends on something trainable.

    Raises
    ------
    InvalidInputError
        When it isn't; names the task and the step.
    """
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise InvalidInputError(
            f"the loss of task {task!r} at step {step} should be a tensor with one element; found "
            f"{shape}. Reduce it (mean or sum), or give None for a task without samples."
        )
    if not loss.requires_grad:
        raise InvalidInputError(
            f"the loss of task {task!r} at step {step} does not depend on any parameter that "
            f"requires a gradient. Was it computed under torch.no_grad, or detached? Give None "
            f"for a task without samples."
        )


def gradients_of(
    loss: Tensor,
    shared: Sequence[nn.Parameter],
    head: Sequence[nn.Parameter],
    retain_graph: bool,
) -> tuple[Gradients, Gradients]:
    """Return the gradients of the shared parameters and of a head; None where there is none.

    Parameters
    ----------
    loss : Tensor
        One element.
    shared, head : sequence of Parameter
        Those that are frozen by now get None.
    retain_graph : bool
        Whether another loss still needs the graph.

    Returns
    -------
    tuple of (list, list)
    """
    parameters = [*shared, *head]
    asked = [p for p in parameters if p.requires_grad]
    found: Sequence[Tensor | None] = ()
    if asked:
        try:
            found = torch.autograd.grad(
                loss.reshape(()), asked, retain_graph=retain_graph, allow_unused=True
            )
        except RuntimeError as error:
            raise _explained(error) from error
    answers = iter(found)
    gradients = [next(answers) if p.requires_grad else None for p in parameters]
    return gradients[: len(shared)], gradients[len(shared) :]


def _explained(error: RuntimeError) -> RuntimeError:
    """Say what to do about the two errors that a wrong `shared_graph` leads to."""
    text = str(error)
    if "donated buffer" in text:
        return GraphWalkError(
            "a compiled model reuses the buffers of its forward pass, so its graph can't be walked "
            "once per task. Compute each task's loss with a forward pass of its own and call "
            "backward(losses, shared_graph=False), or set "
            "torch._functorch.config.donated_buffer = False before compiling."
        )
    if "backward through the graph a second time" in text:
        return GraphWalkError(
            "two losses come from one forward pass, or one was used twice. Leave shared_graph=True "
            "(the default) and give all losses of a forward pass in one call of backward."
        )
    return error


class GraphWalkError(InvalidInputError, RuntimeError):
    """An error of autograd, explained; still a RuntimeError for who catches that."""


def all_finite(tensors: Sequence[Tensor], device: torch.device) -> Tensor:
    """Say, in a boolean of shape () on `device`, whether no entry is NaN or infinite.

    A sum is finite only if every term is, so one reading pass is enough. The rare sum that
    overflows although its terms are finite is looked at again on a CPU; elsewhere the sum is taken
    in float64 (where there is one) so that it can't.
    """
    if _all_on_host(tensors, device):
        return torch.tensor(all(_is_finite_on_host(t) for t in tensors))
    verdicts = [_is_finite(t).to(device) for t in tensors if t.numel()]
    if not verdicts:
        return torch.ones((), dtype=torch.bool, device=device)
    return verdicts[0] if len(verdicts) == 1 else torch.stack(verdicts).all()


def _all_on_host(tensors: Sequence[Tensor], device: torch.device) -> bool:
    return device.type == "cpu" and all(t.device.type == "cpu" for t in tensors)


def _is_finite_on_host(tensor: Tensor) -> bool:
    values = tensor.coalesce().values() if tensor.is_sparse else tensor
    return math.isfinite(values.sum().item()) or bool(torch.isfinite(values).all())


def _is_finite(tensor: Tensor) -> Tensor:
    if tensor.device.type == "cpu":
        return torch.tensor(_is_finite_on_host(tensor))
    values = tensor.coalesce().values() if tensor.is_sparse else tensor
    if values.device.type == "mps":  # has no float64
        return torch.isfinite(values).all()
    return torch.isfinite(values.sum(dtype=torch.float64))
