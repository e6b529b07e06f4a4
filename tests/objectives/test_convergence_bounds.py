"""Rates: the paper's are broken in exact arithmetic, ours hold and would be seen to break."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.objectives import QuadraticTasks, total_gradient, total_loss
from songoku_theory.bounds.convergence import (
    claimed_rate,
    conflict_factor,
    energy_bound,
    is_vacuous,
    sgd_bound,
)
from songoku_theory.bounds.convergence_schedules import (
    biased_sampling_bound,
    cyclic_bound,
    drift_constant,
    mixed_bound,
    noisy_cyclic_bound,
    sampling_variance,
)
from songoku_theory.errors import InvalidInputError


def clipped(z: Fraction) -> Fraction:
    """Slope of Huber's function, 1-Lipschitz."""
    return max(Fraction(-1), min(Fraction(1), z))


def test_equation_13_is_broken_in_exact_arithmetic() -> None:
    """Three tasks on a slope, L = c = 1, T = 144, tau = 1/4: the least |grad F|^2 is 1.

    f_k(x) = h(x_1) / 3 + <v_k, x>, the v_k a simplex: every pair conflicts, so every proper
    colouring has three classes, and cyclic steps make a third of the progress.
    """
    tau, root = Fraction(1, 4), 12
    steps, eta = root**2, Fraction(1, root)
    slopes = [(2, -1, -1), (-1, 2, -1), (-1, -1, 2)]
    x = [1 + (steps - 1) * eta / 3, Fraction(0), Fraction(0), Fraction(0)]
    gap = x[0] - Fraction(1, 2)

    def gradient(task: int) -> list[Fraction]:
        return [clipped(x[0]) / 3, *map(Fraction, slopes[task])]

    for i, j in itertools.combinations(range(3), 2):
        inner = sum(a * b for a, b in zip(gradient(i), gradient(j), strict=True))
        square = sum(a * a for a in gradient(i))
        assert inner < -tau * square  # the norms are equal: cosine < -tau
    least = Fraction(10)
    for t in range(steps):
        total = [sum(column) for column in zip(*map(gradient, range(3)), strict=True)]
        least = min(least, sum(a * a for a in total))
        x = [a - eta * b for a, b in zip(x, gradient(t % 3), strict=True)]
    claimed = (1 + tau) * 2 * gap / (eta * steps)
    assert least == 1
    assert claimed < Fraction(94, 100)
    assert float(claimed) == pytest.approx(
        float(claimed_rate(float(gap), 1.0, 1 / root, steps, 0.0, float(tau)))
    )
    # The bound for cycles holds: the linear parts do not drift, L_r = 1 / 3, |G_r|^2 = 55 / 9.
    drift = drift_constant([1 / 3] * 3)
    assert cyclic_bound(float(gap), 1.0, 1 / root, steps, 3, math.sqrt(55 / 9), drift) > 1


def test_no_step_size_in_l_of_the_sum_is_safe_for_cycles() -> None:
    """f_1 = M x^2 / 2, f_2 = (1 - M) x^2 / 2: L = c = 1, and |grad F| grows without end."""
    steps, eta, steep, x = 100, Fraction(1, 10), 100, Fraction(1)
    squares = []
    for t in range(steps):
        squares.append(x * x)
        x -= eta * (steep if t % 2 == 0 else 1 - steep) * x
    assert min(squares) == squares[0] == 1
    assert squares[-1] > 10**100
    assert 2 * Fraction(1, 2) / (eta * steps) * 2 < 1  # eq. 13 with the largest tau there is


