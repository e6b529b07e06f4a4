"""Gradient sets that know what is special about them, and which engine solves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from songoku_theory.combine import use_numba

Matrix = NDArray[np.float64]


@pytest.fixture(autouse=True)
def array_code(request: pytest.FixtureRequest) -> Iterator[None]:
    """Solve with the array code; tests marked by the fixture ``compiled`` switch numba on again."""
    with use_numba("compiled" in request.fixturenames):
        yield


@pytest.fixture
def compiled() -> None:
    """Ask for the compiled kernels."""


@pytest.fixture(scope="session")
def zoo() -> dict[str, Matrix]:
    """Gradient matrices (K, d) without a vanishing combination and without zero rows."""
    rng = np.random.default_rng(20240611)

    def normal(*shape: int) -> Matrix:
        return rng.standard_normal(shape)

    return {
        "one task": normal(1, 5),
        "two tasks": normal(2, 5),
        "opposing": np.vstack([a := normal(1, 6), -a + 0.3 * normal(1, 6)]),
        "near-orthogonal": normal(12, 400),
        "conflicting": normal(6, 7),
        "aligned": normal(8, 20) + 1.0,
        "rank-deficient": normal(7, 3) + np.array([2.0, 0.0, 0.0]),
        "duplicates": np.repeat(normal(3, 8), 3, axis=0),
        "proportional": np.vstack([a := normal(1, 4), 5.0 * a, normal(1, 4)]),
        "identical": np.repeat(normal(1, 4), 4, axis=0),
        "uneven norms": normal(6, 30) * 10.0 ** np.arange(-3.0, 3.0)[:, None],
    }


@pytest.fixture(scope="session")
def stationary_zoo() -> dict[str, Matrix]:
    """Gradient matrices with a vanishing convex combination, no zero rows."""
    rng = np.random.default_rng(20240612)
    first, second = rng.standard_normal((2, 6))
    return {
        "a pair": np.vstack([first, -first]),
        "a pair of other sizes": np.vstack([first, -3.0 * first]),
        "a pair beside a third": np.vstack([first, -2.0 * first, second]),
        "a triangle": np.vstack([first, second, -first - second]),
        "more tasks than room": rng.standard_normal((12, 2)),
    }
