"""How a reader says that a file is not what it should be."""

from __future__ import annotations

from pathlib import Path

from songoku_theory.errors import InvalidInputError

__all__ = ["bad_file", "read_bytes"]


def bad_file(path: Path, *, expected: str, found: str, todo: str) -> InvalidInputError:
    """Build the error for a file that is not what it should be.

    Parameters
    ----------
    path : Path
        The file (or folder).
    expected, found : str
        What it should hold, and what it does.
    todo : str
        What the reader of the message should do next; a sentence without its full stop.

    Returns
    -------
    InvalidInputError
        To be raised by the caller, so that the traceback starts there.

    Examples
    --------
    >>> print(bad_file(Path("a.bin"), expected="3073 bytes", found="12", todo="download it again"))
    a.bin: expected 3073 bytes; found 12. To do: download it again.
    """
    return InvalidInputError(f"{path}: expected {expected}; found {found}. To do: {todo}.")


def read_bytes(path: Path, *, what: str, todo: str) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    InvalidInputError
        When there is no such file, or it can't be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise bad_file(path, expected=what, found="no such file", todo=todo) from None
    except OSError as error:
        raise bad_file(path, expected=what, found=str(error.strerror), todo=todo) from error
