"""CIFAR-10's Python version, read without ever running what the pickle asks for.

A pickle is a program. This reader knows four of the names that CIFAR's pickles call, and puts
inert look-alikes in their place; any other name is an error. Arrays are built here, from bytes.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.cifar_binary import CIFAR_CLASSES
from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["read_cifar_pickle"]

_TODO = (
    "get https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz again (md5 "
    "c58f30108f718f92721af3b95e74349a)"
)
_PIXELS = 3 * 32 * 32


class _Bytes:
    """Stands in for a numpy array of bytes while the pickle is read."""

    def __init__(self) -> None:
        self.array: NDArray[np.uint8] | None = None

    def __setstate__(self, state: object) -> None:
        match state:
            case (int(), tuple(shape), _Kind(name="u1"), int(fortran), bytes(raw)):
                pass
            case _:
                raise pickle.UnpicklingError("an array of something other than bytes")
        if not all(isinstance(side, int) and side >= 0 for side in shape):
            raise pickle.UnpicklingError(f"an array of shape {shape}")
        flat = np.frombuffer(raw, dtype=np.uint8)
        if flat.size != int(np.prod([int(side) for side in shape], dtype=object)):
            raise pickle.UnpicklingError(f"{flat.size} bytes for an array of shape {shape}")
        self.array = flat.reshape(shape, order="F" if fortran else "C")


class _Kind:
    """Stands in for a numpy dtype."""

    __match_args__ = ("name",)

    def __init__(self, name: object = None, *_: object) -> None:
        self.name = name.decode("ascii", "replace") if isinstance(name, bytes) else name

    def __setstate__(self, state: object) -> None:
        """Byte order and the like say nothing of single bytes."""


class _ArrayName:
    """Stands in for the class numpy.ndarray, which the pickle only hands on."""


def _new_array(*_: object) -> _Bytes:
    return _Bytes()


def _to_bytes(text: object, coding: object) -> bytes:
    """Python 3 writes bytes of old protocols as latin-1 text to be encoded."""
    if not isinstance(text, str) or coding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError("an encoding other than latin1")
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "ndarray"): _ArrayName,
    ("numpy", "dtype"): _Kind,
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
    ("_codecs", "encode"): _to_bytes,
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., object]:
        """Return the look-alike of a known name; the real thing is never imported."""
        known = _KNOWN.get((module, name))
        if known is None:
            raise pickle.UnpicklingError(f"the name {module}.{name}, which CIFAR-10 does not use")
        return known


def read_cifar_pickle(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one ``data_batch_N`` or ``test_batch``.

    Returns
    -------
    tuple of array
        Images ``(n, 3, 32, 32)`` uint8 and labels ``(n,)`` in 0..9.

    Raises
    ------
    InvalidInputError
        When the file is missing, is no pickle or a truncated one, asks for anything but arrays of
        bytes, lists, dictionaries, text and numbers (nothing of it is run), or does not hold
        3,072 bytes and a label in 0..9 for each image.
    """
    raw = read_bytes(path, what="a CIFAR-10 batch (Python version)", todo=_TODO)
    try:
        content = _Restricted(io.BytesIO(raw), encoding="bytes").load()
    # What a broken pickle raises is not documented beyond these.
    except (
        pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError,
        TypeError, ValueError, OverflowError, MemoryError,
    ) as error:  # fmt: skip
        raise bad_file(
            path,
            expected="a pickle of arrays of bytes and lists only",
            found=str(error) or type(error).__name__,
            todo=_TODO,
        ) from error
    fields = content if isinstance(content, dict) else {}
    data, labels = fields.get(b"data"), fields.get(b"labels")
    pixels = data.array if isinstance(data, _Bytes) else None
    if pixels is None or not isinstance(labels, list):
        keys = sorted(map(str, fields)) or type(content).__name__
        raise bad_file(path, expected="fields data and labels", found=f"{keys}", todo=_TODO)
    if pixels.ndim != 2 or pixels.shape[1] != _PIXELS or len(pixels) != len(labels):
        raise bad_file(
            path,
            expected=f"as many labels as rows of {_PIXELS} bytes",
            found=f"data of shape {pixels.shape} and {len(labels)} labels",
            todo=_TODO,
        )
    if not all(type(label) is int and 0 <= label < CIFAR_CLASSES for label in labels):
        raise bad_file(path, expected=f"labels 0..{CIFAR_CLASSES - 1}", found="others", todo=_TODO)
    return pixels.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64)
