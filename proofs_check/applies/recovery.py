"""Appendix B held to a run: margins, models, budgets, and whether the graph was recovered.

Only refreshes with a measurement count: they alone know the population gradients.
"""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import Array, Measurement, Moment, RunLog
from songoku_theory.bounds.recovery import dimension_aware_failure, probe_budget
from songoku_theory.linalg import cosines

__all__ = ["DELTA", "recovery"]

DELTA = 0.05
"""The failure probability that budgets are asked for."""


def recovery(run: RunLog) -> tuple[Applied, ...]:
    """Hold Theorems 2 to 4, Corollary 1 and the dimension-aware bound to the run."""
    pairs = [(m, m.measured) for m in run.moments if m.measured is not None]
    truth = [_cosines(measured) for _, measured in pairs]
    graphs = [_graph(found, moment.tau) for found, (moment, _) in zip(truth, pairs, strict=True)]
    margins = [_margin(found, moment.tau) for found, (moment, _) in zip(truth, pairs, strict=True)]
    errors = [
        float(np.abs(moment.cosines - found)[np.triu_indices(len(found), 1)].max(initial=0.0))
        for found, (moment, _) in zip(truth, pairs, strict=True)
    ]
    same = tuple(
        bool((moment.edges == graph).all())
        for graph, (moment, _) in zip(graphs, pairs, strict=True)
    )
    recovered = Held("the estimated graph is the population's", same)
    margin = Held(
        "a margin gamma > 0 around -tau",
        tuple(value > 0 for value in margins),
        note="the largest gamma that the population cosines leave, at each refresh",
    )
    model_b = tuple(_is_multipartite(graph) for graph in graphs)
    return (
        Applied(
            "Theorem 2 (a cosine error below the margin gives the graph)",
            ("Theorem 2", "Equation 32", "Equation 33"),
            (
                margin,
                Held(
                    "largest cosine error < gamma",
                    tuple(e < g for e, g in zip(errors, margins, strict=True)),
                ),
            ),
            recovered,
            Tightness(
                "largest cosine error / gamma (below 1 wherever the theorem applies)",
                tuple(e / g for e, g in zip(errors, margins, strict=True) if g > 0),
            ),
        ),
        _budget(run, pairs, margins, margin, recovered),
        _aware(pairs, margins, margin, recovered),
        Applied(
            "Theorem 3 (components)",
            ("Theorem 3", "Assumption 1", "Proposition 2"),
            (
                Held(
                    "Assumption 1 with the connected components as groups",
                    tuple(_components_separate(graph) for graph in graphs),
                    note="it asks for an edge between every two groups and none within one, while "
                    "components have edges within and none between: never for two or more tasks",
                ),
            ),
            Held(
                "the components are the population's",
                tuple(
                    _components(moment.edges) == _components(graph)
                    for graph, (moment, _) in zip(graphs, pairs, strict=True)
                ),
            ),
        ),
        Applied(
            "Theorem 4 (multipartite model)",
            ("Theorem 4", "Theorem 1", "Assumption 1", "Definition B.2"),
            (Held("the population graph is complete multipartite", model_b),),
            Held(
                "the classes are the parts",
                tuple(
                    part and _parts(graph) == {frozenset(c.tolist()) for c in moment.classes}
                    for part, graph, (moment, _) in zip(model_b, graphs, pairs, strict=True)
                ),
            ),
        ),
    )


def _budget(
    run: RunLog,
    pairs: list[tuple[Moment, Measurement]],
    margins: list[float],
    margin: Held,
    recovered: Held,
) -> Applied:
    had = [float(moment.n_eff.min()) for moment, _ in pairs]
    needed = [
        probe_budget(
            math.sqrt(float(found.noise_top.max())),
            math.sqrt(float(found.means.diagonal().min())),
            gamma,
            len(run.tasks),
            DELTA,
        )
        if gamma > 0
        else math.inf
        for (_, found), gamma in zip(pairs, margins, strict=True)
    ]
    return Applied(
        f"Corollary 1 (the paper's budget, at C = 1, delta = {DELTA:g})",
        ("Corollary 1", "Corollary 2", "Equation 35", "Equation 39"),
        (
            margin,
            Held(
                "smallest n_eff >= sigma^2 / (m_0^2 gamma^2) log(K^2 / delta)",
                tuple(h >= n for h, n in zip(had, needed, strict=True)),
                note="sigma^2: the largest eigenvalue of a sub-batch gradient's sample "
                "covariance, which is at most the proxy that the theorem speaks of",
            ),
        ),
        recovered,
        Tightness(
            "smallest n_eff / the budget", tuple(h / n for h, n in zip(had, needed, strict=True))
        ),
    )


def _aware(
    pairs: list[tuple[Moment, Measurement]],
    margins: list[float],
    margin: Held,
    recovered: Held,
) -> Applied:
    failures = []
    for (moment, found), gamma in zip(pairs, margins, strict=True):
        top = float(found.noise_top.max())
        ratio = math.sqrt(
            top / float(moment.n_eff.min()) / max(float(found.means.diagonal().min()), 1e-300)
        )
        rank = max(1.0, float(found.noise_total.max()) / top) if top > 0 else 1.0
        clear = gamma > 0 and ratio > 0
        failures.append(
            dimension_aware_failure(ratio, rank, moment.tau, gamma, len(moment.cosines))
            if clear
            else float(gamma <= 0)
        )
    return Applied(
        f"The dimension-aware bound (delta = {DELTA:g})",
        (),
        (margin, Held("its failure probability <= delta", tuple(f <= DELTA for f in failures))),
        recovered,
        Tightness("its failure probability (1: it says nothing)", tuple(failures)),
    )


def _cosines(found: Measurement) -> Array:
    return np.asarray(cosines(found.means).values)


def _graph(found: Array, tau: float) -> NDArray[np.bool_]:
    graph = found < -tau
    np.fill_diagonal(graph, False)
    return np.asarray(graph)


def _margin(found: Array, tau: float) -> float:
    """The largest gamma with every cosine at least gamma away from -tau."""
    off = found[np.triu_indices(len(found), 1)]
    return float(min(np.abs(off + tau).min(initial=np.inf), 1.0 - tau))


def _components(graph: NDArray[np.bool_]) -> set[frozenset[int]]:
    return {frozenset(part) for part in nx.connected_components(nx.from_numpy_array(graph))}


def _components_separate(graph: NDArray[np.bool_]) -> bool:
    """Whether pairs across components have edges and pairs within have none."""
    label = {v: i for i, part in enumerate(_components(graph)) for v in part}
    size = len(graph)
    return all(bool(graph[i, j]) == (label[i] != label[j]) for i in range(size) for j in range(i))


def _parts(graph: NDArray[np.bool_]) -> set[frozenset[int]]:
    """Parts of a complete multipartite graph: the components of its complement."""
    complement = ~graph
    np.fill_diagonal(complement, False)
    return _components(complement)


def _is_multipartite(graph: NDArray[np.bool_]) -> bool:
    """Complete multipartite: no two tasks of a component of the complement conflict."""
    return all(not graph[np.ix_(sorted(p), sorted(p))].any() for p in _parts(graph))
