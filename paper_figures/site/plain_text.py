"""Text from elsewhere, made fit to be shown: nothing in it can reorder or hide what stands near."""

from __future__ import annotations

import re

from markupsafe import Markup

__all__ = ["shown"]

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters, and the marks that turn the direction of the text after them."""


def shown(value: object) -> object:
    """Write characters that change how their neighbours are read as their code points.

    Escaping takes the meaning from ``<`` and ``&``; it does not stop U+202E from showing "evil.txt"
    as "txt.live". Templates pass every value through here, before it is escaped.

    Examples
    --------
    >>> shown("a\\u202eb")
    'a⟨U+202E⟩b'
    >>> shown(3)
    3
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _INVISIBLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", value)
