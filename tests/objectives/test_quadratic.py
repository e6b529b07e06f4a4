"""Quadratic tasks: derivatives, exact constants, and conflict set apart from curvature."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.generators.realise import random_frame
from simulations.objectives import (
    COUPLINGS,
    Coupling,
    MultiTaskObjective,
    QuadraticTasks,
    dense_hessians,
    plant_quadratics,
    total_gradient,
    total_loss,
)
from songoku_theory.errors import InvalidInputError, UnknownNameError

COSINES = [[1.0, -0.4, 0.2], [-0.4, 1.0, -0.3], [0.2, -0.3, 1.0]]
SPECTRUM = [0.1, 0.5, 1.0, 3.0]


def planted(coupling: Coupling, seed: int = 0) -> QuadraticTasks:
    rng = np.random.default_rng(seed)
    return plant_quadratics(COSINES, SPECTRUM, coupling, rng, norms=[1.0, 2.0, 0.5])


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_the_conflict_at_the_origin_is_the_wanted_one_under_every_coupling(
    coupling: Coupling,
) -> None:
    tasks = planted(coupling)
    gradients = tasks.gradients(np.zeros(4))
    lengths = np.linalg.norm(gradients, axis=1)
    np.testing.assert_allclose(lengths, [1.0, 2.0, 0.5], rtol=1e-10)
    np.testing.assert_allclose(
        gradients @ gradients.T / np.outer(lengths, lengths), COSINES, atol=1e-10
    )
    np.testing.assert_allclose(gradients, planted("shared").gradients(np.zeros(4)), atol=1e-10)
    for hessian in tasks.hessians:
        np.testing.assert_allclose(np.linalg.eigvalsh(hessian), SPECTRUM, atol=1e-12)


def test_couplings_are_what_they_say() -> None:
    def commutator(tasks: QuadraticTasks) -> float:
        pairs = itertools.combinations(tasks.hessians, 2)
        return max(float(np.abs(a @ b - b @ a).max()) for a, b in pairs)

    shared, commuting, free = (planted(c) for c in ("shared", "commuting", "random"))
    assert np.abs(shared.hessians - shared.hessians[0]).max() == 0
    assert commutator(commuting) < 1e-12
    assert np.abs(commuting.hessians - commuting.hessians[0]).max() > 0.1
    assert commutator(free) > 0.1


def cross(tasks: QuadraticTasks) -> float:
    """Sum over p < q of <H g_p, g_q>, written out."""
    gradients, total = tasks.gradients(np.zeros(tasks.dim)), tasks.hessians.sum(axis=0)
    return sum(float(p @ total @ q) for p, q in itertools.combinations(gradients, 2))


def order_term(tasks: QuadraticTasks) -> float:
    """<grad F, grad Phi> by central differences of Phi, which is a quadratic: exact to rounding."""

    def phi(x: np.ndarray) -> float:
        return sum(float(p @ q) for p, q in itertools.combinations(tasks.gradients(x), 2))

    basis = np.eye(tasks.dim)
    slope = np.array([(phi(e) - phi(-e)) / 2 for e in basis])
    return float(total_gradient(tasks, np.zeros(tasks.dim)) @ slope)


@pytest.mark.parametrize(
    ("value", "high", "low"),
    [(cross, "aligned", "opposed"), (order_term, "against_schedule", "for_schedule")],
)
def test_no_choice_of_eigenvectors_passes_the_adversaries(
    value: object, high: Coupling, low: Coupling
) -> None:
    """400 random rotations of the adversary's eigenvectors, small and large, and random ones."""
    assert callable(value)
    rng = np.random.default_rng(5)
    most, least = value(planted(high)), value(planted(low))
    assert most > least + 0.5
    gradients = planted(high).gradients(np.zeros(4))
    for trial, coupling in itertools.product(range(100), (high, low)):
        size = 10.0 ** rng.uniform(-3, 0)
        hessians = []
        for hessian in planted(coupling).hessians:
            turn = np.linalg.qr(np.eye(4) + size * rng.standard_normal((4, 4)))[0]
            frame = turn if trial % 2 else random_frame(rng, 4, 4)
            hessians.append(frame @ hessian @ frame.T)
        centers = -np.linalg.solve(np.array(hessians), gradients[..., None])[..., 0]
        found = value(QuadraticTasks(hessians, centers))
        assert least - 1e-9 <= found <= most + 1e-9


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_constants_are_attained_and_never_broken(seed: int, count: int, dim: int) -> None:
    """L, L_k, mu and F* hold at random points and are attained along eigenvectors."""
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((count, dim, dim))
    tasks = QuadraticTasks(roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(dim),
                           rng.standard_normal((count, dim)))  # fmt: skip
    known = tasks.constants
    x, y = 3 * rng.standard_normal((2, 50, dim))
    apart = np.linalg.norm(x - y, axis=-1)
    changes = tasks.gradients(x) - tasks.gradients(y)
    assert (np.linalg.norm(changes, axis=-1) <= known.task_smoothness * apart[:, None] + 1e-9).all()
    assert (np.linalg.norm(changes.sum(axis=1), axis=-1) <= known.smoothness * apart + 1e-9).all()
    gap = total_loss(tasks, x) - known.optimum
    square = (total_gradient(tasks, x) ** 2).sum(axis=-1)
    assert (gap >= -1e-9).all()
    assert (square / 2 >= known.pl * gap * (1 - 1e-9)).all()
    assert np.abs(total_gradient(tasks, tasks.minimizer)).max() < 1e-8
    slowest = np.linalg.eigh(tasks.total_hessian)[1][:, 0]
    tight = tasks.minimizer + slowest
    assert (total_gradient(tasks, tight) ** 2).sum() / 2 == pytest.approx(
        known.pl * (total_loss(tasks, tight) - known.optimum), rel=1e-6
    )


