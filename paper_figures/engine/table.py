"""What comes out of a table's function: parts that each fit a page, and the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from paper_figures.engine.caption import joined_caption
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    import polars as pl

    from paper_figures.engine.picture import Answer

__all__ = ["Align", "Column", "Part", "Row", "Table"]

Align: TypeAlias = Literal["left", "right", "text"]
"""``"text"``: left, and long enough to be broken into lines."""

Row: TypeAlias = tuple[str, ...]
"""One text a column; the first names the row."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a part.

    Parameters
    ----------
    head : str
        Plain text, with its unit and, for a score, an arrow to where it is better.
    align : {"left", "right", "text"}
    group : str
        A head that neighbouring columns of the same group share, e.g. ``"paper"``.
    """

    head: str
    align: Align = "right"
    group: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A table that fits the width of a page; a wide table has several.

    Parameters
    ----------
    title : str
        What tells this part from the others; may be empty if there is one.
    columns : tuple of Column
    rows : tuple of tuple of str
        Plain text: each format escapes it in its own way.
    rules : tuple of int
        Rows with a line above them.
    notes : tuple of str
        What signs in the cells mean, or what is missing and why.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    rules: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise InvalidInputError(
                    f"row {number} of the table part {self.title!r} should have one cell for each "
                    f"of the {len(self.columns)} columns; found {len(row)}: {row!r}."
                )

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Heads that neighbouring columns share, each with how many; empty if there are none."""
        if not any(column.group for column in self.columns):
            return ()
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with everything that a reader needs to trust it.

    Parameters
    ----------
    parts : tuple of Part
    data : polars.DataFrame
        The numbers behind the cells, one row a number; it becomes the CSV.
    caption, n, interval, keys, answers
        As in :class:`paper_figures.engine.picture.Picture`.
    """

    parts: tuple[Part, ...]
    data: pl.DataFrame
    caption: str
    n: str
    interval: str
    keys: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()

    def full_caption(self, claims: tuple[str, ...]) -> str:
        """Join the caption with its n, interval, claims and keys: one text, fit for a paper."""
        return joined_caption(self.caption, self.n, self.interval, claims, self.keys)
