"""Loss-space combiners against autograd and TorchJD; inactive rows stay bitwise the same."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchjd import scalarization

from songoku_theory.combine import (
    DWA,
    FAMO,
    GradNorm,
    GradNormWarmStart,
    Status,
    UncertaintyWeighting,
    available_combiners,
    combiner_info,
    get_combiner,
)
from songoku_theory.errors import InvalidInputError

Thing: TypeAlias = Any  # options, states and rules of many types
Vector = NDArray[np.float64]
NAMES = available_combiners("loss")


def leaves(state: Thing) -> list[Vector]:
    """All arrays of a state, each with one row a task."""
    if is_dataclass(state):
        return [leaf for f in fields(state) for leaf in leaves(getattr(state, f.name))]
    return [state] if isinstance(state, np.ndarray) else []


def run(rule: Thing, losses: Vector, state: Thing, active: Thing, norms: Vector) -> Thing:
    """One whole step of any loss-space rule."""
    step = rule.combine(
        losses, state, active, gradient_norms=norms if rule.needs_gradient_norms else None
    )
    return step, rule.observe(losses * 0.9, step.state, active)


# What all of them do -----------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=1))
def test_inactive_rows_do_not_move_bitwise(seed: int, schedule: list[set[int]]) -> None:
    rng = np.random.default_rng(seed)
    for name in NAMES:
        rule = get_combiner(name)
        state = rule.init(5)
        for active in schedule:
            before = [leaf.copy() for leaf in leaves(state)]
            losses, norms = rng.uniform(0.1, 3.0, 5), rng.uniform(0.1, 3.0, 5)
            others = [k for k in range(5) if k not in active]
            losses[others] = np.nan  # not read
            norms[others] = np.inf
            step, state = run(rule, losses, state, sorted(active), norms)
            assert (step.weights[others] == 0).all()
            assert (step.weights[sorted(active)] > 0).all()
            for old, new in zip(before, leaves(state), strict=True):
                assert old.shape[0] == 5
                np.testing.assert_array_equal(old[others], new[others])


@pytest.mark.parametrize("name", NAMES)
def test_active_state_does_move(name: str) -> None:
    rule = get_combiner(name)
    state = rule.init(3)
    _, moved = run(rule, np.array([1.0, 2.0, 3.0]), state, (0, 2), np.array([1.0, 2.0, 4.0]))
    differs = [
        bool((~np.isclose(a[[0, 2]], b[[0, 2]], equal_nan=True)).any())
        for a, b in zip(leaves(state), leaves(moved), strict=True)
    ]
    assert any(differs)


@pytest.mark.parametrize("name", NAMES)
def test_the_state_that_went_in_is_never_changed(name: str) -> None:
    rule = get_combiner(name)
    state = rule.init(4)
    for _ in range(3):
        copies = [leaf.copy() for leaf in leaves(state)]
        _, after = run(rule, np.arange(1.0, 5.0), state, None, np.arange(1.0, 5.0))
        for copy, leaf in zip(copies, leaves(state), strict=True):
            np.testing.assert_array_equal(copy, leaf)
        state = after


@pytest.mark.parametrize("name", NAMES)
def test_renaming_tasks_renames_weights(name: str) -> None:
    rule = get_combiner(name)
    order = np.array([2, 0, 3, 1])
    plain, renamed = rule.init(4), rule.init(4)
    rng = np.random.default_rng(0)
    for _ in range(6):
        losses, norms = rng.uniform(0.5, 2.0, 4), rng.uniform(0.5, 2.0, 4)
        step, plain = run(rule, losses, plain, None, norms)
        other, renamed = run(rule, losses[order], renamed, None, norms[order])
        np.testing.assert_allclose(other.weights, step.weights[order], rtol=1e-12)
        if name == "dwa":
            plain, renamed = rule.end_epoch(plain), rule.end_epoch(renamed)


@pytest.mark.parametrize("name", [n for n in NAMES if "simplex" in combiner_info(n).promises])
def test_simplex_weights_sum_to_one(name: str) -> None:
    rule = get_combiner(name)
    step = rule.combine(np.array([1e-9, 1.0, 1e9]), rule.init(3))
    assert step.weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("name", NAMES)
def test_tensors_come_back_as_tensors(name: str) -> None:
    rule = get_combiner(name)
    losses = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    norms = torch.tensor([1.0, 2.0, 3.0])
    step = rule.combine(
        losses, rule.init(3), (0, 1), gradient_norms=norms if rule.needs_gradient_norms else None
    )
    assert step.weights.dtype == torch.float32
    assert not step.weights.requires_grad
    (step.weights * losses).sum().backward()
    assert losses.grad is not None
    np.testing.assert_array_equal(losses.grad.numpy(), step.weights.numpy())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_losses_that_are_not_finite_are_refused_by_name(name: str, bad: float) -> None:
    rule = get_combiner(name)
    with pytest.raises(InvalidInputError, match="task 1"):
        rule.combine([1.0, bad, 1.0], rule.init(3), gradient_norms=[1.0] * 3)
    with pytest.raises(InvalidInputError, match="shape"):
        rule.combine([1.0, 1.0], rule.init(3), gradient_norms=[1.0] * 3)


# FAMO --------------------------------------------------------------------------------------------


def test_famo_is_torchjds_over_a_whole_run() -> None:
    rng = np.random.default_rng(0)
    rule, state = FAMO(), FAMO().init(4)
    theirs = scalarization.FAMO(4)
    theirs.double()
    for _ in range(30):
        before, after = rng.uniform(0.2, 2.0, (2, 4))
        values = torch.tensor(before, requires_grad=True)
        theirs(values).backward()
        step = rule.combine(before, state)
        assert values.grad is not None
        np.testing.assert_allclose(step.weights, values.grad.numpy(), rtol=1e-6)
        theirs.update(torch.tensor(after))
        state = rule.observe(after, step.state)
    assert np.ptp(state.logits) > 0.05


def test_famo_at_any_loss_scale() -> None:
    rule = FAMO(epsilon=0.0)

    def after_five_steps(scale: float) -> tuple[Vector, float]:
        state = rule.init(2)
        for _ in range(5):
            step = rule.combine(np.array([1.0, 3.0]) * scale, state)
            state = rule.observe(np.array([0.5, 2.9]) * scale, step.state)
        assert step.status is Status.STEPPED
        return step.weights, step.residual

    weights, residual = after_five_steps(1.0)
    # The first task falls faster, so it loses weight from the 3 : 1 that its smaller loss gives it.
    assert 0.65 < weights[0] < 0.75
    assert 0.3 < residual < 0.4
    for scale in (1e-12, 1e12):
        scaled, same = after_five_steps(scale)
        np.testing.assert_allclose(scaled, weights, rtol=1e-9)
        assert same == pytest.approx(residual, rel=1e-9)


def test_famo_needs_combine_before_observe_and_positive_losses() -> None:
    rule = FAMO()
    with pytest.raises(InvalidInputError, match="combine"):
        rule.observe([1.0, 1.0], rule.init(2))
    state = rule.combine([1.0, 1.0], rule.init(2), (0,)).state
    with pytest.raises(InvalidInputError, match="task 1"):
        rule.observe([1.0, 1.0], state)
    done = rule.observe([1.0, 1.0], state, (0,))
    with pytest.raises(InvalidInputError, match="task 0"):
        rule.observe([1.0, 1.0], done, (0,))
    with pytest.raises(InvalidInputError, match="lower_bound"):
        rule.combine([1.0, -1.0], rule.init(2))


# GradNorm ----------------------------------------------------------------------------------------


def autograd_gradnorm(weights: Vector, norms: Vector, rates: Vector, alpha: float) -> Vector:
    """The gradient of GradNorm's loss, by differentiating through w as the public code does."""
    w = torch.tensor(weights, requires_grad=True)
    pulls = w * torch.tensor(norms)
    target = (pulls.mean() * torch.tensor(rates) ** alpha).detach()
    (pulls - target).abs().sum().backward()
    assert w.grad is not None
    return w.grad.numpy()


