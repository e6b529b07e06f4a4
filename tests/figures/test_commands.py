"""``songoku figures`` and ``songoku report`` as a user types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from paper_figures.cli import figures, report
from songoku_theory.errors import UnknownNameError


@pytest.fixture
def places(store: Path, ledger_file: Path) -> list[str]:
    return ["--store", str(store), "--ledger", str(ledger_file)]


def test_the_list_says_what_each_figure_needs() -> None:
    result = CliRunner().invoke(figures, ["--list"])
    assert result.exit_code == 0
    assert "pipeline" in result.output
    assert "(needs trace)" in result.output
    assert "(needs nothing)" in result.output


def test_figures_are_drawn_where_asked(places: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(
        figures, ["ledger", *places, "--out", str(tmp_path), "--style", "icml"]
    )
    assert result.exit_code == 0, result.output
    assert "ledger: drawn, 10 marks" in result.output
    assert "1 of 1 figures" in result.output
    assert (tmp_path / "ledger.pdf").exists()


def test_missing_rows_make_the_status_1_and_name_the_command(tmp_path: Path) -> None:
    nothing = ["--store", str(tmp_path / "no.sqlite"), "--ledger", str(tmp_path / "no.json")]
    result = CliRunner().invoke(
        figures, ["recovery", "ledger", *nothing, "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 1
    assert "recovery: missing" in result.output
    assert "songoku sweep run quick" in result.output
    assert "songoku claims check --all" in result.output
    assert "0 of 2 figures" in result.output


def test_a_wrong_name_draws_nothing(places: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(figures, ["ledger", "recovry", *places, "--out", str(out)])
    assert isinstance(result.exception, UnknownNameError)
    assert "Did you mean 'recovery'" in str(result.exception)
    assert not out.exists()


def test_a_wrong_style_names_the_nearest(places: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(figures, ["n_eff", *places, "--style", "icmll"])
    assert isinstance(result.exception, UnknownNameError)
    assert "Did you mean 'icml'" in str(result.exception)


def test_the_environment_names_store_and_ledger(
    store: Path, ledger_file: Path, tmp_path: Path
) -> None:
    environment = {"SONGOKU_STORE": str(store), "SONGOKU_LEDGER": str(ledger_file)}
    result = CliRunner().invoke(report, ["--out", str(tmp_path)], env=environment)
    assert result.exit_code == 0, result.output
    assert f"report: {tmp_path / 'index.html'}" in result.output
    assert "the ledger" not in result.output
    assert "missing: 1 figure. Not drawn: pipeline. Make it with: songoku trace" in result.output


def test_figures_from_elsewhere_are_taken_along(
    places: list[str], drawn: Path, tmp_path: Path
) -> None:
    result = CliRunner().invoke(report, [*places, "--figures", str(drawn), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    # What this folder does not hold is named as not drawn, and nothing that it holds.
    assert "pipeline" not in result.output.partition("Not drawn:")[2]
    assert (tmp_path / "figures" / "pipeline.pdf").read_bytes() == (
        drawn / "pipeline.pdf"
    ).read_bytes()


def test_a_report_of_nothing_is_still_a_report(tmp_path: Path) -> None:
    nothing = ["--store", str(tmp_path / "no.sqlite"), "--ledger", str(tmp_path / "no.json")]
    result = CliRunner().invoke(report, [*nothing, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    for what, command in (("the ledger", "songoku claims check --all"),
                          ("the store", "songoku sweep run quick"),
                          ("1 figure", "songoku trace, then songoku figures")):  # fmt: skip
        (line,) = [one for one in result.output.splitlines() if f"missing: {what}. " in one and
                   one.endswith(f"Make it with: {command}")]  # fmt: skip
        assert line
    assert (tmp_path / "out" / "index.html").exists()
