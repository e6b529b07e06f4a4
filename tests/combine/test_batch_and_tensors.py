"""Many problems at once, torch tensors, other types: the same answers as one by one in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from songoku_theory.combine import (
    CAGrad,
    NashMTL,
    PCGrad,
    Status,
    available_combiners,
    combiner_info,
    get_combiner,
    use_numba,
)
from songoku_theory.errors import InvalidInputError

Matrix = NDArray[np.float64]
NAMES = available_combiners("gram")
DETERMINISTIC = [n for n in NAMES if "deterministic" in combiner_info(n).promises]


def mixed_problems(size: int = 5) -> Matrix:
    """Ordinary, rank-deficient, duplicate, stationary, zero and uneven problems side by side."""
    rng = np.random.default_rng(0)
    problems = [rng.standard_normal((size, 12)) for _ in range(4)]
    problems += [rng.standard_normal((size, 3)) for _ in range(4)]
    problems += [np.repeat(rng.standard_normal((1, 4)), size, axis=0)]
    problems += [np.vstack([g[:2], -g[:1], g[2:4]]) for g in problems[:2]]
    problems += [problems[0] * 10.0 ** np.arange(size)[:, None]]
    zero = problems[1].copy()
    zero[2] = 0
    problems += [zero, zero * 0, problems[3] * 1e-12, problems[3] * 1e12]
    return np.stack([g @ g.T for g in problems])


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_batch_is_a_loop(name: str) -> None:
    grams = mixed_problems()
    rule = get_combiner(name)
    batch = rule.combine_batch(grams)
    for n, gram in enumerate(grams):
        one = rule.combine(gram, rule.init(5))
        assert batch.status[n] is one.status, (n, batch.status[n], one)
        norms = np.sqrt(np.diag(gram))
        scale = max(float(np.abs(one.weights) @ norms), 1e-300)
        np.testing.assert_allclose(
            batch.weights[n] * norms / scale, one.weights * norms / scale, atol=1e-6, err_msg=str(n)
        )
        if one.status is Status.CONVERGED:
            assert batch.residual[n] <= 1e-9


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_batch_with_masks_is_a_loop_with_active_sets(name: str) -> None:
    grams = mixed_problems()
    rng = np.random.default_rng(1)
    mask = rng.random((len(grams), 5)) < 0.6
    mask[np.arange(len(grams)), rng.integers(0, 5, len(grams))] = True
    grams[~(mask[:, :, None] & mask[:, None, :])] = np.nan
    rule = get_combiner(name)
    batch = rule.combine_batch(grams, mask)
    for n, gram in enumerate(grams):
        active = np.flatnonzero(mask[n])
        one = rule.combine(gram, rule.init(5), active)
        assert batch.status[n] is one.status, n
        norms = np.sqrt(np.where(mask[n], np.diag(gram), 0.0))
        scale = max(float(np.abs(one.weights) @ norms), 1e-300)
        np.testing.assert_allclose(
            batch.weights[n] * norms / scale, one.weights * norms / scale, atol=1e-6, err_msg=str(n)
        )
        assert (batch.weights[n][~mask[n]] == 0).all()


@pytest.mark.parametrize("numba", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_a_batch_of_pcgrad_draws_its_orders_one_problem_after_the_other(
    masked: bool, numba: bool
) -> None:
    grams = mixed_problems()
    mask = np.random.default_rng(5).random((len(grams), 5)) < 0.7 if masked else grams[:, 0] < 1e300
    mask[:, 0] = True
    rule = PCGrad()
    with use_numba(numba):
        batch = rule.combine_batch(grams, mask, rng=np.random.default_rng(3))
    rng = np.random.default_rng(3)
    for n, gram in enumerate(grams):
        one = rule.combine(gram, rule.init(5), np.flatnonzero(mask[n]), rng=rng)
        assert batch.status[n] is Status.CONVERGED
        np.testing.assert_allclose(batch.weights[n], one.weights, rtol=1e-9, atol=1e-12)


def test_the_same_active_tasks_for_a_whole_batch() -> None:
    grams = mixed_problems()[:4]
    rule = NashMTL()
    by_index = rule.combine_batch(grams, (0, 3))
    mask = np.array([True, False, False, True, False])
    np.testing.assert_array_equal(by_index.weights, rule.combine_batch(grams, mask).weights)
    assert (by_index.weights[:, [1, 2, 4]] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_tensors_give_what_arrays_give(name: str) -> None:
    grams = mixed_problems()
    rule = get_combiner(name)
    ours = rule.combine_batch(grams, rng=np.random.default_rng(0))
    theirs = rule.combine_batch(torch.from_numpy(grams), rng=np.random.default_rng(0))
    assert isinstance(theirs.weights, torch.Tensor)
    assert theirs.weights.dtype == torch.float64
    assert theirs.status == ours.status
    norms = np.sqrt(np.einsum("nii->ni", grams))
    scale = np.maximum((np.abs(ours.weights) * norms).sum(axis=1, keepdims=True), 1e-300)
    np.testing.assert_allclose(
        theirs.weights.numpy() * norms / scale, ours.weights * norms / scale, atol=1e-6
    )
    one = rule.combine(torch.from_numpy(grams[0]), rule.init(5), rng=np.random.default_rng(0))
    assert isinstance(one.weights, torch.Tensor)
    np.testing.assert_allclose(one.weights.numpy(), ours.weights[0], rtol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_weights_come_back_in_the_type_of_the_tensor(name: str, dtype: torch.dtype) -> None:
    gradients = torch.from_numpy(np.random.default_rng(0).standard_normal((4, 300)))
    gram = (gradients @ gradients.T).to(dtype)
    rule = get_combiner(name)
    answer = rule.combine(gram, rule.init(4), rng=np.random.default_rng(0))
    assert answer.weights.dtype == dtype
    exact = rule.combine(gradients @ gradients.T, rule.init(4), rng=np.random.default_rng(0))
    size = 2e-2 if dtype is torch.bfloat16 else 1e-5
    np.testing.assert_allclose(
        answer.weights.double().numpy(), exact.weights.numpy(), rtol=size, atol=size
    )


@pytest.mark.parametrize("name", NAMES)
def test_float32_and_whole_numbers(name: str, zoo: dict[str, Matrix]) -> None:
    rule = get_combiner(name)
    for label, gradients in zoo.items():
        if label == "uneven norms":
            continue  # seven digits cannot hold them
        single = gradients.astype(np.float32)
        gram = single @ single.T
        answer = rule.combine(gram, rule.init(len(gram)), rng=np.random.default_rng(0))
        assert answer.weights.dtype == np.float32
        assert answer.usable, label
        assert np.isfinite(answer.weights).all()
    whole = rule.combine(np.array([[2, -1], [-1, 2]]), rule.init(2), rng=np.random.default_rng(0))
    assert whole.weights.dtype == np.float64
    assert whole.weights[0] == pytest.approx(whole.weights[1])


def test_no_graph_is_kept_of_tensors_that_carry_gradients() -> None:
    numbers = np.random.default_rng(0).standard_normal((3, 5))
    gradients = torch.from_numpy(numbers).requires_grad_()
    gram = gradients @ gradients.T
    for name in NAMES:
        rule = get_combiner(name)
        assert not rule.combine(
            gram, rule.init(3), rng=np.random.default_rng(0)
        ).weights.requires_grad
        batch = rule.combine_batch(gram[None], rng=np.random.default_rng(0))
        assert not batch.weights.requires_grad


def test_a_float32_gram_matrix_calls_stationary_what_it_cannot_tell_from_it() -> None:
    gradients = np.random.default_rng(0).standard_normal((3, 50)).astype(np.float32)
    gradients = np.vstack([gradients, -gradients.sum(axis=0)])
    gram = gradients @ gradients.T
    for name in ("mgda", "nash_mtl", "fairgrad"):
        rule = get_combiner(name)
        assert rule.combine(gram, rule.init(4)).status is Status.STATIONARY


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_problem_in_a_batch_is_named(name: str) -> None:
    grams = np.tile(np.eye(3), (4, 1, 1))
    grams[2, 0, 1] = np.nan
    rule = get_combiner(name)
    with pytest.raises(InvalidInputError, match="of problem 2 is not finite"):
        rule.combine_batch(grams, rng=np.random.default_rng(0))
    grams[2, 0, 1] = 3.0
    with pytest.raises(InvalidInputError, match="of problem 2"):
        rule.combine_batch(grams, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="shape"):
        rule.combine_batch(np.eye(3), rng=np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="mask"):
        rule.combine_batch(
            np.tile(np.eye(3), (4, 1, 1)),
            np.zeros((4, 3), dtype=bool),
            rng=np.random.default_rng(0),
        )


def test_compiled_code_answers_the_clean_problems_of_a_batch(compiled: None) -> None:
    grams = mixed_problems()
    mask = np.random.default_rng(5).random((len(grams), 5)) < 0.7
    mask[:, 1] = True
    for name in DETERMINISTIC:
        rule = get_combiner(name)
        fast = rule.combine_batch(grams, mask)
        with use_numba(False):
            slow = rule.combine_batch(grams, mask)
        assert fast.status == slow.status
        norms = np.sqrt(np.einsum("nii->ni", grams))
        scale = np.maximum((np.abs(slow.weights) * norms).sum(axis=1, keepdims=True), 1e-300)
        np.testing.assert_allclose(
            fast.weights * norms / scale, slow.weights * norms / scale, atol=1e-6, err_msg=name
        )


def test_a_hard_problem_does_not_disturb_its_neighbours() -> None:
    """Nothing of one problem's answer depends on which others share its batch."""
    grams = mixed_problems()
    for rule in (NashMTL(), CAGrad(1.5)):
        together, alone = rule.combine_batch(grams), rule.combine_batch(grams[:1])
        np.testing.assert_allclose(together.weights[0], alone.weights[0], rtol=1e-7)
