"""The registry of figures: a decorator that adds a name and its needs to a plain function.

Each public module of ``paper_figures`` that is not machinery is one figure; a package of yours
adds its own through the entry-point group ``songoku.figures`` (each entry names a module whose
import registers figures).
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TypeAlias

import paper_figures
from paper_figures.engine.picture import FigureInput, Picture
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = [
    "FIGURE_NAME",
    "LEDGER",
    "Draw",
    "FigureSpec",
    "Need",
    "available_figures",
    "figure",
    "get_figure",
]

ENTRY_POINT_GROUP = "songoku.figures"
NOT_FIGURES = frozenset({"cli"})

Draw: TypeAlias = Callable[[FigureInput], Picture]


@dataclass(frozen=True, slots=True)
class Need:
    """An experiment whose rows a figure draws, and the command that makes them."""

    experiment: str
    command: str = "songoku sweep run quick"


LEDGER = Need("ledger", "songoku claims check --all")
"""The need for ledger.json rather than for an experiment's rows; its name is reserved."""

_KNOWN_NEEDS = {need.experiment: need for need in (LEDGER, Need("trace", "songoku trace"))}


@dataclass(frozen=True, slots=True)
class FigureSpec:
    """A registered figure: what it is called, what it needs, what it illustrates."""

    name: str
    title: str
    needs: tuple[Need, ...]
    claims: tuple[str, ...]
    draw: Draw
    source: str
    place: int

    @property
    def experiments(self) -> tuple[Need, ...]:
        """The needs that are experiments, i.e. all but the ledger."""
        return tuple(need for need in self.needs if need.experiment != LEDGER.experiment)

    @property
    def needs_ledger(self) -> bool:
        """Whether the figure reads ledger.json."""
        return LEDGER.experiment in {need.experiment for need in self.needs}


_FIGURES: dict[str, FigureSpec] = {}

FIGURE_NAME = re.compile(r"[a-z][a-z0-9_]*")
"""Names become file names and addresses in the report."""


def figure(
    *,
    name: str,
    title: str,
    needs: tuple[str | Need, ...] = (),
    claims: tuple[str, ...] = (),
    place: int = 100,
) -> Callable[[Draw], Draw]:
    """Register a pure function ``FigureInput -> Picture`` as a figure; the function is unchanged.

    Parameters
    ----------
    name : str
        The stem of the written files and the name on the command line.
    title : str
        A heading for the report.
    needs : tuple of str or Need
        Experiments whose rows are drawn. ``"ledger"`` stands for ledger.json. A string gets the
        command of the quick preset; a ``Need`` names its own.
    claims : tuple of str
        Ids of the ledger's claims that the figure illustrates.
    place : int
        Where it stands in the report's gallery: small numbers first, then by name.

    Raises
    ------
    InvalidInputError
        If another function already has this name, or it is no name for a file.
    """
    if not FIGURE_NAME.fullmatch(name):
        raise InvalidInputError(
            "a figure's name should be lower-case letters, digits and underscores, a letter "
            f"first; found {name!r}."
        )

    def register(draw: Draw) -> Draw:
        spec = FigureSpec(
            name=name,
            title=title,
            needs=tuple(_as_need(need) for need in needs),
            claims=claims,
            draw=draw,
            source=draw.__module__,
            place=place,
        )
        taken = _FIGURES.get(name)
        if taken is not None and taken.source != spec.source:
            raise InvalidInputError(
                f"two figures are called {name!r}: one in {taken.source}, one in {spec.source}. "
                "Rename one of them."
            )
        _FIGURES[name] = spec
        return draw

    return register


def _as_need(need: str | Need) -> Need:
    if isinstance(need, Need):
        return need
    return _KNOWN_NEEDS.get(need, Need(need))


def _import_figures() -> None:
    for module in pkgutil.iter_modules(paper_figures.__path__):
        if not module.ispkg and module.name not in NOT_FIGURES and module.name[0] != "_":
            importlib.import_module(f"{paper_figures.__name__}.{module.name}")
    for point in entry_points(group=ENTRY_POINT_GROUP):
        point.load()


def available_figures() -> dict[str, FigureSpec]:
    """Give every figure by name, in alphabetical order."""
    _import_figures()
    return dict(sorted(_FIGURES.items()))


def get_figure(name: str) -> FigureSpec:
    """Find a figure by name.

    Raises
    ------
    UnknownNameError
        Naming the nearest figure, if there is none of this name.
    """
    figures = available_figures()
    if name not in figures:
        raise unknown_name("figure", name, figures)
    return figures[name]
