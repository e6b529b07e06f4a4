"""The report puts what was observed beside what was guaranteed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from songoku_theory.schedule import update_gaps
from songoku_theory.schedule.policies import available_policies
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import TaskScheduler

Config = SchedulerConfig


def run(config: Config, rows: torch.Tensor, steps: int) -> tuple[TaskScheduler, np.ndarray]:
    model = nn.Module()
    model.theta = nn.Parameter(torch.zeros(rows.shape[-1]))  # type: ignore[assignment]
    names = [f"t{k}" for k in range(config.num_tasks)]
    scheduler = TaskScheduler(model, dict.fromkeys(names, ()), config)
    active = np.zeros((steps, config.num_tasks), dtype=bool)
    for t in range(steps):
        now = rows if rows.ndim == 2 else rows[t]
        for group in scheduler.groups():
            active[t, [names.index(n) for n in group]] = True
            scheduler.add_gradients({n: now[names.index(n)] for n in scheduler.needed()})
        scheduler.step()
    return scheduler, active


@pytest.mark.parametrize("policy", available_policies())
def test_observed_gaps_are_those_of_the_run_and_within_the_guarantee(policy: str) -> None:
    config = Config(num_tasks=6, tau=0.0, beta=0.5, refresh_period=7, policy=policy)
    rows = torch.randn(45, 6, 4, generator=torch.Generator().manual_seed(2))
    scheduler, active = run(config, rows, 45)
    report, gaps = scheduler.staleness(), update_gaps(active)
    assert [t.longest_gap for t in report.tasks] == gaps.max_gap.tolist()
    assert [t.first_wait for t in report.tasks] == gaps.first_wait.tolist()
    assert [t.waiting for t in report.tasks] == gaps.last_wait.tolist()
    assert [t.turns for t in report.tasks] == gaps.counts.tolist()
    assert report.holds
    assert report.steps == 45
    assert all(t.guaranteed_now <= t.guaranteed_so_far for t in report.tasks)
    assert all(t.longest_gap <= t.guaranteed_always for t in report.tasks)
    assert report.policy == policy
    assert report.promise in str(report)


def test_a_starving_task_is_seen() -> None:
    """R = 2, three classes, restarted phase: nothing is promised, and class 2 waits for ever."""
    triangle = torch.tensor([[1.0, 0.0], [-0.5, 0.866], [-0.5, -0.866]])
    config = Config(num_tasks=3, tau=0.3, refresh_period=2, phase="restart")
    scheduler, _ = run(config, triangle, 20)
    starving = scheduler.staleness().tasks[2]
    assert starving.waiting == 18
    assert starving.guaranteed_so_far == np.inf
    assert "none" in str(scheduler.staleness())


def test_a_broken_promise_would_be_said() -> None:
    triangle = torch.tensor([[1.0, 0.0], [-0.5, 0.866], [-0.5, -0.866]])
    config = Config(num_tasks=3, tau=0.3, refresh_period=6, policy="oldest_first")
    scheduler, _ = run(config, triangle, 20)
    assert scheduler.staleness().holds
    scheduler._gaps.longest[1] = 9
    assert not scheduler.staleness().holds
    assert "EXCEEDED" in str(scheduler.staleness())
