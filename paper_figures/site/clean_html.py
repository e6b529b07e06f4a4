"""Fragments of HTML from disk: only what a table is made of gets through."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markupsafe import Markup, escape

from paper_figures.site.plain_text import shown
from songoku_theory.errors import InvalidInputError

__all__ = ["table_only"]

_TABLE = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_WORDING = {"strong", "b", "em", "i", "sub", "sup", "small", "span", "br", "code", "abbr", "a"}
_BLOCKS = {"p", "ul", "ol", "li"}
_KEPT = frozenset(_TABLE | _WORDING | _BLOCKS)
_VOID = frozenset({"br", "col"})
_DROPPED = frozenset({"script", "style", "template", "iframe", "object", "svg", "math", "title"})
"""Of these the content goes too."""
_ATTRIBUTES = frozenset({"scope", "colspan", "rowspan", "class", "title", "id", "headers", "href"})
_WORDS = re.compile(r"[A-Za-z0-9 _.-]*")
_LINK = re.compile(r"(?:[A-Za-z0-9_-]+\.html)?#[A-Za-z0-9._?=&-]+|https://[A-Za-z0-9./_-]+")


def table_only(text: str) -> Markup:
    """Keep a fragment's tables, text and emphasis; leave out everything that could act.

    Parameters
    ----------
    text : str
        HTML, e.g. ``"<table><tr><th scope='row'>ema</th></tr></table>"``.

    Returns
    -------
    Markup
        Well-formed: every element is closed. Links lead to addresses of the report or https
        pages; ids start with ``cell-``, so that they never meet the page's own.

    Raises
    ------
    InvalidInputError
        If there is no table in it.

    Examples
    --------
    >>> table_only("<table><tr><td onclick='x()'>1 &lt; 2<script>x()</script></td></tr></table>")
    Markup('<table><tr><td>1 &lt; 2</td></tr></table>')
    """
    parser = _Cleaner()
    parser.feed(text)
    parser.close()
    cleaned = parser.result()
    if "<table" not in cleaned:
        raise InvalidInputError("the fragment holds no table.")
    return Markup(cleaned)


class _Cleaner(HTMLParser):
    """Writes what is allowed; the stack of open elements closes what the source did not."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._silent: list[str] = []

    def result(self) -> str:
        """Give the cleaned fragment."""
        return "".join(self._parts) + "".join(f"</{tag}>" for tag in reversed(self._open))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write an allowed element with its allowed attributes."""
        if tag in _DROPPED:
            self._silent.append(tag)
        if self._silent or tag not in _KEPT:
            return
        written = "".join(_attribute(name, value or "") for name, value in attrs)
        self._parts.append(f"<{tag}{written}>")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and whatever was left open inside it."""
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
            return
        if tag in self._open:
            while (last := self._open.pop()) != tag:
                self._parts.append(f"</{last}>")
            self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Write text, escaped."""
        if not self._silent:
            self._parts.append(str(escape(shown(data))))


def _attribute(name: str, value: str) -> str:
    if name not in _ATTRIBUTES:
        return ""
    if name == "href":
        return f' href="{escape(value)}"' if _LINK.fullmatch(value) else ""
    if name == "title":
        return f' title="{escape(shown(value))}"'
    if not _WORDS.fullmatch(value):
        return ""
    if name in ("id", "headers"):
        value = " ".join(f"cell-{one}" for one in value.split())
    return f' {name}="{escape(value)}"' if value else ""
