"""A training run, as the arrays that hypotheses are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Curvature", "Measurement", "Moment", "RunLog"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """Second derivatives of F at a refresh (m classes).

    Attributes
    ----------
    smoothness : float
        The largest curvature of F that was found: L is at least this, as far as F is known.
    class_smoothness : ndarray, shape (m,)
        The same of each class's own part, for L_r.
    cross : ndarray, shape (m, m)
        <H G_p, G_q>; the diagonal is not recorded and is 0.
    order_slope, phi_slope : float
        F(scheduled) - F(aggregated) is eta^2 times the first to second order, and eta^2 / 2 times
        the second on average over the orders of the classes.
    """

    smoothness: float
    class_smoothness: Array
    cross: Array
    order_slope: float
    phi_slope: float


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """What was measured at a refresh beside what the scheduler saw (K tasks, m classes).

    Attributes
    ----------
    means : ndarray, shape (K, K)
        Gram of the population gradients mu_i.
    noise_total, noise_top : ndarray, shape (K,)
        Trace and largest eigenvalue of the covariance of one sub-batch's gradient.
    drift : ndarray, shape (K,), or None
        How far mu_i has moved since the measurement before.
    between : ndarray, shape (m, m)
        Gram of the classes' gradients G_r.
    rate : float
        eta of the steps below.
    objective, aggregated, scheduled : float
        F, F after one step on all classes together, and after one step a class in turn.
    step_descent, step_norm : ndarray, shape (m,)
        <grad F(x), G_r(x)> and ||G_r(x)|| at the point x of the class's turn.
    curvature : Curvature or None
        None where it could not be measured.
    mean_error : ndarray, shape (K,), or None
        Standard error of mu_i; None where mu_i is exact.
    noise_dot : ndarray, shape (K, K), or None
        Mean inner product of two tasks' noises on a batch; None where every task draws its own.
    batches : int or None
        That mu_i is the mean of; None where it is over all examples.
    """

    means: Array
    noise_total: Array
    noise_top: Array
    drift: Array | None
    between: Array
    rate: float
    objective: float
    aggregated: float
    scheduled: float
    step_descent: Array
    step_norm: Array
    curvature: Curvature | None = None
    mean_error: Array | None = None
    noise_dot: Array | None = None
    batches: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One refresh.

    Attributes
    ----------
    refresh, step : int
        Its number from 1, and the first step that its classes rule.
    tau : float
    colors : ndarray of int, shape (K,)
    cosines : ndarray, shape (K, K)
        Of the averages that the graph was made from; 1 on the diagonal.
    norms, n_eff : ndarray, shape (K,)
        Of the averages.
    edges : ndarray of bool, shape (K, K)
    measured : Measurement or None
    """

    refresh: int
    step: int
    tau: float
    colors: NDArray[np.int64]
    cosines: Array
    norms: Array
    n_eff: Array
    edges: NDArray[np.bool_]
    measured: Measurement | None

    @property
    def num_classes(self) -> int:
        """m_r."""
        return int(self.colors.max()) + 1

    @property
    def max_degree(self) -> int:
        """Delta."""
        return int(self.edges.sum(axis=0).max())

    @property
    def gram(self) -> Array:
        """Gram of the averages, shape (K, K)."""
        return np.asarray(self.cosines * np.outer(self.norms, self.norms))

    @property
    def classes(self) -> list[NDArray[np.intp]]:
        """Members of each class."""
        return [np.flatnonzero(self.colors == r) for r in range(self.num_classes)]


@dataclass(frozen=True, slots=True, eq=False)
class RunLog:
    """One run.

    Attributes
    ----------
    key : str
        Of the stored cell, or the run's folder.
    params : mapping
        Its settings. Those that theorems depend on: ``refresh_period`` (int), ``policy`` and
        ``phase`` of the schedule, ``optimiser``, ``momentum`` and ``combine`` of the update.
    data : str
        What it was trained on, with EXACT, NEAR or SYNTH.
    tasks : tuple of str
    moments : tuple of Moment
        One a refresh, in order.
    active : ndarray of bool, shape (T, K)
        Who ran at each step that was recorded.
    steps : int
        Of the whole run; more than T where only its first steps were recorded one by one.
    unmeasured : tuple of str
        What measurements lack, and why.
    """

    key: str
    params: Mapping[str, Any]
    data: str
    tasks: tuple[str, ...]
    moments: tuple[Moment, ...]
    active: NDArray[np.bool_]
    steps: int
    unmeasured: tuple[str, ...] = ()

    @property
    def measured(self) -> list[tuple[Moment, Measurement]]:
        """The refreshes that were measured."""
        return [(m, m.measured) for m in self.moments if m.measured is not None]

    @property
    def windows(self) -> list[tuple[Moment, NDArray[np.bool_]]]:
        """Each refresh with who ran until the next one; only those recorded step by step."""
        ends = [moment.step for moment in self.moments[1:]] + [self.steps]
        recorded = len(self.active)
        return [
            (moment, self.active[moment.step : end])
            for moment, end in zip(self.moments, ends, strict=True)
            if moment.step < end <= recorded
        ]
