"""Propositions 6 and 7 and the certificates: they hold, they are attained, they can say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from songoku_theory.bounds import descent as bounds
from songoku_theory.errors import InvalidInputError

# Squares of what lies below would underflow, and the bounds are about ratios anyway.
numbers = st.floats(-10, 10).map(lambda value: 0.0 if abs(value) < 1e-3 else value)
gradients = st.tuples(st.integers(1, 6), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=numbers)
)
SLACK = 1e-9


def gram_of(vectors: np.ndarray) -> np.ndarray:
    return vectors @ vectors.T


def simplex(size: int, cosine: float) -> np.ndarray:
    """Gram matrix of unit vectors with one cosine between all pairs."""
    return (1 - cosine) * np.eye(size) + cosine


@given(gradients)
def test_every_lower_bound_on_the_ratio_holds(vectors: np.ndarray) -> None:
    gram = gram_of(vectors)
    tau, ratio = bounds.compatibility(gram), bounds.descent_ratio(gram)
    worst = bounds.class_descent_bound(tau, len(vectors))
    norms = bounds.norm_aware_bound(gram, tau)
    data = 1 - bounds.conflict_ratio(gram)
    assert ratio >= data - SLACK
    assert data >= norms - SLACK
    assert norms >= worst - SLACK


@given(gradients)
def test_the_chain_of_certificates_of_the_conflict_ratio(vectors: np.ndarray) -> None:
    gram = gram_of(vectors)
    tau = bounds.compatibility(gram)
    eigenvalue, degree = bounds.conflict_eigenvalue(gram), bounds.conflict_degree_bound(gram, tau)
    assert bounds.conflict_ratio(gram) <= eigenvalue + SLACK
    assert eigenvalue <= degree + SLACK
    assert degree <= tau * (len(vectors) - 1) + SLACK


@given(gradients, st.data())
def test_slopes_of_members_and_of_the_objective_respect_their_certificates(
    vectors: np.ndarray, data: st.DataObject
) -> None:
    gram = gram_of(vectors)
    tau = bounds.compatibility(gram)
    total = vectors.sum(axis=0)
    slopes = bounds.member_slopes(gram)
    np.testing.assert_allclose(slopes, vectors @ total, atol=1e-8)
    assert (slopes >= bounds.member_descent_bound(gram, tau) - 1e-8).all()
    members = np.array(data.draw(st.lists(st.booleans(), min_size=len(gram), max_size=len(gram))))
    slope = bounds.objective_slope(gram, members)
    assert slope == pytest.approx(vectors[members].sum(axis=0) @ total, abs=1e-8)
    # sqrt of a rounded zero: 1e-6 where norms are some tens
    assert slope >= bounds.objective_descent_bound(gram, members) - 1e-4
    rest = bounds.objective_slope(gram, ~members)
    assert slope + rest == pytest.approx(total @ total, abs=1e-8)


@pytest.mark.parametrize(("size", "tau"), [(2, 0.9), (3, 0.3), (4, 1 / 3), (6, 0.05)])
def test_proposition_6_is_attained_where_it_says_something(size: int, tau: float) -> None:
    gram = simplex(size, -tau)
    assert bounds.compatibility(gram) == pytest.approx(tau)
    bound = bounds.class_descent_bound(tau, size)
    assert bounds.descent_ratio(gram) == pytest.approx(bound, abs=1e-12)


def test_vacuous_exactly_from_tau_times_size_less_one_on() -> None:
    tau = np.array([0.1, 0.25, 0.25, 0.5])
    size = np.array([10, 4, 5, 3])
    bound = bounds.class_descent_bound(tau, size)
    assert bounds.descent_is_vacuous(bound).tolist() == [False, False, True, True]


def test_a_class_of_one_descends_fully_and_zero_gradients_conflict_with_nobody() -> None:
    assert bounds.class_descent_bound(0.7, 1) == 1.0
    gram = np.diag([4.0, 0.0])
    assert bounds.descent_ratio(gram) == 1.0
    assert bounds.compatibility(gram) == 0.0
    assert bounds.conflict_eigenvalue(gram) == 0.0
    assert bounds.descent_ratio(np.zeros((3, 3))) == 1.0
    assert bounds.conflict_ratio(np.zeros((3, 3))) == 0.0


def test_compatible_classes_may_raise_a_member_and_the_objective() -> None:
    """(1, 0) and (-3, 4) are compatible at tau = 3/5, and 1 - tau > 0."""
    gram = np.array([[1.0, -3.0], [-3.0, 25.0]])
    assert bounds.compatibility(gram) <= 0.6
    assert bounds.class_descent_bound(0.6, 2) > 0
    assert bounds.member_slopes(gram)[0] == -2.0
    assert bounds.member_descent_bound(gram, 0.6)[0] == pytest.approx(-2.0)
    lone = np.array([[1.0, -2.0], [-2.0, 4.0]])
    assert bounds.objective_slope(lone, np.array([True, False])) == -1.0


def test_stacks_give_what_single_matrices_give() -> None:
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal((7, 4, 3))
    grams = vectors @ vectors.transpose(0, 2, 1)
    for function in (
        bounds.compatibility, bounds.descent_ratio, bounds.conflict_ratio,
        bounds.conflict_eigenvalue, bounds.member_slopes,
    ):  # fmt: skip
        each = np.stack([function(gram) for gram in grams])
        np.testing.assert_allclose(function(grams), each, rtol=1e-12)
    taus = np.linspace(0, 1, 7)
    each = np.stack([bounds.member_descent_bound(g, t) for g, t in zip(grams, taus, strict=True)])
    np.testing.assert_allclose(bounds.member_descent_bound(grams, taus), each, rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bounds.descent_ratio(np.zeros((2, 3))),
        lambda: bounds.descent_ratio([[np.nan]]),
        lambda: bounds.conflict_ratio([[-1.0]]),
        lambda: bounds.class_descent_bound(1.5, 2),
        lambda: bounds.class_descent_bound(np.nan, 2),
        lambda: bounds.class_descent_bound(0.5, 0),
        lambda: bounds.class_descent_bound(0.5, 1.5),
        lambda: bounds.objective_slope(np.eye(2), [1, 0]),
        lambda: bounds.objective_slope(np.eye(2), [True]),
    ],
)
def test_impossible_arguments_are_refused(call: object) -> None:
    with pytest.raises(InvalidInputError):
        call()  # type: ignore[operator]
