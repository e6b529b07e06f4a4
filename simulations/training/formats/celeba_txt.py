"""CelebA's two lists: forty attributes of each face, and which part it belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["Faces", "read_faces"]

_ATTRIBUTES = 40
_NAME = re.compile(r"[0-9]{6}\.jpg")
_TODO = "get it again from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (Anno/ and Eval/)"


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """What the lists say.

    Attributes
    ----------
    files : tuple of str
        ``000001.jpg``, ...
    has : array of bool, shape (n, m)
        Which of the attributes that were asked for a face has.
    part : array of int8, shape (n,)
        0 to train, 1 to validate, 2 to test with.
    """

    files: tuple[str, ...]
    has: NDArray[np.bool_]
    part: NDArray[np.int8]


def read_faces(attributes: Path, partition: Path, wanted: Sequence[str]) -> Faces:
    """Read ``list_attr_celeba.txt`` and ``list_eval_partition.txt``.

    Parameters
    ----------
    attributes, partition : Path
    wanted : sequence of str
        Names of attributes.

    Raises
    ------
    InvalidInputError
        When a file is missing, truncated, is the other one, lacks an attribute, has a value that
        is neither -1 nor 1, a part that is not 0, 1 or 2, a face twice, or other faces than the
        other file.
    """
    lines = _lines(attributes, "attributes of faces")
    count, names = lines[0], lines[1] if len(lines) > 1 else []
    if len(count) != 1 or not count[0].isdecimal() or len(names) != _ATTRIBUTES:
        raise bad_file(
            attributes, expected=f"the number of faces, then {_ATTRIBUTES} names of attributes",
            found=f"{' '.join([*count, *names])[:60]!r}", todo=_TODO,
        )  # fmt: skip
    lacking = [name for name in wanted if name not in names]
    if lacking or len(set(names)) != _ATTRIBUTES:
        raise bad_file(
            attributes, expected="each of CelebA's attributes once",
            found=f"no {', '.join(lacking)}" if lacking else "one twice", todo=_TODO,
        )  # fmt: skip
    rows = lines[2:]
    if len(rows) != int(count[0]) or not rows:
        raise bad_file(
            attributes, expected=f"{int(count[0]):,} faces, as its first line says",
            found=f"{len(rows):,} (truncated?)", todo=_TODO,
        )  # fmt: skip
    columns = [1 + names.index(name) for name in wanted]
    has = np.empty((len(rows), len(columns)), dtype=np.bool_)
    for index, row in enumerate(rows):
        marks = row[1:]
        named = _NAME.fullmatch(row[0]) is not None
        if not named or len(marks) != _ATTRIBUTES or not set(marks) <= {"1", "-1"}:
            raise bad_file(
                attributes, expected=f"a name like 000001.jpg and {_ATTRIBUTES} values of -1 or 1 "
                f"in line {index + 3}", found=f"{' '.join(row)[:60]!r}", todo=_TODO,
            )  # fmt: skip
        has[index] = [row[column] == "1" for column in columns]
    files = tuple(row[0] for row in rows)
    return Faces(files, has, _parts(partition, files, attributes))


def _parts(path: Path, files: tuple[str, ...], attributes: Path) -> NDArray[np.int8]:
    parts: dict[str, int] = {}
    for number, row in enumerate(_lines(path, "parts of the data set"), start=1):
        if len(row) != 2 or row[1] not in ("0", "1", "2") or row[0] in parts:
            raise bad_file(
                path, expected=f"a new file and 0, 1 or 2 in line {number}",
                found=f"{' '.join(row)[:60]!r}", todo=_TODO,
            )  # fmt: skip
        parts[row[0]] = int(row[1])
    if len(set(files)) != len(files) or set(parts) != set(files):
        strangers = sorted(set(parts) ^ set(files))
        raise bad_file(
            path, expected=f"the {len(files):,} faces of {attributes.name}, each once",
            found=f"{len(parts):,}" + (f", {strangers[0]} in one alone" if strangers else ""),
            todo=_TODO,
        )  # fmt: skip
    return np.array([parts[file] for file in files], dtype=np.int8)


def _lines(path: Path, what: str) -> list[list[str]]:
    try:
        text = read_bytes(path, what=what, todo=_TODO).decode("ascii")
    except UnicodeDecodeError as error:
        raise bad_file(path, expected=f"a list of {what}", found=str(error), todo=_TODO) from error
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        raise bad_file(path, expected=f"a list of {what}", found="nothing", todo=_TODO)
    return lines
