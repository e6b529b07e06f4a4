"""Inner products of short rows: the compiled loop against numpy. Needs numba (dev extra)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from songoku_theory._numba import use_numba
from songoku_theory._products import inner_products
from songoku_theory.combine import NashMTL, combine_gradients
from songoku_theory.errors import InvalidInputError


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 40, 41])
@pytest.mark.parametrize("length", [1, 7, 1023, 1024, 1025, 3000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_are_those_of_numpy_in_float64(count: int, length: int, dtype: type) -> None:
    """Integers: every sum is exact, whatever its order."""
    rows = np.random.default_rng(count + length).integers(-99, 100, (count, length)).astype(dtype)
    wide = rows.astype(np.float64)
    found = inner_products(rows)
    assert found.tolist() == (wide @ wide.T).tolist()
    assert not np.shares_memory(found, rows)


def test_float32_products_do_not_lose_what_cancels() -> None:
    rows = np.array([[1.0, 1e-5, 1.0], [1.0, 1.0, -1.0]], dtype=np.float32)
    assert inner_products(rows)[0, 1] == float(np.float32(1e-5))


def test_tensors_and_arrays_are_combined_alike_with_and_without_numba() -> None:
    rule = NashMTL()
    gradients = np.random.default_rng(0).standard_normal((9, 50)).astype(np.float32)
    tensor = torch.tensor(gradients)
    answers = []
    for wanted in (True, False):
        with use_numba(wanted):
            step = combine_gradients(rule, tensor, rule.init(9), active=(1, 4, 7))
            assert isinstance(step.update, torch.Tensor)
            assert isinstance(step.combined.weights, torch.Tensor)
            assert step.update.dtype is torch.float32
            answers.append(step.update.detach().numpy())
            answers.append(
                combine_gradients(rule, gradients, rule.init(9), active=(1, 4, 7)).update
            )
    for answer in answers[1:]:
        np.testing.assert_allclose(answer, answers[0], rtol=1e-5)


def test_a_bad_tensor_is_named_on_the_quick_way_too() -> None:
    rule = NashMTL()
    gradients = torch.ones(3, 4)
    gradients[2, 1] = float("nan")
    with use_numba(True), pytest.raises(InvalidInputError, match="task 2"):
        combine_gradients(rule, gradients, rule.init(3))
