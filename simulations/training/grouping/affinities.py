"""From what steps gave to affinities: cumulative, lazy, sampled, smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.training.grouping.collector import Collected
from simulations.training.methods.base import Setting
from simulations.training.methods.scheduled import SonGoku
from songoku_theory import scheduler as core
from songoku_theory.grouping import (
    cosine_affinity,
    cumulative,
    group_transfer_gain,
    tag_affinity,
    transfer_gain,
)
from songoku_theory.linalg import cosines, gram

__all__ = ["Affinity", "Classes", "GroupWatch", "affinities", "probes"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Affinity:
    """Gains between pairs.

    Attributes
    ----------
    gains : ndarray, shape (n, n)
        From i to j; NaN where a pair was never collected.
    counts : ndarray of int, shape (n, n)
        Steps behind each.
    """

    gains: Array
    counts: NDArray[np.int64]


def affinities(steps: Sequence[Collected], more_is_better: ArrayLike) -> dict[str, Affinity]:
    """Return transfer gains (as the ledger has them, and as printed), TAG's, and cosines.

    Parameters
    ----------
    steps : sequence of Collected
        At least one. Those that a lazy collection would have gone to, for its affinities.
    more_is_better : array_like of bool, shape (n,)
        Of the quantity that was measured: the sign of gains to such a task is turned.

    Returns
    -------
    dict
        ``ptg``: no gain of a task from itself (PTG-3-ZERO). ``ptg_paper``: that of counting its
        gradient twice, without which eq. 11's diagonal can't arise (PTG-11). ``tag``, ``cosine``.
    """
    sign = np.where(np.asarray(more_is_better, dtype=bool), -1.0, 1.0)
    joint, alone = np.stack([s.joint for s in steps]), np.stack([s.alone for s in steps])
    after, before = np.stack([s.after for s in steps]), np.stack([s.before for s in steps])
    found = {
        "ptg": transfer_gain(joint, alone, "zero") * sign,
        "ptg_paper": transfer_gain(joint, alone, "recorded") * sign,
        "tag": tag_affinity(after, before) * sign,
        "cosine": np.stack([_cosines(s) for s in steps]),
    }
    return {name: Affinity(*cumulative(values)) for name, values in found.items()}


def _cosines(step: Collected) -> Array:
    found = np.full_like(step.gram, np.nan)
    inside = np.ix_(step.drawn, step.drawn)
    found[inside] = cosine_affinity(step.gram[inside])
    return found


def probes(steps: Sequence[Collected], more_is_better: ArrayLike) -> dict[str, Array]:
    """Return the gain of each task from all others at once: measured, and foretold from pairs.

    Returns
    -------
    dict from {"measured", "sum", "average"} to ndarray, shape (n,)
        Means over the steps at which all tasks were drawn; empty without such a step. The sum is
        right to first order for summed steps of gradient descent (EXT-13); eq. 7 has the average.
    """
    whole = [s for s in steps if len(s.drawn) == len(s.alone)]
    if not whole:
        return {}
    sign = np.where(np.asarray(more_is_better, dtype=bool), -1.0, 1.0)
    joint, alone = np.stack([s.joint for s in whole]), np.stack([s.alone for s in whole])
    pairs = transfer_gain(joint, alone, "zero") * sign
    measured = group_transfer_gain(np.stack([s.together for s in whole]), alone) * sign
    summed = pairs.sum(axis=1)
    return {
        "measured": measured.mean(axis=0),
        "sum": summed.mean(axis=0),
        "average": summed.mean(axis=0) / (pairs.shape[1] - 1),
    }


@dataclass(frozen=True, slots=True)
class Classes:
    """SON-GOKU's colours of the tasks after a refresh, `step` the first that they would rule."""

    step: int
    colors: tuple[int, ...]


class GroupWatch:
    """What SON-GOKU would see and do on the same run, if it saw every task at each collection.

    Parameters
    ----------
    method : SonGoku
        Its options; every task is observed, whatever they say.
    setting : Setting
        With `steps` the number of collections.

    Attributes
    ----------
    classes : list of Classes
        One a refresh.

    Source
    ------
    SON-GOKU, Algorithm 1, eq. 8-11.
    """

    def __init__(self, method: SonGoku, setting: Setting) -> None:
        from dataclasses import replace

        self._config = replace(method, observe_tasks="all").schedule(setting)
        self._state = core.init(self._config)
        self._cosines: list[Array] = []
        self.classes: list[Classes] = []

    def observe(self, step: int, vectors: ArrayLike, drawn: Sequence[int]) -> None:
        """Take in one step's gradients; refresh where one is due.

        Parameters
        ----------
        step : int
            Of the run.
        vectors : array_like, shape (n, d)
        drawn : sequence of int
            The tasks that have a gradient.
        """
        rows = np.asarray(vectors, dtype=np.float64)
        missing = set(range(len(rows))) - set(drawn)
        self._state = core.observe(
            self._config, self._state, {i: rows[i] for i in drawn}, missing=missing
        )
        if core.needs_refresh(self._config, self._state):
            self._cosines.append(self._now())
            self._state = core.refresh(self._config, self._state)
            if self._state.colors is not None:
                self.classes.append(Classes(step + 1, tuple(int(c) for c in self._state.colors)))

    def _now(self) -> Array:
        found: Array = cosines(gram(core.smoothed_gradients(self._config, self._state))).values
        return found

    def affinity(self) -> Affinity:
        """Return the mean of the cosines over refreshes; the last ones when there was none."""
        held = self._cosines or [self._now()]
        mean = np.mean(held, axis=0)
        return Affinity(mean, np.full(mean.shape, len(held), dtype=np.int64))
