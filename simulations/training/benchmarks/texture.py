"""Texture classes: Gabor responses, clustered by k-means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from simulations.training.benchmarks.derived import source_of

__all__ = ["SOURCE", "gabor_features", "k_means", "nearest"]

SOURCE = source_of(__file__)
"""For the key of what is kept of its results."""

_ORIENTATIONS = 4
_FREQUENCIES = (0.1, 0.2, 0.35)  # cycles a pixel
_BANDWIDTH = 0.5  # standard deviation of the frequency window, as a share of the frequency
_CHUNK = 1000
_RESTARTS, _ROUNDS = 4, 100


def gabor_features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return log mean and log spread of each Gabor filter's response to the grey image.

    Parameters
    ----------
    images : array of uint8, shape (n, 3, side, side)

    Returns
    -------
    array, shape (n, 24)
        4 orientations x 3 frequencies, two numbers each. A pattern and its shifted copy have the
        same ones (the image is continued periodically).
    """
    side = images.shape[-1]
    fy, fx = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    bank = []
    for frequency in _FREQUENCIES:
        for angle in np.arange(_ORIENTATIONS) * np.pi / _ORIENTATIONS:
            distance = np.hypot(fx - frequency * np.cos(angle), fy - frequency * np.sin(angle))
            bank.append(np.exp(-0.5 * (distance / (_BANDWIDTH * frequency)) ** 2))
    filters = np.stack(bank).astype(np.float32)
    features = []
    for start in range(0, len(images), _CHUNK):
        grey = images[start : start + _CHUNK].mean(axis=1, dtype=np.float32) / 255
        spectrum = fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True))
        energy = np.stack([np.abs(fft.ifft2(spectrum * window)) for window in filters], axis=1)
        both = np.concatenate([energy.mean(axis=(2, 3)), energy.std(axis=(2, 3))], axis=1)
        features.append(np.log(both.astype(np.float64) + 1e-4))
    return np.concatenate(features)


def k_means(points: NDArray[np.float64], num: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the centres of the best of four runs of Lloyd's algorithm from k-means++ seeds.

    Parameters
    ----------
    points : array, shape (n, d)
        At least `num` different ones.
    num : int
    rng : numpy.random.Generator

    Returns
    -------
    array, shape (num, d)
        In the order of falling cluster size, so that a class means the same in any run that finds
        the same clusters.

    Source
    ------
    Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", 2007.
    """
    best: tuple[float, NDArray[np.float64]] | None = None
    for _ in range(_RESTARTS):
        centres = points[[int(rng.integers(len(points)))]]
        while len(centres) < num:
            gap = _squared(points, centres).min(axis=1)
            centres = np.vstack([centres, points[rng.choice(len(points), p=gap / gap.sum())]])
        for _ in range(_ROUNDS):
            label = nearest(points, centres)
            moved = np.stack([
                points[label == k].mean(axis=0) if np.any(label == k) else centres[k]
                for k in range(num)
            ])  # fmt: skip
            if np.allclose(moved, centres):
                break
            centres = moved
        cost = float(_squared(points, centres).min(axis=1).sum())
        if best is None or cost < best[0]:
            best = (cost, centres)
    assert best is not None
    sizes = np.bincount(nearest(points, best[1]), minlength=num)
    ordered: NDArray[np.float64] = best[1][np.argsort(-sizes, kind="stable")]
    return ordered


def nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each point which centre is nearest."""
    result: NDArray[np.int64] = _squared(points, centres).argmin(axis=1).astype(np.int64)
    return result


def _squared(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1)[None]
    clipped: NDArray[np.float64] = np.maximum(squares, 0.0)
    return clipped
