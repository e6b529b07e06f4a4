"""Autocast, gradient scalers, compiled models and other dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import TaskScheduler, TorchOptions
from songoku_theory.torch_scheduler.gram import row_products
from songoku_theory.torch_scheduler.options import Memory

Make = Callable[..., Any]
Config = SchedulerConfig


def averages(scheduler: TaskScheduler) -> Tensor:
    found = scheduler.state_dict()["averages"]
    assert isinstance(found, Tensor)
    return found


def test_averages_are_float32_under_bf16_autocast_even_if_all_of_the_loop_is_inside(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model = tiny(3)
    scheduler = TaskScheduler(model, model.head_map(), Config(num_tasks=3, tau=0.0, beta=0.5,
                                                              refresh_period=2))  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    by_hand = torch.zeros(3, 55)
    for batch in batches(3, 6):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = model(batch.x)
            assert outputs["t0"].dtype == torch.bfloat16
            losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
            for t, loss in losses.items():
                gradients = torch.autograd.grad(
                    loss, list(model.trunk.parameters()), retain_graph=True
                )
                k = int(t[1:])
                row = torch.cat([g.reshape(-1).float() for g in gradients])
                by_hand[k] = by_hand[k] + 0.5 * (row - by_hand[k])
            scheduler.backward(losses)
            optimizer.step()
            scheduler.step()
    assert averages(scheduler).dtype == torch.float32
    torch.testing.assert_close(averages(scheduler), by_hand, rtol=1e-6, atol=1e-8)


def test_products_are_not_shortened_by_autocast() -> None:
    """The refresh inside an autocast region gives the cosines that it gives outside."""
    found = []
    rows = torch.randn(3, 200, generator=torch.Generator().manual_seed(0))
    for enabled in (False, True):
        model = nn.Module()
        model.theta = nn.Parameter(torch.zeros(200))  # type: ignore[assignment]
        scheduler = TaskScheduler(
            model, {"a": (), "b": (), "c": ()}, Config(num_tasks=3, refresh_period=1)
        )
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            scheduler.add_gradients(dict(zip(scheduler.tasks, rows, strict=True)))
            scheduler.step()
        found.append(scheduler.cosines())
    assert found[0] is not None
    assert (found[0] == found[1]).all()


def test_a_scaler_scales_the_update_but_not_the_averages(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    results = []
    for scaler in (None, torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=3)):
        model = tiny(3)
        scheduler = TaskScheduler(
            model, model.head_map(), Config(num_tasks=3, tau=0.0, refresh_period=4)
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for batch in batches(3, 9):
            outputs = model(batch.x)
            losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
            scheduler.backward(losses, scaler=scaler)
            if scaler is None:
                optimizer.step()
            else:
                scaler.step(optimizer)
                scaler.update()
            scheduler.step()
        results.append((averages(scheduler).clone(), model.trunk[0].weight.detach().clone()))
    # Powers of two: scaling and unscaling lose nothing.
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


def test_fp16_autocast_with_a_scaler_trains(tiny: Make, batches: Make, task_loss: Make) -> None:
    model = tiny(2)
    scheduler = TaskScheduler(model, model.head_map(), Config(num_tasks=2, refresh_period=4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20, growth_interval=10)
    (batch,) = batches(2, 1)
    losses: list[float] = []
    for _ in range(60):
        with torch.autocast("cpu", dtype=torch.float16):
            outputs = model(batch.x)
            assert outputs["t0"].dtype == torch.float16
        outputs = {t: y.float() for t, y in outputs.items()}
        given = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
        losses.append(sum(float(loss.detach()) for loss in given.values()) / len(given))
        scheduler.backward(given, scaler=scaler)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
    assert losses[-1] < 0.3 * losses[0]
    assert scheduler.nonfinite().total > 0  # the first scale was too large for float16
    assert torch.isfinite(averages(scheduler)).all()


@pytest.mark.parametrize("memory", ["full", "sketch", "offload"])
def test_an_overflow_reaches_the_scaler_and_no_average(
    tiny: Make, batches: Make, task_loss: Make, memory: Memory
) -> None:
    model, (batch,) = tiny(2), batches(2, 1)
    scheduler = TaskScheduler(
        model, model.head_map(), Config(num_tasks=2, refresh_period=50),
        options=TorchOptions(memory=memory, sketch_size=16),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**120, growth_interval=100)
    skipped = 0
    for _ in range(40):
        outputs = model(batch.x)
        losses = {t: task_loss(outputs, batch, t) * 2.0**9 for t in scheduler.active()}
        before = model.trunk[0].weight.detach().clone()
        scheduler.backward(losses, scaler=scaler)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        skipped += int(torch.equal(before, model.trunk[0].weight))
    assert 0 < skipped < 40
    assert scheduler.nonfinite().total >= skipped
    assert torch.isfinite(averages(scheduler)).all()
    assert averages(scheduler).abs().sum() > 0


def test_a_scaler_scales_probe_losses_too_and_they_are_unscaled(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    found = []
    for scaler in (None, torch.amp.GradScaler("cpu", init_scale=1024.0)):
        model, (batch,) = tiny(2), batches(2, 1)
        scheduler = TaskScheduler(
            model, model.head_map(), Config(num_tasks=2, refresh_period=1, probe="required")
        )
        outputs = model(batch.x)
        scheduler.backward(
            {t: task_loss(outputs, batch, t) for t in scheduler.active()}, scaler=scaler
        )
        scheduler.step(lambda t, m=model, b=batch: task_loss(m(b.x), b, t))
        found.append(averages(scheduler).clone())
    assert torch.equal(found[0], found[1])


@pytest.mark.parametrize("shared_graph", [True, False])
def test_compiled_models_train_as_plain_ones_do(
    tiny: Make, batches: Make, task_loss: Make, shared_graph: bool
) -> None:
    results = []
    for compiled in (False, True):
        model = tiny(2)
        run = torch.compile(model, backend="aot_eager") if compiled else model
        scheduler = TaskScheduler(
            run, model.head_map(), Config(num_tasks=2, tau=0.0, refresh_period=2)
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for batch in batches(2, 6):
            if shared_graph:
                outputs = run(batch.x)
                losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
            else:
                losses = {t: task_loss(run(batch.x), batch, t) for t in scheduler.active()}
            scheduler.backward(losses, shared_graph=shared_graph)
            optimizer.step()
            scheduler.step()
        assert scheduler.shared_names[0] == "trunk.0.weight"
        results.append(model.trunk[0].weight.detach().clone())
    torch.testing.assert_close(results[0], results[1], rtol=1e-5, atol=1e-6)
    torch._dynamo.reset()


def test_a_compiled_model_s_reused_buffers_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler's own message, which needs a slow backend to provoke."""
    from songoku_theory.torch_scheduler import capture

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError(
            "This backward function was compiled with non-empty donated buffers which requires "
            "create_graph=False and retain_graph=False."
        )

    monkeypatch.setattr(torch.autograd, "grad", refuse)
    p = nn.Parameter(torch.ones(1))
    with pytest.raises(InvalidInputError, match="shared_graph=False"):
        capture.gradients_of(p.sum(), [p], [], retain_graph=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("memory", ["full", "sketch"])
def test_gradients_come_back_in_the_parameters_own_dtype(
    tiny: Make, batches: Make, task_loss: Make, dtype: torch.dtype, memory: Memory
) -> None:
    model, (batch,) = tiny(2).to(dtype), batches(2, 1)
    scheduler = TaskScheduler(
        model, model.head_map(), options=TorchOptions(memory=memory, sketch_size=16)
    )
    outputs = model(batch.x.to(dtype))
    losses = {t: outputs[t].square().mean() for t in scheduler.active()}
    shared = list(model.trunk.parameters())
    expected = torch.autograd.grad(sum(losses.values()), shared, retain_graph=True)
    scheduler.backward(losses)
    for p, gradient in zip(shared, expected, strict=True):
        assert p.grad is not None
        assert p.grad.dtype == dtype
        tolerance = 1e-12 if dtype == torch.float64 else 2e-2
        torch.testing.assert_close(p.grad, gradient, rtol=tolerance, atol=tolerance)
    scheduler.step()
    assert averages(scheduler).dtype == torch.float32


def test_float64_averages_on_request(tiny: Make, batches: Make, task_loss: Make) -> None:
    model, (batch,) = tiny(2), batches(2, 1)
    scheduler = TaskScheduler(
        model, model.head_map(), Config(num_tasks=2, refresh_period=1),
        options=TorchOptions(dtype=torch.float64),
    )  # fmt: skip
    outputs = model(batch.x)
    scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
    scheduler.step()
    assert averages(scheduler).dtype == torch.float64
    with pytest.raises(InvalidInputError, match=r"float32 or torch\.float64"):
        TorchOptions(dtype=torch.bfloat16)


def test_lower_product_precision_widens_the_band_in_which_pairs_are_rechecked() -> None:
    rows = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    before = torch.get_float32_matmul_precision()
    try:
        bands = []
        for precision in ("highest", "high", "medium"):
            torch.set_float32_matmul_precision(precision)
            bands.append(row_products(rows).rounding)
    finally:
        torch.set_float32_matmul_precision(before)
    assert bands[0] < 2**-12 < bands[1] < bands[2]
