"""One text that stands alone: caption, n, interval, claims and keys of a figure or a table."""

from __future__ import annotations

__all__ = ["joined_caption"]

KEYS_IN_CAPTION = 3


def joined_caption(
    caption: str, n: str, interval: str, claims: tuple[str, ...], keys: tuple[str, ...]
) -> str:
    """Join what is shown with what a reader needs to trust it: fit for a paper.

    Examples
    --------
    >>> joined_caption("Shown.", "3 runs", "none: counted", ("EMA-19",), ())
    'Shown. n: 3 runs. Intervals: none: counted. Claims: EMA-19.'
    """
    parts = [caption, f"n: {n}.", f"Intervals: {interval}."]
    if claims:
        parts.append(f"Claims: {', '.join(claims)}.")
    if keys:
        shown = ", ".join(key[:12] for key in keys[:KEYS_IN_CAPTION])
        more = len(keys) - KEYS_IN_CAPTION
        parts.append(f"Stored cells: {shown}{f' and {more} more' if more > 0 else ''}.")
    return " ".join(parts)
