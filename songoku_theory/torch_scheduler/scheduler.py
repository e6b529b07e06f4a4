"""The scheduler for a PyTorch training loop: losses in, who runs next out.

It keeps tensors and nothing else of its own: every decision is one of
``songoku_theory.scheduler``, taken on a graph that was measured on the device. Its methods stand
in ``songoku_theory.torch_scheduler.layers``, one idea a file.
"""

from __future__ import annotations

from songoku_theory.torch_scheduler.layers.reports import Reports
from songoku_theory.torch_scheduler.layers.saving import Saving
from songoku_theory.torch_scheduler.layers.stepping import Stepping

__all__ = ["TaskScheduler"]


class TaskScheduler(Stepping, Saving, Reports):
    """SON-GOKU for a PyTorch training loop.

    Each step: compute the losses of :meth:`active`, hand them to :meth:`backward` in place of
    ``loss.backward()``, take an optimiser step, call :meth:`step`.

    Parameters
    ----------
    model : Module
        May be compiled, or wrapped in DistributedDataParallel (whose own averaging is then
        switched off: the scheduler averages).
    heads : mapping from task to Module, parameters or filter
        The parameters that belong to each task, in the tasks' order. ``()`` for a task without.
        A filter takes a parameter's name.
    config : SchedulerConfig, optional
        By default ``SchedulerConfig(num_tasks=len(heads))``.
    shared : Module, parameters or filter, optional
        By default everything that belongs to no head.
    options : TorchOptions, optional
    combine : str, combiner or callable, optional
        How the active tasks are combined: the name of a combiner of ``songoku_theory.combine``,
        one with options, or a function of yours from the active gradients' inner products and
        indices (in the order of `heads`) to weights. By default the plain sum of eq. 6. Needs
        ``memory="full"``.
    generator : numpy.random.Generator or torch.Generator, optional
        What a randomised combiner draws from, here and nowhere else. By default numpy's with
        seed 0. Saved with the state.
    process_group : ProcessGroup, optional
        By default that of a DistributedDataParallel `model`, else this process alone.

    Raises
    ------
    InvalidInputError
        When the parts of the model don't fit together, or the settings contradict each other.

    Source
    ------
    SON-GOKU, Algorithm 1; eq. 6 for the update.

    Notes
    -----
    ``.grad`` of the shared parameters and heads is the scheduler's: it is cleared at the first
    :meth:`backward` of a step, so ``zero_grad`` is not needed. A head whose task is not active, or
    has no sample, keeps ``grad = None``; so optimisers leave it alone, momentum and weight decay
    included.

    A combiner's state has a row a task, and moves for the tasks that are combined only. Gram-space
    combiners weigh the shared gradients; loss-space ones the losses, so heads as well, with norms
    of gradients taken over all shared parameters. A task whose loss depends on no shared parameter
    has no part in what Gram-space combiners (and functions) combine. Combiners read their numbers
    on the host at each step. When a gradient of the class is not finite but stays in the update
    (``nonfinite="count"``, or a gradient scaler), nothing is combined: the update is the sum, which
    is not finite either.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> trunk, head_a, head_b = nn.Linear(4, 3), nn.Linear(3, 1), nn.Linear(3, 1)
    >>> model = nn.ModuleList([trunk, head_a, head_b])
    >>> scheduler = TaskScheduler(model, heads={"a": head_a, "b": head_b})
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> for _ in range(3):
    ...     features = trunk(torch.ones(2, 4))
    ...     scheduler.backward({t: {"a": head_a, "b": head_b}[t](features).mean()
    ...                         for t in scheduler.active()})
    ...     optimizer.step()
    ...     refreshed = scheduler.step()
    >>> scheduler.steps, scheduler.active()
    (3, ('a', 'b'))

    The paper's three combinations, one line each. SON-GOKU + PCGrad:

    >>> heads = {"a": head_a, "b": head_b}
    >>> scheduler = TaskScheduler(model, heads, combine="pcgrad")

    SON-GOKU + GradNorm warm start: every task under GradNorm for 3 epochs, then the schedule.

    >>> from songoku_theory.combine import AdaTask, GradNormWarmStart
    >>> scheduler = TaskScheduler(model, heads, combine=GradNormWarmStart(steps=3 * 100))

    SON-GOKU + AdaTask: an optimiser of the shared parameters that takes each active task's
    gradient; after ``scheduler.backward(losses)`` write
    ``optimizer.step(scheduler.task_gradients())``.

    >>> scheduler = TaskScheduler(model, heads, combine="sum")
    >>> optimizer = AdaTask(scheduler.shared_parameters, num_tasks=2, lr=1e-3)
    >>> losses = {t: heads[t](trunk(torch.ones(2, 4))).mean() for t in scheduler.active()}
    >>> scheduler.backward(losses)
    >>> optimizer.step(scheduler.task_gradients())
    """
