"""Shared parameters and heads, given in every way that is offered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import Selection, TaskScheduler, TorchOptions
from songoku_theory.torch_scheduler.parameters import split_parameters

Make = Callable[..., Any]
TRUNK = ("trunk.0.weight", "trunk.0.bias", "trunk.2.weight", "trunk.2.bias")


def test_modules_parameters_and_filters_select_the_same(tiny: Make) -> None:
    model = tiny(2)
    ways = [
        (model.head_map(), None),
        (model.head_map(), model.trunk),
        ({t: list(h.parameters()) for t, h in model.heads.items()}, model.trunk.parameters()),
        (
            {t: (lambda name, t=t: name.startswith(f"heads.{t}.")) for t in ("t0", "t1")},
            lambda name: name.startswith("trunk"),
        ),
    ]
    for heads, shared in ways:
        found = split_parameters(model, heads, shared)
        assert found.shared.names == TRUNK
        assert found.tasks == ("t0", "t1")
        assert [len(h) for h in found.heads] == [2, 2]
        assert found.heads[1][0] is model.heads["t1"].weight
        assert found.shared.dim == 55


def test_a_single_parameter_and_no_parameter_are_selections() -> None:
    model = nn.Linear(3, 2)
    found = split_parameters(model, {"a": model.bias, "b": ()})  # type: ignore[dict-item]
    assert found.shared.names == ("weight",)
    assert [len(h) for h in found.heads] == [1, 0]


def test_the_names_of_a_compiled_model_are_the_inner_ones(tiny: Make) -> None:
    model = tiny(1)
    run = torch.compile(model, backend="eager")
    found = split_parameters(run, {"t0": lambda name: name.startswith("heads.t0")})
    assert found.shared.names == TRUNK


@pytest.mark.parametrize(
    ("heads", "shared", "message"),
    [
        ({}, None, "at least one task"),
        ({"a": lambda n: True}, None, "no shared parameter that requires"),
        ({"a": lambda n: "trunk.0" in n}, lambda n: "trunk" in n, "either shared or a head's"),
        ({"a": lambda n: "t0" in n}, lambda n: "trunk" in n, r"never be trained: heads\.t1"),
        ({"a": nn.Linear(1, 1)}, None, "2 parameters that are not the model's"),
    ],
)
def test_what_does_not_fit_is_refused(
    tiny: Make,
    heads: dict[str, Selection],
    shared: Selection | None,
    message: str,
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        split_parameters(tiny(2), heads, shared)


def test_frozen_parameters_need_no_place() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model[0].weight.requires_grad_(False)
    found = split_parameters(model, {"a": model[1]})
    assert found.shared.names == ("0.bias",)
    assert [name for name, _ in found.frozen] == ["0.weight"]


def test_the_number_of_tasks_has_to_agree(tiny: Make) -> None:
    model = tiny(2)
    with pytest.raises(InvalidInputError, match="config is for 3 tasks; heads names 2: t0, t1"):
        TaskScheduler(model, model.head_map(), SchedulerConfig(num_tasks=3))


def test_a_vector_is_laid_out_like_each_parameter() -> None:
    conv = nn.Conv2d(2, 3, 2).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = split_parameters(conv, {"a": conv.bias}).shared  # type: ignore[dict-item]
    flat = torch.arange(24.0)
    (view,) = found.views(flat)
    assert view.shape == conv.weight.shape
    assert view.stride() == conv.weight.stride()
    view.zero_()
    assert (flat == 0).all()


def test_a_model_whose_parameters_were_replaced_is_noticed(tiny: Make, batches: Make) -> None:
    """Gradients would go to tensors that nobody trains any more."""
    model = tiny(2)
    scheduler = TaskScheduler(model, model.head_map())
    (batch,) = batches(2, 1)
    state = {name: p.clone() for name, p in model.state_dict().items()}
    model.load_state_dict(state)
    scheduler.backward(dict.fromkeys(scheduler.active()))
    scheduler.step()
    model.load_state_dict(state, assign=True)
    with pytest.raises(InvalidInputError, match="no longer holds the shared parameter 'trunk"):
        scheduler.backward({t: out.mean() for t, out in model(batch.x).items()})


def test_a_model_wrapped_for_sharding_is_refused(
    tiny: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a wrapper of its name: the real one needs an accelerator. The other kind: test_ranks."""
    fsdp = pytest.importorskip("torch.distributed.fsdp")

    class Wrapper(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

    monkeypatch.setattr(fsdp, "FullyShardedDataParallel", Wrapper)
    model = tiny(2)
    with pytest.raises(InvalidInputError, match="the model is wrapped in FSDP; a scheduler for"):
        TaskScheduler(Wrapper(model), model.head_map())
    TaskScheduler(model, model.head_map())


def test_numbers_that_are_not_real_or_change_their_type_are_refused(tiny: Make) -> None:
    trunk = nn.Linear(2, 2, dtype=torch.complex64)
    with pytest.raises(InvalidInputError, match=r"real numbers; found torch\.complex64 in weight"):
        TaskScheduler(trunk, {"a": ()})
    model = tiny(2)
    scheduler = TaskScheduler(model, model.head_map())
    model.double()
    with pytest.raises(InvalidInputError, match=r"from torch\.float32 into torch\.float64"):
        scheduler.backward(dict.fromkeys(scheduler.active()))
    with pytest.raises(InvalidInputError, match="whole number >= 0; found 'x'"):
        TorchOptions(sketch_seed="x")  # type: ignore[arg-type]


def test_one_scaler_a_step(tiny: Make, batches: Make) -> None:
    """Scaled and unscaled gradients would be added up."""
    (batch,), model = batches(2, 1), tiny(2)
    first, second = (torch.amp.GradScaler("cpu", init_scale=s) for s in (2.0, 1024.0))
    for one, other in ((first, None), (None, first), (first, second)):
        scheduler = TaskScheduler(model, model.head_map())
        losses = {t: model(batch.x)[t].mean() for t in scheduler.active()}
        scheduler.backward({"t0": losses["t0"]}, more=True, scaler=one)
        with pytest.raises(InvalidInputError, match="in a step the same one, or none"):
            scheduler.backward({"t1": losses["t1"]}, scaler=other)
        scheduler.backward({"t1": losses["t1"]}, scaler=one)
        scheduler.step()
    with pytest.raises(InvalidInputError, match="scaler should be a torch"):
        TaskScheduler(model, model.head_map()).backward(losses, scaler=3)  # type: ignore[arg-type]
