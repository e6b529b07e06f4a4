"""Appendix C's closed forms: against definitions, counterexamples, and the forms that hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from songoku_theory.bounds import comparison as bounds
from songoku_theory.errors import InvalidInputError

seeds = st.integers(0, 2**32 - 1)


def quadratics(
    seed: int, classes: int, dim: int
) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """Class gradients at 0 and Hessians, indefinite, sometimes aligned; L and the L_r."""
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((classes, dim)) * rng.uniform(0, 2, (classes, 1))
    square = rng.standard_normal((classes, dim, dim))
    hessians = (square + square.transpose(0, 2, 1)) / 2
    lip = float(np.linalg.norm(hessians.sum(axis=0), 2))
    return start, hessians, lip, np.linalg.norm(hessians, 2, axis=(1, 2))


def walk(start: np.ndarray, hessians: np.ndarray, eta: float) -> tuple[np.ndarray, ...]:
    """Steps, full gradients where they are taken, and mean Hessian products along the path."""
    place = np.zeros(start.shape[1])
    total, bend = start.sum(axis=0), hessians.sum(axis=0)
    steps, full = [], []
    for gradient, hessian in zip(start, hessians, strict=True):
        steps.append(gradient + hessian @ place)
        full.append(total + bend @ place)
        place = place - eta * steps[-1]
    path = np.stack(steps)
    return path, np.stack(full), path @ bend, total @ place + place @ bend @ place / 2


@given(seeds, st.integers(2, 5), st.integers(1, 3), st.floats(0.05, 1.0))
def test_what_holds_for_every_number_of_classes(
    seed: int, classes: int, dim: int, share: float
) -> None:
    start, hessians, lip, lips = quadratics(seed, classes, dim)
    eta = share / max(lip, 1e-6)
    if eta > 1e3:
        return  # F is almost linear and the numbers overflow the comparison's tolerance
    path, full, products, end = walk(start, hessians, eta)
    gradient = start.sum(axis=0)
    at_start = start @ hessians.sum(axis=0)
    scale = 1e-9 * (1 + abs(end) + eta * (path**2).sum() + lip * eta**2 * (path**2).sum())
    scheduled = bounds.scheduled_bound(0.0, gradient, path, products, eta, lip)
    assert scheduled == pytest.approx(bounds.telescoped_bound(0, full, path, eta, lip), abs=scale)
    assert end <= scheduled + scale
    begin = bounds.start_bound(0.0, gradient, start, at_start, eta, lip)
    gap = bounds.start_gap(start, at_start, eta, lip)
    aggregated = bounds.aggregated_bound(0.0, gradient, eta, lip)
    assert begin == pytest.approx(aggregated + gap, abs=scale)
    for third in (0.0, None):
        penalty = bounds.corrected_drift_penalty(start, lips, eta, lip, third)
        assert scheduled - begin <= penalty + scale
    envelope = bounds.gap_envelope(start, penalty, eta, lip)
    assert bounds.gap_bound(start, at_start, penalty, eta, lip) <= envelope + scale
    grown = bounds.corrected_norms(start, lips, eta)
    assert (np.linalg.norm(path, axis=1) <= grown * (1 + 1e-9) + scale).all()


@given(seeds, st.integers(2, 4), st.floats(0.1, 1.0))
def test_condition_59_is_the_bound_of_theorem_6_below_zero(
    seed: int, classes: int, share: float
) -> None:
    start, hessians, lip, lips = quadratics(seed, classes, 3)
    eta, products = share / lip, start @ hessians.sum(axis=0)
    penalty = bounds.drift_penalty(start, 0.01 * lips, eta, lip)
    negative = bounds.gap_bound(start, products, penalty, eta, lip) < 0
    holds = bounds.condition_59(start, products, penalty, eta, lip)
    assert holds == (negative and bounds.condition_57(start, products))
    assert (bounds.margins(start, products) <= lip * (1 + 1e-9)).all()


def test_the_integral_is_the_difference_of_gradients() -> None:
    """F = sum of sin: H = diag(-sin), integrated numerically."""
    place, vector, eta = np.array([0.3, -1.2]), np.array([2.0, 0.7]), 0.8
    found = bounds.mean_hessian_product(np.cos(place), np.cos(place - eta * vector), eta)
    for axis in range(2):
        wanted = quad(lambda t, i=axis: -np.sin((place - t * eta * vector)[i]) * vector[i], 0, 1)
        assert found[axis] == pytest.approx(wanted[0], abs=1e-10)


def test_eq_49_is_no_upper_bound_for_three_classes() -> None:
    """F' = 3 + min(u, 0): L = eta = 1, F ends at -5/2, eq. 49 says -7/2, the path -5/2."""

    def slope(u: float) -> float:
        return 3 + min(u, 0.0)

    path = np.array([3.0, -1.0, slope(-2.0) - 2.0])
    assert path.tolist() == [3.0, -1.0, -1.0]
    ends = -np.cumsum(path)
    value = 3 * ends[-1] + ends[-1] ** 2 / 2
    printed = [slope(0.0) - slope(-step) for step in path]
    found = bounds.scheduled_bound(0.0, [3.0], path[:, None], np.array(printed)[:, None], 1.0, 1.0)
    full = [slope(place) for place in (0.0, *ends[:-1])]
    right = bounds.telescoped_bound(0.0, np.array(full)[:, None], path[:, None], 1.0, 1.0)
    assert (value, float(found), float(right)) == (-2.5, -3.5, -2.5)


