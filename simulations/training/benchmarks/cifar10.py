"""CIFAR-10 with few training images: class, quadrant, texture, corruption, rotation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks import corruptions, texture
from simulations.training.benchmarks.base import SPLITS, Found, Loaded, Role
from simulations.training.benchmarks.corruptions import CORRUPTIONS, corrupt
from simulations.training.benchmarks.derived import Arrays, derived, source_of
from simulations.training.benchmarks.remote import RemoteFile
from simulations.training.benchmarks.texture import gabor_features, k_means, nearest
from simulations.training.datasets.base import Provenance
from simulations.training.formats.cifar_binary import CIFAR_CLASSES, read_cifar_binary
from simulations.training.formats.cifar_pickle import read_cifar_pickle
from simulations.training.formats.problem import bad_file
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import BenchmarkTask, Samples, Split

__all__ = ["CIFAR10", "Cifar10"]

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]

_PYTHON, _BINARY = "cifar-10-batches-py", "cifar-10-batches-bin"
_WHERE = (
    "'songoku data fetch cifar10', or https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz "
    "unpacked under the data root"
)
# Of the Python version's files, as every loader of CIFAR-10 checks them.
_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
# The binary version's publisher gives a checksum of the archive only; so its files are known by
# their sizes, their first ten labels and the first pixel.
_FULL_BYTES = 30_730_000
_FIRST_LABELS = {
    "data_batch_1": [6, 9, 9, 4, 1, 1, 2, 7, 8, 3],
    "test_batch": [3, 8, 8, 0, 6, 6, 1, 6, 3, 1],
}
_FIRST_PIXEL = {"data_batch_1": [59, 62, 63], "test_batch": [158, 112, 49]}
_SOURCES = (source_of(__file__), corruptions.SOURCE, texture.SOURCE)
_TEXTURES = 8
_SHARED_IMAGES = 0.05


@dataclass(frozen=True, slots=True)
class Cifar10:
    """CIFAR-10 from its Python or its binary version.

    ============  ========  =====================================================================
    class         main      Which of ten classes. Images as they are.
    quadrant      positive  In which quadrant the image stands, sharp and at half its size, on a
                            strongly blurred copy of itself.
    texture       positive  Which of 8 clusters the Gabor responses fall into (k-means on the
                            training images). Images as they are.
    corruption    negative  Which of ImageNet-C's 15 corruptions spoilt the image.
    rotation      negative  By how many quarter turns the image was turned.
    ============  ========  =====================================================================

    The input is ``image``, (3, 32, 32), in standard deviations of the training images. ``class``
    and ``texture`` share the view "upright"; each other task has its own.

    Parameters
    ----------
    train_per_class : int
        The paper's 250; drawn anew for each seed.
    validation_per_class : int
        From the training images that were not drawn; the paper does not speak of validation.
    test_per_class : int or None
        None takes all.

    Source
    ------
    SON-GOKU paper, appendix J.2 and Table 3.

    Differs from
    ------------
    The paper does not say how it finds the quadrant of "the primary object" (CIFAR's objects fill
    the image), nor corruption strengths; both are set here. Each image has one corruption and one
    rotation, drawn once, in equal numbers, so that every task has the same 2,500 images.
    """

    train_per_class: int = 250
    validation_per_class: int = 100
    test_per_class: int | None = None
    name: str = "cifar10"
    title: str = "CIFAR-10"
    doc: str = "32 x 32 photographs of ten classes, 2,500 of them for training"

    def __post_init__(self) -> None:
        sizes = (self.train_per_class, self.validation_per_class, self.test_per_class or 1)
        if min(sizes) < 1:
            raise InvalidInputError(f"expected at least 1 image of each class; found {sizes}.")

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        return (
            RemoteFile(
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "cifar-10-binary.tar.gz",
                size=170_052_171,
                checksum="md5:c32a1d4ab5d03f1284b67883e8d87530",
                unpacks_to=_BINARY,
            ),
        )

    def look(self, root: Path) -> Found:
        for folder, ending in ((_PYTHON, ""), (_BINARY, ".bin")):
            here = root / folder
            train = [name for name in _MD5 if (here / (name + ending)).is_file()]
            if "test_batch" not in train or len(train) < 2:
                continue
            missing = tuple(f"{folder}/{n}{ending}" for n in _MD5 if n not in train)
            full = not missing and (
                ending == ""
                or all((here / (n + ending)).stat().st_size == _FULL_BYTES for n in _MD5)
            )
            if full:
                return Found(Provenance.EXACT, f"{folder}/, all six files")
            return Found(
                Provenance.NEAR, f"{folder}/, {len(train)} files", missing or
                (f"files of {_FULL_BYTES:,} bytes in {folder}",), _WHERE,
            )  # fmt: skip
        return Found(None, "nothing that would do", (f"{_PYTHON}/ or {_BINARY}/",), _WHERE)

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the files, draw the subset and make the tasks.

        `rng` draws, in this order: the subset, quadrants, k-means seeds, corruptions with their
        noise, rotations.
        """
        found = self.look(root)
        if found.provenance is None:
            raise bad_file(root, expected="CIFAR-10", found=found.what, todo=f"get it: {_WHERE}")
        train, test, paths, exact = _read_all(root)
        images, labels = self._draw(train, test, paths[0].parent, rng)
        notes = [
            f"{self.train_per_class} training images a class, from {len(train[1]):,}.",
            "Quadrant: the image at half its size in one quadrant of its own blurred copy.",
        ]
        if not exact:
            notes.append("Not the publisher's files byte for byte; the images are CIFAR-10's.")
        provenance = Provenance.EXACT if exact else Provenance.NEAR
        tasks = _tasks(images, labels, rng)
        shapes = {"image": images["train"].shape[1:]}
        return Loaded(self.name, provenance, tuple(notes), tasks, shapes, paths)

    def _draw(
        self, train: tuple[Pixels, Labels], test: tuple[Pixels, Labels], folder: Path,
        rng: np.random.Generator,
    ) -> tuple[dict[Split, Pixels], dict[Split, Labels]]:  # fmt: skip
        wanted = self.train_per_class + self.validation_per_class
        pool = _per_class(train[1], wanted, folder / "data_batch_*", rng)
        chosen = np.concatenate([members[: self.train_per_class] for members in pool])
        held = np.concatenate([members[self.train_per_class :] for members in pool])
        kept = np.arange(len(test[1]))
        if self.test_per_class is not None:
            drawn = _per_class(test[1], self.test_per_class, folder / "test_batch", rng)
            kept = np.concatenate(drawn)
        images: dict[Split, Pixels] = {
            "train": train[0][chosen], "validation": train[0][held], "test": test[0][kept]
        }  # fmt: skip
        labels: dict[Split, Labels] = {
            "train": train[1][chosen], "validation": train[1][held], "test": test[1][kept]
        }  # fmt: skip
        return images, labels


