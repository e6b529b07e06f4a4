"""Fragments of tables from disk: what shows gets through, what acts does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper_figures.engine.table import Column, Part, Table
from paper_figures.engine.table_html import table_html
from paper_figures.site.clean_html import table_only
from paper_figures.site.plain_text import shown
from songoku_theory.errors import InvalidInputError

TABLE = "<table><tbody><tr><td>{}</td></tr></tbody></table>"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("1 &lt; 2 &amp; 3", "1 &lt; 2 &amp; 3"),
        ("<script>alert(1)</script>x", "x"),
        ("<style>td{}</style>x", "x"),
        ("<svg><script>1</script></svg>x", "x"),
        ("<img src=x onerror=alert(1)>x", "x"),
        ("<b onclick='x()' style='a'>x</b>", "<b>x</b>"),
        ("<a href='javascript:x()'>x</a>", "<a>x</a>"),
        ("<a href=' JaVaScRiPt:x()'>x</a>", "<a>x</a>"),
        ("<a href='data:text/html,x'>x</a>", "<a>x</a>"),
        ("<a href='ledger.html#EMA-8'>x</a>", '<a href="ledger.html#EMA-8">x</a>'),
        ("<a href='../../etc/passwd'>x</a>", "<a>x</a>"),
        ("<i>x", "<i>x</i>"),
        ("x</div></section>", "x"),
        ("<td id='part-ledger' class='a\"b'>x</td>", '<td id="cell-part-ledger">x</td>'),
        ("<!-- x --><?php 1 ?>x", "x"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("<iframe src='//x'></iframe>x", "x"),
        ("<form action='//x'><input>x</form>", "x"),
    ],
)
def test_what_acts_is_left_out(inside: str, expected: str) -> None:
    assert str(table_only(TABLE.format(inside))) == TABLE.format(expected)


def test_scopes_spans_and_classes_are_kept() -> None:
    text = (
        '<table class="data"><caption>t</caption><thead><tr><th scope="col" colspan="2">a</th>'
        '</tr></thead></table><p class="note">n</p>'
    )
    assert str(table_only(text)) == text


@pytest.mark.parametrize("text", ["", "hello", "<script><table></table></script>", "<p>x</p>"])
def test_a_fragment_without_a_table_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="no table"):
        table_only(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_table_says_arrives_as_text(head: str, cell: str) -> None:
    """The table writer escapes, the cleaner reads and escapes again: text stays the same text."""
    from html.parser import HTMLParser

    part = Part("", (Column(head), Column("x")), ((cell, "1"),))
    table = Table((part,), None, "", "", "")  # type: ignore[arg-type]
    tags, texts = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)

        def handle_data(self, data: str) -> None:
            texts.append(data)

    reader = Reader()
    reader.feed(str(table_only(table_html("t", table))))
    reader.close()
    assert tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "th", "td"]
    assert "".join(str(shown(head)).split()) in "".join("".join(texts).split())
    assert "".join(str(shown(cell)).split()) in "".join("".join(texts).split())


@given(st.text(max_size=200))
def test_any_bytes_make_a_closed_fragment_or_a_refusal(text: str) -> None:
    try:
        cleaned = str(table_only(f"<table><tr><td>{text}"))
    except InvalidInputError:
        return
    assert cleaned.count("<table") == cleaned.count("</table>")
    assert "<script" not in cleaned
