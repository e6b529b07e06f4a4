"""Frequent Directions, pairs that are sampled, and representatives."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulations.sketches.judge import Judge, Seen
from simulations.sketches.settings import Settings, planted, vector_trials
from songoku_theory.bounds.sketch import (
    frequent_directions_cosine_error,
    frequent_directions_error,
    frequent_directions_paper_cosine_error,
)
from songoku_theory.coloring import representative_groups
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.linalg import cosines
from songoku_theory.sketch import (
    gram_from_columns,
    gram_from_rows,
    sampled_conflict_graph,
    suggested_pairs,
)
from songoku_theory.sketch.edge_sampling import PairCosines, Refine

__all__ = ["frequent_directions", "representatives", "sampled"]

REFINE: dict[str, Refine] = {
    "sampled": "none",
    "sampled_classes": "classes",
    "sampled_bounds": "bounds",
}
_NO_DIRECTION = 1e-12  # of the squared norm: what a projection leaves of a row it can't see


def frequent_directions(
    settings: Settings, place: np.random.Generator, noise: np.random.Generator
) -> Judge:
    """Run the trials of Frequent Directions on the rows or on the columns."""
    tasks = planted(settings, settings.dim, place)
    judge = Judge(settings.tau, tasks.labels)
    count = settings.num_tasks
    sketch = gram_from_rows if settings.method == "fd_rows" else gram_from_columns
    for vectors, exact in vector_trials(tasks, settings, noise):
        found = sketch(vectors, settings.size)
        products = found.gram.copy()
        gone = np.diag(products) <= _NO_DIRECTION * np.diag(exact)
        products[gone, :] = products[:, gone] = 0.0
        squares = np.linalg.eigvalsh(exact)
        shortest = math.sqrt(float(np.diag(exact).min()))
        error = frequent_directions_error(np.sqrt(np.clip(squares, 0.0, None)), settings.size)
        judge.trial(
            [
                Seen(
                    gram=exact,
                    adjacency=conflict_adjacency_batch(products[None], settings.tau)[0],
                    operations=found.operations,
                    held=count * settings.dim + found.held,
                    cosines=cosines(products).values,
                    bound=float(frequent_directions_cosine_error(error, shortest)),
                    paper_bound=frequent_directions_paper_cosine_error(
                        settings.size, float(np.trace(exact)), shortest
                    ),
                )
            ]
        )
    return judge


def _reader(exact: NDArray[np.float64]) -> PairCosines:
    """Read chosen cosines off the exact Gram matrix: what a sampler would compute."""
    values = cosines(exact).values

    def read(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(values[first, second], dtype=np.float64)

    return read


def sampled(
    settings: Settings,
    place: np.random.Generator,
    noise: np.random.Generator,
    own: np.random.Generator,
) -> Judge:
    """Run the trials of edge sampling; its cost is K norms and one product a pair."""
    tasks = planted(settings, settings.dim, place)
    judge = Judge(settings.tau, tasks.labels)
    count = settings.num_tasks
    pairs = suggested_pairs(count, settings.pair_factor)
    for _, exact in vector_trials(tasks, settings, noise):
        found = sampled_conflict_graph(
            _reader(exact), count, settings.tau, pairs, own, REFINE[settings.method]
        )
        judge.trial(
            [
                Seen(
                    gram=exact,
                    adjacency=found.adjacency,
                    operations=(count + found.pairs) * settings.dim,
                    held=count * settings.dim,
                )
            ]
        )
    return judge


def representatives(
    settings: Settings, place: np.random.Generator, noise: np.random.Generator
) -> Judge:
    """Run the trials of grouping by representatives; the graph is the groups' multipartite one."""
    tasks = planted(settings, settings.dim, place)
    judge = Judge(settings.tau, tasks.labels)
    count = settings.num_tasks
    for _, exact in vector_trials(tasks, settings, noise):
        edges = conflict_adjacency_batch(exact[None], settings.tau)[0]

        def conflicts(
            task: int, others: NDArray[np.int64], edges: NDArray[np.bool_] = edges
        ) -> NDArray[np.bool_]:
            return np.asarray(edges[task, others], dtype=np.bool_)

        found = representative_groups(conflicts, count)
        judge.trial(
            [
                Seen(
                    gram=exact,
                    adjacency=found.colors[:, None] != found.colors[None, :],
                    operations=(count + found.comparisons) * settings.dim,
                    held=count * settings.dim,
                    colors=found.colors,
                )
            ]
        )
    return judge
