"""Welsh-Powell from a boolean matrix."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from timing import Pair, Row

from songoku_theory.coloring import welsh_powell

__all__ = ["ROWS"]

DENSITY = 0.1


def _graph(size: int) -> NDArray[np.bool_]:
    upper = np.triu(np.random.default_rng(size).random((size, size)) < DENSITY, 1)
    return upper | upper.T


def _pair(size: int, ready: bool) -> Callable[[], Pair]:
    def prepare() -> Pair:
        import rustworkx as rx

        matrix = _graph(size)

        def built() -> rx.PyGraph:
            # The quickest of its ways: lists of edges take 5 to 20 times as long.
            return rx.PyGraph.from_adjacency_matrix(matrix.astype(np.float64))

        known = built()

        def theirs() -> object:
            return rx.graph_greedy_color(known if ready else built())

        def note() -> str:
            found = rx.graph_greedy_color(known)
            ours = welsh_powell(matrix)
            same = sum(found[k] == ours[k] for k in range(size))
            return (
                f"{int(ours.max()) + 1} colours, theirs {max(found.values()) + 1}; "
                f"{same} of {size} tasks coloured alike"
            )

        return Pair(lambda: welsh_powell(matrix), theirs, note)

    return prepare


ROWS = tuple(
    Row(
        f"coloring-{size}{'-ready' if ready else ''}",
        f"Welsh-Powell, n={size}, density {DENSITY}, from a boolean matrix",
        f"rustworkx largest-first, {'graph ready-made' if ready else 'from the same matrix'}",
        "at least",
        None if ready else 100,
        _pair(size, ready),
    )
    for size in (1024, 2048, 4096)
    for ready in (False, True)
)
