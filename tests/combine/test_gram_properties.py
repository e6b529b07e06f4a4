"""What every Gram-space combiner promises: scale, order, descent, statuses, who is active."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from songoku_theory.combine import (
    MGDA,
    CAGrad,
    CombineError,
    FairGrad,
    Mean,
    NashMTL,
    PCGrad,
    Status,
    Sum,
    available_combiners,
    combiner_info,
    get_combiner,
)
from songoku_theory.errors import InvalidInputError

Thing: TypeAlias = Any  # options, states and rules of many types
Matrix = NDArray[np.float64]
NAMES = available_combiners("gram")
SOLVERS = ("mgda", "cagrad", "nash_mtl", "fairgrad")
SCALES = (1e-12, 1e-6, 1.0, 1e6, 1e12)


def combine(name: str, gradients: Matrix, active: Thing = None, **options: object) -> Thing:
    rule = get_combiner(name, options)
    gram = gradients @ gradients.T
    return rule.combine(gram, rule.init(len(gram)), active, rng=np.random.default_rng(7))


def promised(promise: str) -> list[str]:
    return [name for name in NAMES if promise in combiner_info(name).promises]


# Scale and order ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_scaling_all_gradients_leaves_the_direction(
    name: str, scale: float, zoo: dict[str, Matrix]
) -> None:
    for label, gradients in zoo.items():
        plain = combine(name, gradients)
        scaled = combine(name, gradients * scale)
        assert scaled.status is plain.status is Status.CONVERGED, (label, scaled)
        a, b = plain.weights @ gradients, scaled.weights @ gradients
        np.testing.assert_allclose(
            b / np.linalg.norm(b), a / np.linalg.norm(a), atol=2e-7, err_msg=label
        )
        assert scaled.residual <= 1e-9


@pytest.mark.parametrize("scale", SCALES)
def test_how_weights_change_with_the_scale(scale: float) -> None:
    gradients = np.random.default_rng(0).standard_normal((5, 9))
    for name, power in (
        ("sum", 0.0),
        ("mean", 0.0),
        ("pcgrad", 0.0),
        ("mgda", 0.0),
        ("cagrad", 0.0),
        ("nash_mtl", -1.0),
        ("fairgrad", -4.0 / 3.0),  # (G a) = a^{-1/2}: a goes with G^{-2/3}
    ):
        plain, scaled = combine(name, gradients).weights, combine(name, gradients * scale).weights
        np.testing.assert_allclose(scaled, plain * scale**power, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", promised("task-scale-invariant"))
def test_scaling_one_gradient_leaves_the_update(name: str, zoo: dict[str, Matrix]) -> None:
    for label, gradients in zoo.items():
        factors = 10.0 ** np.random.default_rng(1).uniform(-6, 6, (len(gradients), 1))
        plain = combine(name, gradients).weights @ gradients
        scaled = combine(name, gradients * factors).weights @ (gradients * factors)
        np.testing.assert_allclose(scaled, plain, atol=1e-6 * np.linalg.norm(plain), err_msg=label)


@pytest.mark.parametrize("name", promised("permutation-equivariant"))
def test_renaming_tasks_renames_weights(name: str, zoo: dict[str, Matrix]) -> None:
    for label, gradients in zoo.items():
        order = np.random.default_rng(2).permutation(len(gradients))
        plain = combine(name, gradients).weights @ gradients
        renamed = combine(name, gradients[order]).weights @ gradients[order]
        np.testing.assert_allclose(renamed, plain, atol=1e-6 * np.abs(plain).max(), err_msg=label)


@pytest.mark.parametrize("name", NAMES)
def test_two_calls_with_the_same_generator_give_the_same_bits(name: str) -> None:
    gradients = np.random.default_rng(4).standard_normal((6, 5))
    first, second = combine(name, gradients), combine(name, gradients)
    np.testing.assert_array_equal(first.weights, second.weights)


# Promises ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", promised("descent"))
def test_descent_never_hurts_an_active_task(name: str, zoo: dict[str, Matrix]) -> None:
    for label, gradients in zoo.items():
        update = combine(name, gradients).weights @ gradients
        sizes = np.linalg.norm(gradients, axis=1) * np.linalg.norm(update)
        assert ((gradients @ update) / sizes >= -1e-9).all(), label


@pytest.mark.parametrize("name", promised("average-descent"))
def test_average_descent_never_hurts_the_mean(name: str, zoo: dict[str, Matrix]) -> None:
    for label, gradients in zoo.items():
        update = combine(name, gradients).weights @ gradients
        mean = gradients.mean(axis=0)
        size = np.linalg.norm(mean) * np.linalg.norm(update)
        assert mean @ update >= -1e-9 * size, label


@pytest.mark.parametrize("name", promised("nonnegative"))
def test_nonnegative_weights(name: str, zoo: dict[str, Matrix]) -> None:
    for label, gradients in zoo.items():
        assert combine(name, gradients).weights.min() >= 0, label


@pytest.mark.parametrize("name", promised("simplex"))
def test_simplex_weights_sum_to_one(name: str, zoo: dict[str, Matrix]) -> None:
    for gradients in zoo.values():
        assert combine(name, gradients).weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_nash_gives_every_task_the_inverse_of_its_weight() -> None:
    gradients = np.random.default_rng(0).standard_normal((6, 9))
    weights = combine("nash_mtl", gradients).weights
    update = weights @ gradients
    np.testing.assert_allclose(gradients @ update, 1.0 / weights, rtol=1e-8)
    assert update @ update == pytest.approx(6.0, rel=1e-8)


def test_cagrad_with_radius_one_or_more_never_hurts_a_task(zoo: dict[str, Matrix]) -> None:
    for label, gradients in zoo.items():
        update = combine("cagrad", gradients, c=1.0).weights @ gradients
        assert (gradients @ update).min() >= -1e-9 * np.linalg.norm(gradients) ** 2, label


def test_residuals_are_what_the_docstrings_say(zoo: dict[str, Matrix]) -> None:
    for gradients in zoo.values():
        gram = gradients @ gradients.T
        nash = combine("nash_mtl", gradients)
        assert np.abs(nash.weights * (gram @ nash.weights) - 1).max() == pytest.approx(
            nash.residual, abs=1e-11
        )
        fair = combine("fairgrad", gradients, alpha=2.0)
        miss = (gram @ fair.weights) * fair.weights**0.5 - 1
        assert np.abs(miss).max() == pytest.approx(fair.residual, abs=1e-11)
        norms = np.linalg.norm(gradients, axis=1)
        w = combine("mgda", gradients).weights
        gap = (w @ gram @ w - gram @ w) / norms / norms.min()
        assert gap.max() <= 1e-9


def test_a_loose_tolerance_is_reported_as_a_large_residual_or_not_used() -> None:
    gradients = np.random.default_rng(0).standard_normal((8, 9))
    loose = combine("nash_mtl", gradients, tolerance=0.5)
    tight = combine("nash_mtl", gradients)
    assert tight.residual < 1e-9 < loose.residual < 0.5


# Special inputs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", SOLVERS)
def test_stationary_points_are_called_so_at_every_scale(
    name: str, scale: float, stationary_zoo: dict[str, Matrix]
) -> None:
    for label, gradients in stationary_zoo.items():
        options = {"c": 1.5} if name == "cagrad" else {}
        answer = combine(name, gradients * scale, **options)
        assert answer.status is Status.STATIONARY, (label, answer)
        assert np.isfinite(answer.weights).all()
        update = answer.weights @ (gradients * scale)
        reach = answer.weights @ np.linalg.norm(gradients * scale, axis=1)
        if name != "cagrad":
            assert np.linalg.norm(update) <= 1e-6 * max(reach, 0.0), label


def test_at_a_stationary_point_cagrad_still_harms_no_task(
    stationary_zoo: dict[str, Matrix],
) -> None:
    for label, gradients in stationary_zoo.items():
        answer = combine("cagrad", gradients, c=1.5)
        update = answer.weights @ gradients
        mean = gradients.mean(axis=0)
        assert (gradients @ update).min() >= -1e-9 * np.linalg.norm(gradients) ** 2, label
        assert mean @ update >= -1e-12
        assert np.linalg.norm(update - mean) <= 1.5 * np.linalg.norm(mean) * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_one_task_is_followed(name: str) -> None:
    gradients = np.array([[3.0, 4.0]])
    answer = combine(name, gradients)
    update = answer.weights @ gradients
    np.testing.assert_allclose(update / np.linalg.norm(update), [0.6, 0.8], rtol=1e-12)
    assert answer.status is Status.CONVERGED


@pytest.mark.parametrize("name", NAMES)
def test_a_zero_gradient_is_put_aside_as_documented(name: str) -> None:
    others = np.random.default_rng(0).standard_normal((3, 8))
    gradients = np.vstack([others[:1], np.zeros((1, 8)), others[1:]])
    answer, without = combine(name, gradients), combine(name, others)
    assert np.isfinite(answer.weights).all()
    if name == "mgda":
        assert answer.status is Status.STATIONARY
        np.testing.assert_array_equal(answer.weights, [0, 1, 0, 0])
    elif name in ("nash_mtl", "fairgrad"):
        assert answer.status is Status.DEGENERATE
        np.testing.assert_allclose(np.delete(answer.weights, 1), without.weights, rtol=1e-12)
        assert answer.weights[1] == 0
    elif name == "cagrad":
        assert answer.status is Status.DEGENERATE
        ratio = (answer.weights @ gradients) / (without.weights @ others)
        np.testing.assert_allclose(ratio, 0.75, rtol=1e-9)
    elif name == "sum":
        assert answer.status is Status.CONVERGED
        np.testing.assert_array_equal(answer.weights, np.ones(4))


@pytest.mark.parametrize("name", SOLVERS)
def test_only_zero_gradients_are_stationary(name: str) -> None:
    answer = combine(name, np.zeros((3, 4)))
    assert answer.status is Status.STATIONARY
    assert np.isfinite(answer.weights).all()


def test_nearly_opposite_gradients_never_look_better_than_they_are() -> None:
    """Down to where the Gram matrix cannot tell, the status follows the true residual."""
    rng = np.random.default_rng(3)
    first, other = rng.standard_normal((2, 1, 20))
    seen = set()
    for exponent in range(1, 12):
        gradients = np.vstack([first, -first + 10.0**-exponent * other])
        for name in ("nash_mtl", "fairgrad", "mgda", "cagrad"):
            answer = combine(name, gradients)
            seen.add(answer.status)
            assert answer.status is not Status.FAILED
            if answer.status is Status.CONVERGED:
                assert answer.residual <= 1e-9
            if name == "nash_mtl" and answer.status is not Status.STATIONARY:
                gram = gradients @ gradients.T
                true = np.abs(answer.weights * (gram @ answer.weights) - 1).max()
                assert true <= max(1e-9, 10 * answer.residual)
    assert Status.STATIONARY in seen
    assert Status.CONVERGED in seen


def test_a_solve_that_runs_out_of_iterations_fails_with_nan_weights_and_an_unmoved_state() -> None:
    gradients = np.random.default_rng(0).standard_normal((6, 7)) * 10.0 ** np.arange(6)[:, None]
    for rule in (FairGrad(alpha=8.0, max_iterations=1), FairGrad(alpha=0.3, max_iterations=1)):
        answer = rule.combine(gradients @ gradients.T, rule.init(6), (0, 1, 2, 3, 4))
        assert answer.status is Status.FAILED
        assert np.isnan(answer.weights[:5]).all()
        assert answer.weights[5] == 0
        assert answer.residual > 1e-4
        assert not answer.usable
        with pytest.raises(CombineError, match="found no weights"):
            answer.raise_if_failed()
    nash = NashMTL(max_iterations=1, tolerance=1e-14)
    state = nash.init(6)
    conflict = np.random.default_rng(1).standard_normal((6, 6))
    answer = nash.combine(conflict @ conflict.T, state)
    assert answer.status is Status.FAILED
    assert answer.state is state


# Who is active -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_inactive_tasks_have_no_weight_and_are_not_read(name: str) -> None:
    gradients = np.random.default_rng(6).standard_normal((6, 9))
    active = (1, 3, 4)
    gram = gradients @ gradients.T
    holes = np.full_like(gram, np.nan)
    holes[np.ix_(active, active)] = gram[np.ix_(active, active)]
    rule = get_combiner(name)
    answer = rule.combine(holes, rule.init(6), active, rng=np.random.default_rng(7))
    small = combine(name, gradients[list(active)])
    np.testing.assert_allclose(answer.weights[list(active)], small.weights, rtol=1e-12)
    np.testing.assert_array_equal(answer.weights[[0, 2, 5]], 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_in_which_active_tasks_are_named_does_not_matter(name: str) -> None:
    gradients = np.random.default_rng(6).standard_normal((6, 9))
    first, second = (
        combine(name, gradients, (1, 3, 4)),
        combine(name, gradients, np.array([4, 1, 3])),
    )
    np.testing.assert_array_equal(first.weights, second.weights)


@pytest.mark.parametrize(
    ("active", "message"),
    [
        ((), "non-empty"),
        ((0, 0), "once"),
        ((0, 6), "task 6"),
        ((-1, 2), "task -1"),
        ((True, False), "flatnonzero"),
        (np.array([True, False, True, True, False, True]), "flatnonzero"),
        ((0.5,), "indices"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_wrong_active_sets_are_refused(name: str, active: Thing, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        combine(name, np.eye(6), active)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_finite_is_refused_and_named(name: str, bad: float) -> None:
    gram = np.eye(4)
    gram[1, 3] = gram[3, 1] = bad
    rule = get_combiner(name)
    with pytest.raises(InvalidInputError, match=r"not finite at \(1, 3\)"):
        rule.combine(gram, rule.init(4), rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "gram",
    [
        [[1.0, 0.5], [-0.5, 1.0]],
        [[1.0, 2.0], [2.0, 1.0]],
        [[-1.0, 0.0], [0.0, 1.0]],
        [[0.0, 0.5], [0.5, 1.0]],
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_gram_matrix_is_refused(name: str, gram: list[list[float]]) -> None:
    rule = get_combiner(name)
    with pytest.raises(InvalidInputError, match="no Gram matrix"):
        rule.combine(gram, rule.init(2), rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_square_is_refused(name: str) -> None:
    rule = get_combiner(name)
    for wrong in (np.ones((2, 3)), np.ones(4), [[1.0], [1.0, 2.0]]):
        with pytest.raises(InvalidInputError):
            rule.combine(wrong, rule.init(2), rng=np.random.default_rng(0))
    with pytest.raises(InvalidInputError):
        rule.combine([["a"]], rule.init(1), rng=np.random.default_rng(0))


# State -------------------------------------------------------------------------------------------


def test_nash_reuses_weights_only_while_every_active_task_has_fresh_ones() -> None:
    rule = NashMTL(update_every=3)
    rng = np.random.default_rng(0)
    grams = [g @ g.T for g in rng.standard_normal((5, 4, 6))]
    state = rule.init(4)
    steps = [(0, 1), (0, 1), (1, 2), (0, 1), (0, 1)]
    statuses, answers = [], []
    for gram, active in zip(grams, steps, strict=True):
        answer = rule.combine(gram, state, active)
        others = [k for k in range(4) if k not in active]
        for before, after in ((state.weights, answer.state.weights), (state.age, answer.state.age)):
            np.testing.assert_array_equal(before[others], after[others])
        statuses.append(answer.status)
        answers.append(answer)
        state = answer.state
    # Task 2 is new at the third step, so the pair is solved anew; task 1 is fresh again after it.
    expected = [Status.CONVERGED, Status.REUSED, Status.CONVERGED, Status.REUSED, Status.CONVERGED]
    assert statuses == expected
    np.testing.assert_array_equal(answers[1].weights, answers[0].weights)
    assert answers[1].residual > 1e-3
    assert state.age.tolist() == [1, 1, 1, 0]


def test_nash_shortens_updates_that_are_too_long() -> None:
    gradients = np.random.default_rng(0).standard_normal((4, 6))
    gram = gradients @ gradients.T
    rule = NashMTL(max_norm=0.5)
    clipped = rule.combine(gram, rule.init(4))
    assert np.linalg.norm(clipped.weights @ gradients) == pytest.approx(0.5)
    batch = rule.combine_batch(np.stack([gram, 100 * gram]))
    np.testing.assert_allclose(batch.weights[0], clipped.weights, rtol=1e-9)
    roomy = NashMTL(max_norm=1e9)
    np.testing.assert_array_equal(
        roomy.combine(gram, roomy.init(4)).weights, combine("nash_mtl", gradients).weights
    )


def test_the_state_must_be_of_as_many_tasks() -> None:
    with pytest.raises(InvalidInputError, match="state is of 3 tasks"):
        NashMTL().combine(np.eye(4), NashMTL().init(3))


@pytest.mark.parametrize("name", NAMES)
def test_options_are_frozen_and_checked(name: str) -> None:
    rule = get_combiner(name)
    assert is_dataclass(rule)
    for field in fields(rule):
        with pytest.raises(AttributeError):
            setattr(rule, field.name, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CAGrad(c=-0.1),
        lambda: CAGrad(c=np.nan),
        lambda: CAGrad(rescale="sqrt"),  # type: ignore[arg-type]
        lambda: FairGrad(alpha=-1.0),
        lambda: FairGrad(alpha=np.inf),
        lambda: FairGrad(tolerance=0.0),
        lambda: FairGrad(max_iterations=0),
        lambda: NashMTL(update_every=0),
        lambda: NashMTL(max_norm=0.0),
        lambda: PCGrad(reduction="median"),  # type: ignore[arg-type]
        lambda: Sum().init(0),
        lambda: Mean().init(0),
        lambda: MGDA().init(0),
    ],
)
def test_wrong_options_are_refused(make: Thing) -> None:
    with pytest.raises(InvalidInputError):
        make()


def test_pcgrad_needs_an_order_and_checks_it() -> None:
    rule, gram = PCGrad(), np.eye(3)
    with pytest.raises(InvalidInputError, match="rng"):
        rule.combine(gram, rule.init(3))
    with pytest.raises(InvalidInputError, match="rng"):
        rule.combine_batch(gram[None])
    order = np.tile([0, 1, 2], (3, 1))
    with pytest.raises(InvalidInputError, match="not both"):
        rule.combine(gram, rule.init(3), rng=np.random.default_rng(0), permutations=order)
    for wrong in (order[:2], np.zeros((3, 3), dtype=int), order + 1):
        with pytest.raises(InvalidInputError, match="permutations"):
            rule.combine(gram, rule.init(3), permutations=wrong)


# Anything at all ---------------------------------------------------------------------------------


@given(
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1e-12, 1e-3, 1.0, 1e5, 1e12]),
    st.integers(0, 4),
)
def test_no_input_makes_an_answer_look_better_than_it_is(
    size: int, dim: int, seed: int, scale: float, mischief: int
) -> None:
    """Small integers make exact duplicates, zeros, opposites and dependencies common."""
    rng = np.random.default_rng(seed)
    gradients = rng.integers(-2, 3, (size, dim)).astype(float) * scale
    if mischief == 1:
        gradients = np.vstack([gradients, -gradients[:1]])
    elif mischief == 2:
        gradients = np.vstack([gradients, gradients[:1] * 3])
    gram = gradients @ gradients.T
    norms = np.linalg.norm(gradients, axis=1)
    for name in NAMES:
        answer = combine(name, gradients)
        assert answer.status is not Status.FAILED, (name, gradients / scale)
        assert np.isfinite(answer.weights).all()
        if answer.status is Status.CONVERGED:
            if name == "nash_mtl":
                assert np.abs(answer.weights * (gram @ answer.weights) - 1).max() < 1e-8
            if "descent" in combiner_info(name).promises:
                reach = norms * np.linalg.norm(answer.weights @ gradients)
                assert (gram @ answer.weights >= -1e-7 * reach).all(), name
        if answer.status is Status.STATIONARY and name == "mgda":
            reach = answer.weights @ norms
            assert np.linalg.norm(answer.weights @ gradients) <= 1e-6 * reach
