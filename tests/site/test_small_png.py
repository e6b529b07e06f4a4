"""Small PNGs keep every ink: a thin line does not take its neighbour's colour."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from paper_figures.engine.small_png import COLORS, small_png
from paper_figures.engine.style import PALETTE

INDISTINGUISHABLE = 24
"""Of 255, for one channel of one smoothed edge pixel; the inks themselves are kept closer."""


def _saved(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def _lines(side: int = 600) -> Image.Image:
    """Draw smoothed thin lines in every ink of the palette, at many slopes, and one small mark."""
    large = Image.new("RGB", (8 * side, 8 * side), "white")
    pen = ImageDraw.Draw(large)
    for number, color in enumerate(PALETTE.values()):
        for turn in range(6):
            pen.line((40, 240 * turn, 8 * side - 40, 480 * number + 120 * turn), color, width=10)
    pen.rectangle((80, 8 * side - 120, 104, 8 * side - 96), "#CC79A7")
    return large.resize((side, side), Image.Resampling.BOX)


def test_no_pixel_changes_so_that_one_would_see_it() -> None:
    before = _saved(_lines())
    after = small_png(before)
    assert len(np.unique(_pixels(before).reshape(-1, 3), axis=0)) > 4 * COLORS
    assert len(np.unique(_pixels(after).reshape(-1, 3), axis=0)) <= COLORS
    assert len(after) < 0.7 * len(before)
    assert np.abs(_pixels(after) - _pixels(before)).max() <= INDISTINGUISHABLE
    corner = (0, 0)
    assert tuple(_pixels(after)[corner]) == (255, 255, 255), "paper stays white"
    assert np.abs(_pixels(after)[587, 11] - [0xCC, 0x79, 0xA7]).max() <= 8, "a rare ink is kept"


def test_few_colours_are_kept_exactly_and_transparency_is_laid_on_white() -> None:
    picture = Image.new("RGBA", (90, 60), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    for number, color in enumerate(PALETTE.values()):
        pen.rectangle((10 * number, 10, 10 * number + 6, 50), color)
    pixels = _pixels(small_png(_saved(picture)))
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    for number, color in enumerate(PALETTE.values()):
        expected = tuple(int(color[place : place + 2], 16) for place in (1, 3, 5))
        assert tuple(pixels[30, 10 * number + 3]) == expected
