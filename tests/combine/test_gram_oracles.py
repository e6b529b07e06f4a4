"""Gram-space combiners against independent solutions: enumeration, scipy, cvxpy, TorchJD."""

from __future__ import annotations

from itertools import combinations

import cvxpy as cp
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize
from torchjd import aggregation

from songoku_theory.combine import MGDA, CAGrad, FairGrad, NashMTL, PCGrad, Status, Sum

Matrix = NDArray[np.float64]


def solve(rule: object, gradients: Matrix, **how: object) -> Matrix:
    answer = rule.combine(gradients @ gradients.T, rule.init(len(gradients)), **how)  # type: ignore[attr-defined]
    assert answer.status is Status.CONVERGED, answer
    return np.asarray(answer.weights)


def naive_pcgrad(gradients: Matrix, permutations: NDArray[np.int64]) -> Matrix:
    """Algorithm 1 of the paper, in gradient space, line by line."""
    total = np.zeros(gradients.shape[1])
    for i, order in enumerate(permutations):
        projected = gradients[i].copy()
        for j in order:
            if j != i and projected @ gradients[j] < 0:
                projected -= (
                    (projected @ gradients[j]) / (gradients[j] @ gradients[j]) * gradients[j]
                )
        total += projected
    return total


def enumerated_min_norm(gram: Matrix) -> float:
    """Smallest squared norm in the hull, over the affine hulls of all subsets."""
    size = len(gram)
    best = np.inf
    for count in range(1, size + 1):
        for subset in combinations(range(size), count):
            block = gram[np.ix_(subset, subset)]
            system = np.block([[block, np.ones((count, 1))], [np.ones((1, count)), 0.0]])
            weights = np.linalg.lstsq(system, np.append(np.zeros(count), 1.0), rcond=None)[0][:-1]
            if weights.min() >= -1e-12 and abs(weights.sum() - 1.0) < 1e-9:
                best = min(best, float(weights @ block @ weights))
    return best


# PCGrad ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_pcgrad_is_the_papers_algorithm_with_the_same_permutations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 9))
    gradients = rng.standard_normal((size, int(rng.integers(1, 12))))
    permutations = rng.permuted(np.tile(np.arange(size), (size, 1)), axis=1)
    weights = solve(PCGrad(), gradients, permutations=permutations)
    np.testing.assert_allclose(
        weights @ gradients, naive_pcgrad(gradients, permutations), atol=1e-11
    )


def test_pcgrad_draws_the_permutations_that_it_documents() -> None:
    gradients = np.random.default_rng(1).standard_normal((7, 4))
    tasks = np.array([1, 3, 4, 6])
    drawn = np.random.default_rng(5).permuted(np.tile(tasks, (4, 1)), axis=1)
    by_rng = solve(PCGrad(), gradients, active=tasks, rng=np.random.default_rng(5))
    given = solve(PCGrad(), gradients, active=tasks, permutations=drawn)
    np.testing.assert_array_equal(by_rng, given)
    inner = np.searchsorted(tasks, drawn)
    np.testing.assert_allclose(
        by_rng @ gradients, naive_pcgrad(gradients[tasks], inner), atol=1e-12
    )


@pytest.mark.parametrize("seed", range(5))
def test_pcgrad_agrees_with_torchjd_on_torchs_permutations(seed: int) -> None:
    gradients = np.random.default_rng(seed).standard_normal((6, 9))
    torch.manual_seed(seed)
    permutations = np.array([torch.randperm(6).numpy() for _ in range(6)])
    torch.manual_seed(seed)
    theirs = aggregation.PCGrad()(torch.from_numpy(gradients)).numpy()
    weights = solve(PCGrad(), gradients, permutations=permutations)
    np.testing.assert_allclose(weights @ gradients, theirs, atol=1e-12)


def test_pcgrad_mean_divides_by_the_number_of_active_tasks() -> None:
    gradients = np.random.default_rng(2).standard_normal((5, 3))
    orders = np.tile([0, 2, 3], (3, 1))
    total = solve(PCGrad(), gradients, active=(0, 2, 3), permutations=orders)
    mean = solve(PCGrad(reduction="mean"), gradients, active=(0, 2, 3), permutations=orders)
    np.testing.assert_allclose(mean, total / 3)


