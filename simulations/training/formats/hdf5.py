"""Fields of an HDF5 file, checked before they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file
from songoku_theory.errors import DependencyMissingError

__all__ = ["open_hdf5", "read_field"]


@contextmanager
def open_hdf5(path: Path, todo: str) -> Iterator[Any]:
    """Open an HDF5 file (a MATLAB file of version 7.3 is one) to read from.

    Raises
    ------
    DependencyMissingError
        When h5py is not installed.
    InvalidInputError
        When the file is missing, truncated or no HDF5 file; also when it breaks off while it is
        being read.
    """
    try:
        import h5py
    except ImportError as error:
        raise DependencyMissingError(
            f"{path} is an HDF5 file, which h5py reads; it is not installed: "
            "pip install 'songoku[train]'"
        ) from error
    if not path.is_file():
        raise bad_file(path, expected="an HDF5 file", found="no such file", todo=todo)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise bad_file(
            path, expected="a whole HDF5 file", found=str(error).splitlines()[0], todo=todo
        ) from error


def read_field(
    path: Path, file: Any, name: str, shape: tuple[int | None, ...], todo: str,  # noqa: ANN401
    rows: NDArray[np.int64] | None = None,
) -> NDArray[Any]:  # fmt: skip
    """Read a field of numbers.

    Parameters
    ----------
    path : Path
        For the error.
    file : h5py.File
    name : str
    shape : tuple of int or None
        What it should have; None stands for any number, at least 1.
    todo : str
        For the error.
    rows : array of int, optional
        Read only these rows, in this order.

    Raises
    ------
    InvalidInputError
        When there is no such field, or it is of another shape or no numbers.
    """
    if name not in file:
        held = ", ".join(sorted(file)) or "none"
        raise bad_file(path, expected=f"a field {name!r}", found=f"the fields {held}", todo=todo)
    field = file[name]
    found = getattr(field, "shape", None)
    fits = found is not None and len(found) == len(shape) and all(
        side == wanted or (wanted is None and side > 0)
        for side, wanted in zip(found, shape, strict=True)
    )  # fmt: skip
    if not fits or field.dtype.kind not in "uifb":
        sides = " x ".join("any" if side is None else str(side) for side in shape)
        raise bad_file(
            path, expected=f"{name!r} to hold numbers, {sides}",
            found=f"{found} of {getattr(field, 'dtype', 'no')} type", todo=todo,
        )  # fmt: skip
    if rows is None:
        whole: NDArray[Any] = field[()]
        return whole
    order = np.argsort(rows)  # HDF5 reads rising rows only
    chosen: NDArray[Any] = field[rows[order]]
    back = np.empty_like(chosen)
    back[order] = chosen
    return back
