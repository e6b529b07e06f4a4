"""``multimodal_imdb.hdf5``: MM-IMDb's features and genres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.hdf5 import open_hdf5, read_field
from simulations.training.formats.problem import bad_file

__all__ = ["FilmFeatures", "read_mmimdb"]

_TODO = (
    "run 'songoku data fetch mm_imdb', or get https://archive.org/download/mmimdb/"
    "multimodal_imdb.hdf5"
)
_TEXT, _IMAGE, _GENRES = 300, 4096, 23


@dataclass(frozen=True, slots=True, eq=False)
class FilmFeatures:
    """One row a film.

    Attributes
    ----------
    text : array of float32, shape (n, 300)
        Mean word2vec of the plot.
    image : array of float32, shape (n, 4096)
        VGG16 of the poster.
    genres : array of uint8, shape (n, 23)
    ids : tuple of str
        IMDb's numbers, seven digits or more.
    """

    text: NDArray[np.float32]
    image: NDArray[np.float32]
    genres: NDArray[np.uint8]
    ids: tuple[str, ...]


def read_mmimdb(path: Path) -> FilmFeatures:
    """Read ``features``, ``vgg_features``, ``genres`` and ``imdb_ids``.

    Raises
    ------
    InvalidInputError
        When the file is missing or truncated, a field is missing, of another shape or of other
        length than the rest, a feature is not finite, a genre is neither 0 nor 1, or an id is
        no number or stands twice.
    """
    with open_hdf5(path, _TODO) as file:
        genres = read_field(path, file, "genres", (None, _GENRES), _TODO)
        count = len(genres)
        text = read_field(path, file, "features", (count, _TEXT), _TODO).astype(np.float32)
        image = read_field(path, file, "vgg_features", (count, _IMAGE), _TODO).astype(np.float32)
        if "imdb_ids" not in file or file["imdb_ids"].shape != (count,):
            raise bad_file(
                path, expected=f"a field 'imdb_ids' of {count}",
                found=f"the fields {', '.join(sorted(file))}", todo=_TODO,
            )  # fmt: skip
        ids = tuple(_number(path, value) for value in file["imdb_ids"][()])
    for name, values in (("features", text), ("vgg_features", image)):
        if not np.isfinite(values).all():
            raise bad_file(path, expected=f"finite {name}", found="NaN or infinity", todo=_TODO)
    if not np.isin(genres, (0, 1)).all():
        raise bad_file(
            path, expected="genres of 0 and 1", found=f"{genres.min():g}..{genres.max():g}",
            todo=_TODO,
        )  # fmt: skip
    if len(set(ids)) < count:
        raise bad_file(
            path, expected="each film once", found=f"{count - len(set(ids))} again", todo=_TODO
        )
    return FilmFeatures(text, image, genres.astype(np.uint8), ids)


def _number(path: Path, value: Any) -> str:  # noqa: ANN401
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    digits = text.removeprefix("tt")
    if not digits.isdecimal():
        raise bad_file(path, expected="IMDb numbers", found=repr(text[:20]), todo=_TODO)
    return digits.zfill(7)
