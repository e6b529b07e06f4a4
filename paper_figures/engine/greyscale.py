"""What is left of a picture without its colours: inks, bands with edges, and a ruler for series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator
from matplotlib.typing import ColorType
from numpy.typing import ArrayLike

__all__ = ["LEAST_STEP", "alike_in_grey", "band", "ink_on", "lightness"]

LEAST_STEP = 20.0
"""Two greys on thin lines are told apart from this difference of CIE lightness (0 to 100) on."""


def _luminance(color: ColorType) -> float:
    parts = np.asarray(to_rgb(color))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def lightness(color: ColorType) -> float:
    """Return the CIE 1976 lightness of a colour, 0 for black to 100 for white.

    Parameters
    ----------
    color : colour
        As matplotlib writes one; its opacity is left out.

    Examples
    --------
    >>> [round(lightness(name)) for name in ("black", "#777777", "white")]
    [0, 50, 100]
    """
    y = _luminance(color)
    return 116.0 * y ** (1 / 3) - 16.0 if y > 216 / 24389 else y * 24389 / 27


def ink_on(color: ColorType) -> str:
    """Return ``"black"`` or ``"white"``, whichever has the larger contrast on a colour (WCAG).

    Examples
    --------
    >>> ink_on("#F0E442"), ink_on("#0072B2")
    ('black', 'white')
    """
    y = _luminance(color)
    return "black" if (y + 0.05) / 0.05 >= 1.05 / (y + 0.05) else "white"


def band(
    axis: Axes,
    x: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    color: str,
    dashes: object,
    alpha: float,
) -> None:
    """Shade between two curves, with thin edges in the dashes of the line that the band belongs to.

    Without the edges, bands that overlap are one grey patch in print.

    Parameters
    ----------
    axis : Axes
    x, low, high : array_like, shape (n,)
        In the units of the axes.
    color : str
        The line's.
    dashes : line style
        The line's, as matplotlib writes one.
    alpha : float
        Opacity of the shade.
    """
    axis.fill_between(
        x, low, high, facecolor=to_rgba(color, alpha), edgecolor=to_rgba(color, 0.55),
        linewidth=0.5, linestyle=dashes,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Look:
    """A series without its colour; `shape` is what must be equal for two to be taken for one."""

    shape: tuple[object, ...]
    width: float
    color: tuple[float, float, float]
    name: str


def alike_in_grey(fig: Figure) -> list[str]:
    """Name the pairs of series of a panel that only their colour tells apart.

    Two series of different colours must differ in dashes, marker, filling, width (by half) or
    lightness (by `LEAST_STEP`); two bands in the dashes or the lightness of their edges. Left out
    are panels without axes (drawings and legends), panels whose rows are named on the vertical
    axis, and single marks.

    Returns
    -------
    list of str
        A sentence for each pair; empty if all can be told apart.
    """
    found = []
    for axis in fig.findobj(Axes):
        assert isinstance(axis, Axes)
        named_rows = isinstance(axis.yaxis.get_major_locator(), FixedLocator)
        if not axis.axison or not axis.get_visible() or named_rows:
            continue
        for one, other in combinations(dict.fromkeys(_looks(axis)), 2):
            if _same(one, other):
                found.append(f"{axis.get_title('left')!r}: {one.name} and {other.name}")
    return found


def _same(one: _Look, other: _Look) -> bool:
    thin, thick = sorted((one.width, other.width))
    return (
        one.color != other.color
        and one.shape == other.shape
        and thick < 1.5 * thin
        and abs(lightness(one.color) - lightness(other.color)) < LEAST_STEP
    )


def _dashes(offset: float, pattern: Sequence[float] | None) -> object:
    # Offsets and the scale by the line's width leave a pattern what it is.
    return None if pattern is None else tuple(round(part / pattern[0], 2) for part in pattern)


def _looks(axis: Axes) -> Iterator[_Look]:
    for line in axis.lines:
        # A tuple of dashes is '--' to get_linestyle, so only the private pattern tells.
        drawn = line.get_linestyle() not in ("None", "", " ")
        pattern = _dashes(*vars(line)["_unscaled_dash_pattern"]) if drawn else "none"
        mark = str(line.get_marker())
        mark = "" if mark in ("None", "", " ") else mark
        if len(np.asarray(line.get_xdata())) < 2 or not (drawn or mark):
            continue
        own: Any = line.get_color()
        color = to_rgb(own)
        filled = bool(mark) and _fill(line) == color
        name = f"a line {color} {line.get_linestyle()!r} {mark!r}"
        yield _Look((pattern, mark, filled), line.get_linewidth() if drawn else 1.0, color, name)
    for one in axis.collections:
        # Arrays, whatever matplotlib's stubs allow beside them.
        faces, edges = np.asarray(one.get_facecolor()), np.asarray(one.get_edgecolor())
        if isinstance(one, PathCollection) and len(np.asarray(one.get_offsets())) > 1:
            outline = np.asarray(one.get_paths()[0].vertices).tobytes()
            color = to_rgb((faces if len(faces) else edges)[0])
            yield _Look((outline, len(faces) > 0), 1.0, color, f"dots {color}")
        elif isinstance(one, PolyCollection):
            edged = len(edges) > 0 and bool(np.any(one.get_linewidth()))
            color = to_rgb((edges if edged else faces)[0])
            dashes: Any = one.get_linestyle()
            pattern = _dashes(*dashes[0]) if edged else "no edge"
            yield _Look(("band", pattern), 1.0, color, f"a band {color}")


def _fill(line: Line2D) -> tuple[float, float, float]:
    face: Any = line.get_markerfacecolor()
    return (1.0, 1.0, 1.0) if isinstance(face, str) and face.lower() == "none" else to_rgb(face)