def test_eq_55_fails_for_the_third_class_and_its_corrected_form_is_attained() -> None:
    start, hessians = np.array([[1.0], [0.0], [0.0]]), np.array([[[0.0]], [[-1.0]], [[1.0]]])
    path = np.abs(walk(start, hessians, 1.0)[0][:, 0])
    lips = np.array([0.0, 1.0, 1.0])
    assert path.tolist() == [1.0, 1.0, 2.0]
    assert bounds.drift_norms(start, lips, 1.0).tolist() == [1.0, 1.0, 1.0]
    assert bounds.corrected_norms(start, lips, 1.0).tolist() == [1.0, 1.0, 2.0]


def test_eq_56_is_too_small_for_two_classes_and_its_corrected_form_is_attained() -> None:
    start, hessians = np.array([[1.0], [0.0]]), np.array([[[-2.0]], [[1.0]]])
    path, full, _, _ = walk(start, hessians, 1.0)
    scheduled = bounds.telescoped_bound(0.0, full, path, 1.0, 1.0)
    begin = bounds.start_bound(0.0, [1.0], start, -start, 1.0, 1.0)
    lips = np.array([2.0, 1.0])
    assert scheduled - begin == 2.5
    assert bounds.drift_penalty(start, lips, 1.0, 1.0) == 1.5
    assert bounds.corrected_drift_penalty(start, lips, 1.0, 1.0) == 2.5


def test_conflict_makes_the_scheduled_bound_looser() -> None:
    """Flat directions, H = 0: the gap is -L <G_1, G_2>, positive under conflict."""
    start = np.array([[1.0, 0.0], [-0.8, 0.6]])
    gap = bounds.start_gap(start, np.zeros_like(start), 0.5, 2.0)
    assert gap == pytest.approx(0.25 * 2.0 * 0.8)


@settings(max_examples=40)
@given(seeds, st.integers(2, 4))
def test_the_criterion_is_the_second_order_term(seed: int, classes: int) -> None:
    """The remainder is O(eta^3): halving eta divides it by about 8; bounded here by C eta^3."""
    start, hessians, _, _ = quadratics(seed, classes, 3)
    gradient, bend = start.sum(axis=0), hessians.sum(axis=0)
    products = np.einsum("qij,pj->pqi", hessians, start)
    size = 1 + np.abs(hessians).max() * 3
    for eta in (1e-2, 1e-3):
        end = walk(start, hessians, eta)[3]
        aggregated = -eta * gradient @ gradient + eta**2 / 2 * gradient @ bend @ gradient
        predicted = bounds.order_criterion(gradient, products, eta)
        energy = 1 + (start**2).sum()
        assert abs(end - aggregated - predicted) <= 50 * energy * size**2 * classes**3 * eta**3


def test_the_random_order_criterion_is_the_mean_over_orders() -> None:
    from itertools import permutations

    start, hessians, _, _ = quadratics(3, 4, 3)
    gradient = start.sum(axis=0)
    products = np.einsum("qij,pj->pqi", hessians, start)
    each = [
        bounds.order_criterion(gradient, products[np.ix_(order, order)], 0.3)
        for order in permutations(range(4))
    ]
    mean = bounds.random_order_criterion(gradient, products, 0.3)
    assert np.mean(each) == pytest.approx(float(mean), rel=1e-12)
    # grad Phi by its definition: sum over pairs of J_p G_q + J_q G_p
    phi = sum(hessians[p] @ start[q] + hessians[q] @ start[p] for p in range(4) for q in range(p))
    assert mean == pytest.approx(0.3**2 / 2 * gradient @ phi)


def test_a_shared_hessian_never_favours_scheduling() -> None:
    start = np.random.default_rng(0).standard_normal((3, 2))
    products = np.broadcast_to(start[:, None, :], (3, 3, 2))  # H = I for every class
    gradient = start.sum(axis=0)
    found = bounds.random_order_criterion(gradient, products, 1.0)
    assert found == pytest.approx(gradient @ gradient)  # (m - 1) / 2 = 1 times h |grad F|^2


def test_the_contraction_factor_and_its_promise() -> None:
    factor = bounds.contraction_factor(0.2, np.array([0.5, 1.0]), 1.0)
    np.testing.assert_allclose(factor, [1 - 0.4 * 0.5 * 0.75, 0.8])
    bound = bounds.scheduled_contraction(2.0, -0.5, 0.2, 1.0, 1.0)
    assert bound == pytest.approx(2.1)
    assert bounds.contraction_is_vacuous(bound, 2.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bounds.aggregated_bound(0, [1.0], 0.0, 1.0),
        lambda: bounds.aggregated_bound(0, [np.inf], 1.0, 1.0),
        lambda: bounds.aggregated_bound(0, [1.0], 1.0, -1.0),
        lambda: bounds.interactions([1.0], [1.0]),
        lambda: bounds.order_criterion([1.0], [[1.0]], 1.0),
        lambda: bounds.drift_penalty([[1.0]], [-1.0], 1.0, 1.0),
        lambda: bounds.scheduled_contraction(-1.0, 0.0, 0.1, 1.0, 1.0),
    ],
)
def test_impossible_arguments_are_refused(call: object) -> None:
    with pytest.raises(InvalidInputError):
        call()  # type: ignore[operator]
