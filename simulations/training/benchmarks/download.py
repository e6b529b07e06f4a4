"""Downloading: resumed, checked, and in place only when complete."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from simulations.training.benchmarks.remote import RemoteFile
from songoku_theory.errors import SongokuError

__all__ = ["DownloadError", "Progress", "download"]

Progress = Callable[[int, int | None], None]
"""``progress(bytes so far, bytes in all or None)``."""

_CHUNK = 1 << 18
_TIMEOUT = 30.0  # seconds without a byte
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL_CONTENT = 206
# Not every OSError: a full disk is no lost connection.
_NETWORK_ERRORS = (URLError, TimeoutError, ConnectionError, SSLError, HTTPException)


class DownloadError(SongokuError):
    """A file could not be downloaded, or what arrived is not the file that was published."""


def download(remote: RemoteFile, root: Path, progress: Progress) -> bool:
    """Fetch one file to where it belongs under a data root.

    What has arrived stands in ``NAME.part`` beside the target, so a later call goes on where this
    one stopped. The target appears when it is complete and its checksum is right, or not at all.

    Parameters
    ----------
    remote : RemoteFile
    root : Path
        The data root; made when missing.
    progress : callable
        Called after each piece.

    Returns
    -------
    bool
        False when the target was there already, and nothing was done.

    Raises
    ------
    DownloadError
        When there is no connection, the server refuses, or size or checksum are wrong (what
        arrived is then deleted).
    """
    if (root / remote.target).exists():
        return False
    path = root / remote.path
    part = path.with_name(path.name + ".part")
    with _writable(root):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():  # an archive that is complete but was not unpacked stays
            try:
                _receive(remote, part, progress)
            except _NETWORK_ERRORS as error:
                raise _explained(remote, part, error) from error
            _verify(remote, part)
            part.replace(path)
        if remote.unpacks_to:
            _unpack(remote, path, root / remote.unpacks_to)
            path.unlink()
    return True


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Say in one line that the data root can't be written."""
    try:
        yield
    except OSError as error:
        raise DownloadError(
            f"can't write under the data root {root}: {error.strerror or error}. Give a folder "
            "that you may write to with --data-root or SONGOKU_DATA."
        ) from error


def _receive(remote: RemoteFile, part: Path, progress: Progress) -> None:
    done = part.stat().st_size if part.exists() else 0
    if remote.size is not None and done >= remote.size:
        return
    headers = {"User-Agent": "songoku"} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        response = urlopen(Request(remote.url, headers=headers), timeout=_TIMEOUT)
    except HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or not done:
            raise
        error.close()
        part.unlink()  # the publisher's file is another one by now: from the start
        _receive(remote, part, progress)
        return
    with response:
        if response.status != _PARTIAL_CONTENT:
            done = 0  # the server does not resume
        length = response.headers.get("Content-Length")
        total = remote.size or (done + int(length) if length else None)
        with part.open("ab" if done else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
    if total is not None and done < total:
        raise DownloadError(
            f"{remote.url}: the connection ended after {done:,} of {total:,} bytes. Run the same "
            "command again; it goes on from there."
        )


def _explained(remote: RemoteFile, part: Path, error: Exception) -> DownloadError:
    if isinstance(error, HTTPError):
        error.close()
        return DownloadError(
            f"{remote.url}: the server answered {error.code} {error.reason}. Look up the new "
            f"address, and put the file at {part.with_suffix('')}."
        )
    reason = error.reason if isinstance(error, URLError) else error
    return DownloadError(
        f"can't reach {remote.url} ({reason}). Without a connection, download it elsewhere and put "
        f"it at {part.with_suffix('')}; else run the same command again."
    )


def _verify(remote: RemoteFile, part: Path) -> None:
    found = part.stat().st_size
    if remote.size is not None and found != remote.size:
        part.unlink()
        raise DownloadError(
            f"{remote.url}: expected {remote.size:,} bytes, found {found:,}; it was deleted. Run "
            "the same command again; if that repeats, the publisher has changed the file."
        )
    if remote.checksum is None:
        return
    kind, _, expected = remote.checksum.partition(":")
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, kind).hexdigest()
    if digest != expected:
        part.unlink()
        raise DownloadError(
            f"{remote.url}: expected {kind} {expected}, found {digest}; it was deleted. Run the "
            "same command again; if that repeats, the publisher has changed the file."
        )


def _unpack(remote: RemoteFile, archive: Path, target: Path) -> None:
    """Write the archive's files to a folder beside the target, then put it in place at once.

    Only plain files are taken, and only below the archive's top folder: no links, no devices, no
    paths that lead out of it, whatever the archive says.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    wanted = PurePosixPath(remote.member).parts
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        count = 0
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                parts = PurePosixPath(member.name).parts[1:]
                if not member.isfile() or parts[: len(wanted)] != wanted or ".." in parts:
                    continue
                source = tar.extractfile(member)
                inside = parts[len(wanted) :]
                if source is None or not inside:
                    continue
                file = staging.joinpath(*inside)
                file.parent.mkdir(parents=True, exist_ok=True)
                with source, file.open("wb") as out:
                    shutil.copyfileobj(source, out)
                count += 1
        if count == 0:
            raise DownloadError(
                f"{remote.url}: the archive holds no files under {remote.member!r}; the publisher "
                "has changed it."
            )
        staging.chmod(0o755)
        os.replace(staging, target)
    except (tarfile.TarError, EOFError) as error:
        archive.unlink()
        raise DownloadError(
            f"{remote.url}: what arrived is no complete .tar.gz ({error}); it was deleted. Run the "
            "same command again."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
