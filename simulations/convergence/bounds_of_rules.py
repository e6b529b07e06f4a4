"""The bound that holds for each rule of activation, and the average of squares that it bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulations.convergence.descend import Trace
from simulations.convergence.problems import Problem
from simulations.convergence.rules import Plan
from simulations.objectives import GradientNoise
from songoku_theory.bounds.convergence import sgd_bound
from songoku_theory.bounds.convergence_schedules import (
    biased_sampling_bound,
    cyclic_bound,
    drift_constant,
    mixed_bound,
    noisy_cyclic_bound,
)

__all__ = ["bound_of_rule", "bounded_steps", "worst_drift"]


def bounded_steps(rule: str, num_classes: int, steps: int) -> NDArray[np.bool_]:
    """Tell which steps' |grad F|^2 the rule's bound averages, shape (T,).

    All of them for unbiased rules and samples; the starts of whole cycles for cycles, and with
    mixed steps also the aggregated ones.

    Examples
    --------
    >>> np.flatnonzero(bounded_steps("cyclic", 3, 8)).tolist()
    [0, 3]
    >>> np.flatnonzero(bounded_steps("mixed", 2, 7)).tolist()
    [0, 2, 3, 5]
    """
    t = np.arange(steps)
    if rule in ("cyclic", "shuffled"):
        return np.asarray((t % num_classes == 0) & (t + num_classes <= steps))
    if rule == "mixed":
        place, whole = t % (num_classes + 1), steps - steps % (num_classes + 1)
        return np.asarray(((place == 0) | (place == num_classes)) & (t < whole))
    return np.ones(steps, dtype=np.bool_)


def worst_drift(rule: str, class_smoothness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the L_r in the order of the visits; for shuffled classes in the worst order."""
    return np.sort(class_smoothness) if rule == "shuffled" else class_smoothness


def bound_of_rule(
    rule: str, problem: Problem, plan: Plan, step: float, trace: Trace, noise: GradientNoise
) -> float | None:
    """Return the bound on the mean of E|grad F|^2 over `bounded_steps`; None where there is none.

    Parameters
    ----------
    rule : str
    problem, plan, step, trace, noise
        As in `descend`. B, sigma^2 and the second moment are those seen along the runs.

    Returns
    -------
    float or None
        None: classes sampled unevenly without scaling, mixed steps with noise, a step size that is
        too long, or too few steps for one cycle.
    """
    known, gap = problem.objective.constants, problem.gap
    steps, classes = len(plan.active), len(problem.members)
    whole = steps - steps % plan.period
    if whole == 0 or trace.diverged:
        return None
    lipschitz = worst_drift(rule, problem.class_smoothness())
    spread = problem.members.astype(np.float64) @ noise.energies
    cycle = (gap, known.smoothness, step, whole)
    match rule:
        case "cyclic" | "shuffled" if noise.total > 0:
            if rule == "shuffled":
                spread = np.sort(spread)[::-1]
            found = noisy_cyclic_bound(*cycle, trace.class_gradient, lipschitz, spread)
        case "cyclic" | "shuffled":
            drift = drift_constant(lipschitz)
            found = cyclic_bound(*cycle, classes, trace.class_gradient, drift)
        case "mixed" if noise.total > 0:
            return None
        case "mixed":
            drift = drift_constant(lipschitz)
            found = mixed_bound(*cycle, classes, trace.class_gradient, drift)
        case "sampled":
            assert plan.probabilities is not None
            assert trace.second_moment is not None
            if np.ptp(plan.probabilities) > 0:
                return None
            found = biased_sampling_bound(
                gap, known.smoothness, step, steps, classes, trace.second_moment
            )
        case _:
            assert trace.variance is not None
            found = sgd_bound(gap, known.smoothness, step, steps, trace.variance)
    return float(found) if np.isfinite(found) else None
