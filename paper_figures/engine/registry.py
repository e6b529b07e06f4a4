"""The registry of figures and tables: decorators that add a name and its needs to a plain function.

Each public module of ``paper_figures`` that is not machinery is one figure or one table; a package
of yours adds its own through the entry-point group ``songoku.figures`` (each entry names a module
whose import registers figures or tables). Figures and tables share one space of names.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TypeAlias, TypeVar

import paper_figures
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.table import Table
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = [
    "FIGURE_NAME",
    "LEDGER",
    "Draw",
    "FigureSpec",
    "Lay",
    "Need",
    "Spec",
    "TableSpec",
    "available_figures",
    "available_outputs",
    "available_tables",
    "figure",
    "get_figure",
    "get_output",
    "get_table",
    "table",
    "usual_outputs",
]

ENTRY_POINT_GROUP = "songoku.figures"
NOT_FIGURES = frozenset({"cli"})

Draw: TypeAlias = Callable[[FigureInput], Picture]
Lay: TypeAlias = Callable[[FigureInput], Table]
_Made = TypeVar("_Made", Draw, Lay)


@dataclass(frozen=True, slots=True)
class Need:
    """An experiment whose rows a figure draws, and the command that makes them."""

    experiment: str
    command: str = "songoku sweep run quick"


LEDGER = Need("ledger", "songoku claims check --all")
"""The need for ledger.json rather than for an experiment's rows; its name is reserved."""

_KNOWN_NEEDS = {
    need.experiment: need
    for need in (
        LEDGER,
        Need("trace", "songoku trace"),
        Need("training", "songoku table1 --preset small --recorded"),
        Need("grouping", "songoku group ett --recorded"),
    )
}


class _Needing:
    """What a figure and a table have in common beyond their fields."""

    __slots__ = ()
    needs: tuple[Need, ...]

    @property
    def experiments(self) -> tuple[Need, ...]:
        """The needs that are experiments, i.e. all but the ledger."""
        return tuple(need for need in self.needs if need.experiment != LEDGER.experiment)

    @property
    def needs_ledger(self) -> bool:
        """Whether ledger.json is read."""
        return LEDGER.experiment in {need.experiment for need in self.needs}


@dataclass(frozen=True, slots=True)
class FigureSpec(_Needing):
    """A registered figure: what it is called, what it needs, what it illustrates."""

    name: str
    title: str
    needs: tuple[Need, ...]
    claims: tuple[str, ...]
    draw: Draw
    source: str
    place: int


@dataclass(frozen=True, slots=True)
class TableSpec(_Needing):
    """A registered table: the same, with a function that lays it out."""

    name: str
    title: str
    needs: tuple[Need, ...]
    claims: tuple[str, ...]
    lay: Lay
    source: str
    place: int
    on_request: bool = False
    """Made only when it is named: the report has the same in another form."""


Spec: TypeAlias = FigureSpec | TableSpec

_FIGURES: dict[str, Spec] = {}

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

    def register(draw: Draw) -> Draw:
        spec = FigureSpec(name, title, _all_needs(needs), claims, draw, draw.__module__, place)
        return _registered(spec, draw)

    _check_name(name)
    return register


def table(
    *,
    name: str,
    title: str,
    needs: tuple[str | Need, ...] = (),
    claims: tuple[str, ...] = (),
    place: int = 100,
    on_request: bool = False,
) -> Callable[[Lay], Lay]:
    """Register a pure function ``FigureInput -> Table`` as a table; the function is unchanged.

    Parameters and errors are those of :func:`figure`. One that is `on_request` is made only when it
    is named.
    """

    def register(lay: Lay) -> Lay:
        spec = TableSpec(
            name, title, _all_needs(needs), claims, lay, lay.__module__, place, on_request
        )
        return _registered(spec, lay)

    _check_name(name)
    return register


def _check_name(name: str) -> None:
    if not FIGURE_NAME.fullmatch(name):
        raise InvalidInputError(
            "a figure's or a table's name should be lower-case letters, digits and underscores, a "
            f"letter first; found {name!r}."
        )


def _registered(spec: Spec, made: _Made) -> _Made:
    taken = _FIGURES.get(spec.name)
    if taken is not None and taken.source != spec.source:
        raise InvalidInputError(
            f"two figures or tables are called {spec.name!r}: one in {taken.source}, one in "
            f"{spec.source}. Rename one of them."
        )
    _FIGURES[spec.name] = spec
    return made


def _all_needs(needs: tuple[str | Need, ...]) -> tuple[Need, ...]:
    return tuple(_as_need(need) for need in needs)


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


def available_outputs() -> dict[str, Spec]:
    """Give every figure and table by name, in alphabetical order."""
    _import_figures()
    return dict(sorted(_FIGURES.items()))


def usual_outputs() -> dict[str, Spec]:
    """Give those that are made when none is named."""
    return {
        name: spec
        for name, spec in available_outputs().items()
        if not (isinstance(spec, TableSpec) and spec.on_request)
    }


def available_figures() -> dict[str, FigureSpec]:
    """Give every figure by name, in alphabetical order."""
    return {n: spec for n, spec in available_outputs().items() if isinstance(spec, FigureSpec)}


def available_tables() -> dict[str, TableSpec]:
    """Give every table by name, in alphabetical order."""
    return {n: spec for n, spec in available_outputs().items() if isinstance(spec, TableSpec)}


def get_output(name: str) -> Spec:
    """Find a figure or a table by name.

    Raises
    ------
    UnknownNameError
        Naming the nearest, if there is none of this name.
    """
    found = available_outputs()
    if name not in found:
        raise unknown_name("figure or table", name, found)
    return found[name]


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


def get_table(name: str) -> TableSpec:
    """Find a table by name.

    Raises
    ------
    UnknownNameError
        Naming the nearest table, if there is none of this name.
    """
    tables = available_tables()
    if name not in tables:
        raise unknown_name("table", name, tables)
    return tables[name]
