"""What must survive a print without colours: the ruler for it, and PNGs that keep the colours."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from paper_figures.engine.greyscale import alike_in_grey, band, ink_on, lightness
from paper_figures.engine.small_png import COLORS, small_png
from paper_figures.engine.style import PALETTE

X = (0.0, 1.0, 2.0)


def _two(first: dict[str, object], second: dict[str, object]) -> Figure:
    fig = Figure()
    axis = fig.subplots()
    for place, look in enumerate((first, second)):
        axis.plot(X, [place, place + 1, place], **look)  # type: ignore[arg-type]
    return fig


BLUE: dict[str, object] = {"color": PALETTE["blue"]}
GREEN: dict[str, object] = {"color": PALETTE["green"]}


def test_series_that_only_colour_tells_apart_are_found() -> None:
    assert len(alike_in_grey(_two(BLUE, GREEN))) == 1
    custom: dict[str, object] = {"linestyle": (0, (5, 1))}
    assert len(alike_in_grey(_two(BLUE | custom, GREEN | custom))) == 1
    dots: dict[str, object] = {"linestyle": "", "marker": "o"}
    assert len(alike_in_grey(_two(BLUE | dots, GREEN | dots))) == 1


@pytest.mark.parametrize(
    "second",
    [
        GREEN | {"linestyle": "--"},
        GREEN | {"linestyle": (0, (9, 2))},
        GREEN | {"marker": "s"},
        GREEN | {"linewidth": 4.0},
        {"color": "black"},
        BLUE,
    ],
)
def test_dashes_marker_width_or_lightness_tell_series_apart(second: dict[str, object]) -> None:
    assert not alike_in_grey(_two(BLUE, second))


def test_filled_and_open_marks_differ() -> None:
    dots: dict[str, object] = {"linestyle": "", "marker": "o"}
    assert not alike_in_grey(_two(BLUE | dots, GREEN | dots | {"markerfacecolor": "white"}))


def test_scattered_dots_need_shapes() -> None:
    fig = Figure()
    left, right = fig.subplots(1, 2)
    for place, (look, mark) in enumerate(((BLUE, "o"), (GREEN, "^"))):
        left.scatter(X, [place] * 3, marker="o", **look)
        right.scatter(X, [place] * 3, marker=mark, **look)
    left.set_title("same", loc="left")
    assert [said.split(":")[0] for said in alike_in_grey(fig)] == ["'same'"]


def test_bands_need_edges_in_the_dashes_of_their_lines() -> None:
    fig = Figure()
    bare, edged = fig.subplots(1, 2)
    for color, dashes in ((PALETTE["blue"], "-"), (PALETTE["green"], "--")):
        bare.fill_between(X, 0.0, 1.0, color=color, alpha=0.2, linewidth=0)
        band(edged, X, [0.0] * 3, [1.0] * 3, color, dashes, 0.2)
    bare.set_title("bare", loc="left")
    assert [said.split(":")[0] for said in alike_in_grey(fig)] == ["'bare'"]


def test_rows_that_are_named_need_no_looks() -> None:
    fig = _two(BLUE, GREEN)
    fig.axes[0].set_yticks([0, 1], ["one", "other"])
    assert not alike_in_grey(fig)


def test_the_ink_on_a_fill_is_readable() -> None:
    """Contrast of at least 4.5, as WCAG asks of text, on every colour of the palette."""
    assert lightness("#777777") == pytest.approx(50.0, abs=0.5)
    for name, fill in PALETTE.items():
        if name != "grey":  # of lines, not of fills
            dark, light = sorted((_luminance(ink_on(fill)), _luminance(fill)))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, name


def _luminance(color: str) -> float:
    """The inverse of lightness: Y of L*."""
    return float(((lightness(color) + 16.0) / 116.0) ** 3) if lightness(color) > 8 else 0.0


def _crowded() -> NDArray[np.uint8]:
    """Shades of seven inks on paper, as smoothed edges have them, and two pale areas."""
    inks = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in PALETTE.values()])
    shade = np.linspace(0.0, 1.0, 200)[None, :, None]
    ramps = 255.0 + shade * (inks[:, None, :] - 255.0)
    picture = np.repeat(ramps.round().astype(np.uint8), 12, axis=0)
    areas = np.empty((60, 200, 3), dtype=np.uint8)
    areas[:30], areas[30:] = (249, 230, 214), (214, 214, 214)
    return np.concatenate([picture, areas])


def test_shaded_areas_keep_their_colours() -> None:
    """Pillow's own choice of a palette would give an area the tint of another line."""
    pixels = _crowded()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    small = Image.open(io.BytesIO(small_png(stream.getvalue())))
    assert small.mode == "P"
    found = np.asarray(small.convert("RGB")).astype(int)
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= COLORS
    np.testing.assert_array_equal(found[-60:], pixels[-60:])
    assert np.abs(found - pixels.astype(int)).max() <= 48
    pillow = Image.fromarray(pixels).quantize(COLORS, method=Image.Quantize.MAXCOVERAGE)
    assert (np.asarray(pillow.convert("RGB"))[-60:] != pixels[-60:]).any()
