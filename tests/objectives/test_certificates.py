"""Every certified constant is attacked: by sampling, by climbing, by rational intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from simulations.objectives import (
    MultiTaskObjective,
    NetworkTasks,
    SineSquareTasks,
    WaveTasks,
    dense_hessians,
    plant_network,
    total_gradient,
    total_loss,
)
from simulations.objectives.base import Constants
from simulations.objectives.certificates import (
    SINE_SQUARE_PL,
    sine_square_is_pl,
    sine_square_ratio,
)
from songoku_theory.errors import InvalidInputError

Points = Callable[[MultiTaskObjective, int, np.random.Generator], np.ndarray]


def broken(tasks: MultiTaskObjective, known: Constants, x: np.ndarray, y: np.ndarray) -> set[str]:
    """Name the constants that the points x, y of shape (n, d) contradict."""
    found: set[str] = set()
    apart = np.linalg.norm(x - y, axis=-1)
    mine = tasks.gradients(x)
    change = mine - tasks.gradients(y)
    room = 1e-9 * (1 + np.abs(mine).max())
    if (np.linalg.norm(change.sum(axis=1), axis=-1) > known.smoothness * apart + room).any():
        found.add("smoothness")
    if (np.linalg.norm(change, axis=-1) > known.task_smoothness * apart[:, None] + room).any():
        found.add("task_smoothness")
    gap = total_loss(tasks, x) - known.optimum
    if (gap < -room).any():
        found.add("optimum")
    square = (mine.sum(axis=1) ** 2).sum(axis=-1)
    if (square / 2 < known.pl * gap * (1 - 1e-9) - room).any():
        found.add("pl")
    bound = known.gradient_bound
    if bound is not None and (np.linalg.norm(mine, axis=-1) > bound + room).any():
        found.add("gradient_bound")
    return found


def pairs(
    tasks: MultiTaskObjective, points: Points, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Points far apart and points next to one another."""
    x, y = points(tasks, 3000, rng), points(tasks, 3000, rng)
    y[::2] = x[::2] + 1e-4 * (y[::2] - x[::2])
    return x, y


def test_sampled_points_contradict_no_constant(
    objective: MultiTaskObjective, points: Points
) -> None:
    x, y = pairs(objective, points, np.random.default_rng(0))
    assert broken(objective, objective.constants, x, y) == set()


def test_the_attack_finds_constants_that_are_wrong(
    objective: MultiTaskObjective, points: Points
) -> None:
    """The attack above would pass for nothing if it found nothing on planted errors."""
    known = objective.constants
    x, y = pairs(objective, points, np.random.default_rng(0))
    wrong = replace(
        known,
        smoothness=known.smoothness * 0.05,
        task_smoothness=known.task_smoothness * 0.05,
        optimum=known.optimum + 1e3,
        pl=known.pl * 1e3,
        gradient_bound=None if known.gradient_bound is None else known.gradient_bound * 0.3,
    )
    found = broken(objective, wrong, x, y)
    assert {"smoothness", "task_smoothness", "optimum"} <= found
    if known.gradient_bound is not None:
        assert "gradient_bound" in found
    if known.pl > 0:
        assert "pl" in broken(objective, replace(known, pl=known.pl * 1e3), x, y)


def test_climbing_cannot_push_below_the_pl_constant(
    objective: MultiTaskObjective, points: Points
) -> None:
    """Minimise |grad F|^2 / (2 (F - F*)) from many starts, inside the region."""
    known = objective.constants
    rng = np.random.default_rng(3)

    def inside(x: np.ndarray) -> np.ndarray:
        if known.region is None:
            return x
        away = x - known.region.center
        length = float(np.linalg.norm(away))
        return known.region.center + away * min(1.0, known.region.radius / max(length, 1e-300))

    def ratio(x: np.ndarray) -> tuple[float, np.ndarray]:
        at = inside(x)
        gap = float(total_loss(objective, at)) - known.optimum
        slope = total_gradient(objective, at)
        square = float(slope @ slope)
        if gap < 1e-7:
            return known.smoothness, np.zeros_like(x)
        bent = objective.hessian_vectors(at, slope).sum(axis=0)
        return square / (2 * gap), bent / gap - square * slope / (2 * gap**2)

    lowest = min(
        minimize(ratio, start, jac=True, method="L-BFGS-B", options={"maxiter": 150}).fun
        for start in points(objective, 8, rng)
    )
    if known.pl == 0:
        assert lowest < 0.02 * known.smoothness  # rightly, none is claimed
        return
    assert lowest >= known.pl * (1 - 1e-6)
    assert lowest < 40 * known.pl  # the climb gets somewhere: the constant is not absurdly small


