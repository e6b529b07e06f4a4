"""Measurements against what can be worked out by other means; the model is left as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from simulations.training.measure import measure
from simulations.training.models import MultiTaskModel
from simulations.training.tasks import Examples, Task

ETA = 0.1


def squares(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return ((outputs - labels) ** 2).mean() / 2


@pytest.fixture
def quadratic() -> tuple[MultiTaskModel, list[Task]]:
    """A linear trunk of 3 weights, heads that pass it on: every loss is a quadratic."""
    generator = torch.Generator().manual_seed(5)
    trunk = nn.Linear(3, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        trunk.weight.copy_(torch.tensor([[0.5, -1.0, 2.0]]))
    model = MultiTaskModel(trunk, [nn.Identity() for _ in range(4)])
    tasks = []
    for k in range(4):
        inputs = torch.randn(40, 3, generator=generator, dtype=torch.float64)
        labels = torch.randn(40, 1, generator=generator, dtype=torch.float64)
        part = Examples(inputs, labels)
        tasks.append(Task(f"t{k}", "", part, part, 1, squares, lambda a, b: 0.0, "none", 0.0))
    return model, tasks


def streams(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(k) for k in range(count)]


def algebra(task: Task) -> tuple[np.ndarray, np.ndarray, float]:
    """H, b, c of w -> w' H w / 2 - b' w + c."""
    x, y = task.train.inputs.numpy(), task.train.labels.numpy()[:, 0]
    return x.T @ x / len(x), x.T @ y / len(x), float(y @ y) / (2 * len(x))


def test_against_the_quadratics_own_algebra(quadratic: tuple[MultiTaskModel, list[Task]]) -> None:
    model, tasks = quadratic
    colors = [0, 1, 0, 2]
    found = measure(model, tasks, colors, ETA, 8, 4, streams(4))
    w = np.array([0.5, -1.0, 2.0])
    parts = [algebra(task) for task in tasks]
    hessian = sum(h for h, _, _ in parts)

    def objective(x: np.ndarray) -> float:
        return float(sum(x @ h @ x / 2 - b @ x + c for h, b, c in parts))

    def group(x: np.ndarray, r: int) -> np.ndarray:
        mine = [p for p, color in zip(parts, colors, strict=True) if color == r]
        return np.sum([h @ x - b for h, b, _ in mine], axis=0)

    groups = np.stack([group(w, r) for r in range(3)])
    np.testing.assert_allclose(found.means, [h @ w - b for h, b, _ in parts], rtol=1e-12)
    np.testing.assert_allclose(found.cross, groups @ hessian @ groups.T, rtol=1e-10)
    assert found.objective == pytest.approx(objective(w), rel=1e-12)
    assert found.aggregated == pytest.approx(objective(w - ETA * groups.sum(axis=0)), rel=1e-12)
    x = w
    for r in range(3):
        step = group(x, r)
        gradient = np.sum([h @ x - b for h, b, _ in parts], axis=0)
        assert found.step_descent[r] == pytest.approx(gradient @ step, rel=1e-10)
        assert found.step_norm[r] == pytest.approx(float(np.linalg.norm(step)), rel=1e-12)
        x = x - ETA * step
    assert found.scheduled == pytest.approx(objective(x), rel=1e-12)
    own = [
        sum(p[0] for p, color in zip(parts, colors, strict=True) if color == r) for r in range(3)
    ]
    pulled = [[own[q] @ groups.sum(axis=0) @ groups[p] for p in range(3)] for q in range(3)]
    order = sum(pulled[q][p] for q in range(3) for p in range(q))
    assert found.order_slope == pytest.approx(order, rel=1e-10)
    phi = sum(pulled[q][p] for q in range(3) for p in range(3) if p != q)
    assert found.phi_slope == pytest.approx(phi, rel=1e-10)
    # What the two slopes are for: the difference is theirs up to eta^3.
    small = measure(model, tasks, colors, 1e-4, 8, 4, streams(4))
    assert (small.scheduled - small.aggregated) / 1e-8 == pytest.approx(order, rel=1e-3)
    top = float(np.linalg.eigvalsh(hessian)[-1])
    assert 0.98 * top <= found.smoothness <= top * (1 + 1e-9)
    for r in range(3):
        mine = sum(p[0] for p, color in zip(parts, colors, strict=True) if color == r)
        assert found.class_smoothness[r] <= np.linalg.eigvalsh(mine)[-1] * (1 + 1e-9)


def test_the_noise_is_the_sub_batches_own(quadratic: tuple[MultiTaskModel, list[Task]]) -> None:
    """Drawn again with the same stream, by hand."""
    model, tasks = quadratic
    found = measure(model, tasks, [0, 0, 0, 0], ETA, 8, 6, streams(4))
    generator = streams(4)[2]
    h, b, _ = algebra(tasks[2])
    w = np.array([0.5, -1.0, 2.0])
    errors = []
    for _ in range(6):
        x, y = tasks[2].train.batch(8, generator)
        a, t = x.numpy(), y.numpy()[:, 0]
        errors.append(a.T @ (a @ w - t) / 8 - (h @ w - b))
    covariance = np.cov(np.array(errors).T, bias=True) + np.outer(
        np.mean(errors, axis=0), np.mean(errors, axis=0)
    )
    assert found.noise_total[2] == pytest.approx(np.trace(covariance), rel=1e-10)
    assert found.noise_top[2] == pytest.approx(np.linalg.eigvalsh(covariance)[-1], rel=1e-10)


def test_the_model_is_left_as_it_was(quadratic: tuple[MultiTaskModel, list[Task]]) -> None:
    model, tasks = quadratic
    before = model.trunk.weight.detach().clone()
    measure(model, tasks, [0, 1, 2, 3], 0.37, 8, 4, streams(4))
    assert torch.equal(model.trunk.weight, before)
    assert model.trunk.weight.grad is None
