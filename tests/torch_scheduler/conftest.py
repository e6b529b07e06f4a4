"""A small model with a trunk and heads, and one thread so that tiny operations don't stall."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Tiny(nn.Module):
    """A shared trunk and one linear head a task."""

    def __init__(self, tasks: int, seed: int = 0, width: int = 5, inputs: int = 4) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.trunk = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width))
        self.heads = nn.ModuleDict({f"t{k}": nn.Linear(width, 1) for k in range(tasks)})
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(torch.randn(p.shape, generator=generator) * 0.5)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.trunk(x)
        return {name: head(features).squeeze(-1) for name, head in self.heads.items()}

    def head_map(self) -> dict[str, nn.Module]:
        return dict(self.heads.items())


@dataclass(frozen=True)
class Batch:
    x: Tensor
    y: dict[str, Tensor]


def make_batches(tasks: int, steps: int, seed: int = 1, size: int = 8) -> list[Batch]:
    """Regression targets that pull in different directions."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(tasks, 4, generator=generator)
    batches = []
    for _ in range(steps):
        x = torch.randn(size, 4, generator=generator)
        batches.append(Batch(x, {f"t{k}": x @ weights[k] for k in range(tasks)}))
    return batches


def loss_of(outputs: dict[str, Tensor], batch: Batch, task: str) -> Tensor:
    return nn.functional.mse_loss(outputs[task], batch.y[task])


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Tiny]:
    return Tiny


@pytest.fixture(scope="session")
def batches() -> Callable[..., list[Batch]]:
    return make_batches


@pytest.fixture(scope="session")
def task_loss() -> Callable[[dict[str, Tensor], Batch, str], Tensor]:
    return loss_of
