"""A table becomes LaTeX, Markdown, HTML and CSV: escaped in each, and no wider than a page."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from paper_figures.cli import figures
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import (
    TableSpec,
    available_figures,
    available_outputs,
    available_tables,
    get_table,
)
from paper_figures.engine.runner import draw_all, lay_out
from paper_figures.engine.source_rows import Sources
from paper_figures.engine.style import STYLES
from paper_figures.engine.table import Column, Part, Table
from paper_figures.engine.table_html import table_html
from paper_figures.engine.table_latex import POINTS, natural_width, table_latex
from paper_figures.engine.table_markdown import table_markdown
from songoku_theory.errors import InvalidInputError, UnknownNameError

NEURIPS = STYLES["neurips"]
GOLDEN = Path(__file__).with_name("golden") / "tables"
KINDS = ("tex", "md", "html", "csv", "json")
BAD = "a<b> & $x_1$ 5% | \\cmd{} # ~ ^ ±↑ `c` \"q\" 'r' é 鸟"


def _table(*cells: str, head: str = "value") -> Table:
    columns = (Column("name", "left"), *(Column(head, "right", "group") for _ in cells))
    part = Part("first", columns, (("row", *cells), ("next", *cells)), (1,), (f"note {BAD}",))
    return Table((part,), pl.DataFrame({"x": [1.0]}), "Shown.", "2 rows", "none")


class _Reader(HTMLParser):
    """Cells and elements of a fragment; fails where it is not well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        assert all(name in {"scope", "class", "id", "colspan"} for name, _ in attrs)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"td", "th"}:
            self.cells[-1] += data


def _read(fragment: str) -> _Reader:
    reader = _Reader()
    reader.feed(fragment)
    reader.close()
    assert reader.open == []
    return reader


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_html_gives_back_any_text(text: str) -> None:
    reader = _read(table_html("t", _table(text)))
    assert reader.cells.count(text) >= 2


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_latex_of_any_text_is_ascii_and_balanced(text: str) -> None:
    found = table_latex("t", "A table", _table(text), "Shown.", NEURIPS)
    assert found.isascii()
    bare = re.sub(r"\\[{}]", "", found)
    assert bare.count("{") == bare.count("}")
    row = next(line for line in found.splitlines() if line.startswith("row & "))
    assert len(re.findall(r"(?<!\\)&", row)) == 1
    assert not re.search(r"(?<!\\)[$%#]", row)


def test_markdown_keeps_every_row_on_one_line() -> None:
    text = table_markdown("A table", _table(BAD + "\nsecond"), "Shown.")
    rows = [line for line in text.splitlines() if line.startswith("| row") or "| next" in line]
    assert len(rows) == 2
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 3
    assert "<b>" not in text


def test_groups_rules_and_notes_are_written() -> None:
    table = _table("1", "2")
    html, latex = table_html("t", table), table_latex("t", "T", table, "Shown.", NEURIPS)
    assert '<td colspan="1"></td><th scope="colgroup" colspan="2">group</th>' in html
    assert '<tr class="ruled"><th scope="row">next</th>' in html
    assert html.count('<p class="note">') == 1
    assert r"\multicolumn{2}{c}{group}" in latex
    assert r"\cmidrule(lr){2-3}" in latex
    assert latex.count(r"\midrule") == 2
    assert "group: value" in table_markdown("T", table, "Shown.")


def test_type_shrinks_until_the_table_fits_and_then_the_table_does() -> None:
    sizes = [
        re.search(r"\\(small|footnotesize|scriptsize)\\set", latex)
        for latex in (
            table_latex("t", "T", _table(*["1" * digits] * 7), "Shown.", NEURIPS)
            for digits in (5, 11, 12)
        )
    ]
    assert [found and found[1] for found in sizes] == ["small", "footnotesize", "scriptsize"]
    wide = _table(*["1234567890"] * 14)
    assert natural_width(wide.parts[0], 7.0) > NEURIPS.full * POINTS
    assert r"\resizebox{\linewidth}" in table_latex("t", "T", wide, "Shown.", NEURIPS)


def test_a_table_wider_than_a_column_spans_the_page() -> None:
    table = _table(*["1234567890"] * 5)
    assert r"\begin{table*}" in table_latex("t", "T", table, "Shown.", STYLES["icml"])
    assert r"\begin{table*}" not in table_latex("t", "T", table, "Shown.", NEURIPS)


def test_long_parts_are_broken_over_pages() -> None:
    part = Part("all", (Column("a", "left"),), tuple((str(n),) for n in range(60)))
    table = Table((part, part), pl.DataFrame({"x": [1]}), "Shown.", "60", "none")
    latex = table_latex("t", "T", table, "Shown.", NEURIPS)
    assert latex.count(r"\begin{longtable}") == 2
    assert r"\label{tab:t-2}" in latex
    assert latex.count("Shown.") == 1


