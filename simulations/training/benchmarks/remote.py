"""A file that may be downloaded."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RemoteFile"]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at its publisher.

    Attributes
    ----------
    url : str
        The official address.
    path : str
        Where it belongs, relative to the data root, with "/".
    size : int or None
        In bytes, where known.
    checksum : str or None
        ``"md5:..."`` or ``"sha256:..."`` as published; None when the publisher gives none.
    unpacks_to : str
        For a ``.tar.gz``: the folder, relative to the data root, that its files become; the
        archive itself is then deleted. Empty when the file stays as it is.
    member : str
        Of the archive, only this folder (below its one top folder) is taken; empty means all.
    """

    url: str
    path: str
    size: int | None = None
    checksum: str | None = None
    unpacks_to: str = ""
    member: str = ""

    @property
    def target(self) -> str:
        """The path whose presence means that nothing need be downloaded."""
        return self.unpacks_to or self.path
