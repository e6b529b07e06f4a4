"""What moves at a step: eq. 6 and nothing else, however the gradients arrive."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from songoku_theory.ema import n_eff
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import TaskScheduler, TorchOptions

Config = SchedulerConfig
Make = Callable[..., Any]
MODES = ["full", "offload", "sketch"]


def options(memory: str) -> TorchOptions:
    return TorchOptions(memory=memory, sketch_size=16)  # type: ignore[arg-type]


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize("memory", MODES)
def test_the_update_is_the_sum_of_the_active_gradients_and_only_active_heads_move(
    tiny: Make, batches: Make, task_loss: Make, memory: str
) -> None:
    """Against eq. 6 by hand, over refreshes, with classes that really differ."""
    model, config = tiny(4), Config(num_tasks=4, tau=0.0, refresh_period=4, beta=0.5)
    by_hand = copy.deepcopy(model)
    scheduler = TaskScheduler(model, model.head_map(), config, options=options(memory))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    seen = set()
    for batch in batches(4, 30):
        active = scheduler.active()
        seen.add(active)
        outputs = model(batch.x)
        scheduler.backward({t: task_loss(outputs, batch, t) for t in active})
        optimizer.step()
        scheduler.step()

        total = sum(task_loss(by_hand(batch.x), batch, t) for t in active)
        by_hand.zero_grad()
        total.backward()
        with torch.no_grad():
            for name, p in by_hand.named_parameters():
                head = name.split(".")[1] if name.startswith("heads") else None
                if head is None or head in active:
                    p.sub_(0.05 * p.grad)
        for (name, p), q in zip(model.named_parameters(), by_hand.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6, msg=name)
    assert len(seen) > 2


@pytest.mark.parametrize("make", [
    lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.5),
])  # fmt: skip
def test_momentum_and_weight_decay_leave_inactive_heads_alone(
    tiny: Make, batches: Make, task_loss: Make, make: Callable[..., torch.optim.Optimizer]
) -> None:
    model, config = tiny(3), Config(num_tasks=3, policy="round_robin")
    scheduler = TaskScheduler(model, model.head_map(), config)
    optimizer = make(model.parameters())
    for batch in batches(3, 7):
        (active,) = scheduler.active()
        before = weights_of(model)
        scheduler.backward({active: task_loss(model(batch.x), batch, active)})
        optimizer.step()
        scheduler.step()
        after = weights_of(model)
        moved = {n for n in before if not torch.equal(before[n], after[n])}
        assert moved == {n for n in before if n.startswith(("trunk", f"heads.{active}."))}


@pytest.mark.parametrize("memory", MODES)
@pytest.mark.parametrize("policy", ["cycle", "all_tasks"])
def test_micro_batches_and_single_tasks_add_up_to_the_whole(
    tiny: Make, batches: Make, task_loss: Make, memory: str, policy: str
) -> None:
    (batch,) = batches(3, 1)
    found = []
    for way in ("whole", "micro", "tasks", "tasks, no hint"):
        model = tiny(3)
        config = Config(num_tasks=3, refresh_period=1, policy=policy)
        scheduler = TaskScheduler(model, model.head_map(), config, options=options(memory))
        names = scheduler.active()
        if way == "whole":
            outputs = model(batch.x)
            scheduler.backward({t: task_loss(outputs, batch, t) for t in names})
        elif way == "micro":
            for half in (slice(0, 4), slice(4, 8)):
                outputs = model(batch.x[half])
                losses = {
                    t: nn.functional.mse_loss(outputs[t], batch.y[t][half]) / 2 for t in names
                }
                scheduler.backward(losses, more=half.stop == 4)
        else:
            for t in names:
                loss = task_loss(model(batch.x), batch, t)
                scheduler.backward({t: loss}, more=way == "tasks" and t != names[-1])
        grads = {n: p.grad.clone() for n, p in model.named_parameters()}
        scheduler.step()
        found.append((grads, scheduler.cosines()))
    for grads, cosines in found[1:]:
        for name, gradient in grads.items():
            torch.testing.assert_close(gradient, found[0][0][name], rtol=1e-4, atol=1e-6)
        if cosines is not None:
            assert abs(cosines - found[0][1]).max() < 1e-4


def test_the_trainer_need_not_zero_gradients_and_may(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    results = []
    for zeroes in (False, True):
        model = tiny(3)
        scheduler = TaskScheduler(model, model.head_map(), Config(num_tasks=3, refresh_period=2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        for batch in batches(3, 8):
            outputs = model(batch.x)
            if zeroes:
                optimizer.zero_grad()
            scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
            optimizer.step()
            scheduler.step()
        results.append(weights_of(model))
    assert all(torch.equal(results[0][n], results[1][n]) for n in results[0])


@pytest.mark.parametrize("memory", MODES)
def test_a_task_without_samples_moves_neither_its_head_nor_its_average(
    tiny: Make, batches: Make, task_loss: Make, memory: str
) -> None:
    model, config = tiny(3), Config(num_tasks=3, refresh_period=50)
    scheduler = TaskScheduler(model, model.head_map(), config, options=options(memory))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for t, batch in enumerate(batches(3, 4)):
        outputs, before = model(batch.x), weights_of(model)
        absent = f"t{t % 3}"
        scheduler.backward(
            {n: None if n == absent else task_loss(outputs, batch, n) for n in scheduler.active()}
        )
        optimizer.step()
        scheduler.step()
        after = weights_of(model)
        assert torch.equal(before[f"heads.{absent}.weight"], after[f"heads.{absent}.weight"])
    assert scheduler.state.last_updated.tolist() == [2, 3, 3]
    assert [t.without_update for t in scheduler.staleness().tasks] == [2, 1, 1]
    expected = [n_eff(2, 0.9), n_eff(3, 0.9), n_eff(3, 0.9)]
    assert scheduler.effective_samples().tolist() == pytest.approx(expected)


def test_a_batch_without_any_sample_moves_nothing(tiny: Make, batches: Make) -> None:
    model = tiny(2)
    scheduler = TaskScheduler(model, model.head_map(), Config(num_tasks=2, refresh_period=2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    before = weights_of(model)
    for _ in range(4):  # over refreshes: nobody has a direction, so all stay in one class
        scheduler.backward(dict.fromkeys(scheduler.active()))
        optimizer.step()
        scheduler.step()
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())
    assert scheduler.active() == ("t0", "t1")


def test_observing_all_tasks_updates_only_the_active(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    config = Config(num_tasks=4, tau=0.0, refresh_period=2, observe_tasks="all")
    model = tiny(4)
    scheduler = TaskScheduler(model, model.head_map(), config)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for batch in batches(4, 12):
        active, outputs, before = scheduler.active(), model(batch.x), weights_of(model)
        assert scheduler.needed() == ("t0", "t1", "t2", "t3")
        scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.needed()})
        expected = torch.autograd.grad(
            sum(task_loss(model(batch.x), batch, t) for t in active), list(model.trunk.parameters())
        )
        for p, gradient in zip(model.trunk.parameters(), expected, strict=True):
            torch.testing.assert_close(p.grad, gradient, rtol=1e-4, atol=1e-6)
        optimizer.step()
        scheduler.step()
        for name, p in model.named_parameters():
            if name.startswith("heads"):
                assert torch.equal(p, before[name]) == (name.split(".")[1] not in active)
    assert (scheduler.effective_samples() > 8).all()


def test_sequential_takes_one_optimiser_step_a_class_and_later_ones_see_the_earlier(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model, config = tiny(4), Config(num_tasks=4, tau=0.0, refresh_period=1, policy="sequential")
    by_hand = copy.deepcopy(model)
    scheduler = TaskScheduler(model, model.head_map(), config)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    counts = []
    for batch in batches(4, 6):
        order = []
        for group in scheduler.groups():
            order.append(group)
            outputs = model(batch.x)
            scheduler.backward({t: task_loss(outputs, batch, t) for t in group})
            optimizer.step()
        scheduler.step()
        counts.append(len(order))
        other = torch.optim.SGD(by_hand.parameters(), lr=0.05)
        for group in order:
            outputs = by_hand(batch.x)
            other.zero_grad()
            sum(task_loss(outputs, batch, t) for t in group).backward()
            other.step()
    for p, q in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6)
    assert max(counts) > 1


def test_a_step_of_several_groups_can_t_be_cut_short(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model, config = tiny(4), Config(num_tasks=4, tau=0.0, refresh_period=1, policy="sequential")
    scheduler = TaskScheduler(model, model.head_map(), config)
    for batch in batches(4, 5):
        outputs = model(batch.x)
        scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
        if len(scheduler.classes()) > 1:
            with pytest.raises(InvalidInputError, match=r"loop over scheduler.groups\(\)"):
                scheduler.step()
            return
        scheduler.step()
    pytest.fail("there was never more than one class")


def test_a_head_that_two_tasks_share_gets_both_gradients() -> None:
    trunk, both, own = nn.Linear(2, 2), nn.Linear(2, 1), nn.Linear(2, 1)
    model = nn.ModuleList([trunk, both, own])
    scheduler = TaskScheduler(model, {"a": both, "b": [*both.parameters(), *own.parameters()]})
    x = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    features = trunk(x)
    a, b = both(features).mean(), (both(features) * own(features)).mean()
    expected = torch.autograd.grad(a + b, list(both.parameters()), retain_graph=True)
    scheduler.backward({"a": a, "b": b})
    for p, gradient in zip(both.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, gradient)


def test_parameters_that_get_no_gradient_keep_none() -> None:
    """A shared part that only one task uses: weight decay must not move it at others' turns."""
    used, extra, head = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)
    model = nn.ModuleList([used, extra, head])
    config = Config(num_tasks=2, policy="oldest_first")
    scheduler = TaskScheduler(model, {"a": head, "b": ()}, config)
    x = torch.ones(3, 2)
    scheduler.backward({"a": head(used(x)).mean(), "b": None})
    assert extra.weight.grad is None
    assert used.weight.grad is not None
    scheduler.step()
    scheduler.backward({"a": None, "b": extra(used(x)).mean()})
    assert extra.weight.grad is not None
    assert head.weight.grad is None


