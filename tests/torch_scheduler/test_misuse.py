"""Mistakes that a first loop makes: each is refused, with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import TaskScheduler, TorchOptions

Make = Callable[..., Any]


def ready(tiny: Make, batches: Make, task_loss: Make, tasks: int = 2, **options: Any) -> Any:  # noqa: ANN401
    """A scheduler, an optimiser, and a function that calls backward once."""
    model = tiny(tasks)
    scheduler = TaskScheduler(model, model.head_map(), **options)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batch = batches(tasks, 1)[0]

    def backward(more: bool = False) -> None:
        outputs = model(batch.x)
        losses = {t: task_loss(outputs, batch, t) for t in scheduler.needed()}
        scheduler.backward(losses, more=more)

    return scheduler, optimizer, backward


def test_a_forgotten_step_is_noticed(tiny: Make, batches: Make, task_loss: Make) -> None:
    _, optimizer, backward = ready(tiny, batches, task_loss)
    backward()
    optimizer.step()
    with pytest.raises(InvalidInputError, match=r"Call scheduler\.step\(\) after optimizer\.step"):
        backward()


def test_a_forgotten_step_is_noticed_after_zero_grad_too(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    _, optimizer, backward = ready(tiny, batches, task_loss)
    backward()
    optimizer.step()
    optimizer.zero_grad()
    with pytest.raises(InvalidInputError, match=r"scheduler\.step\(\)"):
        backward()


@pytest.mark.parametrize("more", [False, True])
def test_micro_batches_are_no_forgotten_step(
    more: bool, tiny: Make, batches: Make, task_loss: Make
) -> None:
    scheduler, optimizer, backward = ready(tiny, batches, task_loss)
    for _ in range(3):
        backward(more=more)
        backward(more=more)
        backward()
        optimizer.step()
        scheduler.step()
    assert scheduler.steps == 3


def test_a_forward_pass_that_changes_one_parameter_is_no_forgotten_step() -> None:
    """An embedding with max_norm shortens its rows in the forward pass."""
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Embedding(6, 4, max_norm=0.1), nn.Linear(4, 3))
    head = nn.Linear(3, 1)
    scheduler = TaskScheduler(nn.ModuleList([trunk, head]), {"a": head})
    for _ in range(2):
        scheduler.backward({"a": head(trunk(torch.arange(6))).mean()})
    scheduler.step()
    assert scheduler.steps == 1


def test_groups_of_one_step_may_change_parameters_between_them(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    config = SchedulerConfig(num_tasks=3, tau=0.0, refresh_period=2, policy="sequential")
    scheduler, optimizer, backward = ready(tiny, batches, task_loss, tasks=3, config=config)
    for _ in range(4):
        for _ in scheduler.groups():
            backward()
            optimizer.step()
        scheduler.step()
    assert len(scheduler.classes()) > 1


@pytest.mark.parametrize("losses", [torch.ones(()), [torch.ones(())], None])
def test_losses_are_a_mapping(losses: object, tiny: Make) -> None:
    model = tiny(2)
    scheduler = TaskScheduler(model, model.head_map())
    with pytest.raises(InvalidInputError, match=r"mapping from task to loss.*active\(\)"):
        scheduler.backward(losses)  # type: ignore[arg-type]


def test_heads_are_a_mapping_with_names(tiny: Make) -> None:
    model = tiny(2)
    with pytest.raises(InvalidInputError, match=r"heads should be a mapping.*found list"):
        TaskScheduler(model, list(model.heads.values()))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"name should be a string; found 0 \(int\)"):
        TaskScheduler(model, dict(enumerate(model.heads.values())))  # type: ignore[arg-type]
    assert TaskScheduler(model, model.heads).tasks == ("t0", "t1")


def test_options_in_each_other_s_place(tiny: Make) -> None:
    model = tiny(2)
    with pytest.raises(
        InvalidInputError, match=r"config should be a SchedulerConfig.*TorchOptions"
    ):
        TaskScheduler(model, model.heads, TorchOptions())  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="options should be a TorchOptions"):
        TaskScheduler(model, model.heads, options=SchedulerConfig(2))  # type: ignore[arg-type]


def test_a_filter_that_matches_nothing(tiny: Make) -> None:
    """It would leave the head among the shared parameters, in silence."""
    with pytest.raises(InvalidInputError, match=r"heads\['t0'\] is a filter.*trunk\.0\.weight"):
        TaskScheduler(tiny(1), {"t0": lambda name: name.startswith("head.t0")})


@pytest.mark.parametrize("head", ["heads.t0", ["heads.t0.weight"], 3])
def test_a_head_that_is_no_selection(head: object, tiny: Make) -> None:
    with pytest.raises(InvalidInputError, match=r"heads\['t0'\] should be a module, parameters"):
        TaskScheduler(tiny(1), {"t0": head})  # type: ignore[dict-item]


def test_a_config_for_another_number_of_tasks(tiny: Make) -> None:
    model = tiny(2)
    with pytest.raises(InvalidInputError, match=r"Use SchedulerConfig\(num_tasks=2\)"):
        TaskScheduler(model, model.heads, SchedulerConfig(num_tasks=4))
