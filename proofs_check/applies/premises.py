"""What recovery rests on, held to a run: margins, drift, noise, and how well mu itself is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.run_log import Array, Measurement, Moment
from songoku_theory.linalg import cosines

__all__ = [
    "MEASUREMENTS",
    "cosine_error",
    "drift",
    "graph_of",
    "independent",
    "known",
    "margin_of",
    "population_cosines",
]

MEASUREMENTS = "measurements"

_CORRELATION = 0.1


def population_cosines(found: Measurement) -> Array:
    """Return the cosines of the population gradients."""
    return np.asarray(cosines(found.means).values)


def cosine_error(moment: Moment, truth: Array) -> float:
    """Return the largest error of an estimated cosine; 0 for one task."""
    pairs = np.triu_indices(len(truth), 1)
    return float(np.abs(moment.cosines - truth)[pairs].max(initial=0.0))


def margin_of(found: Array, tau: float) -> float:
    """Return the largest gamma with every cosine at least gamma away from -tau."""
    off = found[np.triu_indices(len(found), 1)]
    return float(min(np.abs(off + tau).min(initial=np.inf), 1.0 - tau))


def graph_of(found: Array, tau: float) -> NDArray[np.bool_]:
    """Return the conflict graph of some cosines."""
    graph = found < -tau
    np.fill_diagonal(graph, False)
    return np.asarray(graph)


def known(
    pairs: list[tuple[Moment, Measurement]], truth: list[Array], graphs: list[NDArray[np.bool_]]
) -> tuple[Applied, ...]:
    """Whether mu is known well enough to be held against, where it is a mean of some batches."""
    same, size = [], []
    for (moment, found), graph in zip(pairs, graphs, strict=True):
        if found.mean_error is None:
            return ()
        norms = np.sqrt(found.means.diagonal())
        size += [float(e / n) for e, n in zip(found.mean_error, norms, strict=True) if n > 0]
        same.append(_same_without_error(found, moment.tau, graph))
    return (
        Applied(
            "Are the population gradients known well enough?",
            (),
            (),
            Held(
                "the population graph stays as it is when the expected error of mu is taken out",
                tuple(same),
                MEASUREMENTS,
                "mu is a mean of batches; its expected squared error is subtracted from each "
                "squared norm and inner product",
            ),
            Tightness("standard error of mu_i / ||mu_i||", tuple(size)),
        ),
    )


def _same_without_error(found: Measurement, tau: float, graph: NDArray[np.bool_]) -> bool:
    assert found.mean_error is not None
    total = np.where(found.noise_total > 0, found.noise_total, 1.0)
    share = found.mean_error**2 / total  # of the noise that is left in the mean, the same in a view
    dots = np.diag(found.noise_total) if found.noise_dot is None else found.noise_dot
    gram = found.means - np.sqrt(np.outer(share, share)) * dots
    if not (gram.diagonal() > 0).all():
        return False  # a gradient that can't be told from zero
    norms = np.sqrt(gram.diagonal())
    return bool((graph_of(gram / np.outer(norms, norms), tau) == graph).all())


def drift(pairs: list[tuple[Moment, Measurement]], margins: list[float]) -> tuple[Applied, ...]:
    """Assumption 3, as far as two measurements tell: to first order a cosine turns by no more."""
    turned, held = [], []
    for (_, found), gamma in zip(pairs, margins, strict=True):
        if found.drift is None:
            continue
        norms = np.sqrt(found.means.diagonal())
        if not (norms > 0).all():
            continue
        sizes = np.sort(found.drift / norms)[::-1]
        turn = float(sizes[:2].sum())
        held.append(turn < gamma)
        if gamma > 0:
            turned.append(turn / gamma)
    return (
        Applied(
            "Assumption 3 (slow drift), from one measurement to the next",
            ("Assumption 3",),
            (
                Held(
                    "no cosine can have turned by gamma since the measurement before",
                    tuple(held),
                    "measurements after the first",
                    "two tasks' drifts over their norms, added, against gamma: enough, to first "
                    "order, and not needed. The window of an average is shorter than this where "
                    "not every refresh is measured",
                ),
            ),
            None,
            Tightness("drift of two tasks / ||mu||, over gamma", tuple(turned)),
        ),
    )


def independent(pairs: list[tuple[Moment, Measurement]]) -> tuple[Held, ...]:
    """Noise of tasks that share their batches is not independent."""
    dots = [found.noise_dot for _, found in pairs]
    if any(d is None for d in dots) or not dots:
        return ()
    held = []
    for (_, found), dot in zip(pairs, dots, strict=True):
        assert dot is not None
        sizes = np.sqrt(np.maximum(found.noise_total, 1e-300))
        between = dot[np.triu_indices(len(dot), 1)]
        scale = np.outer(sizes, sizes)[np.triu_indices(len(dot), 1)]
        held.append(bool((np.abs(between) <= _CORRELATION * scale).all()))
    return (
        Held(
            f"noises of two tasks are uncorrelated (|correlation| <= {_CORRELATION:g})",
            tuple(held),
            MEASUREMENTS,
            "tasks of one view share their batches, and so their noise",
        ),
    )
