"""Taskonomy: five questions about every pixel of a room, as PTG and TAG choose them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks.base import SPLITS, Found, Loaded, Role
from simulations.training.datasets.base import Provenance
from simulations.training.formats.problem import bad_file
from simulations.training.formats.taskonomy_folders import (
    TASKONOMY_CLASSES,
    Place,
    Views,
    buildings,
    places,
    read_parts,
    read_views,
)
from songoku_theory.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import BenchmarkTask, Samples, Split
    from simulations.training.benchmarks.remote import RemoteFile

__all__ = ["TASKONOMY", "Taskonomy"]

Partition = Literal["tiny", "medium", "full", "fullplus"]

_FOLDER = "taskonomy"
_DOMAINS = (
    "rgb", "segment_semantic", "depth_zbuffer", "normal", "keypoints2d", "edge_texture"
)  # fmt: skip
_PARTS: dict[Split, str] = {"train": "train", "validation": "val", "test": "test"}
_SHARES = (0.7, 0.85)  # of the buildings, where there is no list of parts
_WHERE = (
    "github.com/StanfordVL/taskonomy, data/README.md: omnitools.download with the domains "
    f"{' '.join(_DOMAINS)} to {_FOLDER}/, and splits_taskonomy.zip unpacked there"
)


@dataclass(frozen=True, slots=True)
class Taskonomy:
    """Five main tasks of one view: the paper's s, d, n, k and e.

    ============  ===========================================================================
    segmentation  Background or one of 16 things; uncertain pixels do not count.
    depth         Metres along the optical axis, up to 16.
    normals       Unit vectors, where there is a depth.
    keypoints     2D keypoints (SURF), a heat map; root mean squares of the training part.
    edges         Texture edges (Canny before thinning), a heat map; likewise.
    ============  ===========================================================================

    The input is ``image``, (3, h, w), in standard deviations of the training images.

    Parameters
    ----------
    partition : {"tiny", "medium", "full", "fullplus"}
        Which of the data set's lists of buildings says what trains and what tests.
    size : tuple of int
        Height and width; the files have 512 x 512.
    train_images, validation_images, test_images : int or None
        Views of each part, drawn by the seed from all of its buildings; None takes all, which for
        whole partitions is more than memory holds.

    Source
    ------
    PTG paper, appendix C.1, after TAG (Fifty et al., 2021) and Standley et al. (2020).

    Differs from
    ------------
    The papers judge by the change of each task's test loss; here tasks have NYUv2's metrics, and
    heat maps their mean absolute error.
    """

    partition: Partition = "tiny"
    size: tuple[int, int] = (128, 128)
    train_images: int | None = 5000
    validation_images: int | None = 500
    test_images: int | None = 1000
    name: str = "taskonomy"
    title: str = "Taskonomy"
    doc: str = "rooms: classes, depth, normals, keypoints and edges of each pixel"

    def __post_init__(self) -> None:
        if self.partition not in get_args(Partition):
            raise unknown_name("partition of Taskonomy", self.partition, get_args(Partition))
        limits = (self.train_images, self.validation_images, self.test_images)
        if len(self.size) != 2 or min(*self.size, *(1 if x is None else x for x in limits)) < 1:
            raise InvalidInputError("sides and numbers of images should be at least 1.")

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        return ()

    def look(self, root: Path) -> Found:
        folder = root / _FOLDER
        here = buildings(folder)
        missing = [f"{_FOLDER}/{name}/" for name in _DOMAINS if not (folder / name).is_dir()]
        if missing or not here:
            missing = missing or [f"{_FOLDER}/rgb/BUILDING/*.png"]
            return Found(None, "nothing that would do", tuple(missing), _WHERE)
        what = f"{_FOLDER}/, {len(here)} building{'s' * (len(here) > 1)}"
        listed = self._list(folder)
        if not listed.is_file():
            lacking = (f"{listed.relative_to(root).as_posix()}",)
            return Found(Provenance.NEAR, f"{what}, no list of parts", lacking, _WHERE)
        try:
            wanted = [name for names in read_parts(listed).values() for name in names]
        except InvalidInputError:  # loading says what is wrong with it
            lacking = (f"a whole {listed.name}",)
            return Found(Provenance.NEAR, f"{what}, a list that can't be read", lacking, _WHERE)
        absent = [name for name in wanted if name not in here]
        if absent:
            lacking = (f"{len(absent)} of the {len(wanted)} buildings of {self.partition}",)
            return Found(Provenance.NEAR, what, lacking, _WHERE)
        return Found(Provenance.EXACT, f"{what}, all of {self.partition}")

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the views and make the tasks.

        `rng` draws, in this order: the parts of buildings where there is no list, the views.
        """
        found = self.look(root)
        folder = root / _FOLDER
        if found.provenance is None:
            raise bad_file(
                folder, expected="Taskonomy", found=f"no {', no '.join(found.missing)}",
                todo=f"get it: {_WHERE}",
            )  # fmt: skip
        parts = self._parts(folder, rng)
        chosen = {split: self._choose(folder, split, parts[split], rng) for split in SPLITS}
        # All files are read here, so a bad one is an error before any training.
        views = {split: read_views(folder, chosen[split], self.size) for split in SPLITS}
        notes = [
            f"{self.size[0]} x {self.size[1]} pixels; "
            + ", ".join(f"{len(chosen[s]):,} views of {len(parts[s])} buildings" for s in SPLITS)
            + " to train, validate and test with.",
        ]
        if found.provenance is Provenance.NEAR:
            notes.append(f"Not all there is: {found.what}; without {'; '.join(found.missing)}.")
        shapes = {"image": (3, *self.size)}
        return Loaded(self.name, found.provenance, tuple(notes), _tasks(views), shapes, (folder,))

    def _list(self, folder: Path) -> Path:
        name = f"train_val_test_{self.partition}.csv"
        inside = folder / "splits_taskonomy" / name
        return inside if inside.is_file() or not (folder / name).is_file() else folder / name

    def _parts(self, folder: Path, rng: np.random.Generator) -> dict[Split, list[str]]:
        here = buildings(folder)
        listed = self._list(folder)
        if listed.is_file():
            found = read_parts(listed)
            parts = {s: [n for n in found[part] if n in here] for s, part in _PARTS.items()}
        else:
            names = [list(here)[number] for number in rng.permutation(len(here))]
            cuts = [max(1, round(share * len(names))) for share in _SHARES]
            cuts[0] = min(cuts[0], max(1, len(names) - 2))  # leave one each for the others
            cuts[1] = min(max(cuts[1], cuts[0] + 1), max(cuts[0] + 1, len(names) - 1))
            parts = {
                "train": names[: cuts[0]], "validation": names[cuts[0] : cuts[1]],
                "test": names[cuts[1] :],
            }  # fmt: skip
        for split, names in parts.items():
            if not names:
                raise bad_file(
                    folder, expected=f"a building to {split} with, and no building in two parts",
                    found=f"{len(here)} buildings, none of them for that",
                    todo="download more buildings",
                )  # fmt: skip
        return parts

    def _choose(
        self, folder: Path, split: Split, names: list[str], rng: np.random.Generator
    ) -> list[Place]:
        here = buildings(folder)
        found = [place for name in sorted(names) for place in places(name, here[name])]
        limit = getattr(self, f"{split}_images")
        if limit is None:
            return found
        if len(found) < limit:
            raise bad_file(
                folder, expected=f"{limit:,} views to {split} with", found=f"{len(found):,}",
                todo=f"ask for fewer ({split}_images), or download more buildings",
            )  # fmt: skip
        return [found[row] for row in np.sort(rng.choice(len(found), limit, replace=False))]


