"""``yeast.csv.gz``: genes with features and functional classes, as the package river ships them."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["YEAST_CLASSES", "YEAST_FEATURES", "read_yeast"]

YEAST_FEATURES, YEAST_CLASSES = 103, 14
_HEADER = [f"Att{n}" for n in range(1, YEAST_FEATURES + 1)] + [
    f"Class{n}" for n in range(1, YEAST_CLASSES + 1)
]
_TODO = "take it from the package river (river/datasets/yeast.csv.gz)"


def read_yeast(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read features and classes, gzipped or not.

    Returns
    -------
    features : array of float32, shape (n, 103)
    classes : array of float32, shape (n, 14)
        0 or 1.

    Raises
    ------
    InvalidInputError
        When the file is missing, truncated, has other columns, a gene with a blank or a number
        that is none, or a class that is neither 0 nor 1.
    """
    raw = read_bytes(path, what="a table of genes", todo=_TODO)
    try:
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("ascii")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise bad_file(path, expected="a whole table", found=str(error), todo=_TODO) from error
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or rows[0] != _HEADER:
        raise bad_file(
            path, expected="columns Att1 .. Att103, Class1 .. Class14",
            found=f"{','.join(rows[0])[:60]!r}" if rows else "nothing", todo=_TODO,
        )  # fmt: skip
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(_HEADER):
            raise bad_file(
                path, expected=f"{len(_HEADER)} fields in line {line}", found=f"{len(row)}",
                todo=_TODO,
            )  # fmt: skip
    try:
        table = np.array(rows[1:], dtype=np.float64).reshape(-1, len(_HEADER))
    except ValueError as error:
        raise bad_file(path, expected="numbers alone", found=str(error), todo=_TODO) from error
    features, classes = table[:, :YEAST_FEATURES], table[:, YEAST_FEATURES:]
    if not np.isfinite(features).all():
        line = 2 + int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise bad_file(path, expected="finite features", found=f"others in line {line}", todo=_TODO)
    if not np.isin(classes, (0, 1)).all():
        line = 2 + int(np.flatnonzero(~np.isin(classes, (0, 1)).all(axis=1))[0])
        raise bad_file(
            path, expected="classes of 0 and 1", found=f"others in line {line}", todo=_TODO
        )
    return features.astype(np.float32), classes.astype(np.float32)
