"""Batches of the standardised noise behind `GramLaw`, laid out for vector instructions.

`gram_law` proves that the Gram matrix of K noisy averages is

    G(s) = (X + s P) (X + s P)^T + s**2 L L^T,

with P (K x r) standard normal and L the lower trapezoidal factor of a Wishart matrix. P and L do
not depend on s: G is quadratic in s, and one draw of (P, L) serves every noise scale. Trials are
the last axis of every array here, so that whatever is done to a pair of tasks is done to a whole
batch of trials by one loop without branches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.gram_law import GramLaw
from simulations.sampling.normals import (
    NORMALS_AT_ONCE,
    WORDS_AT_ONCE,
    fill_chi,
    fill_normals,
    words_of,
)
from simulations.sampling.words import WordStream

__all__ = ["NoiseBatch", "batch_lanes", "degrees_of_freedom", "draw_noise"]

Floats = NDArray[np.float64]

# Numbers held at once (float64: 256 KiB, a core's own cache). Part of the meaning of a seed.
_BATCH_NUMBERS = 2**15


@dataclass(frozen=True, slots=True)
class NoiseBatch:
    """Standardised noise of a batch of trials.

    Attributes
    ----------
    inside : ndarray, shape (K, r, lanes)
        P, the noise within the span of the means.
    below : ndarray, shape (q, lanes)
        The entries of L below its diagonal, row after row.
    diagonal : ndarray, shape (c, lanes)
        Its diagonal, c = min(K, d - r).
    """

    inside: Floats
    below: Floats
    diagonal: Floats

    @property
    def lanes(self) -> int:
        """Trials in the batch."""
        return int(self.inside.shape[2])

    def energies(self) -> Floats:
        """Return the squared norms of the noise, shape (K, lanes): chi-square with d degrees."""
        rows = self.factor()
        return np.asarray(np.add.reduce(rows * rows, axis=1), dtype=np.float64)

    def factor(self) -> Floats:
        """Return P and L side by side, shape (K, r + c, lanes)."""
        tasks, rank, lanes = self.inside.shape
        columns = self.diagonal.shape[0]
        rows = np.zeros((tasks, rank + columns, lanes))
        rows[:, :rank] = self.inside
        task, left = np.tril_indices(tasks, -1, columns)
        rows[task, rank + left] = self.below
        places = np.arange(columns)
        rows[places, rank + places] = self.diagonal
        return rows


def batch_lanes(law: GramLaw) -> int:
    """Return how many trials of this law make a batch: a multiple of 8."""
    tasks, rank = law.mean_factor.shape
    columns = min(tasks, law.remainder_dim)
    return int(np.clip(_BATCH_NUMBERS // (8 * tasks * (rank + columns)), 4, 512)) * 8


def draw_noise(law: GramLaw, lanes: int, stream: WordStream) -> NoiseBatch:
    """Draw the standardised noise of a batch of trials.

    Parameters
    ----------
    law : GramLaw
        Its noise scale is not looked at.
    lanes : int
        Trials.
    stream : WordStream

    Returns
    -------
    NoiseBatch
    """
    tasks, rank = law.mean_factor.shape
    columns = min(tasks, law.remainder_dim)
    inside = tasks * rank * lanes
    below = (columns * (columns - 1) // 2 + (tasks - columns) * columns) * lanes
    proposals = columns * lanes
    taken = words_of(inside + below + proposals)
    words = stream.take(taken + proposals)
    numbers = np.empty(taken // WORDS_AT_ONCE * NORMALS_AT_ONCE)
    fill_normals(words[:taken], numbers)
    diagonal = np.empty((columns, lanes))
    if columns:
        fill_chi(
            stream,
            numbers[inside + below :][:proposals].reshape(columns, lanes),
            words[taken:].reshape(columns, lanes),
            degrees_of_freedom(law),
            diagonal,
        )
    return NoiseBatch(
        numbers[:inside].reshape(tasks, rank, lanes),
        numbers[inside : inside + below].reshape(below // lanes, lanes),
        diagonal,
    )


def degrees_of_freedom(law: GramLaw) -> NDArray[np.int64]:
    """Return the degrees of freedom of the squares on Bartlett's diagonal, shape (c,)."""
    columns = min(law.mean_factor.shape[0], law.remainder_dim)
    return np.asarray(law.remainder_dim - np.arange(columns), dtype=np.int64)
