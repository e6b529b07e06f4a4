"""Appendix B held to a run: margins, models, budgets, and whether the graph was recovered.

Only refreshes with a measurement count: they alone know the population gradients.
"""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.premises import (
    MEASUREMENTS,
    cosine_error,
    drift,
    graph_of,
    independent,
    known,
    margin_of,
    population_cosines,
)
from proofs_check.applies.run_log import Measurement, Moment, RunLog
from songoku_theory.bounds.recovery import dimension_aware_failure, probe_budget

__all__ = ["DELTA", "failure_of", "recovery"]

DELTA = 0.05
"""The failure probability that budgets are asked for."""


def recovery(run: RunLog) -> tuple[Applied, ...]:
    """Hold Theorems 2 to 4, Corollary 1 and the dimension-aware bound to the run."""
    pairs = run.measured
    truth = [population_cosines(measured) for _, measured in pairs]
    graphs = [graph_of(found, moment.tau) for found, (moment, _) in zip(truth, pairs, strict=True)]
    margins = [
        margin_of(found, moment.tau) for found, (moment, _) in zip(truth, pairs, strict=True)
    ]
    errors = [cosine_error(moment, found) for found, (moment, _) in zip(truth, pairs, strict=True)]
    same = tuple(
        bool((moment.edges == graph).all())
        for graph, (moment, _) in zip(graphs, pairs, strict=True)
    )
    recovered = Held("the estimated graph is the population's", same, MEASUREMENTS)
    margin = Held(
        "a margin gamma > 0 around -tau",
        tuple(value > 0 for value in margins),
        MEASUREMENTS,
        "the largest gamma <= 1 - tau that the population cosines leave; none at tau = 1, where "
        "every graph is empty",
    )
    model_b = tuple(_is_multipartite(graph) for graph in graphs)
    return (
        *known(pairs, truth, graphs),
        Applied(
            "Assumption 1 (a margin around the threshold)",
            ("Assumption 1",),
            (margin,),
            None,
            Tightness("gamma, in units of a cosine", tuple(margins)),
        ),
        *drift(pairs, margins),
        Applied(
            "Theorem 2 (a cosine error below the margin gives the graph)",
            ("Theorem 2", "Equation 32", "Equation 33"),
            (
                margin,
                Held(
                    "largest cosine error < gamma",
                    tuple(e < g for e, g in zip(errors, margins, strict=True)),
                    MEASUREMENTS,
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
                    MEASUREMENTS,
                    "it asks for an edge between every two groups and none within one, while "
                    "components have edges within and none between: never for two or more tasks",
                ),
            ),
            Held(
                "the components are the population's",
                tuple(
                    _components(moment.edges) == _components(graph)
                    for graph, (moment, _) in zip(graphs, pairs, strict=True)
                ),
                MEASUREMENTS,
            ),
        ),
        Applied(
            "Theorem 4 (multipartite model)",
            ("Theorem 4", "Theorem 1", "Assumption 1", "Definition B.2"),
            (
                Held("the population graph is complete multipartite", model_b, MEASUREMENTS),
                Held("the estimated graph is the population's", same, MEASUREMENTS),
            ),
            Held(
                "the classes are the parts",
                tuple(
                    part and _parts(graph) == {frozenset(c.tolist()) for c in moment.classes}
                    for part, graph, (moment, _) in zip(model_b, graphs, pairs, strict=True)
                ),
                MEASUREMENTS,
            ),
        ),
    )


_TOP = (
    "sigma^2: the largest eigenvalue of the sample covariance of a batch's gradient. On average it "
    "is above the covariance's own (the more so the fewer batches); the proxy that the theorem "
    "speaks of is above that as well"
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
        _needed(found, gamma, len(run.tasks))
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
                MEASUREMENTS,
                _TOP,
            ),
        ),
        recovered,
        Tightness(
            "smallest n_eff / the budget",
            tuple(h / n for h, n in zip(had, needed, strict=True) if 0 < n < math.inf),
        ),
    )


def _needed(found: Measurement, gamma: float, num_tasks: int) -> float:
    top, smallest = float(found.noise_top.max()), float(found.means.diagonal().min())
    if gamma <= 0 or smallest <= 0:
        return math.inf
    if top <= 0:
        return 0.0
    return probe_budget(math.sqrt(top), math.sqrt(smallest), gamma, num_tasks, DELTA)


def _aware(
    pairs: list[tuple[Moment, Measurement]],
    margins: list[float],
    margin: Held,
    recovered: Held,
) -> Applied:
    failures = [
        failure_of(moment, found, gamma)
        for (moment, found), gamma in zip(pairs, margins, strict=True)
    ]
    return Applied(
        f"The dimension-aware bound (delta = {DELTA:g})",
        (),
        (
            margin,
            *independent(pairs),
            Held(
                "its failure probability <= delta",
                tuple(f <= DELTA for f in failures),
                MEASUREMENTS,
                "for Gaussian noise; d is the effective rank trace / largest eigenvalue of the "
                "noisiest task",
            ),
        ),
        recovered,
        Tightness("its failure probability (1: it says nothing)", tuple(failures)),
    )


def failure_of(moment: Moment, found: Measurement, gamma: float) -> float:
    """Return the dimension-aware bound's failure probability at a measurement; 1 says nothing."""
    top, smallest = float(found.noise_top.max()), float(found.means.diagonal().min())
    if gamma <= 0 or smallest <= 0 or float(moment.n_eff.min()) <= 0:
        return 1.0
    if top <= 0:
        return 0.0
    ratio = math.sqrt(top / float(moment.n_eff.min()) / smallest)
    rank = max(1.0, float(found.noise_total.max()) / top)
    return dimension_aware_failure(ratio, rank, moment.tau, gamma, len(moment.cosines))


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
