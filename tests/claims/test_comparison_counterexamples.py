"""The comparison family's counterexamples a second time: from their files, by other code.

Problems on a line are run here in plain fractions, written out; their bounds come from the float
formulas of :mod:`songoku_theory.bounds.comparison`. Nothing uses the code that replays them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from proofs_check.claims.comparison._families import read_problem
from proofs_check.claims.comparison._problem import (
    bound_agg,
    bound_path,
    scheduled,
    steps,
)
from proofs_check.claims.comparison._terms import excess_59, norms, penalty_repaired
from proofs_check.claims.comparison.drift import repaired_norms
from proofs_check.claims.comparison.expansion import mean_gap, mean_remainder, random_term
from proofs_check.claims.comparison.gap import substitution_error
from proofs_check.counterexamples import available, load, replay
from proofs_check.registry import all_claims
from songoku_theory.bounds import comparison as closed_forms

FAMILY = tuple(s for s in available() if s.startswith(("cmp_", "ext8_")))
PROBLEMS = tuple(s for s in FAMILY if {"hessians", "curves"} & set(load(s).data))


@dataclass(frozen=True)
class Line:
    """Groups ``a_r u + b_r`` on a line, run from 0 in plain fractions."""

    a: list[Fraction]
    b: list[Fraction]
    eta: Fraction
    smooth: Fraction

    def value(self, u: Fraction) -> Fraction:
        return sum(self.a) * u * u / 2 + sum(self.b) * u

    def end(self, order: tuple[int, ...]) -> Fraction:
        u = Fraction(0)
        for r in order:
            u = u - self.eta * (self.a[r] * u + self.b[r])
        return u

    def mixed(self) -> Fraction:
        return -self.eta * sum(self.b)


def line(data: Mapping[str, Any]) -> Line:
    return Line(
        [Fraction(a[0][0]) for a in data["hessians"]],
        [Fraction(b[0]) for b in data["gradients"]],
        Fraction(data["eta"]),
        Fraction(data["L"]),
    )


def line_of(stem: str) -> Line:
    return line(load(stem).data)


def gaps(found: Line) -> list[Fraction]:
    orders = permutations(range(len(found.a)))
    return [found.value(found.end(o)) - found.value(found.mixed()) for o in orders]


def bounds(found: Line) -> tuple[float, float]:
    """UB_sch (printed) and UB_agg by the library's closed forms, in floats."""
    h, grad = float(sum(found.a)), float(sum(found.b))
    u, path = 0.0, []
    for a, b in zip(found.a, found.b, strict=True):
        path.append(float(a) * u + float(b))
        u -= float(found.eta) * path[-1]
    moves = np.array(path)[:, None]
    eta, smooth = float(found.eta), float(found.smooth)
    upper = closed_forms.scheduled_bound(0.0, [grad], moves, h * moves, eta, smooth)
    return float(upper), float(closed_forms.aggregated_bound(0.0, [grad], eta, smooth))


@pytest.mark.parametrize("stem", FAMILY)
def test_every_counterexample_replays(stem: str) -> None:
    found = replay(stem)
    assert found.violated
    assert found.steps[-1].startswith(("So ", "Eq."))
    assert load(stem).claim in {claim.id for claim in all_claims()}


@pytest.mark.parametrize("stem", PROBLEMS)
def test_repaired_statements_hold_on_it(stem: str) -> None:
    """What replaced the false statements is true where they failed."""
    problem = read_problem(load(stem).data)
    assert problem.objective(scheduled(problem)) <= bound_path(problem)
    if stem == "cmp_c7_weighted":  # its gradients have no rational norms
        return
    penalty = penalty_repaired(problem)
    for move, limit in zip(steps(problem), repaired_norms(problem), strict=True):
        assert sum(x * x for x in move) <= limit * limit
    assert abs(substitution_error(problem)) <= penalty
    excess = excess_59(problem, penalty)
    if excess is not None and excess > 0 and problem.size == 2:
        assert bound_path(problem) < bound_agg(problem)
    remainder = abs(mean_gap(problem) - problem.eta**2 * random_term(problem))
    assert remainder <= mean_remainder(problem)


def test_concave_function_meets_eq_40() -> None:
    data = load("cmp_40_hessian").data
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 200))
    c, smooth = data["curvature"], data["L"]
    right = c * x**2 / 2 + c * x * (y - x) + smooth / 2 * (y - x) ** 2
    assert (c * y**2 / 2 <= right + 1e-12).all()
    assert abs(c) > smooth


