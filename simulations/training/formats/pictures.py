"""JPEG and PNG files, read with Pillow and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file
from songoku_theory.errors import DependencyMissingError

__all__ = ["PictureKind", "read_picture"]

PictureKind = Literal["colour", "grey8", "grey16"]

_MODES: dict[PictureKind, tuple[str, ...]] = {
    "colour": ("RGB",),
    "grey8": ("L", "P"),  # P: class numbers with a palette to look at
    "grey16": ("I;16", "I;16B", "I"),
}
_SAID: dict[PictureKind, str] = {
    "colour": "8-bit colours", "grey8": "8-bit numbers", "grey16": "16-bit numbers",
}  # fmt: skip


def read_picture(
    path: Path, kind: PictureKind, form: Literal["JPEG", "PNG"], *,
    shape: tuple[int, int] | None, size: tuple[int, int], smooth: bool, todo: str,
) -> NDArray[Any]:  # fmt: skip
    """Read a picture, and resize it.

    Parameters
    ----------
    path : Path
    kind : {"colour", "grey8", "grey16"}
        What a pixel is.
    form : {"JPEG", "PNG"}
        Of the file; nothing else is tried, whatever its name says.
    shape : tuple of int or None
        Height and width that it must have; None takes any.
    size : tuple of int
        Height and width to return.
    smooth : bool
        Average neighbours; else the nearest pixel's value is taken, as class numbers and maps with
        holes need it.
    todo : str
        For messages; a sentence without its full stop.

    Returns
    -------
    array
        uint8 ``(h, w, 3)`` for colours, uint8 ``(h, w)`` for 8-bit numbers, float32 ``(h, w)`` for
        16-bit numbers.

    Raises
    ------
    InvalidInputError
        When the file is missing, truncated, of another form, kind or size.
    DependencyMissingError
        When Pillow is missing.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise DependencyMissingError(
            "Pillow is needed to read pictures: pip install 'songoku[train]'."
        ) from error
    pixels: NDArray[Any] | None = None
    try:
        with Image.open(path, formats=[form]) as picture:
            found, mode = (picture.height, picture.width), picture.mode
            fits = shape in (None, found) and mode in _MODES[kind]
            if fits:  # only then is it worth decoding
                pixels = np.asarray(picture)
    except FileNotFoundError:
        raise bad_file(path, expected="a picture", found="no such file", todo=todo) from None
    except UnidentifiedImageError as error:
        raise bad_file(path, expected=f"a {form}", found="no such picture", todo=todo) from error
    # Pillow says SyntaxError of a broken PNG, and ValueError or IndexError of a cut-off header.
    except (OSError, SyntaxError, ValueError, IndexError, Image.DecompressionBombError) as error:
        raise bad_file(path, expected=f"a whole {form}", found=str(error), todo=todo) from error
    if pixels is None:
        wanted = _SAID[kind] + (f", {shape[0]} x {shape[1]} (h x w)" if shape else "")
        raise bad_file(
            path, expected=wanted, found=f"mode {mode!r}, {found[0]} x {found[1]}", todo=todo
        )
    if kind == "grey16":
        pixels = pixels.astype(np.float32)
    if pixels.shape[:2] == size:
        return pixels
    way = Image.Resampling.BOX if smooth else Image.Resampling.NEAREST
    if smooth and min(pixels.shape[0] / size[0], pixels.shape[1] / size[1]) < 1:
        way = Image.Resampling.BILINEAR  # to enlarge
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), way))
