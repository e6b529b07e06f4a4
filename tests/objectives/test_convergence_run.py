"""The convergence experiment against slow and plain code, and what a row promises."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from simulations.convergence import RULES, Plan, Problem, descend, plan, plant_problem
from simulations.convergence.bounds_of_rules import bounded_steps
from simulations.convergence.problems import Recipe, class_cosine
from simulations.experiments.convergence import EXPERIMENT
from simulations.objectives import QuadraticTasks, gradient_noise
from simulations.sweep.cell import make_cell
from songoku_theory.errors import InvalidInputError, UnknownNameError

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run() -> Run:
    """Run one cell as a sweep would."""

    def once(**params: object) -> dict[str, Any]:
        cell = make_cell(EXPERIMENT, params)
        assert EXPERIMENT.check is not None
        EXPERIMENT.check(cell.params)
        (row,) = EXPERIMENT.run(cell.params, cell.seed())
        return row

    return once


def recipe(**changes: object) -> Recipe:
    base: dict[str, Any] = {
        "objective": "quadratic", "groups": 3, "group_size": 2, "dim": 8, "conflict": 1.0,
        "coupling": "random", "condition": 10.0, "bend": 0.0, "tau": 0.1, "distance": 5.0,
    }  # fmt: skip
    return Recipe(**(base | changes))


def slow(problem: Problem, planned: Plan, eta: float, run: int) -> dict[str, float]:
    """One run, one task at a time, from the definitions."""
    x, tasks = problem.start.copy(), range(problem.objective.num_tasks)
    groups = [np.flatnonzero(row).tolist() for row in problem.members] + [list(tasks)]
    squares, energies, moves, factors, steepest = [], [], [], [], 0.0
    for row in planned.active:
        index = int(row[run % len(row)])
        gradients = problem.objective.gradients(x)
        squares.append(float((gradients.sum(axis=0) ** 2).sum()))
        mine = [gradients[k] for k in groups[index]]
        total = np.sum(mine, axis=0)
        energy = sum(float(g @ g) for g in mine)
        against = sum(max(0.0, -float(g @ h)) for i, g in enumerate(mine)
                      for j, h in enumerate(mine) if i != j)  # fmt: skip
        energies.append(energy)
        moves.append(float(total @ total))
        factors.append(1 / (1 - against / energy) if against < energy else math.inf)
        if index < len(problem.members):
            steepest = max(steepest, float(np.linalg.norm(total)))
        x = x - eta * planned.scales[index] * total
    return {
        "square": float(np.mean(squares)), "energy": float(np.mean(energies)),
        "step_energy": float(np.mean(moves)), "factor": float(np.mean(factors)),
        "steepest": steepest,
    }  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("tau", [0.1, 0.6])
def test_the_fast_descent_is_the_slow_one(rule: str, tau: float) -> None:
    """tau = 0.6 puts conflicting tasks into one class: then 1 / (1 - tau_eff) is not 1."""
    made = recipe(objective="waves", conflict=0.4, groups=4, group_size=1, tau=tau)
    problem = plant_problem(made, np.random.default_rng(3))
    runs = 3
    planned = plan(rule, len(problem.members), 30, runs, np.random.default_rng(1), skew=0.7)
    quiet = gradient_noise(0.0, problem.objective.num_tasks, problem.objective.dim)
    trace = descend(problem, planned, 0.3, runs, quiet, np.random.default_rng(0))
    each = [slow(problem, planned, 0.3, run) for run in range(runs)]
    np.testing.assert_allclose(trace.squares.mean(axis=0), [e["square"] for e in each], rtol=1e-9)
    assert trace.energy == pytest.approx(np.mean([e["energy"] for e in each]), rel=1e-9)
    assert trace.step_energy == pytest.approx(np.mean([e["step_energy"] for e in each]), rel=1e-9)
    assert trace.class_gradient == pytest.approx(max(e["steepest"] for e in each), rel=1e-9)
    factor = np.mean([e["factor"] for e in each])
    if math.isinf(factor):
        assert trace.mean_factor is None
    else:
        assert trace.mean_factor == pytest.approx(factor, rel=1e-9)


def test_rules_visit_what_they_say() -> None:
    rng = np.random.default_rng(0)
    assert plan("cyclic", 3, 7, 5, rng).active[:, 0].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert set(plan("aggregated", 3, 4, 5, rng).active.ravel().tolist()) == {3}
    shuffled = plan("shuffled", 4, 40, 6, rng).active.reshape(10, 4, 6)
    assert (np.sort(shuffled, axis=1) == np.arange(4)[None, :, None]).all()
    assert len({tuple(cycle) for cycle in shuffled.transpose(0, 2, 1).reshape(-1, 4)}) > 10
    with pytest.raises(UnknownNameError, match="'cyclic'"):
        plan("cyclical", 3, 7, 5, rng)


def test_uneven_draws_have_their_probabilities_and_scales_undo_them() -> None:
    """Chi-squared, n = 30,000 draws, alpha = 0.001, fixed seed."""
    found = plan("sampled_scaled", 3, 3000, 10, np.random.default_rng(2), skew=1.0)
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, np.array([6, 3, 2]) / 11)
    np.testing.assert_allclose(found.probabilities * found.scales[:3], 1.0)
    counts = np.bincount(found.active.ravel())
    assert stats.chisquare(counts, 30_000 * found.probabilities).pvalue > 1e-3


@pytest.mark.parametrize(("rule", "scale"), [("cyclic", 1.0), ("sampled_scaled", 2.0)])
def test_noise_moves_a_step_as_much_as_it_should(rule: str, scale: float) -> None:
    """One step from the minimum of flat tasks, n = 20,000; variance within 5% (alpha << 0.001)."""
    objective = QuadraticTasks([np.eye(2)] * 2, np.zeros((2, 2)))
    problem = Problem(objective, np.zeros(2), np.eye(2, dtype=np.bool_))
    runs = 20_000
    planned = plan(rule, 2, 1, runs, np.random.default_rng(0))
    noise = gradient_noise(6.0, 2, 2, task_decay=1.0)  # energies 4 and 2
    trace = descend(problem, planned, 0.1, runs, noise, np.random.default_rng(1))
    drawn = np.bincount(np.broadcast_to(planned.active[0], runs), minlength=2) / runs
    energy = scale**2 * float(drawn @ noise.energies)
    # F(x) = |x|^2, so the final gap is |0.1 noise|^2.
    assert trace.final_gap.mean() == pytest.approx(0.01 * energy, rel=0.05)


@pytest.mark.parametrize("objective", ["quadratic", "least_squares", "waves", "plateau"])
@pytest.mark.parametrize(("conflict", "bend"), [(0.5, 0.0), (2.0, 3.0)])
def test_groups_conflict_as_asked_and_the_scheduler_finds_them(
    objective: str, conflict: float, bend: float
) -> None:
    made = recipe(objective=objective, dim=16, conflict=conflict, bend=bend)
    problem = plant_problem(made, np.random.default_rng(0))
    gradients = problem.objective.gradients(problem.start).reshape(3, 2, -1).sum(axis=1)
    gram = gradients @ gradients.T
    cosines = gram / np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    off = cosines[~np.eye(3, dtype=bool)]
    if objective in ("quadratic", "plateau"):  # groups weigh the same, so it is exact
        np.testing.assert_allclose(off, class_cosine(3, conflict), atol=1e-9)
    if conflict == 2.0:
        assert problem.members.astype(int).tolist() == [
            [1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]
        ]  # fmt: skip


@pytest.mark.parametrize("objective", ["quadratic", "waves"])
def test_conflict_and_bends_leave_the_sum_alone(objective: str) -> None:
    plain = recipe(objective=objective, conflict=0.0)
    torn = recipe(objective=objective, conflict=0.0, bend=20.0)
    x = np.random.default_rng(5).standard_normal(8)
    first, second = (plant_problem(r, np.random.default_rng(0)) for r in (plain, torn))
    assert second.objective.losses(x).sum() == pytest.approx(float(first.objective.losses(x).sum()))
    assert second.gap == pytest.approx(first.gap)
    most, least = second.objective.constants, first.objective.constants
    assert most.smoothness == least.smoothness
    assert most.task_smoothness.max() > 3 * least.task_smoothness.max()


def test_the_steps_that_a_bound_is_about() -> None:
    assert np.flatnonzero(bounded_steps("shuffled", 3, 11)).tolist() == [0, 3, 6]
    assert np.flatnonzero(bounded_steps("mixed", 2, 8)).tolist() == [0, 2, 3, 5]
    assert bounded_steps("sampled", 2, 5).all()
    assert not bounded_steps("cyclic", 9, 8).any()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("settings", [{}, {"sigma": 1.0}, {"bend": 5.0, "objective": "waves"}])
def test_no_rule_breaks_its_own_bound(run: Run, rule: str, settings: dict[str, Any]) -> None:
    row = run(rule=rule, steps=60, runs=20, **settings)
    assert set(row) == set(EXPERIMENT.columns)
    sigma = settings.get("sigma", 0.0)
    assert row["noise_variance"] == pytest.approx(sigma**2 * row["start_square"])
    if row["rule_bound"] is None:
        assert rule == "mixed"
        assert settings == {"sigma": 1.0}
        return
    assert row["bounded_square_lo"] <= row["rule_bound"]
    assert row["min_square"] <= row["least_mean_square"] * (1 + 1e-12) <= row["mean_square"] * 1.01


def test_a_row_says_where_equation_13_is_broken(run: Run) -> None:
    for groups in (1, 2):
        kept = run(objective="plateau", groups=groups, group_size=1, steps=420, conflict=3.0)
        assert kept["mean_square"] <= kept["claimed"]
    for groups in (3, 6):
        row = run(objective="plateau", groups=groups, group_size=1, steps=420, conflict=3.0)
        assert row["num_classes"] == groups
        assert row["min_square_lo"] == pytest.approx(1.0, abs=1e-12)
        assert row["claimed"] < 0.95
        assert row["bounded_square_hi"] <= row["rule_bound"]


def test_an_exploding_run_is_stored_as_one(run: Run) -> None:
    row = run(objective="quadratic", bend=1000.0, steps=1344)
    assert row["diverged"] is True
    assert row["mean_square"] is None
    assert row["rule_bound"] is None
    assert 0 < row["min_square"] <= row["start_square"] * (1 + 1e-12)


def test_cells_of_one_instance_share_it_and_replicates_do_not(run: Run) -> None:
    first = run(rule="cyclic", steps=21)
    assert run(rule="cyclic", steps=21) == first
    other = run(rule="sampled", steps=42, runs=4, sigma=0.5, tau=0.3)
    assert other["gap"] == first["gap"]
    again = run(rule="cyclic", steps=21, replicate=1)
    assert again["gap"] != first["gap"]


def test_constants_that_hold_on_a_ball_are_said_to_be_left(run: Run) -> None:
    kept = run(objective="network", dim=32, steps=42, rule="aggregated")
    left = run(objective="network", dim=32, steps=42, conflict=300.0)
    assert (kept["inside"], left["inside"]) == (True, False)


def test_settings_that_cannot_exist_are_refused(run: Run) -> None:
    with pytest.raises(InvalidInputError, match="needs dim >= 12"):
        run(objective="sine_square", dim=8)
    with pytest.raises(InvalidInputError, match="runs >= 2"):
        run(rule="sampled", runs=1)
