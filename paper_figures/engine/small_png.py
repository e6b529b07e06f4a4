"""PNGs with a palette: a third of the bytes, and no colour that an eye could tell from its own."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["COLORS", "EXACT", "small_png"]

COLORS = 256
"""What one byte a pixel can name."""
EXACT = 64
"""How many of them are the picture's most frequent colours, unchanged."""


def small_png(content: bytes) -> bytes:
    """Write an opaque PNG again with at most 256 colours.

    Lines, letters and their smoothed edges have few thousand colours, nearly all of them mixtures
    of a dozen inks with the paper. The most frequent are kept as they are, because a shaded area
    a little off its line's hue is taken for another line's. Of Pillow's ways to choose the rest,
    maximum coverage is the one that keeps rare inks: a thin line must not take its neighbour's
    colour.

    Parameters
    ----------
    content : bytes
        A PNG file. Transparency is laid on white.

    Returns
    -------
    bytes
        A PNG file of the same size in pixels.

    Examples
    --------
    >>> stream = io.BytesIO()
    >>> Image.new("RGB", (40, 30), "#0072B2").save(stream, "PNG")
    >>> small = small_png(stream.getvalue())
    >>> Image.open(io.BytesIO(small)).convert("RGB").getpixel((5, 5))
    (0, 114, 178)
    """
    drawn = Image.open(io.BytesIO(content)).convert("RGBA")
    paper = Image.new("RGBA", drawn.size, "white")
    opaque = Image.alpha_composite(paper, drawn).convert("RGB")
    pixels = np.asarray(opaque).astype(np.int64) @ (1 << 16, 1 << 8, 1)
    packed, places, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1)
    palette = _palette(opaque, colors, counts)
    nearest = ((colors[:, None, :] - palette[None]) ** 2).sum(axis=2).argmin(axis=1)
    indices = nearest[places].reshape(pixels.shape).astype(np.uint8)
    reduced = Image.fromarray(indices)
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    stream = io.BytesIO()
    reduced.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _palette(
    opaque: Image.Image, colors: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Choose at most 256 of the colours, shape (n, 3)."""
    order = np.argsort(-counts, kind="stable")
    if len(colors) <= COLORS:
        return colors[order]
    spread = opaque.quantize(COLORS - EXACT, method=Image.Quantize.MAXCOVERAGE).getpalette()
    assert spread is not None
    rest = np.array(spread[: 3 * (COLORS - EXACT)], dtype=np.int64).reshape(-1, 3)
    return np.concatenate([colors[order[:EXACT]], rest])
