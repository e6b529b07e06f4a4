"""NYUv2: what is where, how far, facing which way; and the colour of the light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks import rooms
from simulations.training.benchmarks.base import SPLITS, Found, Loaded, Role
from simulations.training.benchmarks.derived import derived, source_of
from simulations.training.benchmarks.remote import RemoteFile
from simulations.training.benchmarks.room_files import MARKER
from simulations.training.benchmarks.rooms import ROOM_CLASSES, render_rooms
from simulations.training.datasets.base import Provenance
from simulations.training.formats.nyu_folders import KINDS, Scenes, count_scenes, read_scenes
from simulations.training.formats.nyu_mat import MAT_FILES, read_nyu_mat, read_splits
from simulations.training.formats.problem import bad_file
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import BenchmarkTask, Samples, Split

__all__ = ["NYUV2", "NyuV2", "light_of"]

_SOURCES = (source_of(__file__), rooms.SOURCE)
_FOLDER = "nyuv2"
_OFFICIAL = {"train": 795, "val": 654}
_WHERE = (
    "the preprocessed archive of github.com/lorenmt/mtan unpacked to nyuv2/{train,val}/; or "
    "'songoku data fetch nyuv2' (2.8 GB)"
)
_META = "https://github.com/VainF/nyuv2-python-toolkit/raw/master/"
_COOLEST, _WARMEST = 10_000.0, 2_500.0  # kelvin


@dataclass(frozen=True, slots=True)
class NyuV2:
    """NYUv2 from its preprocessed folders or from the labelled .mat file; else rendered rooms.

    ============  ========  =====================================================================
    segmentation  main      Which of 14 classes each pixel is of: 13, and unlabelled as the 14th.
    depth         main      Metres, where the sensor measured.
    normals       main      Unit vectors in the camera's axes, where known.
    temperature   negative  The colour temperature of a light that the whole image was dyed with.
    ============  ========  =====================================================================

    The input is ``image``, (3, h, w), in standard deviations of the training images. The first
    three share the view "upright"; ``temperature`` has the dyed images.

    Parameters
    ----------
    train_images : int
        The paper's 250; drawn anew for each seed.
    validation_images : int
        From the training images that were not drawn.
    test_images : int or None
        None takes all that there are.
    size : tuple of int
        Height and width; the paper names none. The preprocessed files have 288 x 384.

    Source
    ------
    SON-GOKU paper, appendix J.1 and Table 3.

    Differs from
    ------------
    The paper does not say which 14 classes, at which size, or what "global colour temperature
    properties" are. Here: the usual 13 and unlabelled; pixels are multiplied by the colour of a
    black body of 2,500 to 10,000 K, and the label is its reciprocal temperature.
    """

    train_images: int = 250
    validation_images: int = 50
    test_images: int | None = None
    size: tuple[int, int] = (144, 192)
    name: str = "nyuv2"
    title: str = "NYUv2"
    doc: str = "indoor views: classes, depth and normals of each pixel"

    def __post_init__(self) -> None:
        if min(self.train_images, self.validation_images, self.test_images or 1, *self.size) < 1:
            raise InvalidInputError("numbers of images and sides should be at least 1.")

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        base = "http://horatio.cs.nyu.edu/mit/silberman/"
        return (
            RemoteFile(
                base + "nyu_depth_v2/nyu_depth_v2_labeled.mat",
                f"{_FOLDER}/nyu_depth_v2_labeled.mat",
                size=2_972_037_809,
            ),
            RemoteFile(base + "indoor_seg_sup/splits.mat", f"{_FOLDER}/splits.mat", size=2_626),
            RemoteFile(_META + "classMapping40.mat", f"{_FOLDER}/classMapping40.mat"),
            RemoteFile(_META + "class13Mapping.mat", f"{_FOLDER}/class13Mapping.mat"),
        )

    def look(self, root: Path) -> Found:
        folder = root / _FOLDER
        counts = {
            part: sum(1 for _ in (folder / part / "image").glob("*.npy")) for part in _OFFICIAL
        }
        if all(counts.values()):
            what = f"{_FOLDER}/, {counts['train']} + {counts['val']} preprocessed views"
            if (folder / MARKER).is_file():
                return Found(Provenance.SYNTH, f"{what}, rendered", ("NYUv2 itself",), _WHERE)
            if counts == _OFFICIAL:
                return Found(Provenance.EXACT, what)
            full = f"{_OFFICIAL['train']} + {_OFFICIAL['val']} views"
            return Found(Provenance.NEAR, what, (full,), _WHERE)
        missing = tuple(f"{_FOLDER}/{name}" for name in MAT_FILES if not (folder / name).is_file())
        if not missing:
            if (folder / MARKER).is_file():
                what = f"{_FOLDER}/{MAT_FILES[0]}, rendered"
                return Found(Provenance.SYNTH, what, ("NYUv2 itself",), _WHERE)
            return Found(Provenance.EXACT, f"{_FOLDER}/{MAT_FILES[0]}")
        return Found(
            Provenance.SYNTH, "nothing; rooms are rendered in its place when loaded",
            ("NYUv2 itself", *(missing if len(missing) < len(MAT_FILES) else ())), _WHERE,
            on_disk=False,
        )  # fmt: skip

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the files (or render rooms) and make the tasks.

        `rng` draws, in this order: rooms where there are no files, the subset, temperatures.
        """
        found = self.look(root)
        folder = root / _FOLDER
        provenance = found.provenance or Provenance.SYNTH
        notes = [
            f"{self.size[0]} x {self.size[1]} pixels; unlabelled counts as the 14th class.",
            "Temperature: images multiplied by a black body's colour, 2,500 to 10,000 K.",
        ]
        files: tuple[Path, ...] = ()
        if all((folder / part / "image").is_dir() for part in _OFFICIAL):
            parts, files = self._from_folders(folder, rng), (folder / "train", folder / "val")
        elif all((folder / name).is_file() for name in MAT_FILES):
            parts, files = self._from_mat(folder, rng), tuple(folder / n for n in MAT_FILES)
            notes.append("Normals are computed from the depth; the .mat file has none.")
        else:
            parts = self._rendered(rng)
            notes.append("There are no files: rooms were rendered.")
        if provenance is Provenance.SYNTH:
            notes.append("SYNTH: rendered rooms of boxes, no photographs.")
        shapes = {"image": (3, *self.size)}
        tasks = _tasks(parts, rng)
        return Loaded(self.name, provenance, tuple(notes), tasks, shapes, files)

    def _choose(
        self, where: Path, train: int, test: int, rng: np.random.Generator
    ) -> dict[Split, NDArray[np.int64]]:
        wanted = self.train_images + self.validation_images
        if train < wanted or test < (self.test_images or 1):
            raise bad_file(
                where, expected=f"{wanted} views to train and validate with, "
                f"{self.test_images or 1} to test with", found=f"{train} and {test}",
                todo="ask for fewer, or give the whole data set",
            )  # fmt: skip
        order = rng.permutation(train)
        tested = np.arange(test)
        if self.test_images is not None:
            tested = np.sort(rng.permutation(test)[: self.test_images])
        return {
            "train": order[: self.train_images],
            "validation": order[self.train_images : wanted],
            "test": tested,
        }

    def _from_folders(self, folder: Path, rng: np.random.Generator) -> dict[Split, Scenes]:
        train, test = count_scenes(folder / "train"), count_scenes(folder / "val")
        chosen = self._choose(folder, train, test, rng)
        part = {"train": "train", "validation": "train", "test": "val"}
        return {s: read_scenes(folder / part[s], chosen[s], self.size) for s in SPLITS}

    def _from_mat(self, folder: Path, rng: np.random.Generator) -> dict[Split, Scenes]:
        train, test = read_splits(folder / "splits.mat")
        chosen = self._choose(folder, len(train), len(test), rng)
        numbers = {
            "train": train[chosen["train"]], "validation": train[chosen["validation"]],
            "test": test[chosen["test"]],
        }  # fmt: skip
        return {s: read_nyu_mat(folder, numbers[s], self.size) for s in SPLITS}

    def _rendered(self, rng: np.random.Generator) -> dict[Split, Scenes]:
        numbers = dict(
            zip(
                SPLITS,
                (self.train_images, self.validation_images, self.test_images or 100),
                strict=True,
            )
        )

        def render(rng: np.random.Generator) -> dict[str, NDArray[Any]]:
            views = {split: render_rooms(n, self.size, rng) for split, n in numbers.items()}
            return {f"{k}/{s}": getattr(scenes, k) for s, scenes in views.items() for k in KINDS}

        found = derived(
            "nyuv2", render, rng, inputs={}, code=_SOURCES,
            options={"size": self.size, **{str(s): n for s, n in numbers.items()}},
        )  # fmt: skip
        return {s: Scenes(*(found[f"{kind}/{s}"] for kind in KINDS)) for s in SPLITS}


