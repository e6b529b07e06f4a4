"""Spoken digits, cut to one length and spoilt with noise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks.derived import source_of
from simulations.training.formats.problem import bad_file
from simulations.training.formats.wav import read_wav

__all__ = ["RATE", "SOURCE", "Recordings", "add_noise", "read_recordings"]

SOURCE = source_of(__file__)
RATE = 8000
_SAMPLES = 7168  # 0.9 s; one recording in a hundred is longer
_NAME = re.compile(r"([0-9])_([A-Za-z]+)_([0-9]+)\.wav")
_TEST_INDICES = 5  # the data set's own split: indices 0..4 are for testing
_QUIETEST, _LOUDEST = 0.0, 10.0  # signal-to-noise ratio, dB
_TODO = "run 'songoku data fetch av_mnist', or get github.com/Jakobovski/free-spoken-digit-dataset"


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """Recordings of one length.

    Attributes
    ----------
    waves : array of float32, shape (n, 7168)
        0.9 s at 8 kHz; longer ones are cut, shorter ones stand in the middle of silence.
    digits : array of int64, shape (n,)
    for_test : array of bool, shape (n,)
    """

    waves: NDArray[np.float32]
    digits: NDArray[np.int64]
    for_test: NDArray[np.bool_]


def read_recordings(folder: Path) -> Recordings:
    """Read ``{digit}_{speaker}_{index}.wav``.

    Raises
    ------
    InvalidInputError
        When a file is named otherwise or can't be read, or a digit has no recording to train or
        none to test with.
    """
    paths = sorted(folder.glob("*.wav"))
    if not paths:
        raise bad_file(folder, expected="wav files of spoken digits", found="none", todo=_TODO)
    waves = np.zeros((len(paths), _SAMPLES), dtype=np.float32)
    digits = np.empty(len(paths), dtype=np.int64)
    for_test = np.empty(len(paths), dtype=np.bool_)
    for row, path in enumerate(paths):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise bad_file(
                path, expected="a name like 7_jackson_32.wav", found=path.name,
                todo="rename it, or move it elsewhere",
            )  # fmt: skip
        digits[row] = int(match[1])
        for_test[row] = int(match[3]) < _TEST_INDICES
        wave = read_wav(path, RATE)[:_SAMPLES]
        start = (_SAMPLES - len(wave)) // 2
        waves[row, start : start + len(wave)] = wave
    for digit in range(10):
        for part, chosen in (("train", ~for_test), ("test", for_test)):
            if not np.any(chosen & (digits == digit)):
                raise bad_file(
                    folder, expected=f"a recording of {digit} to {part} with "
                    f"(index {'0..4' if part == 'test' else '5 or more'})", found="none",
                    todo=_TODO,
                )  # fmt: skip
    return Recordings(waves, digits, for_test)


def add_noise(waves: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Add white noise, pink noise, mains hum or clicks, one kind to each recording.

    The signal-to-noise ratio is uniform in 0..10 dB.

    Parameters
    ----------
    waves : array, shape (n, samples)
    rng : numpy.random.Generator

    Differs from
    ------------
    AV-MNIST mixes in clips of ESC-50; these kinds are made instead, so nothing else need be had.
    """
    n, samples = waves.shape
    noise = rng.normal(size=(n, samples))
    pitch = rng.uniform(80, 400, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    clicking = rng.random((n, samples)) < 0.01
    kind = rng.integers(0, 4, n)  # 0 stays white
    pink, hum, clicks = (np.flatnonzero(kind == k) for k in (1, 2, 3))
    falling = 1 / np.sqrt(np.maximum(np.arange(samples // 2 + 1), 1))
    noise[pink] = np.fft.irfft(np.fft.rfft(noise[pink]) * falling, samples)
    angle = 2 * np.pi * pitch[hum] * (np.arange(samples) / RATE) + phase[hum]
    noise[hum] = sum(np.sin(k * angle) / k for k in (1, 2, 3, 4))
    noise[clicks] *= clicking[clicks]
    ratio = 10 ** (rng.uniform(_QUIETEST, _LOUDEST, (n, 1)) / 20)
    loudness = np.sqrt((waves.astype(np.float64) ** 2).mean(axis=1, keepdims=True))
    noise *= loudness / ratio / np.sqrt((noise**2).mean(axis=1, keepdims=True) + 1e-20)
    result: NDArray[np.float32] = (waves + noise).astype(np.float32)
    return result
