"""Incremental Gram updates while averages move from refresh to refresh.

An average that carries on over R steps keeps ``a = beta^R`` of itself and takes ``1 - a`` of the
current mean, with noise to match: in between refreshes nothing else of it matters. Each mean turns
by `drift` radians a refresh, towards a random direction of its own at right angles to it.
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
        away = _away(tasks.means, noise)
        rows = tasks.means + settings.noise_scale * noise.standard_normal(tasks.means.shape)
        kept = IncrementalGram.of(rows, settings.threshold, reference, settings.rebuild_every)
        seen = []
        for refresh in range(1, settings.refreshes + 1):
            angle = settings.drift * refresh
            means = math.cos(angle) * tasks.means + math.sin(angle) * away
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


def _away(means: Matrix, rng: np.random.Generator) -> Matrix:
    """Draw a unit vector at right angles to each unit mean."""
    away = rng.standard_normal(means.shape)
    away -= np.sum(away * means, axis=1, keepdims=True) * means
    return np.asarray(away / np.linalg.norm(away, axis=1, keepdims=True), dtype=np.float64)
