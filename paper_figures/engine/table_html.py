"""A table as a fragment of HTML, for the report to include."""

from __future__ import annotations

from markupsafe import Markup, escape

from paper_figures.engine.table import Part, Table

__all__ = ["table_html"]


def table_html(name: str, table: Table) -> str:
    """Write the parts of a table as HTML; everything in them is escaped.

    Each part is a ``<table class="data">``, with its title as ``<caption>`` and scopes on its
    heads, and a ``<p class="note">`` for each note. The fragment has no style, script or address;
    what the whole table shows is told by the caption in the JSON beside it.

    Parameters
    ----------
    name : str
        Ids are ``table-NAME-1`` and so on.
    table : Table
    """
    parts = [_part(f"table-{name}-{number}", part) for number, part in enumerate(table.parts, 1)]
    return str(Markup("\n").join(parts)) + "\n"


def _part(anchor: str, part: Part) -> Markup:
    title = Markup("<caption>{}</caption>\n").format(part.title) if part.title else Markup("")
    notes = Markup("").join(Markup('<p class="note">{}</p>\n').format(note) for note in part.notes)
    return Markup(
        '<table class="data numbers" id="{}">\n{}<thead>\n{}</thead>\n'
        "<tbody>\n{}</tbody>\n</table>\n{}"
    ).format(anchor, title, _heads(part), _body(part), notes)


def _heads(part: Part) -> Markup:
    lines = []
    if part.groups:
        cells = Markup("").join(
            Markup('<th scope="colgroup" colspan="{}">{}</th>').format(count, group)
            if group
            else Markup('<td colspan="{}"></td>').format(count)
            for group, count in part.groups
        )
        lines.append(Markup("<tr>{}</tr>\n").format(cells))
    cells = Markup("").join(
        Markup('<th scope="col" class="{}">{}</th>').format(column.align, column.head)
        for column in part.columns
    )
    return Markup("").join([*lines, Markup("<tr>{}</tr>\n").format(cells)])


def _kind(align: str, usual: str = "right") -> Markup:
    """A cell that stands as nearly all do needs no class: numbers right, names of rows left."""
    return Markup("") if align == usual else Markup(' class="{}"').format(align)


def _body(part: Part) -> Markup:
    lines = []
    for number, row in enumerate(part.rows):
        ruled = Markup(' class="ruled"') if number in part.rules else Markup("")
        first = Markup('<th scope="row"{}>{}</th>').format(
            _kind(part.columns[0].align, usual="left"), row[0]
        )
        rest = Markup("").join(
            Markup("<td{}>{}</td>").format(_kind(column.align), escape(cell))
            for column, cell in zip(part.columns[1:], row[1:], strict=True)
        )
        lines.append(Markup("<tr{}>{}{}</tr>\n").format(ruled, first, rest))
    return Markup("").join(lines)
