"""Tilts leave the sum alone, and noise has the variance that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.objectives import (
    GradientNoise,
    PlateauTasks,
    QuadraticTasks,
    TiltedTasks,
    conflicting_slopes,
    gradient_noise,
    total_gradient,
    total_loss,
)
from songoku_theory.errors import InvalidInputError


def test_a_tilt_changes_every_task_and_not_the_sum() -> None:
    rng = np.random.default_rng(0)
    base = QuadraticTasks([np.diag([1.0, 2.0])] * 3, rng.standard_normal((3, 2)))
    bends = np.array([np.diag([5.0, 0.0]), np.diag([-5.0, 1.0]), np.diag([0.0, -1.0])])
    tilted = TiltedTasks(base, conflicting_slopes(3, 2, 4.0, rng), bends)
    x = rng.standard_normal((20, 2))
    np.testing.assert_allclose(total_loss(tilted, x), total_loss(base, x), atol=1e-12)
    np.testing.assert_allclose(total_gradient(tilted, x), total_gradient(base, x), atol=1e-12)
    assert (np.abs(tilted.gradients(x) - base.gradients(x)).max(axis=(0, 2)) > 1).all()
    assert tilted.constants.smoothness == base.constants.smoothness
    assert tilted.constants.optimum == base.constants.optimum
    # The Hessian of task 0 is diag(6, 2): its own constant has to know the bend.
    assert tilted.constants.task_smoothness[0] >= 6.0
    assert tilted.group_smoothness([0]) >= 6.0


def test_tilts_that_do_not_cancel_are_refused() -> None:
    base = QuadraticTasks([np.eye(2)] * 2, np.zeros((2, 2)))
    with pytest.raises(InvalidInputError, match="sum to zero"):
        TiltedTasks(base, [[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(InvalidInputError, match="bends should be finite and sum to zero"):
        TiltedTasks(base, np.zeros((2, 2)), [np.eye(2), np.eye(2)])
    with pytest.raises(InvalidInputError, match="sum to 0"):
        PlateauTasks([0.5, 0.5], [[0.0, 1.0], [0.0, 0.0]])
    with pytest.raises(InvalidInputError, match="sum to 1"):
        PlateauTasks([0.5, 0.6], [[0.0, 1.0], [0.0, -1.0]])


@given(st.integers(2, 9), st.integers(0, 5), st.floats(0.1, 100))
def test_simplex_slopes_conflict_as_much_as_slopes_that_cancel_can(
    tasks: int, more: int, length: float
) -> None:
    slopes = conflicting_slopes(tasks, tasks - 1 + more, length, np.random.default_rng(0))
    gram = slopes @ slopes.T / length**2
    np.testing.assert_allclose(np.diag(gram), 1.0, atol=1e-9)
    np.testing.assert_allclose(gram[~np.eye(tasks, dtype=bool)], -1.0 / (tasks - 1), atol=1e-9)


@given(st.floats(0, 100), st.integers(1, 6), st.integers(1, 6), st.floats(0, 3), st.floats(0, 3))
def test_noise_energy_is_spread_and_never_lost(
    energy: float, tasks: int, dim: int, fades: float, narrows: float
) -> None:
    noise = gradient_noise(energy, tasks, dim, task_decay=fades, direction_decay=narrows)
    assert noise.total == pytest.approx(energy, rel=1e-12, abs=1e-12)
    assert (np.diff(noise.energies) <= 1e-12 * energy).all()
    assert (np.diff(noise.variances.sum(axis=0)) <= 1e-12 * energy).all()


def test_a_classes_noise_is_the_noise_of_its_tasks_summed() -> None:
    noise = GradientNoise([[1.0, 4.0], [3.0, 0.0], [5.0, 5.0]])
    deviations = noise.of_classes([[True, True, False], [False, False, True]])
    np.testing.assert_allclose(deviations**2, [[4.0, 4.0], [5.0, 5.0]], rtol=1e-12)
    with pytest.raises(InvalidInputError, match=">= 0"):
        GradientNoise([[-1.0]])
    with pytest.raises(InvalidInputError, match="task_decay"):
        gradient_noise(1.0, 2, 2, task_decay=-1.0)
