"""The hypotheses of appendix B, as predicates where they can be."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from proofs_check.claims.coloring._gradients import conflict_graph
from proofs_check.claims.coloring._graphs import Graph
from proofs_check.claims.ema.objects import Vector, dot
from proofs_check.claims.recovery._exact import Law, cosine, is_sub_gaussian
from proofs_check.model import Assumption

__all__ = [
    "A1_GROUPS",
    "A1_PAIRS",
    "CONDITIONAL_NOISE",
    "DELTA",
    "GAUSSIAN",
    "INDEPENDENT_TASKS",
    "MIN_NORM",
    "MODEL_A",
    "MODEL_B",
    "NOISE",
    "NONZERO",
    "NO_DRIFT",
    "TAU_FIXED",
    "components",
]

Cosines = Sequence[Sequence[Fraction]]


def components(graph: Graph) -> tuple[int, ...]:
    """Label each task with the smallest task of its connected component.

    Examples
    --------
    >>> components((2, 1, 0))  # one edge, between tasks 0 and 1
    (0, 0, 2)
    """
    label = list(range(len(graph)))
    changed = True
    while changed:
        changed = False
        for i, j in combinations(range(len(graph)), 2):
            if graph[i] >> j & 1 and label[i] != label[j]:
                label[i] = label[j] = min(label[i], label[j])
                changed = True
    return tuple(label)


def _not_zero(means: Sequence[Vector]) -> bool:
    return all(any(mean) for mean in means)


def _margin_by_groups(
    cosines: Cosines, groups: Sequence[int], tau: Fraction, gamma: Fraction
) -> bool:
    return 0 < gamma < 1 - tau and all(
        cosines[i][j] <= -(tau + gamma)
        if groups[i] != groups[j]
        else cosines[i][j] >= -(tau - gamma)
        for i, j in combinations(range(len(groups)), 2)
    )


def _margin_by_pairs(means: Sequence[Vector], tau: Fraction, gamma: Fraction) -> bool:
    found = [cosine(u, v) for u, v in combinations(means, 2)]
    return gamma > 0 and all(c.high <= -(tau + gamma) or c.low >= -(tau - gamma) for c in found)


def _groups_are_components(graph: Graph, groups: Sequence[int]) -> bool:
    found = components(graph)
    return all(
        (found[i] == found[j]) == (groups[i] == groups[j])
        for i, j in combinations(range(len(graph)), 2)
    )


def _groups_are_parts(means: Sequence[Vector], groups: Sequence[int], tau: Fraction) -> bool:
    graph = conflict_graph(means, tau)
    return all(
        bool(graph[i] >> j & 1) == (groups[i] != groups[j])
        for i, j in combinations(range(len(graph)), 2)
    )


def _passes_the_moments(law: Law, proxy: Fraction) -> bool:
    return is_sub_gaussian(law, proxy)


def _long_enough(means: Sequence[Vector], min_norm: Fraction) -> bool:
    return min_norm > 0 and all(dot(mean, mean) >= min_norm**2 for mean in means)


def _is_probability(delta: Fraction) -> bool:
    return 0 < delta < 1


NONZERO = Assumption("means not zero", "mu_i is not 0 for every task in the graph", _not_zero)
MODEL_A = Assumption(
    "model (A)",
    "the groups are the connected components of G* (Definition B.2)",
    _groups_are_components,
)
MODEL_B = Assumption(
    "model (B)",
    "the groups are the parts of a complete multipartite G* (Definition B.2)",
    _groups_are_parts,
)
A1_GROUPS = Assumption(
    "Assumption 1",
    "some 0 < gamma < 1 - tau: cosine <= -(tau+gamma) for tasks of different groups, >= "
    "-(tau-gamma) for tasks of one group (eq. 16)",
    _margin_by_groups,
)
A1_PAIRS = Assumption(
    "margin for every pair",
    "every population cosine is <= -(tau+gamma) or >= -(tau-gamma)",
    _margin_by_pairs,
)
NOISE = Assumption(
    "Assumption 2",
    "g_(i,t) = mu_i + xi_(i,t), the noise mean zero, sub-Gaussian with parameter sigma² in every "
    "direction, phi-mixing or a martingale difference (eq. 17)",
    _passes_the_moments,
)
CONDITIONAL_NOISE = Assumption(
    "noise sub-Gaussian given the past",
    "E[exp(l <xi_(i,t), u>) | steps before t] <= exp(l² sigma²/2) for every l and unit u: noise "
    "independent from step to step, or martingale differences that are sub-Gaussian "
    "conditionally; anything goes between tasks",
)
GAUSSIAN = Assumption(
    "isotropic Gaussian noise",
    "xi_(i,t) are N(0, sigma² I), independent over steps and over tasks; s² = sigma²/n_eff",
)
INDEPENDENT_TASKS = Assumption(
    "independent tasks",
    "the noise of different tasks is independent (each task has its own sub-batch, section 4.1)",
)
NO_DRIFT = Assumption("Assumption 3", "mu_i is constant within the window")
MIN_NORM = Assumption("Assumption 4", "|mu_i| >= m_0 > 0 for every task in the graph", _long_enough)
TAU_FIXED = Assumption("Assumption 5", "tau does not depend on the probe sample")
DELTA = Assumption("delta", "0 < delta < 1", _is_probability)
