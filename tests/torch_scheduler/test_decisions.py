"""The torch scheduler takes the pure core's decisions, step by step."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from songoku_theory import scheduler as core
from songoku_theory.annealing import AnnealConfig
from songoku_theory.conflict import interference
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule.policies import RandomGroups, get_policy
from songoku_theory.torch_scheduler import TaskScheduler, TorchOptions
from songoku_theory.torch_scheduler.options import Memory

Vectors = NDArray[np.float64]


class Directions(nn.Module):
    """One shared vector, so that the loss ``theta . g`` has any gradient g that is wanted."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(dim))


def scheduler_for(
    config: core.SchedulerConfig, dim: int, options: TorchOptions | None = None
) -> tuple[TaskScheduler, Directions]:
    model = Directions(dim)
    heads = {f"t{k}": () for k in range(config.num_tasks)}
    return TaskScheduler(model, heads, config, options=options), model


def random_config(rng: np.random.Generator) -> core.SchedulerConfig:
    tasks = int(rng.integers(1, 8))
    policy: Any = rng.choice(
        ["cycle", "cycle", "cycle", "oldest_first", "static", "single_step", "all_tasks",
         "random_groups", "fixed_groups", "round_robin", "sequential"]
    )  # fmt: skip
    if policy == "fixed_groups":
        policy = RandomGroups(int(rng.integers(1, tasks + 1)), seed=3)
    elif policy == "random_groups":
        policy = RandomGroups(seed=int(rng.integers(9)))
    kind = get_policy(policy if not isinstance(policy, str) else str(policy))
    settings: dict[str, Any] = {"policy": kind}
    if "phase" in kind.options:
        settings["phase"] = str(rng.choice(["global", "restart", "carried"]))
        settings["short_window"] = str(rng.choice(["truncate", "extend"]))
    if "min_coverage" in kind.options and rng.random() < 0.3:
        settings["min_coverage"] = 0.5
        settings["coverage_eligible"] = str(rng.choice(["all", "singletons"]))
    if kind.needs_graph:
        settings["probe"] = str(rng.choice(["none", "none", "required"]))
    if rng.random() < 0.3:
        settings["anneal"] = AnnealConfig(float(rng.choice([0.0, 0.25])), 3, 5)
    observe = str(rng.choice(["active", "active", "all"]))
    if settings.get("probe") == "required" and rng.random() < 0.4:
        observe = "none"
    excluded = str(rng.choice(["first_class", "own_class", "skip"]))
    if excluded == "skip" and observe == "active" and settings.get("probe", "none") == "none":
        excluded = "first_class"
    return core.SchedulerConfig(
        num_tasks=tasks,
        tau=float(rng.choice([0.0, 0.1, 0.25, 0.5, 0.6, 0.9])),
        beta=0.5,
        refresh_period=int(rng.integers(1, 6)),
        ema=str(rng.choice(["carried", "windowed"])),  # type: ignore[arg-type]
        ema_at_refresh=str(rng.choice(["carry", "reset"])),  # type: ignore[arg-type]
        observe_tasks=observe,  # type: ignore[arg-type]
        excluded=excluded,  # type: ignore[arg-type]
        norm_floor=float(rng.choice([0.0, 0.0, 0.3])),
        **settings,
    )


def compare_run(
    config: core.SchedulerConfig, gradients: Vectors, samples: NDArray[np.bool_]
) -> int:
    """Drive both on gradients (T, K, d), `samples` (T, K) says who has any; count refreshes."""
    state = core.init(config)
    torch_side, _ = scheduler_for(config, gradients.shape[2])
    names = torch_side.tasks
    refreshes = 0
    for t, rows in enumerate(gradients):
        expected = core.groups(config, state)
        probes = core.needs_probe(config, state)
        assert torch_side.needs_probe == probes
        everyone = core.active(config, state)
        needs = core.needs_gradients(config, state)
        seen = range(config.num_tasks) if config.observe_tasks == "all" and needs else everyone
        missing = [k for k in seen if not samples[t, k]]
        state = core.observe(
            config,
            state,
            {k: rows[k] for k in seen if samples[t, k]} if needs else {},
            missing,
        )
        found = []
        for group in torch_side.groups():
            found.append(tuple(names.index(n) for n in group))
            torch_side.add_gradients(
                {
                    n: torch.tensor(rows[names.index(n)], dtype=torch.float32)
                    if samples[t, names.index(n)]
                    else None
                    for n in torch_side.needed()
                }
            )
        assert tuple(found) == expected, f"step {t}"

        def probe(name: str, rows: Vectors = rows) -> Tensor:
            theta = torch_side._parts.shared.parameters[0]
            return (theta * torch.tensor(rows[names.index(name)], dtype=torch.float32)).sum()

        due = core.needs_refresh(config, state)
        if due:
            try:
                state = core.refresh(config, state, rows if probes else None)
            except InvalidInputError as error:  # nobody is left to run
                with pytest.raises(InvalidInputError, match=re.escape(str(error))):
                    torch_side.step(probe if config.probe == "required" else None)
                return refreshes
            refreshes += 1
        assert torch_side.step(probe if config.probe == "required" else None) == due
        assert torch_side.state.schedule == state.schedule
        assert torch_side.state.last_updated.tolist() == state.last_updated.tolist()
        assert torch_side.state.weight_sum.tolist() == state.weight_sum.tolist()
        if due and state.graph is not None:
            assert torch_side.graph is not None
            assert (torch_side.graph.adjacency == state.graph.adjacency).all()
            assert (torch_side.graph.included == state.graph.included).all()
            assert torch_side.graph.tau == state.graph.tau
    return refreshes