def test_a_parameter_frozen_later_counts_as_zero_and_an_unfrozen_one_is_refused() -> None:
    trunk, head = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), nn.Linear(2, 1)
    trunk[0].weight.requires_grad_(False)
    model = nn.ModuleList([trunk, head])
    scheduler = TaskScheduler(model, {"a": head})
    assert "0.0.weight" not in scheduler.shared_names
    trunk[1].weight.requires_grad_(False)
    scheduler.backward({"a": head(trunk(torch.ones(1, 2))).mean()})
    assert trunk[1].weight.grad is None
    assert trunk[1].bias.grad is not None
    scheduler.step()
    trunk[0].weight.requires_grad_(True)
    with pytest.raises(InvalidInputError, match=r"'0.0.weight' was frozen when the scheduler"):
        scheduler.backward({"a": head(trunk(torch.ones(1, 2))).mean()})


def test_gradients_keep_the_memory_format_of_their_parameters() -> None:
    trunk, head = nn.Conv2d(3, 4, 3), nn.Linear(4, 1)
    trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model = nn.ModuleList([trunk, head])
    scheduler = TaskScheduler(model, {"a": head, "b": ()})
    x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    a, b = head(trunk(x).mean((2, 3))).mean(), trunk(x).square().mean()
    expected = torch.autograd.grad(a + b, [trunk.weight], retain_graph=True)[0]
    scheduler.backward({"a": a, "b": b})
    assert trunk.weight.grad is not None
    assert trunk.weight.grad.stride() == trunk.weight.stride()
    torch.testing.assert_close(trunk.weight.grad, expected)


