"""NYUv2 as it is usually preprocessed: ``{train,val}/{image,label,depth,normal}/N.npy``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.npy import map_npy
from simulations.training.formats.problem import bad_file

__all__ = ["KINDS", "Scenes", "count_scenes", "read_scenes"]

KINDS = ("image", "label", "depth", "normal")
_CLASSES = 13
_FARTHEST = 20.0  # metres; the sensor sees 10
_TODO = "unpack the preprocessed archive again (see github.com/lorenmt/mtan)"


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Views of rooms, all of one size.

    Attributes
    ----------
    image : array of uint8, shape (n, 3, h, w)
    label : array of int8, shape (n, h, w)
        0 is unlabelled, 1..13 are the classes in alphabetical order, bed to window.
    depth : array of float32, shape (n, 1, h, w)
        Metres; 0 where it was not measured.
    normal : array of float32, shape (n, 3, h, w)
        Of length 1; of length 0 where it is not known.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.int8]
    depth: NDArray[np.float32]
    normal: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.image)


def count_scenes(folder: Path) -> int:
    """Return how many views there are, checking that each has its four files.

    Raises
    ------
    InvalidInputError
        When a folder is missing, or numbers are not 0, 1, 2, ... in all four alike.
    """
    numbers = {}
    for kind in KINDS:
        if not (folder / kind).is_dir():
            raise bad_file(folder / kind, expected="a folder", found="none", todo=_TODO)
        numbers[kind] = {path.stem for path in (folder / kind).glob("*.npy")}
    wanted = {str(number) for number in range(len(numbers["image"]))}
    for kind in KINDS:
        wrong = sorted(numbers[kind] ^ wanted)
        if wrong or not wanted:
            raise bad_file(
                folder / kind, expected=f"0.npy to {len(wanted) - 1}.npy, as there are images",
                found=f"{len(numbers[kind])} files; missing or too many: {', '.join(wrong[:5])}",
                todo=_TODO,
            )  # fmt: skip
    return len(wanted)


def read_scenes(folder: Path, numbers: NDArray[np.int64], size: tuple[int, int]) -> Scenes:
    """Read views and bring them to one size.

    Parameters
    ----------
    folder : Path
        The one that holds ``image``, ``label``, ``depth`` and ``normal``.
    numbers : array of int
    size : tuple of int
        Height and width wanted. Pixels are picked, not averaged: a class or a depth between two
        others would be a third thing.

    Raises
    ------
    InvalidInputError
        When a file is missing, truncated, of another shape than its image, or out of range
        (images 0..1, labels -1..12, depths 0..20 m, normals -1..1).
    """
    height, width = size
    n = len(numbers)
    scenes = Scenes(
        np.empty((n, 3, height, width), np.uint8), np.empty((n, height, width), np.int8),
        np.empty((n, 1, height, width), np.float32), np.empty((n, 3, height, width), np.float32),
    )  # fmt: skip
    for row, number in enumerate(numbers):
        image = map_npy(folder / f"image/{number}.npy", (None, None, 3), 0, 1, _TODO)
        h, w = image.shape[:2]
        path = folder / f"label/{number}.npy"
        label = np.asarray(map_npy(path, (h, w), -1, _CLASSES - 1, _TODO))
        if not np.array_equal(label, np.round(label)) or label.max() >= _CLASSES:
            raise bad_file(path, expected="classes -1..12", found="others", todo=_TODO)
        depth = map_npy(folder / f"depth/{number}.npy", (h, w, 1), 0, _FARTHEST, _TODO)
        normal = map_npy(folder / f"normal/{number}.npy", (h, w, 3), -1.001, 1.001, _TODO)
        pick = np.ix_(_picked(h, height), _picked(w, width))
        scenes.image[row] = np.round(np.asarray(image)[pick] * 255).transpose(2, 0, 1)
        scenes.label[row] = label[pick] + 1
        scenes.depth[row] = np.asarray(depth)[pick].transpose(2, 0, 1)
        arrow = np.asarray(normal)[pick].transpose(2, 0, 1)
        length = np.linalg.norm(arrow, axis=0)
        scenes.normal[row] = np.where(length > 0.5, arrow / np.maximum(length, 1e-6), 0.0)
    return scenes


def _picked(have: int, want: int) -> NDArray[np.int64]:
    """Return which of `have` rows become the `want` rows: the middles of equal parts."""
    return ((np.arange(want) + 0.5) * have / want).astype(np.int64)
