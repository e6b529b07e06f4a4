"""Taskonomy's folders: ``{domain}/{building}/point_P_view_V_domain_D.png``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.pictures import PictureKind, read_picture
from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["TASKONOMY_CLASSES", "Place", "Views", "buildings", "places", "read_parts", "read_views"]

TASKONOMY_CLASSES = 17
"""Background and 16 kinds of things; the files' 0, "uncertain", is no class."""

# Folder to the name that its files carry, and what a pixel of them is.
_DOMAINS: dict[str, tuple[str, PictureKind]] = {
    "rgb": ("rgb", "colour"),
    "segment_semantic": ("segmentsemantic", "grey8"),
    "depth_zbuffer": ("depth_zbuffer", "grey16"),
    "normal": ("normal", "colour"),
    "keypoints2d": ("keypoints2d", "grey16"),
    "edge_texture": ("edge_texture", "grey16"),
}
_NAME = re.compile(r"point_([0-9]+)_view_([0-9]+)_domain_rgb\.png")
_METRE = 512.0  # depth's units
_TOO_FAR = 1 << 13  # 16 m; holes of the mesh are at the highest number
_SMOOTH = ("rgb", "keypoints2d", "edge_texture")
_NEAR_ONE = (0.8, 1.2)
_TODO = "download this building again (omnitools.download, see github.com/StanfordVL/taskonomy)"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One view: its building and its name up to ``_domain_``."""

    building: str
    stem: str


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Views, all of one size.

    Attributes
    ----------
    image : array of uint8, shape (n, 3, h, w)
    label : array of int8, shape (n, h, w)
        0 is background, 1..16 things, -1 uncertain.
    depth : array of float32, shape (n, 1, h, w)
        Metres; 0 beyond 16 m and in holes.
    normal : array of float32, shape (n, 3, h, w)
        Of length 1; of length 0 where depth is 0.
    keypoints, edges : array of float32, shape (n, 1, h, w)
        0..1, of the 16-bit heat maps' full scale.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.int8]
    depth: NDArray[np.float32]
    normal: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    edges: NDArray[np.float32]


def buildings(root: Path) -> dict[str, Path]:
    """Return each building's folder of images, by name.

    Both ``rgb/BUILDING`` and Omnidata's ``rgb/taskonomy/BUILDING`` will do.
    """
    folder = root / "rgb"
    inside = folder / "taskonomy"
    found = inside if inside.is_dir() else folder
    return {path.name: path for path in sorted(found.glob("*")) if path.is_dir()}


def places(name: str, folder: Path) -> list[Place]:
    """Return a building's views, by their images.

    Raises
    ------
    InvalidInputError
        When there is none, or a file there is of another domain or none.
    """
    found = []
    for path in sorted(folder.glob("*.png")):
        if _NAME.fullmatch(path.name) is None:
            raise bad_file(
                path, expected="a name like point_0_view_1_domain_rgb.png", found=path.name,
                todo="move it to its own domain's folder",
            )  # fmt: skip
        found.append(Place(name, path.name.removesuffix("_domain_rgb.png")))
    if not found:
        raise bad_file(folder, expected="images of a building", found="none", todo=_TODO)
    return found


def read_parts(path: Path) -> dict[str, list[str]]:
    """Read ``train_val_test_*.csv``: part ("train", "val", "test") to buildings.

    Raises
    ------
    InvalidInputError
        When it has other columns, a building twice, or in no part or several.
    """
    todo = "get github.com/StanfordVL/taskonomy/raw/master/data/assets/splits_taskonomy.zip again"
    try:
        text = read_bytes(path, what="parts of Taskonomy", todo=todo).decode("ascii")
    except UnicodeDecodeError as error:
        raise bad_file(path, expected="a CSV file", found=str(error), todo=todo) from error
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    if not rows or sorted(rows[0]) != ["id", "test", "train", "val"]:
        raise bad_file(path, expected="columns id,train,val,test", found=f"{rows[:1]}", todo=todo)
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    seen = set()
    for number, row in enumerate(rows[1:], start=2):
        marks = dict(zip(rows[0], row, strict=False))
        chosen = [part for part in parts if marks.get(part) == "1"]
        name = marks.get("id", "")
        if len(row) != 4 or len(chosen) != 1 or not name or name in seen:
            raise bad_file(
                path, expected=f"a new building in one part in line {number}",
                found=f"{','.join(row)[:60]!r}", todo=todo,
            )  # fmt: skip
        seen.add(name)
        parts[chosen[0]].append(name)
    return parts


def read_views(root: Path, chosen: Sequence[Place], size: tuple[int, int]) -> Views:
    """Read six files of each view.

    Parameters
    ----------
    root : Path
        Holds the domains' folders.
    chosen : sequence of Place
    size : tuple of int
        Height and width to shrink to. Class numbers, depths and normals are taken from the
        nearest pixel, images and heat maps are averaged.

    Raises
    ------
    InvalidInputError
        When a file is missing, truncated, of another size than its view's image, of another kind
        of pixel; when a class is above 17, or normals are not of length 1.
    """
    count = len(chosen)
    image = np.empty((count, 3, *size), dtype=np.uint8)
    label = np.empty((count, *size), dtype=np.int8)
    normal = np.empty((count, 3, *size), dtype=np.float32)
    maps = {name: np.empty((count, 1, *size), dtype=np.float32) for name in ("d", "k", "e")}
    for row, place in enumerate(chosen):
        found, paths = _read_view(root, place, size)
        image[row] = found["rgb"].transpose(2, 0, 1)
        classes = found["segment_semantic"]
        if classes.max() > TASKONOMY_CLASSES:
            raise bad_file(
                paths["segment_semantic"], expected=f"classes 0..{TASKONOMY_CLASSES}",
                found=f"{classes.max()}", todo=_TODO,
            )  # fmt: skip
        label[row] = classes.astype(np.int16) - 1
        depth = found["depth_zbuffer"]
        known = (depth > 0) & (depth < _TOO_FAR)
        maps["d"][row, 0] = np.where(known, depth / _METRE, 0)
        arrows = (found["normal"].astype(np.float32) / 255 - 0.5).transpose(2, 0, 1) * 2
        length = np.linalg.norm(arrows, axis=0)
        middle = float(np.median(length[known])) if known.any() else 1.0
        if not _NEAR_ONE[0] <= middle <= _NEAR_ONE[1]:
            raise bad_file(
                paths["normal"], expected="unit vectors, centred at 127",
                found=f"lengths about {middle:.2f} (another domain's picture?)", todo=_TODO,
            )  # fmt: skip
        normal[row] = np.where(known, arrows / np.maximum(length, 1e-6), 0)
        maps["k"][row, 0] = found["keypoints2d"] / 65535
        maps["e"][row, 0] = found["edge_texture"] / 65535
    return Views(image, label, maps["d"], normal, maps["k"], maps["e"])


def _read_view(
    root: Path, place: Place, size: tuple[int, int]
) -> tuple[dict[str, NDArray[Any]], dict[str, Path]]:
    shape = None
    found, paths = {}, {}
    for domain, (name, kind) in _DOMAINS.items():
        inside = root / domain / "taskonomy"
        folder = (inside if inside.is_dir() else root / domain) / place.building
        path = folder / f"{place.stem}_domain_{name}.png"
        if shape is None:
            shape = _shape(path)
        found[domain] = read_picture(
            path, kind, "PNG", shape=shape, size=size, smooth=domain in _SMOOTH, todo=_TODO
        )
        paths[domain] = path
    return found, paths


def _shape(path: Path) -> tuple[int, int] | None:
    """Return height and width from a PNG's header, or None where there is none to read."""
    try:
        with path.open("rb") as file:
            header = file.read(24)
    except OSError:
        return None
    if len(header) < 24 or not header.startswith(b"\x89PNG\r\n\x1a\n"):
        return None  # read_picture says what is wrong with it
    return int.from_bytes(header[20:24]), int.from_bytes(header[16:20])
