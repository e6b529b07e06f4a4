"""The random projection: the same on every device, unbiased, and linear."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from songoku_theory.ema import ema
from songoku_theory.errors import InvalidInputError
from songoku_theory.linalg import cosines, gram
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.sketch import GaussianProjection, RandomProjection, sketch_size
from songoku_theory.torch_scheduler import TaskScheduler, TorchOptions
from songoku_theory.torch_scheduler.projection import DeviceProjection


@pytest.mark.parametrize(("dim", "size"), [(1, 1), (10, 3), (7, 20), (1000, 64), (64, 64)])
def test_the_device_projects_as_the_reference_does(dim: int, size: int) -> None:
    projection = RandomProjection(dim, size, seed=4)
    vector = np.random.default_rng(dim).normal(size=dim)
    padded = torch.zeros(projection.blocks * size, dtype=torch.float64)
    padded[:dim] = torch.tensor(vector)
    found = DeviceProjection(projection, torch.device("cpu"))(padded)
    np.testing.assert_allclose(found.numpy(), projection.project(vector), atol=1e-12)


def test_the_projection_is_a_function_of_its_numbers_alone() -> None:
    vector = np.arange(50.0)
    first = RandomProjection(50, 8, seed=1).project(vector)
    assert (first == RandomProjection(50, 8, seed=1).project(vector)).all()
    assert (first != RandomProjection(50, 8, seed=2).project(vector)).any()


def test_it_is_linear_so_it_commutes_with_the_average() -> None:
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 3, 40))
    projection = RandomProjection(40, 8, seed=2)
    sketched = np.stack([projection.project(step) for step in gradients])
    np.testing.assert_allclose(
        ema(sketched, 0.7), projection.project(ema(gradients, 0.7)), atol=1e-12
    )


@pytest.mark.parametrize("kind", [RandomProjection, GaussianProjection])
def test_inner_products_are_unbiased_with_the_stated_variance(
    kind: type[RandomProjection] | type[GaussianProjection],
) -> None:
    """n = 3,000 seeds; the mean within 5 standard errors (alpha < 1e-6) of the exact value."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 60))
    y += 0.5 * x
    products = np.asarray(
        [np.prod(kind(60, 12, seed=s).project(np.stack([x, y])), axis=0).sum() for s in range(3000)]
    )
    exact = x @ y
    assert abs(products.mean() - exact) < 5 * products.std() / np.sqrt(products.size)
    bound = ((x @ x) * (y @ y) + exact**2) / 12
    assert products.var() < 1.15 * bound


def test_structured_vectors_collide_no_more_than_others() -> None:
    """Energy on every r-th coordinate: without turning the blocks, all of it would meet.

    n = 1,000 seeds; the variance is compared with 1.3 times its bound.
    """
    size, dim = 16, 16 * 20
    x, y = np.zeros(dim), np.zeros(dim)
    x[::size] = 1.0
    y[::size] = np.where(np.arange(20) % 2, 1.0, -1.0)
    products = [
        float(np.prod(RandomProjection(dim, size, s).project(np.stack([x, y])), axis=0).sum())
        for s in range(1000)
    ]
    assert np.var(products) < 1.3 * (20 * 20 + 0) / size


def test_the_size_of_the_union_bound_keeps_every_cosine() -> None:
    """6 seeds, 12 vectors in dimension 2,000: every cosine within epsilon, as promised."""
    epsilon = 0.5
    size = sketch_size(epsilon, num_tasks=12)
    vectors = np.random.default_rng(3).normal(size=(12, 2000))
    exact = cosines(gram(vectors)).values
    for seed in range(6):
        for kind in (GaussianProjection(2000, 500, seed), RandomProjection(2000, size, seed)):
            found = cosines(gram(kind.project(vectors))).values
            assert np.abs(found - exact).max() < epsilon
    assert sketch_size(0.2, 12) > sketch_size(0.4, 12)


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="size"):
        RandomProjection(5, 0)
    with pytest.raises(InvalidInputError, match="epsilon"):
        sketch_size(1.5, 3)
    with pytest.raises(InvalidInputError, match=r"dimension 5, shape \(5,\)"):
        RandomProjection(5, 3).project(np.zeros(4))


def test_sketched_decisions_are_the_exact_ones_when_the_margin_is_wide() -> None:
    """Two groups at cosine -1 up to small noise: the classes agree at every one of 40 steps."""
    model = nn.Module()
    model.theta = nn.Parameter(torch.zeros(2000))  # type: ignore[assignment]
    config = SchedulerConfig(num_tasks=6, tau=0.3, beta=0.5, refresh_period=4)
    sides = [
        TaskScheduler(
            model, {f"t{k}": () for k in range(6)}, config,
            options=TorchOptions(memory=memory, sketch_size=512),
        )
        for memory in ("full", "sketch")
    ]  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn(2000, generator=generator)
    for _ in range(40):
        noise = torch.randn(6, 2000, generator=generator) * 0.1
        rows = {f"t{k}": direction * (-1) ** k + noise[k] for k in range(6)}
        assert sides[0].active() == sides[1].active()
        for side in sides:
            side.add_gradients({t: rows[t] for t in side.active()})
            side.step()
    assert sides[1].classes() == (("t0", "t2", "t4"), ("t1", "t3", "t5"))
