"""Build the report: gather what is there, say what is not, write each file whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_figures.engine.files import make_folder, write_whole
from paper_figures.engine.ledger_file import Ledger, read_ledger
from paper_figures.engine.registry import LEDGER, usual_outputs
from paper_figures.site.figures_on_disk import (
    KINDS,
    TABLE_KINDS,
    DrawnFigure,
    DrawnTable,
    UndrawnFigure,
    read_figures,
)
from paper_figures.site.pages import render_pages
from paper_figures.site.runs import Runs, read_runs
from songoku_theory.errors import SongokuError
from songoku_theory.provenance import provenance

__all__ = ["Gap", "Report", "build_report", "gather"]

PROVENANCE_SCHEMA = 1
LEFT_BY_EARLIER_BUILDS = ("claims-*.html", "ledger.md", "ledger.json", "ledger.json.gz")


KEY_DIGITS = 16
"""Of a cell's key in ``provenance.json``: 64 bits name it, and commands take first digits."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the report should show and can't: what, why, and the commands that help."""

    what: str
    why: str
    commands: tuple[str, ...]

    @property
    def command(self) -> str:
        """All of them, as one line tells them."""
        return ", then ".join(self.commands)


@dataclass(frozen=True, slots=True)
class Report:
    """All that the pages show."""

    ledger: Ledger | None
    runs: Runs | None
    drawn: tuple[DrawnFigure, ...]
    tables: tuple[DrawnTable, ...]
    undrawn: tuple[UndrawnFigure, ...]
    gaps: tuple[Gap, ...]
    provenance: dict[str, Any]


def build_report(store: Path, ledger: Path, out: Path, figures: Path | None = None) -> Report:
    """Write the report's files and return what went into them.

    Parameters
    ----------
    store, ledger : Path
        Either may be missing: the front page then says so.
    out : Path
        The folder of the report; ``index.html`` and the other pages and ``provenance.json`` are
        written there.
    figures : Path, optional
        Where ``songoku figures`` wrote; ``out/figures`` if None. Figures from elsewhere are
        copied there.

    Raises
    ------
    InvalidInputError
        If a file can't be written; the files that were there are kept.
    """
    make_folder(out)
    own = out / "figures"
    if figures is not None and figures.resolve() != own.resolve() and figures.is_dir():
        _copy_figures(figures, own)
    report = gather(store, ledger, own)
    # Everything is ready before the first file is touched, and the front page comes last: a build
    # that fails leaves the last good one.
    files: dict[str, str | bytes] = {"provenance.json": _as_json(report.provenance)}
    pages = render_pages(report)
    front = pages.pop("index.html")
    files.update(pages)
    for name, content in files.items():
        write_whole(out / name, content)
    write_whole(out / "index.html", front)
    for pattern in LEFT_BY_EARLIER_BUILDS:
        for path in out.glob(pattern):
            if path.name not in files:
                path.unlink()  # the pages do not lead there any more
    return report


def gather(store: Path, ledger: Path, figures: Path) -> Report:
    """Read ledger, store and drawn figures; what can't be read becomes a gap."""
    gaps: list[Gap] = []
    found = _read_ledger(ledger, gaps)
    runs = _read_runs(store, gaps)
    digest = hashlib.sha256(ledger.read_bytes()).hexdigest() if found is not None else None
    found_figures = read_figures(
        figures, usual_outputs(), None if runs is None else runs.keys, digest
    )
    gaps += _undrawn_gaps(found_figures.undrawn)
    return Report(
        ledger=found,
        runs=runs,
        drawn=found_figures.drawn,
        tables=found_figures.tables,
        undrawn=found_figures.undrawn,
        gaps=tuple(gaps),
        provenance=_origins(found, digest, runs, (*found_figures.drawn, *found_figures.tables)),
    )


def _undrawn_gaps(undrawn: tuple[UndrawnFigure, ...]) -> list[Gap]:
    """One gap for all figures and tables that the same commands would make."""
    together: dict[tuple[str, ...], list[UndrawnFigure]] = {}
    for figure in undrawn:
        together.setdefault((*figure.commands[:-1], "songoku figures"), []).append(figure)
    return [
        Gap(_what(figures), f"Not drawn: {', '.join(f.name for f in figures)}.", commands)
        for commands, figures in together.items()
    ]


def _what(figures: list[UndrawnFigure]) -> str:
    tables = sum(figure.is_table for figure in figures)
    counts = ((len(figures) - tables, "figure"), (tables, "table"))
    return " and ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)


def _read_ledger(path: Path, gaps: list[Gap]) -> Ledger | None:
    try:
        found = read_ledger(path)
    except SongokuError as error:
        gaps.append(Gap("the ledger", str(error), (LEDGER.command,)))
        return None
    if found is None:
        gaps.append(Gap("the ledger", f"There is no ledger at {path}.", (LEDGER.command,)))
    return found


def _read_runs(path: Path, gaps: list[Gap]) -> Runs | None:
    command = ("songoku sweep run quick",)
    if not path.exists():
        gaps.append(Gap("the store", f"There is no store at {path}.", command))
        return None
    try:
        return read_runs(path)
    except SongokuError as error:
        gaps.append(Gap("the store", str(error), command))
        return None


def _copy_figures(source: Path, target: Path) -> None:
    make_folder(target)
    for kind in dict.fromkeys((*TABLE_KINDS, *KINDS)):
        for path in sorted(source.glob(f"*.{kind}")):
            write_whole(target / path.name, path.read_bytes())


def _origins(
    ledger: Ledger | None,
    digest: str | None,
    runs: Runs | None,
    drawn: tuple[DrawnFigure | DrawnTable, ...],
) -> dict[str, Any]:
    stored = None
    if runs is not None:
        stored = {
            "path": str(runs.path),
            "written_by": list(runs.provenance),
            "experiments": {
                found.name: {
                    "versions": list(found.versions),
                    "finished": found.done,
                    "failed": found.failed,
                    "seconds": round(found.seconds, 3),
                    "statistics": found.statistics,
                    "keys": [key[:KEY_DIGITS] for key in found.keys],
                }
                for found in runs.experiments
            },
        }
    return {
        "schema": PROVENANCE_SCHEMA,
        "report": provenance(),
        "ledger": None
        if ledger is None
        else {
            "sha256": digest,
            "profile": ledger["profile"],
            "provenance": ledger["provenance"],
        },
        "store": stored,
        "figures": {
            figure.name: {
                "claims": list(figure.claims),
                "cells": len(figure.keys),
                "style": figure.style,
                "commit": figure.commit,
                "doubts": list(figure.doubts),
            }
            for figure in drawn
        },
    }


def _as_json(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"