def light_of(kelvin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the colour of a black body, (n, 3), relative to 6,500 K, with green 1.

    Source
    ------
    Planck's law at 610, 550 and 465 nm.

    Examples
    --------
    >>> light_of(np.array([2500.0, 6500.0, 10000.0])).round(1).tolist()
    [[1.9, 1.0, 0.3], [1.0, 1.0, 1.0], [0.9, 1.0, 1.3]]
    """
    second = 0.01438777  # the second radiation constant, metre kelvin
    metres = np.array([610e-9, 550e-9, 465e-9])

    def radiance(temperature: NDArray[np.float64]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = 1 / np.expm1(second / (metres * temperature[:, None]))
        return result

    colour = radiance(kelvin) / radiance(np.array([6500.0]))
    balanced: NDArray[np.float64] = colour / colour[:, 1:2]
    return balanced


def _tasks(parts: dict[Split, Scenes], rng: np.random.Generator) -> tuple[BenchmarkTask, ...]:
    import torch

    from simulations.training.benchmarks.base import Samples
    from simulations.training.benchmarks.kinds import values
    from simulations.training.benchmarks.pixel_kinds import depth_map, normals_map, pixel_classes

    train = parts["train"].image
    affine = {
        "image": (
            torch.tensor(train.mean(axis=(0, 2, 3)), dtype=torch.float32).reshape(3, 1, 1),
            torch.tensor(train.std(axis=(0, 2, 3)) + 1e-6, dtype=torch.float32).reshape(3, 1, 1),
        )
    }
    images = {s: torch.from_numpy(parts[s].image) for s in SPLITS}

    def upright(labels: dict[Split, torch.Tensor]) -> dict[Split, Samples]:
        return {s: Samples({"image": images[s]}, labels[s], affine) for s in SPLITS}

    dyed, warmth = {}, {}
    middle = (1e6 / _COOLEST + 1e6 / _WARMEST) / 2
    spread = (1e6 / _WARMEST - 1e6 / _COOLEST) / np.sqrt(12)  # of a uniform draw
    for split in SPLITS:
        pixels = parts[split].image
        # Uniform in reciprocal temperature, in which equal steps look alike.
        mired = rng.uniform(1e6 / _COOLEST, 1e6 / _WARMEST, len(pixels))
        gain = light_of(1e6 / mired)[:, :, None, None]
        gain /= gain.max(axis=1, keepdims=True)  # so that no pixel is clipped
        dyed[split] = torch.from_numpy(np.round(pixels * gain).astype(np.uint8))
        warmth[split] = torch.tensor((mired - middle) / spread, dtype=torch.float32)[:, None]
    return (
        pixel_classes("segmentation", Role.MAIN, "14 classes", "upright",
                      upright({s: torch.from_numpy(parts[s].label).long() for s in SPLITS}),
                      len(ROOM_CLASSES)),
        depth_map("depth", Role.MAIN, "metres", "upright",
                  upright({s: torch.from_numpy(parts[s].depth) for s in SPLITS})),
        normals_map("normals", Role.MAIN, "unit vectors", "upright",
                    upright({s: torch.from_numpy(parts[s].normal) for s in SPLITS})),
        values("temperature", Role.NEGATIVE, "reciprocal colour temperature of the light", "dyed",
               {s: Samples({"image": dyed[s]}, warmth[s], affine) for s in SPLITS},
               "standard deviations"),
    )  # fmt: skip


NYUV2 = NyuV2()