def test_sparse_gradients_are_filled_up() -> None:
    table, head = nn.Embedding(5, 2, sparse=True), nn.Linear(2, 1)
    scheduler = TaskScheduler(nn.ModuleList([table, head]), {"a": head, "b": ()})
    rows = table(torch.tensor([1, 3]))
    scheduler.backward({"a": head(rows).sum(), "b": rows.sum()})
    assert table.weight.grad is not None
    assert table.weight.grad.layout == torch.strided
    assert (table.weight.grad[[0, 2, 4]] == 0).all()
    torch.testing.assert_close(table.weight.grad[1], head.weight.detach()[0] + 1)


def test_a_combiner_weighs_the_active_gradients(tiny: Make, batches: Make, task_loss: Make) -> None:
    seen: list[tuple[tuple[int, ...], Tensor]] = []

    def combine(products: Tensor, active: tuple[int, ...]) -> Tensor:
        seen.append((active, products))
        return torch.arange(1.0, len(active) + 1)

    model, config = tiny(3), Config(num_tasks=3, tau=0.0, refresh_period=3)
    scheduler = TaskScheduler(model, model.head_map(), config, combine=combine)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for batch in batches(3, 8):
        active, outputs = scheduler.active(), model(batch.x)
        losses = [task_loss(outputs, batch, t) for t in active]
        shared = list(model.trunk.parameters())
        rows = [torch.cat([g.reshape(-1) for g in torch.autograd.grad(
            loss, shared, retain_graph=True)]) for loss in losses]  # fmt: skip
        scheduler.backward(dict(zip(active, losses, strict=True)))
        got = torch.cat([p.grad.reshape(-1) for p in shared])
        wanted = sum(w * row for w, row in enumerate(rows, start=1))
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)
        matrix = torch.stack(rows).double()
        torch.testing.assert_close(seen[-1][1], matrix @ matrix.T, rtol=1e-5, atol=1e-7)
        assert tuple(f"t{k}" for k in seen[-1][0]) == active
        optimizer.step()
        scheduler.step()


