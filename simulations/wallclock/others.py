"""Colouring heuristics and sketches, timed on the sizes that a refresh has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from songoku_theory.coloring import color, geometric_rounding, get_coloring
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.linalg import cosines, gram
from songoku_theory.sketch import (
    GaussianProjection,
    IncrementalGram,
    RandomProjection,
    gram_from_columns,
    gram_from_rows,
    pair_cosines,
    sampled_conflict_graph,
    suggested_pairs,
)

__all__ = ["HEURISTICS", "colorings", "sketches"]

HEURISTICS = ("dsatur", "geometric", "representative", "smallest_last", "welsh_powell")
RANK = 16  # dimensions of the gradients whose graphs are coloured: density about a third
TAU = 0.1
CHANGED = 0.1  # share of the rows that move between two refreshes, for the incremental update


def colorings(
    num_tasks: int, graphs: int, rng: np.random.Generator
) -> dict[str, Callable[[], float]]:
    """Return what to time: each heuristic on the same conflict graphs of random gradients.

    Parameters
    ----------
    num_tasks : int
    graphs : int
        Graphs in one run.
    rng : numpy.random.Generator

    Returns
    -------
    dict from name to callable
        Each returns the colours that it used, summed over the graphs.
    """
    vectors = rng.standard_normal((graphs, num_tasks, RANK))
    grams = vectors @ vectors.transpose(0, 2, 1)
    found = conflict_adjacency_batch(grams, TAU)
    angles = [cosines(one).values for one in grams]

    def plain(name: str) -> Callable[[], float]:
        heuristic = get_coloring(name)
        return lambda: float(sum(int(color(graph, heuristic).max()) + 1 for graph in found))

    def guided() -> float:
        draw = np.random.default_rng(0)
        pairs = zip(found, angles, strict=True)
        return float(sum(int(geometric_rounding(a, c, draw).max()) + 1 for a, c in pairs))

    return {**{name: plain(name) for name in HEURISTICS}, "geometric_gradients": guided}


def sketches(
    num_tasks: int, dim: int, size: int, rng: np.random.Generator
) -> dict[str, Callable[[], float]]:
    """Return what to time: the exact Gram matrix and each sketch, from K averages to cosines.

    Parameters
    ----------
    num_tasks, dim : int
        K and d.
    size : int
        r of the projections; Frequent Directions takes a quarter of K rows.
    rng : numpy.random.Generator

    Returns
    -------
    dict from name to callable
        Each returns the sum of the cosines.
    """
    vectors = rng.standard_normal((num_tasks, dim))
    dense = GaussianProjection(dim, size).matrix()
    thin = RandomProjection(dim, size)
    directions = max(1, num_tasks // 4)
    kept = IncrementalGram.of(vectors, threshold=0.5)
    moved = vectors.copy()
    moved[: max(1, round(CHANGED * num_tasks))] *= -1.0
    pairs = suggested_pairs(num_tasks)

    def total(products: NDArray[np.float64]) -> float:
        return float(cosines(products).values.sum())

    def sampled() -> float:
        draw = np.random.default_rng(0)
        graph = sampled_conflict_graph(
            pair_cosines(vectors), num_tasks, 0.1, pairs, draw, "classes"
        )
        return float(graph.adjacency.sum())

    return {
        "exact": lambda: total(gram(vectors)),
        "gaussian": lambda: total(gram(vectors @ dense)),
        "sparse": lambda: total(gram(thin.project(vectors))),
        "fd_rows": lambda: total(gram_from_rows(vectors, directions).gram),
        "fd_columns": lambda: total(gram_from_columns(vectors, directions).gram),
        "sampled_classes": sampled,
        "incremental": lambda: total(kept.updated(moved).gram),
    }
