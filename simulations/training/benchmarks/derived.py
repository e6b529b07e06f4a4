"""A cache on disk for what is computed from a benchmark's files: worth it, and never trusted.

An entry's name is a hash of everything that its content depends on: the arrays it is made from, the
options, the state of the generator that draws, the source of the code, the versions of numpy and
scipy. So nothing can be out of date; and a file that is not what was written is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import platform
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CACHE_VARIABLE", "Arrays", "cache_folder", "derived", "source_of"]

CACHE_VARIABLE = "SONGOKU_CACHE"
"""Names the cache folder; set to nothing it switches the cache off."""

Arrays = Mapping[str, NDArray[Any]]
Option = str | int | float | None | tuple[int, ...]

_FORMAT = "songoku derived 1"
_ENDING, _DRAFT = ".derived", ".draft"
_AT_MOST = 4 << 30  # bytes of all entries together; the ones not used for longest go first
_ABANDONED = 86_400.0  # seconds after which a draft belongs to nobody
_META = "songoku"  # of an entry's arrays, the one that says whose they are

_log = logging.getLogger("songoku")
_told: set[str] = set()


def cache_folder() -> Path | None:
    """Return where entries are kept, or None when they are not.

    ``SONGOKU_CACHE`` if it is set (None when empty), else ``songoku`` in ``XDG_CACHE_HOME``, else
    in ``~/.cache``.
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named is not None:
        return Path(named).expanduser() / "derived" if named.strip() else None
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # The standard: a relative path there is to be ignored.
        home = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # nobody's home
        return None
    return home / "songoku" / "derived"


def source_of(file: str) -> str:
    """Return the digest of a module's source, or "" when there is none to read.

    Call it while the module is imported: its file may be edited while the process goes on with
    what it has loaded.

    Parameters
    ----------
    file : str
        The module's ``__file__``.
    """
    try:
        return _digest(Path(file).read_bytes())
    except OSError:
        return ""


def derived(
    name: str, make: Callable[[np.random.Generator], Arrays], rng: np.random.Generator, *,
    inputs: Arrays, options: Mapping[str, Option], code: Sequence[str],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """Return what ``make(rng)`` returns: from the cache if it is there, else computed and kept.

    `rng` is left as `make` would leave it, so that what is drawn later is the same either way.

    Parameters
    ----------
    name : str
        Of the benchmark, for the file's name.
    make : callable
        Draws from the generator that it is given (without spawning others) and depends on nothing
        but `inputs` and `options`. Returns arrays without Python objects.
    rng : numpy.random.Generator
    inputs : mapping from name to array
        What it is made from; hashed, so other files give another entry.
    options : mapping from name to value
        Whatever else it depends on.
    code : sequence of str
        What `source_of` said of each module that computes.

    Returns
    -------
    dict
        Arrays that may be written to.

    Notes
    -----
    A folder that can't be written or a full disk means no cache, and one line about it in the log
    of a process. An entry carries a checksum of all its bytes; one that is cut off, altered or
    misnamed is announced and made again. Entries are read without pickle.
    """
    folder = cache_folder()
    key = None if folder is None else _key(name, rng, inputs, options, code)
    if folder is None or key is None:
        return dict(make(rng))
    path = folder / f"{name}-{key[:40]}{_ENDING}"
    found = _read(path, key)
    if found is None:
        made = dict(make(rng))
        _write(path, key, made, rng)
        return made
    arrays, state = found
    rng.bit_generator.state = state
    return arrays


def _key(
    name: str, rng: np.random.Generator, inputs: Arrays, options: Mapping[str, Option],
    code: Sequence[str],
) -> str | None:  # fmt: skip
    """Return the hash of all that the entry depends on; None when that can't be said."""
    import scipy

    if not all(code):
        return None
    try:
        recipe = json.dumps(
            {
                "format": _FORMAT,
                "name": name,
                "options": dict(options),
                "inputs": {
                    key: [str(values.dtype), values.shape, _digest(values)]
                    for key, values in inputs.items()
                },
                "state": rng.bit_generator.state,
                "source": list(code),
                "versions": [np.__version__, scipy.__version__, platform.machine()],
            },
            sort_keys=True,
        )
    except TypeError:  # a generator whose state is no JSON
        return None
    return _digest(recipe)


def _digest(content: str | bytes | NDArray[Any]) -> str:
    if isinstance(content, str):
        return hashlib.sha256(content.encode()).hexdigest()
    if isinstance(content, np.ndarray):
        flat = np.ascontiguousarray(content).reshape(-1)
        return hashlib.sha256(flat.view(np.uint8).data).hexdigest()
    return hashlib.sha256(content).hexdigest()


def _read(path: Path, key: str) -> tuple[dict[str, NDArray[Any]], Mapping[str, Any]] | None:
    """Return the arrays and the generator's state after they were made."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _tell_once("read", f"derived inputs can't be read, so they are computed: {error}")
        return None
    checksum, _, content = whole.partition(b"\n")
    # Before anything looks into it: a damaged header might ask for any amount of memory.
    if checksum != _digest(content).encode():
        _log.warning("%s is damaged or cut off; it is made again.", path)
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        meta = json.loads(arrays.pop(_META).tobytes())
        table = {n: [str(a.dtype), list(a.shape)] for n, a in arrays.items()}
        if meta["key"] != key or meta["arrays"] != table:
            _log.warning("%s holds something else than its name says; it is made again.", path)
            return None
        state: Mapping[str, Any] = meta["state"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        _log.warning("%s is not an entry of this cache; it is made again.", path)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used last now
    return arrays, state


def _write(path: Path, key: str, arrays: Arrays, rng: np.random.Generator) -> None:
    """Put an entry in its place, all at once; what can't be written is not kept."""
    table = {name: [str(values.dtype), values.shape] for name, values in arrays.items()}
    meta = {"key": key, "arrays": table, "state": rng.bit_generator.state}
    held = {**arrays, _META: np.frombuffer(json.dumps(meta).encode(), np.uint8)}
    if any(values.dtype.hasobject for values in held.values()):
        raise TypeError(f"an entry of the cache should hold plain arrays only; found {table}.")
    buffer = io.BytesIO()
    np.savez(buffer, **held)  # type: ignore[arg-type]  # names are no option's
    content = buffer.getbuffer()
    checksum = hashlib.sha256(content).hexdigest().encode()
    draft: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, suffix=_DRAFT, delete=False) as file:
            draft = Path(file.name)
            file.write(checksum + b"\n")
            file.write(content)
        draft.replace(path)
        _trim(path.parent, path)
    except OSError as error:
        if draft is not None:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
        _tell_once(
            "write",
            f"derived inputs are not kept, so they are computed each time: {error}. Name another "
            f"folder in {CACHE_VARIABLE}, or set it to nothing.",
        )


def _trim(folder: Path, newest: Path) -> None:
    """Delete what was not used for longest until the rest is small enough, and old drafts."""
    entries = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another process may be as tidy as this one
            stat = path.stat()
            if path.suffix == _DRAFT and time.time() - stat.st_mtime > _ABANDONED:
                path.unlink()
            elif path.suffix == _ENDING:
                entries.append((stat.st_mtime, stat.st_size, path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= _AT_MOST:
            return
        if path != newest:
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size


def _tell_once(about: str, message: str) -> None:
    if about not in _told:
        _told.add(about)
        _log.warning("%s", message)
