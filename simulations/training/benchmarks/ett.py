"""PTG's time-series benchmark: seven series of a transformer, one task each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulations.training.benchmarks.base import Found, Loaded, Role
from simulations.training.benchmarks.remote import RemoteFile
from simulations.training.datasets.base import Provenance
from simulations.training.formats.ett_csv import ETT_SERIES, read_ett
from simulations.training.formats.problem import bad_file
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import Split

__all__ = ["ETT", "TransformerTemperature"]

_FOLDER = "ett"
_EXACT = "ETTm1.csv"
_NEAR = ("ETTh1.csv", "ETTh2.csv", "ETTm2.csv")
_ROWS = {"ETTm1.csv": 69_680, "ETTm2.csv": 69_680, "ETTh1.csv": 17_420, "ETTh2.csv": 17_420}
_BASE = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/"
_TRAIN, _VALIDATION = 0.6, 0.2


@dataclass(frozen=True, slots=True)
class TransformerTemperature:
    """ETTm1: from all seven series' past, each series' future; seven main tasks of one view.

    The input is ``series``, (7, history); a label is (horizon,). All are in standard deviations
    of the training part. 6:2:2 in order of time; a window belongs to the part that its future
    lies in, and may look back into the part before.

    Parameters
    ----------
    history, horizon : int
        Steps, >= 1; PTG leaves them to Autoformer, whose usual values are 96 and 96.

    Source
    ------
    PTG paper, appendix C.1.
    """

    history: int = 96
    horizon: int = 96
    name: str = "ett"
    title: str = "ETTm1"
    doc: str = "a transformer's six loads and oil temperature, seven forecasts"

    def __post_init__(self) -> None:
        if self.history < 1 or self.horizon < 1:
            raise InvalidInputError(
                f"history and horizon should be at least 1; found {self.history}, {self.horizon}."
            )

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        return (RemoteFile(_BASE + _EXACT, f"{_FOLDER}/{_EXACT}"),)

    def look(self, root: Path) -> Found:
        if (root / _FOLDER / _EXACT).is_file():
            return Found(Provenance.EXACT, f"{_FOLDER}/{_EXACT}")
        where = f"'songoku data fetch {self.name}', or {_BASE}{_EXACT}"
        missing = (f"{_FOLDER}/{_EXACT}",)
        for file in _NEAR:
            if (root / _FOLDER / file).is_file():
                what = f"{_FOLDER}/{file}, which stands in for {_EXACT}"
                return Found(Provenance.NEAR, what, missing, where)
        return Found(None, "nothing that would do", missing, where)

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the file and make the tasks; nothing here is left to chance."""
        import torch

        from simulations.training.benchmarks.base import Samples
        from simulations.training.benchmarks.kinds import series

        found = self.look(root)
        if found.provenance is None:
            raise bad_file(
                root / _FOLDER, expected=_EXACT, found=found.what, todo=f"get it: {found.where}"
            )
        path = next(p for name in (_EXACT, *_NEAR) if (p := root / _FOLDER / name).is_file())
        data = read_ett(path)
        rows = len(data.values)
        if rows != _ROWS[path.name]:
            raise bad_file(
                path, expected=f"{_ROWS[path.name]} rows", found=f"{rows} (truncated, or another "
                "file under this name?)", todo="download it again",
            )  # fmt: skip
        train, validation = round(_TRAIN * rows), round(_VALIDATION * rows)
        if min(train - self.history, validation, rows - train - validation) < self.horizon:
            raise InvalidInputError(
                f"{path}: {rows} rows are too few for a history of {self.history} and a horizon "
                f"of {self.horizon}. Choose shorter ones."
            )
        fitted = data.values[:train]
        standard = (data.values - fitted.mean(axis=0)) / fitted.std(axis=0)
        table = torch.tensor(standard.T, dtype=torch.float32)  # (7, rows)
        past = table.unfold(1, self.history, 1).permute(1, 0, 2)  # window i: rows i ..
        future = table.unfold(1, self.horizon, 1)

        def samples(series_index: int, first: int, last: int) -> Samples:
            """Windows whose future lies in rows first .. last - 1."""
            start, stop = first - self.history, last - self.horizon - self.history + 1
            labels = future[series_index, start + self.history : stop + self.history]
            return Samples({"series": past[start:stop]}, labels)

        parts: dict[Split, tuple[int, int]] = {
            "train": (self.history, train),
            "validation": (train, train + validation),
            "test": (train + validation, rows),
        }
        tasks = tuple(
            series(
                name, Role.MAIN, f"the next {self.horizon} steps of {name}", "windows",
                {split: samples(index, *part) for split, part in parts.items()},
                "training standard deviations",
            )
            for index, name in enumerate(ETT_SERIES)
        )  # fmt: skip
        notes = [f"{rows} rows, one every {data.step}; history {self.history}, horizon "
                 f"{self.horizon}."]  # fmt: skip
        if found.provenance is Provenance.NEAR:
            notes.append(f"{path.name} stands in for {_EXACT}: another rate or transformer.")
        shapes = {"series": (len(ETT_SERIES), self.history)}
        return Loaded(self.name, found.provenance, tuple(notes), tasks, shapes, (path,))


ETT = TransformerTemperature()
