"""One refresh in every order, against a plain loop over Definitions C.1 and C.2."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.comparison.contraction import contract
from simulations.comparison.instances import FAMILIES, Wanted, check_wanted, draw_instance
from simulations.comparison.refresh import class_orders, compare_refresh
from simulations.objectives import QuadraticTasks, total_gradient, total_loss
from songoku_theory.errors import InvalidInputError


def instance(family: str, seed: int, classes: int = 3) -> tuple:
    wanted = Wanted(
        family=family, num_classes=classes, cosine=-0.2, imbalance=2.0,
        dim=256 if family == "network" else 6,
    )  # fmt: skip
    check_wanted(wanted)
    return draw_instance(wanted, np.random.default_rng(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_order_is_the_loop_of_definition_c2(family: str) -> None:
    objective, point, constant = instance(family, 1)
    eta = 0.7 / objective.constants.smoothness
    classes = [[0], [1], [2]]
    found = compare_refresh(objective, classes, point, eta, constant_hessian=constant)
    before = total_loss(objective, point)
    for index, order in enumerate(permutations(range(3))):
        place, bound = point.copy(), 0.0
        for task in order:
            step = objective.gradients(place)[task]
            full = total_gradient(objective, place)
            bound += -eta * full @ step + objective.constants.smoothness * eta**2 / 2 * step @ step
            place = place - eta * step
        assert found.scheduled[index] == pytest.approx(total_loss(objective, place) - before)
        np.testing.assert_allclose(found.ends[index], place, rtol=1e-12)
        assert found.telescoped[index] == pytest.approx(bound)
    gradient = total_gradient(objective, point)
    aggregated = total_loss(objective, point - eta * gradient) - before
    assert found.aggregated == pytest.approx(aggregated)


@settings(max_examples=25)
@given(st.sampled_from(FAMILIES[:4]), st.integers(0, 10**6), st.integers(2, 4), st.floats(0.05, 1))
def test_what_is_true_is_true_on_every_instance(
    family: str, seed: int, classes: int, share: float
) -> None:
    objective, point, constant = instance(family, seed, classes)
    found = compare_refresh(
        objective,
        [[task] for task in range(classes)],
        point,
        share / objective.constants.smoothness,
        constant_hessian=constant,
    )
    slack = 1e-9 * found.scale
    assert found.aggregated <= found.aggregated_bound + slack
    assert (found.scheduled <= found.telescoped + slack).all()
    assert (found.telescoped - found.aggregated_bound <= found.corrected + slack).all()
    assert not found.grown_corrected.any()
    assert found.criterion.mean() == pytest.approx(found.mean_criterion, abs=1e-9 * found.scale)
    if constant or classes == 2:
        np.testing.assert_allclose(found.printed, found.telescoped, atol=slack)


def test_classes_of_several_tasks_step_by_their_sum() -> None:
    rng = np.random.default_rng(2)
    hessians = np.stack([np.diag(rng.uniform(0.5, 2, 2)) for _ in range(4)])
    tasks = QuadraticTasks(hessians, rng.standard_normal((4, 2)))
    merged = QuadraticTasks(
        np.stack([hessians[:2].sum(axis=0), hessians[2:].sum(axis=0)]),
        np.stack(
            [
                np.linalg.solve(
                    hessians[pair].sum(axis=0),
                    np.einsum("kij,kj->i", hessians[pair], tasks.centers[pair]),
                )
                for pair in (slice(0, 2), slice(2, 4))
            ]
        ),
    )
    one = compare_refresh(tasks, [[0, 1], [2, 3]], np.ones(2), 0.1)
    two = compare_refresh(merged, [[0], [1]], np.ones(2), 0.1)
    np.testing.assert_allclose(one.scheduled, two.scheduled)
    np.testing.assert_allclose(one.promised, two.promised)


def test_a_partition_is_asked_for_and_orders_are_limited() -> None:
    tasks = QuadraticTasks([[[1.0]], [[1.0]]], [[1.0], [0.0]])
    with pytest.raises(InvalidInputError, match="each of the 2 tasks once"):
        compare_refresh(tasks, [[0], [0, 1]], np.zeros(1), 0.1)
    with pytest.raises(InvalidInputError, match="1 to 6 classes"):
        class_orders(7)


@pytest.mark.parametrize("coupling", ["for_schedule", "against_schedule"])
def test_the_extreme_couplings_decide_who_wins(coupling: str) -> None:
    wanted = Wanted(num_classes=3, cosine=-0.4, imbalance=2.0, coupling=coupling)
    for seed in range(10):
        drawn, point, _ = draw_instance(wanted, np.random.default_rng(seed))
        eta = 0.3 / drawn.constants.smoothness
        found = compare_refresh(drawn, [[0], [1], [2]], point, eta)
        wins = found.scheduled.mean() < found.aggregated
        assert wins == (coupling == "for_schedule") == (found.mean_criterion < 0)


@pytest.mark.parametrize("family", FAMILIES[:4])
@pytest.mark.parametrize("cosine", [-0.4, 0.5])
def test_instances_have_the_wanted_conflict_and_norms(family: str, cosine: float) -> None:
    wanted = Wanted(family=family, num_classes=3, cosine=cosine, imbalance=4.0)
    objective, point, _ = draw_instance(wanted, np.random.default_rng(0))
    gradients = objective.gradients(point)
    norms = np.linalg.norm(gradients, axis=1)
    cosines = gradients @ gradients.T / np.outer(norms, norms)
    np.testing.assert_allclose(cosines[np.triu_indices(3, 1)], cosine, atol=1e-9)
    np.testing.assert_allclose(norms / norms[0], [1, 0.5, 0.25], rtol=1e-9)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(num_classes=3, cosine=-0.6),
        Wanted(num_classes=3, cosine=-0.5, family="waves"),
        Wanted(num_classes=7, dim=6, cosine=0.1),
        Wanted(family="waves", coupling="shared"),
        Wanted(family="network", dim=33),
        Wanted(family="cubic"),
        Wanted(coupling="twisted"),
    ],
)
def test_what_can_not_exist_is_refused(wanted: Wanted) -> None:
    with pytest.raises(InvalidInputError):
        check_wanted(wanted)


@pytest.mark.parametrize("family", ["quadratic", "least_squares", "sine_square", "network"])
def test_eq_61_and_63_along_the_path_hold_on_runs(family: str) -> None:
    objective, point, constant = instance(family, 4, 2)
    steps, left = contract(
        objective, [[0], [1]], point, 1.0 / objective.constants.smoothness, 5,
        np.random.default_rng(0), random_order=True, constant_hessian=constant,
    )  # fmt: skip
    assert steps[0].index == 0
    assert not left
    for step in steps:
        assert not {"aggregated", "bound", "bound_corrected"} & set(step.wrong)
        assert step.aggregated <= step.factor + 1e-9
        assert step.vacuous == (step.bound >= 1)