def _tasks(views: dict[Split, Views]) -> tuple[BenchmarkTask, ...]:
    import torch

    from simulations.training.benchmarks.base import Samples
    from simulations.training.benchmarks.pixel_kinds import (
        depth_map,
        heat_map,
        normals_map,
        pixel_classes,
    )

    train = views["train"]
    mean, spread = (
        torch.tensor(found, dtype=torch.float32).reshape(3, 1, 1)
        for found in (train.image.mean(axis=(0, 2, 3)), train.image.std(axis=(0, 2, 3)) + 1e-6)
    )
    affine = {"image": (mean, spread)}
    images = {s: torch.from_numpy(views[s].image) for s in SPLITS}

    def samples(of: Callable[[Views], NDArray[Any]]) -> dict[Split, Samples]:
        return {
            s: Samples({"image": images[s]}, torch.from_numpy(of(views[s])), affine) for s in SPLITS
        }

    # In root mean squares, so that the two heat maps weigh alike whatever their full scale is.
    sharp, edgy = (
        np.float32(max(float(np.sqrt((found.astype(np.float64) ** 2).mean())), 1e-6))
        for found in (train.keypoints, train.edges)
    )
    unit = "training root mean squares"
    return (
        pixel_classes("segmentation", Role.MAIN, f"{TASKONOMY_CLASSES} classes", "views",
                      samples(lambda x: x.label.astype(np.int64)), TASKONOMY_CLASSES),
        depth_map("depth", Role.MAIN, "metres", "views", samples(lambda x: x.depth)),
        normals_map("normals", Role.MAIN, "unit vectors", "views", samples(lambda x: x.normal)),
        heat_map("keypoints", Role.MAIN, "2D keypoints", "views",
                 samples(lambda x: x.keypoints / sharp), unit),
        heat_map("edges", Role.MAIN, "texture edges", "views",
                 samples(lambda x: x.edges / edgy), unit),
    )  # fmt: skip


TASKONOMY = Taskonomy()
