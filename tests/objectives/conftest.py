"""One small instance of every objective, each with a point to look around."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulations.objectives import (
    LeastSquaresTasks,
    MultiTaskObjective,
    PlateauTasks,
    SineSquareTasks,
    TiltedTasks,
    WaveTasks,
    conflicting_slopes,
    plant_network,
    plant_quadratics,
)

Maker = Callable[[np.random.Generator], MultiTaskObjective]


def _rows(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.standard_normal((3, 2, 7)), rng.standard_normal((3, 2))


def _bends(rng: np.random.Generator) -> np.ndarray:
    bends = rng.standard_normal((3, 7, 7))
    bends += bends.transpose(0, 2, 1)
    return bends - bends.mean(axis=0)


MAKERS: dict[str, Maker] = {
    "quadratic": lambda rng: plant_quadratics(np.eye(3), [0.2, 1.0, 2.0, 3.0], "random", rng),
    "least_squares": lambda rng: LeastSquaresTasks(*_rows(rng)),
    "sine_square": lambda rng: SineSquareTasks(*_rows(rng)),
    "network": lambda rng: plant_network(2, 3, 4, 48, rng, distance=0.5),
    "waves": lambda rng: WaveTasks(
        np.linalg.qr(rng.standard_normal((5, 3)))[0].T, rng.random((4, 3)), 6 * rng.random((4, 3))
    ),
    "plateau": lambda rng: PlateauTasks([0.2, 0.3, 0.5], conflicting_slopes(3, 4, 2.0, rng)),
    "tilted": lambda rng: TiltedTasks(SineSquareTasks(*_rows(rng)),
                                      conflicting_slopes(3, 7, 2.0, rng), _bends(rng)),
}  # fmt: skip


@pytest.fixture(params=sorted(MAKERS))
def objective(request: pytest.FixtureRequest) -> MultiTaskObjective:
    """Every objective in turn."""
    return MAKERS[request.param](np.random.default_rng(7))


@pytest.fixture
def points() -> Callable[[MultiTaskObjective, int, np.random.Generator], np.ndarray]:
    """Draw points where the objective's constants hold, near and far."""

    def draw(tasks: MultiTaskObjective, count: int, rng: np.random.Generator) -> np.ndarray:
        away = rng.standard_normal((count, tasks.dim))
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        region = tasks.constants.region
        if region is None:
            return away * 10.0 ** rng.uniform(-2, 1.5, (count, 1))
        return region.center + region.radius * rng.random((count, 1)) ** 0.5 * away

    return draw
