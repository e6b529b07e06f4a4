"""A gradient that is not finite names its task and step, and never enters an average."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from songoku_theory.errors import InvalidInputError, SongokuError, UnknownNameError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import NonFiniteGradientError, TaskScheduler, TorchOptions

Make = Callable[..., Any]
Config = SchedulerConfig
MODES = ["full", "offload", "sketch"]
WAYS = [("full", "step"), ("full", "refresh"), ("offload", "step"), ("sketch", "step"),
        ("sketch", "refresh")]  # fmt: skip
BAD = [math.nan, math.inf, -math.inf]


def make(model: Any, memory: str, nonfinite: str, report: str, policy: str = "cycle",  # noqa: ANN401
         tasks: int = 3) -> TaskScheduler:  # fmt: skip
    options = TorchOptions(
        memory=memory, sketch_size=16, nonfinite=nonfinite, nonfinite_report=report  # type: ignore[arg-type]
    )  # fmt: skip
    config = Config(num_tasks=tasks, tau=0.0, refresh_period=5, policy=policy)
    return TaskScheduler(model, model.head_map(), config, options=options)


def averages(scheduler: TaskScheduler) -> Tensor:
    found = scheduler.state_dict()["averages"]
    assert isinstance(found, Tensor)
    return found.clone()


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("memory", MODES)
def test_raised_at_once_it_names_task_and_step_and_the_step_can_be_repeated(
    tiny: Make, batches: Make, task_loss: Make, memory: str, bad: float
) -> None:
    model = tiny(3)
    scheduler = make(model, memory, "raise", "step")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for t, batch in enumerate(batches(3, 4)):
        outputs = model(batch.x)
        losses = {n: task_loss(outputs, batch, n) for n in scheduler.active()}
        if t == 2:
            before = averages(scheduler)
            spoilt = {**losses, "t1": losses["t1"] * bad}
            with pytest.raises(NonFiniteGradientError, match=r"task 't1' at step 2") as caught:
                scheduler.backward(spoilt)
            assert (caught.value.task, caught.value.step) == ("t1", 2)
            assert all(p.grad is None for p in model.parameters())
            assert torch.equal(averages(scheduler), before)
            outputs = model(batch.x)
            losses = {n: task_loss(outputs, batch, n) for n in scheduler.active()}
        scheduler.backward(losses)
        optimizer.step()
        scheduler.step()
    assert scheduler.nonfinite().counts == {"t1": 1}
    assert scheduler.steps == 4
    assert issubclass(NonFiniteGradientError, SongokuError)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(("memory", "report"), WAYS)
def test_a_skipped_task_leaves_update_and_averages_as_if_it_had_no_sample(
    tiny: Make, batches: Make, task_loss: Make, memory: str, report: str, bad: float
) -> None:
    results = []
    for spoil in (True, False):
        model = tiny(3)
        scheduler = make(model, memory, "skip", report)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for t, batch in enumerate(batches(3, 12)):
            outputs = model(batch.x)
            losses = {n: task_loss(outputs, batch, n) for n in scheduler.active()}
            if t in (1, 2, 7) and "t1" in losses:
                losses["t1"] = losses["t1"] * bad if spoil else None
            scheduler.backward(losses)
            optimizer.step()
            scheduler.step()
        samples = scheduler.effective_samples()
        results.append((scheduler, averages(scheduler), model, samples, scheduler.classes()))
    (bad_one, spoilt, first, *rest), (_, clean, second, *others) = results
    torch.testing.assert_close(spoilt, clean, rtol=0, atol=0)
    for p, q in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=0)
    assert rest[0].tolist() == others[0].tolist()
    assert rest[1] == others[1]
    assert set(bad_one.nonfinite().counts) == {"t1"}
    assert bad_one.nonfinite().last_step["t1"] in (2, 7)


@pytest.mark.parametrize(("memory", "report"), WAYS)
def test_a_counted_one_stays_in_the_update_and_out_of_the_averages(
    tiny: Make, batches: Make, task_loss: Make, memory: str, report: str
) -> None:
    model = tiny(3)
    scheduler = make(model, memory, "count", report)
    for t, batch in enumerate(batches(3, 3)):
        outputs = model(batch.x)
        losses = {n: task_loss(outputs, batch, n) for n in scheduler.active()}
        if t == 1:
            losses["t2"] = losses["t2"] * math.inf
        scheduler.backward(losses)
        bad = not torch.isfinite(model.trunk[0].weight.grad).all()
        assert bad == (t == 1)
        assert torch.isfinite(model.heads["t0"].weight.grad).all()
        scheduler.step()
    assert torch.isfinite(averages(scheduler)).all()
    assert scheduler.nonfinite().counts == {"t2": 1}
    assert scheduler.staleness().tasks[2].without_update == 1


@pytest.mark.parametrize("memory", ["full", "sketch"])
def test_raised_at_the_refresh_it_still_names_the_step_and_nothing_entered(
    tiny: Make, batches: Make, task_loss: Make, memory: str
) -> None:
    model = tiny(3)
    scheduler = make(model, memory, "raise", "refresh")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for t, batch in enumerate(batches(3, 7)):
        outputs = model(batch.x)
        losses = {n: task_loss(outputs, batch, n) for n in scheduler.active()}
        if t == 2:
            losses["t1"] = losses["t1"] * math.nan
        scheduler.backward(losses)
        optimizer.step()
        if t == 4:
            with pytest.raises(NonFiniteGradientError, match=r"task 't1' at step 2"):
                scheduler.step()
            assert scheduler.state.round == 1  # the refresh itself was done
        else:
            scheduler.step()
    assert all(torch.isfinite(p).all() for p in model.parameters())
    assert torch.isfinite(averages(scheduler)).all()


def test_a_head_alone_can_be_not_finite(tiny: Make, batches: Make, task_loss: Make) -> None:
    model, (batch,) = tiny(2), batches(2, 1)
    scheduler = make(model, "full", "skip", "step", tasks=2)
    outputs = model(batch.x)
    spoiler = model.heads["t1"].weight.sum() * math.inf
    scheduler.backward(
        {"t0": task_loss(outputs, batch, "t0"), "t1": task_loss(outputs, batch, "t1") + spoiler}
    )
    assert model.heads["t1"].weight.grad is None
    assert torch.isfinite(model.trunk[0].weight.grad).all()


@pytest.mark.parametrize("shared_graph", [True, False])
@pytest.mark.parametrize("nonfinite", ["raise", "skip"])
def test_a_summed_gradient_is_traced_back_to_its_task(
    tiny: Make, batches: Make, task_loss: Make, nonfinite: str, shared_graph: bool
) -> None:
    """Policies without a graph take one backward pass for all tasks."""
    model, (batch,) = tiny(3), batches(3, 1)
    scheduler = make(model, "full", nonfinite, "step", policy="all_tasks")
    x = batch.x
    if shared_graph:
        outputs = model(x)
        losses = {n: task_loss(outputs, batch, n) for n in scheduler.active()}
    else:
        losses = {n: task_loss(model(x), batch, n) for n in scheduler.active()}
    good = losses["t0"] + losses["t2"]
    expected = torch.autograd.grad(good, [model.trunk[0].weight], retain_graph=True)[0]
    losses["t1"] = losses["t1"] * math.nan
    if nonfinite == "raise":
        with pytest.raises(NonFiniteGradientError, match=r"task 't1' at step 0"):
            scheduler.backward(losses, shared_graph=shared_graph)
        return
    scheduler.backward(losses, shared_graph=shared_graph)
    if shared_graph:
        torch.testing.assert_close(model.trunk[0].weight.grad, expected)
        assert model.heads["t1"].weight.grad is None
        assert model.heads["t0"].weight.grad is not None
    else:  # the graphs are gone, so nothing of this batch can be used
        assert model.trunk[0].weight.grad is None
    scheduler.step()
    assert scheduler.nonfinite().counts == {"t1": 1}


def test_a_summed_gradient_is_hidden_on_the_device_until_it_is_read(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model, (batch,) = tiny(2), batches(2, 1)
    scheduler = make(model, "full", "skip", "refresh", policy="all_tasks", tasks=2)
    outputs = model(batch.x)
    losses = {n: task_loss(outputs, batch, n) for n in scheduler.active()}
    scheduler.backward({**losses, "t1": losses["t1"] * math.nan})
    assert (model.trunk[0].weight.grad == 0).all()
    assert (model.heads["t0"].weight.grad == 0).all()
    scheduler.step()
    assert scheduler.nonfinite().counts == {"t1": 1}


def test_a_probe_that_is_not_finite_enters_nothing(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model, (batch,) = tiny(2), batches(2, 1)
    config = Config(num_tasks=2, refresh_period=1, probe="required", beta=0.5)
    scheduler = TaskScheduler(
        model, model.head_map(), config, options=TorchOptions(nonfinite="skip")
    )
    outputs = model(batch.x)
    scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
    scheduler.step(lambda t: task_loss(model(batch.x), batch, t) * (math.nan if t == "t1" else 1.0))
    assert torch.isfinite(averages(scheduler)).all()
    assert scheduler.state.weight_sum.tolist() == [0.75, 0.5]
    assert scheduler.nonfinite().counts == {"t1": 1}


def test_large_gradients_whose_sum_overflows_are_finite(tiny: Make) -> None:
    model = tiny(1)
    scheduler = TaskScheduler(model, model.head_map(), Config(num_tasks=1, refresh_period=9))
    scheduler.add_gradients({"t0": torch.full((55,), 3e38)})
    scheduler.step()
    assert scheduler.nonfinite().total == 0


def test_between_refreshes_nothing_is_read_back_from_the_device(
    tiny: Make, batches: Make, task_loss: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tensor becomes a Python number and none is copied to the host, as a GPU would wait for."""
    from torch.utils._python_dispatch import TorchDispatchMode

    from songoku_theory.torch_scheduler import capture

    # On a CPU finiteness is looked at in place; elsewhere it stays a tensor.
    monkeypatch.setattr(capture, "_all_on_host", lambda tensors, device: False)
    monkeypatch.setattr(capture, "_is_finite", lambda t: torch.isfinite(t.sum(dtype=torch.float64)))
    reads: list[str] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: Callable[..., object],
            types: Sequence[type],
            args: Sequence[object] = (),
            kwargs: Mapping[str, object] | None = None,
        ) -> object:
            if str(func) in ("aten._local_scalar_dense.default", "aten.equal.default",
                             "aten.nonzero.default", "aten.is_nonzero.default"):  # fmt: skip
                reads.append(str(func))
            return func(*args, **(kwargs or {}))

    model = tiny(3)
    scheduler = make(model, "full", "raise", "refresh")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for t, batch in enumerate(batches(3, 5)):
        outputs = model(batch.x)
        losses = {n: task_loss(outputs, batch, n) for n in scheduler.active()}
        with Watch():
            scheduler.backward(losses)
        optimizer.step()
        if t < 4:
            with Watch():
                assert not scheduler.step()
        else:
            assert scheduler.step()
    assert reads == []


def test_options_that_contradict_each_other_are_refused(tiny: Make) -> None:
    model = tiny(2)
    with pytest.raises(InvalidInputError, match="nonfinite_report='refresh'"):
        make(model, "offload", "raise", "refresh", tasks=2)
    with pytest.raises(UnknownNameError, match="Did you mean 'skip'"):
        TorchOptions(nonfinite="skipp")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="sketch_seed"):
        TorchOptions(sketch_seed=-1)
    with pytest.raises(InvalidInputError, match="combine needs every active gradient"):
        TaskScheduler(
            model, model.head_map(), combine=lambda g, a: torch.ones(len(a)),
            options=TorchOptions(memory="sketch"),
        )  # fmt: skip
