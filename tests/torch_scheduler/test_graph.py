"""The graph measured on a device is the exact one, at every scale and at ties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from songoku_theory.conflict import conflict_graph, exceeds_threshold
from songoku_theory.torch_scheduler import gram
from songoku_theory.torch_scheduler.gram import gram64, row_products
from songoku_theory.torch_scheduler.graph import Measured, measure_graph

Matrix = NDArray[np.float64]


def measure(rows: Matrix, tau: float, floor: float = 0.0, dtype: torch.dtype = torch.float32,
            scale: NDArray[np.float64] | None = None) -> Measured:  # fmt: skip
    factors = np.ones(len(rows)) if scale is None else scale
    return measure_graph(torch.tensor(rows, dtype=dtype), tau, floor, factors)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (7, 50), (5, 5000), (40, 3000), (300, 40)])
def test_the_graph_is_that_of_the_core(shape: tuple[int, int], dtype: torch.dtype) -> None:
    rng = np.random.default_rng(shape[0])
    for tau in (0.0, 0.02, 0.3, 1.0):
        rows = rng.normal(size=shape).astype(np.float32).astype(np.float64)
        expected, found = conflict_graph(rows, tau), measure(rows, tau, dtype=dtype).graph
        assert (found.adjacency == expected.adjacency).all()
        assert (found.included == expected.included).all()
        assert found.tau == tau


def test_pairs_exactly_at_the_threshold_are_no_edges_and_one_bit_beside_it_counts() -> None:
    """3-4-5 triangles: cosine -0.6 up to the rounding of tau = 0.6, which lies below 3/5."""
    rows = np.asarray([[5.0, 0.0], [-3.0, 4.0], [-3.0, -4.0], [-3.0 + 2**-22, 4.0]])
    for tau in (0.6, np.nextafter(0.6, 1), 0.5, 0.75):
        found = measure(rows, float(tau))
        for i in range(4):
            for j in range(i):
                expected = exceeds_threshold(rows[i], rows[j], float(tau))
                assert found.graph.adjacency[i, j] == expected
    assert measure(rows, 0.6).exact > 0
    half = np.asarray([[1.0, 0.0, 0.0, 0.0], [-1.0, 1.0, 1.0, 1.0]])  # cosine exactly -1/2
    assert measure(half, 0.5).graph.edges() == ()
    assert measure(half, float(np.nextafter(0.5, 0))).graph.edges() == ((0, 1),)


@pytest.mark.parametrize("exponent", [-38, -25, -12, 0, 12, 18, 30])
def test_the_graph_does_not_depend_on_the_scale(exponent: int) -> None:
    """float32 products underflow below 1e-22 and overflow above 1e19; the answer doesn't."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(9, 300)).astype(np.float32)
    scaled = rows * np.float32(10.0) ** np.float32(exponent)
    mixed = rows.copy()
    mixed[::2] *= np.float32(10.0) ** np.float32(exponent)
    for matrix in (scaled, mixed):
        wide = matrix.astype(np.float64)
        for tau in (0.0, 0.05):
            expected = conflict_graph(wide, tau)
            found = measure(wide, tau).graph
            assert (found.adjacency == expected.adjacency).all()
            assert (found.included == expected.included).all()


def test_zero_rows_duplicates_and_opposites() -> None:
    rows = np.asarray([[0.0, 0.0], [1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [-3.0, -6.0]])
    for tau in (0.0, 0.5, 1.0):
        expected, found = conflict_graph(rows, tau), measure(rows, tau).graph
        assert (found.adjacency == expected.adjacency).all()
        assert found.included.tolist() == [False, True, True, True, True]


def test_rows_without_overlap_are_decided_without_exact_arithmetic() -> None:
    """At tau = 0 every such pair is a tie, of which there may be very many and very long."""
    rows = np.zeros((6, 600))
    for k in range(6):
        rows[k, 100 * k : 100 * (k + 1)] = np.random.default_rng(k).normal(size=100)
    found = measure(rows, 0.0)
    assert found.graph.edges() == ()
    assert found.rechecked == 15
    assert found.exact == 0


def test_the_norm_floor_and_the_scale_are_applied() -> None:
    rows = np.asarray([[3.0, 4.0], [-3.0, -4.0], [0.3, 0.4]])
    assert measure(rows, 0.1, floor=5.0).graph.included.tolist() == [True, True, False]
    scale = np.asarray([1.0, 0.0, 10.0])
    found = measure(rows, 0.1, floor=5.0, scale=scale).graph
    assert found.included.tolist() == [True, False, True]
    assert found.edges() == ()


@pytest.mark.parametrize("shape", [(3, 10), (40, 5000), (300, 5000)])
def test_products_are_within_their_stated_rounding(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    rows = torch.tensor(rng.normal(size=shape) * rng.exponential(size=(shape[0], 1)))
    single = rows.float()
    found, exact = row_products(single), gram64(single)
    norms = exact.diagonal().sqrt()
    error = ((found.values - exact).abs() / norms[:, None] / norms[None, :]).max()
    assert float(error) <= found.rounding
    assert torch.equal(found.values, found.values.T)
    assert found.rounding < 1e-3
    reference = single.numpy().astype(np.float64)
    np.testing.assert_allclose(exact.numpy(), reference @ reference.T, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 10), (40, 5000), (130, 40_000), (129, 2048)])
def test_every_way_to_multiply_gives_the_same_products(shape: tuple[int, int]) -> None:
    """Batches of chunks, rank updates and blocks: which one runs depends on K and the device."""
    rows = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    exact, cpu = gram64(rows), torch.device("cpu")
    for found in (
        gram._batches(rows, 2048, cpu),
        gram.mirrored_lower(gram.lower_products(rows)),
        gram._blocks(rows, 2048, cpu),
    ):  # fmt: skip
        torch.testing.assert_close(found, exact, rtol=0, atol=1e-5 * shape[1])
        assert torch.equal(found, found.T)


def test_chosen_rows_and_magnitudes() -> None:
    rows = torch.tensor([[1.0, -2.0], [3.0, 4.0], [0.0, 1.0]])
    index = torch.tensor([0, 2])
    assert gram64(rows, index).tolist() == [[5.0, -2.0], [-2.0, 1.0]]
    assert gram64(rows, index, magnitudes=True).tolist() == [[5.0, 2.0], [2.0, 1.0]]


def test_random_near_ties_agree_with_exact_arithmetic() -> None:
    """Pairs within a few float32 roundings of the threshold, decided as rational numbers say."""
    rng = np.random.default_rng(2)
    wrong_in_float32 = 0
    for _ in range(150):
        tau = float(rng.uniform(0.05, 0.95))
        a = rng.normal(size=40)
        b = rng.normal(size=40)
        b -= (a @ b) / (a @ a) * a
        b = -tau * a / np.linalg.norm(a) + np.sqrt(1 - tau**2) * b / np.linalg.norm(b)
        rows = np.stack([a, b * (1 + 1e-3)]).astype(np.float32)
        expected = exceeds_threshold(rows[0], rows[1], tau)
        assert bool(measure(rows.astype(np.float64), tau).graph.adjacency[0, 1]) == expected
        x, y = torch.tensor(rows)
        naive = float(-(x @ y) / (x.norm() * y.norm())) > tau
        wrong_in_float32 += naive != expected
    assert wrong_in_float32 > 0, "the recheck would never have mattered"
