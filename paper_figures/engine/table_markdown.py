"""A table as Markdown."""

from __future__ import annotations

from paper_figures.engine.table import Part, Table

__all__ = ["table_markdown"]


def table_markdown(title: str, table: Table, caption: str) -> str:
    """Write a table as Markdown: heading, caption, and a pipe table for each part.

    Parameters
    ----------
    title : str
        Of the whole table.
    table : Table
    caption : str
        The full caption.
    """
    parts = [f"# {_text(title)}", _text(caption)]
    for part in table.parts:
        if part.title:
            parts.append(f"## {_text(part.title)}")
        parts.append(_pipe_table(part))
        parts += [_text(note) for note in part.notes]
    return "\n\n".join(parts) + "\n"


def _pipe_table(part: Part) -> str:
    heads = [
        f"{column.group}: {column.head}" if column.group else column.head for column in part.columns
    ]
    rule = ["---:" if column.align == "right" else ":---" for column in part.columns]
    texts = [[_text(cell) for cell in line] for line in (heads, *part.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (texts[0], rule, *texts[1:]))


def _text(text: str) -> str:
    """Escape what Markdown or HTML would take for its own.

    Examples
    --------
    >>> _text("a|b <c> *d* e_f")
    'a\\\\|b &lt;c&gt; \\\\*d\\\\* e\\\\_f'
    """
    for sign in "\\`*_|[]#":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
