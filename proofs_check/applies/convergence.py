"""Theorems 7 and 8 held to a run: is a step's gradient the full gradient on average?"""

from __future__ import annotations

import numpy as np

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import RunLog

__all__ = ["convergence"]


def convergence(run: RunLog) -> tuple[Applied, ...]:
    """Hold the premises of Theorems 7 and 8 to every class at every measured refresh."""
    eta = float(run.params["lr"])
    steps, unbiased, bias = [], [], []
    for moment in run.moments:
        found = moment.measured
        if found is None:
            continue
        whole = float(found.between.sum())
        for r in range(moment.num_classes):
            # ||G_r - grad F||^2 from the classes' Gram.
            away = whole - 2 * float(found.between[r].sum()) + float(found.between[r, r])
            steps.append(eta * found.smoothness <= 1)
            unbiased.append(moment.num_classes == 1)
            bias.append(float(np.sqrt(max(away, 0.0) / whole)) if whole > 0 else float("inf"))
    return (
        Applied(
            "Theorems 7 and 8 (convergence of SGD)",
            ("Theorem 7", "Theorem 8", "Equation 90", "Equation 102", "Equation 103"),
            (
                Held(
                    "E[g_t] is the gradient of F",
                    tuple(unbiased),
                    "steps' classes",
                    "a cycle of several classes is biased at every step (eq. 109); a random class "
                    "with its gradient scaled by m is not",
                ),
                Held("eta <= 1 / L", tuple(steps), "steps' classes", "with a lower estimate of L"),
            ),
            None,
            Tightness(
                "bias of a step: ||E[g_t] - grad F|| / ||grad F||",
                tuple(value for value in bias if np.isfinite(value)),
            ),
        ),
    )
