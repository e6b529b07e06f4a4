"""Mono 16-bit wav files."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file

__all__ = ["read_wav"]

_TODO = "get the recording again, or convert it to mono, 16 bits"


def read_wav(path: Path, rate: int) -> NDArray[np.float32]:
    """Read a recording.

    Parameters
    ----------
    path : Path
    rate : int
        Samples a second that it should have.

    Returns
    -------
    array of float32, shape (samples,)
        In [-1, 1).

    Raises
    ------
    InvalidInputError
        When the file is missing, no wav file, truncated, empty, not mono, not of 16 bits, or of
        another rate.
    """
    try:
        with wave.open(str(path), "rb") as file:
            found = (file.getnchannels(), 8 * file.getsampwidth(), file.getframerate())
            count = file.getnframes()
            raw = file.readframes(count)
    except FileNotFoundError:
        raise bad_file(path, expected="a recording", found="no such file", todo=_TODO) from None
    except (wave.Error, EOFError, OSError) as error:
        raise bad_file(
            path, expected="a wav file", found=str(error) or "a truncated one", todo=_TODO
        ) from error
    if found != (1, 16, rate):
        raise bad_file(
            path, expected=f"1 channel, 16 bits, {rate} Hz",
            found=f"{found[0]} channels, {found[1]} bits, {found[2]} Hz", todo=_TODO,
        )  # fmt: skip
    if len(raw) != 2 * count or count == 0:
        raise bad_file(
            path, expected=f"{count or 'some'} samples", found=f"{len(raw) // 2}", todo=_TODO
        )
    return np.frombuffer(raw, dtype="<i2").astype(np.float32) / np.float32(32768)
