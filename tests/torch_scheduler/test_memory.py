"""What each memory mode holds, and what a step costs at its peak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import (
    MemoryReport,
    TaskScheduler,
    TorchOptions,
    compare_memory,
    measure_peak,
)

Make = Callable[..., Any]
Config = SchedulerConfig
TASKS, WIDTH = 8, 200
DIM = 4 * WIDTH + WIDTH + WIDTH * WIDTH + WIDTH
VECTOR = 4 * DIM  # bytes


def test_the_report_counts_each_buffer_once_and_where_it_is(tiny: Make) -> None:
    found = {}
    for mode in ("full", "offload", "sketch"):
        model = tiny(TASKS, width=WIDTH)
        options = TorchOptions(memory=mode, sketch_size=100)  # type: ignore[arg-type]
        config = Config(num_tasks=TASKS)
        found[mode] = TaskScheduler(model, model.head_map(), config, options=options).memory()
    assert found["full"].device_bytes == (2 * TASKS + 1) * VECTOR
    assert found["full"].host_bytes == 0
    assert found["offload"].device_bytes == 2 * VECTOR
    assert found["offload"].host_bytes == 2 * TASKS * VECTOR
    blocks = -(-DIM // 100)
    expected = VECTOR + 4 * 100 * blocks + 2 * TASKS * 400 + 100 * blocks + 8 * blocks
    assert found["sketch"].device_bytes == expected
    assert sum(found["full"].parts.values()) == found["full"].device_bytes


def test_a_policy_without_a_graph_holds_one_vector(tiny: Make) -> None:
    model = tiny(TASKS, width=WIDTH)
    scheduler = TaskScheduler(model, model.head_map(), Config(num_tasks=TASKS, policy="all_tasks"))
    assert scheduler.memory().device_bytes == VECTOR


def test_static_lets_go_of_its_buffers_after_its_one_colouring(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model = tiny(3)
    config = Config(num_tasks=3, tau=0.0, refresh_period=2, policy="static")
    scheduler = TaskScheduler(model, model.head_map(), config)
    sizes = []
    for batch in batches(3, 5):
        outputs = model(batch.x)
        scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
        scheduler.step()
        sizes.append(scheduler.memory().device_bytes)
    assert sizes == [7 * 4 * 55] + [4 * 55] * 4


def test_modes_are_measured_beside_all_tasks_each_step(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    def make(config: Config, options: TorchOptions) -> tuple[Callable[[], object], MemoryReport]:
        model, (batch,) = tiny(TASKS, width=WIDTH), batches(TASKS, 1)
        scheduler = TaskScheduler(model, model.head_map(), config, options=options)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

        def step() -> None:
            outputs = model(batch.x)
            scheduler.backward({t: task_loss(outputs, batch, t) for t in scheduler.active()})
            optimizer.step()
            scheduler.step()

        return step, scheduler.memory()

    config = Config(num_tasks=TASKS, refresh_period=50)
    table = compare_memory(make, config, TorchOptions(sketch_size=256))
    rows = {row.mode: row for row in table.rows}
    assert list(rows) == ["all tasks", "full", "offload", "sketch"]
    assert rows["full"].device_bytes == (2 * TASKS + 1) * VECTOR
    assert rows["offload"].device_bytes < rows["full"].device_bytes / 5
    assert rows["sketch"].device_bytes < rows["full"].device_bytes / 4
    for row in rows.values():
        # One task's gradient passes at a time: a few vectors, however many tasks there are.
        assert 0 < row.peak_bytes < (6 if row.mode == "sketch" else 4) * VECTOR
    assert "all tasks" in str(table)
    assert "1.00x" in str(table)


def test_the_peak_of_a_call_is_followed_tensor_by_tensor() -> None:
    def work() -> torch.Tensor:
        a = torch.zeros(1000)  # 4000
        b = a + 1  # 8000
        del a
        c = b.view(10, 100)  # shares its memory
        d = c * 2  # 8000 again
        return d.sum()  # 4 more

    assert measure_peak(work) == 8004
    assert measure_peak(lambda: None) == 0
