"""Write figures and tables into files, with what is shown as CSV and the origin as JSON.

A figure NAME becomes ``NAME.pdf``, ``.png``, ``.csv``, ``.json``; a table becomes ``NAME.tex``,
``.md``, ``.html`` (a fragment for the report), ``.csv``, ``.json``.

The runner reads the store and the ledger and writes files. It never runs an experiment: where
rows are missing it says which command makes them, and goes on with the next figure.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from paper_figures.engine.files import make_folder, write_whole
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import FigureSpec, Spec, TableSpec
from paper_figures.engine.small_png import small_png
from paper_figures.engine.source_rows import MissingRowsError, Sources
from paper_figures.engine.style import Style, applied
from paper_figures.engine.table import Table
from paper_figures.engine.table_html import table_html
from paper_figures.engine.table_latex import table_latex
from paper_figures.engine.table_markdown import table_markdown
from songoku_theory.errors import InvalidInputError, SongokuError
from songoku_theory.provenance import provenance

__all__ = ["FIGURE_SCHEMA", "PNG_DPI", "Drawn", "draw", "draw_all", "lay_out", "render"]

FIGURE_SCHEMA = 2
PNG_DPI = 120
DIGITS = 6
"""Significant digits in the CSV: more than a plot shows, fewer than differ between CPUs."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of one figure or table.

    ``status`` is ``"drawn"``, ``"missing"`` (rows or ledger are not there) or ``"failed"``;
    ``message`` says why, and what to do; ``needs`` are the commands that make what is missing.
    """

    name: str
    status: Literal["drawn", "missing", "failed"]
    message: str
    files: tuple[Path, ...] = ()
    needs: tuple[str, ...] = ()


def draw_all(specs: Iterable[Spec], sources: Sources, out: Path, style: Style) -> Iterator[Drawn]:
    """Draw each figure and table in turn; one that can't be drawn does not stop the others.

    Parameters
    ----------
    specs : iterable of FigureSpec or TableSpec
        From :func:`paper_figures.engine.registry.available_outputs`.
    sources : Sources
        Store and ledger.
    out : Path
        The folder for the files; it is made if it is not there.
    style : Style
        The page.

    Yields
    ------
    Drawn
        One a figure, as soon as it is done.
    """
    make_folder(out)
    for spec in specs:
        try:
            yield draw(spec, sources, out, style)
        except MissingRowsError as error:
            yield Drawn(spec.name, "missing", str(error), needs=(error.need.command,))
        except SongokuError as error:
            yield Drawn(spec.name, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - a plugged-in figure may fail in any way; it is told
            where = f"{type(error).__name__} in {spec.source}: {error}"
            yield Drawn(spec.name, "failed", where)


def draw(spec: Spec, sources: Sources, out: Path, style: Style) -> Drawn:
    """Draw one figure or table and write its files, all or none.

    Raises
    ------
    MissingRowsError
        If its rows are not stored.
    InvalidInputError
        If the rows can't be drawn or the files can't be written.
    """
    rows, ledger = sources.fetch(spec)
    given = FigureInput(rows, ledger, style)
    contents = render(spec, given) if isinstance(spec, FigureSpec) else lay_out(spec, given)
    digest = _digest(sources.ledger) if spec.needs_ledger else None
    metadata = {**contents.metadata, "ledger_sha256": digest, "provenance": provenance()}
    files = {out / f"{spec.name}.{kind}": content for kind, content in contents.files.items()}
    # Last, because the report takes a figure for complete once its JSON is there.
    files[out / f"{spec.name}.json"] = (
        json.dumps(metadata, separators=(",", ":"), sort_keys=True) + "\n"
    ).encode()
    for path, content in files.items():
        write_whole(path, content)
    marks, cells = contents.metadata["drawn_rows"], len(contents.metadata["keys"])
    what = "marks" if isinstance(spec, FigureSpec) else "numbers"
    origin = f" from {cells} stored {'cell' if cells == 1 else 'cells'}" if cells else ""
    return Drawn(spec.name, "drawn", f"{marks} {what}{origin}", tuple(files))


@dataclass(frozen=True, slots=True)
class _Contents:
    """Files in memory, by the ends of their names."""

    files: dict[str, bytes]
    metadata: dict[str, Any]


def render(spec: FigureSpec, given: FigureInput) -> _Contents:
    """Draw a figure in memory: the same input gives the same bytes.

    Raises
    ------
    InvalidInputError
        If the figure has no data.
    """
    with applied(given.style):
        picture = spec.draw(given)
        _check_data(spec, picture)
        # No date, no library version: files differ only where the picture does.
        pdf = _saved(picture, "pdf", {"CreationDate": None, "Producer": None, "Creator": None})
        png = small_png(_saved(picture, "png", {"Software": None}))
    files = {"pdf": pdf, "png": png, "csv": _csv(picture.data)}
    return _Contents(files, _metadata(spec, picture, given.style))


def lay_out(spec: TableSpec, given: FigureInput) -> _Contents:
    """Write a table in memory, in every format: the same input gives the same bytes.

    Raises
    ------
    InvalidInputError
        If the table has no data.
    """
    made = spec.lay(given)
    _check_data(spec, made)
    caption = made.full_caption(spec.claims)
    files = {
        "tex": table_latex(spec.name, spec.title, made, caption, given.style).encode("ascii"),
        "md": table_markdown(spec.title, made, caption).encode(),
        "html": table_html(spec.name, made).encode(),
        "csv": _csv(made.data),
    }
    return _Contents(files, _metadata(spec, made, given.style))


def _check_data(spec: Spec, made: Picture | Table) -> None:
    if made.data.is_empty():
        raise InvalidInputError(f"{spec.name!r} drew no data: its CSV would be empty.")


def _saved(picture: Picture, kind: str, metadata: dict[str, None]) -> bytes:
    stream = io.BytesIO()
    picture.figure.savefig(stream, format=kind, dpi=PNG_DPI, metadata=metadata)
    return stream.getvalue()


def _csv(data: pl.DataFrame) -> bytes:
    floats = pl.selectors.float()
    text: str = data.with_columns(floats.round_sig_figs(DIGITS)).write_csv()
    return text.encode("utf-8")


def _metadata(spec: Spec, picture: Picture | Table, style: Style) -> dict[str, Any]:
    return {
        "schema": FIGURE_SCHEMA,
        "kind": "table" if isinstance(spec, TableSpec) else "figure",
        "name": spec.name,
        "title": spec.title,
        "caption": picture.full_caption(spec.claims),
        "n": picture.n,
        "interval": picture.interval,
        "claims": list(spec.claims),
        "keys": list(picture.keys),
        "answers": [{"question": a.question, "text": a.text} for a in picture.answers],
        "needs": [{"experiment": n.experiment, "command": n.command} for n in spec.needs],
        "source": spec.source,
        "style": style.name,
        "drawn_rows": picture.data.height,
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