def _per_class(
    labels: Labels, number: int, where: Path, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    drawn = []
    for label in range(CIFAR_CLASSES):
        members = np.flatnonzero(labels == label)
        if len(members) < number:
            raise bad_file(
                where, expected=f"{number} images of class {label}", found=f"{len(members)}",
                todo="ask for fewer a class, or add the other batches",
            )  # fmt: skip
        drawn.append(rng.permutation(members)[:number])
    return drawn


def _read_all(
    root: Path,
) -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels], tuple[Path, ...], bool]:
    """Return training pool, test part, the files, and whether they are the publisher's."""
    python = (root / _PYTHON / "test_batch").is_file()
    folder, ending = (root / _PYTHON, "") if python else (root / _BINARY, ".bin")
    read: Callable[[Path], tuple[Pixels, Labels]] = (
        read_cifar_pickle if python else read_cifar_binary
    )
    paths = [path for name in _MD5 if (path := folder / (name + ending)).is_file()]
    parts = {path.name.removesuffix(".bin"): read(path) for path in paths}
    test = parts["test_batch"]
    counts = np.bincount(test[1], minlength=CIFAR_CLASSES)
    if len(set(counts.tolist())) > 1:
        raise bad_file(
            folder / f"test_batch{ending}", expected="as many test images of each class",
            found=f"{counts.tolist()} (a training batch under this name?)",
            todo="check which file is which, or unpack the archive again",
        )  # fmt: skip
    batches = {name: part for name, part in parts.items() if name != "test_batch"}
    seen: dict[bytes, str] = {}
    for name, (pixels, _) in batches.items():
        repeated = sum(image.tobytes() in seen for image in pixels)
        if repeated > _SHARED_IMAGES * len(pixels):
            raise bad_file(
                folder / f"{name}{ending}", expected="other images than in the batches before",
                found=f"{repeated} of {len(pixels)} again (one file under two names?)",
                todo="unpack the archive again",
            )  # fmt: skip
        seen |= {image.tobytes(): name for image in pixels}
    shared = sum(image.tobytes() in seen for image in test[0])
    if shared > _SHARED_IMAGES * len(test[0]):
        raise bad_file(
            folder / f"test_batch{ending}", expected="images that are not for training",
            found=f"{shared} of {len(test[0])} that are (swapped or copied files?)",
            todo="unpack the archive again",
        )  # fmt: skip
    pool = (
        np.concatenate([pixels for pixels, _ in batches.values()]),
        np.concatenate([labels for _, labels in batches.values()]),
    )
    if len(paths) < len(_MD5):
        exact = False
    elif python:
        exact = all(
            hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == _MD5[path.name]
            for path in paths
        )
    else:
        exact = all(path.stat().st_size == _FULL_BYTES for path in paths) and all(
            parts[name][1][:10].tolist() == first
            and parts[name][0][0, :, 0, 0].tolist() == _FIRST_PIXEL[name]
            for name, first in _FIRST_LABELS.items()
        )
    return pool, test, tuple(paths), exact


