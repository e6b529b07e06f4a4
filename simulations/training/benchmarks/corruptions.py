"""The 15 corruptions of ImageNet-C, for images of 32 x 32 or so, one severity.

Own code after the paper's descriptions, with strengths scaled to small images. Frost is drawn, not
pasted from photographs; JPEG loses in the quantised cosine transform what a JPEG file loses.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from simulations.training.benchmarks.derived import source_of

__all__ = ["CORRUPTIONS", "SOURCE", "corrupt"]

SOURCE = source_of(__file__)
"""For the key of what is kept of its results."""

Images = NDArray[np.float64]  # (n, side, side, 3) in [0, 1]


def _gaussian_noise(images: Images, rng: np.random.Generator) -> Images:
    return images + rng.normal(scale=0.08, size=images.shape)


def _shot_noise(images: Images, rng: np.random.Generator) -> Images:
    photons = 75.0
    return rng.poisson(images * photons) / photons


def _impulse_noise(images: Images, rng: np.random.Generator) -> Images:
    hit = rng.random(images.shape) < 0.05
    return np.where(hit, rng.integers(0, 2, images.shape), images)


def _defocus_blur(images: Images, rng: np.random.Generator) -> Images:
    radius = 1.6
    reach = np.arange(-2, 3)
    distance = np.hypot(reach[:, None], reach[None, :])
    disk = np.clip(radius + 0.5 - distance, 0, 1)  # soft edge of one pixel
    result: Images = ndimage.convolve(images, (disk / disk.sum())[None, :, :, None], mode="reflect")
    return result


def _glass_blur(images: Images, rng: np.random.Generator) -> Images:
    n, height, width, _ = images.shape
    smooth = ndimage.gaussian_filter(images, (0, 0.5, 0.5, 0))
    row = np.arange(height)[None, :, None] + rng.integers(-1, 2, (n, height, width))
    column = np.arange(width)[None, None, :] + rng.integers(-1, 2, (n, height, width))
    moved = smooth[
        np.arange(n)[:, None, None], np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    ]
    result: Images = ndimage.gaussian_filter(moved, (0, 0.5, 0.5, 0))
    return result


def _shift(images: Images, dy: NDArray[np.float64], dx: NDArray[np.float64]) -> Images:
    """Move each image by its own real-valued step; what enters is a repeated edge."""
    n, height, width, _ = images.shape
    row = np.arange(height)[None, :, None] + dy[:, None, None]
    column = np.arange(width)[None, None, :] + dx[:, None, None]
    return _sample(images, row + np.zeros((n, 1, width)), column + np.zeros((n, height, 1)))


def _sample(images: Images, row: NDArray[np.float64], column: NDArray[np.float64]) -> Images:
    """Read images ``(n, h, w, 3)`` at real positions ``(n, h, w)``, bilinearly."""
    n, height, width, _ = images.shape
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    top = np.minimum(row.astype(np.int64), height - 2)
    left = np.minimum(column.astype(np.int64), width - 2)
    down, right = (row - top)[..., None], (column - left)[..., None]
    which = np.arange(n)[:, None, None]
    upper = images[which, top, left] * (1 - right) + images[which, top, left + 1] * right
    lower = images[which, top + 1, left] * (1 - right) + images[which, top + 1, left + 1] * right
    result: Images = upper * (1 - down) + lower * down
    return result


def _motion_blur(images: Images, rng: np.random.Generator) -> Images:
    angle = rng.uniform(-np.pi / 4, np.pi / 4, len(images))
    steps = np.linspace(-3, 3, 7)
    moved = [_shift(images, step * np.sin(angle), step * np.cos(angle)) for step in steps]
    result: Images = np.mean(moved, axis=0)
    return result


def _zoom(images: Images, factor: float) -> Images:
    n, height, width, _ = images.shape
    centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
    row = (np.arange(height) - centre_y) / factor + centre_y
    column = (np.arange(width) - centre_x) / factor + centre_x
    row_map = np.broadcast_to(row[None, :, None], (n, height, width))
    return _sample(images, row_map, np.broadcast_to(column[None, None, :], (n, height, width)))


def _zoom_blur(images: Images, rng: np.random.Generator) -> Images:
    result: Images = np.mean(
        [_zoom(images, factor) for factor in np.arange(1.0, 1.26, 0.05)], axis=0
    )
    return result


def _snow(images: Images, rng: np.random.Generator) -> Images:
    flakes = rng.normal(0.2, 0.3, (*images.shape[:3], 1))
    flakes = _motion_blur(np.where(flakes > 0.8, flakes, 0.0), rng) * 2
    grey = images.mean(axis=-1, keepdims=True) * 1.5 + 0.5
    pale = 0.8 * images + 0.2 * np.maximum(images, grey)
    result: Images = pale + np.clip(flakes + flakes[:, ::-1, ::-1], 0, 1)
    return result


def _frost(images: Images, rng: np.random.Generator) -> Images:
    # Ridges where fine noise changes sign look like crystals; they grow in from the rim.
    fine = ndimage.gaussian_filter(rng.normal(size=images.shape[:3]), (0, 1.6, 0.9))
    ridges = np.exp(-np.abs(fine) / (0.35 * fine.std()))
    side = np.abs(np.linspace(-1, 1, images.shape[1]))
    rim = np.clip(np.maximum(side[:, None], side[None, :]), 0.35, 1.0)
    ice = (ridges * rim)[..., None] * np.array([0.82, 0.92, 1.0])
    result: Images = 0.85 * images + 0.4 * ice
    return result


def _fog(images: Images, rng: np.random.Generator) -> Images:
    size = images.shape[1]
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    spectrum = 1 / np.maximum(frequency, 1 / size) ** 1.8
    clouds = fft.ifft2(fft.fft2(rng.normal(size=images.shape[:3])) * spectrum).real
    clouds -= clouds.min(axis=(1, 2), keepdims=True)
    clouds /= clouds.max(axis=(1, 2), keepdims=True)
    brightest = images.max(axis=(1, 2, 3), keepdims=True)
    result: Images = (images + 1.0 * clouds[..., None]) * brightest / (brightest + 1.0)
    return result


def _brightness(images: Images, rng: np.random.Generator) -> Images:
    # As raising the value of HSV: the ratio of the channels stays.
    value = images.max(axis=-1, keepdims=True)
    result: Images = images * np.clip(value + 0.2, 0, 1) / np.maximum(value, 1e-6)
    return result


def _contrast(images: Images, rng: np.random.Generator) -> Images:
    mean = images.mean(axis=(1, 2), keepdims=True)
    result: Images = (images - mean) * 0.4 + mean
    return result


def _elastic_transform(images: Images, rng: np.random.Generator) -> Images:
    n, height, width, _ = images.shape
    field = ndimage.gaussian_filter(
        rng.uniform(-1, 1, (2, n, height, width)), (0, 0, 2.5, 2.5), mode="reflect"
    )
    field *= 1.5 / field.std()
    row = np.arange(height)[None, :, None] + field[0]
    return _sample(images, row, np.arange(width)[None, None, :] + field[1])


def _pixelate(images: Images, rng: np.random.Generator) -> Images:
    n, height, width, channels = images.shape
    block = 2
    small = images.reshape(n, height // block, block, width // block, block, channels)
    result: Images = small.mean(axis=(2, 4)).repeat(block, axis=1).repeat(block, axis=2)
    return result


# The tables of the JPEG standard, annex K, and the usual scaling by quality.
_LUMA = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]).reshape(8, 8)  # fmt: skip
_CHROMA = np.full((8, 8), 99)
_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_TO_YCC = np.array([
    [0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]
])  # fmt: skip


def _jpeg_compression(images: Images, rng: np.random.Generator) -> Images:
    quality = 25
    n, height, width, _ = images.shape
    scaled = [np.clip((table * (5000 / quality) + 50) // 100, 1, 255) for table in (_LUMA, _CHROMA)]
    tables = np.stack([scaled[0], scaled[1], scaled[1]])
    colours = images @ _TO_YCC.T * 255
    colours[..., 0] -= 128
    blocks = colours.reshape(n, height // 8, 8, width // 8, 8, 3).transpose(0, 1, 3, 5, 2, 4)
    kept = np.round(fft.dctn(blocks, axes=(-2, -1), norm="ortho") / tables) * tables
    back = fft.idctn(kept, axes=(-2, -1), norm="ortho").transpose(0, 1, 4, 2, 5, 3)
    colours = back.reshape(n, height, width, 3)
    colours[..., 0] += 128
    restored: Images = colours / 255 @ np.linalg.inv(_TO_YCC).T
    return restored


CORRUPTIONS: dict[str, Callable[[Images, np.random.Generator], Images]] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "defocus_blur": _defocus_blur,
    "glass_blur": _glass_blur,
    "motion_blur": _motion_blur,
    "zoom_blur": _zoom_blur,
    "snow": _snow,
    "frost": _frost,
    "fog": _fog,
    "brightness": _brightness,
    "contrast": _contrast,
    "elastic_transform": _elastic_transform,
    "pixelate": _pixelate,
    "jpeg_compression": _jpeg_compression,
}
"""By ImageNet-C's names, in its order: a label is a position here."""


def corrupt(
    images: NDArray[np.uint8], labels: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Corrupt each image in the way that its label says.

    Parameters
    ----------
    images : array of uint8, shape (n, 3, side, side)
        `side` is a multiple of 8.
    labels : array of int, shape (n,)
        Positions in `CORRUPTIONS`.
    rng : numpy.random.Generator

    Returns
    -------
    array of uint8, shape (n, 3, side, side)

    Source
    ------
    Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
    Perturbations", 2019, section 4 and appendix B.
    """
    result = np.empty_like(images)
    for label, corruption in enumerate(CORRUPTIONS.values()):
        chosen = np.flatnonzero(labels == label)
        if len(chosen) == 0:
            continue
        pixels = images[chosen].transpose(0, 2, 3, 1) / 255.0
        spoilt = np.clip(corruption(pixels, rng), 0, 1)
        result[chosen] = np.round(spoilt * 255).astype(np.uint8).transpose(0, 3, 1, 2)
    return result