def test_text_columns_share_the_room_and_no_more() -> None:
    columns = (Column("id", "text"), Column("text", "text"))
    part = Part("", columns, (("ID-1", "word " * 200),))
    latex = table_latex("t", "T", Table((part,), pl.DataFrame(), "S.", "1", "none"), "S.", NEURIPS)
    first, second = (int(points) for points in re.findall(r"p\{(\d+)pt\}", latex))
    assert first < 30
    assert NEURIPS.full * POINTS - 12 < first + second + 8 <= NEURIPS.full * POINTS + 2


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="one cell for each of the 1 columns; found 2"):
        Part("p", (Column("a"),), (("1", "2"),))


def test_tables_and_figures_share_the_registry_and_not_the_names() -> None:
    tables, drawn = available_tables(), available_figures()
    assert {"verdicts", "claims", "table2", "table4"} <= tables.keys()
    assert not tables.keys() & drawn.keys()
    assert available_outputs().keys() == tables.keys() | drawn.keys()
    with pytest.raises(UnknownNameError, match="Did you mean 'verdicts'"):
        get_table("verdict")


def test_a_table_is_written_in_every_format(store: Path, ledger_file: Path, tmp_path: Path) -> None:
    place = ["--store", str(store), "--ledger", str(ledger_file), "--out", str(tmp_path)]
    result = CliRunner().invoke(figures, ["verdicts", "claims", *place])
    assert result.exit_code == 0, result.output
    assert "2 of 2 tables are in" in result.output
    expected = {f"{name}.{kind}" for name in ("verdicts", "claims") for kind in KINDS}
    assert {path.name for path in tmp_path.iterdir()} == expected
    found = json.loads((tmp_path / "claims.json").read_text())
    assert found["kind"] == "table"
    assert found["drawn_rows"] == pl.read_csv(tmp_path / "claims.csv").height == 10
    assert found["ledger_sha256"]
    _read((tmp_path / "claims.html").read_text())


def test_without_names_missing_rows_are_listed_and_no_failure(
    ledger_file: Path, tmp_path: Path
) -> None:
    place = ["--store", str(tmp_path / "no"), "--ledger", str(ledger_file), "--out", str(tmp_path)]
    result = CliRunner().invoke(figures, place)
    assert result.exit_code == 0, result.output
    tail = result.output.partition("the commands that make them:")[2]
    assert re.search(r"  songoku sweep run quick\n    for .*recovery.*table4", tail)
    assert re.search(r"  songoku trace\n    for pipeline\n", tail)
    assert "ledger: drawn" in result.output
    assert "verdicts: drawn" in result.output
    assert "claims: drawn" not in result.output  # long, and the report has a ledger: on request
    assert get_table("claims").on_request
    named = CliRunner().invoke(figures, ["table4", "ledger", *place])
    assert named.exit_code == 1
    assert "table4: missing, There is no store" in named.output


def test_what_fails_fails_even_where_none_is_named(ledger_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "store.sqlite"
    broken.write_text("not a store")
    place = ["--store", str(broken), "--ledger", str(ledger_file), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(figures, place)
    assert result.exit_code == 1
    assert "recovery: failed" in result.output


def test_the_same_input_gives_the_same_bytes(ledger_file: Path) -> None:
    sources = Sources(Path("none"), ledger_file)
    spec = get_table("verdicts")
    rows, ledger = sources.fetch(spec)
    first, second = (lay_out(spec, FigureInput(rows, ledger, NEURIPS)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["verdicts", "claims"])
def test_the_ledgers_tables_are_the_golden_data(name: str, ledger_file: Path) -> None:
    """Counts and texts, exactly."""
    spec, path = get_table(name), GOLDEN / f"{name}.csv"
    rows, ledger = Sources(Path("none"), ledger_file).fetch(spec)
    found = lay_out(spec, FigureInput(rows, ledger, NEURIPS)).files["csv"]
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        path.write_bytes(found)
    assert found.decode() == path.read_text(encoding="utf-8")


def test_a_table_without_numbers_is_refused(tmp_path: Path) -> None:
    def empty(given: FigureInput) -> Table:
        return Table((), pl.DataFrame({"x": []}), given.style.name, "0", "none")

    spec = TableSpec("made_up", "Made up", (), (), empty, __name__, 1)
    outcomes = list(draw_all([spec], Sources(tmp_path, tmp_path), tmp_path, NEURIPS))
    assert [outcome.status for outcome in outcomes] == ["failed"]
    assert "drew no data" in outcomes[0].message
    assert not list(tmp_path.iterdir())
