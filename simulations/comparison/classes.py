"""Every colour class of many drawn steps, with what its step does to whom."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.batched_coloring import welsh_powell_batch
from songoku_theory.bounds.descent import (
    class_descent_bound,
    compatibility,
    conflict_degree_bound,
    conflict_eigenvalue,
    conflict_ratio,
    descent_is_vacuous,
    descent_ratio,
    member_descent_bound,
    member_slopes,
    norm_aware_bound,
    objective_descent_bound,
    objective_slope,
)
from songoku_theory.conflict import conflict_adjacency_batch

__all__ = ["ClassSteps", "class_steps"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SLACK = 1e-9
"""A guarantee is violated when it fails by more than rounding can make it: numbers here are O(1)
after division by the class's energy, and a Gram entry is off by about 1e-15."""


ENTRIES = 1_000_000
"""Entries of the Gram matrices that are held at once."""


@dataclass(frozen=True, slots=True)
class ClassSteps:
    """One entry a class; several classes come from one trial.

    Attributes
    ----------
    size : ndarray of int
        |S|.
    picked : ndarray of bool
        One class of each trial, chosen uniformly: a step at a random time of the cycle. Picked
        classes are independent of one another.
    compatible : ndarray of bool
        Whether the gradients of the step themselves satisfy eq. 76.
    ratio : ndarray
        ``||sum g||^2 / sum ||g||^2``.
    worst_case, norm_aware, data_driven : ndarray
        Its lower bounds: Proposition 6, the same with the norms, Proposition 7.
    eigenvalue, degree : ndarray
        Upper bounds on tau_eff that cosines, or signs and tau, give.
    member_up, objective_up : ndarray of bool
        Whether some member's loss, or F, rises to first order.
    member_safe, objective_safe : ndarray of bool
        Whether a certificate says that none, or F, does not.
    member_wrong, objective_wrong : ndarray of bool
        A certified slope that is negative (must not happen).
    """

    size: NDArray[np.int64]
    picked: Flags
    compatible: Flags
    ratio: Array
    worst_case: Array
    norm_aware: Array
    data_driven: Array
    eigenvalue: Array
    degree: Array
    member_up: Flags
    member_safe: Flags
    member_wrong: Flags
    objective_up: Flags
    objective_safe: Flags
    objective_wrong: Flags

    def violated(self, which: str) -> Flags:
        """Say where a guarantee fails though its premises hold.

        Parameters
        ----------
        which : {"worst_case", "norm_aware", "data_driven", "ordering", "eigenvalue", "degree"}
            ``ordering``: Proposition 7 weaker than Proposition 6.

        Returns
        -------
        ndarray of bool
        """
        tau_eff = 1.0 - self.data_driven
        faults = {
            "worst_case": self.compatible & (self.ratio < self.worst_case - SLACK),
            "norm_aware": self.compatible & (self.ratio < self.norm_aware - SLACK),
            "data_driven": self.ratio < self.data_driven - SLACK,
            "ordering": self.compatible & (self.data_driven < self.worst_case - SLACK),
            "eigenvalue": tau_eff > self.eigenvalue + SLACK,
            "degree": self.compatible & (self.eigenvalue > self.degree + SLACK),
        }
        return faults[which]

    def vacuous(self, which: str) -> Flags:
        """Say where ``worst_case`` or ``data_driven`` promises nothing."""
        bound = self.worst_case if which == "worst_case" else self.data_driven
        return descent_is_vacuous(bound)


def class_steps(step: Array, seen: Array, tau: float, rng: np.random.Generator) -> ClassSteps:
    """Colour the conflict graph of `seen` and take the step of every class with `step`.

    Parameters
    ----------
    step, seen : ndarray, shape (N, K, d)
        The gradients of the step and those that the graph was drawn from.
    tau : float
    rng : numpy.random.Generator
        Picks a class a trial.

    Returns
    -------
    ClassSteps
    """
    adjacency = conflict_adjacency_batch(seen @ seen.transpose(0, 2, 1), tau)
    colors = welsh_powell_batch(adjacency)
    counts = colors.max(axis=1) + 1
    chosen = rng.integers(0, counts)
    trial, color = np.nonzero(np.arange(colors.max() + 1) < counts[:, None])
    members = colors[trial] == color[:, None]
    picked = chosen[trial] == color
    sizes = members.sum(axis=1)
    tasks = colors.shape[1]
    parts = []
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        for chunk in np.array_split(rows, 1 + len(rows) * tasks**2 // ENTRIES):
            parts.append(_of_size(step, trial[chunk], members[chunk], picked[chunk], tau))
    return ClassSteps(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(ClassSteps))
    )


def _of_size(
    step: Array, trial: NDArray[np.int64], members: Flags, picked: Flags, tau: float
) -> ClassSteps:
    """Classes of one size; the Gram matrices inside are of the members alone."""
    size = int(members[0].sum())
    vectors = step[trial]
    full = vectors @ vectors.transpose(0, 2, 1)
    # Scale-free: all tasks of a trial together have unit energy.
    full = full / np.trace(full, axis1=1, axis2=2)[:, None, None]
    full = (full + full.transpose(0, 2, 1)) / 2.0
    tasks = np.nonzero(members)[1].reshape(-1, size)
    inside = full[np.arange(len(full))[:, None, None], tasks[:, :, None], tasks[:, None, :]]
    slopes, slope = member_slopes(inside), objective_slope(full, members)
    certified = member_descent_bound(inside, tau) >= 0
    own = objective_descent_bound(full, members) >= 0
    compatible = compatibility(inside) <= tau + 1e-12
    up = slopes < -1e-12
    sizes = np.full(len(full), size)
    return ClassSteps(
        size=sizes,
        picked=picked,
        compatible=compatible,
        ratio=descent_ratio(inside),
        worst_case=class_descent_bound(tau, sizes),
        norm_aware=norm_aware_bound(inside, tau),
        data_driven=1.0 - conflict_ratio(inside),
        eigenvalue=conflict_eigenvalue(inside),
        degree=conflict_degree_bound(inside, tau),
        member_up=np.asarray(up.any(axis=1)),
        member_safe=np.asarray(certified.all(axis=1)),
        member_wrong=np.asarray((up & certified).any(axis=1)) & compatible,
        objective_up=slope < -1e-12,
        objective_safe=own,
        objective_wrong=own & (slope < -1e-12),
    )
