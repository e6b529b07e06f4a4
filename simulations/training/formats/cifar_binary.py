"""CIFAR-10's binary version: records of one label byte and 3,072 pixel bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["CIFAR_CLASSES", "read_cifar_binary"]

CIFAR_CLASSES = 10
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_TODO = "run 'songoku data fetch cifar10', or get https://www.cs.toronto.edu/~kriz/cifar.html"


def read_cifar_binary(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one ``.bin`` file.

    Returns
    -------
    tuple of array
        Images ``(n, 3, 32, 32)`` uint8 and labels ``(n,)`` in 0..9.

    Raises
    ------
    InvalidInputError
        When the file is missing, is no whole number of records, or has a label above 9 (which is
        what images of another size, or another file, look like).
    """
    raw = np.frombuffer(read_bytes(path, what="CIFAR-10 records", todo=_TODO), dtype=np.uint8)
    if len(raw) == 0 or len(raw) % _RECORD:
        raise bad_file(
            path,
            expected=f"a whole number of records of {_RECORD} bytes (32 x 32 RGB images)",
            found=f"{len(raw):,} bytes (truncated, or images of another size)",
            todo=_TODO,
        )
    records = raw.reshape(-1, _RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= CIFAR_CLASSES:
        raise bad_file(
            path,
            expected=f"labels 0..{CIFAR_CLASSES - 1}",
            found=f"label {labels.max()} in record {int(labels.argmax())}",
            todo=_TODO,
        )
    return records[:, 1:].reshape(-1, *_SHAPE), labels
