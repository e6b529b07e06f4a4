"""observe_tasks="none": a backward pass a class, and a probe of every task at a refresh."""

from __future__ import annotations

import pytest
import torch

from songoku_theory import scheduler as core
from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import TaskScheduler


@pytest.mark.parametrize("beta", [0.0, 0.6])
def test_classes_come_from_probes_and_updates_from_one_pass(
    tiny, batches, task_loss, monkeypatch, beta
):
    """Against the plain sum, step by step; 12 steps, refreshes after the 4th, 8th and 12th."""
    config = SchedulerConfig(
        num_tasks=4, tau=0.05, beta=beta, refresh_period=4, observe_tasks="none", probe="required"
    )
    model, other = tiny(4), tiny(4)
    scheduler = TaskScheduler(model, model.head_map(), config)
    optimizer, plain = (torch.optim.SGD(m.parameters(), lr=0.05) for m in (model, other))
    state, passes, walks = core.init(config), [], torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, **k: passes.append(1) or walks(*a, **k))
    several = 0
    for step, batch in enumerate(batches(4, 12)):
        active = scheduler.active()
        assert active == scheduler.needed()
        assert active == tuple(f"t{k}" for k in core.active(config, state))
        several += 1 < len(active) < 4
        outputs = model(batch.x)
        scheduler.backward({t: task_loss(outputs, batch, t) for t in active})
        assert len(passes) == 1
        optimizer.step()

        plain.zero_grad()
        found = other(batch.x)
        sum(task_loss(found, batch, t) for t in active).backward()
        plain.step()
        for a, b in zip(model.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)

        state = core.observe(config, state, {})
        due = core.needs_refresh(config, state)
        assert due == (step in (3, 7, 11))
        if due:
            now = model(batch.x)
            rows = [
                torch.cat([g.reshape(-1) for g in walks(
                    task_loss(now, batch, f"t{k}"), scheduler.shared_parameters,
                    retain_graph=True)])
                for k in range(4)
            ]  # fmt: skip
            state = core.refresh(config, state, torch.stack(rows).numpy())
        probe = (lambda t, batch=batch: task_loss(model(batch.x), batch, t)) if due else None
        assert scheduler.step(probe) == due
        assert len(passes) == 1 + 4 * due
        passes.clear()
        assert scheduler.classes() == tuple(
            tuple(f"t{k}" for k in slot) for slot in state.schedule.slots
        )
    assert several > 2


def test_a_task_without_a_sample_is_not_counted_as_updated():
    config = SchedulerConfig(
        num_tasks=3, refresh_period=5, observe_tasks="none", probe="required", tau=0.1
    )
    state = core.observe(config, core.init(config), {}, missing=[1])
    assert state.last_updated.tolist() == [0, -1, 0]
    with pytest.raises(InvalidInputError, match=r"expects the gradients of tasks \[\]"):
        core.observe(config, state, {0: [1.0]})
    assert core.observed_tasks(config, state) == ()
    assert not core.needs_gradients(config, state)
    assert core.needs_averages(config, state)


def test_without_probes_there_would_be_nothing_to_compare():
    with pytest.raises(InvalidInputError, match="set probe='required'"):
        SchedulerConfig(num_tasks=3, observe_tasks="none")
    config = SchedulerConfig(num_tasks=3, observe_tasks="none", probe="required")
    with pytest.raises(InvalidInputError, match="no window can be planned"):
        core.with_n_eff(config, 10)
