"""NYUv2's own files: ``nyu_depth_v2_labeled.mat`` (MATLAB 7.3, so HDF5) and ``splits.mat``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.hdf5 import open_hdf5, read_field
from simulations.training.formats.nyu_folders import Scenes
from simulations.training.formats.problem import bad_file

__all__ = ["MAT_FILES", "normals_of", "read_nyu_mat", "read_splits"]

MAT_FILES = (
    "nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat", "class13Mapping.mat"
)  # fmt: skip
_TODO = "run 'songoku data fetch nyuv2' again"
_WIDTH, _HEIGHT = 640, 480
_FX, _FY, _CX, _CY = 518.857901, 519.469611, 325.582449, 253.736166  # the data set's own toolbox
_CHUNK = 16


def read_splits(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers, from 0, of the training and the test views of ``splits.mat``.

    Raises
    ------
    InvalidInputError
        When the file is missing or damaged, lacks a list, or a view stands in both.
    """
    content = _load_mat(path)
    lists = []
    for name in ("trainNdxs", "testNdxs"):
        numbers = content.get(name)
        if numbers is None or np.asarray(numbers).dtype.kind not in "uif" or np.size(numbers) == 0:
            held = ", ".join(key for key in content if not key.startswith("_"))
            raise bad_file(path, expected=f"a list {name!r}", found=held or "none", todo=_TODO)
        lists.append(np.asarray(numbers).ravel().astype(np.int64) - 1)
    shared = np.intersect1d(lists[0], lists[1])
    if len(shared) or min(lists[0].min(), lists[1].min()) < 0:
        raise bad_file(
            path, expected="each view in one list, counted from 1",
            found=f"{len(shared)} in both, lowest {min(x.min() for x in lists) + 1}", todo=_TODO,
        )  # fmt: skip
    return lists[0], lists[1]