def test_third_gradient_grows() -> None:
    found = line_of("cmp_48_grows")
    x1 = Fraction(1)
    assert found.end((0,)) == x1
    x2 = x1 - (found.a[1] * x1 + found.b[1])
    third = abs(found.a[2] * x2 + found.b[2])
    limits = closed_forms.drift_norms([[-1.0], [0.0], [0.0]], [0.0, 1.0, 1.0], eta=1.0)
    repaired = closed_forms.corrected_norms([[-1.0], [0.0], [0.0]], [0.0, 1.0, 1.0], eta=1.0)
    assert third == 2 > limits[2] == 1
    assert repaired[2] == 2


def test_printed_bound_lies_below_the_minimum() -> None:
    """F'' = 1 from 0 on and a V of slopes before it: integrals by hand, on a grid as a check."""
    data = load("cmp_63_below").data
    knots, slopes = (list(map(float, data["curves"][0][k])) for k in ("knots", "slopes"))
    grid = np.linspace(-4, 5, 900_001)
    second = np.interp(grid, knots, slopes)
    width = grid[1] - grid[0]
    first = np.concatenate([[0], np.cumsum((second[1:] + second[:-1]) / 2) * width])
    first += -1.0 - first[np.argmin(np.abs(grid))]
    value = np.concatenate([[0], np.cumsum((first[1:] + first[:-1]) / 2) * width])
    value -= value[np.argmin(np.abs(grid))]
    assert value.min() == pytest.approx(-0.5, abs=1e-6)  # F* = F(0) - 1/2, at u = 1
    assert grid[value.argmin()] == pytest.approx(1.0, abs=1e-3)
    # path 0, 4, 2, 1 with steps -4, 2, 1; eq. 49's second integral runs from 0 to -2
    away = np.interp([0, -2], grid, first)
    assert away[0] - away[1] == pytest.approx(0.0, abs=1e-6)
    printed = -1 * -1 * (-4 + 2 + 1) + 0.5 * (16 + 4 + 1) + (-4 * 2 - 4 * 1) + 0.0
    assert printed == pytest.approx(-2.5)
    excess = -first  # falls from everywhere left of u = 1
    assert (excess[grid < 0.99] > 0).all()
    mu = float(Fraction(data["mu"]))
    assert (first**2 >= 2 * mu * (value + 0.5) - 1e-6).all()
    factor = 1 - 2 * mu * 0.5
    gain = -0.5 - printed
    assert closed_forms.scheduled_contraction(0.5, gain, mu, 1.0, 1.0) == pytest.approx(
        factor * 0.5 - gain
    )
    assert factor * 0.5 - gain < 0


def test_penalty_of_eq_56_is_too_small() -> None:
    upper, lower = bounds(line_of("cmp_56_penalty"))
    printed = closed_forms.drift_penalty([[1.0], [0.0]], [2.0, 1.0], 1.0, 1.0)
    repaired = closed_forms.corrected_drift_penalty([[1.0], [0.0]], [2.0, 1.0], 1.0, 1.0)
    assert upper - lower == pytest.approx(2.5)
    assert (float(printed), float(repaired)) == (1.5, 2.5)


def test_scheduled_bound_is_higher_although_eq_59_holds() -> None:
    found = line_of("cmp_59_not_tighter")
    upper, lower = bounds(found)
    groups, products = [[3.0], [1.0]], [[-3.0], [-1.0]]
    penalty = closed_forms.drift_penalty(groups, [4 / 3, 1 / 3], 1.0, 1.0)
    assert closed_forms.condition_59(groups, products, penalty, 1.0, 1.0)
    assert upper > lower
    assert gaps(found)[0] > 0


def test_drift_that_helps() -> None:
    found = line_of("cmp_rm_negative")
    upper, _ = bounds(found)
    start = closed_forms.start_bound(0.0, [2.0], [[1.0], [1.0]], [[0.0], [0.0]], 1.0, 1.0)
    assert upper - float(start) == pytest.approx(-0.5)


def test_same_interactions_and_opposite_signs() -> None:
    constant, split = (line(d) for d in load("cmp_c5_determine").data["problems"])
    assert sum(constant.a) == sum(split.a) == 0
    assert constant.b == split.b
    signs = [np.sign(u - v) for u, v in (bounds(constant), bounds(split))]
    assert signs == [-1, 1]


@pytest.mark.parametrize("stem", ["cmp_5_3_better", "cmp_5_3_pl", "cmp_5_3_same"])
def test_mixing_reaches_the_minimum(stem: str) -> None:
    found = line_of(stem)
    assert found.b[0] * found.b[1] < 0
    assert sum(found.a) * found.mixed() + sum(found.b) == 0
    assert min(gaps(found)) > 0


@pytest.mark.parametrize("stem", ["cmp_5_3_never", "cmp_c8_looser"])
def test_scheduled_bound_is_higher(stem: str) -> None:
    found = line_of(stem)
    upper, lower = bounds(found)
    assert upper > lower
    other, _ = bounds(Line(found.a[::-1], found.b[::-1], found.eta, found.smooth))
    assert other > lower


