"""Messages between a child process and its parent: a length, then so many bytes."""

from __future__ import annotations

import struct
from typing import IO

__all__ = ["READY", "STARTED", "read_message", "write_message"]

READY = b"ready"
"""The child's first message: it has imported what every cell needs."""

STARTED = b"started"
"""The child has imported the cell's module and begins to simulate."""

_LENGTH = struct.Struct(">Q")


def write_message(stream: IO[bytes], message: bytes) -> None:
    """Send one message.

    Raises
    ------
    OSError
        When nobody reads any more.
    """
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def read_message(stream: IO[bytes]) -> bytes | None:
    """Wait for one message; None once the other side has gone, also in the middle of one.

    Examples
    --------
    >>> from io import BytesIO
    >>> pipe = BytesIO()
    >>> write_message(pipe, b"hello")
    >>> whole, torn = BytesIO(pipe.getvalue()), BytesIO(pipe.getvalue()[:-1])
    >>> read_message(whole), read_message(whole), read_message(torn)
    (b'hello', None, None)
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None
