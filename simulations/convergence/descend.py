"""Many runs of descent at once, and what is measured along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.convergence.problems import Problem
from simulations.convergence.rules import Plan
from simulations.objectives import GradientNoise

__all__ = ["Trace", "descend"]

_LOOK = 256
"""Steps between looks for runs that left the floating-point numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What T steps of some runs went through.

    Attributes
    ----------
    squares : ndarray, shape (T, runs)
        |grad F(x_t)|^2 for t = 0, ..., T - 1.
    final_gap : ndarray, shape (runs,)
        F(x_T) - F*.
    class_gradient : float
        Largest |G_r(x_t)| of a class at a step that updates it, over steps and runs: B.
    variance : float or None
        Largest conditional variance of a step around grad F, over steps, in the mean over runs;
        for rules that draw classes, as if they were scaled. Includes the gradients' noise.
    second_moment : float or None
        Likewise E|g_t|^2 of the unscaled step, for rules that draw classes.
    energy, step_energy : float
        Averages over steps and runs of ``sum over k in S_t of |g_k|^2`` and of
        ``|sum over k in S_t of g_k|^2``, exact gradients g_k: both sides of eq. 94.
    mean_factor, worst_factor : float or None
        Average and largest 1 / (1 - tau_eff(S_t)) (eq. 93 and Gamma_T of eq. 95); None when some
        tau_eff >= 1.
    inside : bool
        Whether every run stayed where the objective's constants hold.
    diverged : bool
        Whether a run left the floating-point numbers; everything else may then be infinite.
    """

    squares: NDArray[np.float64]
    final_gap: NDArray[np.float64]
    class_gradient: float
    variance: float | None
    second_moment: float | None
    energy: float
    step_energy: float
    mean_factor: float | None
    worst_factor: float | None
    inside: bool
    diverged: bool


class _Tally:
    """Running sums and maxima over the steps."""

    def __init__(self, problem: Problem, plan: Plan, noise: GradientNoise) -> None:
        classes = problem.members.astype(np.float64)
        self.members = np.vstack([classes, np.ones((1, classes.shape[1]))])
        self.plan = plan
        self.class_noise = classes @ noise.energies
        self.steepest = self.variance = self.moment = 0.0
        self.energy = self.step_energy = self.factor = 0.0
        self.worst = 1.0

    def add(
        self, gradients: NDArray[np.float64], square: NDArray[np.float64], active: NDArray[np.int64]
    ) -> None:
        """Take in one step: gradients (runs, K, d), |grad F|^2 (runs,), classes (runs,) or (1,)."""
        gram = gradients @ gradients.transpose(0, 2, 1)
        sums = ((self.members @ gram) * self.members).sum(axis=2)
        energies = np.diagonal(gram, axis1=1, axis2=2) @ self.members.T
        against = ((self.members @ np.maximum(-gram, 0.0)) * self.members).sum(axis=2)
        rows, all_tasks = np.arange(len(gram)), len(self.members) - 1
        moved, spent = sums[rows, active], energies[rows, active]
        single = np.broadcast_to(active != all_tasks, moved.shape)
        if single.any():
            self.steepest = max(self.steepest, float(moved[single].max()))
        self.energy += float(spent.mean())
        self.step_energy += float(moved.mean())
        room = 1.0 - against[rows, active] / np.where(spent > 0, spent, 1.0)
        factors = np.where(room > 0, 1.0 / np.where(room > 0, room, 1.0), np.inf)
        self.factor += float(factors.mean())
        self.worst = max(self.worst, float(factors.max()))
        chances = self.plan.probabilities
        if chances is not None:
            noisy = sums[:, :all_tasks] + self.class_noise
            self.variance = max(self.variance, float(((noisy / chances).sum(1) - square).mean()))
            self.moment = max(self.moment, float((noisy @ chances).mean()))


def descend(
    problem: Problem,
    plan: Plan,
    step: float,
    runs: int,
    noise: GradientNoise,
    rng: np.random.Generator,
) -> Trace:
    """Descend along the plan with a constant step size.

    Parameters
    ----------
    problem : Problem
    plan : Plan
        Of T steps.
    step : float
        eta > 0.
    runs : int
        Independent runs from the same start, moved together.
    noise : GradientNoise
    rng : numpy.random.Generator
        For the gradients' noise.

    Returns
    -------
    Trace
    """
    objective, steps = problem.objective, len(plan.active)
    tally = _Tally(problem, plan, noise)
    scaled = tally.members * plan.scales[:, None]
    spread = noise.of_classes(tally.members) * plan.scales[:, None]
    noisy = noise.total > 0
    region = objective.constants.region
    squares = np.full((steps, runs), np.inf)
    x = np.repeat(problem.start[None, :], runs, axis=0)
    inside = True
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            gradients = objective.gradients(x)
            squares[t] = (gradients.sum(axis=1) ** 2).sum(axis=1)
            if t % _LOOK == 0 and not np.isfinite(squares[t]).all():
                break
            active = plan.active[t]
            tally.add(gradients, squares[t], active)
            move = (scaled[active][:, None, :] @ gradients)[:, 0, :]
            if noisy:
                move += spread[active] * rng.standard_normal(x.shape)
            x -= step * move
            if region is not None:
                inside = inside and bool(region.contains(x).all())
        final = objective.losses(x).sum(axis=1) - objective.constants.optimum
    drawn, finite = plan.probabilities is not None, bool(np.isfinite(tally.worst))
    return Trace(
        squares=squares,
        final_gap=np.asarray(final),
        class_gradient=float(np.sqrt(tally.steepest)),
        variance=tally.variance if drawn else noise.total,
        second_moment=tally.moment if drawn else None,
        energy=tally.energy / steps,
        step_energy=tally.step_energy / steps,
        mean_factor=tally.factor / steps if finite else None,
        worst_factor=tally.worst if finite else None,
        inside=inside,
        diverged=not (np.isfinite(squares).all() and np.isfinite(final).all()),
    )
