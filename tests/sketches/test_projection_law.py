"""The exact law of a projected cosine, and what a projection costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simulations.sketches.projections import projected_grams
from songoku_theory.bounds.complexity import (
    gram_operations,
    projection_break_even,
    projection_operations,
)
from songoku_theory.bounds.sketch import (
    projected_cosine_cdf,
    projection_error,
    projection_failure,
    projection_flip_probability,
)
from songoku_theory.errors import InvalidInputError
from songoku_theory.sketch import GaussianProjection, sketch_size


def projected(cosine: float, size: int, trials: int, seed: int) -> np.ndarray:
    """Cosines after dense Gaussian projections of two vectors in 50 dimensions."""
    rng = np.random.default_rng(seed)
    pair = np.zeros((2, 50))
    pair[0, 0] = pair[1, 0] = 1.0
    pair[1, :2] = cosine, math.sqrt(1 - cosine**2)
    rows = np.einsum("kd,ndr->nkr", pair, rng.normal(size=(trials, 50, size)))
    norms = np.linalg.norm(rows, axis=2)
    return np.sum(rows[:, 0] * rows[:, 1], axis=1) / norms[:, 0] / norms[:, 1]


@pytest.mark.parametrize(("cosine", "size"), [(-0.35, 8), (0.0, 2), (0.6, 30), (-0.95, 5)])
def test_the_law_is_that_of_projected_vectors(cosine: float, size: int) -> None:
    """Kolmogorov-Smirnov, n = 4,000, alpha = 1e-3 each."""
    found = projected(cosine, size, 4000, 7)
    test = stats.kstest(
        found, lambda x: projected_cosine_cdf(cosine, np.clip(x, -1 + 1e-12, 1 - 1e-12), size)
    )
    assert test.pvalue > 1e-3


def test_two_numbers_a_task_at_right_angles_are_uniform_angles() -> None:
    """r = 2, C = 0: the angle of two planar normal vectors is uniform."""
    for at in (-0.9, -0.2, 0.4):
        assert projected_cosine_cdf(0.0, at, 2) == pytest.approx(
            1 - math.acos(at) / math.pi, abs=2e-4
        )


@pytest.mark.parametrize("size", [3, 40, 5000])
def test_the_law_is_symmetric_and_increases(size: int) -> None:
    grid = np.linspace(-0.99, 0.99, 41)
    values = np.asarray(projected_cosine_cdf(-0.3, grid, size))
    assert (np.diff(values) >= -1e-12).all()
    np.testing.assert_allclose(
        values, 1 - np.asarray(projected_cosine_cdf(0.3, -grid, size)), atol=1e-9
    )


def test_small_flip_probabilities_keep_their_digits() -> None:
    """A sixteenth of the variance: four standard deviations become sixteen."""
    found = np.asarray(projection_flip_probability([-0.35, -0.05], 0.2, 4096))
    assert (found > 0).all()
    assert (found < 1e-15).all()
    near = np.asarray(projection_flip_probability([-0.2 - 1e-9, -0.2], 0.2, 4096))
    np.testing.assert_allclose(near, 0.5, atol=0.01)


def test_projected_gram_matrices_have_the_law_of_projections() -> None:
    """Means and variances of 20,000 draws against a dense projection's, five standard errors."""
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(3, 12))
    gram = vectors @ vectors.T
    drawn = projected_grams(np.repeat(gram[None], 20000, 0), 6, rng)
    error = np.sqrt(drawn.var(axis=0) / 20000)
    assert (np.abs(drawn.mean(axis=0) - gram) < 5 * error).all()
    # Var of <Rx, Ry> is (|x|^2 |y|^2 + <x, y>^2) / r.
    squares = np.diag(gram)
    expected = (np.outer(squares, squares) + gram**2) / 6
    np.testing.assert_allclose(drawn.var(axis=0), expected, rtol=0.08)
    dense = [vectors @ GaussianProjection(12, 6, seed).matrix() for seed in range(2000)]
    direct = np.asarray([rows @ rows.T for rows in dense])
    np.testing.assert_allclose(direct.var(axis=0), expected, rtol=0.25)


@pytest.mark.parametrize(("epsilon", "tasks"), [(0.1, 40), (0.3, 3)])
def test_the_union_bound_and_its_inverses_agree(epsilon: float, tasks: int) -> None:
    size = sketch_size(epsilon, tasks, 0.05)
    assert (
        projection_failure(epsilon, size, tasks)
        <= 0.05
        < projection_failure(epsilon, size - 1, tasks)
    )
    assert projection_error(size, tasks, 0.05) == pytest.approx(epsilon, rel=1e-3)
    assert projection_error(8, tasks) == 2.0


@pytest.mark.parametrize("tasks", [3, 16, 40, 200])
@pytest.mark.parametrize("dim", [64, 10**6])
def test_break_even_is_where_the_counts_cross(tasks: int, dim: int) -> None:
    even = projection_break_even(tasks, dim)
    assert even <= (tasks + 1) / 2
    exact = gram_operations(tasks, dim)
    assert projection_operations(tasks, dim, even + 1) >= exact
    if even:
        assert projection_operations(tasks, dim, even) < exact


def test_the_papers_size_never_pays_at_the_papers_sizes() -> None:
    for tasks in (3, 6, 16, 40):
        assert sketch_size(0.15, tasks, 0.05) > 100 * projection_break_even(tasks, 10**9)


def test_faults_are_named() -> None:
    with pytest.raises(InvalidInputError, match="size"):
        projected_cosine_cdf(0.0, 0.0, 1)
    with pytest.raises(InvalidInputError, match="cosines"):
        projected_cosine_cdf(1.5, 0.0, 4)
    with pytest.raises(InvalidInputError, match="tau"):
        projection_flip_probability(0.0, 1.0, 4)
