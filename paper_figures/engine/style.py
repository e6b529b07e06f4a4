"""Widths and sizes of the pages that figures go on, and the palette that all figures share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

import paper_figures
from songoku_theory.errors import unknown_name

__all__ = ["MARKERS", "PALETTE", "STYLES", "Style", "applied", "get_style", "label_decades"]

STYLE_FILE = Path(paper_figures.__file__).with_name("songoku.mplstyle")

PALETTE = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
    "grey": "#8A8A8A",
}
"""Okabe and Ito's palette, distinguishable with every common colour blindness, and a grey."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@dataclass(frozen=True, slots=True)
class Style:
    """A page: its widths in inches and its type sizes in points.

    Parameters
    ----------
    name : str
        As on the command line.
    column : float
        Width of one column of text.
    full : float
        Width of a figure that spans the page; the same as `column` on one-column pages.
    size : float
        Type size of labels; ticks and legends are a little smaller.
    """

    name: str
    column: float
    full: float
    size: float

    @property
    def small(self) -> float:
        """Type size of ticks, legends and notes."""
        return self.size * 0.88

    @property
    def scale(self) -> float:
        """Ratio to the type size of a paper: heights grow with it."""
        return self.size / STYLES["neurips"].size

    def rc(self) -> dict[str, float]:
        """Give matplotlib's settings that depend on the page."""
        return {
            "font.size": self.size,
            "axes.labelsize": self.size,
            "axes.titlesize": self.size,
            "xtick.labelsize": self.small,
            "ytick.labelsize": self.small,
            "legend.fontsize": self.small,
            "figure.titlesize": self.size,
            "lines.linewidth": 1.3 * self.size / 7.5,
            "lines.markersize": 4 * self.size / 7.5,
        }


STYLES = {
    "neurips": Style("neurips", column=5.5, full=5.5, size=7.5),
    "icml": Style("icml", column=3.25, full=6.75, size=7.5),
    "slides": Style("slides", column=10.0, full=10.0, size=13.0),
}


def get_style(name: str) -> Style:
    """Find a page style by name.

    Raises
    ------
    UnknownNameError
        Naming the nearest style, if there is none of this name.

    Examples
    --------
    >>> get_style("icml").column
    3.25
    """
    if name not in STYLES:
        raise unknown_name("style", name, STYLES)
    return STYLES[name]


@contextmanager
def applied(style: Style) -> Iterator[None]:
    """Draw and save within this page style; matplotlib's settings are restored afterwards."""
    settings: Any = style.rc()
    with matplotlib.style.context(["default", STYLE_FILE]), rc_context(settings):
        yield


def label_decades(fig: Figure) -> None:
    """Label only the decades of logarithmic axes: over a short range the ticks between crowd."""
    for axes in fig.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log":
                axis.set_minor_formatter(NullFormatter())
