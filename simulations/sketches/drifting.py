"""Incremental Gram updates while averages move from refresh to refresh.

An average that carries on over R steps keeps ``a = beta^R`` of itself and takes ``1 - a`` of the
current mean, with noise to match: in between refreshes nothing else of it matters. The means turn
by `drift` radians a refresh, each in a fresh random direction.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulations.sketches.judge import Judge, Seen
from simulations.sketches.settings import Settings, planted
from songoku_theory.bounds.sketch import incremental_error
from songoku_theory.conflict import conflict_adjacency_batch
from songoku_theory.linalg import cosines, gram
from songoku_theory.sketch import IncrementalGram
from songoku_theory.sketch.incremental_gram import Reference

__all__ = ["incremental"]

Matrix = NDArray[np.float64]


def incremental(
    settings: Settings, place: np.random.Generator, noise: np.random.Generator
) -> tuple[Judge, float]:
    """Run the trials; return the judge and the mean share of rows recomputed at a refresh."""
    tasks = planted(settings, settings.dim, place)
    judge = Judge(settings.tau, tasks.labels)
    count, dim = settings.num_tasks, settings.dim
    kept_share = settings.beta**settings.window
    reference: Reference = "stored" if settings.method == "incremental" else "last_refresh"
    bound = float(incremental_error(settings.threshold))
    recomputed = 0
    for _ in range(settings.trials):
        means = tasks.means.copy()
        rows = means + settings.noise_scale * noise.standard_normal(means.shape)
        kept = IncrementalGram.of(rows, settings.threshold, reference, settings.rebuild_every)
        seen = []
        for _ in range(settings.refreshes):
            means = _turned(means, settings.drift, noise)
            fresh = settings.noise_scale * math.sqrt(1.0 - kept_share**2)
            rows = kept_share * rows + (1.0 - kept_share) * means
            rows += fresh * noise.standard_normal(rows.shape)
            kept = kept.updated(rows)
            recomputed += len(kept.changed)
            seen.append(
                Seen(
                    gram=gram(rows),
                    adjacency=conflict_adjacency_batch(kept.gram[None], settings.tau)[0],
                    operations=kept.operations,
                    held=2 * count * dim + count * count,
                    cosines=cosines(kept.gram).values,
                    bound=bound if reference == "stored" else None,
                    # what the same threshold would allow if nothing added up
                    paper_bound=None if reference == "stored" else bound,
                )
            )
        judge.trial(seen)
    return judge, recomputed / (settings.trials * settings.refreshes * count)


def _turned(means: Matrix, angle: float, rng: np.random.Generator) -> Matrix:
    """Turn each unit mean by an angle towards a random direction at right angles to it."""
    if angle == 0.0:
        return means
    away = rng.standard_normal(means.shape)
    away -= np.sum(away * means, axis=1, keepdims=True) * means
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    turned = math.cos(angle) * means + math.sin(angle) * away
    return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True), dtype=np.float64)
