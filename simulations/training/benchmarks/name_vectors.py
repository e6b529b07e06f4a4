"""Vectors for lists of names: hashed, or from which names occur together."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from simulations.training.benchmarks.derived import source_of

__all__ = ["SOURCE", "hashed", "name_vectors"]

SOURCE = source_of(__file__)
_SPARE = 10  # more columns in the sketch than are kept
_ROUNDS = 2


def name_vectors(
    lists: Sequence[Sequence[str]],
    fit_on: NDArray[np.int64],
    width: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return a vector for each list: its weighted names, on the main directions of the fitted ones.

    A name counts when two or more of the fitted lists have it. It weighs log(lists / lists that
    have it); a list's weights are scaled to length 1. The directions are the leading right
    singular vectors of the fitted lists' table, from a randomised sketch.

    Parameters
    ----------
    lists : sequence of sequence of str
    fit_on : array of int64
        Rows that names, weights and directions are taken from: the training part.
    width : int
        Directions, >= 1.
    rng : numpy.random.Generator
        Draws the sketch.

    Returns
    -------
    array of float32, shape (len(lists), width)
        Zero for a list that shares no name with two fitted ones, and in columns beyond the
        number of such names.

    Source
    ------
    Deerwester et al., "Indexing by latent semantic analysis", 1990; Halko, Martinsson and Tropp,
    "Finding structure with randomness", 2011, algorithms 4.4 and 5.1.

    Examples
    --------
    >>> lists = [["ann", "bob"], ["bob"], ["ann"], ["cy"], ["cy"], ["eve"]]
    >>> found = name_vectors(lists, np.arange(6), 3, np.random.default_rng(0))
    >>> np.abs(found[0] @ found.T).astype(float).round(2).tolist()
    [1.0, 0.71, 0.71, 0.0, 0.0, 0.0]
    """
    counts = Counter(name for row in fit_on for name in set(lists[row]))
    known = sorted(name for name, count in counts.items() if count >= 2)
    weight = np.log(len(fit_on) / np.array([counts[name] for name in known]))
    table = _table(lists, {name: column for column, name in enumerate(known)}, weight)
    result = np.zeros((len(lists), width), dtype=np.float32)
    sketched = min(width + _SPARE, len(known), len(fit_on))
    if sketched == 0:
        return result
    fitted = table[fit_on]
    span = fitted.T @ rng.normal(size=(len(fit_on), sketched))
    for _ in range(_ROUNDS):
        span = fitted.T @ (fitted @ _orthonormal(span))
    span = _orthonormal(span)
    seen = fitted @ span
    _, directions = np.linalg.eigh(seen.T @ seen)
    leading = directions[:, : -width - 1 : -1]  # eigh's order is ascending
    # A direction has no sign of its own.
    leading = leading * np.where(leading.sum(axis=0) < 0, -1.0, 1.0)
    result[:, : leading.shape[1]] = table @ (span @ leading)
    return result


def _table(
    lists: Sequence[Sequence[str]], columns: dict[str, int], weight: NDArray[np.float64]
) -> sparse.csr_array:
    """Return the weights of each list's names, each row of length 1 or 0."""
    starts, places = [0], []
    for names in lists:
        found = sorted({columns[name] for name in names if name in columns})
        places += found
        starts.append(len(places))
    index = np.array(places, dtype=np.int64)
    rows = np.repeat(np.arange(len(lists)), np.diff(starts))
    values = weight[index]
    length = np.sqrt(np.bincount(rows, values**2, minlength=len(lists)))
    length = np.maximum(length, 1e-12)  # a name that all have weighs nothing
    return sparse.csr_array(
        (values / length[rows], index, np.array(starts)), shape=(len(lists), len(columns))
    )


def _orthonormal(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    basis, _ = np.linalg.qr(columns)
    return basis


def hashed(lists: Sequence[Sequence[str]], width: int) -> NDArray[np.float32]:
    """Return signed feature hashes of lists of words, each of length 1 (0 for an empty list).

    Parameters
    ----------
    lists : sequence of sequence of str
    width : int

    Source
    ------
    Weinberger et al., "Feature hashing for large scale multitask learning", 2009.
    """
    table = np.zeros((len(lists), width), dtype=np.float32)
    known: dict[str, tuple[int, float]] = {}
    for row, words in enumerate(lists):
        for word in words:
            if word not in known:
                number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
                known[word] = (number // 2 % width, 1.0 if number % 2 else -1.0)
            column, sign = known[word]
            table[row, column] += sign
    length = np.linalg.norm(table, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = table / np.maximum(length, np.float32(1e-6))
    return scaled