def test_a_lower_bound_and_a_smaller_drop() -> None:
    data = load("cmp_5_3_drop").data
    one, two = (np.array([[float(Fraction(x)) for x in r] for r in a]) for a in data["hessians"])
    g, k = (np.array(b, dtype=float) for b in data["gradients"])
    whole, grad = one + two, g + k

    def value(u: np.ndarray) -> float:
        return float(u @ whole @ u / 2 + grad @ u)

    after = -g
    moved = two @ after + k
    end, mixed = after - moved, -grad
    assert value(end) > value(mixed)
    upper = closed_forms.scheduled_bound(
        0.0, grad, [g, moved], [whole @ g, whole @ moved], 1.0, 1.0
    )
    lower = closed_forms.aggregated_bound(0.0, grad, 1.0, 1.0)
    assert upper < lower
    products = [whole @ g, whole @ k]
    constants = [float(Fraction(x)) for x in data["lipschitz"]]
    for penalty in (closed_forms.drift_penalty, closed_forms.corrected_drift_penalty):
        assert closed_forms.condition_59([g, k], products, penalty([g, k], constants, 1, 1), 1, 1)
    assert g @ k < 0
    assert min(*np.linalg.eigvalsh(one), *np.linalg.eigvalsh(two)) > 0


@pytest.mark.parametrize("stem", ["cmp_1_least", "cmp_1_strict"])
def test_mean_over_the_orders(stem: str) -> None:
    for size in load(stem).data["sizes"]:
        for eta in (Fraction(1, 1000), Fraction(1, 7), Fraction(1, 2)):
            found = Line([Fraction(1)] * 2, [Fraction(-size), Fraction(size + 1)], eta, Fraction(2))
            assert sum(gaps(found)) > 0


@pytest.mark.parametrize("size", [1, 2, 5, 10, 100])
def test_interference_does_not_help_the_bound(size: int) -> None:
    assert size in load("cmp_5_3_strict").data["sizes"]
    found = Line(
        [Fraction(1)] * 2, [Fraction(-size), Fraction(size + 1)], Fraction(1, 2), Fraction(2)
    )
    upper, lower = bounds(found)
    assert upper - lower == pytest.approx(size**2 / 16)


def test_sign_at_the_largest_step() -> None:
    found = line_of("ext8_sign")
    term = closed_forms.random_order_criterion(
        [float(sum(found.b))],
        [[[0.0], [0.0]], [[1.0], [0.0]]],  # J_q G_p at (p, q): J_1 G_2 = 1
        1.0,
    )
    assert float(term) == pytest.approx(-0.5)
    assert sum(gaps(found)) / 2 == Fraction(1, 4)


def test_eq_61_needs_the_minimum_on_its_left() -> None:
    data = load("cmp_61_minimum").data
    assert data == {"curvature": 1, "gradient": 1, "minimum": 1, "eta": 1}
    # F = (u + 1)^2/2 + 1: one step of length 1 from 0 reaches -1, where F = 1 > 0 * (3/2 - 1)
    assert closed_forms.contraction_factor(1.0, 1.0, 1.0) == 0.0


def test_network_loss_outgrows_every_parabola() -> None:
    for smooth in load("cmp_c7_network").data["constants"]:
        t = 2 * (smooth + 1)
        assert Fraction((t * t - 1) ** 2, 2) > Fraction(1, 2) + smooth * t * t


def test_separated_and_still_positive() -> None:
    data = load("cmp_c7_weighted").data
    g, k = (np.array(b, dtype=float) for b in data["gradients"])
    cosine = g @ k / np.linalg.norm(g) / np.linalg.norm(k)
    assert cosine < -float(Fraction(data["tau"]))
    assert g @ np.diag([4.0, 1.0]) @ k > 0
    tasks = np.array(load("cmp_c7_classes").data["tasks"], dtype=float)
    unit = tasks / np.linalg.norm(tasks, axis=1, keepdims=True)
    assert [(i, j) for i in range(3) for j in range(i) if unit[i] @ unit[j] < -0.5] == [(1, 0)]
    assert (tasks[0] + tasks[2]) @ tasks[1] > 0


def test_conflict_at_every_refresh() -> None:
    found = line_of("cmp_c8_stable")
    u = Fraction(0)
    for _ in range(load("cmp_c8_stable").data["refreshes"]):
        first, second = (a * u + b for a, b in zip(found.a, found.b, strict=True))
        assert first * second < 0
        assert (found.smooth - sum(found.a)) * first * second <= 0
        for a, b in zip(found.a, found.b, strict=True):
            u -= found.eta * (a * u + b)


def test_problem_files_have_rational_norms() -> None:
    assert all(norms(read_problem(load(s).data)) for s in PROBLEMS if s != "cmp_c7_weighted")
