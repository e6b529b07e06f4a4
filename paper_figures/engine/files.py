"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from songoku_theory.errors import InvalidInputError

__all__ = ["make_folder", "write_whole"]


def make_folder(path: Path) -> None:
    """Create a folder with its parents; one that is there already is fine.

    Raises
    ------
    InvalidInputError
        If it can't be made, e.g. because a file has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"the folder {path} can't be made: {error.strerror or error}. Name another with --out."
        ) from error


def write_whole(path: Path, content: bytes | str) -> None:
    """Put `content` at `path` in one move, so that a failure leaves what was there before.

    Raises
    ------
    InvalidInputError
        If the disk is full or the folder can't be written.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    partial: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        partial = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        if partial is not None:
            partial.unlink(missing_ok=True)
        raise InvalidInputError(
            f"{path} can't be written: {error.strerror or error}. What was there is unchanged; "
            "free some space or name another folder with --out."
        ) from error


def _umask() -> int:
    mask = os.umask(0)  # the only way to read it is to set it
    os.umask(mask)
    return mask
