"""Yeast genes: expression and phylogeny in, each of fourteen functional classes a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulations.training.benchmarks.base import SPLITS, Found, Loaded, Role
from simulations.training.benchmarks.packaged import packaged_file
from simulations.training.datasets.base import Provenance
from simulations.training.formats.problem import bad_file
from simulations.training.formats.yeast_csv import YEAST_CLASSES, YEAST_FEATURES, read_yeast

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import Split
    from simulations.training.benchmarks.remote import RemoteFile

__all__ = ["YEAST", "Yeast"]

_FILE = "yeast/yeast.csv.gz"
_PACKAGED = ("river", "datasets/yeast.csv.gz")
# Genes that have each class, of 2,417: known counts tell a whole file from an edited one.
_HAVE = (762, 1038, 983, 862, 722, 597, 428, 480, 178, 253, 289, 1816, 1799, 34)
_GENES = 2417
_TRAIN, _VALIDATION = 0.6, 0.2
_WHERE = f"'pip install --no-deps river', or put river's yeast.csv.gz at {_FILE}"


@dataclass(frozen=True, slots=True)
class Yeast:
    """Which of 14 functional classes a yeast gene has: 14 main tasks, yes or no, of one view.

    A gene has 4.2 classes on average, so the tasks are related and compete. The input is
    ``gene``, (103,), in standard deviations of the training part. Each seed draws its own split
    6:2:2.

    Source
    ------
    Elisseeff and Weston, "A kernel method for multi-labelled classification", NeurIPS 2001; the
    table of MULAN, as the package river ships it. Neither paper uses it: it is this project's own
    benchmark, for grouping tasks where no images are at hand.
    """

    name: str = "yeast"
    title: str = "Yeast"
    doc: str = "genes: micro-array expression and phylogeny in, 14 functional classes out"

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        return ()

    def look(self, root: Path) -> Found:
        path = _path(root)
        if path is None:
            return Found(None, "nothing that would do", (_FILE,), _WHERE)
        inside = "" if path == root / _FILE else f" of the package {_PACKAGED[0]}"
        return Found(Provenance.EXACT, f"{path.name}{inside}")

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the file and make the tasks; `rng` draws the split."""
        import torch

        from simulations.training.benchmarks.base import Samples
        from simulations.training.benchmarks.kinds import yes_or_no

        path = _path(root)
        if path is None:
            raise bad_file(
                root / _FILE, expected="a table of genes", found="no such file",
                todo=f"get it: {_WHERE}",
            )  # fmt: skip
        features, has = read_yeast(path)
        found = tuple(has.sum(axis=0).astype(int).tolist())
        if len(features) != _GENES or found != _HAVE:
            raise bad_file(
                path, expected=f"{_GENES:,} genes, of which {_HAVE} have each class",
                found=f"{len(features):,} and {found} (truncated, or edited?)",
                todo=f"get it again: {_WHERE}",
            )  # fmt: skip
        order = rng.permutation(_GENES)
        cuts = [round(_TRAIN * _GENES), round((_TRAIN + _VALIDATION) * _GENES)]
        rows: dict[Split, np.ndarray[tuple[int], np.dtype[np.int64]]] = dict(
            zip(SPLITS, np.split(order, cuts), strict=True)
        )
        seen = features[rows["train"]]
        affine = {
            "gene": (
                torch.from_numpy(seen.mean(axis=0)),
                torch.from_numpy(np.maximum(seen.std(axis=0), np.float32(1e-6))),
            )
        }
        inputs = {s: {"gene": torch.from_numpy(features[rows[s]])} for s in SPLITS}
        labels = {s: torch.from_numpy(has[rows[s]]) for s in SPLITS}
        tasks = tuple(
            yes_or_no(
                f"class_{k + 1}", Role.MAIN, f"whether a gene has functional class {k + 1}",
                "genes", {s: Samples(inputs[s], labels[s][:, k : k + 1], affine) for s in SPLITS},
            )
            for k in range(YEAST_CLASSES)
        )  # fmt: skip
        notes = (
            "Neither paper's benchmark: this project's own.",
            f"{_GENES:,} genes, split at random by the seed: "
            f"{', '.join(f'{len(rows[s]):,}' for s in SPLITS)}. MULAN's own split is not kept by "
            "the file.",
        )
        return Loaded(
            self.name, Provenance.EXACT, notes, tasks, {"gene": (YEAST_FEATURES,)}, (path,)
        )


def _path(root: Path) -> Path | None:
    """Return the file under the root, else that of the package river."""
    here = root / _FILE
    return here if here.is_file() else packaged_file(*_PACKAGED)


YEAST = Yeast()
