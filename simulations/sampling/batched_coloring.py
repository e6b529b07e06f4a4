"""Welsh-Powell on many small graphs at once.

One graph at a time, colouring takes far longer than drawing the graph. Here all graphs of a batch
take one vertex a step, and the colours forbidden to a vertex are the bits of a 64-bit word, so that
"the first free colour" is the lowest zero bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory.coloring import welsh_powell

__all__ = ["MAX_BATCHED_TASKS", "welsh_powell_batch"]

MAX_BATCHED_TASKS = 64


def welsh_powell_batch(adjacencies: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Colour each graph as `songoku_theory.coloring.welsh_powell` does.

    Parameters
    ----------
    adjacencies : ndarray of bool, shape (N, K, K)
        Simple graphs (not checked). More than 64 vertices are coloured one graph at a time.

    Returns
    -------
    ndarray of int, shape (N, K)
        The same colours as the reference, graph by graph.

    Source
    ------
    SON-GOKU, section 4.3; Welsh and Powell (1967). Ties by task index.

    Examples
    --------
    >>> import numpy as np
    >>> path = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    >>> welsh_powell_batch(np.stack([path, np.zeros_like(path)])).tolist()
    [[1, 0, 1], [0, 0, 0]]
    """
    count, tasks, _ = adjacencies.shape
    if tasks > MAX_BATCHED_TASKS:
        each = [welsh_powell(graph) for graph in adjacencies]
        return np.asarray(each, dtype=np.int64).reshape(count, tasks)
    order = np.argsort(-adjacencies.sum(axis=2), axis=1, kind="stable")
    graphs = np.arange(count)
    one = np.uint64(1)
    forbidden = np.zeros((count, tasks), dtype=np.uint64)
    chosen = np.zeros((count, tasks), dtype=np.uint64)
    for vertex in order.T:
        taken = forbidden[graphs, vertex]
        lowest_free = ~taken & (taken + one)
        chosen[graphs, vertex] = lowest_free
        forbidden |= adjacencies[graphs, vertex] * lowest_free[:, None]
    # Exact: a power of two up to 2**63 is a float.
    return np.asarray(np.log2(chosen.astype(np.float64)), dtype=np.int64)
