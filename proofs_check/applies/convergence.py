"""Theorems 7 and 8 held to a run: is a step's gradient the full gradient on average?"""

from __future__ import annotations

import numpy as np

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import RunLog

__all__ = ["convergence"]

_OF = "classes at measurements"


def convergence(run: RunLog) -> tuple[Applied, ...]:
    """Hold the premises of Theorems 7 and 8 to every class at every measured refresh."""
    steps, unbiased, bias = [], [], []
    for moment, found in run.measured:
        whole = float(found.between.sum())
        for r in range(moment.num_classes):
            # ||G_r - grad F||^2 from the classes' Gram.
            away = whole - 2 * float(found.between[r].sum()) + float(found.between[r, r])
            if found.curvature is not None:
                steps.append(found.rate * found.curvature.smoothness <= 1)
            unbiased.append(moment.num_classes == 1)
            bias.append(float(np.sqrt(max(away, 0.0) / whole)) if whole > 0 else float("inf"))
    if len(steps) != len(unbiased):
        steps = []
    return (
        Applied(
            "Theorems 7 and 8 (convergence of SGD)",
            ("Theorem 7", "Theorem 8", "Equation 90", "Equation 102", "Equation 103"),
            (
                Held(
                    "E[g_t] is the gradient of F",
                    tuple(unbiased),
                    _OF,
                    "a cycle of several classes is biased at every step (eq. 109); a random class "
                    "with its gradient scaled by m is not",
                ),
                Held("eta <= 1 / L", tuple(steps), _OF, "with a lower estimate of L"),
            ),
            None,
            Tightness(
                "bias of a step: ||E[g_t] - grad F|| / ||grad F||",
                tuple(value for value in bias if np.isfinite(value)),
            ),
        ),
    )