def _tasks(
    images: dict[Split, Pixels], labels: dict[Split, Labels], rng: np.random.Generator
) -> tuple[BenchmarkTask, ...]:
    import torch

    from simulations.training.benchmarks.base import Samples
    from simulations.training.benchmarks.kinds import classes

    found = derived(
        "cifar10", lambda rng: _derive(images, rng), rng,
        inputs={str(split): pixels for split, pixels in images.items()}, options={}, code=_SOURCES,
    )  # fmt: skip

    def of(what: str) -> dict[Split, NDArray[Any]]:
        return {split: found[f"{what}/{split}"] for split in SPLITS}

    where, placed, textures = of("quadrant"), of("placed"), of("texture")
    kinds, spoilt = of("corruption"), of("spoilt")
    turns = _equal_numbers(images, 4, rng)
    turned = {s: _turned(images[s], turns[s]) for s in SPLITS}

    train = images["train"].astype(np.float64)
    affine = {
        "image": (
            torch.tensor(train.mean(axis=(0, 2, 3)), dtype=torch.float32).reshape(3, 1, 1),
            torch.tensor(train.std(axis=(0, 2, 3)) + 1e-6, dtype=torch.float32).reshape(3, 1, 1),
        )
    }

    def samples(pixels: dict[Split, Pixels]) -> dict[Split, torch.Tensor]:
        return {s: torch.from_numpy(np.ascontiguousarray(pixels[s])) for s in SPLITS}

    def with_labels(
        pixels: dict[Split, torch.Tensor], answers: dict[Split, Labels]
    ) -> dict[Split, Samples]:
        return {
            s: Samples({"image": pixels[s]}, torch.from_numpy(answers[s]), affine) for s in SPLITS
        }

    upright = samples(images)
    return (
        classes("class", Role.MAIN, "which of ten classes", "upright",
                with_labels(upright, labels), CIFAR_CLASSES),
        classes("quadrant", Role.POSITIVE, "where the half-sized image stands", "placed",
                with_labels(samples(placed), where), 4),
        classes("texture", Role.POSITIVE, "which cluster of Gabor responses", "upright",
                with_labels(upright, textures), _TEXTURES),
        classes("corruption", Role.NEGATIVE, "which of 15 corruptions", "corrupted",
                with_labels(samples(spoilt), kinds), len(CORRUPTIONS)),
        classes("rotation", Role.NEGATIVE, "quarter turns of the image", "turned",
                with_labels(samples(turned), turns), 4),
    )  # fmt: skip


def _equal_numbers(
    images: dict[Split, Pixels], kinds: int, rng: np.random.Generator
) -> dict[Split, Labels]:
    return {s: rng.permutation(np.arange(len(images[s])) % kinds) for s in SPLITS}


def _derive(images: dict[Split, Pixels], rng: np.random.Generator) -> Arrays:
    """Return labels and images of the tasks whose making takes time, as ``what/split``."""
    where = _equal_numbers(images, 4, rng)
    features = {s: gabor_features(images[s]) for s in SPLITS}
    centre, spread = features["train"].mean(axis=0), features["train"].std(axis=0) + 1e-9
    scaled = {s: (features[s] - centre) / spread for s in SPLITS}
    centres = k_means(scaled["train"], _TEXTURES, rng)
    kinds = _equal_numbers(images, len(CORRUPTIONS), rng)
    parts: dict[str, Mapping[Split, NDArray[Any]]] = {
        "quadrant": where,
        "placed": {s: _in_quadrant(images[s], where[s]) for s in SPLITS},
        "texture": {s: nearest(scaled[s], centres) for s in SPLITS},
        "corruption": kinds,
        "spoilt": {s: corrupt(images[s], kinds[s], rng) for s in SPLITS},
    }
    return {f"{what}/{s}": values for what, of in parts.items() for s, values in of.items()}


def _in_quadrant(images: Pixels, quadrant: Labels) -> Pixels:
    """Put each image at half its size into a quadrant (0 1 above, 2 3 below) of its blurred copy.

    The copy shows colours but no shapes, so the canvas alone does not tell where the image is.
    """
    n, channels, side, _ = images.shape
    half = side // 2
    small = images.reshape(n, channels, half, 2, half, 2).mean(axis=(3, 5))
    # Blurred: means of 8 x 8 blocks.
    block = side // 4
    coarse = images.reshape(n, channels, 4, block, 4, block).mean(axis=(3, 5))
    canvas = coarse.repeat(block, axis=2).repeat(block, axis=3)
    for which in range(4):
        top, left = half * (which // 2), half * (which % 2)
        chosen = quadrant == which
        canvas[chosen, :, top : top + half, left : left + half] = small[chosen]
    result: Pixels = np.round(canvas).astype(np.uint8)
    return result


def _turned(images: Pixels, turns: Labels) -> Pixels:
    result = np.empty_like(images)
    for count in range(4):
        result[turns == count] = np.rot90(images[turns == count], count, (-2, -1))
    return result


CIFAR10 = Cifar10()
