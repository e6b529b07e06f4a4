"""CelebA: nine attributes of faces, yes or no, as PTG and TAG choose them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks.base import SPLITS, Found, Loaded, Role
from simulations.training.datasets.base import Provenance
from simulations.training.formats.celeba_txt import Faces, read_faces
from simulations.training.formats.pictures import read_picture
from simulations.training.formats.problem import bad_file
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import Split
    from simulations.training.benchmarks.remote import RemoteFile

__all__ = ["ATTRIBUTES", "CELEBA", "CelebA"]

ATTRIBUTES = (
    "5_o_Clock_Shadow", "Black_Hair", "Blond_Hair", "Brown_Hair", "Goatee", "Mustache",
    "No_Beard", "Rosy_Cheeks", "Wearing_Hat",
)  # fmt: skip
_FOLDER, _IMAGES = "celeba", "img_align_celeba"
_LISTS = ("list_attr_celeba.txt", "list_eval_partition.txt")
_INSIDE = ("", "Anno", "Eval", "Img")  # as the publisher's folders have them
_SHAPE = (218, 178)
_SIZES = {"train": 162_770, "validation": 19_867, "test": 19_962}
# As torchvision checks them; the publisher gives none.
_MD5 = {
    _LISTS[0]: "75e246fa4810816ffd6ee81facbd244c",
    _LISTS[1]: "d32c9cbf5e040fd4025c592c306e6668",
}
_WHERE = (
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html: img_align_celeba.zip, unpacked, and the "
    f"lists {' and '.join(_LISTS)}, to {_FOLDER}/ (they are handed out through Google Drive, for "
    "research that is not commercial)"
)


@dataclass(frozen=True, slots=True)
class CelebA:
    """Nine attributes of a face, each a main task; all tasks share one view.

    The input is ``image``, (3, h, w), in standard deviations of the training images.

    Parameters
    ----------
    size : tuple of int
        Height and width that the aligned images of 218 x 178 are shrunk to.
    train_limit, validation_limit, test_limit : int or None
        Take so many of each part, drawn by the seed; None takes all.

    Source
    ------
    PTG paper, appendix C.1, after TAG (Fifty et al., 2021); the data set's own parts.

    Differs from
    ------------
    PTG gives no size of images; 64 x 64 is TAG's.
    """

    size: tuple[int, int] = (64, 64)
    train_limit: int | None = None
    validation_limit: int | None = None
    test_limit: int | None = None
    name: str = "celeba"
    title: str = "CelebA"
    doc: str = "faces in, nine attributes out"

    def __post_init__(self) -> None:
        limits = (self.train_limit, self.validation_limit, self.test_limit)
        if len(self.size) != 2 or min(*self.size, *(1 if x is None else x for x in limits)) < 1:
            raise InvalidInputError("sides and limits should be at least 1.")

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        return ()

    def look(self, root: Path) -> Found:
        folder = root / _FOLDER
        missing = [f"{_FOLDER}/{name}" for name in _LISTS if _find(folder, name) is None]
        images = _find(folder, _IMAGES)
        count = 0 if images is None else sum(1 for _ in images.glob("*.jpg"))
        if count == 0:
            missing.append(f"{_FOLDER}/{_IMAGES}/*.jpg")
        if missing:
            return Found(None, "nothing that would do", tuple(missing), _WHERE)
        whole = sum(_SIZES.values())
        if count == whole:
            return Found(Provenance.EXACT, f"{_FOLDER}/, {count:,} faces")
        lacking = (f"{_FOLDER}/: {whole:,} faces",)
        return Found(Provenance.NEAR, f"{_FOLDER}/, {count:,} faces", lacking, _WHERE)

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the lists and the images; `rng` draws which ones where there is a limit."""
        import torch

        from simulations.training.benchmarks.base import Samples
        from simulations.training.benchmarks.kinds import yes_or_no

        found = self.look(root)
        folder = root / _FOLDER
        attributes, partition = (_find(folder, name) for name in _LISTS)
        images = _find(folder, _IMAGES)
        if found.provenance is None or attributes is None or partition is None or images is None:
            raise bad_file(
                folder, expected="CelebA", found=f"no {', no '.join(found.missing)}",
                todo=f"get it: {_WHERE}",
            )  # fmt: skip
        faces = read_faces(attributes, partition, ATTRIBUTES)
        rows = self._choose(partition, faces, rng)
        provenance = found.provenance
        sizes = {s: int((faces.part == k).sum()) for k, s in enumerate(SPLITS)}
        if sizes != _SIZES:
            provenance = Provenance.NEAR
        else:
            _check_whole(attributes, partition)
        # All pictures are read here, so a bad one is an error before any training.
        pixels = {split: self._read(images, faces, rows[split]) for split in SPLITS}
        seen = pixels["train"]
        affine = {
            "image": (
                torch.tensor(seen.mean(axis=(0, 2, 3)), dtype=torch.float32).reshape(3, 1, 1),
                torch.tensor(seen.std(axis=(0, 2, 3)) + 1e-6, dtype=torch.float32).reshape(3, 1, 1),
            )
        }
        inputs = {s: {"image": torch.from_numpy(pixels[s])} for s in SPLITS}
        labels = {s: torch.from_numpy(faces.has[rows[s]]).float() for s in SPLITS}
        tasks = tuple(
            yes_or_no(
                name, Role.MAIN, f"whether a face is marked {name}", "faces",
                {s: Samples(inputs[s], labels[s][:, k : k + 1], affine) for s in SPLITS},
            )
            for k, name in enumerate(ATTRIBUTES)
        )  # fmt: skip
        notes = [f"Aligned faces of 218 x 178, shrunk to {self.size[0]} x {self.size[1]}."]
        if provenance is Provenance.NEAR:
            notes.append(f"{len(faces.files):,} of CelebA's {sum(_SIZES.values()):,} faces.")
        shapes = {"image": (3, *self.size)}
        files = (attributes, partition, images)
        return Loaded(self.name, provenance, tuple(notes), tasks, shapes, files)

    def _choose(
        self, partition: Path, faces: Faces, rng: np.random.Generator
    ) -> dict[Split, NDArray[np.int64]]:
        limits = (self.train_limit, self.validation_limit, self.test_limit)
        rows: dict[Split, NDArray[np.int64]] = {}
        for number, (split, limit) in enumerate(zip(SPLITS, limits, strict=True)):
            of = np.flatnonzero(faces.part == number)
            if len(of) < (limit or 1):
                raise bad_file(
                    partition, expected=f"{limit or 1} faces to {split} with (part {number})",
                    found=f"{len(of)}", todo="ask for fewer, or give the whole data set",
                )  # fmt: skip
            rows[split] = of if limit is None else np.sort(rng.choice(of, limit, replace=False))
        return rows

    def _read(self, folder: Path, faces: Faces, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        pixels = np.empty((len(rows), 3, *self.size), dtype=np.uint8)
        for place, row in enumerate(rows):
            picture = read_picture(
                folder / faces.files[row], "colour", "JPEG", shape=_SHAPE, size=self.size,
                smooth=True, todo="unpack img_align_celeba.zip again",
            )  # fmt: skip
            pixels[place] = picture.transpose(2, 0, 1)
        return pixels


def _check_whole(*lists: Path) -> None:
    """Refuse a list of all faces that is not the published one."""
    for path in lists:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        if digest != _MD5[path.name]:
            raise bad_file(
                path, expected=f"md5 {_MD5[path.name]}", found=f"{digest} (edited?)",
                todo=f"get it again: {_WHERE}",
            )  # fmt: skip


def _find(folder: Path, name: str) -> Path | None:
    """Return a list or the folder of images, in the folder or in one of the publisher's."""
    places = (folder / inside / name for inside in _INSIDE)
    return next((place for place in places if place.exists()), None)


CELEBA = CelebA()
