"""Search by gradients: many starts at once, downhill on the slack and back into the premises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.adversary.statement import Statement, judge_floats

__all__ = ["Found", "search_by_gradient"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The best points of a search.

    Attributes
    ----------
    points : ndarray, shape (N, n)
        Where the premises hold, smallest slack first; may be empty.
    slacks : ndarray, shape (N,)
    evaluations : int
    """

    points: Array
    slacks: Array
    evaluations: int


def search_by_gradient(
    statement: Statement, rng: np.random.Generator, *, restarts: int = 64, steps: int = 200
) -> Found:
    """Minimise the slack where the premises hold.

    Adam on central differences of ``slack + weight x (how far the premises fail)`` with a weight
    that grows, from starts of several sizes; then random steps that shrink, kept when they help,
    which also works where the slack has kinks.

    Parameters
    ----------
    statement : Statement
    rng : numpy.random.Generator
    restarts : int, default 64
    steps : int, default 200
        Of Adam; as many random steps follow.

    Returns
    -------
    Found

    Examples
    --------
    >>> import numpy as np
    >>> bowl = Statement(
    ...     name="bowl", doc="x^2 >= 1/4", variables=("x",), slack=lambda x: x[:, 0] ** 2 - 0.25
    ... )
    >>> found = search_by_gradient(bowl, np.random.default_rng(0), restarts=8, steps=100)
    >>> bool(abs(found.slacks[0] + 0.25) < 1e-3)
    True
    """
    size = statement.size
    sizes = statement.scale * 10.0 ** rng.uniform(-1.0, 0.7, (restarts, 1))
    points = sizes * rng.standard_normal((restarts, size))
    keep = _Best(points, statement)
    first, second = np.zeros_like(points), np.zeros_like(points)
    shifts = np.concatenate([np.eye(size), -np.eye(size)])
    for step in range(1, steps + 1):
        width = 1e-5 * statement.scale
        around = (points[:, None, :] + width * shifts).reshape(-1, size)
        merit = keep.merit(around, 10.0 ** (2.0 * step / steps)).reshape(restarts, 2, size)
        with np.errstate(invalid="ignore"):
            slope = (merit[:, 0] - merit[:, 1]) / (2.0 * width)
        slope = np.where(np.isfinite(slope), slope, 0.0)
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        rate = 0.1 * statement.scale * (1.0 - 0.95 * step / steps)
        unbiased = (first / (1.0 - 0.9**step)) / (np.sqrt(second / (1.0 - 0.99**step)) + 1e-12)
        points = points - rate * unbiased
        keep.update(points)
    for step in range(steps):
        width = statement.scale * 10.0 ** (-0.5 - 4.0 * step / steps)
        # Around the best by merit, and around the best where the premises hold.
        for base in (keep.points, keep.feasible):
            keep.update(base + width * rng.standard_normal(points.shape))
    return keep.found()


class _Best:
    """The best point of each start so far, by merit and by feasible slack."""

    def __init__(self, points: Array, statement: Statement) -> None:
        self.statement = statement
        self.evaluations = 0
        self.points = points.copy()
        self._value = np.full(len(points), np.inf)
        self.feasible = points.copy()
        self._slack = np.full(len(points), np.inf)
        self.update(points)

    def _judge(self, points: Array) -> tuple[Array, Array]:
        self.evaluations += len(points)
        return judge_floats(self.statement, points)

    def merit(self, points: Array, weight: float) -> Array:
        slack, missing = self._judge(points)
        with np.errstate(invalid="ignore"):
            return np.asarray(slack + weight * missing, dtype=np.float64)

    def update(self, points: Array) -> None:
        slack, missing = self._judge(points)
        with np.errstate(invalid="ignore"):
            value = np.where(np.isfinite(slack), slack + 1e3 * missing, np.inf)
        better = value < self._value
        self.points[better], self._value[better] = points[better], value[better]
        lower = (missing <= 0) & (slack < self._slack)
        self.feasible[lower], self._slack[lower] = points[lower], slack[lower]

    def found(self) -> Found:
        order = np.argsort(self._slack, kind="stable")
        order = order[np.isfinite(self._slack[order])]
        return Found(self.feasible[order], self._slack[order], self.evaluations)
