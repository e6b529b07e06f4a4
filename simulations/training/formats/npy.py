"""``.npy`` arrays, mapped rather than read, and never with pickled objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file

__all__ = ["map_npy"]


def map_npy(
    path: Path, shape: tuple[int | None, ...], low: float, high: float, todo: str
) -> NDArray[Any]:
    """Map an array of numbers into memory, copy on write.

    Parameters
    ----------
    path : Path
    shape : tuple of int or None
        What it should have; None stands for any number, at least 1.
    low, high : float
        Range of its values; about a thousand rows are looked at.
    todo : str
        For the error.

    Raises
    ------
    InvalidInputError
        When the file is missing, truncated, no ``.npy`` file of real numbers, of another shape,
        or has values out of range (NaN included).
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    except FileNotFoundError:
        raise bad_file(path, expected="an array", found="no such file", todo=todo) from None
    except (ValueError, OSError, EOFError) as error:
        raise bad_file(
            path, expected="a .npy file of numbers", found=str(error), todo=todo
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "uif":
        kind = str(getattr(array, "dtype", type(array)))
        raise bad_file(path, expected="real numbers", found=kind, todo=todo)
    fits = len(array.shape) == len(shape) and all(
        side == wanted or (wanted is None and side > 0)
        for side, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("any" if side is None else str(side) for side in shape)
        raise bad_file(
            path, expected=f"shape {wanted}", found=" x ".join(map(str, array.shape)), todo=todo
        )
    rows = array[:: max(1, len(array) // 1000)]
    if not (np.min(rows) >= low and np.max(rows) <= high):
        raise bad_file(
            path, expected=f"values in {low:g}..{high:g}",
            found=f"{np.min(rows):g}..{np.max(rows):g}", todo=todo,
        )  # fmt: skip
    return array