def test_derivatives_are_the_losses_derivatives_for_any_batch() -> None:
    tasks = planted("random")
    assert isinstance(tasks, MultiTaskObjective)
    rng = np.random.default_rng(1)
    x, v = rng.standard_normal((2, 2, 3, 4))
    step = 1e-3  # central differences of a quadratic are exact whatever the step
    slopes = (tasks.losses(x + step * v) - tasks.losses(x - step * v)) / (2 * step)
    np.testing.assert_allclose(np.einsum("...kd,...d->...k", tasks.gradients(x), v), slopes,
                               atol=1e-10)  # fmt: skip
    bends = (tasks.gradients(x + step * v) - tasks.gradients(x - step * v)) / (2 * step)
    np.testing.assert_allclose(tasks.hessian_vectors(x, v), bends, atol=1e-10)
    np.testing.assert_allclose(dense_hessians(tasks, x[0, 0]), tasks.hessians, atol=1e-12)
    np.testing.assert_array_equal(tasks.gradients(x)[1, 2], tasks.gradients(x[1, 2]))


def test_a_groups_smoothness_is_of_its_sum_and_not_the_sum_of_smoothnesses() -> None:
    tasks = QuadraticTasks([np.diag([3.0, 0.0]), np.diag([-2.0, 1.0])], np.zeros((2, 2)))
    assert tasks.group_smoothness([0]) == 3.0
    assert tasks.group_smoothness([1]) == 2.0
    assert tasks.group_smoothness([0, 1]) == 1.0


def test_what_has_no_minimum_or_no_certificate_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="positive semidefinite"):
        QuadraticTasks([np.diag([1.0, -1.0])], [[0.0, 0.0]])
    tilt = [np.diag([1.0, 1.0]), np.diag([1.0, -1.0])]
    with pytest.raises(InvalidInputError, match="does not vanish"):
        QuadraticTasks(tilt, [[0.0, 1.0], [0.0, 0.0]])
    assert QuadraticTasks(tilt, [[0.0, 1.0], [0.0, 1.0]]).constants.pl == 2.0
    with pytest.raises(InvalidInputError, match="can't be certified"):
        QuadraticTasks([np.diag([1.0, 1e-10])], [[0.0, 0.0]])
    with pytest.raises(InvalidInputError, match="symmetric"):
        QuadraticTasks([[[1.0, 0.5], [0.0, 1.0]]], [[0.0, 0.0]])


def test_impossible_requests_are_refused() -> None:
    rng = np.random.default_rng(0)
    everyone = 1.7 * np.eye(3) - 0.7
    with pytest.raises(InvalidInputError, match="no vectors have these cosines"):
        plant_quadratics(everyone, SPECTRUM, "random", rng)
    with pytest.raises(InvalidInputError, match="span 3 dimensions"):
        plant_quadratics(COSINES, [1.0, 2.0], "random", rng)
    with pytest.raises(UnknownNameError, match="'aligned'"):
        plant_quadratics(COSINES, SPECTRUM, "alligned", rng)  # type: ignore[arg-type]
