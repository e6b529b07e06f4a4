"""A counterexample as a picture: the colours that came out, conflicts inside a class in red."""

from __future__ import annotations

import math
from pathlib import Path

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import DependencyMissingError
from songoku_theory.testing.results import CheckResult

__all__ = ["draw_counterexample"]

# Okabe and Ito (2008): told apart by nearly everybody; more colours than these get numbers only.
_PALETTE = (
    "#56B4E9",
    "#E69F00",
    "#009E73",
    "#F0E442",
    "#CC79A7",
    "#0072B2",
    "#D9D9D9",
    "#B5651D",
)
_DARK = ("#0072B2", "#B5651D", "#009E73")
_RED = "#D00000"
_READABLE = 14.0
"""Points that a circle has to be wide for its text."""
MOST = 80


def draw_counterexample(result: CheckResult, path: Path, heuristic: str) -> None:
    """Draw the failing graph of a check.

    Parameters
    ----------
    result : CheckResult
        With a counterexample of at most 80 tasks.
    path : Path
        Of the PNG.
    heuristic : str
        For the title.

    Raises
    ------
    DependencyMissingError
        When matplotlib is not installed.
    ValueError
        When there is no counterexample.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.collections import LineCollection
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyMissingError(
            "drawing needs matplotlib: pip install 'songoku[figures]'."
        ) from error
    found = result.counterexample
    if found is None:
        raise ValueError(f"{result.check} has no counterexample to draw.")
    size = found.num_tasks
    place = _layout(found.adjacency)
    colors = found.colors
    edges = found.edges()
    bad = [edge for edge in edges if colors is not None and colors[edge[0]] == colors[edge[1]]]
    fine = [edge for edge in edges if edge not in set(bad)]

    title = _wrap(f"{heuristic}: {result.check}", 60)
    text = _wrap(result.reason, 78)
    height = 5.2 + 0.17 * text.count("\n")
    figure = Figure(figsize=(6.4, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal")
    middle = (place.min(axis=0) + place.max(axis=0)) / 2.0
    reach = float(np.ptp(place, axis=0).max()) / 2.0 + 0.9
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.02, ha="left")
    for group, color, width, zorder in ((fine, "#8A8A8A", 1.3, 1), (bad, _RED, 3.4, 2)):
        lines = [[place[i], place[j]] for i, j in group]
        axes.add_collection(LineCollection(lines, colors=color, linewidths=width, zorder=zorder))
    width = min(42.0, max(7.0, 0.62 * 400.0 / (2.0 * reach)))  # of a circle, in points
    fill = ["white"] * size if colors is None else [_fill(c) for c in colors]
    inside = {k for edge in bad for k in edge}
    rims = [_RED if k in inside else "#202020" for k in range(size)]
    widths = [2.6 if k in inside else 1.0 for k in range(size)]
    axes.scatter(
        place[:, 0], place[:, 1], s=width**2, c=fill, edgecolors=rims, linewidths=widths, zorder=3
    )
    if width >= _READABLE:
        for k in range(size):
            label = str(k) if colors is None else f"{k}\nc{colors[k]}"
            axes.annotate(
                label,
                place[k],
                ha="center",
                va="center",
                fontsize=9 if width > 30 else 6,
                zorder=4,
                color="white" if fill[k] in _DARK else "black",
            )
    notes = []
    if colors is not None and width >= _READABLE:
        notes.append("in a circle: task number, then c and its colour")
    if bad:
        notes.append("red: conflicts inside one class")
    text = "\n".join([text, *(["; ".join(notes)] if notes else [])])
    figure.supxlabel(text, fontsize=8.5, x=0.02, ha="left")
    figure.savefig(path, dpi=150, facecolor="white", metadata={"Software": None})


def _fill(color: int) -> str:
    return _PALETTE[color] if 0 <= color < len(_PALETTE) else "#FFFFFF"


def _layout(adjacency: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Positions, shape (n, 2), about one unit apart: each piece by itself, then side by side."""
    graph = nx.from_numpy_array(adjacency)
    pieces = sorted((sorted(part) for part in nx.connected_components(graph)), key=len)[::-1]
    place = np.zeros((len(adjacency), 2))
    drawn = [_piece(adjacency[np.ix_(part, part)]) for part in pieces]
    sizes = [np.ptp(points, axis=0) + 1.2 for points in drawn]
    square = math.sqrt(sum(float(width * height) for width, height in sizes))
    widest = max(square, *(float(width) for width, _ in sizes))
    x = y = row = 0.0
    for part, points, (width, height) in zip(pieces, drawn, sizes, strict=True):
        if x > 0 and x + width > 1.15 * widest:
            x, y, row = 0.0, y - row, 0.0
        corner = np.asarray([points[:, 0].min(), points[:, 1].max()])
        place[part] = points - corner + np.asarray([x, y])
        x, row = x + float(width), max(row, float(height))
    return place


def _piece(adjacency: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Positions of a connected graph: a circle if it is small or dense, else by distances."""
    size = len(adjacency)
    if size == 1:
        return np.zeros((1, 2))
    density = float(adjacency.sum()) / (size * (size - 1))
    if size <= 4 or density > 0.5:
        angle = math.pi / 2 - 2.0 * math.pi * np.arange(size) / size
        radius = 0.75 / math.sin(math.pi / size)
        return radius * np.column_stack([np.cos(angle), np.sin(angle)])
    graph = nx.from_numpy_array(adjacency)
    placed = nx.kamada_kawai_layout(graph)
    points = np.asarray([placed[k] for k in range(size)])
    apart = np.linalg.norm(points[:, None] - points[None, :], axis=2)
    nearest = np.where(np.eye(size, dtype=bool), np.inf, apart).min(axis=1)
    return np.asarray(points / max(float(np.quantile(nearest, 0.2)), 1e-3))


def _wrap(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width)) or text
