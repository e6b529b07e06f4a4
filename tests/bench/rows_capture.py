"""Per-task gradients of a shared ResNet-18, one backward pass a task."""

from __future__ import annotations

import torch
from timing import Pair, Row
from torch import Tensor, nn

from songoku_theory.torch_scheduler import TaskScheduler

__all__ = ["ROWS"]

NUM_TASKS, BATCH, SIDE = 4, 4, 32


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, wide: int, out: int, stride: int) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(wide, out, 3, stride, 1), nn.Conv2d(out, out, 3, 1, 1)
        self.norm_one, self.norm_two = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        same = stride == 1 and wide == out
        self.shortcut = nn.Identity() if same else nn.Conv2d(wide, out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.norm_one(self.one(x)))
        return torch.relu(self.norm_two(self.two(inner)) + self.shortcut(x))


def resnet18() -> nn.Sequential:
    """ResNet-18 for small images; 512 features, 11 million parameters."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1), nn.BatchNorm2d(64), nn.ReLU()]
    wide = 64
    for out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(wide, out, stride), Block(out, out, 1)]
        wide = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _prepare() -> Pair:
    from torchjd.aggregation import Sum
    from torchjd.autojac import jac_to_grad, mtl_backward

    torch.manual_seed(0)
    trunk, heads = resnet18(), [nn.Linear(512, 1) for _ in range(NUM_TASKS)]
    model = nn.ModuleList([trunk, *heads])
    names = [f"task{k}" for k in range(NUM_TASKS)]
    scheduler = TaskScheduler(model, heads=dict(zip(names, heads, strict=True)))
    images, targets = torch.randn(BATCH, 3, SIDE, SIDE), torch.randn(NUM_TASKS, BATCH, 1)
    shared, add_up = list(trunk.parameters()), Sum()
    features = torch.empty(0)
    losses: list[Tensor] = []
    begun = False

    def forward() -> None:
        """Off the clock, the same for both."""
        nonlocal features, losses, begun
        if begun:
            scheduler.step()
            begun = False
        for p in model.parameters():
            p.grad = None
        features = trunk(images)
        losses = [(h(features) - y).square().mean() for h, y in zip(heads, targets, strict=True)]

    def ours() -> None:
        nonlocal begun
        begun = True
        scheduler.backward(dict(zip(names, losses, strict=True)))

    def theirs() -> None:
        mtl_backward(losses, features, parallel_chunk_size=1)
        jac_to_grad(shared, add_up)

    def note() -> str:
        updates = []
        trunk.eval()  # the same statistics in both forward passes
        for run in (ours, theirs):
            forward()
            run()
            updates.append(torch.cat([p.grad.flatten() for p in shared if p.grad is not None]))
        difference = float((updates[0] - updates[1]).norm() / updates[1].norm())
        return f"K={NUM_TASKS}, batch {BATCH}; updates agree to {difference:.0e}"

    return Pair(ours, theirs, note, reset=forward)


ROWS = (
    Row(
        "capture",
        "per-task gradients and their sum, ResNet-18",
        "TorchJD, one task at a time",
        "at most",
        1.05,
        _prepare,
    ),
)
