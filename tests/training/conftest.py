"""Small runs that the tests of training share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from simulations.training.loop import Streams
from simulations.training.models import MultiTaskModel, build_mlp
from simulations.training.options import TraceOptions
from simulations.training.tasks import Examples, Task, classification

SMALL = TraceOptions(steps=45, refresh_period=10, width=5, batch_size=16, tau=0.05, lr=0.2)


@pytest.fixture
def small_options() -> TraceOptions:
    """A digits run of 45 steps: four refreshes and a last window cut short."""
    return SMALL


@pytest.fixture(scope="session")
def small_rows() -> list[dict[str, object]]:
    """The rows of that run."""
    from simulations.training.traced import traced_run

    return list(traced_run(SMALL, np.random.SeedSequence(7)))


def _made_up_tasks(count: int, seed: int = 0) -> tuple[Task, ...]:
    generator = torch.Generator().manual_seed(seed)
    tasks = []
    for index in range(count):
        inputs = torch.randn(40, 3, generator=generator)
        labels = torch.randint(2, (40,), generator=generator)
        examples = Examples(inputs, labels)
        tasks.append(classification(f"task{index}", "made up", examples, examples, 2))
    return tuple(tasks)


@pytest.fixture
def made_up_tasks():
    """A function (count) -> tasks with three inputs and two classes."""
    return _made_up_tasks


@pytest.fixture
def small_model():
    """A function (tasks) -> a small network for them, always with the same weights."""

    def build(tasks: Sequence[Task]) -> MultiTaskModel:
        return build_mlp(
            tasks[0].train.inputs.shape[1],
            4,
            [task.num_outputs for task in tasks],
            torch.Generator().manual_seed(1),
        )

    return build


@pytest.fixture
def streams():
    """A function (count) -> fresh streams of sub-batches, always the same."""

    def build(count: int) -> Streams:
        return Streams(
            [torch.Generator().manual_seed(100 + k) for k in range(count)],
            [torch.Generator().manual_seed(200 + k) for k in range(count)],
        )

    return build
