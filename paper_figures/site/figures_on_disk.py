"""Figures and tables that were drawn earlier: read back from disk, checked against the store."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from paper_figures.engine.registry import FIGURE_NAME, Spec, TableSpec
from paper_figures.engine.runner import FIGURE_SCHEMA
from paper_figures.site.clean_html import table_only
from songoku_theory.errors import InvalidInputError

__all__ = ["DrawnFigure", "DrawnTable", "OnDisk", "UndrawnFigure", "read_figures"]

KINDS = ("png", "pdf", "csv", "json")
TABLE_KINDS = ("html", "csv", "tex", "md", "json")
"""A table is a ``NAME.html`` (a fragment) with the same ``NAME.json`` as a figure has."""
LONGEST_BODY = 60_000
"""Characters of a table that the page still shows; the files of a longer one are linked."""
LONGEST_ALT = 320
"""Characters: what a picture shows, said in one breath; the whole caption stands below it."""


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure in the gallery.

    ``answers`` are pairs of a question and its answer in words; ``doubts`` says what does not fit
    the store or the ledger of this report; empty if all fits. ``needs`` are the experiments that
    it draws, ``source`` the module that drew it.
    """

    name: str
    title: str
    caption: str
    alt: str
    needs: tuple[str, ...]
    source: str
    claims: tuple[str, ...]
    keys: tuple[str, ...]
    width: int
    height: int
    size: dict[str, int]
    style: str
    commit: str | None
    answers: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where it is shown."""
        return f"figures.html#part-figure-{self.name}"


@dataclass(frozen=True, slots=True)
class DrawnTable:
    """A table: its body is clean HTML, whatever the file held; None if it is too long to show."""

    name: str
    title: str
    caption: str
    needs: tuple[str, ...]
    claims: tuple[str, ...]
    keys: tuple[str, ...]
    size: dict[str, int]
    style: str
    commit: str | None
    body: Markup | None
    answers: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where it is shown."""
        return f"tables.html#part-table-{self.name}"


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A folder of figures, read."""

    drawn: tuple[DrawnFigure, ...]
    tables: tuple[DrawnTable, ...]
    undrawn: tuple[UndrawnFigure, ...]


@dataclass(frozen=True, slots=True)
class UndrawnFigure:
    """A figure or table that has no files, with the commands that lead to it."""

    name: str
    title: str
    reason: str
    commands: tuple[str, ...]
    is_table: bool


def read_figures(
    folder: Path,
    specs: Mapping[str, Spec],
    stored_keys: Collection[str] | None,
    ledger_sha256: str | None,
) -> OnDisk:
    """Read every figure and table of a folder, and name the registered ones that are not there.

    Parameters
    ----------
    folder : Path
        Where ``songoku figures`` wrote.
    specs : mapping of str to FigureSpec or TableSpec
        All registered figures and tables.
    stored_keys : collection of str or None
        Keys of the store's cells; None if there is no store to compare with.
    ledger_sha256 : str or None
        Of the ledger file, likewise.
    """
    drawn: list[DrawnFigure] = []
    tables: list[DrawnTable] = []
    undrawn: list[UndrawnFigure] = []
    stems = {path.stem for path in folder.glob("*.json")}
    names = {stem for stem in stems if FIGURE_NAME.fullmatch(stem)} | specs.keys()
    last = 1 + max((spec.place for spec in specs.values()), default=0)
    places = {name: specs[name].place if name in specs else last for name in names}
    for name in sorted(names, key=lambda name: (places[name], name)):
        try:
            found = _metadata(folder, name)
            doubts = _doubts(found, stored_keys, ledger_sha256)
            if (folder / f"{name}.html").exists():
                tables.append(_table(folder, name, found, doubts))
            else:
                drawn.append(_figure(folder, name, found, doubts))
        except (OSError, ValueError, KeyError, TypeError, InvalidInputError) as error:
            absent = isinstance(error, FileNotFoundError)
            reason = "It has not been drawn." if absent else f"Its files can't be read: {error}."
            undrawn.append(_undrawn(name, specs.get(name), reason))
    return OnDisk(tuple(drawn), tuple(tables), tuple(undrawn))


def _undrawn(name: str, spec: Spec | None, reason: str) -> UndrawnFigure:
    needs = () if spec is None else tuple(need.command for need in spec.needs)
    return UndrawnFigure(
        name=name,
        title=name if spec is None else spec.title,
        reason=reason,
        commands=(*dict.fromkeys(needs), f"songoku figures {name}"),
        is_table=isinstance(spec, TableSpec),
    )


def _metadata(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    if found["schema"] != FIGURE_SCHEMA or found["name"] != name:
        raise ValueError(f"schema {found['schema']!r}, name {found['name']!r}")
    return found


def _doubts(
    found: dict[str, Any], stored_keys: Collection[str] | None, ledger_sha256: str | None
) -> tuple[str, ...]:
    doubts = []
    gone = 0 if stored_keys is None else sum(key not in stored_keys for key in found["keys"])
    if gone:
        doubts.append(
            f"{gone} of the {len(found['keys'])} cells that it shows are not in the store"
        )
    drawn_from = found["ledger_sha256"]
    if drawn_from is not None and ledger_sha256 is not None and drawn_from != ledger_sha256:
        doubts.append("it was drawn from another ledger than the one shown here")
    return tuple(doubts)


def _figure(folder: Path, name: str, found: dict[str, Any], doubts: tuple[str, ...]) -> DrawnFigure:
    sizes = {kind: (folder / f"{name}.{kind}").stat().st_size for kind in KINDS}
    width, height = _png_size(folder / f"{name}.png")
    title, caption = str(found["title"]), str(found["caption"])
    return DrawnFigure(
        name=name,
        title=title,
        caption=caption,
        alt=_alt(title, caption),
        needs=_needs(found),
        source=str(found.get("source", "")),
        claims=tuple(str(claim) for claim in found["claims"]),
        keys=tuple(str(key) for key in found["keys"]),
        width=width,
        height=height,
        size=sizes,
        style=str(found["style"]),
        commit=found["provenance"].get("commit"),
        answers=_answers(found),
        doubts=doubts,
    )


def _table(folder: Path, name: str, found: dict[str, Any], doubts: tuple[str, ...]) -> DrawnTable:
    files = {kind: folder / f"{name}.{kind}" for kind in TABLE_KINDS}
    body = table_only(files["html"].read_text(encoding="utf-8"))
    return DrawnTable(
        name=name,
        title=str(found["title"]),
        caption=str(found["caption"]),
        needs=_needs(found),
        claims=tuple(str(claim) for claim in found["claims"]),
        keys=tuple(str(key) for key in found["keys"]),
        size={kind: path.stat().st_size for kind, path in files.items() if path.exists()},
        style=str(found.get("style", "")),
        commit=found["provenance"].get("commit"),
        body=body if len(body) <= LONGEST_BODY else None,
        answers=_answers(found),
        doubts=doubts,
    )


def _answers(found: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(a["question"]), str(a["text"])) for a in found["answers"])


def _needs(found: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(need["experiment"]) for need in found.get("needs", ()))


def _alt(title: str, caption: str) -> str:
    """Say what a picture shows: its title and the first sentences of its caption."""
    told = f"{title}."
    about = caption.split(" n: ")[0]
    for sentence in re.split(r"(?<=[.:;]) +(?=[A-Z(0-9])", about):
        if len(told) + len(sentence) >= LONGEST_ALT:
            break
        told += f" {sentence}"
    return told


def _png_size(path: Path) -> tuple[int, int]:
    """Read width and height from a PNG's header, so that the page does not jump while loading."""
    with path.open("rb") as stream:
        header = stream.read(24)
    if header[:8] != b"\x89PNG\r\n\x1a\n" or header[12:16] != b"IHDR":
        raise ValueError(f"{path.name} is not a PNG")
    width, height = struct.unpack(">II", header[16:24])
    return int(width), int(height)