# MGDA --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(15))
def test_mgda_reaches_the_minimum_found_by_enumerating_supports(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((int(rng.integers(2, 7)), 7)) + rng.choice([0.0, 0.6])
    weights = solve(MGDA(), gradients)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    reached = float(weights @ (gradients @ gradients.T) @ weights)
    assert reached == pytest.approx(enumerated_min_norm(gradients @ gradients.T), rel=1e-9)


def test_mgda_agrees_with_cvxpy(zoo: dict[str, Matrix]) -> None:
    for name, gradients in zoo.items():
        scale = np.linalg.norm(gradients, axis=1).min()
        w = cp.Variable(len(gradients), nonneg=True)
        problem = cp.Problem(
            cp.Minimize(cp.sum_squares((gradients / scale).T @ w)), [cp.sum(w) == 1]
        )
        problem.solve(cp.CLARABEL)
        ours = solve(MGDA(), gradients) @ gradients / scale
        assert float(ours @ ours) == pytest.approx(problem.value, rel=1e-6, abs=1e-9), name


def test_mgda_is_at_least_as_good_as_torchjds_frank_wolfe(zoo: dict[str, Matrix]) -> None:
    for name, gradients in zoo.items():
        theirs = aggregation.MGDA(epsilon=1e-6, max_iters=2000)(torch.from_numpy(gradients)).numpy()
        ours = solve(MGDA(), gradients) @ gradients
        assert ours @ ours <= theirs @ theirs * (1 + 1e-12), name
        if len(gradients) <= 3:
            assert ours @ ours == pytest.approx(float(theirs @ theirs), rel=1e-2), name


# Nash-MTL and FairGrad ---------------------------------------------------------------------------


def test_nash_agrees_with_cvxpy(zoo: dict[str, Matrix]) -> None:
    for name, gradients in zoo.items():
        norms = np.linalg.norm(gradients, axis=1)
        units = gradients / norms[:, None]
        b = cp.Variable(len(gradients))
        goal = 0.5 * cp.sum_squares(units.T @ b) - cp.sum(cp.log(b))
        cp.Problem(cp.Minimize(goal)).solve(cp.CLARABEL)
        ours = solve(NashMTL(), gradients)
        np.testing.assert_allclose(ours * norms, b.value, rtol=1e-4, err_msg=name)


def test_nash_agrees_with_a_general_minimiser() -> None:
    for seed in range(5):
        gradients = np.random.default_rng(seed).standard_normal((5, 9))
        gram = gradients @ gradients.T

        def goal(y: Matrix, gram: Matrix = gram) -> float:
            return float(0.5 * np.exp(y) @ gram @ np.exp(y) - y.sum())

        found = minimize(goal, np.zeros(5), method="BFGS", options={"gtol": 1e-9})
        np.testing.assert_allclose(solve(NashMTL(), gradients), np.exp(found.x), rtol=1e-4)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 5.0])
def test_fairgrad_solves_what_least_squares_solves(alpha: float) -> None:
    for seed in range(4):
        gradients = np.random.default_rng(seed).standard_normal((6, 12))
        gram = gradients @ gradients.T

        def misses(x: Matrix, gram: Matrix = gram) -> Matrix:
            return np.asarray(gram @ x - x ** (-1.0 / alpha))

        found = least_squares(
            misses, np.full(6, 0.3), bounds=(1e-12, np.inf), xtol=1e-15, ftol=1e-15, gtol=1e-15
        )
        assert found.cost < 1e-18
        np.testing.assert_allclose(solve(FairGrad(alpha), gradients), found.x, rtol=1e-6)


@pytest.mark.parametrize("alpha", [1.5, 2.0, 4.0])
def test_fairgrad_maximises_the_alpha_fair_utility(alpha: float) -> None:
    gradients = np.random.default_rng(3).standard_normal((4, 6))
    d = cp.Variable(6)
    gains = gradients @ d
    utility = cp.sum(cp.power(gains, 1.0 - alpha)) / (1.0 - alpha)
    cp.Problem(cp.Maximize(utility - 0.5 * cp.sum_squares(d))).solve(cp.CLARABEL)
    # a_k = gain_k^{-alpha} is the utility's derivative, so d = sum a_k g_k.
    ours = solve(FairGrad(alpha), gradients) @ gradients
    np.testing.assert_allclose(ours, d.value, atol=1e-4)


