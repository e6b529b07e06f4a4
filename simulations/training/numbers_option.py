"""Whole numbers on a command line: ``0-4``, ``0,3,7``, or both."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["NumbersType"]

_MOST = 10_000  # a slip like 0-99999999 would fill the memory before anything is said
_LARGEST = 2**63 - 1  # what a store holds


class NumbersType(click.ParamType[tuple[int, ...]]):
    """``0-4`` or ``0,3,7`` or both, each number once, at most 10,000 of them.

    Parameters
    ----------
    name : str
        As help shows it.
    least : int
        The smallest number that is allowed.
    example : str
        For the error.

    Examples
    --------
    >>> NumbersType("SEEDS").convert("0-2,7", None, None)
    (0, 1, 2, 7)
    """

    def __init__(self, name: str, least: int = 0, example: str = "0-4 or 0,3,7") -> None:
        self.name = name
        self.least = least
        self.example = example

    def convert(
        self, value: Any,  # noqa: ANN401 - click's own
        param: click.Parameter | None, ctx: click.Context | None,
    ) -> tuple[int, ...]:  # fmt: skip
        """Read them."""
        if isinstance(value, tuple):
            return value
        found: list[int] = []
        try:
            for part in str(value).split(","):
                first, dash, last = part.partition("-")
                numbers = range(int(first), int(last if dash else first) + 1)
                many = len(found) + len(numbers[: _MOST + 1]) > _MOST
                if many or int(last or first) > _LARGEST:
                    self.fail(
                        f"{value!r} should be at most {_MOST:,} numbers, none above {_LARGEST:,}.",
                        param,
                        ctx,
                    )
                found += numbers
        except ValueError:
            found = []
        if not found or len(set(found)) != len(found) or min(found) < self.least:
            self.fail(f"{value!r} should be like {self.example}, each number once.", param, ctx)
        return tuple(found)
