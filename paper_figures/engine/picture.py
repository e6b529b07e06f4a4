"""What goes into a figure's or a table's function, and what comes out of a figure's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper_figures.engine.caption import joined_caption

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

    from paper_figures.engine.ledger_file import Ledger
    from paper_figures.engine.style import Style

__all__ = ["Answer", "FigureInput", "Picture"]


@dataclass(frozen=True, slots=True)
class FigureInput:
    """Everything that the function of a figure or a table may look at.

    Parameters
    ----------
    rows : mapping of str to polars.DataFrame
        One frame an experiment in the figure's ``needs``, as the store's reader gives it:
        ``key``, the cell's parameters, the experiment's columns.
    ledger : dict or None
        The ledger file, when the figure's ``needs`` name it.
    style : Style
        Widths and sizes to draw at.
    """

    rows: Mapping[str, pl.DataFrame]
    ledger: Ledger | None
    style: Style


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that a reader asks, answered in one paragraph from the rows that are drawn.

    Parameters
    ----------
    question : str
        In a reader's words, e.g. ``"Can a task starve?"``.
    text : str
        One paragraph; every figure in it is computed from the rows, with its n and interval, so
        that other rows give another text. Plain text: the report escapes it.
    """

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure with everything that a reader needs to trust it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn, not yet saved.
    data : polars.DataFrame
        Exactly what is drawn, one row a mark; it becomes the CSV.
    caption : str
        What is shown, in whole sentences.
    n : str
        What was counted, e.g. ``"2,000 trials a point"``.
    interval : str
        What bands and bars mean, e.g. ``"exact (Clopper-Pearson) 95%"``; ``"none: ..."`` with
        the reason where nothing is random.
    keys : tuple of str
        The keys of the stored cells that were drawn.
    answers : tuple of Answer
        What the rows say to the questions that this figure is drawn for; the report shows them
        on a page of their own.
    """

    figure: Figure
    data: pl.DataFrame
    caption: str
    n: str
    interval: str
    keys: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()

    def full_caption(self, claims: tuple[str, ...]) -> str:
        """Join the caption with its n, interval, claims and keys: one text, fit for a paper."""
        return joined_caption(self.caption, self.n, self.interval, claims, self.keys)