def test_a_combiner_also_serves_a_policy_without_a_graph(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    (batch,), model = batches(2, 1), tiny(2)
    config = Config(num_tasks=2, policy="all_tasks")
    scheduler = TaskScheduler(
        model, model.head_map(), config, combine=lambda _, active: torch.zeros(len(active))
    )
    outputs = model(batch.x)
    scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
    assert (model.trunk[0].weight.grad == 0).all()
    assert (model.heads["t0"].weight.grad != 0).any()


def test_probe_losses_are_asked_for_at_a_refresh_only_and_after_the_update(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    config = Config(num_tasks=3, refresh_period=3, probe="required")
    model = tiny(3)
    scheduler = TaskScheduler(model, model.head_map(), config)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    (probe_batch,) = batches(3, 1, seed=9)
    asked: list[tuple[int, str]] = []

    def probe(task: str) -> Tensor | None:
        asked.append((scheduler.steps, task))
        return None if task == "t2" else task_loss(model(probe_batch.x), probe_batch, task)

    for batch in batches(3, 6):
        outputs = model(batch.x)
        scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
        optimizer.step()
        grads = [p.grad for p in model.trunk.parameters()]
        scheduler.step(probe)
        assert grads == [p.grad for p in model.trunk.parameters()]
    assert asked == [(t, f"t{k}") for t in (3, 6) for k in range(3)]


def test_what_does_not_fit_is_refused_with_what_to_do(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model, (batch,) = tiny(3), batches(3, 1)
    scheduler = TaskScheduler(
        model, model.head_map(), Config(num_tasks=3, refresh_period=1, probe="required")
    )
    outputs = model(batch.x)
    losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
    with pytest.raises(UnknownNameError, match="Did you mean 't1'"):
        scheduler.backward({"t1x": losses["t1"]})
    with pytest.raises(InvalidInputError, match=r"'t0' at step 0 should be a tensor with one"):
        scheduler.backward({"t0": outputs["t0"]})
    with pytest.raises(InvalidInputError, match="does not depend on any parameter"):
        scheduler.backward({"t0": losses["t0"].detach()})
    with pytest.raises(InvalidInputError, match="got no loss of task 't0'"):
        scheduler.step()
    scheduler.backward({"t0": losses["t0"]}, more=True)
    with pytest.raises(InvalidInputError, match="got no loss of task 't1'"):
        scheduler.step()
    scheduler.backward({"t1": task_loss(model(batch.x), batch, "t1"), "t2": None}, more=True)
    with pytest.raises(InvalidInputError, match="said more=True"):
        scheduler.step()
    scheduler.backward({"t2": None})
    with pytest.raises(InvalidInputError, match=r"takes probes; call scheduler.step\(probe="):
        scheduler.step()
    with pytest.raises(InvalidInputError, match=r"shape \(55,\); found \(3,\)"):
        scheduler.add_gradients({"t0": torch.zeros(3)})
    scheduler.step(probe=lambda t: task_loss(model(batch.x), batch, t))
    other = TaskScheduler(model, model.head_map(), Config(num_tasks=3))
    other.backward({t: task_loss(model(batch.x), batch, t) for t in other.active()})
    with pytest.raises(InvalidInputError, match=r"config.probe is 'none'"):
        other.step(probe=lambda t: None)


def test_a_task_that_does_not_run_now_is_refused(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model, (batch,) = tiny(2), batches(2, 1)
    scheduler = TaskScheduler(model, model.head_map(), Config(num_tasks=2, policy="round_robin"))
    outputs = model(batch.x)
    with pytest.raises(InvalidInputError, match=r"'t1' has no part in step 0.*only: t0"):
        scheduler.backward({t: task_loss(outputs, batch, t) for t in ("t0", "t1")})


def test_a_graph_that_was_freed_is_explained(tiny: Make, batches: Make, task_loss: Make) -> None:
    model, (batch,) = tiny(2), batches(2, 1)
    scheduler = TaskScheduler(model, model.head_map())
    outputs = model(batch.x)
    losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
    with pytest.raises(InvalidInputError, match="come from one forward pass"):
        scheduler.backward(losses, shared_graph=False)
