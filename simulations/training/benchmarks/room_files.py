"""Writing rendered rooms in the layouts of NYUv2, marked as what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simulations.training.formats.nyu_folders import Scenes
from simulations.training.formats.nyu_mat import MAT_FILES
from songoku_theory.errors import DependencyMissingError, InvalidInputError, unknown_name

__all__ = ["MARKER", "write_rooms"]

MARKER = "SYNTH"
"""A file of this name beside the data says that it was rendered."""

_HEIGHT, _WIDTH = 480, 640
_LAYOUTS = ("folders", "mat")


def write_rooms(train: Scenes, test: Scenes, folder: Path, layout: str) -> None:
    """Write rendered views as NYUv2's files.

    Parameters
    ----------
    train, test : Scenes
    folder : Path
        ``nyuv2`` under the data root; made when missing.
    layout : {"folders", "mat"}
        ``{train,val}/{image,label,depth,normal}/N.npy``; or the .mat files, at 480 x 640 (each
        pixel becomes a block, so the size must divide it).

    Raises
    ------
    InvalidInputError
        When the folder holds data that is not marked as rendered, or can't be written, or the
        size does not divide 480 x 640.
    DependencyMissingError
        When h5py is missing, for the .mat file.
    """
    if layout not in _LAYOUTS:
        raise unknown_name("layout", layout, _LAYOUTS)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise InvalidInputError(
            f"{folder} holds data that was not rendered here; nothing was written. Name another "
            "data root."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # First, so that no half-written data can pass for NYUv2.
        (folder / MARKER).write_text(
            "Rendered rooms, not NYUv2: results made from this are SYNTH.\n"
        )
        if layout == "mat":
            _write_mat(train, test, folder)
        else:
            _write_folders(train, folder / "train")
            _write_folders(test, folder / "val")
    except OSError as error:
        raise InvalidInputError(
            f"can't write under {folder}: {error.strerror or error}. Name a data root that you may "
            "write to."
        ) from error


def _write_folders(scenes: Scenes, folder: Path) -> None:
    for kind in ("image", "label", "depth", "normal"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for old in (folder / kind).glob("*.npy"):
            old.unlink()
    for number in range(len(scenes)):
        image = scenes.image[number].transpose(1, 2, 0).astype(np.float32) / 255
        np.save(folder / f"image/{number}.npy", image)
        np.save(folder / f"label/{number}.npy", scenes.label[number].astype(np.float32) - 1)
        np.save(folder / f"depth/{number}.npy", scenes.depth[number].transpose(1, 2, 0))
        np.save(folder / f"normal/{number}.npy", scenes.normal[number].transpose(1, 2, 0))


def _write_mat(train: Scenes, test: Scenes, folder: Path) -> None:
    from scipy.io import savemat

    try:
        import h5py
    except ImportError as error:
        raise DependencyMissingError(
            "the .mat file is written with h5py, which is not installed: "
            "pip install 'songoku[train]'"
        ) from error
    height, width = train.label.shape[1:]
    if _HEIGHT % height or _WIDTH % width or _HEIGHT // height != _WIDTH // width:
        raise InvalidInputError(
            f"the .mat file has {_HEIGHT} x {_WIDTH} pixels, of which {height} x {width} should be "
            "a whole part. Try a height of 96, 120, 240 or 480."
        )
    block, count = _HEIGHT // height, len(train) + len(test)
    with h5py.File(folder / MAT_FILES[0], "w") as file:
        # MATLAB counts the first axis fastest: (views, colours, columns, rows).
        images = file.create_dataset("images", (count, 3, _WIDTH, _HEIGHT), np.uint8)
        depths = file.create_dataset("depths", (count, _WIDTH, _HEIGHT), np.float32)
        labels = file.create_dataset("labels", (count, _WIDTH, _HEIGHT), np.uint16)
        row = 0
        for scenes in (train, test):
            for number in range(len(scenes)):
                grown = np.repeat(np.repeat(scenes.image[number], block, 1), block, 2)
                images[row] = grown.transpose(0, 2, 1)
                depths[row] = np.kron(scenes.depth[number, 0], np.ones((block, block))).T
                labels[row] = np.kron(scenes.label[number], np.ones((block, block))).T
                row += 1
    order = np.arange(1, count + 1)[:, None]
    savemat(
        folder / MAT_FILES[1], {"trainNdxs": order[: len(train)], "testNdxs": order[len(train) :]}
    )
    # The rooms' 13 classes are their own classes of 40 and of 13.
    savemat(folder / MAT_FILES[2], {"mapClass": np.arange(1, 14)[None]})
    savemat(folder / MAT_FILES[3], {"classMapping13": {"labels": np.arange(1, 14)[None]}})
