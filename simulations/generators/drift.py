"""Mean gradients that move: a steady drift, a random walk, a turn, a jump.

Assumption 3 of the paper asks that the means hardly move within a window. Here they do, by a known
amount, within windows and between them, so that what an average then tracks can be measured.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_number, check_whole
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_gradients

__all__ = ["DRIFT_KINDS", "DriftKind", "MeanPath"]

DriftKind = Literal["none", "linear", "walk", "turn", "jump"]
DRIFT_KINDS: tuple[DriftKind, ...] = get_args(DriftKind)


class MeanPath:
    """Means of K tasks at the steps 0, 1, 2, ..., each step's made from the one before.

    Parameters
    ----------
    start : array_like, shape (K, d)
        mu_i at step 0.
    kind : {"none", "linear", "walk", "turn", "jump"}
        ``"none"``: they stand still. ``"linear"``: each moves along a direction of its own.
        ``"walk"``: each step adds an independent isotropic Gaussian vector. ``"turn"``: each turns
        at a fixed rate in a random plane through it, its length unchanged. ``"jump"``: still, but
        once every task takes over the mean of the next one, and the last that of the first.
    step : float
        D >= 0: how far a mean moves in one step, in units of the means (root mean square for the
        walk). Without effect on ``"none"`` and ``"jump"``.
    jump_at : int, default 0
        The first step (>= 1) with the means changed over; 0 for no jump.
    rng : numpy.random.Generator

    Raises
    ------
    InvalidInputError, UnknownNameError
        When an argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> path = MeanPath(np.eye(2, 6), "turn", 0.1, rng=np.random.default_rng(0))
    >>> steps = np.stack([path.advance() for _ in range(3)])
    >>> np.round(np.linalg.norm(steps[1:] - steps[:-1], axis=2), 12)
    array([[0.1, 0.1],
           [0.1, 0.1]])
    >>> bool(np.allclose(np.linalg.norm(steps, axis=2), 1.0))
    True
    """

    def __init__(
        self,
        start: ArrayLike,
        kind: DriftKind,
        step: float,
        jump_at: int = 0,
        *,
        rng: np.random.Generator,
    ) -> None:
        if kind not in DRIFT_KINDS:
            raise unknown_name("kind of drift", str(kind), DRIFT_KINDS)
        self._means = check_gradients(start).astype(np.float64).copy()
        check_number("step", step)
        if step < 0:
            raise InvalidInputError(f"step should be >= 0, a distance; found {step}.")
        check_whole("jump_at", jump_at, 0, "0 for no jump")
        if (jump_at > 0) != (kind == "jump"):
            raise InvalidInputError(
                f"jump_at and kind = 'jump' go together; found {jump_at} and {kind!r}."
            )
        self._kind, self._step, self._jump_at, self._rng = kind, float(step), int(jump_at), rng
        self._time = 0
        self._angles = np.zeros((len(self._means), 1))
        self._ahead = np.zeros_like(self._means)
        if kind == "linear":
            self._ahead = self._step * self._directions()
        elif kind == "turn":
            self._plan_turn()

    @property
    def means(self) -> NDArray[np.float64]:
        """The means at the current step, shape (K, d)."""
        return self._means.copy()

    def _directions(self) -> NDArray[np.float64]:
        """A uniform unit vector for each task."""
        found = self._rng.standard_normal(self._means.shape)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float64)

    def _plan_turn(self) -> None:
        """Find for each task the vector a quarter turn ahead, and the angle of one step."""
        norms = np.linalg.norm(self._means, axis=1, keepdims=True)
        if self._means.shape[1] < 2 or (norms == 0).any():
            raise InvalidInputError("a turn needs d >= 2 and means that are not zero.")
        if self._step > 2.0 * float(norms.min()):
            raise InvalidInputError(
                f"a turn can't move a mean of length {float(norms.min()):g} by {self._step:g} in "
                "one step: twice its length is the most."
            )
        unit = self._means / norms
        other = self._directions()
        other -= (other * unit).sum(axis=1, keepdims=True) * unit
        self._ahead = norms * other / np.linalg.norm(other, axis=1, keepdims=True)
        self._angles = 2.0 * np.arcsin(self._step / (2.0 * norms))  # a chord of length `step`
        self._start = self._means.copy()

    def advance(self) -> NDArray[np.float64]:
        """Return the means of the current step, shape (K, d), and move on to the next."""
        now = self._means
        self._time += 1
        if self._kind == "linear":
            self._means = now + self._ahead
        elif self._kind == "walk":
            scale = self._step / math.sqrt(now.shape[1])
            self._means = now + scale * self._rng.standard_normal(now.shape)
        elif self._kind == "turn":
            angle = self._time * self._angles
            self._means = np.cos(angle) * self._start + np.sin(angle) * self._ahead
        elif self._time == self._jump_at:
            self._means = np.roll(now, -1, axis=0)
        return now
