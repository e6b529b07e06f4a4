"""A counterexample's gradients, drawn: arrows where they lie in a plane, and who conflicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from markupsafe import Markup

__all__ = ["counterexample_svg"]

MOST_TASKS = 8
SIDE = 150
"""Width and height of each of the two drawings, in pixels."""
REACH = 52
"""Length of the longest arrow."""


def counterexample_svg(data: Mapping[str, Any]) -> Markup | None:
    """Draw the vectors of a counterexample.

    Parameters
    ----------
    data : mapping
        A stored counterexample's numbers; ``gradients`` (a list of vectors of integers or
        rationals as strings) is drawn as arrows in one or two dimensions, and with ``tau`` also
        as a conflict graph in any dimension.

    Returns
    -------
    Markup or None
        An inline SVG made of numbers only, so that nothing in it needs escaping; None if the
        numbers are of another kind.

    Examples
    --------
    >>> counterexample_svg({"gradients": [[1, 0], [-1, 0]], "tau": "1/2"}) is None
    False
    >>> counterexample_svg({"tau": "1/2"}) is None
    True
    """
    vectors = _vectors(data.get("gradients"))
    if vectors is None:
        return None
    threshold = _number(data.get("tau"))
    parts = []
    if len(vectors[0]) <= 2:
        parts.append(_arrows(vectors))
    if threshold is not None and 0 <= threshold <= 1:
        parts.append(_graph(vectors, threshold))
    if not parts:
        return None
    width = SIDE * len(parts)
    drawn = "".join(
        f'<g transform="translate({SIDE * place} 0)">{part}</g>' for place, part in enumerate(parts)
    )
    edges = 0 if threshold is None else len(_conflicts(vectors, threshold))
    said = f"{len(vectors)} gradients in {len(vectors[0])} dimensions"
    if threshold is not None:
        said += f", {edges} conflicting pairs at the threshold"
    return Markup(
        f'<svg class="sketch" role="img" aria-label="{said}" viewBox="0 0 {width} {SIDE}" '
        f'width="{width}" height="{SIDE}">{drawn}</svg>'
    )


def _number(value: object) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        return None


def _vectors(rows: object) -> list[list[Fraction]] | None:
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return None
    found = []
    for row in rows:
        if not isinstance(row, Sequence) or isinstance(row, str):
            return None
        entries = [_number(entry) for entry in row]
        vector = [entry for entry in entries if entry is not None]
        if len(vector) != len(row) or not vector:
            return None
        found.append(vector)
    if not 2 <= len(found) <= MOST_TASKS or len({len(vector) for vector in found}) != 1:
        return None
    return found


def _conflicts(vectors: list[list[Fraction]], tau: Fraction) -> list[tuple[int, int]]:
    """Pairs whose cosine is below -tau, decided without roots."""

    def dot(u: list[Fraction], v: list[Fraction]) -> Fraction:
        return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))

    return [
        (i, j)
        for i, j in combinations(range(len(vectors)), 2)
        if (p := dot(vectors[i], vectors[j])) < 0
        and p * p > tau * tau * dot(vectors[i], vectors[i]) * dot(vectors[j], vectors[j])
    ]


def _arrows(vectors: list[list[Fraction]]) -> str:
    flat = len(vectors[0]) == 1
    points = [(float(v[0]), 0.0 if flat else float(v[1])) for v in vectors]
    longest = max(math.hypot(*point) for point in points) or 1.0
    middle = SIDE / 2
    drawn = [f'<circle class="zero" cx="{middle:g}" cy="{middle:g}" r="2"/>']
    for number, (x, y) in enumerate(points, start=1):
        # On a line the arrows lie beside each other; very short ones stay visible.
        lift = (number - (len(points) + 1) / 2) * 14 if flat else 0.0
        length = math.hypot(x, y)
        scale = REACH * max(length / longest, 0.12) / length if length else 0.0
        tip = (middle + x * scale, middle - y * scale + lift)
        start = (middle, middle + lift)
        drawn.append(
            f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{tip[0]:.1f}" y2="{tip[1]:.1f}"/>'
        )
        if length:
            drawn.append(_head(start, tip))
        label = (
            (tip[0] + 12 * x / length, tip[1] - 12 * y / length)
            if length
            else (tip[0] + 10, tip[1])
        )
        drawn.append(f'<text x="{label[0]:.1f}" y="{label[1] + 4:.1f}">{number}</text>')
    return "".join(drawn)


def _head(start: tuple[float, float], tip: tuple[float, float]) -> str:
    angle = math.atan2(tip[1] - start[1], tip[0] - start[0])
    corners = [tip] + [
        (tip[0] - 7 * math.cos(angle + turn), tip[1] - 7 * math.sin(angle + turn))
        for turn in (0.4, -0.4)
    ]
    listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<polygon points="{listed}"/>'


def _graph(vectors: list[list[Fraction]], tau: Fraction) -> str:
    size, middle = len(vectors), SIDE / 2
    places = [
        (
            middle + 46 * math.cos(math.pi / 2 + 2 * math.pi * k / size),
            middle - 46 * math.sin(math.pi / 2 + 2 * math.pi * k / size),
        )
        for k in range(size)
    ]
    drawn = [
        f'<line class="conflict" x1="{places[i][0]:.1f}" y1="{places[i][1]:.1f}" '
        f'x2="{places[j][0]:.1f}" y2="{places[j][1]:.1f}"/>'
        for i, j in _conflicts(vectors, tau)
    ]
    for number, (x, y) in enumerate(places, start=1):
        drawn.append(f'<circle class="task" cx="{x:.1f}" cy="{y:.1f}" r="11"/>')
        drawn.append(f'<text x="{x:.1f}" y="{y + 4:.1f}">{number}</text>')
    return "".join(drawn)