@pytest.mark.parametrize("block", range(8))
def test_same_classes_step_by_step_on_random_runs(block: int) -> None:
    """2,000 runs over all policies and options.

    Gradients are small whole numbers and beta is 1/2, so the float32 averages are those of the
    float64 core to the last bit, and pairs exactly at the threshold occur and must agree too.
    """
    refreshes = 0
    for run in range(250):
        rng = np.random.default_rng([block, run])
        config = random_config(rng)
        steps, dim = int(rng.integers(4, 10)), int(rng.integers(1, 5))
        gradients = rng.integers(-3, 4, size=(steps, config.num_tasks, dim)).astype(float)
        samples = rng.random((steps, config.num_tasks)) < (1.0 if rng.random() < 0.5 else 0.8)
        samples[: int(rng.integers(0, 4))] &= rng.random() < 0.9  # maybe none at all at first
        refreshes += compare_run(config, gradients, samples)
    assert refreshes > 100


def test_ties_occur_in_such_runs() -> None:
    """Otherwise the differential test would say nothing about the tie rule."""
    rng = np.random.default_rng(0)
    ties = 0
    for _ in range(2000):
        rho = interference(rng.integers(-3, 4, size=(4, 2)).astype(float))
        ties += int((np.abs(rho[np.triu_indices(4, 1)] - 0.6) < 1e-12).sum())
    assert ties > 20


def test_same_classes_with_ordinary_floats_unless_a_pair_is_within_rounding() -> None:
    """150 runs with normal gradients: where classes differ, a cosine is within 1e-5 of tau."""
    for run in range(150):
        rng = np.random.default_rng([99, run])
        config = core.SchedulerConfig(
            num_tasks=int(rng.integers(2, 8)), tau=0.2, beta=0.8, refresh_period=3
        )
        state, (torch_side, _) = core.init(config), scheduler_for(config, 6)
        for rows in rng.normal(size=(10, config.num_tasks, 6)):
            active = core.active(config, state)
            given = {
                torch_side.tasks[k]: torch.tensor(rows[k], dtype=torch.float32) for k in active
            }
            assert torch_side.active() == tuple(given)
            torch_side.add_gradients(given)
            torch_side.step()
            observed = core.observe(config, state, {k: rows[k] for k in active})
            if core.needs_refresh(config, observed):
                rho = interference(core.smoothed_gradients(config, observed))
                observed = core.refresh(config, observed)
                if torch_side.state.schedule != observed.schedule:
                    assert np.abs(rho[np.triu_indices(len(rho), 1)] - 0.2).min() < 1e-5
                    break
            state = observed


def test_gradients_of_losses_lead_to_the_same_decisions() -> None:
    """The same through autograd: the loss ``theta . g`` of each active task."""
    for run in range(40):
        rng = np.random.default_rng([7, run])
        config = random_config(rng)
        observe = "active" if config.observe_tasks == "none" else config.observe_tasks
        config = replace(config, probe="none", excluded="first_class", observe_tasks=observe)
        torch_side, model = scheduler_for(config, 3)
        other, _ = scheduler_for(config, 3)
        for _ in range(8):
            rows = torch.tensor(rng.integers(-3, 4, size=(config.num_tasks, 3)))
            for group, same in zip(torch_side.groups(), other.groups(), strict=True):
                assert group == same
                index = {n: torch_side.tasks.index(n) for n in torch_side.needed()}
                torch_side.backward({n: (model.theta * rows[k]).sum() for n, k in index.items()})
                total = model.theta.grad
                chosen = [rows[torch_side.tasks.index(n)] for n in group]
                assert total is not None
                assert torch.equal(total, torch.stack(chosen).sum(0).float())
                other.add_gradients({n: rows[k].float() for n, k in index.items()})
            assert torch_side.step() == other.step()
            assert torch_side.classes() == other.classes()


@pytest.mark.parametrize("memory", ["full", "offload"])
def test_where_the_buffers_are_kept_changes_no_decision(memory: Memory) -> None:
    rng = np.random.default_rng(5)
    config = core.SchedulerConfig(num_tasks=6, tau=0.1, beta=0.5, refresh_period=2)
    plain, _ = scheduler_for(config, 4)
    other, _ = scheduler_for(config, 4, TorchOptions(memory=memory))
    for rows in rng.integers(-3, 4, size=(30, 6, 4)):
        assert plain.active() == other.active()
        for side in (plain, other):
            side.add_gradients(
                {n: torch.tensor(rows[side.tasks.index(n)]).float() for n in side.active()}
            )
            side.step()


def test_the_debiased_rule_is_the_core_s() -> None:
    for run in range(30):
        rng = np.random.default_rng([11, run])
        config = core.SchedulerConfig(
            num_tasks=5, tau=0.2, beta=0.5, refresh_period=4, cosine="debiased",
            ema=("carried", "windowed")[run % 2], observe_tasks=("active", "all")[run // 2 % 2],
        )  # fmt: skip
        refreshes = compare_run(
            config,
            rng.integers(-3, 4, size=(13, 5, 3)).astype(float),
            np.ones((13, 5), dtype=np.bool_),
        )
        assert refreshes == 13 // config.refresh_period
