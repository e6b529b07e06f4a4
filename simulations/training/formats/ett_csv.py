"""The Electricity Transformer data set's CSV: seven series at equal steps of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["ETT_SERIES", "TransformerSeries", "read_ett"]

ETT_SERIES = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
_TODO = "download it again from https://github.com/zhouhaoyi/ETDataset"


@dataclass(frozen=True, slots=True, eq=False)
class TransformerSeries:
    """Six loads and the oil temperature.

    Attributes
    ----------
    values : array of float64, shape (n, 7)
        Columns in the order of `ETT_SERIES`.
    step : timedelta
        From one row to the next.
    """

    values: NDArray[np.float64]
    step: timedelta


def read_ett(path: Path) -> TransformerSeries:
    """Read ``ETT??.csv``.

    Raises
    ------
    InvalidInputError
        When the file is missing, has another header, a row of another length, a value that is no
        finite number, or times that are not equally spaced (a gap, or a time twice).
    """
    raw = read_bytes(path, what="transformer data", todo=_TODO)
    lines = raw.decode("utf-8", errors="replace").splitlines()
    header = ",".join(("date", *ETT_SERIES))
    if not lines or lines[0] != header:
        found = repr(lines[0][:80]) if lines else "an empty file"
        raise bad_file(path, expected=f"the header {header}", found=found, todo=_TODO)
    values = np.empty((len(lines) - 1, len(ETT_SERIES)))
    step: timedelta | None = None
    before: datetime | None = None
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split(",")
        try:
            time = datetime.fromisoformat(fields[0])
            row = [float(text) for text in fields[1:]]
        except ValueError:
            row = []
        if len(row) != len(ETT_SERIES) or not all(map(math.isfinite, row)):
            raise bad_file(
                path,
                expected=f"a time and {len(ETT_SERIES)} finite numbers in line {number}",
                found=repr(line[:80]),
                todo=_TODO,
            )
        values[number - 2] = row
        if before is not None:
            step = step or time - before
            if time - before != step or step <= timedelta(0):
                raise bad_file(
                    path,
                    expected=f"one row every {step}",
                    found=f"{before} and then {time} (line {number})",
                    todo=_TODO,
                )
        before = time
    if step is None:
        raise bad_file(path, expected="two rows or more", found=f"{len(values)}", todo=_TODO)
    return TransformerSeries(values, step)