def test_derivatives_match_differences(objective: MultiTaskObjective, points: Points) -> None:
    rng = np.random.default_rng(2)
    x = (
        points(objective, 4, rng) * 0.3
        if objective.constants.region is None
        else points(objective, 4, rng)
    )
    v = rng.standard_normal(x.shape) / np.sqrt(objective.dim)
    step = 1e-5
    slopes = (objective.losses(x + step * v) - objective.losses(x - step * v)) / (2 * step)
    along = np.einsum("nkd,nd->nk", objective.gradients(x), v)
    np.testing.assert_allclose(along, slopes, rtol=1e-6, atol=1e-7)
    bends = (objective.gradients(x + step * v) - objective.gradients(x - step * v)) / (2 * step)
    np.testing.assert_allclose(objective.hessian_vectors(x, v), bends, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(objective.gradients(x)[2], objective.gradients(x[2]), rtol=1e-12)
    assert isinstance(objective, MultiTaskObjective)


def test_a_groups_constant_bounds_the_groups_hessian(
    objective: MultiTaskObjective, points: Points
) -> None:
    groups = [[0], [objective.num_tasks - 1], list(range(objective.num_tasks))]
    for x in points(objective, 3, np.random.default_rng(4)):
        hessians = dense_hessians(objective, x)
        np.testing.assert_allclose(hessians, hessians.transpose(0, 2, 1), atol=1e-9)
        for group in groups:
            norm = np.linalg.norm(hessians[group].sum(axis=0), ord=2)
            assert norm <= objective.group_smoothness(group) * (1 + 1e-9) + 1e-12


def test_the_best_pl_constant_of_the_sine_square_is_known_to_seven_digits() -> None:
    """Proved in rationals from below; a counterexample from above."""
    assert sine_square_is_pl(SINE_SQUARE_PL) is True
    assert sine_square_is_pl(SINE_SQUARE_PL + Fraction(1, 10**7)) is False
    assert sine_square_is_pl(Fraction(1, 32)) is True  # the constant that is quoted


@given(st.fractions(Fraction(1, 2), 4, max_denominator=10**6))
def test_the_rational_enclosure_holds_the_floats(z: Fraction) -> None:
    low, high = sine_square_ratio(z)
    value = float(z)
    slope = 2 * value + 3 * np.sin(2 * value)
    ratio = slope**2 / (2 * (value**2 + 3 * np.sin(value) ** 2))
    assert float(low) - 1e-12 <= ratio <= float(high) + 1e-12
    assert high - low < Fraction(1, 10**7)


@given(st.floats(-1e6, 1e6))
def test_no_float_contradicts_the_proved_constant(z: float) -> None:
    value = z**2 + 3 * np.sin(z) ** 2
    slope = 2 * z + 3 * np.sin(2 * z)
    assert slope**2 >= 2 * float(SINE_SQUARE_PL) * value * (1 - 1e-9)


def test_sine_squares_are_not_convex_and_their_smoothness_is_attained() -> None:
    rows = np.random.default_rng(0).standard_normal((2, 2, 5))
    tasks = SineSquareTasks(rows, [[0.5, -1.0], [2.0, 0.0]])
    stacked, target = rows.reshape(4, 5), np.array([0.5, -1.0, 2.0, 0.0])
    bottom = np.linalg.lstsq(stacked, target, rcond=None)[0]
    largest = np.linalg.eigvalsh(dense_hessians(tasks, bottom).sum(axis=0))[-1]
    assert largest == pytest.approx(tasks.constants.smoothness, rel=1e-10)
    ridge = np.linalg.lstsq(stacked, target + np.pi / 2, rcond=None)[0]
    assert np.linalg.eigvalsh(dense_hessians(tasks, ridge).sum(axis=0))[0] < -1


def test_waves_attain_their_constants() -> None:
    tasks = WaveTasks(np.eye(2), [[1.0, 2.0], [1.0, 0.5]], [[0.0, 0.0], [1.0, 2.0]])
    total = tasks.heights * np.exp(1j * tasks.phases)
    bottom = np.angle(total.sum(axis=0))
    known = tasks.constants
    assert float(total_loss(tasks, bottom)) == pytest.approx(known.optimum, abs=1e-12)
    curvature = dense_hessians(tasks, bottom).sum(axis=0)
    assert np.linalg.norm(curvature, ord=2) == pytest.approx(known.smoothness, rel=1e-12)
    top = bottom + np.array([np.pi, 0.0])  # stationary, not minimal: no mu > 0 is possible
    assert np.abs(total_gradient(tasks, top)).max() < 1e-12
    assert float(total_loss(tasks, top)) > known.optimum + 1


def test_a_minimum_with_no_loss_is_in_the_networks_ball() -> None:
    tasks = plant_network(2, 3, 4, 64, np.random.default_rng(1), distance=0.9)
    known = tasks.constants
    assert known.region is not None
    x = tasks.start.copy()
    for _ in range(2000):
        x -= total_gradient(tasks, x) / known.smoothness
    assert float(total_loss(tasks, x)) < 1e-12
    assert known.region.contains(x)


def test_the_networks_jacobian_is_as_lipschitz_as_said() -> None:
    """Attack c of step 1 at pairs in the ball and far outside: it holds everywhere."""
    tasks = plant_network(2, 3, 4, 32, np.random.default_rng(2))
    said = 4 / (3 * np.sqrt(3)) * np.linalg.norm(tasks.inputs, ord=2) * np.sqrt(2 / 32)
    rng, worst = np.random.default_rng(0), 0.0
    for size in 10.0 ** rng.uniform(-3, 1, 200):
        x = tasks.start * rng.random()
        y = x + size * rng.standard_normal(tasks.dim) / np.sqrt(tasks.dim)
        change = np.linalg.norm(tasks.jacobian(x) - tasks.jacobian(y), ord=2)
        worst = max(worst, float(change / np.linalg.norm(x - y)))
    assert 0.02 * said < worst <= said


def test_a_narrow_network_far_from_its_targets_gets_no_certificate() -> None:
    near = plant_network(2, 3, 4, 32, np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="larger width"):
        NetworkTasks(near.inputs, near.targets + 10.0, near.heads, near.start)
    with pytest.raises(InvalidInputError, match="no ball around the start"):
        plant_network(2, 9, 2, 4, np.random.default_rng(0))  # 18 outputs of 8 weights


def test_dependent_rows_get_no_certificate() -> None:
    with pytest.raises(InvalidInputError, match="independent"):
        SineSquareTasks([[[1.0, 0.0]], [[2.0, 0.0]]], [[0.0], [1.0]])