def _load_mat(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if not path.is_file():
        raise bad_file(path, expected="a MATLAB file", found="no such file", todo=_TODO)
    try:
        content: dict[str, Any] = loadmat(path)
    # scipy says NotImplementedError of a file of version 7.3, which is HDF5 and not for it.
    except (MatReadError, NotImplementedError, ValueError, TypeError, OSError) as error:
        raise bad_file(
            path, expected="a MATLAB file of version 5", found=str(error), todo=_TODO
        ) from error
    return content


def _to_thirteen(folder: Path) -> NDArray[np.int8]:
    """Return for each of the .mat file's numbers, 0 included, a class 0..13 (0: unlabelled)."""
    forty_path, thirteen_path = folder / MAT_FILES[2], folder / MAT_FILES[3]
    try:
        forty = np.asarray(_load_mat(forty_path)["mapClass"]).ravel().astype(np.int64)
        # A structure whose first field is the list.
        structure = _load_mat(thirteen_path)["classMapping13"]
        thirteen = np.asarray(structure[0][0][0]).ravel().astype(np.int64)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise bad_file(
            folder, expected=f"mapClass in {MAT_FILES[2]} and classMapping13 in {MAT_FILES[3]}",
            found=f"{type(error).__name__}: {error}", todo=_TODO,
        ) from error  # fmt: skip
    if forty.min() < 0 or forty.max() > len(thirteen) or not np.isin(thirteen, range(14)).all():
        raise bad_file(
            folder, expected="classes 0..40 and then 0..13",
            found=f"up to {forty.max()} and {thirteen.max()}", todo=_TODO,
        )  # fmt: skip
    first, second = np.insert(forty, 0, 0), np.insert(thirteen, 0, 0)
    mapped: NDArray[np.int8] = second[first].astype(np.int8)
    return mapped


def read_nyu_mat(folder: Path, numbers: NDArray[np.int64], size: tuple[int, int]) -> Scenes:
    """Read views of the labelled .mat file and bring them to one size.

    Parameters
    ----------
    folder : Path
        Holds the four of `MAT_FILES`.
    numbers : array of int
        From 0, as `read_splits` gives them.
    size : tuple of int
        Height and width; pixels are picked.

    Raises
    ------
    InvalidInputError
        When a file or field is missing, truncated, of other sizes than 480 x 640, or out of range.
    """
    path = folder / MAT_FILES[0]
    mapping = _to_thirteen(folder)
    height, width = size
    rows = ((np.arange(height) + 0.5) * _HEIGHT / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * _WIDTH / width).astype(np.int64)
    n = len(numbers)
    scenes = Scenes(
        np.empty((n, 3, height, width), np.uint8), np.empty((n, height, width), np.int8),
        np.empty((n, 1, height, width), np.float32), np.empty((n, 3, height, width), np.float32),
    )  # fmt: skip
    with open_hdf5(path, _TODO) as file:
        held = len(file["images"]) if "images" in file else 0
        if held and numbers.max() >= held:
            raise bad_file(
                path, expected=f"{numbers.max() + 1} views, as splits.mat says", found=f"{held}",
                todo=_TODO,
            )  # fmt: skip
        for start in range(0, n, _CHUNK):  # a view has 6 MB, all have 9 GB
            part = numbers[start : start + _CHUNK]
            here = slice(start, start + len(part))
            # MATLAB counts the first axis fastest: (views, colours, columns, rows).
            images = read_field(path, file, "images", (None, 3, _WIDTH, _HEIGHT), _TODO, part)
            depths = read_field(path, file, "depths", (None, _WIDTH, _HEIGHT), _TODO, part)
            labels = read_field(path, file, "labels", (None, _WIDTH, _HEIGHT), _TODO, part)
            if images.dtype != np.uint8 or labels.max() >= len(mapping):
                raise bad_file(
                    path, expected=f"images of bytes and labels 0..{len(mapping) - 1}",
                    found=f"images of {images.dtype}, labels up to {labels.max()}", todo=_TODO,
                )  # fmt: skip
            if not (depths.min() >= 0 and depths.max() <= 20):
                raise bad_file(
                    path, expected="depths of 0..20 m", found=f"{depths.min():g}..{depths.max():g}",
                    todo=_TODO,
                )  # fmt: skip
            upright = depths.transpose(0, 2, 1).astype(np.float64)
            pick = np.ix_(np.arange(len(part)), rows, columns)
            scenes.image[here] = images.transpose(0, 1, 3, 2)[:, :, rows][..., columns]
            scenes.label[here] = mapping[labels.transpose(0, 2, 1)[pick].astype(np.int64)]
            scenes.depth[here, 0] = upright[pick]
            normal = normals_of(upright, (_FX, _FY, _CX, _CY))
            scenes.normal[here] = normal[:, :, rows][..., columns]
    return scenes


def normals_of(
    depth: NDArray[np.float64], camera: tuple[float, float, float, float], reach: int = 3
) -> NDArray[np.float32]:
    """Return surface normals from depth maps.

    Parameters
    ----------
    depth : array, shape (n, h, w)
        Metres along the camera's axis; 0 where it was not measured.
    camera : tuple of float
        Focal lengths and centre in pixels: fx, fy, cx, cy.
    reach : int
        The plane goes through the points so many pixels to the left, right, above and below.

    Returns
    -------
    array of float32, shape (n, 3, h, w)
        In the camera's axes (right, down, forward), of length 1, facing the camera; 0 where one of
        the points was not measured.
    """
    fx, fy, cx, cy = camera
    _, height, width = depth.shape
    u = (np.arange(width) - cx) / fx
    v = (np.arange(height) - cy) / fy
    points = np.stack([depth * u, depth * v[:, None], depth], axis=-1)

    def moved(dy: int, dx: int) -> NDArray[np.float64]:
        row = np.clip(np.arange(height) + dy, 0, height - 1)
        column = np.clip(np.arange(width) + dx, 0, width - 1)
        taken: NDArray[np.float64] = points[:, row][:, :, column]
        return taken

    left, right, up, down = (
        moved(0, -reach), moved(0, reach), moved(-reach, 0), moved(reach, 0)
    )  # fmt: skip
    arrow = np.cross(down - up, right - left)
    arrow *= -np.sign((arrow * points).sum(axis=-1, keepdims=True))
    length = np.linalg.norm(arrow, axis=-1)
    known = length > 0
    for point in (left, right, up, down, points):
        known &= point[..., 2] > 0
    unit = np.where(known[..., None], arrow / np.maximum(length, 1e-12)[..., None], 0.0)
    return np.moveaxis(unit, -1, 1).astype(np.float32)
