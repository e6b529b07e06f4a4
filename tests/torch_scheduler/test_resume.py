"""Stopped anywhere and resumed, a run ends in the same weights, bit for bit."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from songoku_theory.annealing import AnnealConfig
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule.policies import RandomGroups
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import TaskScheduler, TorchOptions

Make = Callable[..., Any]
Config = SchedulerConfig
STEPS = 24

CASES: dict[str, tuple[Config, TorchOptions]] = {
    "cycle": (Config(num_tasks=4, tau=0.0, refresh_period=3, phase="carried"), TorchOptions()),
    "windowed, reset, annealed": (
        Config(
            num_tasks=4, tau=0.0, refresh_period=3, ema="windowed", ema_at_refresh="reset",
            anneal=AnnealConfig(0.0, 4, 6), min_coverage=0.5,
        ),
        TorchOptions(),
    ),
    "oldest first, sketched": (
        Config(num_tasks=4, tau=0.0, refresh_period=5, policy="oldest_first"),
        TorchOptions(memory="sketch", sketch_size=16),
    ),
    "extended, offloaded, probed": (
        Config(num_tasks=4, tau=0.0, refresh_period=2, short_window="extend", probe="required"),
        TorchOptions(memory="offload"),
    ),
    "debiased, flags read late": (
        Config(num_tasks=4, tau=0.0, refresh_period=4, cosine="debiased"),
        TorchOptions(nonfinite="skip", nonfinite_report="refresh"),
    ),
    "static": (Config(num_tasks=4, tau=0.0, refresh_period=6, policy="static"), TorchOptions()),
    "random groups": (
        Config(num_tasks=4, refresh_period=3, policy=RandomGroups(2, seed=3)), TorchOptions()
    ),
    "sequential": (Config(num_tasks=4, tau=0.0, refresh_period=4, policy="sequential"),
                   TorchOptions()),
    "float64": (Config(num_tasks=4, tau=0.0, refresh_period=3, observe_tasks="all"),
                TorchOptions(dtype=torch.float64)),
}  # fmt: skip


def train(
    model: Any, scheduler: TaskScheduler, optimizer: torch.optim.Optimizer,  # noqa: ANN401
    data: list[Any], task_loss: Make, start: int, stop: int,
) -> None:  # fmt: skip
    for batch in data[start:stop]:
        for _ in scheduler.groups():
            outputs = model(batch.x)
            scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.needed()})
            optimizer.step()
        probe = (lambda t, b=batch: task_loss(model(b.x), b, t)) if (
            scheduler.config.probe == "required") else None  # fmt: skip
        scheduler.step(probe)


@pytest.mark.parametrize("case", CASES)
def test_a_run_killed_at_a_random_step_resumes_to_the_same_weights(
    tiny: Make, batches: Make, task_loss: Make, case: str
) -> None:
    config, options = CASES[case]
    data = batches(4, STEPS)

    def fresh(seed: int) -> tuple[Any, TaskScheduler, torch.optim.Optimizer]:
        model = tiny(4, seed=seed)
        scheduler = TaskScheduler(model, model.head_map(), config, options=options)
        return model, scheduler, torch.optim.Adam(model.parameters(), lr=0.02)

    model, scheduler, optimizer = fresh(0)
    train(model, scheduler, optimizer, data, task_loss, 0, STEPS)
    rng = np.random.default_rng(sorted(CASES).index(case))
    for stop in rng.integers(1, STEPS, size=3).tolist():
        first, old, first_optimizer = fresh(0)
        train(first, old, first_optimizer, data, task_loss, 0, stop)
        file = io.BytesIO()
        torch.save([first.state_dict(), old.state_dict(), first_optimizer.state_dict()], file)
        file.seek(0)
        saved = torch.load(file, weights_only=True)
        second, new, second_optimizer = fresh(1)
        second.load_state_dict(saved[0])
        new.load_state_dict(saved[1])
        second_optimizer.load_state_dict(saved[2])
        assert new.steps == stop
        train(second, new, second_optimizer, data, task_loss, stop, STEPS)
        for p, q in zip(model.parameters(), second.parameters(), strict=True):
            assert torch.equal(p, q)
        ends = [scheduler.state_dict(), new.state_dict()]
        assert_equal(ends[0], ends[1])
        assert str(scheduler.staleness()) == str(new.staleness())


def assert_equal(a: Any, b: Any) -> None:  # noqa: ANN401
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_equal(a[key], b[key])
    else:
        assert a == b


def small(tiny: Make, tasks: int = 2, **settings: Any) -> TaskScheduler:  # noqa: ANN401
    model = tiny(tasks)
    return TaskScheduler(model, model.head_map(), Config(num_tasks=tasks, **settings))


def test_a_state_of_another_run_is_refused_and_nothing_changes(tiny: Make) -> None:
    saved = small(tiny).state_dict()
    for other, message in (
        (small(tiny, tasks=3), "other tasks: tasks: saved t0, t1, here t0, t1, t2"),
        (small(tiny, tau=0.7), "other settings: tau: saved 0.2, here 0.7"),
    ):
        before = copy.deepcopy(other.state_dict())
        with pytest.raises(InvalidInputError, match=message):
            other.load_state_dict(saved)
        assert_equal(other.state_dict(), before)
    wider = tiny(2, width=6)
    other = TaskScheduler(wider, wider.head_map(), Config(num_tasks=2))
    with pytest.raises(InvalidInputError, match=r"other shared parameters: .*\(5, 4\), here \(6"):
        other.load_state_dict(saved)
    with pytest.raises(InvalidInputError, match="version 2; found None"):
        other.load_state_dict({})


def test_a_state_is_saved_between_steps_only(tiny: Make, batches: Make, task_loss: Make) -> None:
    (batch,), model = batches(2, 1), tiny(2)
    scheduler = TaskScheduler(model, model.head_map())
    scheduler.active()  # looking does not begin a step
    scheduler.state_dict()
    outputs = model(batch.x)
    scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
    with pytest.raises(InvalidInputError, match="step 0 is under way"):
        scheduler.state_dict()
    scheduler.step()
    scheduler.state_dict()


def test_a_spoilt_state_is_refused_and_nothing_changes(tiny: Make) -> None:
    scheduler = small(tiny)
    saved, before = scheduler.state_dict(), copy.deepcopy(scheduler.state_dict())
    cut = {name: value for name, value in saved.items() if name != "averages"}
    with pytest.raises(InvalidInputError, match="lacks averages; was it cut off"):
        scheduler.load_state_dict(cut)
    spoilt = saved["averages"].clone()
    spoilt[1, 2] = torch.nan
    with pytest.raises(InvalidInputError, match="saved averages are not finite"):
        scheduler.load_state_dict({**saved, "averages": spoilt})
    assert_equal(scheduler.state_dict(), before)


@pytest.mark.parametrize("memory", ["full", "offload", "sketch"])
@pytest.mark.parametrize("way", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_trains_as_the_original_does(
    memory: str, way: Make, tiny: Make, batches: Make, task_loss: Make
) -> None:
    """The buffers' views have to look at the copy's buffers, not at tensors of their own."""
    config = SchedulerConfig(num_tasks=3, tau=0.1, refresh_period=4)
    options = TorchOptions(memory=memory, sketch_size=32)  # type: ignore[arg-type]

    def train(model: nn.Module, scheduler: TaskScheduler, data: list[Any]) -> torch.Tensor:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for batch in data:
            outputs = model(batch.x)
            scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
            optimizer.step()
            scheduler.step()
        return torch.cat([p.detach().reshape(-1) for p in model.parameters()])

    model, data = tiny(3), batches(3, 20)
    scheduler = TaskScheduler(model, model.heads, config, options=options)
    train(model, scheduler, data[:6])
    model_too, scheduler_too = way((model, scheduler))
    expected = train(model, scheduler, data[6:])
    assert torch.equal(train(model_too, scheduler_too, data[6:]), expected)
