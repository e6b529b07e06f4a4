"""Log-mel spectrograms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_mel", "mel_filters"]

_FLOOR = 1e-6  # relative to the loudest cell: -60 dB


def mel_filters(mels: int, fft_size: int, rate: int) -> NDArray[np.float64]:
    """Return triangular filters, equally spaced in mel, over 0 Hz to half the rate.

    Returns
    -------
    array, shape (mels, fft_size // 2 + 1)
        Each filter's largest weight is at most 1.

    Source
    ------
    O'Shaughnessy 1987: mel = 2595 log10(1 + Hz / 700).

    Examples
    --------
    >>> filters = mel_filters(40, 512, 8000)
    >>> filters.shape, bool((filters.sum(axis=1) > 0).all())
    ((40, 257), True)
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, mels + 2) / 2595) - 1)
    hertz = np.linspace(0, rate / 2, fft_size // 2 + 1)
    rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    filters: NDArray[np.float64] = np.clip(np.minimum(rising, falling), 0, None)
    return filters


def log_mel(
    waves: NDArray[np.float32], rate: int, mels: int, frames: int, fft_size: int = 512
) -> NDArray[np.uint8]:
    """Return spectrograms in bytes: 255 is the loudest cell, 0 is 60 dB below it.

    Parameters
    ----------
    waves : array, shape (n, samples)
    rate : int
        Samples a second.
    mels, frames : int
        Rows and columns.
    fft_size : int
        A Hann window of half of it is padded to it, so that the lowest filters hold a bin.

    Returns
    -------
    array of uint8, shape (n, mels, frames)
        Row 0 is the lowest frequency.
    """
    window = fft_size // 2
    starts = np.linspace(0, waves.shape[1] - window, frames).round().astype(int)
    pieces = waves[:, starts[:, None] + np.arange(window)] * np.hanning(window)
    power = np.abs(np.fft.rfft(pieces, fft_size)) ** 2
    energy = np.einsum("nfb,mb->nmf", power, mel_filters(mels, fft_size, rate), optimize=True)
    loudest = np.maximum(energy.max(axis=(1, 2), keepdims=True), 1e-12)
    decibels = np.log10(np.maximum(energy / loudest, _FLOOR))  # from -6 to 0
    result: NDArray[np.uint8] = np.round(255 * (1 + decibels / 6)).astype(np.uint8)
    return result
