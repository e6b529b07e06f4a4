"""What a benchmark offers: what was found on disk, and its tasks with their examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from simulations.training.benchmarks.remote import RemoteFile
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    from torch import Generator, Tensor

    from simulations.training.datasets.base import Provenance

__all__ = [
    "SPLITS",
    "Benchmark",
    "BenchmarkTask",
    "Found",
    "Head",
    "Loaded",
    "Metric",
    "Role",
    "Samples",
    "Split",
]

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class Role(StrEnum):
    """What the paper adds a task for (Table 3)."""

    MAIN = "main"
    POSITIVE = "positive"
    NEGATIVE = "negative"


class Head(StrEnum):
    """What kind of output a task asks of the network; `BenchmarkTask.num_outputs` says how many."""

    CLASS = "class"
    """One of several classes: outputs (n, classes), labels (n,) int64."""

    MANY_LABELS = "many labels"
    """Any number of labels: outputs (n, labels) logits, labels (n, labels) of 0 and 1."""

    VALUES = "values"
    """Real numbers: outputs and labels (n, values) float32."""

    SERIES = "series"
    """A future series: outputs and labels (n, steps) float32."""

    PIXEL_CLASS = "pixel class"
    """A class for each pixel: outputs (n, classes, h, w), labels (n, h, w) int64, -1 ignored."""

    PIXEL_VALUES = "pixel values"
    """Real numbers for each pixel: outputs and labels (n, values, h, w) float32."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a task is judged by.

    Attributes
    ----------
    name : str
        With its unit where it has one.
    higher_is_better : bool
    measure : callable
        ``measure(outputs, labels) -> float`` over a whole split.
    chance : float or None
        What it gives on the test split without looking at the input, where that is of interest; of
        a task's first metric it stands in `BenchmarkTask.chance`.
    """

    name: str
    higher_is_better: bool
    measure: Callable[[Tensor, Tensor], float]
    chance: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Inputs of one or more modalities, and labels, in the same order.

    Attributes
    ----------
    inputs : mapping of str to Tensor
        Modality name to ``(n, ...)``, as compact as the files have it (bytes stay bytes, windows
        of a series stay views of it).
    labels : Tensor, shape (n, ...)
    affine : mapping of str to (Tensor, Tensor)
        Modality name to what is subtracted from and then divided out of its float32 values when a
        batch is made; both broadcast over one example. Fitted on training examples only.

    Raises
    ------
    InvalidInputError
        When there is no example, or the lengths differ.
    """

    inputs: Mapping[str, Tensor]
    labels: Tensor
    affine: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = {name: len(values) for name, values in self.inputs.items()}
        if not found or len(self.labels) == 0 or set(found.values()) != {len(self.labels)}:
            raise InvalidInputError(
                "expected as many labels as inputs of each modality, and at least one; found "
                f"{len(self.labels)} labels and inputs {found}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, index: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Return the examples of these numbers, ready for a network.

        Parameters
        ----------
        index : Tensor of int64, shape (m,)

        Returns
        -------
        tuple
            Modality name to float32 ``(m, ...)``, and labels ``(m, ...)``.
        """
        batch: dict[str, Tensor] = {}
        for name, values in self.inputs.items():
            chosen = values[index].float()
            if name in self.affine:
                shift, scale = self.affine[name]
                chosen = (chosen - shift) / scale
            batch[name] = chosen
        return batch, self.labels[index]

    def batch(self, size: int, generator: Generator) -> tuple[dict[str, Tensor], Tensor]:
        """Draw a sub-batch, independently and with replacement (the B_k of eq. 7).

        Parameters
        ----------
        size : int
            >= 1.
        generator : torch.Generator
            Moves on by one draw of `size` indices.
        """
        import torch

        return self.at(torch.randint(len(self), (size,), generator=generator))


@dataclass(frozen=True, slots=True, eq=False)
class BenchmarkTask:
    """One task of a benchmark.

    Attributes
    ----------
    name : str
    role : Role
    doc : str
        What it asks for, and how it was made.
    view : str
        Tasks of one view share their inputs, example by example: one forward pass of the trunk
        serves them all.
    head : Head
    num_outputs : int
        Classes, labels or values.
    splits : mapping of Split to Samples
        All three; no example stands in two of them.
    loss : callable
        ``loss(outputs, labels) -> scalar Tensor``, the mean over a batch.
    metrics : tuple of Metric
        The first one is the one that the paper's table shows.
    chance : float
        What the first metric gives on the test split without looking at the input.
    """

    name: str
    role: Role
    doc: str
    view: str
    head: Head
    num_outputs: int
    splits: Mapping[Split, Samples]
    loss: Callable[[Tensor, Tensor], Tensor]
    metrics: tuple[Metric, ...]
    chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A benchmark read from disk.

    Attributes
    ----------
    name : str
    provenance : Provenance
        Stands beside every result made from it.
    notes : tuple of str
        How the data differs from the paper's, and which choices the paper leaves open; one
        sentence each.
    tasks : tuple of BenchmarkTask
    input_shapes : mapping of str to tuple of int
        Modality name to the shape of one example.
    files : tuple of Path
        What was read.
    """

    name: str
    provenance: Provenance
    notes: tuple[str, ...]
    tasks: tuple[BenchmarkTask, ...]
    input_shapes: Mapping[str, tuple[int, ...]]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a quick look under a data root found.

    Attributes
    ----------
    provenance : Provenance or None
        What results would carry; None when the benchmark can't be loaded.
    what : str
        One line.
    missing : tuple of str
        What would have to be added for EXACT data.
    where : str
        Where to get it.
    on_disk : bool
        False when there is nothing to read: loading would generate it all.
    """

    provenance: Provenance | None
    what: str
    missing: tuple[str, ...] = ()
    where: str = ""
    on_disk: bool = True


class Benchmark(Protocol):
    """A benchmark of the papers.

    Attributes
    ----------
    name : str
    title : str
        As the papers write it.
    doc : str
    remote : tuple of RemoteFile
        What ``songoku data fetch`` may download.
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def doc(self) -> str: ...

    @property
    def remote(self) -> tuple[RemoteFile, ...]: ...

    def look(self, root: Path) -> Found:
        """Say what is there, reading names and sizes only."""
        ...

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the files and make the tasks.

        Parameters
        ----------
        root : Path
            The data root.
        rng : numpy.random.Generator
            Draws the subset and whatever else the benchmark leaves to chance; nothing else may.

        Raises
        ------
        InvalidInputError
            When a file is missing or is not what it should be: says which, and where to get it.
        DependencyMissingError
            When a package is missing.
        """
        ...
