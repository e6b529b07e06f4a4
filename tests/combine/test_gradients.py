"""From gradients to an update, with the scheduler, for arrays, tensors and mappings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from songoku_theory import scheduler
from songoku_theory.combine import (
    MGDA,
    CombineError,
    FairGrad,
    Mean,
    NashMTL,
    PCGrad,
    Sum,
    combine_gradients,
)
from songoku_theory.errors import InvalidInputError


def test_an_update_is_the_weighted_sum_of_the_active_gradients() -> None:
    gradients = np.random.default_rng(0).standard_normal((5, 7))
    for rule in (Sum(), Mean(), MGDA(), NashMTL(), FairGrad()):
        found = combine_gradients(rule, gradients, rule.init(5), (1, 4))
        np.testing.assert_allclose(found.update, found.combined.weights @ gradients, atol=1e-12)
        gram = gradients @ gradients.T
        direct = rule.combine(gram, rule.init(5), (1, 4))
        np.testing.assert_allclose(found.combined.weights, direct.weights, rtol=1e-9)


def test_arrays_mappings_and_tensors_agree() -> None:
    gradients = np.random.default_rng(0).standard_normal((4, 6))
    rule = NashMTL()
    array = combine_gradients(rule, gradients, rule.init(4), (0, 3))
    mapping = combine_gradients(rule, {0: gradients[0], 3: gradients[3]}, rule.init(4), num_tasks=4)
    tensor = combine_gradients(rule, torch.from_numpy(gradients), rule.init(4), (0, 3))
    tensors = combine_gradients(
        rule, {k: torch.from_numpy(gradients[k]) for k in (3, 0)}, rule.init(4), num_tasks=4
    )
    np.testing.assert_allclose(mapping.update, array.update, rtol=1e-12)
    np.testing.assert_allclose(tensor.update.numpy(), array.update, rtol=1e-12)
    np.testing.assert_allclose(tensors.update.numpy(), array.update, rtol=1e-12)
    np.testing.assert_array_equal(mapping.state.age, [1, 0, 0, 1])


@pytest.mark.parametrize("accumulate", ["float64", "native"])
def test_float32_gradients_give_float32_updates(accumulate: str) -> None:
    wide = np.random.default_rng(0).standard_normal((6, 500))
    single = wide.astype(np.float32)
    rule = MGDA()
    exact = combine_gradients(rule, wide, rule.init(6)).update
    size = 1e-5 if accumulate == "native" else 2e-6
    for gradients in (single, torch.from_numpy(single)):
        found = combine_gradients(
            rule,
            gradients,
            rule.init(6),
            accumulate=accumulate,  # type: ignore[arg-type]
        )
        assert str(found.update.dtype).endswith("float32")
        np.testing.assert_allclose(np.asarray(found.update), exact, atol=size)


def test_long_tensors_are_added_up_in_pieces() -> None:
    gradients = torch.randn(2, (1 << 18) + 5, generator=torch.Generator().manual_seed(0))
    rule = NashMTL()
    found = combine_gradients(rule, gradients, rule.init(2))
    double = gradients.double()
    exact = rule.combine(double @ double.T, rule.init(2)).weights
    torch.testing.assert_close(found.combined.weights.double(), exact, rtol=1e-6, atol=0)


def test_what_is_wrong_is_refused_and_named() -> None:
    gradients = np.ones((3, 4))
    gradients[1, 2] = np.nan
    rule = MGDA()
    for given in (gradients, torch.from_numpy(gradients), dict(enumerate(gradients))):
        with pytest.raises(InvalidInputError, match="task 1"):
            combine_gradients(rule, given, rule.init(3), num_tasks=3)
        assert combine_gradients(rule, given, rule.init(3), (0, 2), num_tasks=3).update.shape == (
            4,
        )
    with pytest.raises(InvalidInputError, match="num_tasks"):
        combine_gradients(rule, {0: [1.0]}, rule.init(3))
    with pytest.raises(InvalidInputError, match=r"tasks \[2\]"):
        combine_gradients(rule, {0: [1.0]}, rule.init(3), (0, 2), num_tasks=3)
    with pytest.raises(InvalidInputError, match="entries"):
        combine_gradients(rule, {0: [1.0], 1: [1.0, 2.0]}, rule.init(2), num_tasks=2)
    with pytest.raises(InvalidInputError, match="shape"):
        combine_gradients(rule, np.ones(4), rule.init(1))
    with pytest.raises(InvalidInputError, match="accumulate"):
        combine_gradients(rule, np.eye(2), rule.init(2), accumulate="half")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="overflow"):
        combine_gradients(rule, np.full((2, 2), 1e200), rule.init(2))


def test_a_failed_solve_raises_instead_of_returning_an_update() -> None:
    gradients = np.random.default_rng(0).standard_normal((6, 7)) * 10.0 ** np.arange(6)[:, None]
    rule = FairGrad(alpha=8.0, max_iterations=1)
    with pytest.raises(CombineError):
        combine_gradients(rule, gradients, rule.init(6))


def test_a_scheduled_run_with_pcgrad_inside_each_class() -> None:
    """Two groups that pull apart: the schedule splits them, and PCGrad works inside each."""
    rng = np.random.default_rng(0)
    config = scheduler.SchedulerConfig(num_tasks=6, tau=0.3, beta=0.5, refresh_period=4)
    state = scheduler.init(config)
    means = np.array([[1.0, 0.0]] * 3 + [[-1.0, 0.0]] * 3)
    rule = PCGrad()
    memory = rule.init(6)
    classes = set()
    for _ in range(12):
        run = scheduler.active(config, state)
        classes.add(run)
        gradients = {k: means[k] + 0.1 * rng.standard_normal(2) for k in run}
        found = combine_gradients(rule, gradients, memory, run, num_tasks=6, rng=rng)
        memory = found.state
        assert set(np.flatnonzero(found.combined.weights)) == set(run)
        state = scheduler.step(config, state, gradients)
        if len(run) == 3:
            assert all(gradients[k] @ found.update > 0 for k in run)
    assert {(0, 1, 2), (3, 4, 5)} <= classes
