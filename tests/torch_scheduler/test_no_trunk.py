"""A task whose loss depends on no shared parameter: it trains its head and stops nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import TaskScheduler

Make = Callable[..., Any]
RULES = ["sum", "mean", "pcgrad", "mgda", "cagrad", "nash_mtl", "fairgrad"]


def shared_gradient(tiny: Make, batches: Make, task_loss: Make, lonely: bool, rule: Any) -> Any:  # noqa: ANN401
    """The shared gradient of two tasks, with or without a third that has its head alone."""
    model = tiny(3)
    heads = model.head_map()
    if not lonely:
        del heads["t2"]
        model.heads["t2"].requires_grad_(False)
    # The third head would be shared otherwise.
    scheduler = TaskScheduler(
        model, heads, SchedulerConfig(num_tasks=len(heads)), shared=model.trunk, combine=rule
    )
    batch = batches(3, 1)[0]
    outputs = model(batch.x)
    losses = {t: task_loss(outputs, batch, t) for t in ("t0", "t1")}
    if lonely:
        losses["t2"] = model.heads["t2"].weight.square().sum()
    scheduler.backward(losses)
    found = torch.cat([p.grad.reshape(-1) for p in model.trunk.parameters()])
    return found, model.heads["t2"].weight.grad, scheduler


@pytest.mark.parametrize("rule", RULES)
def test_the_others_are_combined_as_if_it_was_not_there(
    rule: str, tiny: Make, batches: Make, task_loss: Make
) -> None:
    expected, _, _ = shared_gradient(tiny, batches, task_loss, False, rule)
    found, head, scheduler = shared_gradient(tiny, batches, task_loss, True, rule)
    assert float(expected.norm()) > 0
    torch.testing.assert_close(found, expected)
    assert float(head.norm()) > 0, "its own head is trained"
    if rule != "sum":
        assert scheduler.combined.weights[2] == 0.0


def test_a_function_sees_the_others_only(tiny: Make, batches: Make, task_loss: Make) -> None:
    seen = []

    def rule(products: torch.Tensor, tasks: tuple[int, ...]) -> torch.Tensor:
        seen.append((tuple(products.shape), tasks))
        return torch.ones(len(tasks), dtype=products.dtype)

    shared_gradient(tiny, batches, task_loss, True, rule)
    assert seen == [((2, 2), (0, 1))]


def test_nobody_reaches_the_trunk(tiny: Make) -> None:
    model = tiny(2)
    scheduler = TaskScheduler(model, model.heads, combine="mgda")
    losses = {t: model.heads[t].weight.square().sum() for t in ("t0", "t1")}
    scheduler.backward(losses)
    assert all(p.grad is None for p in model.trunk.parameters())
    assert all(model.heads[t].weight.grad is not None for t in ("t0", "t1"))
    scheduler.step()


def test_it_runs_with_everybody_and_conflicts_with_nobody(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model = tiny(3)
    scheduler = TaskScheduler(model, model.heads, SchedulerConfig(3, tau=0.1, refresh_period=4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for batch in batches(3, 12):
        outputs = model(batch.x)
        losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
        if "t2" in losses:
            losses["t2"] = model.heads["t2"].weight.square().sum()
        scheduler.backward(losses)
        optimizer.step()
        scheduler.step()
    assert scheduler.graph is not None
    assert not np.asarray(scheduler.graph.included)[2]
    assert sum("t2" in slot for slot in scheduler.classes()) >= 1
