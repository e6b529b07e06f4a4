"""IDX files, the format that MNIST is published in; gzipped or not."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["read_idx"]

_UNSIGNED_BYTE = 8
_TODO = "get it again, e.g. from https://storage.googleapis.com/cvdf-datasets/mnist/"


def read_idx(path: Path, dims: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : Path
        Unpacked first when it ends in ``.gz``.
    dims : int
        Dimensions it should have: 3 for images, 1 for labels.

    Returns
    -------
    array of uint8

    Raises
    ------
    InvalidInputError
        When the file is missing, truncated, too long, no IDX file of bytes, or has another number
        of dimensions (labels where images should be).
    """
    raw = read_bytes(path, what="an IDX file", todo=_TODO)
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise bad_file(
                path, expected="a whole gzip file", found=str(error), todo=_TODO
            ) from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _UNSIGNED_BYTE:
        raise bad_file(
            path, expected="an IDX file of bytes (it begins with 00 00 08)",
            found=f"a file that begins with {raw[:4].hex(' ') or 'nothing'}", todo=_TODO,
        )  # fmt: skip
    if raw[3] != dims:
        raise bad_file(
            path, expected=f"{dims} dimension{'s' * (dims > 1)}",
            found=f"{raw[3]} (images and labels swapped?)", todo=_TODO,
        )  # fmt: skip
    start = 4 + 4 * dims
    shape = tuple(int(side) for side in np.frombuffer(raw[4:start], dtype=">u4"))
    size = 1
    for side in shape:
        size *= side
    if len(shape) != dims or len(raw) - start != size:
        raise bad_file(
            path, expected=f"{size:,} bytes after the header, for shape {shape}",
            found=f"{max(len(raw) - start, 0):,}", todo=_TODO,
        )  # fmt: skip
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)
