r"""A table as LaTeX with booktabs: each part as large as the page lets it be, and never wider."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from paper_figures.engine.style import Style
from paper_figures.engine.table import Part, Table
from songoku_theory.latex import escape_plain

__all__ = ["natural_width", "table_latex"]

SIZES = (("small", 9.0), ("footnotesize", 8.0), ("scriptsize", 7.0))
"""Commands of type size, with their points in a paper of 10 points."""
GAP = 4.0
r"""``\tabcolsep`` in points: half of the room between two columns."""
POINTS = 72.27
LONG = 45
"""More rows than a page holds: such a part is broken over pages."""
LEAST_TEXT = 90.0
"""The narrowest column of running text, in points."""


def table_latex(name: str, title: str, table: Table, caption: str, style: Style) -> str:
    r"""Write a table for ``\input`` into a paper that loads the packages of the first line.

    Parameters
    ----------
    name : str
        Labels are ``tab:NAME`` and, from the second part on, ``tab:NAME-2``.
    title : str
    table : Table
    caption : str
        The full caption; it stands with the first part.
    style : Style
        No part is set wider than this page.

    Returns
    -------
    str
        Plain ASCII.
    """
    lines = [r"% Needs \usepackage{array,booktabs,longtable,graphicx,amssymb}."]
    for number, part in enumerate(table.parts, 1):
        label = f"tab:{name}" if number == 1 else f"tab:{name}-{number}"
        heading = f"{title}: {part.title}" if part.title else title
        text = f"{heading}. {caption}" if number == 1 else f"{heading} (see Table \0)."
        said = escape_plain(text).replace("\0", rf"\ref{{tab:{name}}}")
        write = _long if len(part.rows) > LONG else _float
        lines += write(part, said, label, style)
    return "\n".join(lines) + "\n"


def _float(part: Part, caption: str, label: str, style: Style) -> list[str]:
    size, fits = _size(part, style)
    spans = style.full > style.column and not _fits(part, size, style.column)
    star = "*" if spans else ""
    body = [rf"\begin{{tabular}}{{@{{}}{_preamble(part, size, style)}@{{}}}}", r"\toprule"]
    body += [*_heads(part), r"\midrule", *_rows(part), r"\bottomrule", r"\end{tabular}"]
    if not fits:
        body = [r"\resizebox{\linewidth}{!}{%", *body[:-1], r"\end{tabular}}"]
    return [
        rf"\begin{{table{star}}}[t]",
        rf"\caption{{{caption}}}",
        rf"\label{{{label}}}",
        r"\centering",
        rf"\{_command(size)}\setlength{{\tabcolsep}}{{{GAP:g}pt}}",
        *body,
        *_notes(part),
        rf"\end{{table{star}}}",
        "",
    ]


def _long(part: Part, caption: str, label: str, style: Style) -> list[str]:
    size, _ = _size(part, style)
    return [
        rf"\begingroup\{_command(size)}\setlength{{\tabcolsep}}{{{GAP:g}pt}}",
        rf"\begin{{longtable}}{{@{{}}{_preamble(part, size, style)}@{{}}}}",
        rf"\caption{{{caption}}}\label{{{label}}}\\ \toprule",
        *_heads(part),
        r"\midrule \endfirsthead",
        r"\toprule",
        *_heads(part),
        r"\midrule \endhead",
        r"\bottomrule \endfoot",
        *_rows(part),
        r"\end{longtable}",
        *_notes(part),
        r"\endgroup",
        "",
    ]


def _command(size: float) -> str:
    return next(command for command, points in SIZES if points == size)


def _size(part: Part, style: Style) -> tuple[float, bool]:
    """Choose the largest type that fits, and say whether it does."""
    for _, size in SIZES:
        if _fits(part, size, style.full):
            return size, True
    return SIZES[-1][1], False


def _fits(part: Part, size: float, inches: float) -> bool:
    return natural_width(part, size) <= inches * POINTS


def natural_width(part: Part, size: float) -> float:
    """Return how wide a part is at a type size, both in points; running text as narrow as it goes.

    Letters are measured in a face with the widths of Times, which the styles of papers use.
    """
    return sum(_widths(part, size)) + 2 * GAP * (len(part.columns) - 1)


def _widths(part: Part, size: float) -> list[float]:
    return [
        min(widest, LEAST_TEXT) if column.align == "text" else widest
        for column, widest in zip(part.columns, _widest(part, size), strict=True)
    ]


def _widest(part: Part, size: float) -> list[float]:
    return [
        max(_text_width(text, size) for text in (column.head, *(row[place] for row in part.rows)))
        for place, column in enumerate(part.columns)
    ]


def _preamble(part: Part, size: float, style: Style) -> str:
    """Describe the columns; those of running text share the room by what each could use."""
    widths, widest = _widths(part, size), _widest(part, size)
    wanted = [full - least for full, least in zip(widest, widths, strict=True)]
    room = max(0.0, style.full * POINTS - natural_width(part, size))
    shares = [room * want / sum(wanted) if sum(wanted) else 0.0 for want in wanted]
    return "".join(
        rf">{{\raggedright\arraybackslash}}p{{{math.ceil(width + min(share, want))}pt}}"
        if column.align == "text"
        else column.align[0]
        for column, width, share, want in zip(part.columns, widths, shares, wanted, strict=True)
    )


def _heads(part: Part) -> list[str]:
    lines = []
    if part.groups:
        cells, rules, place = [], [], 1
        for group, count in part.groups:
            if group:
                cells.append(rf"\multicolumn{{{count}}}{{c}}{{{escape_plain(group)}}}")
                rules.append(rf"\cmidrule(lr){{{place}-{place + count - 1}}}")
            else:
                cells.append("&" * (count - 1))
            place += count
        lines += [" & ".join(cells) + r" \\", "".join(rules)]
    return [*lines, " & ".join(escape_plain(column.head) for column in part.columns) + r" \\"]


def _rows(part: Part) -> list[str]:
    lines = []
    for number, row in enumerate(part.rows):
        if number in part.rules:
            lines.append(r"\midrule")
        lines.append(" & ".join(map(escape_plain, row)) + r" \\")
    return lines


def _notes(part: Part) -> list[str]:
    return [rf"\par\smallskip {{\scriptsize {escape_plain(note)}}}" for note in part.notes]


@lru_cache(maxsize=1)
def _face() -> tuple[Any, frozenset[int]]:  # matplotlib's compiled font has no type
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    face = FT2Font(findfont("STIXGeneral"))
    return face, frozenset(face.get_charmap())


@lru_cache(maxsize=8192)
def _text_width(text: str, size: float) -> float:
    from matplotlib.ft2font import LoadFlags

    face, known = _face()
    face.set_size(size, 72)
    face.set_text(
        "".join(sign if ord(sign) in known else "M" for sign in text),
        0.0,
        flags=LoadFlags.NO_HINTING,
    )
    width, _ = face.get_width_height()
    return float(width) / 64 * POINTS / 72
