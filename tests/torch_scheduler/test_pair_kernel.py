"""The compiled products of pairs against the tensors'. Needs numba (dev extra)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from songoku_theory._numba import use_numba
from songoku_theory.torch_scheduler import graph
from songoku_theory.torch_scheduler.graph import _pair_products, measure_graph
from songoku_theory.torch_scheduler.pair_kernel import pair_products


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("length", [1, 5, 1000, 5000])
def test_pairs_agree_with_the_tensor_code(dtype: torch.dtype, length: int) -> None:
    """Integers: every sum is exact, whatever its order."""
    rows = torch.randint(-9, 10, (30, length), generator=torch.Generator().manual_seed(0))
    rows = rows.to(dtype)
    i, j = np.triu_indices(30, 1)
    pairs = np.stack([i, j], axis=1)[::7]
    found = pair_products(rows.numpy(), pairs)
    for ours, theirs in zip(found, _pair_products(rows, pairs, rows.device), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-15)


@pytest.mark.parametrize("num_tasks", [40, 150])
def test_graphs_with_many_ties_are_the_same_with_and_without_numba(
    monkeypatch: pytest.MonkeyPatch, num_tasks: int
) -> None:
    """Few integer directions: many pairs lie exactly on the threshold of one half."""
    monkeypatch.setattr(graph, "_WORTH_COMPILED", 0)
    draw = torch.Generator().manual_seed(num_tasks)
    rows = torch.randint(-1, 2, (num_tasks, 6), generator=draw).float()
    found = []
    for wanted in (True, False):
        with use_numba(wanted):
            found.append(measure_graph(rows, 0.5, 0.0, np.ones(num_tasks)))
    assert found[0].rechecked == found[1].rechecked > 0
    assert found[0].exact == found[1].exact > 0
    np.testing.assert_array_equal(found[0].graph.adjacency, found[1].graph.adjacency)
    assert found[0].graph.adjacency.any()
