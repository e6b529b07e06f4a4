"""The scheduler's own work: one step in the long run, and a refresh of many tasks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from timing import Pair, Row
from torch import Tensor, nn

from songoku_theory import scheduler as core
from songoku_theory.torch_scheduler import TaskScheduler, VectorScheduler
from songoku_theory.torch_scheduler.graph import measure_graph

__all__ = ["ROWS"]

NUM_TASKS, DIM, PERIOD, TAU, BETA = 40, 1024, 32, 0.1, 0.9


def _gradients(groups: int, seed: int) -> Tensor:
    """Pre-generated gradients (PERIOD, K, d): groups that pull apart, or (one) plain noise."""
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((PERIOD, NUM_TASKS, DIM)) / np.sqrt(DIM)
    if groups > 1:
        gram = 1.2 * np.eye(groups) - 0.2  # unit vectors with cosines of -0.2
        basis = np.linalg.qr(rng.standard_normal((DIM, groups)))[0]
        centres = np.linalg.cholesky(gram + 1e-9 * np.eye(groups)) @ basis.T
        draws += 3.0 * np.repeat(centres, NUM_TASKS // groups, axis=0)
    return torch.tensor(draws, dtype=torch.float32)


def _sums(gradients: Tensor) -> Callable[[], object]:
    rows = list(gradients)

    def theirs() -> None:
        for step in rows:
            step.sum(0)

    return theirs


def _vectors(groups: int, tau: float) -> Callable[[], Pair]:
    """Lines 6 and 16 to 26 on tensors that are there already, every decision among them."""

    def prepare() -> Pair:
        gradients = _gradients(groups, 0)
        rows = list(gradients)
        config = core.SchedulerConfig(
            num_tasks=NUM_TASKS, tau=tau, beta=BETA, refresh_period=PERIOD
        )
        scheduler = VectorScheduler(config, DIM)

        def ours() -> None:
            for step in rows:
                scheduler.step(step)

        def note() -> str:
            classes = scheduler.state.schedule.period
            return f"{classes} classes; {PERIOD} steps and one refresh a call"

        return Pair(ours, _sums(gradients), note)

    return prepare


def _whole(groups: int) -> Callable[[], Pair]:
    """The same through ``TaskScheduler``, with all of its checks and records."""

    def prepare() -> Pair:
        gradients = _gradients(groups, 0)
        shared = nn.Linear(DIM, 1, bias=False)
        heads = {f"task{k}": () for k in range(NUM_TASKS)}
        config = core.SchedulerConfig(
            num_tasks=NUM_TASKS, tau=TAU, beta=BETA, refresh_period=PERIOD
        )
        scheduler = TaskScheduler(nn.ModuleList([shared]), heads=heads, config=config)
        by_name = [dict(zip(heads, step, strict=True)) for step in gradients]

        def ours() -> None:
            for given in by_name:
                scheduler.add_gradients({task: given[task] for task in scheduler.active()})
                scheduler.step()

        def note() -> str:
            return f"{len(scheduler.classes())} classes; {PERIOD} steps and one refresh a call"

        return Pair(ours, _sums(gradients), note)

    return prepare


def _refresh(num_tasks: int, dim: int, noise: bool = False) -> Callable[[], Pair]:
    """Products, graph, colouring and schedule, all of lines 22 to 26.

    The averages lie near 16 common directions, so that cosines spread as those of related tasks
    do, or (`noise`) are nothing but noise: all cosines then crowd around the threshold, and the
    pairs within rounding of it are decided again in float64.
    """

    def prepare() -> Pair:
        draw = torch.Generator().manual_seed(0)
        averages = torch.randn(num_tasks, dim, generator=draw)
        tau = 1.3 / dim**0.5
        if not noise:
            common = torch.randn(num_tasks, 16, generator=draw)
            averages = common @ torch.randn(16, dim, generator=draw) + averages
            tau = 0.3
        config = core.SchedulerConfig(num_tasks=num_tasks, tau=tau, refresh_period=num_tasks)
        start = core.init(config)
        scale = np.ones(num_tasks)

        def ours() -> core.SchedulerState:
            return core.adopt_graph(config, start, measure_graph(averages, tau, 0.0, scale).graph)

        def note() -> str:
            state = ours()
            assert state.graph is not None
            density = float(state.graph.adjacency.mean())
            again = measure_graph(averages, tau, 0.0, scale).rechecked
            return f"density {density:.2f}, {state.schedule.period} classes, {again} rechecked"

        return Pair(ours, lambda: averages @ averages.T, note)

    return prepare


STEP = f"SON-GOKU step, amortised, R={PERIOD} K={NUM_TASKS} d={DIM}"
ROWS = (
    Row(
        "step",
        f"{STEP}, 5 groups: VectorScheduler",
        "torch G.sum(0)",
        "at most",
        1.0,
        _vectors(5, TAU),
    ),
    Row(
        "step-noise",
        f"{STEP}, no conflicts (all tasks run): VectorScheduler",
        "torch G.sum(0)",
        "at most",
        1.0,
        _vectors(1, 2 * TAU),
    ),
    Row(
        "step-whole",
        f"{STEP}, 5 groups: TaskScheduler",
        "torch G.sum(0)",
        "at most",
        1.0,
        _whole(5),
    ),
    *(
        Row(
            f"refresh-{k}-{d}",
            f"refresh, K={k} d={d}, graph to schedule",
            "torch M @ M.T",
            "at most",
            0.6,
            _refresh(k, d),
        )
        for k, d in ((1024, 1024), (1024, 8192), (2048, 8192))
    ),
    Row(
        "refresh-noise",
        "refresh, K=1024 d=8192, of nothing but noise",
        "torch M @ M.T",
        "at most",
        None,
        _refresh(1024, 8192, noise=True),
    ),
)