def test_gradnorm_takes_the_adam_step_of_its_loss() -> None:
    rng = np.random.default_rng(0)
    rule = GradNorm()
    state = rule.init(4)
    parameter = torch.ones(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([parameter], lr=rule.learning_rate)
    first = rng.uniform(0.5, 2.0, 4)
    for step_number in range(20):
        losses = first if step_number == 0 else rng.uniform(0.1, 2.0, 4)
        norms = rng.uniform(0.5, 2.0, 4)
        ratios = losses / first
        gradient = autograd_gradnorm(
            parameter.detach().numpy(), norms, ratios / ratios.mean(), rule.alpha
        )
        step = rule.combine(losses, state, gradient_norms=norms)
        np.testing.assert_allclose(step.weights, parameter.detach().numpy(), rtol=1e-7)
        parameter.grad = torch.tensor(gradient / norms.mean())
        optimizer.step()
        with torch.no_grad():
            parameter *= 4.0 / parameter.sum()
        state = step.state
    assert state.weights.sum() == pytest.approx(4.0)
    assert np.ptp(state.weights) > 0.02


def test_gradnorm_evens_out_norms_when_alpha_is_zero() -> None:
    rule = GradNorm(alpha=0.0)
    norms = np.array([4.0, 1.0, 2.0])
    for scale in (1e-12, 1.0, 1e12):
        state = rule.init(3)
        residuals = []
        for _ in range(400):
            step = rule.combine(np.ones(3), state, gradient_norms=norms * scale)
            state = step.state
            residuals.append(step.residual)
        assert residuals[-1] < 0.1 < residuals[0]
        np.testing.assert_allclose(state.weights * norms, np.full(3, 12 / 7), rtol=0.1)


def test_gradnorm_keeps_the_total_at_k_whoever_runs() -> None:
    rng = np.random.default_rng(0)
    rule, state = GradNorm(), GradNorm().init(5)
    for _ in range(50):
        active = np.flatnonzero(rng.random(5) < 0.5)
        if active.size == 0:
            continue
        step = rule.combine(
            rng.uniform(0.1, 2, 5), state, active, gradient_norms=rng.uniform(0.1, 2, 5)
        )
        state = step.state
        assert state.weights.sum() == pytest.approx(5.0)
        assert state.weights.min() > 0


def test_gradnorm_with_nothing_to_balance() -> None:
    rule = GradNorm()
    still = rule.combine([1.0, 1.0], rule.init(2), gradient_norms=[0.0, 0.0])
    assert still.status is Status.DEGENERATE
    np.testing.assert_array_equal(still.state.weights, [1.0, 1.0])
    silent = rule.combine([0.0, 1.0], rule.init(2), gradient_norms=[1.0, 1.0])
    assert silent.status is Status.DEGENERATE
    assert np.isnan(silent.state.first_losses[0])
    later = rule.combine([2.0, 1.0], silent.state, gradient_norms=[1.0, 1.0])
    assert later.status is Status.STEPPED
    assert later.state.first_losses.tolist() == [2.0, 1.0]
    with pytest.raises(InvalidInputError, match="gradient_norms"):
        rule.combine([1.0, 1.0], rule.init(2))
    with pytest.raises(InvalidInputError, match="negative"):
        rule.combine([1.0, -1.0], rule.init(2), gradient_norms=[1.0, 1.0])


# Uncertainty weighting and DWA -------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", ["gaussian", "softmax"])
def test_uncertainty_weighting_is_adam_on_kendalls_loss(likelihood: str) -> None:
    rng = np.random.default_rng(0)
    rule = UncertaintyWeighting(learning_rate=0.05, likelihood=likelihood)  # type: ignore[arg-type]
    state = rule.init(3)
    s = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([s], lr=0.05)
    factor = 0.5 if likelihood == "gaussian" else 1.0
    for _ in range(20):
        losses = rng.uniform(0.1, 5.0, 3)
        values = torch.tensor(losses, requires_grad=True)
        optimizer.zero_grad()
        (factor * torch.exp(-s) * values + 0.5 * s).sum().backward()
        step = rule.combine(losses, state)
        assert values.grad is not None
        np.testing.assert_allclose(step.weights, values.grad.numpy(), rtol=1e-9)
        optimizer.step()
        state = step.state
        np.testing.assert_allclose(state.log_variances, s.detach().numpy(), rtol=1e-6, atol=1e-9)


def test_uncertainty_weighting_starts_as_torchjds() -> None:
    values = torch.tensor([1.0, 2.0], requires_grad=True)
    scalarization.UW(2)(values).backward()
    assert values.grad is not None
    ours = UncertaintyWeighting().combine([1.0, 2.0], UncertaintyWeighting().init(2))
    np.testing.assert_allclose(ours.weights, values.grad.numpy())


def test_dwa_is_torchjds_when_all_are_active() -> None:
    rng = np.random.default_rng(0)
    rule, state, theirs = DWA(), DWA().init(3), scalarization.DWA()
    for _ in range(5):
        for _ in range(4):
            losses = rng.uniform(0.1, 2.0, 3)
            values = torch.tensor(losses, requires_grad=True)
            theirs(values).backward()
            step = rule.combine(losses, state)
            assert values.grad is not None
            np.testing.assert_allclose(step.weights, values.grad.numpy(), rtol=1e-9)
            state = step.state
        theirs.step()
        state = rule.end_epoch(state)


def test_dwa_counts_a_tasks_own_epochs() -> None:
    rule = DWA()
    state = rule.init(2)
    state = rule.end_epoch(rule.combine([4.0, 1.0], state).state)
    state = rule.end_epoch(rule.combine([np.nan, 0.5], state, (1,)).state)
    assert np.isnan(state.before_last[0])
    state = rule.end_epoch(rule.combine([1.0, np.nan], state, (0,)).state)
    assert state.last.tolist() == [1.0, 0.5]
    assert state.before_last.tolist() == [4.0, 1.0]
    weights = rule.combine([1.0, 1.0], state).weights
    assert weights[1] > weights[0]
    assert weights.sum() == pytest.approx(2.0)
    zero = DWA()
    start = zero.init(1)
    for loss in (0.0, 1.0):
        start = zero.end_epoch(zero.combine([loss], start).state)
    assert zero.combine([1.0], start).status is Status.DEGENERATE


# The warm start ----------------------------------------------------------------------------------


@pytest.mark.parametrize("afterwards", ["ones", "last"])
def test_the_warm_start_is_gradnorm_and_then_the_schedule(afterwards: str) -> None:
    rng = np.random.default_rng(0)
    plain, warm = GradNorm(), GradNormWarmStart(6, afterwards)  # type: ignore[arg-type]
    one, two = plain.init(3), warm.init(3)
    for _ in range(6):
        losses, norms = rng.uniform(0.5, 2.0, (2, 3))
        assert warm.warming(two)
        assert warm.active(two, (1,)) == (0, 1, 2)
        expected = plain.combine(losses, one, gradient_norms=norms)
        found = warm.combine(losses, two, warm.active(two, (1,)), gradient_norms=norms)
        np.testing.assert_array_equal(found.weights, expected.weights)
        one, two = expected.state, found.state
    assert not warm.warming(two)
    assert warm.active(two, (1,)) == (1,)
    after = warm.combine(np.ones(3), two, (1,))
    value = 1.0 if afterwards == "ones" else one.weights[1]
    np.testing.assert_array_equal(after.weights, [0.0, value, 0.0])
    np.testing.assert_array_equal(after.state.gradnorm.weights, one.weights)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FAMO(learning_rate=0.0),
        lambda: FAMO(weight_decay=-1.0),
        lambda: FAMO(epsilon=np.nan),
        lambda: FAMO(lower_bound=np.inf),
        lambda: GradNorm(alpha=-1.0),
        lambda: GradNorm(learning_rate=np.nan),
        lambda: GradNorm(min_weight=0.0),
        lambda: GradNorm(min_weight=1.0),
        lambda: UncertaintyWeighting(learning_rate=-1.0),
        lambda: UncertaintyWeighting(likelihood="poisson"),  # type: ignore[arg-type]
        lambda: DWA(temperature=0.0),
        lambda: GradNormWarmStart(-1),
        lambda: GradNormWarmStart(True),
        lambda: GradNormWarmStart(1, "never"),  # type: ignore[arg-type]
        lambda: FAMO().init(0),
    ],
)
def test_wrong_options_are_refused(make: Thing) -> None:
    with pytest.raises(InvalidInputError):
        make()