def test_equation_95_averages_what_it_may_not() -> None:
    """Two steps: a class whose gradients conflict and are long, then one that is neither."""
    long = [(Fraction(3), Fraction(0)), (Fraction(-2), Fraction(1))]
    short = [(Fraction(1, 10), Fraction(0))]

    def parts(gradients: list[tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction, Fraction]:
        energy = sum(a * a + b * b for a, b in gradients)
        total = [sum(column) for column in zip(*gradients, strict=True)]
        against = Fraction(0)
        for g, h in itertools.permutations(gradients, 2):
            against += max(Fraction(0), -(g[0] * h[0] + g[1] * h[1]))
        return energy, sum(a * a for a in total), 1 / (1 - against / energy)

    (e1, s1, f1), (e2, s2, f2) = parts(long), parts(short)
    assert e1 <= f1 * s1  # eq. 94 holds at each step
    assert e2 <= f2 * s2
    average, claim = (e1 + e2) / 2, (f1 + f2) / 2 * (s1 + s2) / 2
    assert average > Fraction(3, 2) * claim
    assert average <= max(f1, f2) * (s1 + s2) / 2  # with the largest factor it holds


def test_equation_98_is_broken_by_any_conflict_at_the_minimum() -> None:
    """f_1 = (x - 1)^2 / 2, f_2 = (x + 1)^2 / 2 in turn: the energy stays, the claim goes to 0."""
    root = 100
    x, eta, energy = Fraction(0), Fraction(1, 2 * root), Fraction(0)
    for t in range(400):
        gradient = x - 1 if t % 2 == 0 else x + 1
        energy += gradient**2
        x = (x - eta * gradient).limit_denominator(10**12)
    claim = energy_bound(conflict_factor(0.1, 1), 0.0, 2.0, float(eta), root**2, 0.0)
    assert energy / 400 > Fraction(9, 10)
    assert claim == 0


@st.composite
def cycles(draw: st.DrawFn) -> tuple[QuadraticTasks, np.ndarray, float, int]:
    """Quadratics, one task a class, a start, a step size up to 1 / L and a number of cycles."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tasks, dim = draw(st.integers(2, 5)), draw(st.integers(1, 4))
    roots = rng.standard_normal((tasks, dim, dim))
    hessians = roots @ roots.transpose(0, 2, 1) + 0.05 * np.eye(dim)
    bend = rng.standard_normal((tasks, dim, dim)) * draw(st.sampled_from([0.0, 1.0, 5.0]))
    bend = bend + bend.transpose(0, 2, 1)
    objective = QuadraticTasks(
        hessians + bend - bend.mean(axis=0), rng.standard_normal((tasks, dim))
    )
    step = draw(st.floats(1e-3, 1.0)) / objective.constants.smoothness
    return objective, 5 * rng.standard_normal(dim), step, draw(st.integers(1, 12))


def descend(
    objective: QuadraticTasks, x: np.ndarray, step: float, count: int, aggregated: bool
) -> tuple[list[float], float, float]:
    """Return |grad F|^2 where the bounds look, the steepest class gradient, F(x_0) - F*."""
    gap = float(total_loss(objective, x)) - objective.constants.optimum
    squares, steepest = [], 0.0
    for _ in range(count):
        squares.append(float((total_gradient(objective, x) ** 2).sum()))
        for task in range(objective.num_tasks):
            gradient = objective.gradients(x)[task]
            steepest = max(steepest, float(np.linalg.norm(gradient)))
            x = x - step * gradient
        if aggregated:
            squares.append(float((total_gradient(objective, x) ** 2).sum()))
            x = x - step * total_gradient(objective, x)
    return squares, steepest, gap


@given(cycles())
@settings(max_examples=60, deadline=None)
def test_cycles_and_mixed_steps_keep_their_bounds(
    given_cycles: tuple[QuadraticTasks, np.ndarray, float, int],
) -> None:
    """Also where tasks are indefinite and their curvatures far above L."""
    objective, x, step, count = given_cycles
    m, smoothness = objective.num_tasks, objective.constants.smoothness
    drift = float(drift_constant(objective.constants.task_smoothness))
    squares, steep, gap = descend(objective, x, step, count, aggregated=False)
    bound = cyclic_bound(gap, smoothness, step, m * count, m, steep, drift)
    assert np.mean(squares) <= bound * (1 + 1e-9) + 1e-12
    squares, steep, gap = descend(objective, x, step, count, aggregated=True)
    bound = mixed_bound(gap, smoothness, step, (m + 1) * count, m, steep, drift)
    assert np.mean(squares) <= bound * (1 + 1e-9) + 1e-12


def test_either_term_of_the_cyclic_bound_alone_is_broken() -> None:
    """So the test above could fail: without the factor m, and without the drift."""
    flat = QuadraticTasks([[[0.25]]] * 4, [[0.0]] * 4)
    squares, _, gap = descend(flat, np.array([1.0]), 0.01, 500, aggregated=False)
    assert np.mean(squares) > 1.9 * sgd_bound(gap, 1.0, 0.01, 2000, 0.0)
    assert np.mean(squares) <= 4 * sgd_bound(gap, 1.0, 0.01, 2000, 0.0)
    bent = QuadraticTasks([[[50.0]], [[-49.0]]], [[0.0], [0.0]])
    squares, _, gap = descend(bent, np.array([1.0]), 0.5, 5, aggregated=False)
    assert np.mean(squares) > 2 * sgd_bound(gap, 1.0, 0.5, 10, 0.0)


def test_noise_adds_to_the_cyclic_bound_and_never_takes_away() -> None:
    exact = noisy_cyclic_bound(1.0, 1.0, 0.1, 100, 2.0, [3.0, 1.0, 2.0], [0.0, 0.0, 0.0])
    assert exact == cyclic_bound(1.0, 1.0, 0.1, 100, 3, 2.0, 5.0)
    noisy = noisy_cyclic_bound(1.0, 1.0, 0.1, 100, 2.0, [3.0, 1.0, 2.0], [4.0, 0.0, 5.0])
    drift = 2.0 * 5.0 + 1.0 * 2.0 + 2.0 * 2.0
    assert noisy == pytest.approx(2 * 3 / 10 + (0.1 * drift) ** 2 + 2 * 0.1 * 9.0)
    assert noisy_cyclic_bound(1.0, 1.0, 0.6, 100, 2.0, [1.0], [1.0]) == math.inf


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_the_variance_of_a_scaled_draw_by_enumeration(classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((classes, 3))
    chances = rng.dirichlet(np.ones(classes)) * 0.9 + 0.1 / classes
    total = gradients.sum(axis=0)
    by_hand = sum(
        p * float(((g / p - total) ** 2).sum()) for p, g in zip(chances, gradients, strict=True)
    )
    found = sampling_variance((gradients**2).sum(axis=1), float(total @ total), chances)
    assert found == pytest.approx(by_hand, rel=1e-9)


def test_bounds_broadcast_and_say_nothing_outside_their_hypotheses() -> None:
    steps = np.array([100.0, 400.0])
    assert np.shape(sgd_bound(1.0, 1.0, np.array([[0.1], [2.0]]), steps, 0.5)) == (2, 2)
    assert np.isinf(np.asarray(claimed_rate(1.0, 1.0, 2.0, steps, 0.5, 0.1))).all()
    # c = 0.1 sqrt(100) = 1 is allowed, 0.1 sqrt(400) = 2 is not.
    assert np.isfinite(claimed_rate(1.0, 1.0, 0.1, steps, 0.5, 0.1)).tolist() == [True, False]
    assert is_vacuous(sgd_bound(1.0, 1.0, 0.01, steps, 0.0), 1.0, 1.0).tolist() == [True, False]
    # sqrt(10) steps of 1 / sqrt(10): c = 1 / L exactly is allowed, whatever the rounding.
    assert math.isfinite(float(sgd_bound(1.0, 10.0, 0.1, 10, 0.0)))
    assert biased_sampling_bound(1.0, 1.0, 5.0, 100, 4, 0.0) == pytest.approx(4 / 500)


@pytest.mark.parametrize("wrong", [-1.0, math.nan])
def test_impossible_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(InvalidInputError, match="gap should be >= 0"):
        sgd_bound(wrong, 1.0, 0.1, 100, 0.0)
    with pytest.raises(InvalidInputError, match="variance"):
        sgd_bound(1.0, 1.0, 0.1, 100, wrong)
    with pytest.raises(InvalidInputError, match="drift"):
        cyclic_bound(1.0, 1.0, 0.1, 100, 2, 1.0, wrong)
    with pytest.raises(InvalidInputError, match=r"tau should lie in \[0, 1\]"):
        claimed_rate(1.0, 1.0, 0.1, 100, 0.0, 1.5)
    with pytest.raises(InvalidInputError, match="sum to 1"):
        sampling_variance([1.0, 1.0], 0.0, [0.5, 0.6])
