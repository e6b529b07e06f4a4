"""The figures that were drawn earlier: read back from their folder, checked against the store."""

from __future__ import annotations

import json
import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_figures.engine.registry import FIGURE_NAME, FigureSpec
from paper_figures.engine.runner import FIGURE_SCHEMA

__all__ = ["DrawnFigure", "UndrawnFigure", "read_figures"]

KINDS = ("png", "pdf", "csv", "json")


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure in the gallery.

    ``answers`` are pairs of a question and its answer in words; ``doubts`` says what does not fit
    the store or the ledger of this report; empty if all fits.
    """

    name: str
    title: str
    caption: str
    claims: tuple[str, ...]
    keys: tuple[str, ...]
    width: int
    height: int
    size: dict[str, int]
    style: str
    commit: str | None
    answers: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UndrawnFigure:
    """A figure that has no files, with the commands that lead to it."""

    name: str
    title: str
    reason: str
    commands: tuple[str, ...]


def read_figures(
    folder: Path,
    specs: dict[str, FigureSpec],
    stored_keys: Collection[str] | None,
    ledger_sha256: str | None,
) -> tuple[tuple[DrawnFigure, ...], tuple[UndrawnFigure, ...]]:
    """Read every figure of a folder, and name the registered ones that are not there.

    Parameters
    ----------
    folder : Path
        Where ``songoku figures`` wrote.
    specs : dict of str to FigureSpec
        All registered figures.
    stored_keys : collection of str or None
        Keys of the store's cells; None if there is no store to compare with.
    ledger_sha256 : str or None
        Of the ledger file, likewise.
    """
    drawn: list[DrawnFigure] = []
    undrawn: list[UndrawnFigure] = []
    stems = {path.stem for path in folder.glob("*.json")}
    names = {stem for stem in stems if FIGURE_NAME.fullmatch(stem)} | specs.keys()
    last = 1 + max((spec.place for spec in specs.values()), default=0)
    places = {name: specs[name].place if name in specs else last for name in names}
    for name in sorted(names, key=lambda name: (places[name], name)):
        spec = specs.get(name)
        try:
            drawn.append(_read(folder, name, stored_keys, ledger_sha256))
        except (OSError, ValueError, KeyError, TypeError) as error:
            absent = isinstance(error, FileNotFoundError)
            reason = "It has not been drawn." if absent else f"Its files can't be read: {error}."
            undrawn.append(_undrawn(name, spec, reason))
    return tuple(drawn), tuple(undrawn)


def _undrawn(name: str, spec: FigureSpec | None, reason: str) -> UndrawnFigure:
    needs = () if spec is None else tuple(need.command for need in spec.needs)
    title = name if spec is None else spec.title
    return UndrawnFigure(name, title, reason, (*needs, f"songoku figures {name}"))


def _read(
    folder: Path, name: str, stored_keys: Collection[str] | None, ledger_sha256: str | None
) -> DrawnFigure:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    if found["schema"] != FIGURE_SCHEMA or found["name"] != name:
        raise ValueError(f"schema {found['schema']!r}, name {found['name']!r}")
    sizes = {kind: (folder / f"{name}.{kind}").stat().st_size for kind in KINDS}
    width, height = _png_size(folder / f"{name}.png")
    doubts = []
    gone = 0 if stored_keys is None else sum(key not in stored_keys for key in found["keys"])
    if gone:
        doubts.append(
            f"{gone} of the {len(found['keys'])} cells that it shows are not in the store"
        )
    drawn_from = found["ledger_sha256"]
    if drawn_from is not None and ledger_sha256 is not None and drawn_from != ledger_sha256:
        doubts.append("it was drawn from another ledger than the one shown here")
    return DrawnFigure(
        name=name,
        title=str(found["title"]),
        caption=str(found["caption"]),
        claims=tuple(str(claim) for claim in found["claims"]),
        keys=tuple(str(key) for key in found["keys"]),
        width=width,
        height=height,
        size=sizes,
        style=str(found["style"]),
        commit=found["provenance"].get("commit"),
        answers=tuple((str(a["question"]), str(a["text"])) for a in found["answers"]),
        doubts=tuple(doubts),
    )


def _png_size(path: Path) -> tuple[int, int]:
    """Read width and height from a PNG's header, so that the page does not jump while loading."""
    with path.open("rb") as stream:
        header = stream.read(24)
    if header[:8] != b"\x89PNG\r\n\x1a\n" or header[12:16] != b"IHDR":
        raise ValueError(f"{path.name} is not a PNG")
    width, height = struct.unpack(">II", header[16:24])
    return int(width), int(height)