def test_fairgrad_agrees_with_torchjd() -> None:
    for seed in range(4):
        gradients = np.random.default_rng(seed).standard_normal((8, 40))
        theirs = aggregation.FairGrad(alpha=2.0)(torch.from_numpy(gradients)).numpy()
        np.testing.assert_allclose(solve(FairGrad(2.0), gradients) @ gradients, theirs, atol=1e-5)


def test_fairgrad_with_alpha_one_is_nash_and_with_alpha_zero_the_mean() -> None:
    gradients = np.random.default_rng(9).standard_normal((5, 7))
    np.testing.assert_allclose(
        solve(FairGrad(1.0), gradients), solve(NashMTL(), gradients), rtol=1e-9
    )
    np.testing.assert_array_equal(solve(FairGrad(0.0), gradients), np.full(5, 0.2))


def test_fairgrad_with_large_alpha_approaches_the_max_min_share() -> None:
    gradients = np.random.default_rng(9).standard_normal((3, 7))
    fair = solve(FairGrad(60.0), gradients) @ gradients
    gains = gradients @ fair
    assert gains.max() / gains.min() < 1.1
    plain = solve(FairGrad(1.0), gradients) @ gradients
    assert gains.min() / np.linalg.norm(fair) > (gradients @ plain).min() / np.linalg.norm(plain)


# CAGrad ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [0.1, 0.4, 0.9, 1.0, 3.0])
def test_cagrad_reaches_the_primal_optimum_of_cvxpy(c: float, zoo: dict[str, Matrix]) -> None:
    for name, gradients in zoo.items():
        scale = np.linalg.norm(gradients.mean(axis=0))
        scaled = gradients / scale
        mean = scaled.mean(axis=0)
        d = cp.Variable(gradients.shape[1])
        ball = cp.norm(d - mean, 2) <= c * np.linalg.norm(mean)
        problem = cp.Problem(cp.Maximize(cp.min(scaled @ d)), [ball])
        problem.solve(cp.CLARABEL)
        ours = solve(CAGrad(c), gradients) @ scaled
        assert np.linalg.norm(ours - mean) == pytest.approx(c * np.linalg.norm(mean), rel=1e-9)
        assert (scaled @ ours).min() == pytest.approx(problem.value, rel=1e-5, abs=1e-6), name


def test_cagrad_agrees_with_slsqp_on_the_dual_of_the_official_code() -> None:
    for seed in range(5):
        gradients = np.random.default_rng(seed).standard_normal((4, 10))
        gram = gradients @ gradients.T
        radius = 0.5 * np.sqrt(gram.mean())

        def dual(w: Matrix, gram: Matrix = gram, radius: float = radius) -> float:
            return float(w @ gram.mean(axis=1) + radius * np.sqrt(w @ gram @ w + 1e-16))

        found = minimize(
            dual,
            np.full(4, 0.25),
            method="SLSQP",
            bounds=[(0, 1)] * 4,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0},
            options={"ftol": 1e-15},
        )
        theirs = 0.25 + radius / np.sqrt(found.x @ gram @ found.x) * found.x
        np.testing.assert_allclose(solve(CAGrad(0.5), gradients), theirs, atol=1e-4)


def test_cagrad_agrees_with_torchjd() -> None:
    for seed in range(4):
        gradients = np.random.default_rng(seed).standard_normal((6, 30))
        theirs = aggregation.CAGrad(c=0.4)(torch.from_numpy(gradients)).numpy()
        np.testing.assert_allclose(solve(CAGrad(0.4), gradients) @ gradients, theirs, atol=1e-4)


def test_cagrad_rescaling_divides_as_it_says() -> None:
    gradients = np.random.default_rng(0).standard_normal((4, 10))
    plain = solve(CAGrad(0.5), gradients)
    np.testing.assert_allclose(solve(CAGrad(0.5, "linear"), gradients), plain / 1.5)
    np.testing.assert_allclose(solve(CAGrad(0.5, "quadratic"), gradients), plain / 1.25)


def test_cagrad_with_no_radius_is_the_mean() -> None:
    gradients = np.random.default_rng(0).standard_normal((4, 10))
    np.testing.assert_array_equal(solve(CAGrad(0.0), gradients), np.full(4, 0.25))


def test_sum_is_the_sum() -> None:
    gradients = np.random.default_rng(0).standard_normal((4, 10))
    np.testing.assert_allclose(solve(Sum(), gradients) @ gradients, gradients.sum(axis=0))
